"""The pages as an ASGI application: what uvicorn serves."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.core.asgi import get_asgi_application

from server.json_logging import log_pages_to

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 24 * 1024 * 1024
"""No request is larger: a participant's package from another clinic is the largest that there is."""


class TooMuchError(Exception):
    """A request's body is larger than any that is meant."""


def limited(application: Application, most_bytes: int = MOST_BODY_BYTES) -> Application:
    """An application that answers 413 to a body of more than `most_bytes`, and keeps nothing of it."""

    async def inner(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            from server.live.lifespan import live  # noqa: PLC0415 - models exist once Django is ready

            await live(receive, send)
            return
        if scope["type"] != "http":
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most_bytes:
            await _refuse(send)
            return
        read = 0

        async def counted() -> Mapping[str, Any]:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most_bytes:
                raise TooMuchError
            return message

        try:
            await application(scope, counted, send)
        except TooMuchError:
            await _refuse(send)

    return inner


async def _refuse(send: Send) -> None:
    headers = [(b"content-length", b"0"), (b"connection", b"close"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
log_pages_to()
application = limited(get_asgi_application())
