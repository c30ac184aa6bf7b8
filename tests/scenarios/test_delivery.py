"""The machine's real services, a real broker, and the least of a collector: sessions out, plans and commands in."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coach.kiosk.view import Button, DisplayState, ScreenId
from coach.model.plan import Plan
from sync.wire.codec import encode, read
from sync.wire.messages import (
    AnyAction,
    Command,
    CommandResult,
    End,
    Live,
    Pause,
    PlanOnWire,
    PlanTaken,
    StartGroup,
    Text,
)
from sync.wire.topics import Kind, Topic, build
from tests.support.broker.broker import CLINIC, Broker, MiniCollector, until
from tests.support.machine.machine import Machine, Watcher

pytestmark = pytest.mark.timeout(90)


class _Room:
    """A machine in a clinic, as its therapist sees it."""

    def __init__(self, broker: Broker, collector: MiniCollector, machine: Machine) -> None:
        self.broker, self.collector, self.machine = broker, collector, machine
        self._numbers = 0

    def command(self, action: AnyAction, *, lives_s: float = 30.0, made_ago_s: float = 0.0) -> str:
        self._numbers += 1
        now_s = time.time() - made_ago_s
        command = Command(
            id=f"c{self._numbers}", by="t1", made_at_wall_s=now_s, expires_wall_s=now_s + lives_s, action=action
        )
        self.say(command)
        return command.id

    def say(self, command: Command) -> None:
        self.collector.say(Topic(CLINIC, "pi-1", Kind.COMMAND), encode(command))

    def outcomes(self, command: str) -> list[tuple[str, str]]:
        results = [read(body, CommandResult) for topic, body in self.collector.others if topic.kind is Kind.RESULT]
        return [(one.outcome, one.code) for one in results if isinstance(one, CommandResult) and one.id == command]

    def outcome(self, command: str, count: int = 1) -> list[tuple[str, str]]:
        until(lambda: len(self.outcomes(command)) >= count, what=f"{count} results")
        return self.outcomes(command)

    def plan_words(self, participant: str) -> list[tuple[int, str]]:
        said = [read(body, PlanTaken) for topic, body in self.collector.others if topic.kind is Kind.TAKEN]
        mine = [one for one in said if isinstance(one, PlanTaken) and one.participant == participant]
        return [(one.version, one.outcome) for one in mine]

    def live(self) -> list[Live]:
        pictures = [read(body, Live) for topic, body in self.collector.others if topic.kind is Kind.LIVE]
        return [one for one in pictures if isinstance(one, Live)]

    def plan(self, plan: Plan, version: int = 1) -> None:
        sent = PlanOnWire(version=version, made_at_wall_s=time.time(), made_by="t1", plan=plan)
        self.collector.say(Topic(CLINIC, "pi-1", Kind.PLAN, plan.participant), encode(sent), retain=True)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[_Room]:
    """A machine that is enrolled, with a strap that is worn and a clock that is set."""
    clock_set = tmp_path / "sitecustomize.py"
    clock_set.write_text(
        "import firmware.system.timestamps\nfirmware.system.timestamps.wall_clock_synchronised = lambda: True\n"
    )
    with Broker() as broker, MiniCollector(broker) as collector, Machine(speed=1) as machine:
        identity = broker.identity("pi-1")
        environment = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
        machine.start("coach")
        machine.start("sync", ["--identity", str(identity)], environment)
        yield _Room(broker, collector, machine)


def names(view: DisplayState | None) -> list[str | None]:
    """The nicknames that are offered."""
    return [] if view is None else [one.name for one in view.choices]


def _ready(watcher: Watcher) -> None:
    watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
    watcher.press(Button.START)
    watcher.until_face(ScreenId.CONFIRM)
    watcher.press(Button.START)
    watcher.until_face(ScreenId.READY)


def test_a_finished_session_is_stored_by_the_server_and_its_receipt_reaches_the_diary(room: _Room) -> None:
    with room.machine.watch() as watcher:
        watcher.begin()
        watcher.end()
    until(lambda: room.collector.stored, what="stored")

    def delivered() -> bool:
        diary = room.machine.remote_diary()
        lines = diary.sessions()
        diary.close()
        return [line.delivered for line in lines] == [True]

    until(delivered, what="delivered")


def test_sync_killed_in_the_middle_brings_the_receipt_all_the_same(room: _Room) -> None:
    room.collector.receipts_on = False
    with room.machine.watch() as watcher:
        watcher.begin()
        watcher.end()
    until(lambda: room.collector.stored, what="stored")
    room.machine.send("sync", signal.SIGKILL)
    room.collector.receipts_on = True
    environment = {"PYTHONPATH": f"{room.broker.folder}:{Path(__file__).parents[2]}"}
    (room.broker.folder / "sitecustomize.py").write_text(
        "import firmware.system.timestamps\nfirmware.system.timestamps.wall_clock_synchronised = lambda: True\n"
    )
    room.machine.start("sync", ["--identity", str(room.broker.folder / "identity-pi-1")], environment)
    until(lambda: room.collector.double, what="sent again")
    diary = room.machine.remote_diary()
    until(lambda: [line.delivered for line in diary.sessions()] == [True], what="delivered")
    diary.close()


def test_the_room_is_seen_live_by_pseudonym(room: _Room) -> None:
    with room.machine.watch() as watcher:
        view = watcher.begin()
        until(lambda: any(one.stage == "running" for one in room.live()), what="a live picture of the session")
        name = view.nickname
    live = [one for one in room.live() if one.stage == "running"][-1]
    assert (live.face, live.participant is not None, live.age_s < 2) == ("session", True, True)
    assert name is None or name.encode() not in b"".join(body for _, body in room.collector.others)


def test_a_group_start_starts_whoever_stands_ready_at_its_instant(room: _Room) -> None:
    with room.machine.watch() as watcher:
        _ready(watcher)
        until(lambda: any(one.face == "ready" for one in room.live()), what="seen ready")
        instant = time.time() + 1.0
        started = room.command(StartGroup(instant))
        watcher.until_face(ScreenId.SESSION)
        late_s = time.time() - instant
        assert room.outcome(started, 2) == [("accepted", ""), ("done", "")]
    assert -0.01 <= late_s < 1.0


def test_a_group_start_starts_nobody_where_no_one_stands_ready(room: _Room) -> None:
    until(room.live, what="live")
    started = room.command(StartGroup(time.time()))
    assert room.outcome(started, 2) == [("accepted", ""), ("refused", "not_ready")]


def test_pause_and_end_do_what_the_panel_would_and_text_is_shown(room: _Room) -> None:
    with room.machine.watch() as watcher:
        watcher.begin()
        shown = room.command(Text("Bra jobba!", 5.0))
        assert watcher.until(lambda view: view.message is not None).message == "Bra jobba!"
        paused = room.command(Pause())
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.stage == "paused")
        ended = room.command(End())
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.stage == "ended")
        assert [room.outcome(one) for one in (shown, paused, ended)] == [[("done", "")]] * 3


def test_stale_repeated_and_impossible_commands_change_nothing(room: _Room) -> None:
    until(room.live, what="live")
    stale = room.command(Pause(), lives_s=5, made_ago_s=60)
    early = room.command(Pause())
    assert room.outcome(stale) == [("refused", "stale")]
    assert room.outcome(early) == [("refused", "no_session")]
    now_s = time.time()
    room.say(Command(id=early, by="t1", made_at_wall_s=now_s, expires_wall_s=now_s + 9, action=Pause()))
    assert room.outcome(early, 2)[1] == ("refused", "repeated")


def test_a_plan_from_the_server_is_offered_survives_a_restart_without_it_and_can_be_withdrawn(room: _Room) -> None:
    plan = Plan(participant="p-77", nickname="Rev", hr_max_bpm=180.0, hr_max_source="measured", ceiling_bpm=170.0)
    with room.machine.watch() as watcher:
        room.plan(plan)
        watcher.until(lambda view: "Rev" in names(view))
        until((room.machine.folder / "given-plans" / "p-77.json").exists)
        until(lambda: [outcome for _, outcome in room.plan_words("p-77")] == ["taken"])
    room.machine.send("sync", signal.SIGTERM)
    room.machine.wait("sync")
    room.machine.send("coach", signal.SIGKILL)
    room.machine.start("coach")
    with room.machine.watch() as watcher:
        watcher.until(lambda view: "Rev" in names(view))
        room.collector.say(Topic(CLINIC, "pi-1", Kind.PLAN, "p-77"), b"", retain=True)


def test_a_plan_that_fails_the_machines_checks_is_refused_and_told(room: _Room) -> None:
    room.plan(Plan(participant="p-78", nickname="Ugle", protocol="no-such", hr_max_bpm=180.0, hr_max_source="measured"))
    until(lambda: any(f.code == "plan_refused" for state in room.collector.states for f in state.findings))
    until(lambda: [outcome for _, outcome in room.plan_words("p-78")] == ["refused"])
    with room.machine.watch() as watcher:
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        assert watcher.view is not None
        assert "Ugle" not in names(watcher.view)


def test_a_plan_withdrawn_while_the_machine_runs_is_no_longer_offered(room: _Room) -> None:
    with room.machine.watch() as watcher:
        room.plan(Plan(participant="p-79", nickname="Elg", hr_max_bpm=180.0, hr_max_source="measured"))
        watcher.until(lambda view: "Elg" in names(view))
        room.collector.say(Topic(CLINIC, "pi-1", Kind.PLAN, "p-79"), b"", retain=True)
        watcher.until(lambda view: "Elg" not in names(view))
        until(lambda: not (room.machine.folder / "given-plans" / "p-79.json").exists())
        until(lambda: [outcome for _, outcome in room.plan_words("p-79")] == ["taken", "withdrawn"])


def test_no_name_no_key_and_no_health_figure_stands_in_the_log_of_sync(room: _Room) -> None:
    with room.machine.watch() as watcher:
        watcher.begin()
        watcher.end()
    until(lambda: room.collector.stored, what="stored")
    key = (room.broker.folder / "identity-pi-1" / "machine.pem").read_text().splitlines()[1]
    words = room.machine.words()
    assert key not in words
    assert "bpm" not in words
    assert build(Topic(CLINIC, "pi-1", Kind.STATE)) not in words
