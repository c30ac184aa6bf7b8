"""Limits of each request before Django sees it: its body's size and time, and how much work strangers may cause."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.limits.admission import TRY_AGAIN_S, Admission, AdmissionError
from server.limits.listening import caller_of

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]

MOST_BODY_BYTES = 24 * 1024 * 1024
"""No request is larger: a participant's package from another clinic is the largest that there is."""


BODY_S = 20.0
BODY_BYTES_A_SECOND = 64 * 1024
"""A body has so long, and the time that its length takes at this rate: a package over a slow line is in time."""


class TooMuchError(Exception):
    """A request's body is larger than any that is meant."""


class TooSlowError(Exception):
    """A request's body did not arrive in time."""


def limited(
    application: Application, most_bytes: int = MOST_BODY_BYTES, body_s: float = BODY_S, busy_page: bytes = b""
) -> Application:
    """Return an application with limits.

    It answers 413 to a body of more than `most_bytes`, 408 to one that is not here in time, and 503 (`busy_page`) where
    too many strangers make it work. Nothing of such a request is kept.
    """
    admission = Admission()

    async def inner(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        told = dict(scope["headers"]).get(b"content-length", b"0")
        if not told.isdigit() or int(told) > most_bytes:
            await _refuse(send, 413)
            return
        taking = _timed(receive, most_bytes, body_s + int(told) / BODY_BYTES_A_SECOND)
        try:
            if not _is_strangers_work(scope):
                await application(scope, taking, send)
                return
            async with admission.place(caller_of((scope.get("client") or ("",))[0])):
                await application(scope, taking, send)
        except TooMuchError:
            await _refuse(send, 413)
        except TooSlowError:
            await _refuse(send, 408)
        except AdmissionError:
            retry = (b"retry-after", str(TRY_AGAIN_S).encode())
            await _refuse(send, 503, busy_page, retry, (b"content-type", b"text/html; charset=utf-8"))

    return inner


def _timed(receive: Receive, most_bytes: int, within_s: float) -> Receive:
    """Return a `receive` that bounds the body's size and time. What comes after the body may take for ever."""
    read, whole = 0, False
    until_s = asyncio.get_running_loop().time() + within_s

    async def timed() -> Mapping[str, Any]:
        nonlocal read, whole
        if whole:
            return await receive()
        try:
            async with asyncio.timeout_at(until_s):
                message = await receive()
        except TimeoutError as error:
            raise TooSlowError from error
        read += len(message.get("body", b""))
        if read > most_bytes:
            raise TooMuchError
        whole = not message.get("more_body", False)
        return message

    return timed


def _is_strangers_work(scope: Mapping[str, Any]) -> bool:
    """Return whether a caller who is not known yet makes the server hash a password or ask the provider."""
    path = str(scope["path"])
    if path.startswith("/log-in/provider/"):
        return True
    return scope["method"] == "POST" and (path == "/log-in/" or path.startswith("/welcome/"))


async def _refuse(send: Send, status: int, body: bytes = b"", *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [length, (b"connection", b"close"), (b"cache-control", b"no-store"), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
