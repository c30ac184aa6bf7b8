"""Desk, engine and journal together, on a clock moved by hand: what is journaled, called saved, and comes back."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.kiosk.view import Button, ScreenId
from coach.model.cue import Cue, CueName
from coach.model.events import AnyEvent, Predicted
from coach.model.messages import CommandName, Exertion, Restored, SessionCommand
from coach.model.plan import Plan
from firmware.journal.journal import Journal
from firmware.journal.record import SessionRecord
from firmware.journal.writer import JournalSettings
from firmware.participants.plan_files import PlanRepository, ReadyPlan, guest_plan, ready
from firmware.sensors.strap import Measurement, SignalSourceLost
from firmware.services.session_controller import PREDICTION_NOTED_EVERY_S, SessionController
from firmware.system.timestamps import Timestamp

QUICK = JournalSettings(commit_every_s=0.0, retry_s=0.01, free_floor_bytes=0)


class _Hand:
    """A clock and a stamp that stand still until they are moved; a reboot is another boot id."""

    def __init__(self) -> None:
        self.s = 100.0
        self.boot_id = "boot-1"

    def clock(self) -> "_Hand":
        return self

    def now(self) -> float:
        return self.s

    async def sleep_until(self, t: float) -> None:
        raise NotImplementedError


class _Stamps:
    def __init__(self, hand: _Hand) -> None:
        self._hand = hand

    def now(self) -> Timestamp:
        return Timestamp(self._hand.boot_id, self._hand.s, 1.8e9 + self._hand.s, synchronised=True)


class _Outlet:
    def __init__(self) -> None:
        self.cues: list[tuple[Cue, float]] = []
        self.events: list[AnyEvent] = []

    def cue(self, cue: Cue, intervals: int, due_clock_s: float) -> None:
        assert intervals == 4
        self.cues.append((cue, due_clock_s))

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        self.events += events

    def changed(self, *, at_once: bool) -> None:
        pass


def guest_plan_of(name: str) -> ReadyPlan:
    """A participant who is called by the pseudonym."""
    return ready(Plan(participant=name, hr_max_bpm=180.0, hr_max_source="measured"), "test")


class _Bench:
    """A keeper with everything around it; `restart` is what a kill and a new start leave."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "diary.db"
        self.hand = _Hand()
        self.start()

    def start(self) -> None:
        self.outlet = _Outlet()
        self.journal = Journal.open(self.path, settings=QUICK, clock=_Stamps(self.hand))
        self.plans = PlanRepository((guest_plan(hr_max_bpm=180.0),))
        self.keeper = SessionController(
            plans=self.plans,
            journal=self.journal,
            clock=self.hand,
            stamps=_Stamps(self.hand),
            outlet=self.outlet,
        )

    def restart(self, *, after_s: float, reboot: bool = False) -> None:
        self.journal.close()
        self.hand.s += after_s
        if reboot:
            self.hand.boot_id, self.hand.s = "boot-2", 7.0
        self.start()

    def live(self, seconds: int, bpm: float = 110.0) -> None:
        for _ in range(seconds):
            self.hand.s += 1
            self.keeper.deliver(Measurement(bpm))
            self.keeper.wake()

    def choose(self) -> str | None:
        """Choose the highlighted participant and say that it is them."""
        self.keeper.press(Button.START)
        return self.keeper.press(Button.START)

    def begin(self) -> None:
        self.choose()
        self.live(3)
        self.keeper.press(Button.START)

    @property
    def face(self) -> ScreenId:
        return self.keeper.view().face

    def wait_saved(self) -> None:
        until_s = time.monotonic() + 60
        while self.keeper.saved != "saved" and time.monotonic() < until_s:
            time.sleep(0.001)

    def record(self) -> SessionRecord:
        (line,) = self.journal.sessions().result(10)
        return self.journal.session(line.session_id).result(10)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[_Bench]:
    bench = _Bench(tmp_path)
    yield bench
    bench.journal.close()


def test_nothing_is_journaled_before_the_start_is_pressed(bench: _Bench) -> None:
    bench.choose()
    bench.live(5)
    assert bench.face is ScreenId.READY
    assert bench.journal.sessions().result(10) == ()


def test_what_was_measured_before_the_start_is_journaled_with_it(bench: _Bench) -> None:
    bench.begin()
    bench.live(2)
    record = bench.record()
    assert [message.t for message in record.messages[:3]] == [1.0, 2.0, 3.0]
    assert record.begun.monotonic_s == 100.0


def test_cues_carry_the_moment_at_which_they_fell_due_however_late_the_wake(bench: _Bench) -> None:
    bench.begin()
    began_s = bench.hand.s
    bench.hand.s += 600.4
    bench.keeper.wake()
    due = {cue.name: due_s for cue, due_s in bench.outlet.cues}
    assert due[CueName.WARM_UP] == began_s
    assert due[CueName.HALF_MINUTE_LEFT] == began_s + 570
    assert due[CueName.HALFWAY] == began_s + 300


def test_the_keeper_says_when_it_must_be_woken_next(bench: _Bench) -> None:
    assert bench.keeper.next_due_clock_s() is None
    bench.begin()
    assert bench.keeper.next_due_clock_s() == bench.hand.s + 1


def test_saved_is_said_only_after_the_journal_said_so(bench: _Bench) -> None:
    bench.begin()
    bench.live(10)
    assert bench.keeper.saved == "no"
    bench.keeper.press(Button.STOP)
    assert bench.keeper.saved in ("saving", "saved")
    bench.wait_saved()
    assert bench.record().summary is not None


def test_borg_and_mood_after_the_end_make_a_new_revision(bench: _Bench) -> None:
    bench.begin()
    bench.live(310)
    bench.keeper.press(Button.STOP)
    bench.keeper.press(Button.STOP)
    bench.keeper.press(Button.START)
    bench.keeper.press(Button.START)
    bench.wait_saved()
    record = bench.record()
    assert record.summary is not None
    assert (record.summary.borg, record.summary.mood) == (13, 3)


def test_a_restart_in_the_same_boot_pauses_at_the_last_second_and_counts_the_time_away(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=30)
    assert bench.face is ScreenId.GO_ON
    state = bench.keeper.state
    assert state is not None
    assert (state.stage, state.paused_t) == ("paused", 63.0)
    bench.keeper.press(Button.START)
    assert bench.face is ScreenId.SESSION
    assert bench.keeper.state is not None
    assert (bench.keeper.state.stage, bench.keeper.state.t, bench.keeper.state.second) == ("running", 93.0, 60)


def test_after_a_reboot_the_session_goes_on_from_the_last_journaled_second(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=0, reboot=True)
    bench.keeper.press(Button.START)
    assert bench.keeper.state is not None
    assert (bench.keeper.state.t, bench.keeper.state.second) == (63.0, 60)


def test_only_a_press_resumes_after_a_restart(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=5)
    bench.live(120)
    with pytest.raises(MessageRefused, match="nobody has begun"):
        bench.keeper.tell(SessionCommand(0.0, CommandName.RESUME, source="therapist"))
    assert bench.face is ScreenId.GO_ON
    assert [type(message) for message in bench.record().messages].count(Restored) == 1


def test_a_second_restart_offers_the_same_session_again(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=5)
    bench.live(5)
    bench.restart(after_s=5, reboot=True)
    bench.live(5)
    bench.keeper.press(Button.START)
    assert bench.keeper.state is not None
    assert bench.keeper.state.second == 60
    assert len(bench.journal.sessions().result(10)) == 1


def test_declining_ends_the_session_and_saves_it(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=5)
    bench.keeper.press(Button.STOP)
    bench.wait_saved()
    record = bench.record()
    assert record.summary is not None
    assert record.summary.end_reason == "stopped"


def test_a_session_that_was_left_for_longer_than_a_pause_may_last_is_ended_and_not_offered(bench: _Bench) -> None:
    bench.begin()
    bench.live(60)
    bench.restart(after_s=3 * 3600)
    assert bench.face is ScreenId.CHOOSE_PARTICIPANT
    record = bench.record()
    assert record.summary is not None
    assert record.summary.end_reason == "pause_limit"
    assert record.revision == 1


def test_no_session_begins_without_room_and_one_that_runs_is_not_stopped_by_it(bench: _Bench) -> None:
    bench.keeper.room = False
    assert bench.keeper.press(Button.START) is not None
    assert (bench.face, bench.keeper.view().findings) == (ScreenId.SELF_TEST_FAILED, ("disk_full",))
    bench.keeper.room = True
    bench.keeper.refresh()
    bench.begin()
    bench.keeper.room = False
    bench.live(5)
    assert bench.keeper.state is not None
    assert bench.keeper.state.stage == "running"


def test_no_message_from_outside_starts_a_session_without_room(bench: _Bench) -> None:
    bench.choose()
    bench.live(3)
    bench.keeper.room = False
    with pytest.raises(MessageRefused) as refused:
        bench.keeper.tell(SessionCommand(0.0, CommandName.START, source="therapist"))
    assert (refused.value.code, bench.face) == ("disk_full", ScreenId.READY)


def test_a_line_from_the_therapist_stands_for_its_time_and_changes_nothing_else(bench: _Bench) -> None:
    with pytest.raises(MessageRefused):
        bench.keeper.show_text("Nobody is here", 5.0)
    bench.begin()
    before = bench.keeper.view()
    bench.keeper.show_text("Bra!", 0.5)
    assert bench.keeper.view() == replace(before, message="Bra!")
    assert bench.outlet.cues[-1][0].name is CueName.THERAPIST_TEXT
    assert bench.outlet.cues[-1][1] == pytest.approx(bench.hand.s)
    due_s = bench.keeper.next_due_clock_s()
    assert due_s is not None
    assert due_s <= bench.hand.s + 0.5
    bench.hand.s += 0.5
    bench.keeper.wake()
    assert bench.keeper.view().message is None


def test_the_highlight_stays_on_the_person_when_a_plan_before_hers_is_withdrawn(bench: _Bench) -> None:
    """Hazard H7: nobody may slip under a thumb that is about to press."""
    for name in ("Rev", "Elg", "Ugle"):
        bench.plans.put(guest_plan_of(name))
    bench.plans.withdraw("guest")
    bench.keeper.refresh()
    bench.keeper.press(Button.DOWN)
    bench.keeper.press(Button.DOWN)
    assert bench.keeper.view().choices[bench.keeper.view().selected].name == "Ugle"
    bench.plans.withdraw("Rev")
    bench.keeper.refresh()
    assert bench.keeper.view().choices[bench.keeper.view().selected].name == "Ugle"
    bench.plans.withdraw("Ugle")
    bench.keeper.refresh()
    assert ([one.name for one in bench.keeper.view().choices], bench.keeper.view().selected) == (["Elg"], 0)


def test_what_guidance_foretold_is_journaled_now_and_then_and_so_is_its_end(bench: _Bench) -> None:
    bench.begin()
    bench.live(600)
    for second in range(200):
        bench.live(1, 110.0 + min(0.6 * second, 50.0))
    told = [event for event in bench.record().events if isinstance(event, Predicted)]
    assert told
    known = [one for one in told if one.end_bpm is not None]
    apart_s = [later.t - earlier.t for earlier, later in pairwise(known)]
    assert min(apart_s, default=PREDICTION_NOTED_EVERY_S) >= PREDICTION_NOTED_EVERY_S
    assert all((one.end_low_bpm or 0.0) <= (one.end_bpm or 0.0) <= (one.end_high_bpm or 0.0) for one in known)


def test_a_person_who_goes_is_signed_out_two_minutes_after_the_end(bench: _Bench) -> None:
    bench.begin()
    bench.live(10)
    bench.keeper.press(Button.STOP)
    bench.hand.s += 119.0
    bench.keeper.wake()
    assert bench.face is ScreenId.ENDED
    bench.hand.s += 1.0
    bench.keeper.wake()
    assert bench.face is ScreenId.CHOOSE_PARTICIPANT
    assert bench.keeper.view().snapshot is None


def test_messages_are_stamped_when_they_come_whatever_they_claim(bench: _Bench) -> None:
    bench.begin()
    bench.live(10)
    bench.hand.s += 0.25
    bench.keeper.tell(Exertion(9999.0, 12))
    assert bench.record().messages[-1] == Exertion(13.25, 12)


def test_a_lost_strap_leaves_a_trace_of_time_so_that_a_restart_knows_how_far_it_came(bench: _Bench) -> None:
    bench.begin()
    bench.live(10)
    bench.keeper.deliver(SignalSourceLost("disconnected"))
    for _ in range(40):
        bench.hand.s += 1
        bench.keeper.wake()
    bench.restart(after_s=0, reboot=True)
    assert bench.keeper.state is not None
    assert bench.keeper.state.t == pytest.approx(53.0, abs=1.0)


def test_records_after_the_end_within_one_commit_are_kept(tmp_path: Path) -> None:
    bench = _Bench(tmp_path)
    bench.begin()
    bench.live(10)
    writer = bench.journal._writer
    with writer._condition:
        # While this is held the journal's thread waits, so all that follows is one transaction.
        bench.hand.s += 0.5
    for button in (Button.STOP, Button.STOP, Button.START, Button.START):
        bench.keeper.press(button)
    bench.wait_saved()
    assert bench.journal.state.status == "saved"
    bench.journal.close()
