"""Too many strangers at once: refused before Django sees them, while other pages are served."""

import asyncio
from collections.abc import Mapping
from typing import Any

from server.limits.request_limits import limited
from server.web.error_views import busy_page


def test_too_many_strangers_are_asked_to_try_again_in_both_languages_and_other_pages_are_served() -> None:
    async def flood() -> list[tuple[int, bytes]]:
        leave = asyncio.Event()
        answers: list[tuple[int, bytes]] = []

        async def slow(_scope: object, receive: Any, send: Any) -> None:  # noqa: ANN401 - as ASGI has it
            await receive()
            await leave.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})

        application = limited(slow, busy_page=busy_page())

        async def ask(method: str, path: str) -> None:
            said: list[Mapping[str, Any]] = []

            async def receive() -> Mapping[str, Any]:
                return {"type": "http.request", "body": b""}

            async def send(message: Mapping[str, Any]) -> None:
                said.append(message)

            scope = {"type": "http", "path": path, "method": method, "headers": [], "client": ("192.0.2.1", 5)}
            await application(scope, receive, send)
            answers.append((said[0]["status"], said[1]["body"]))

        asked = [asyncio.create_task(ask("POST", path)) for path in ("/log-in/", "/welcome/x/") * 20]
        asked += [asyncio.create_task(ask("GET", "/c/trondheim/participants/")) for _ in range(30)]
        await asyncio.sleep(0.1)
        refused = list(answers)
        leave.set()
        await asyncio.gather(*asked)
        assert len(answers) == 70
        return refused

    refused = asyncio.run(flood())
    assert {status for status, _body in refused} == {503}
    assert len(refused) == 33
    assert all("og prøv igjen" in body.decode() and b"Wait a few seconds" in body for _status, body in refused)
