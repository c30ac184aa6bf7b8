"""The machine's health beside the session: what is closed and what is not, the self-test, and who is told."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from coach.errors import MessageRefused
from coach.kiosk.view import Button, ScreenId, TriedPart
from coach.model.cue import Cue, CueName
from coach.model.events import AnyEvent
from firmware.doctor.check import CheckFinding, Severity
from firmware.doctor.self_test import SelfTestAnswers, read
from firmware.ipc.messages import Devices, Found
from firmware.journal.journal import Journal
from firmware.panel.panel_state import BUTTONS, KEYPAD, PanelState
from firmware.participants.plan_files import PlanRepository, guest_plan
from firmware.sensors.strap import Measurement
from firmware.services import health_monitor
from firmware.services.health_monitor import FindingsLog, MachineHealth, lesser, severe
from firmware.services.maintenance_flow import AGAIN_AFTER_S, PATIENCE_S
from firmware.services.session_controller import SessionController
from firmware.system.timestamps import SystemStampClock
from sync.delivery.fault_registry import Findings, Trouble
from tests.support.machine.recorded_machine import DEVICES, machine


class _Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.s = 100.0

    def now(self) -> float:
        return self.s

    async def sleep_until(self, t: float) -> None:
        raise NotImplementedError


class _Outlet:
    """Keeps the cues."""

    def __init__(self) -> None:
        self.cues: list[tuple[CueName, float]] = []

    def cue(self, cue: Cue, _intervals: int, due_clock_s: float) -> None:
        self.cues.append((cue.name, round(due_clock_s - 100, 3)))

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        """Not looked at."""

    def changed(self, *, at_once: bool) -> None:
        """Not looked at."""


class _Room:
    """A keeper at a treadmill."""

    def __init__(self, folder: Path) -> None:
        self.hand, self.outlet = _Hand(), _Outlet()
        self.journal = Journal.open(folder / "diary.db")
        self.keeper = SessionController(
            plans=PlanRepository((guest_plan(hr_max_bpm=180.0),)),
            journal=self.journal,
            clock=self.hand,
            stamps=SystemStampClock(),
            outlet=self.outlet,
        )

    @property
    def face(self) -> ScreenId:
        return self.keeper.view().face

    def press(self, *buttons: Button) -> None:
        for button in buttons:
            self.keeper.press(button)

    def live(self, seconds: float) -> None:
        until_s = self.hand.s + seconds
        while (due_s := self.keeper.next_due_clock_s()) is not None and due_s <= until_s:
            self.hand.s = max(self.hand.s, due_s)
            self.keeper.wake()
        self.hand.s = until_s
        self.keeper.wake()

    def arrive(self) -> None:
        """Choose the one who is known here, say that it is them, and be heard."""
        self.press(Button.START, Button.START)
        for _ in range(5):
            self.live(1)
            self.keeper.deliver(Measurement(90.0))
        assert self.face is ScreenId.READY


@pytest.fixture
def room(tmp_path: Path) -> Iterator[_Room]:
    made = _Room(tmp_path)
    yield made
    made.journal.close()


def test_a_severe_finding_closes_the_start_and_is_shown_with_all_that_is_wrong(room: _Room) -> None:
    room.keeper.found(("nothing_to_train_by",), ("wifi_weak",))
    assert (room.face, room.keeper.view().findings) == (ScreenId.SELF_TEST_FAILED, ("nothing_to_train_by",))
    room.press(Button.STOP)
    assert (room.face, room.keeper.view().attention) == (ScreenId.MACHINE, ("nothing_to_train_by", "wifi_weak"))
    room.press(Button.STOP)
    assert room.face is ScreenId.CHOOSE_PARTICIPANT
    room.press(Button.START)
    assert (room.face, room.keeper.state) == (ScreenId.SELF_TEST_FAILED, None)


def test_a_finding_that_gives_way_to_another_is_replaced_on_the_page_that_shows_it(room: _Room) -> None:
    room.keeper.found(("stop_button_unread",), ())
    room.keeper.found(("stop_button_stuck",), ())
    assert (room.face, room.keeper.view().findings) == (ScreenId.SELF_TEST_FAILED, ("stop_button_stuck",))
    room.keeper.found(("stop_button_stuck", "display_away"), ())
    assert room.keeper.view().findings == ("stop_button_stuck", "display_away")
    room.keeper.found((), ())
    assert room.face is ScreenId.CHOOSE_PARTICIPANT


def test_what_only_wants_attention_is_shown_small_and_training_goes_on(room: _Room) -> None:
    room.keeper.found((), ("sound_missing", "network_away"))
    assert (room.face, room.keeper.view().attention) == (ScreenId.CHOOSE_PARTICIPANT, ("sound_missing", "network_away"))
    room.arrive()
    room.press(Button.START)
    assert (room.face, room.keeper.view().attention) == (ScreenId.SESSION, ())


def test_a_session_that_runs_is_never_touched_by_a_severe_finding(room: _Room) -> None:
    room.arrive()
    room.press(Button.START)
    room.keeper.found(("disk_read_only",), ())
    assert room.face is ScreenId.SESSION
    room.live(30)
    assert room.face is ScreenId.SESSION


def test_a_severe_finding_before_the_start_lets_nobody_start_and_throws_nobody_out(room: _Room) -> None:
    room.arrive()
    room.keeper.found(("display_away",), ())
    assert room.face is ScreenId.READY
    assert "interval-coach doctor" in (room.keeper.press(Button.START) or "")
    assert (room.face, room.keeper.view().findings) == (ScreenId.SELF_TEST_FAILED, ("display_away",))
    room.keeper.found((), ())
    assert room.face is ScreenId.READY


def test_looking_again_asks_the_doctor_and_shows_what_is_still_wrong(room: _Room) -> None:
    asked: list[bool] = []
    room.keeper.machine.on_look_again = lambda: asked.append(True)
    room.keeper.found(("stop_button_stuck",), ())
    room.press(Button.START)
    assert (room.face, asked) == (ScreenId.CHOOSE_PARTICIPANT, [True])
    room.keeper.found(("stop_button_stuck",), ())
    assert room.face is ScreenId.CHOOSE_PARTICIPANT
    room.keeper.found(("stop_button_stuck",), (), show=True)
    assert room.face is ScreenId.SELF_TEST_FAILED


# The self-test


def test_the_self_test_asks_for_each_part_and_keeps_the_answers(room: _Room) -> None:
    answers: list[dict[TriedPart, bool]] = []
    room.keeper.machine.on_answers = answers.append
    room.press(Button.STOP, Button.START)
    tried = []
    for button in (Button.START, Button.STOP, Button.START):
        tried.append(room.keeper.view().tried)
        room.press(button)
    assert tried == list(TriedPart)
    assert answers == [{TriedPart.SCREEN: True, TriedPart.LAMP: False, TriedPart.VOICE: True}]
    assert room.face is ScreenId.MACHINE


def test_the_voice_plays_three_tones_and_a_sentence_and_again(room: _Room) -> None:
    room.keeper.try_parts((TriedPart.VOICE,))
    room.keeper.begin_self_test()
    room.live(AGAIN_AFTER_S + 4)
    once = [(CueName.COUNTDOWN, 0.4), (CueName.COUNTDOWN, 1.4), (CueName.COUNTDOWN, 2.4), (CueName.SELF_TEST, 3.4)]
    assert room.outlet.cues == [*once, *((name, at_s + AGAIN_AFTER_S) for name, at_s in once)]
    room.press(Button.UP)
    room.outlet.cues.clear()
    room.live(0.5)
    assert [name for name, _ in room.outlet.cues] == [CueName.COUNTDOWN]
    room.press(Button.START)
    room.outlet.cues.clear()
    room.live(10)
    assert room.outlet.cues == []


def test_whoever_walks_away_from_the_self_test_is_forgotten_and_nothing_is_kept(room: _Room) -> None:
    answers: list[dict[TriedPart, bool]] = []
    room.keeper.machine.on_answers = answers.append
    room.keeper.begin_self_test()
    room.press(Button.START)
    room.live(PATIENCE_S - 1)
    assert room.face is ScreenId.SELF_TEST
    room.live(2)
    assert (room.face, answers) == (ScreenId.CHOOSE_PARTICIPANT, [])


def test_the_self_test_disturbs_nobody(room: _Room) -> None:
    room.arrive()
    with pytest.raises(MessageRefused):
        room.keeper.begin_self_test()
    assert room.face is ScreenId.READY


def test_no_button_of_the_self_test_begins_a_session(room: _Room) -> None:
    for first in Button:
        for second in Button:
            room.keeper.begin_self_test()
            room.press(first, second, Button.UP, Button.DOWN)
            assert room.keeper.state is None
            room.live(PATIENCE_S + 1)


# The rounds


class _Rounds:
    """The health of a recorded machine; `until` runs it as long as something is missing."""

    def __init__(self, folder: Path, *, training: bool = False, **changed: object) -> None:
        self.seen: list[tuple[tuple[str, ...], bool]] = []
        self.threads: list[bool] = []
        place = machine(folder)
        told = structs.replace(place.told, devices=None, strap=None)
        self.place = replace(place, told=told, **changed)  # type: ignore[arg-type] # whatever a test changes
        self.training = training

    def _found(self, found: tuple[CheckFinding, ...], asked: bool) -> None:  # noqa: FBT001 - a callback
        self.seen.append((severe(found), asked))

    def until(self, act: Callable[[MachineHealth], None], holds: Callable[[MachineHealth], bool]) -> MachineHealth:
        async def run() -> MachineHealth:
            def ask(_: object) -> Future[Any]:
                future: Future[Any] = Future()
                future.set_exception(OSError("no diary here"))
                return future

            health = MachineHealth(self.place, ask_diary=ask, training=lambda: self.training, on_findings=self._found)
            act(health)
            running = asyncio.create_task(health.run())
            async with asyncio.timeout(60):
                while not holds(health):  # noqa: ASYNC110 - it tells of nothing that could be waited for
                    await asyncio.sleep(0.01)
            running.cancel()
            return health

        return asyncio.run(run())


def test_where_nothing_guides_no_session_begins_and_one_part_is_enough(tmp_path: Path) -> None:
    nothing = Devices(screen="missing", sound="missing", oled="missing", lamp="missing", version=DEVICES.version)
    rounds = _Rounds(tmp_path)
    health = rounds.until(lambda health: health.devices(nothing), lambda _: bool(rounds.seen))
    assert "nothing_to_train_by" in severe(health.found)
    for part in ("screen", "sound", "oled", "lamp"):
        one = _Rounds(tmp_path)
        told = structs.replace(nothing, **{part: "works"})
        health = one.until(lambda health, told=told: health.devices(told), lambda _, one=one: bool(one.seen))  # type: ignore[misc]
        assert severe(health.found) == ()
        assert lesser(health.found) != ()


def test_the_first_round_runs_no_program_and_the_next_does_unless_somebody_trains(tmp_path: Path) -> None:
    rounds = _Rounds(tmp_path, training=True)
    health = rounds.until(lambda health: health.devices(DEVICES), lambda _: len(rounds.seen) > 1)
    assert health.found == ()
    free = _Rounds(tmp_path)
    health = free.until(lambda health: health.devices(DEVICES), lambda health: bool(health.found))
    assert {one.code for one in health.found} >= {"unchecked"}
    assert len(free.seen) > 1


def test_what_changes_brings_a_round_of_its_own(tmp_path: Path) -> None:
    rounds = _Rounds(tmp_path, training=True)

    def act(health: MachineHealth) -> None:
        health.devices(DEVICES)

    def hang_then_seen(health: MachineHealth) -> bool:
        if len(rounds.seen) == 2:
            health.stuck((Button.STOP,))
        return "stop_button_stuck" in severe(health.found)

    health = rounds.until(act, hang_then_seen)
    assert health.message().findings == (Found("stop_button_stuck", "stop", "stop"),)


def test_buttons_that_are_not_read_close_the_start_unless_a_keypad_is(tmp_path: Path) -> None:
    """Hazard H6: the panel's own word counts, not the file of the chip, which is there all the while."""
    lost, reads = PanelState(reads=False, why="unable to locate Pi revision"), PanelState(reads=True)
    for states, severe_, lesser_ in (
        ({BUTTONS: lost, KEYPAD: lost}, ("stop_button_unread",), ()),
        ({BUTTONS: lost, KEYPAD: reads}, (), ("buttons_unread",)),
        ({BUTTONS: reads, KEYPAD: lost}, (), ()),
    ):
        rounds = _Rounds(tmp_path / str(len(severe_) + 2 * len(lesser_)), training=True)

        def act(health: MachineHealth, states: dict[str, PanelState] = states) -> None:
            health.devices(DEVICES)
            health.panels(states)

        health = rounds.until(act, lambda _, rounds=rounds: len(rounds.seen) > 1)  # type: ignore[misc]
        assert (severe(health.found), lesser(health.found)) == (severe_, lesser_)


def test_a_panel_that_never_answers_is_missed_and_one_that_is_being_opened_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = _Rounds(tmp_path / "opening", training=True)
    health = opening.until(lambda health: health.devices(DEVICES), lambda _: bool(opening.seen))
    assert severe(health.found) == ()
    monkeypatch.setattr(health_monitor, "PANELS_WITHIN_S", 0.0)
    silent = _Rounds(tmp_path / "silent", training=True)
    health = silent.until(lambda health: health.devices(DEVICES), lambda _: bool(silent.seen))
    assert severe(health.found) == ("stop_button_unread",)


def test_the_heartbeat_alone_brings_no_round(tmp_path: Path) -> None:
    rounds = _Rounds(tmp_path, training=True)
    beats = 0

    def beat(health: MachineHealth) -> bool:
        nonlocal beats
        beats += 1
        if len(rounds.seen) >= 2:
            health.devices(structs.replace(DEVICES, request=beats))
        return beats > 100

    rounds.until(lambda health: health.devices(DEVICES), beat)
    assert len(rounds.seen) <= 2


def test_answers_are_kept_beside_the_diary_and_asked_for_again(tmp_path: Path) -> None:
    rounds = _Rounds(tmp_path, training=True)

    def act(health: MachineHealth) -> None:
        health.devices(DEVICES)
        health.answered({TriedPart.SCREEN: True, TriedPart.VOICE: False}, SystemStampClock())

    health = rounds.until(act, lambda health: bool(health.found))
    kept = read(rounds.place.diary)
    assert kept is not None
    assert structs.replace(kept, wall_s=0.0) == SelfTestAnswers(wall_s=0.0, screen=True, lamp=True, voice=False)
    assert [one.code for one in health.found] == ["voice_not_heard"]
    assert True in [asked for _, asked in rounds.seen]


def test_only_parts_that_are_meant_to_be_there_are_tried(tmp_path: Path) -> None:
    rounds = _Rounds(tmp_path, training=True)
    told = Devices(screen="off", sound="missing", oled="works", lamp="off")
    health = rounds.until(lambda health: health.devices(told), lambda _: bool(rounds.seen))
    assert health.parts == (TriedPart.SCREEN, TriedPart.VOICE)


def test_each_finding_is_logged_once_when_it_comes_and_once_when_it_is_over() -> None:
    log, hot = FindingsLog(), CheckFinding("too_hot", Severity.ATTENTION, "83 °C")
    assert [log.news((hot,)), log.news((hot,)), log.news(()), log.news(())] == [
        ("too_hot: 83 °C",),
        (),
        ("too_hot is over.",),
        (),
    ]


# To the server


def test_the_birth_carries_the_machines_findings_beside_those_of_sync_and_none_twice() -> None:
    now_s = 5.0
    findings = Findings(lambda: now_s)
    findings.note(Trouble.NO_BROKER, "refused")
    findings.of_machine({"too_hot": "83 °C", "no_broker": "refused", "disk_filling": "300 MB"})
    first = findings.changes
    now_s = 9.0
    findings.of_machine({"too_hot": "83 °C", "disk_filling": "300 MB"})
    assert findings.changes == first
    findings.of_machine({"too_hot": "84 °C"})
    assert findings.changes == first + 1
    assert [(one.code, one.detail, one.since_wall_s) for one in findings.now] == [
        ("no_broker", "refused", 5.0),
        ("too_hot", "84 °C", 5.0),
    ]
