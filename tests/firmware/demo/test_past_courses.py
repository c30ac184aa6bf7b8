"""The demo's past: sessions that any server takes, in an order that could have been."""

import hashlib
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from coach.model.events import ExertionReported, MoodReported
from firmware.demo.clinic_history import DemoPerson, DemoSession, main
from sync.wire.codec import read_session
from sync.wire.messages import SessionDelivery

UNTIL_WALL_S = 1_795_330_000.0


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[DemoPerson], list[SessionDelivery]]:
    """Three people at a clinic of one machine, one at another."""
    out: Path = tmp_path_factory.mktemp("past")
    words = ["--clinic", "demo:3", "--clinic", "beside:1", "--machines", "1", "--until", str(UNTIL_WALL_S)]
    assert main([str(out), *words]) == 0
    people = msgspec.json.decode((out / "people.json").read_bytes(), type=list[DemoPerson])
    lines = (out / "sessions.jsonl").read_bytes().splitlines()
    sealed = [msgspec.json.decode(line, type=DemoSession) for line in lines]
    read = [read_session(one.payload) for one in sealed]
    assert [one.session_id for one in sealed] == [one.session_id for one in read if isinstance(one, SessionDelivery)]
    return people, [one for one in read if isinstance(one, SessionDelivery)]


def test_each_person_has_the_sessions_that_are_told_of_them(
    past: tuple[list[DemoPerson], list[SessionDelivery]],
) -> None:
    people, sessions = past
    assert [one.clinic for one in people] == ["demo", "demo", "demo", "beside"]
    for one in people:
        mine = [session for session in sessions if session.participant == one.pseudonym]
        assert len(mine) == one.sessions > 0
        assert {session.clinic for session in mine} == {one.clinic}


def test_nobody_trains_in_the_future_or_while_another_is_on_the_machine(
    past: tuple[list[DemoPerson], list[SessionDelivery]],
) -> None:
    _, sessions = past
    here = [session for session in sessions if session.clinic == "demo"]
    spans = sorted((one.clocks[0].clocks.wall_s, one.summary.duration_s) for one in here)
    assert all(begun + length <= UNTIL_WALL_S for begun, length in spans)
    assert all(begun + length <= later for (begun, length), (later, _) in pairwise(spans))


def test_every_session_is_its_own(past: tuple[list[DemoPerson], list[SessionDelivery]]) -> None:
    _, sessions = past
    assert len({one.session_id for one in sessions}) == len({one.sha256 for one in sessions}) == len(sessions)


def test_no_session_is_another_again(past: tuple[list[DemoPerson], list[SessionDelivery]]) -> None:
    _, sessions = past
    samples = {hashlib.sha256(msgspec.json.encode(one.samples)).hexdigest() for one in sessions}
    assert len(samples) == len(sessions)


def test_the_guidance_of_the_machines_led_each_session_and_took_along_what_it_had_learned(
    past: tuple[list[DemoPerson], list[SessionDelivery]],
) -> None:
    people, sessions = past
    for one in people:
        mine = sorted(
            (session for session in sessions if session.participant == one.pseudonym),
            key=lambda session: session.plan.session_number or 0,
        )
        assert all(session.summary.response["kind"] == "learned" for session in mine)
        assert [session.plan.response for session in mine[1:]] == [session.summary.response for session in mine[:-1]]


def test_fact_and_event_say_the_same_mood_and_exertion(past: tuple[list[DemoPerson], list[SessionDelivery]]) -> None:
    _, sessions = past
    for one in sessions:
        moods = [event.mood for event in one.events if isinstance(event, MoodReported)]
        borgs = [event.borg for event in one.events if isinstance(event, ExertionReported)]
        assert moods == ([] if one.summary.mood is None else [one.summary.mood])
        assert one.summary.borg == max(borgs, default=None)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_its_workers_end_with_it_even_when_it_is_killed(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "firmware.demo.clinic_history", str(tmp_path), "--clinic", "demo:500"]
    process = subprocess.Popen(words)
    workers: set[int] = set()
    until_s = time.monotonic() + 120.0
    try:
        while not workers and time.monotonic() < until_s:
            workers = {int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert workers
    while any(_runs(one) for one in workers) and time.monotonic() < until_s:
        time.sleep(0.02)
    assert [one for one in workers if _runs(one)] == []
