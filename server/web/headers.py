"""Headers that every answer carries, beside those of Django's own middleware and of django-csp."""

from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in (
        "accelerometer", "autoplay", "camera", "display-capture", "geolocation", "gyroscope", "hid",
        "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip
"""Nothing of the device is needed but the screen; a wall tablet may keep it lit."""

ALWAYS = {
    "Permissions-Policy": f"{PERMISSIONS}, fullscreen=(self), screen-wake-lock=(self)",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}

Next = Callable[[HttpRequest], HttpResponseBase]
Later = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def security_headers(get_response: Next | Later) -> Next | Later:
    """Set them. Pages are never kept by browser or proxy; static files, whose names hold a hash, are."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return _with_headers(await cast("Later", get_response)(request))

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        return _with_headers(cast("Next", get_response)(request))

    return now


def _with_headers(response: HttpResponseBase) -> HttpResponseBase:
    for name, value in ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    return response
