"""The demo's room: people led by the engine, second by second, and commands carried out as a machine does."""

import time

import msgspec
import pytest

from firmware.demo import room
from firmware.demo.clinic_history import DrawnPerson, chance_of, person_of
from firmware.demo.room import SCENES, RoomLine, RoomMachine, RoomScene, room_of
from sync.wire.messages import (
    AnyAction,
    Command,
    CommandResult,
    Ease,
    Live,
    Pause,
    PlanOnWire,
    PlanTaken,
    Resume,
    StartGroup,
)

WORKING = RoomScene(began_s_ago=700)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[RoomLine]:
    """What the room says on its pipe."""
    lines: list[RoomLine] = []
    monkeypatch.setattr(room, "_write", lines.append)
    return lines


def person(number: int = 0) -> DrawnPerson:
    return person_of(number, chance_of("demo", number), with_needs=True)


def pictures(said: list[RoomLine]) -> list[Live]:
    return [msgspec.json.decode(one.payload, type=Live) for one in said if one.kind == "live"]


def told(said: list[RoomLine], machine: RoomMachine, action: AnyAction) -> tuple[str, str]:
    """Return outcome and code of a command."""
    now_s = time.time()
    number = f"c{len(said)}"
    command = Command(id=number, by="kari", made_at_wall_s=now_s, expires_wall_s=now_s + 60, action=action)
    machine.courier.take(RoomLine("molle-1", "command", msgspec.json.encode(command).decode()))
    machine.second()
    results = [msgspec.json.decode(one.payload, type=CommandResult) for one in said if one.kind == "result"]
    return next((one.outcome, one.code) for one in results if one.id == number)


def test_a_machine_shows_its_last_minutes_and_the_zone_of_the_person_s_own_plan(said: list[RoomLine]) -> None:
    drawn = person()
    machine = RoomMachine("molle-1", 0, [drawn], WORKING)
    assert len(said) == room.EARLIER_S
    machine.second()
    now = pictures(said)[-1]
    assert (now.participant, now.phase, now.interval, now.intervals) == (drawn.plan.participant, "interval", 1, 4)
    assert drawn.plan.hr_max_bpm is not None
    assert now.high_bpm == pytest.approx(0.95 * drawn.plan.hr_max_bpm, abs=0.6)
    assert now.rate_bpm is not None
    assert now.fraction == pytest.approx(now.rate_bpm / drawn.plan.hr_max_bpm, abs=0.001)


def test_commands_are_carried_out_by_the_engine(said: list[RoomLine]) -> None:
    machine = RoomMachine("molle-1", 0, [person()], WORKING)
    assert told(said, machine, Resume()) == ("refused", "not_paused")
    assert told(said, machine, Pause()) == ("done", "")
    assert pictures(said)[-1].stage == "paused"
    assert told(said, machine, Resume()) == ("done", "")
    assert told(said, machine, Ease()) == ("done", "")
    assert pictures(said)[-1].phase == "recovery"


def test_who_stands_ready_starts_with_the_group_and_nobody_else_does(said: list[RoomLine]) -> None:
    ready = RoomMachine("molle-1", 0, [person()], RoomScene(face="ready"))
    assert told(said, ready, StartGroup(time.time()))[0] == "accepted"
    ready.second()
    assert pictures(said)[-1].stage == "running"
    working = RoomMachine("molle-2", 1, [person(1)], WORKING)
    assert told(said, working, StartGroup(time.time())) == ("accepted", "")
    results = [msgspec.json.decode(one.payload, type=CommandResult) for one in said if one.kind == "result"]
    assert (results[-1].outcome, results[-1].code) == ("refused", "not_ready")


def test_a_free_machine_says_so_and_has_nothing_to_command(said: list[RoomLine]) -> None:
    machine = RoomMachine("molle-1", 0, [], WORKING)
    assert told(said, machine, Pause()) == ("refused", "no_session")
    assert (pictures(said)[-1].face, pictures(said)[-1].participant) == ("choose_participant", None)


def test_a_plan_is_taken_or_refused(said: list[RoomLine]) -> None:
    machine = RoomMachine("molle-1", 0, [person()], RoomScene(face="ready"))
    machine.refuse("p-b")
    for name in ("p-a", "p-b"):
        plan = msgspec.structs.replace(person().plan, participant=name)
        wire = PlanOnWire(version=3, made_at_wall_s=0.0, made_by="kari", plan=plan)
        machine.courier.take(RoomLine("molle-1", "plan", msgspec.json.encode(wire).decode(), name))
    machine.courier.take(RoomLine("molle-1", "plan", "", "p-c"))
    machine.second()
    words = [msgspec.json.decode(one.payload, type=PlanTaken) for one in said if one.kind == "taken"]
    assert [(one.participant, one.outcome) for one in words] == [
        ("p-a", "taken"), ("p-b", "refused"), ("p-c", "withdrawn"),
    ]  # fmt: skip


def test_the_next_person_comes_after_the_end(said: list[RoomLine]) -> None:
    people = [person(0), person(1)]
    machine = RoomMachine("molle-1", 0, people, RoomScene(began_s_ago=2300))
    for _second in range(300):
        machine.second()
    seen = pictures(said)
    assert "ended" in {one.stage for one in seen}
    assert {one.participant for one in seen} == {one.plan.participant for one in people}
    assert seen[-1].stage == "running"


def test_each_person_stands_at_one_machine_and_some_machines_may_be_free() -> None:
    machines = room_of(4, [person(number) for number in (0, 1)], scenes=(RoomScene(face="ready"),))
    names = [one._view().participant for one in machines]
    assert names == [person(0).plan.participant, person(1).plan.participant, None, None]
    assert len(SCENES) == 12
