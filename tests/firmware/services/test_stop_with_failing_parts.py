"""Stop depends on nothing optional (H6): guidance, journal, display, desk and list of participants fail at random."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.guidance.barrier import Budget
from coach.guidance.interface import GuidanceInput
from coach.kiosk import flow as at_desk
from coach.kiosk.flow import KioskState, PressResult
from coach.kiosk.view import Button, ScreenId
from coach.model.cue import Cue
from coach.model.events import Advice, AnyEvent, Direction, NoticeRaised, PhaseEnded, PhaseStarted, SessionEnded
from coach.session.state import SessionState
from coach.session.transition import Transition
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.panel.factory import Panels
from firmware.panel.panel import ButtonPanel, HandPins, Pins
from firmware.participants.plan_files import PlanRepository, guest_plan
from firmware.sensors.strap import Measurement
from firmware.services import session_controller, time_budget
from firmware.services.barrier import Barrier
from firmware.services.session_controller import SessionController
from firmware.services.time_budget import OverrunError, StepBudget, stop_budget, waited_s
from firmware.system.clock import SystemClock
from firmware.system.timestamps import Timestamp
from tests.support.led_session import Says

QUICK = JournalSettings(commit_every_s=0.0, retry_s=0.01, free_floor_bytes=0)
MOST_S = 0.2
"""Hazard H6: a press takes effect within this time."""

ERRORS = (ValueError, OSError, KeyError, MemoryError, SystemExit, GeneratorExit)
Fails = Callable[[str], None]


class _Hand:
    """A clock, stamps and outlet in the hands of a test. `fails` is asked before each optional part does its work."""

    def __init__(self, fails: Fails) -> None:
        self.s = 100.0
        self.fails = fails
        self.events: list[AnyEvent] = []

    def now(self) -> float:
        """The second."""
        return self.s

    async def sleep_until(self, t: float) -> None:
        """Nobody sleeps here."""

    def cue(self, _cue: Cue, _intervals: int, _due_clock_s: float) -> None:
        """The display's voice."""
        self.fails("display")

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        """Those who listen."""
        self.events += events
        self.fails("display")

    def changed(self, *, at_once: bool) -> None:  # noqa: ARG002 - the interface
        """The picture."""
        self.fails("display")


class _Stamps:
    """The stamps of a hand."""

    def __init__(self, hand: _Hand) -> None:
        self.hand = hand

    def now(self) -> Timestamp:
        """The stamp."""
        return Timestamp("boot-1", self.hand.s, 1.8e9 + self.hand.s, synchronised=True)


class _FailingJournal:
    """A journal whose calls fail now and then, before anything is taken."""

    def __init__(self, journal: Journal, fails: Fails) -> None:
        self._journal, self._fails = journal, fails

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        if name in ("begin", "record", "finish"):
            self._fails("journal")
        return getattr(self._journal, name)


class _FailingPlans:
    """A list of participants that cannot be read now and then."""

    def __init__(self, plans: PlanRepository, fails: Fails) -> None:
        self._plans, self._fails = plans, fails

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the real one has
        if name == "choices":
            self._fails("list of participants")
        return getattr(self._plans, name)


class _FailingGuidance(Says):
    """A guidance that fails now and then, in a second or in what it says beside."""

    def __init__(self, fails: Fails) -> None:
        super().__init__(Advice(Direction.SLOWER, -0.2, 5.0, 5.0, "above_zone"))
        self.fails = fails

    def second(self, moment: GuidanceInput) -> tuple["Says", Advice | None]:
        """Advise, or fail."""
        self.fails("guidance")
        return super().second(moment)


class _Ground:
    """A keeper, with whatever fails, that is led by a hand."""

    def __init__(self, folder: Path, fails: Fails) -> None:
        self.hand = _Hand(lambda _: None)
        self.journal = Journal.open(folder / "diary.db", settings=QUICK, clock=_Stamps(self.hand))
        self.fails = fails
        self.budget: Callable[[], Budget] = StepBudget
        self.keeper = SessionController(
            plans=_FailingPlans(PlanRepository((guest_plan(hr_max_bpm=180.0),)), self._fail),  # type: ignore[arg-type] # as one
            journal=_FailingJournal(self.journal, self._fail),  # type: ignore[arg-type] # as one
            clock=self.hand,
            stamps=_Stamps(self.hand),
            outlet=self.hand,
            guidance=lambda _: _FailingGuidance(self._fail),
            budget=self._make_budget,
            stop_budget=stop_budget,
        )
        self.keeper.press(Button.START)
        self.keeper.press(Button.START)
        self.live(3)
        self.keeper.press(Button.START)
        self.hand.fails = self._fail

    def _make_budget(self) -> Budget:
        return self.budget()

    def _fail(self, what: str) -> None:
        if self.keeper_runs:
            self.fails(what)

    @property
    def keeper_runs(self) -> bool:
        """Whether the session has begun, so that things may fail."""
        keeper = getattr(self, "keeper", None)
        return keeper is not None and keeper.training

    def live(self, seconds: int) -> None:
        """Let so many seconds pass, with a rate in each."""
        for _ in range(seconds):
            self.hand.s += 1
            self.keeper.deliver(Measurement(110.0 + self.hand.s % 2))
            self.keeper.wake()

    def timing(self) -> list[AnyEvent]:
        """When phases began and ended."""
        return [event for event in self.hand.events if isinstance(event, PhaseStarted | PhaseEnded | SessionEnded)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["guidance", "journal", "display", "list of participants", "desk"]),
        st.tuples(st.integers(0, 40), st.integers(1, 7), st.sampled_from(ERRORS)),
        min_size=1,
    ),
    st.integers(1, 60),
)
def test_stop_works_within_a_fifth_of_a_second_and_timing_and_journal_are_whole_whatever_fails(
    tmp_path_factory: pytest.TempPathFactory, failing: dict[str, tuple[int, int, type[BaseException]]], seconds: int
) -> None:
    calls: dict[str, int] = {}

    def fails(what: str) -> None:
        calls[what] = calls.get(what, 0) + 1
        first, every, error = failing.get(what, (10**9, 1, ValueError))
        if calls[what] > first and calls[what] % every == 0:
            raise error(what)

    real = at_desk.press

    def press(desk: KioskState, state: SessionState | None, button: Button, t: float) -> PressResult:
        fails("desk")
        return real(desk, state, button, t)

    with pytest.MonkeyPatch.context() as patched:
        ground = _Ground(tmp_path_factory.mktemp("diary"), fails)
        patched.setattr(session_controller.at_desk, "press", press)
        ground.live(seconds)
        ground.hand.s += 0.4
        stop_s = ground.hand.s - 103.0
        began_s = time.monotonic()
        refused = ground.keeper.press(Button.STOP)
        assert time.monotonic() - began_s <= MOST_S
    assert refused is None
    assert not ground.keeper.training
    assert ground.timing()[-1] == SessionEnded(3.0 + stop_s, "stopped", completed=False)
    assert ground.keeper.view().face is ScreenId.ENDED
    ground.fails = lambda _: None
    ground.keeper.wake()
    until_s = time.monotonic() + 60
    while ground.keeper.saved != "saved" and time.monotonic() < until_s:
        time.sleep(0.001)
    (line,) = ground.journal.sessions().result(10)
    record = ground.journal.session(line.session_id).result(10)
    assert [event for event in record.events if isinstance(event, PhaseStarted | PhaseEnded | SessionEnded)] == (
        ground.timing()
    )
    rates = [message.t for message in record.messages if hasattr(message, "bpm")]
    assert rates == [float(t) for t in range(1, 4 + seconds)]
    ground.journal.close()


@pytest.mark.parametrize("hangs", [lambda: time.sleep(5), lambda: [None for _ in iter(int, 1)]])
def test_a_guidance_that_hangs_is_interrupted_and_stop_works(tmp_path: Path, hangs: Callable[[], Any]) -> None:
    def fails(what: str) -> None:
        if what == "guidance":
            hangs()

    ground = _Ground(tmp_path, lambda _: None)
    ground.live(10)
    ground.fails = fails
    ground.hand.s += 1
    began_s = time.monotonic()
    ground.keeper.press(Button.STOP)
    assert time.monotonic() - began_s <= MOST_S
    assert not ground.keeper.training
    (notice,) = [
        event for event in ground.hand.events if isinstance(event, NoticeRaised) and event.code == "guidance_off"
    ]
    assert notice.detail.startswith("OverrunError: the guidance took longer than 120 ms (")
    ground.journal.close()


def test_after_a_restart_a_guidance_that_was_too_slow_stays_out_of_action(tmp_path: Path) -> None:
    slow = [False]

    def fails(what: str) -> None:
        if what == "guidance" and slow[0]:
            raise OverrunError

    ground = _Ground(tmp_path, fails)
    ground.live(10)
    slow[0] = True
    ground.live(1)
    slow[0] = False
    ground.live(5)
    ground.journal.close()
    journal = Journal.open(tmp_path / "diary.db", settings=QUICK, clock=_Stamps(ground.hand))
    keeper = SessionController(
        plans=PlanRepository(()), journal=journal, clock=ground.hand, stamps=_Stamps(ground.hand), outlet=ground.hand
    )
    assert keeper.view().face is ScreenId.GO_ON
    keeper.press(Button.START)
    assert keeper.state is not None
    assert keeper.state.advice == Advice(reason="guidance_off")
    assert "guidance_off" in keeper.state.notice_codes
    keeper.press(Button.STOP)
    assert not keeper.training
    journal.close()


def test_stop_works_and_the_view_is_drawn_where_the_engine_itself_cannot_live_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_turn: Transition) -> None:
        raise IndexError

    ground = _Ground(tmp_path, lambda _: None)
    ground.live(5)
    monkeypatch.setattr(Transition, "_second", broken)
    ground.hand.s += 3
    assert ground.keeper.view().face is ScreenId.SESSION
    ground.keeper.press(Button.STOP)
    assert not ground.keeper.training
    ground.journal.close()


def test_a_look_at_the_session_changes_nothing(tmp_path: Path) -> None:
    ground = _Ground(tmp_path, lambda _: None)
    ground.live(5)
    before = ground.keeper.state
    ground.hand.s += 7.3
    events = list(ground.hand.events)
    assert ground.keeper.view().snapshot is not None
    assert ground.keeper.state is before
    assert ground.hand.events == events
    ground.journal.close()


def test_a_profile_that_cannot_be_drawn_leaves_the_rest_of_the_view(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground = _Ground(tmp_path, lambda _: None)
    ground.live(5)

    def broken(_state: object) -> None:
        raise ValueError

    monkeypatch.setattr(at_desk, "profile", broken)
    view = ground.keeper.view()
    assert (view.face, view.profile) == (ScreenId.SESSION, None)
    assert view.snapshot is not None
    ground.journal.close()


def test_a_budget_leaves_the_timer_of_others_running_and_is_shared_by_the_calls_of_a_step() -> None:
    rings: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda *_: rings.append(1))
    kept = signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        budget = StepBudget(0.5)
        assert budget(lambda: 7) == 7
        time.sleep(0.1)
        assert rings == [1]
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *kept)
    budget = StepBudget(0.05)
    with pytest.raises(OverrunError, match="longer than 50 ms"):
        budget(lambda: time.sleep(1))
    with pytest.raises(OverrunError):
        budget(lambda: 7)


def test_time_spent_waiting_for_a_processor_is_not_the_guidances() -> None:
    """A small or busy machine stretches every call; a guidance that computes or sleeps for too long is still ended."""
    began_s = time.monotonic()
    starved = StepBudget(0.02, waited=lambda: time.monotonic() - began_s)
    assert starved(lambda: time.sleep(0.05) or 7) == 7
    half = StepBudget(0.02, waited=lambda: (time.monotonic() - began_s) / 2)
    with pytest.raises(OverrunError):
        half(lambda: time.sleep(5))
    with pytest.raises(OverrunError):
        StepBudget(0.02, most_wall_s=0.04, waited=lambda: time.monotonic() - began_s)(lambda: time.sleep(5))
    with pytest.raises(OverrunError):
        stop_budget()(lambda: time.sleep(5))
    assert waited_s() >= 0.0


@settings(max_examples=15, deadline=None)
@given(st.floats(0.0, 0.3), st.floats(0.0, 1.0))
def test_a_press_ends_a_guidance_that_hangs_on_a_starved_machine_within_a_fifth_of_a_second(
    pressed_after_s: float, waiting_share: float
) -> None:
    """However much of its time a hanging call has waited for a processor, and whenever a button is pressed."""
    began_s = time.monotonic()
    budget = StepBudget(
        waited=lambda: waiting_share * (time.monotonic() - began_s),
        press_waits=lambda: time.monotonic() >= began_s + pressed_after_s,
    )
    with pytest.raises(OverrunError):
        budget(lambda: time.sleep(5))
    assert time.monotonic() - began_s <= max(pressed_after_s, time_budget.GUIDANCE_BUDGET_S) + MOST_S / 2


def test_a_call_that_is_done_before_a_press_is_handled_is_no_overrun() -> None:
    began_s = time.monotonic()
    budget = StepBudget(0.02, waited=lambda: time.monotonic() - began_s, press_waits=lambda: True)
    assert budget(lambda: 7) == 7
    with pytest.raises(OverrunError):
        budget(lambda: time.sleep(5))


def test_a_stop_pressed_while_the_guidance_hangs_on_a_starved_machine_is_taken_within_a_fifth_of_a_second(
    tmp_path: Path,
) -> None:
    """The guidance hangs in a step of time, and all of that is waiting for a processor."""
    ground = _Ground(tmp_path, lambda _: None)
    ground.live(10)
    pins = HandPins()
    pressed_s: list[float] = []
    taken_s: list[float] = []

    async def main() -> None:
        taken = asyncio.Event()

        async def opened() -> Pins:
            return pins

        def press(button: Button) -> None:
            ground.keeper.press(button)
            taken_s.append(time.monotonic())
            taken.set()

        panels = Panels(
            (ButtonPanel(opened, SystemClock()),), press=press, type_digit=lambda _: None, on_stuck=lambda _: None
        )
        began_s = time.monotonic()
        ground.budget = lambda: StepBudget(
            waited=lambda: time.monotonic() - began_s, press_waits=lambda: panels.press_waits
        )
        running = asyncio.create_task(panels.run())
        await asyncio.sleep(0.05)

        def hang(what: str) -> None:
            if what == "guidance":
                time.sleep(5)

        def finger() -> None:
            time.sleep(0.15)
            pressed_s.append(time.monotonic())
            pins.put(Button.STOP, down=True)

        ground.fails = hang
        thread = threading.Thread(target=finger)
        thread.start()
        ground.live(1)
        await taken.wait()
        thread.join()
        running.cancel()

    asyncio.run(main())
    assert not ground.keeper.training
    assert taken_s[0] - pressed_s[0] <= MOST_S
    ground.journal.close()


def test_a_kernel_that_does_not_count_waiting_leaves_the_whole_time_to_the_guidance(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(time_budget, "SCHEDSTAT", str(tmp_path / "none"))
    assert waited_s() == 0.0
    (tmp_path / "odd").write_text("7\n", encoding="ascii")
    monkeypatch.setattr(time_budget, "SCHEDSTAT", str(tmp_path / "odd"))
    assert waited_s() == 0.0


def test_an_interrupt_of_the_operator_passes_the_barrier() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Barrier().run("part", interrupted, None)


def test_the_barrier_logs_the_trace_of_a_failure_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> int:
        raise ValueError

    barrier = Barrier()
    assert [barrier.run("list", broken, 3) for _ in range(2)] == [3, 3]
    assert [record.exc_info is not None for record in caplog.records] == [True, False]
