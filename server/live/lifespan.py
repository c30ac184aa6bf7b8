"""A web worker's beginning and end: its hub hears the machines, and publishes what waits, also while nobody looks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.urls import get_resolver
from django.utils import translation

from server.errors import ServerError
from server.json_logging import log_fields
from server.live import words
from server.live.hub import hub, stop_hub

_log = logging.getLogger(__name__)


def _warm_up() -> None:
    """Read pages, addresses and catalogues now, and not while the first browser waits."""
    get_resolver().reverse_dict  # noqa: B018 - reading it reads every page's module
    get_template("room/index.html")
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            words.for_page()


async def live(
    receive: Callable[[], Awaitable[Mapping[str, Any]]], send: Callable[[Mapping[str, Any]], Awaitable[None]]
) -> None:
    """Answer the ASGI server's «lifespan». Pages are served also where no machine can be heard."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await asyncio.to_thread(_warm_up)
            try:
                hub().start()
            except ServerError as error:
                _log.error("the room hears no machines", extra=log_fields(why=str(error)))
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(stop_hub)
            await send({"type": "lifespan.shutdown.complete"})
            return
