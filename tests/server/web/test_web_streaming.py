"""Files over ASGI: the same bytes, read beside the loop."""

import asyncio
from io import BytesIO
from typing import cast

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory

from server.web.headers import Later, Next
from server.web.streaming import beside_the_loop

CONTENT = bytes(range(256)) * 4096
OVER_ASGI = AsyncRequestFactory().get("/")


async def pieces_of(response: HttpResponseBase) -> list[bytes]:
    """As Django sends it over ASGI; a warning is an error here."""
    return [piece async for piece in cast("StreamingHttpResponse", response)]


def test_a_file_goes_out_whole_in_pieces_that_are_read_beside_the_loop() -> None:
    def now(_request: HttpRequest) -> HttpResponseBase:
        return FileResponse(BytesIO(CONTENT), content_type="application/zip")

    async def later(request: HttpRequest) -> HttpResponseBase:
        return now(request)

    async def received() -> tuple[list[bytes], list[bytes]]:
        return (
            await pieces_of(cast("Next", beside_the_loop(now))(OVER_ASGI)),
            await pieces_of(await cast("Later", beside_the_loop(later))(OVER_ASGI)),
        )

    for pieces in asyncio.run(received()):
        assert [len(one) for one in pieces] == [256 * 1024] * 4
        assert b"".join(pieces) == CONTENT


def test_pages_and_what_goes_out_without_asgi_are_left_as_they_are() -> None:
    page, file = HttpResponse("page"), FileResponse(BytesIO(CONTENT))
    assert cast("Next", beside_the_loop(lambda _request: page))(OVER_ASGI) is page
    answered = cast("FileResponse", cast("Next", beside_the_loop(lambda _request: file))(RequestFactory().get("/")))
    assert (answered.is_async, b"".join(cast("list[bytes]", answered))) == (False, CONTENT)
