"""Files over ASGI: read piece by piece beside the server's loop, so that a large one neither holds it up nor fills it.

Static files and exports are files that are read synchronously, which Django would read whole before the first byte goes
out (and warn of it).
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from server.web.headers import Later, Next

AT_A_TIME = 64
"""So many pieces for each turn beside the loop: of a file's 4 KiB, 256 KiB."""


@sync_and_async_middleware
def beside_the_loop(get_response: Next | Later) -> Next | Later:
    """Where an answer goes out over ASGI, let one that is read synchronously be read beside the loop."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return _beside(request, await cast("Later", get_response)(request))

        return later

    # Django runs this way round over ASGI too, where a middleware further in is synchronous.
    def now(request: HttpRequest) -> HttpResponseBase:
        return _beside(request, cast("Next", get_response)(request))

    return now


def _beside(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if isinstance(request, ASGIRequest) and isinstance(response, StreamingHttpResponse) and not response.is_async:
        response.streaming_content = _later(iter(cast("Iterable[bytes]", response.streaming_content)))
    return response


async def _later(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    while some := await sync_to_async(_some)(pieces):
        yield some


def _some(pieces: Iterator[bytes]) -> bytes:
    return b"".join(islice(pieces, AT_A_TIME))
