"""Keeps the session of this machine: desk, engine and journal together, on one thread, without a loop or a socket.

Theory of operation. Whatever happens is one `_step` of the engine at one session second. What it brings goes out in the
order of its worth: cues first, then the journal, then events and the view. Nothing here waits. Session seconds are
those of the monotonic clock since the participant was chosen; after a restart within the same boot they go on from it,
after a reboot from the last journaled second.
"""

import logging
import math
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any, Literal, Protocol

from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.guidance.barrier import Budget, unlimited
from coach.guidance.defaults import default_guidance
from coach.guidance.interface import GuidanceMaker
from coach.kiosk import flow as at_desk
from coach.kiosk import sign_in as arriving
from coach.kiosk.flow import KioskRequest, KioskState, PressResult
from coach.kiosk.strap_choice import StrapScene
from coach.kiosk.view import Button, Choice, DisplayState, ScreenId, TriedPart
from coach.model.course_progress import CourseProgress
from coach.model.cue import Cue, CueName
from coach.model.events import AnyEvent, Predicted, ReadinessAnswered, SessionEnded, SessionStarted, Signal
from coach.model.messages import (
    AnyMessage,
    CommandName,
    HeartRate,
    Restored,
    SessionCommand,
    SourceLost,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import COUNTS_FROM_S, Plan
from coach.model.snapshot import Prediction
from coach.model.summary import Summary
from coach.progress.my_training import known_sessions, my_training, next_appointment, step_back, with_moment
from coach.session.belt import BeltVerdict
from coach.session.engine import guidance_off, next_due_s, step, without_guidance
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin
from firmware.journal.errors import JournalError
from firmware.journal.journal import Journal
from firmware.journal.record import SessionRecord
from firmware.participants.plan_files import GUEST, PlanRepository
from firmware.participants.training_closures import TrainingClosures
from firmware.participants.treadmill_memory import believed_kmh
from firmware.sensors.strap import Delivery, Measurement, SignalSourceLost, SimulatedPersonInput
from firmware.services.barrier import Barrier
from firmware.services.maintenance_flow import MachinePage
from firmware.services.strap_selection import StrapChoosing
from firmware.services.training_history import TrainingHistory, training_day
from firmware.system.clock import Clock
from firmware.system.known_time import KnownTime
from firmware.system.session_id import new_session_id
from firmware.system.timestamps import StampClock, Timestamp

_log = logging.getLogger(__name__)

TIME_NOTED_EVERY_S = 1.0
"""While nothing else is recorded, the passing of time is, so that a restart knows how far the session had come."""

PREDICTION_NOTED_EVERY_S = 10.0
NO_ROOM = "disk_full"
EARLY_TIMER_S = 1e-3
"""A timer may fire a hair early."""

CheckPin = Callable[[str, str, Callable[[bool], None]], None]
"""Asked with a pseudonym and digits; says later, on the keeper's thread, whether they are right."""

SaveStatus = Literal["no", "saving", "saved", "not_saved"]


class SessionListener(Protocol):
    """Where cues and events go. Calls must return at once."""

    def cue(self, cue: Cue, intervals: int, due_clock_s: float) -> None:
        """Say that a cue is due; `due_clock_s` is the clock's reading at which it fell due."""
        ...

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        """Say that these events have happened."""
        ...

    def changed(self, *, at_once: bool) -> None:
        """Say that the view has changed; `at_once`: it should be seen in this very moment."""
        ...


class SessionController:
    """One machine's session. `clock` counts `speed` seconds in each second of the monotonic clock."""

    def __init__(  # noqa: PLR0913 - the parts that a session needs, each by its name
        self,
        *,
        plans: PlanRepository,
        journal: Journal,
        clock: Clock,
        stamps: StampClock,
        outlet: SessionListener,
        speed: float = 1.0,
        later: Callable[[Callable[[], None]], None] = lambda act: act(),
        check_pin: CheckPin = lambda _participant, _pin, then: then(False),  # noqa: FBT003 - the answer itself
        guidance: GuidanceMaker = default_guidance,
        budget: Callable[[], Budget] = lambda: unlimited,
        stop_budget: Callable[[], Budget] = lambda: unlimited,
        closures: TrainingClosures | None = None,
        help_number: str = "",
        courses: Mapping[str, CourseProgress] | None = None,
    ) -> None:
        """Offer the unfinished session of the journal again, if there is one. `later` brings a call to this thread.

        `check_pin` says later, on this thread, whether the digits are a participant's PIN. `budget` makes the time
        budget of the guidance for one step of the engine. `closures`: for whom training is closed here; without them
        it is known in memory only. `help_number`: the clinic's own number, shown where help is needed. `courses`: what
        the server knows of each participant's course, by pseudonym.
        """
        self._courses = {} if courses is None else courses
        self._closures, self._help_number = closures or TrainingClosures(), help_number
        self._plans, self._journal, self._clock, self._stamps = plans, journal, clock, stamps
        self._outlet, self._speed, self._later = outlet, speed, later
        self._check_pin, self._guidance, self._budget = check_pin, guidance, budget
        self._stop_budget = stop_budget
        self._barrier = Barrier()
        self._typed: list[int] = []
        self._touched_s = clock.now()
        choices: tuple[Choice, ...] = ()
        choices = self._barrier.run("list of participants", lambda: plans.choices(KnownTime(stamps.now())), choices)
        self.desk = KioskState(choices=choices, language=plans.language)
        self.state: SessionState | None = None
        self.strap_name: str | None = None
        self.room = True
        self.machine = MachinePage(speed)
        self._straps: StrapChoosing | None = None
        self._origin_s = 0.0
        self._session_id = ""
        self._begun: Timestamp | None = None
        self._begun_in_journal = False
        self._for_journal: list[Callable[[], None]] = []
        self._unrecorded: list[tuple[AnyMessage, tuple[AnyEvent, ...]]] = []
        self._recorded: list[tuple[AnyMessage, tuple[AnyEvent, ...]]] = []
        self._recorded_t = 0.0
        self._belt_kmh: set[float] = set()
        self._finishing: Future[Any] | None = None
        self._finish_failed = False
        self._since_look: list[AnyEvent] = []
        self._noted_prediction: tuple[Prediction | None, float] = (None, 0.0)
        self._text: str | None = None
        self._text_until_s = 0.0
        self._past = self._barrier.run(
            "earlier training", lambda: TrainingHistory.of(journal.lines()), TrainingHistory()
        )
        unfinished = journal.unfinished().result()
        if unfinished is not None:
            self._barrier.run("unfinished session", lambda: self._restore(unfinished), None)

    # What comes in

    def press(self, button: Button) -> str | None:
        """Take a press of a button. Return why nothing came of it, or None.

        In a session stop reaches the engine first, past everything that might fail (hazard H6).
        """
        if button is Button.STOP and self.training and not self.desk.offer_go_on:
            self._touched_s = self._clock.now()
            assert self.state is not None  # noqa: S101 - a session that runs has a state
            return self._carry_out(PressResult(self.desk, at_desk.stop_messages(self.state, self._now_t())))
        t = self._touched()
        return self._carry_out(at_desk.press(self.desk, self.state, button, t))

    def type_digit(self, digit: int) -> str | None:
        """Take a digit that was typed on a keypad. Return why nothing came of it, or None."""
        t = self._touched()
        return self._carry_out(at_desk.type_digit(self.desk, self.state, digit, t))

    def _touched(self) -> float:
        """Somebody is there: live up to now, and look whom one may choose, since plans expire by themselves."""
        t = self._now_t()
        self._barrier.run("time of the session", lambda: self._live_until(t), None)
        self._touched_s = self._clock.now()
        self._look_at_choices()
        return t

    def _carry_out(self, pressed: PressResult) -> str | None:
        arrives = self.desk.arrival is None and pressed.desk.arrival is not None
        if (arrives or self._needs_room(pressed.wish, pressed.messages)) and self.closed_by:
            return self._refuse_to_begin()
        self.desk = pressed.desk
        if pressed.typed is not None:
            self._typed.append(pressed.typed)
        if pressed.untyped and self._typed:
            self._typed.pop()
        refused: str | None = None
        for message in pressed.messages:
            refused = self._try(message) or refused
        if refused is not None:
            self.desk = at_desk.refused(PressResult(self.desk)).desk
        match pressed.wish:
            case KioskRequest.BEGIN:
                self._begin()
            case KioskRequest.CHECK_PIN:
                self._ask_pin()
            case KioskRequest.SIGN_OUT:
                self._sign_out()
            case KioskRequest.GO_ON:
                refused = self._try(SessionCommand(self._now_t(), CommandName.RESUME))
            case KioskRequest.LET_GO:
                refused = self._try(SessionCommand(self._now_t(), CommandName.STOP))
                self._finish_if_ended()
            case KioskRequest.LOOK_AGAIN:
                self.machine.on_look_again()
            case KioskRequest.KEEP_ANSWERS:
                self.desk = self.machine.answered(self.desk)
            case KioskRequest.BIND_STRAP | KioskRequest.LOOK_FOR_STRAPS:
                self._look_or_bind()
            case KioskRequest.TEST_AGAIN | None:
                pass
        self._barrier.run("machine page", lambda: self.machine.pressed(self.desk, self._clock.now()), None)
        self._changed(at_once=True)
        return refused

    def tell(self, message: AnyMessage) -> None:
        """Take a message from a program on this machine, stamped now. Raises Refused."""
        if self.state is None or self.desk.offer_go_on:
            raise MessageRefused("no_session", "nobody has begun a session at this machine; choose a participant first")
        if self._needs_room(None, (message,)) and self.closed_by:
            raise MessageRefused(self.closed_by[0], self._closed_because())
        self._step(replace(message, t=self._now_t()))

    def choose_straps(self, straps: StrapChoosing) -> None:
        """Let the person choose a strap here; one that goes on after a restart has the strap that it had."""
        self._straps = straps
        straps.shown_to(self._looked)
        if self.state is not None:
            self.desk = straps.restored(self.desk, self.state)

    def _look_or_bind(self) -> None:
        if self._straps is not None:
            self._straps.chosen_or_not(self.desk)

    def _looked(self, scene: StrapScene) -> None:
        if self._straps is not None:
            self.desk = self._straps.looked(self.desk, scene)
            self._changed(at_once=True)

    def measured(
        self, speed_kmh: float, incline_percent: float | None, verdict: BeltVerdict | None = None
    ) -> BeltVerdict | None:
        """Take the treadmill's setting; an incline that it does not tell stays what it was.

        `verdict`: what was said of this treadmill before. Returns what is said of it in this session.
        """
        if self.state is None or self.desk.offer_go_on:
            return None
        said = self.state.belt.verdict
        # What is said in this session is applied by the engine itself.
        before = verdict if said is None or verdict == "as_sent" else None
        self._belt_kmh.add(speed_kmh)
        kmh = believed_kmh(speed_kmh, before)
        if kmh is None or (before == "stuck" and len(self._belt_kmh) == 1):
            # A value that was stuck before may be stuck again; once it changes, it is judged as any treadmill's.
            return said
        incline = self.state.incline_percent if incline_percent is None else incline_percent
        source: Literal["belt", "trusted_belt"] = "trusted_belt" if before == "as_sent" else "belt"
        refused = self._try(TreadmillSpeed(self._now_t(), kmh, incline or 0.0, source))
        if refused is not None:
            _log.warning("The treadmill sent what no treadmill does: %s", refused)
        return said

    def show_text(self, text: str, for_s: float) -> None:
        """Show a line from the therapist for so many real seconds, after a tone. Raises MessageRefused."""
        if self.state is None:
            raise MessageRefused("no_session", "nobody is at this machine now, so nobody would read it")
        self._text, self._text_until_s = text, self._clock.now() + for_s * self._speed
        self._say(Cue(self._now_t(), CueName.THERAPIST_TEXT), self.state.protocol.intervals)
        self._changed(at_once=True)

    def deliver(self, delivery: Delivery) -> None:
        """Note that the strap has delivered something."""
        if self.state is None:
            return
        t = self._now_t()
        message: AnyMessage
        match delivery:
            case Measurement():
                message = delivery.at(t)
            case SignalSourceLost(reason):
                message = SourceLost(t, reason)
        refused = self._try(message)
        if refused is not None:
            _log.warning("The strap sent what no strap sends: %s", refused)
        if isinstance(delivery, Measurement) and self.state.source.signal in (Signal.LIVE, Signal.WEAK):
            # A heart that beats is somebody who is there; a strap on a bench is not.
            self._touched_s = self._clock.now()

    def wake(self) -> None:
        """Time has passed: live through what is due."""
        if (leaves_s := self._leaves_s()) is not None and self._clock.now() >= leaves_s - EARLY_TIMER_S:
            _log.info("Nobody has pressed anything for long, so that whoever had been chosen is signed out.")
            self._sign_out()
        elif self._pin_waits():
            self._changed(at_once=True)
        if self._text is not None and self._clock.now() >= self._text_until_s:
            self._text = None
            self._changed(at_once=True)
        self._barrier.run("machine page", self._tend_machine, None)
        if self._for_journal:
            self._hand_over_waiting()
        if self.state is None:
            return
        t = self._now_t()
        due_t = self._next_due_t()
        if due_t is not None and due_t - t < 1e-3:  # noqa: PLR2004 - a timer may fire a hair early
            t = max(t, due_t)
        self._live_until(t)
        signs_out_t = self._signs_out_t()
        if signs_out_t is not None and t >= signs_out_t and not self.desk.offer_go_on:
            self._sign_out()

    def next_due_clock_s(self) -> float | None:
        """Return the clock's reading at which `wake` must be called; None where nothing will happen by itself."""
        due_t = self._next_due_t()
        due_s = [] if due_t is None else [self._origin_s + due_t]
        if self._text is not None:
            due_s.append(self._text_until_s)
        if (counts_s := self._counts_down_s()) is not None:
            due_s.append(counts_s)
        if (leaves_s := self._leaves_s()) is not None:
            due_s.append(leaves_s)
        machine_s = self.machine.next_due_clock_s()
        if machine_s is not None:
            due_s.append(machine_s)
        return min(due_s, default=None)

    def refresh(self) -> None:
        """Plans, room or saving have changed."""
        self._look_at_choices()
        if self.desk.findings:
            # What is shown stays true: one finding may give way to another while the page stands.
            self.desk = replace(self.desk, findings=self.closed_by)
        self._changed(at_once=False)

    @property
    def closed_by(self) -> tuple[str, ...]:
        """Why no session may begin now: codes of severe findings. One that runs is never touched."""
        return (*(() if self.room else (NO_ROOM,)), *(code for code in self.machine.stops if code != NO_ROOM))

    def found(self, stops: tuple[str, ...], attention: tuple[str, ...], *, show: bool = False) -> None:
        """Take what the machine finds wrong with itself. What is severe and new is shown where no person is there.

        `show`: somebody asked, so that it is shown though it is not new.
        """
        before = self.machine.stops
        self.machine.stops, self.machine.attention = stops, attention
        self.refresh()
        new = any(code not in before and code != NO_ROOM for code in stops)
        if self.closed_by and (new or show) and at_desk.face(self.desk, self.state) is ScreenId.CHOOSE_PARTICIPANT:
            self.desk = replace(self.desk, findings=self.closed_by)

    def try_parts(self, parts: tuple[TriedPart, ...]) -> None:
        """Take what a self-test can try on this machine; one that runs goes on with what it began."""
        if self.desk.tested is None:
            self.desk = replace(self.desk, parts=parts)

    def begin_self_test(self) -> None:
        """Let whoever stands there try screen, lamp and voice. Raises Refused while somebody is at the machine."""
        if self.state is not None or self.desk.chosen or self.desk.offer_go_on:
            raise MessageRefused("somebody_here", "somebody is at the machine; try again when nobody trains")
        if not self.desk.parts:
            raise MessageRefused("nothing_to_try", "screen, lamp and voice are all switched off by the settings")
        self.desk = replace(at_desk.signed_out(self.desk), machine=True, tested=())
        self.machine.pressed(self.desk, self._clock.now())
        self._changed(at_once=True)

    def _all_found(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.closed_by, *self.machine.attention)))

    def _closed_because(self) -> str:
        if not self.room:
            return "there is no room on the disk for another session; let the machine deliver first"
        codes = ", ".join(self.closed_by)
        return f"the machine found something wrong with itself ({codes}); interval-coach doctor says what to do"

    def _tend_machine(self) -> None:
        desk, cues = self.machine.due(self.desk, self._clock.now())
        for due_s, cue in cues:
            self._outlet.cue(cue, 0, due_s)
        if desk != self.desk:
            self.desk = desk
            self._changed(at_once=True)

    def save_again(self) -> None:
        """Hand a session to the journal again that it could not take; called now and then."""
        if self._finish_failed and self.state is not None and self._begun is not None:
            self._finish_failed = False
            session_id, plan, protocol, begun = self._session_id, self.state.plan, self.state.protocol, self._begun
            self._in_order(lambda: self._journal.begin(session_id, plan, protocol, begun))
            for message, events in self._recorded:
                self._hand_over((message,), events)
            self._finish()
        elif self._for_journal:
            self._hand_over_waiting()

    # What is seen

    @property
    def saved(self) -> SaveStatus:
        """Whether the session is safe. «Saved» only after the journal's own word."""
        if self._finish_failed or self._for_journal or self._journal.state.status == "not_saved":
            return "not_saved"
        if self._finishing is None:
            return "no"
        return "saved" if self._finishing.done() else "saving"

    @property
    def training(self) -> bool:
        """Whether a session runs: nothing may take time now."""
        return self.state is not None and self.state.stage in ("running", "paused")

    def view(self) -> DisplayState:
        """Return what the machine shows now."""
        now = self._barrier.run("profile", lambda: self._view(with_profile=True), None)
        now = now or self._view(with_profile=False)
        return now if self._text is None else replace(now, message=self._text)

    def _view(self, *, with_profile: bool) -> DisplayState:
        t = self._now_t()
        return at_desk.view(
            self.desk,
            None if self.state is None else self._state_at(t),
            saved=self.saved,
            strap_name=self.strap_name,
            with_profile=with_profile,
            found=self._all_found(),
            help_number=self._help_number,
            t=t,
        )

    def _state_at(self, t: float) -> SessionState:
        """Return the session at `t` without living through it: a look at the session changes nothing."""
        assert self.state is not None  # noqa: S101 - callers have looked
        due_t = next_due_s(self.state)
        return replace(self.state, t=t if due_t is None else max(self.state.t, min(t, due_t)))

    @property
    def participant(self) -> str | None:
        """Pseudonym of who has chosen to train; None where nobody has."""
        return None if self.state is None else self.state.plan.participant

    @property
    def session_id(self) -> str | None:
        """Id of the session, once it is in the journal."""
        return self._session_id or None

    def look(self) -> SimulatedPersonInput:
        """Return what a simulated person sees and has heard since the last look."""
        events, self._since_look = tuple(self._since_look), []
        return SimulatedPersonInput(None if self.state is None else snapshot(self.state), events)

    # Within

    def _now_t(self) -> float:
        t = self._clock.now() - self._origin_s
        return t if self.state is None else max(t, self.state.t)

    def _next_due_t(self) -> float | None:
        if self.state is None:
            return None
        due = [t for t in (next_due_s(self.state), self._signs_out_t()) if t is not None]
        return min(due) if due else None

    def _signs_out_t(self) -> float | None:
        """When the person is signed out. They press buttons in real time, however fast a demo's session runs."""
        t = at_desk.signs_out_at_t(self.state)
        return None if t is None else t + at_desk.SIGN_OUT_AFTER_S * max(0.0, self._speed - 1)

    def _live_until(self, t: float) -> None:
        """Live through what is due, second by second, so that each has the guidance's whole time budget."""
        while self.state is not None and (due_t := next_due_s(self.state)) is not None and due_t <= t:
            self._step(Time(min(t, due_t + 1.0 - EARLY_TIMER_S)))

    def _try(self, message: AnyMessage) -> str | None:
        try:
            self._step(message)
        except MessageRefused as refused:
            return refused.reason
        return None

    def _step(self, message: AnyMessage) -> None:
        """Step the engine, then hand on what came of it. No failure of those who take it reaches the session."""
        assert self.state is not None  # noqa: S101 - callers have looked
        if not isinstance(message, Time | SessionCommand) and message.t - self.state.t > 1.0:
            self._live_until(message.t)
        before, run = self.state, self._barrier.run
        stops = isinstance(message, SessionCommand) and message.name is CommandName.STOP
        stepped = step(before, message, self._stop_budget() if stops else self._budget())
        self.state = stepped.state
        for cue in stepped.cues:
            self._say(cue, before.protocol.intervals)
        foretold: tuple[Predicted, ...] = ()
        foretold = run("forecast", lambda: self._foretold(stepped.state), foretold)
        self._record(message, (*stepped.events, *foretold))
        if stepped.events:
            self._since_look += stepped.events
            run("events", lambda: self._outlet.happened(stepped.events), None)
            run("closures", lambda: self._close_training(stepped.events), None)
            straps = self._straps
            if straps is not None and any(isinstance(event, SessionStarted) for event in stepped.events):
                run("memory of straps", lambda: straps.started(self.desk), None)
            if any(isinstance(event, SessionEnded) for event in stepped.events):
                self.desk = run("desk", lambda: at_desk.session_ended(self.desk, stepped.state), self.desk)
        self._finish_if_ended(before)
        self._changed(at_once=bool(stepped.events) or isinstance(message, HeartRate))

    def _close_training(self, events: tuple[AnyEvent, ...]) -> None:
        """Close training here for this person after a yes to chest pain, fainting, fever or intoxication (H14)."""
        for event in events:
            if isinstance(event, ReadinessAnswered) and event.yes and self.state is not None:
                self._closures.answered(self.state.plan.participant, event.yes, self._stamps.now())

    def _say(self, cue: Cue, intervals: int) -> None:
        self._barrier.run("cue", lambda: self._outlet.cue(cue, intervals, self._origin_s + cue.t), None)

    def _changed(self, *, at_once: bool) -> None:
        self._barrier.run("view", lambda: self._outlet.changed(at_once=at_once), None)

    def _foretold(self, state: SessionState) -> tuple[Predicted, ...]:
        """Return what is foretold now, for the journal: seldom, since it moves a little each second."""
        told = state.outlook.prediction if state.stage == "running" else None
        was, at_t = self._noted_prediction
        if told == was or (told is not None and was is not None and state.t - at_t < PREDICTION_NOTED_EVERY_S):
            return ()
        self._noted_prediction = (told, state.t)
        if told is None:
            return (Predicted(state.t),)
        bpm = (told.third_minute_bpm, told.end_bpm, told.end_low_bpm, told.end_high_bpm)
        return (Predicted(state.t, *(None if value is None else round(value, 1) for value in bpm)),)

    def _record(self, message: AnyMessage, events: tuple[AnyEvent, ...]) -> None:
        """Hand what came in and out to the journal, which keeps a session from its start on."""
        if isinstance(message, Time) and not events and message.t - self._recorded_t < TIME_NOTED_EVERY_S:
            return
        self._recorded_t = message.t
        if self._begun_in_journal:
            self._put(message, events)
            return
        self._unrecorded.append((message, events))
        if any(isinstance(event, SessionStarted) for event in events):
            self._begin_in_journal()

    def _put(self, message: AnyMessage, events: tuple[AnyEvent, ...]) -> None:
        self._recorded.append((message, events))
        self._hand_over((message,), events)

    def _hand_over(self, messages: tuple[AnyMessage, ...], events: tuple[AnyEvent, ...]) -> None:
        session_id = self._session_id
        self._in_order(lambda: self._journal.record(session_id, messages, events))

    def _in_order(self, act: Callable[[], Any]) -> None:
        """Hand something to the journal after all that waits for it. What the journal cannot take now waits too."""
        self._for_journal.append(act)
        self._hand_over_waiting()

    def _hand_over_waiting(self) -> None:
        while self._for_journal:
            try:
                self._for_journal[0]()
            except JournalError as error:
                _log.error("A record of the session was refused by the journal: %s", error)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the barrier: the session goes on without its journal
                self._barrier.failed("journal", error)
                return
            del self._for_journal[0]

    def _begin_in_journal(self) -> None:
        assert self.state is not None  # noqa: S101 - a session has started
        assert self._begun is not None  # noqa: S101 - as above
        self._session_id = session_id = new_session_id(self._begun.wall_s)
        plan, protocol, begun = self.state.plan, self.state.protocol, self._begun
        self._in_order(lambda: self._journal.begin(session_id, plan, protocol, begun))
        self._begun_in_journal = True
        # In one record: what waited before the start must not be stamped as if each had come only now.
        messages = tuple(message for message, _ in self._unrecorded)
        happened = tuple(event for _, events in self._unrecorded for event in events)
        self._recorded += self._unrecorded
        self._unrecorded = []
        self._hand_over(messages, happened)

    def _finish_if_ended(self, before: SessionState | None = None) -> None:
        state = self.state
        if state is None or state.summary is None or not self._begun_in_journal:
            return
        if before is None or before.summary != state.summary:
            self._finish()

    def _finish(self) -> None:
        assert self.state is not None  # noqa: S101 - callers have looked
        assert self.state.summary is not None  # noqa: S101 - callers have looked
        session_id, summary, begun = self._session_id, self.state.summary, self._begun
        if begun is not None:
            past = self._past
            self._past = self._barrier.run(
                "earlier training", lambda: past.with_session(session_id, begun, summary), past
            )
            plan = self.state.plan
            self.desk = self._barrier.run("own training", lambda: self._after_training(plan, summary), self.desk)
        self._in_order(lambda: self._finish_in_journal(session_id, summary))

    def _finish_in_journal(self, session_id: str, summary: Summary) -> None:
        finishing = self._journal.finish(session_id, summary)
        if session_id == self._session_id:
            self._finishing = finishing
        finishing.add_done_callback(lambda future: self._later(lambda: self._finished(future)))

    def _finished(self, future: Future[Any]) -> None:
        if future is not self._finishing:
            return
        error = None if future.cancelled() else future.exception()
        if future.cancelled() or error is not None:
            self._finish_failed = True
            _log.error("The session could not be finished in the diary and is kept: %s", error)
        self._changed(at_once=True)

    def _needs_room(self, wish: KioskRequest | None, messages: tuple[AnyMessage, ...]) -> bool:
        starts = any(isinstance(message, SessionCommand) and message.name is CommandName.START for message in messages)
        fresh = self.state is None or self.state.started_t is None
        return wish is KioskRequest.BEGIN or (starts and fresh)

    def _begin(self) -> None:
        arrival, age = self.desk.arrival, self.desk.selected
        # By pseudonym, never by place: the list may have changed under whoever pressed (H7, H12).
        ready = None if arrival is None else self._plans.of(arrival.who, age)
        changed = arrival is None or arriving.still_known(arrival, self.desk.choices) != arrival
        if ready is None or changed:
            self.desk = at_desk.signed_out(self.desk)
            return
        self._forget()
        before_s, self._origin_s = self._origin_s, self._clock.now()
        self.desk = at_desk.enter_session(self.desk, self._origin_s - before_s)
        self._begun = self._stamps.now()
        now = self._past.known_time(self._begun)
        plan = self._closures.applied(self._past.informed(ready.plan, now), now)
        plan = self._barrier.run("own training", lambda: self._with_training(plan, now), plan)
        self.state = begin(plan, ready.protocol, self._guidance, self._budget())
        if self._straps is not None:
            self.desk = self._straps.began(self.desk, plan.participant)

    def _with_training(self, plan: Plan, now: KnownTime) -> Plan:
        """Open "My training" for a person with a past or a word waiting, and return the plan as it is after a break."""
        progress, day = self._courses.get(plan.participant), training_day(now.wall_s)
        self.desk = replace(self.desk, appointment_wall_s=next_appointment(progress, now.wall_s))
        sessions = known_sessions(self._past.trained_by(plan.participant, now), progress)
        if not sessions and (progress is None or progress.word is None):
            return plan
        if progress is not None and progress.sessions:
            plan = replace(plan, session_number=len(sessions) + 1)
        eased = step_back(sessions, plan, day)
        done = len(sessions) if plan.session_number is None else plan.session_number - 1
        training = replace(my_training(sessions, plan, progress, day, done), eased=eased != plan)
        self.desk = at_desk.with_training(self.desk, training, opened=True)
        return eased

    def _after_training(self, plan: Plan, summary: Summary) -> KioskState:
        """Return the desk with the training that the session has just added to."""
        now = self._past.known_time(self._stamps.now())
        progress, day = self._courses.get(plan.participant), training_day(now.wall_s)
        desk = replace(self.desk, appointment_wall_s=next_appointment(progress, now.wall_s))
        if plan.participant == GUEST or summary.training_s < COUNTS_FROM_S:
            return replace(desk, training=None)
        sessions = known_sessions(self._past.trained_by(plan.participant, now), progress)
        done = len(sessions) if plan.session_number is None else plan.session_number
        training = with_moment(my_training(sessions, plan, progress, day, done))
        return replace(desk, training=replace(training, word=None))

    def _refuse_to_begin(self) -> str:
        desk = at_desk.signed_out(self.desk) if self.state is None else self.desk
        self.desk = replace(desk, findings=self.closed_by)
        self._typed.clear()
        self._changed(at_once=True)
        return self._closed_because()

    def _look_at_choices(self) -> None:
        """Plans, PINs or the date may have changed."""
        before = self.desk.arrival
        self.desk = self._barrier.run(
            "list of participants",
            lambda: at_desk.with_choices(self.desk, self._plans.choices(self._past.known_time(self._stamps.now()))),
            self.desk,
        )
        if self.desk.arrival != before:
            self._typed.clear()

    def _ask_pin(self) -> None:
        """Four digits are there: ask whether they are right. They are held no longer than that."""
        pin, arrival = "".join(map(str, self._typed)), self.desk.arrival
        self._typed.clear()
        if arrival is not None:
            who = arrival.who.participant
            self._check_pin(who, pin, lambda right: self._pin_answered(who, right=right))

    def _pin_answered(self, participant: str, *, right: bool) -> None:
        self._look_at_choices()
        self._carry_out(at_desk.pin_answered(self.desk, participant, self._now_t(), right=right))

    def _pin_waits(self) -> bool:
        """Whether the screen counts down to when another PIN is taken, or has done so a moment ago."""
        return at_desk.pin_waits_until_t(self.desk, self.state, self._now_t() - 1.0) is not None

    def _counts_down_s(self) -> float | None:
        """Return the clock's reading at which another whole second of that wait has passed."""
        now_t = self._now_t()
        until_t = at_desk.pin_waits_until_t(self.desk, self.state, now_t)
        return None if until_t is None else self._origin_s + until_t - math.ceil(until_t - now_t) + 1.0

    def _leaves_s(self) -> float | None:
        """Return the clock's reading at which a person who left before a session is signed out; real time, as above."""
        t = at_desk.leaves_at_t(self.desk, self.state, 0.0)
        return None if t is None else self._touched_s + t * max(1.0, self._speed)

    def _sign_out(self) -> None:
        self._typed.clear()
        self.desk = at_desk.signed_out(self.desk)
        if self._straps is not None:
            self._straps.left()
        if not self._finish_failed:
            self._forget()
        self.state = None
        self._changed(at_once=True)

    def _forget(self) -> None:
        self._session_id = ""
        self._begun_in_journal = False
        self._finishing = None
        self._finish_failed = False
        self._unrecorded, self._recorded, self._recorded_t = [], [], 0.0
        self._belt_kmh.clear()
        self._since_look = []
        self._noted_prediction = (None, 0.0)

    # After a restart

    def _restore(self, record: SessionRecord) -> None:
        state = begin(record.plan, record.protocol, self._guidance, self._budget())
        for message in record.messages:
            try:
                state = step(state, message, self._budget()).state
            except MessageRefused as refused:
                _log.warning("A journaled message of session %s was passed over: %s", record.session_id, refused)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - the barrier: the session is offered again all the same
                self._barrier.failed("journaled message", error)
        failed_at = guidance_off(record.events)
        if failed_at is not None:
            state = without_guidance(state, failed_at)
        last_t = max((state.t, *(event.t for event in record.events)))
        self.state = step(state, Time(last_t), self._budget()).state
        self._origin_s = self._clock.now() - self._second_now(record, last_t)
        self._session_id, self._begun = record.session_id, record.begun
        self._begun_in_journal = True
        self._recorded_t = last_t
        if self.state.started_t is None or self.state.stage == "not_today":
            # Its start never reached the disk: nobody trained, and there is nothing to go on with.
            self._try(SessionCommand(last_t, CommandName.STOP))
        else:
            self._step(Restored(last_t))
            self._live_until(self._now_t())
        self._since_look = []
        if self.state.stage in ("running", "paused"):
            self.desk = replace(self.desk, offer_go_on=True)
        else:
            if self._finishing is None:
                self._finish_if_ended()
            self.state = None
            self.desk = at_desk.signed_out(self.desk)

    def _second_now(self, record: SessionRecord, last_t: float) -> float:
        """Return the session's second by the monotonic clock where this boot stamped it, else the last journaled."""
        now = self._stamps.now()
        for at in reversed(record.stamps):
            if at.stamp.boot_id == now.boot_id:
                return max(last_t, at.t + (now.monotonic_s - at.stamp.monotonic_s) * self._speed)
        return last_t
