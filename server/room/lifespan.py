"""A web worker's beginning and end: its hub hears the machines, and publishes what waits, also while nobody looks."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from server.errors import ServerError
from server.log_lines import facts
from server.room.hub import hub, stop_hub

_log = logging.getLogger(__name__)


async def live(
    receive: Callable[[], Awaitable[Mapping[str, Any]]], send: Callable[[Mapping[str, Any]], Awaitable[None]]
) -> None:
    """Answer the ASGI server's «lifespan». Pages are served also where no machine can be heard."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                hub().start()
            except ServerError as error:
                _log.error("the room hears no machines", extra=facts(why=str(error)))
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(stop_hub)
            await send({"type": "lifespan.shutdown.complete"})
            return
