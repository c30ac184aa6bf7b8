"""The pages as an ASGI application: what uvicorn serves."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

from server.json_logging import log_pages_to
from server.limits.request_limits import Application, Receive, Send, limited
from server.web.error_views import busy_page


def with_room(pages: Application) -> Application:
    """Return an application that serves the pages, and runs the live room as long as the server runs."""

    async def inner(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            from server.live.lifespan import live  # noqa: PLC0415 - models exist once Django is ready

            await live(receive, send)
            return
        await pages(scope, receive, send)

    return inner


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
log_pages_to()
_pages = get_asgi_application()
application = with_room(limited(_pages, busy_page=busy_page()))
