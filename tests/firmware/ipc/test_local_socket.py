"""The local socket: framing, refusals, slow and frozen clients, left-over sockets."""

import asyncio
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.kiosk.view import Button, DisplayState, ScreenId
from coach.model.cue import Cue, CueName
from coach.model.messages import Exertion
from firmware.ipc import server as local_socket
from firmware.ipc.client import CoachLink, NoCoachError, NoPlaceError, SocketInUseError
from firmware.ipc.client_rights import DISPLAY, ServiceRights
from firmware.ipc.messages import (
    FORMAT,
    AnyFromCoach,
    AnyToCoach,
    CueNow,
    Done,
    Hello,
    Lines,
    Press,
    RequestRefusal,
    Subscribe,
    Tell,
    ViewNow,
    decode_from_coach,
    decode_to_coach,
    encode,
    pieces,
)
from firmware.ipc.server import KEPT_FOR_SERVICES, Client, LocalServer, listen

HELLO = Hello(FORMAT, "1", "boot", 1, "/diary.db")
VIEW = DisplayState(face=ScreenId.STRAP)


class _Heard:
    """What clients said; each gets «done» for an answer."""

    def __init__(self) -> None:
        self.messages: list[AnyToCoach] = []

    def __call__(self, client: Client, message: AnyToCoach) -> None:
        self.messages.append(message)
        client.answer(Done(message.request))


def with_server(path: Path, act: Callable[[LocalServer, _Heard], object]) -> None:
    """Run `act`, a coroutine, beside an open server."""

    async def run() -> None:
        heard = _Heard()
        server = LocalServer(path, HELLO, heard)
        server.open()
        try:
            await act(server, heard)  # type: ignore[misc]
        finally:
            server.close()

    asyncio.run(run())


async def answers(link: CoachLink, count: int) -> list[AnyFromCoach]:
    """So many messages, while the server's loop goes on."""
    found: list[AnyFromCoach] = []
    until_s = time.monotonic() + 60
    while len(found) < count and time.monotonic() < until_s:
        await asyncio.sleep(0.001)
        found += link.receive(0)
    return found


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=20), st.randoms())
def test_lines_come_out_whole_however_the_stream_is_cut(lines: list[bytes], chance: object) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    cutter, found = Lines(longest=64), []
    while stream:
        cut = chance.randint(1, len(stream))  # type: ignore[attr-defined]
        found += cutter.feed(stream[:cut])
        stream = stream[cut:]
    assert found == lines


@given(st.binary(max_size=2000), st.integers(1, 64))
def test_any_bytes_leave_the_cutter_ready_for_the_next_line(noise: bytes, longest: int) -> None:
    cutter = Lines(longest)
    cutter.feed(noise)
    cutter.feed(b"\n")
    assert cutter.feed(b"x\n") == [b"x"]


def test_a_line_that_is_too_long_is_told_once_and_passed_over() -> None:
    cutter = Lines(longest=4)
    assert cutter.feed(b"12345678") == [None]
    assert cutter.feed(b"9" * 100) == []
    assert cutter.feed(b"9\nok\n") == [b"ok"]


@given(st.binary(max_size=300_000))
def test_a_document_in_pieces_is_the_same_when_put_together(document: bytes) -> None:
    cut = pieces(1, "delivery", document, session_id="s", revision=2, sha256="h")
    decoded = [decode_from_coach(encode(piece)) for piece in cut]
    assert decoded == cut
    assert b"".join(piece.content for piece in cut) == document
    assert all(piece.total == len(document) for piece in cut)


@pytest.mark.parametrize(
    "message",
    [Subscribe(views=True), Press(3, button=Button.STOP), Tell(4, message=Exertion(1.0, 15))],
)
def test_what_a_client_says_is_read_back_as_it_was_said(message: AnyToCoach) -> None:
    assert decode_to_coach(encode(message)) == message


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        b'{"type":"press","button":"red"}',
        b'{"type":"tell","message":{"type":"heart_rate","t":1,"bpm":180}}',
        b'{"type":"subscribe","everything":true}',
        b"[" * 10_000,
    ],
)
def test_a_bad_line_is_refused_with_a_reason_and_changes_nothing(tmp_path: Path, line: bytes) -> None:
    async def act(_: LocalServer, heard: _Heard) -> None:
        with CoachLink(tmp_path / "s") as link:
            link._connection.sendall(line + b"\n")
            link.say(Press(7, button=Button.UP))
            hello, refusal, done = await answers(link, 3)
        assert hello == HELLO
        assert isinstance(refusal, RequestRefusal)
        assert refusal.code == "bad_line"
        assert done == Done(7)
        assert heard.messages == [Press(7, button=Button.UP)]

    with_server(tmp_path / "s", act)


def test_the_socket_is_for_its_owner_and_group_only(tmp_path: Path) -> None:
    async def act(_server: LocalServer, _heard: _Heard) -> None:
        assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o660

    with_server(tmp_path / "s", act)
    assert not (tmp_path / "s").exists()


def test_a_dead_coachs_socket_is_taken_over_and_a_living_ones_is_not(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "s"))
    dead.close()
    with listen(tmp_path / "s"), pytest.raises(SocketInUseError, match="Another coach runs already"):
        listen(tmp_path / "s")


def test_a_place_where_no_socket_can_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NoPlaceError, match="Name another with --socket"):
        listen(tmp_path / "file" / "s")


def test_no_coach_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoCoachError, match="Start one with «interval-coach run»"):
        CoachLink(tmp_path / "s")


def test_another_version_is_told_in_a_sentence(tmp_path: Path) -> None:
    async def run() -> None:
        server = LocalServer(tmp_path / "s", msgspec.structs.replace(HELLO, format=99), _Heard())
        server.open()
        try:
            with CoachLink(tmp_path / "s") as link:
                await asyncio.sleep(0.01)
                with pytest.raises(NoCoachError, match="Update both together"):
                    link.receive(1)
        finally:
            server.close()

    asyncio.run(run())


def test_a_frozen_client_costs_the_coach_nothing_and_sees_only_the_newest_view_and_young_cues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(server: LocalServer, _: _Heard) -> None:
        link = CoachLink(tmp_path / "s")
        link.say(Subscribe(views=True, cues=True))
        await answers(link, 2)
        big = DisplayState(face=ScreenId.STRAP, nickname="x" * 20_000)
        sent = 500
        for number in range(sent):
            server.view(ViewNow(float(number), big))
        monkeypatch.setattr(local_socket, "CUE_IS_OLD_S", 0.05)
        now_s = time.monotonic()
        server.cue(CueNow(Cue(1.0, CueName.HOLD), 4, now_s, now_s))
        await asyncio.sleep(0.06)
        now_s = time.monotonic()
        server.cue(CueNow(Cue(2.0, CueName.FASTER), 4, now_s, now_s))
        (client,) = server._clients
        owed = len(client._view or b"") + len(client._sending) + sum(len(line) for _, line in client._cues)
        assert owed < 50_000
        found: list[AnyFromCoach] = []
        while not (found and isinstance(found[-1], ViewNow) and found[-1].made_s == sent - 1):
            found += await answers(link, 1)
        views = [message for message in found if isinstance(message, ViewNow)]
        assert len(views) < sent / 2
        assert [message.cue.t for message in found if isinstance(message, CueNow)] == [2.0]
        link.close()

    with_server(tmp_path / "s", act)


def test_a_client_that_takes_nothing_for_long_is_let_go_and_may_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "GONE_AFTER_S", 0.02)

    async def act(server: LocalServer, _: _Heard) -> None:
        link = CoachLink(tmp_path / "s")
        link.say(Subscribe(views=True))
        await answers(link, 2)
        big = ViewNow(0.0, DisplayState(face=ScreenId.STRAP, nickname="x" * 200_000))
        for _ in range(10):
            server.view(big)
            await asyncio.sleep(0.01)
        assert server._clients == []
        with CoachLink(tmp_path / "s") as again:
            assert await answers(again, 1) == [HELLO]
        link.close()

    with_server(tmp_path / "s", act)


def test_clients_that_go_away_are_forgotten(tmp_path: Path) -> None:
    async def act(server: LocalServer, _: _Heard) -> None:
        links = [CoachLink(tmp_path / "s") for _ in range(3)]
        for link in links:
            link.say(Subscribe(views=True, cues=True))
            await answers(link, 2)
        for link in links:
            link.close()
        server.view(ViewNow(0.0, VIEW))
        await asyncio.sleep(0.01)
        assert server._clients == []
        assert not server.watched

    with_server(tmp_path / "s", act)


def test_only_so_many_clients_are_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_socket, "MOST_CLIENTS", 2)

    async def act(server: LocalServer, _: _Heard) -> None:
        links = [CoachLink(tmp_path / "s") for _ in range(3)]
        await asyncio.sleep(0.02)
        assert len(server._clients) == 2
        for link in links:
            link.close()

    with_server(tmp_path / "s", act)


def test_a_socket_whose_file_is_gone_is_made_again_and_clients_stay(tmp_path: Path) -> None:
    """Display and courier that start again would else be out until the coach does."""

    async def act(server: LocalServer, heard: _Heard) -> None:
        before = CoachLink(tmp_path / "s")
        await answers(before, 1)
        (tmp_path / "s").unlink()
        with pytest.raises(NoCoachError):
            CoachLink(tmp_path / "s")
        server.look_after()
        after = CoachLink(tmp_path / "s")
        assert isinstance((await answers(after, 1))[0], Hello)
        before.say(Press(button=Button.UP))
        assert [type(one) for one in await answers(before, 1)] == [Done]
        assert len(heard.messages) == 1
        server.look_after()
        before.close()
        after.close()

    with_server(tmp_path / "s", act)


def test_idle_clients_make_room_and_those_that_listen_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_socket, "MOST_CLIENTS", 2)
    monkeypatch.setattr(local_socket, "LEAST_IDLE_S", 0.0)

    async def act(server: LocalServer, _: _Heard) -> None:
        listens, idle = CoachLink(tmp_path / "s"), CoachLink(tmp_path / "s")
        listens.say(Subscribe(views=True))
        await answers(listens, 2)
        comes = CoachLink(tmp_path / "s")
        assert isinstance((await answers(comes, 1))[0], Hello)
        assert len(server._clients) == 2
        assert server.watched
        monkeypatch.setattr(local_socket, "IDLE_AFTER_S", 0.0)
        server.look_after()
        assert len(server._clients) == 1
        assert server.watched
        for link in (listens, idle, comes):
            link.close()

    with_server(tmp_path / "s", act)


def test_a_service_finds_a_place_however_many_others_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_socket, "MOST_CLIENTS", 6)
    others = ServiceRights({os.geteuid() + 1: DISPLAY})

    async def act(server: LocalServer, _: _Heard) -> None:
        server._rights = others
        links = [CoachLink(tmp_path / "s") for _ in range(6)]
        await asyncio.sleep(0.02)
        assert len(server._clients) == 6 - KEPT_FOR_SERVICES
        server._rights = ServiceRights({os.geteuid(): DISPLAY})
        display = CoachLink(tmp_path / "s")
        assert isinstance((await answers(display, 1))[0], Hello)
        for link in (*links, display):
            link.close()

    with_server(tmp_path / "s", act)


def test_links_hold_no_descriptor_after_they_are_closed(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with pytest.raises(NoCoachError):
            CoachLink(tmp_path / "s")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_every_message_is_in_the_documentation() -> None:
    told = (Path(__file__).parents[3] / "docs" / "local-socket.md").read_text(encoding="utf-8")
    tags = [kind.__struct_config__.tag for kind in (*get_args(AnyToCoach), *get_args(AnyFromCoach))]
    assert [tag for tag in tags if f"| `{tag}` |" not in told] == []
