"""What the services' accounts may ask of the coach: each its own, whatever a service that was taken over tries."""

import asyncio
import os
import socket
from pathlib import Path
from typing import get_args

import pytest

from coach.kiosk.view import Button
from coach.model.messages import AllRightAnswer, CommandName, Exertion, SessionCommand
from firmware.ipc import client_rights
from firmware.ipc.client import CoachLink
from firmware.ipc.client_rights import BY_ACCOUNT, COURIER, DISPLAY, EVERYTHING, ClientRights, ServiceRights
from firmware.ipc.messages import (
    FORMAT,
    AnyToCoach,
    AskParticipants,
    Done,
    Hello,
    NextUndelivered,
    Press,
    RequestRefusal,
    StopService,
    Subscribe,
    Tell,
    TypeDigit,
)
from firmware.ipc.server import Client, LocalServer

ACCOUNTS = Path(__file__).resolve().parents[3] / "systemd/etc/sysusers.d/interval-coach.conf"
NEVER = {
    "display": ("plan", "withdraw_plan", "add_participant", "remove_participant", "pin", "receipt", "forget_receipts",
                "next_undelivered",
                "session", "sessions", "participants", "show_text", "open_training", "stop_service"),
    "courier": ("press", "digit", "pin", "add_participant", "remove_participant", "open_training", "devices", "session",
                "sessions", "participants", "self_test", "stop_service"),
}  # fmt: skip


def tag(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]


@pytest.mark.parametrize(("rights", "never"), [(DISPLAY, NEVER["display"]), (COURIER, NEVER["courier"])])
def test_a_service_may_not_ask_what_is_another_ones(rights: ClientRights, never: tuple[str, ...]) -> None:
    assert rights.messages is not None
    assert {tag(kind) for kind in rights.messages} & set(never) == set()
    assert set(never) <= {tag(kind) for kind in get_args(AnyToCoach)}


def test_the_courier_may_lead_a_session_by_commands_and_tell_it_nothing_else() -> None:
    assert COURIER.allow(Tell(message=SessionCommand(0.0, CommandName.PAUSE)))
    assert COURIER.allow(Tell(message=AllRightAnswer(0.0, source="therapist")))
    assert not COURIER.allow(Tell(message=Exertion(0.0, 15)))
    assert not DISPLAY.allow(Tell(message=Exertion(0.0, 15)))


def test_every_named_account_is_made_by_the_installer() -> None:
    made = ACCOUNTS.read_text(encoding="utf-8")
    assert [one for one in BY_ACCOUNT if f"u {one} " not in made] == []


def test_the_kernel_says_whose_a_connection_is() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert ServiceRights({os.getuid(): DISPLAY}).of_client(ours) is DISPLAY
        assert ServiceRights({os.getuid() + 1: DISPLAY}).of_client(ours) is EVERYTHING


def test_accounts_that_this_system_has_not_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_rights, "BY_ACCOUNT", {"root": DISPLAY, "no-such-account-here": COURIER})
    assert ServiceRights.of_this_system() == ServiceRights({0: DISPLAY})


def test_a_refused_request_reaches_nothing_and_is_answered_with_its_number(tmp_path: Path) -> None:
    heard: list[AnyToCoach] = []

    def take(client: Client, message: AnyToCoach) -> None:
        heard.append(message)
        client.answer(Done(message.request))

    async def run() -> list[object]:
        rights = ServiceRights({os.getuid(): DISPLAY})
        server = LocalServer(tmp_path / "s", Hello(FORMAT, "1", "boot", 1, "/diary.db"), take, rights)
        server.open()
        found: list[object] = []
        try:
            with CoachLink(tmp_path / "s") as link:
                asked = (
                    StopService(),
                    AskParticipants(),
                    NextUndelivered(),
                    Press(button=Button.START),
                    TypeDigit(digit=1),
                )
                for number, message in enumerate((*asked, Subscribe()), 1):
                    link.say(message.numbered(number))
                while len(found) < 7:
                    await asyncio.sleep(0.001)
                    found += link.receive(0)
        finally:
            server.close()
        return found

    _hello, *answers = asyncio.run(asyncio.wait_for(run(), 30))
    assert [(type(one), one.request) for one in answers if isinstance(one, RequestRefusal | Done)] == [
        (RequestRefusal, 1), (RequestRefusal, 2), (RequestRefusal, 3), (Done, 4), (Done, 5), (Done, 6),
    ]  # fmt: skip
    assert [type(one) for one in heard] == [Press, TypeDigit, Subscribe]
