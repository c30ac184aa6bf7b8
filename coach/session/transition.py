"""One turn of the engine: the state on its way from one message to the next, and what fell due on the way.

A `Transition` lives only inside `engine.step`. Its methods are the session's transitions; the rules of safety.md are in
`coach.session.limits`, which calls them.
"""

from typing import Literal

from msgspec.structs import replace

from coach.guidance.barrier import Budget, NoGuidance, Outlook, guide, response_of, unlimited
from coach.guidance.interface import RESUMED, SETTING_REASONS, GuidanceInput, asks_for_more_effort
from coach.model.cue import Cue, CueName
from coach.model.events import (
    Advice,
    AdviceGiven,
    AnyEvent,
    Direction,
    ExertionReported,
    HrMaxFinding,
    Level,
    MoodReported,
    NoticeCleared,
    NoticeRaised,
    PhaseEnded,
    PhaseStarted,
    QuestionAnswered,
    QuestionAsked,
    ReadinessAnswered,
    RecoveryExtended,
    SessionEnded,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    Signal,
    SignalChanged,
    StrapBound,
    TargetAdjusted,
    TreadmillChanged,
)
from coach.model.messages import HeartRate
from coach.model.plan import EARNED_REST
from coach.model.protocol import Phase, PhaseKind, Zone
from coach.model.snapshot import NoticeNow
from coach.session import belt, limits, signal_quality, statistics
from coach.session.good_work import good_work
from coach.session.restraints import no_interval_because, ordinary_speech
from coach.session.signal_quality import HeartRateSource
from coach.session.state import TRACE_EVERY_S, Ceiling, PhaseRun, Question, SessionState, closed_by
from coach.session.timeline import cues_at
from coach.session.zone_position import follow_position, follow_trend

PAUSE_LIMIT_S = 1800.0
TAKE_BACK_LIMIT_S = 60.0
"""How long after a stop the session can go on where it was."""
RESUMED_SHOWN_S = 30.0
DEFAULT_RECOVERY = Phase(PhaseKind.RECOVERY, 180, Zone(0.60, 0.70))
DEFAULT_COOL_DOWN = Phase(PhaseKind.COOL_DOWN, 300, Zone(0.50, 0.65))
EndReason = Literal["done", "skipped", "over_ceiling", "signal_lost", "eased", "stopped"]
ORDINARY_CUES = (CueName.COUNTDOWN, CueName.HALFWAY, CueName.HALF_MINUTE_LEFT, CueName.WORK, CueName.REST)
"""What is said only where nothing restrains ordinary speech."""
_SETTING_CUES = {Direction.FASTER: CueName.SPEED_UP, Direction.SLOWER: CueName.SLOW_DOWN}
_ADVICE_CUES = {Direction.FASTER: CueName.FASTER, Direction.SLOWER: CueName.SLOWER, Direction.HOLD: CueName.HOLD}


class Transition:
    """`state` is replaced by each transition; `events` and `cues` gather what fell due."""

    def __init__(self, state: SessionState, budget: Budget = unlimited) -> None:
        """Begin from `state`, which itself is never changed. Each call of the guidance runs inside `budget`."""
        self.state = state
        self.budget = budget
        self.events: list[AnyEvent] = []
        self.cues: list[Cue] = []

    # Time

    def next_due_t(self) -> float | None:
        """Return the next moment at which something falls due by itself."""
        state = self.state
        due_t = state.source.due_t
        if state.stage == "running":
            second_t = state.anchor_t + state.second + 1
            return second_t if due_t is None or second_t <= due_t else due_t
        if state.stage == "paused" and state.paused_t is not None:
            limit_t = min(state.paused_t + PAUSE_LIMIT_S, limits.calls_again_t(state))
            return limit_t if due_t is None or limit_t <= due_t else due_t
        if state.before_stop is not None and state.ended_t is not None:
            limit_t = state.ended_t + TAKE_BACK_LIMIT_S
            return limit_t if due_t is None or limit_t <= due_t else due_t
        return due_t

    def live_until(self, t: float) -> None:
        """Live through every due moment up to and including `t`, each at its own time."""
        while (due_t := self.next_due_t()) is not None and due_t <= t:
            state = self.state
            self.state = replace(state, t=due_t)
            if due_t == state.source.due_t:
                self._source_became(signal_quality.expire(state.source))
            elif state.stage == "running":
                self._second()
            elif state.stage == "ended":
                self.state = replace(self.state, before_stop=None)
            elif due_t == limits.calls_again_t(state) and due_t < (state.paused_t or 0.0) + PAUSE_LIMIT_S:
                limits.call_again(self)
            else:
                self._end("pause_limit", "stopped")
        if t != self.state.t:
            self.state = replace(self.state, t=t)

    def _second(self) -> None:
        """One whole second of the running phase has passed."""
        state = self.state
        source = state.source
        bpm = source.usable_bpm
        counted = statistics.count_second(
            state.tally,
            signal=source.signal,
            bpm=bpm,
            hr_max_bpm=state.plan.hr_max_bpm,
            zone=state.zone_bpm,
            in_interval=state.phase.kind is PhaseKind.INTERVAL,
            speed_kmh=state.speed_kmh,
            incline_percent=state.incline_percent,
        )
        if state.fall_due_s == counted.training_s:
            counted = statistics.note_fall(counted, bpm)
        trace = state.trace
        if counted.training_s % TRACE_EVERY_S == 0:
            trace = (*trace, (float(counted.training_s), bpm))
        place = follow_trend(state.place, bpm)
        self.state = replace(state, second=state.second + 1, tally=counted, trace=trace, place=place)
        self._place()
        belt.second(self)
        limits.check_limits(self)
        if self.state.stage == "running" and self.state.second == state.second + 1 and self.state.index == state.index:
            if self.state.second < self.state.length_s:
                self._live_second()
            elif not limits.holds_interval(self):
                self.end_phase("done")

    def _live_second(self) -> None:
        """Cues and guidance of the phase's second that begins now (0 at its start)."""
        state = self.state
        spoke = False
        speaks = ordinary_speech(state)
        for name, number in cues_at(state.phase, state.second, state.length_s):
            if name in ORDINARY_CUES and not (speaks and self._counts_down_to_what_comes(name)):
                continue
            self.cue(name, number=self._after_interval() if name is CueName.RECOVERY else number)
            spoke = True
        self._advise(spoke=spoke)

    def _counts_down_to_what_comes(self, name: CueName) -> bool:
        """Whether a countdown counts to something that will begin: not to an interval that is held back."""
        state = self.state
        following = state.program[state.index + 1] if state.index + 1 < len(state.program) else None
        held = following is not None and following.kind is PhaseKind.INTERVAL and bool(no_interval_because(state))
        return not (name is CueName.COUNTDOWN and held and state.phase.pattern is None)

    def _after_interval(self) -> int:
        """Which interval a recovery follows, so that the voice can say which one it is."""
        current = self.state.tally.current
        return 0 if current is None else current.index

    def _advise(self, *, spoke: bool) -> None:
        if self.state.advice.reason == RESUMED and self.state.t - (self.state.resumed_t or 0.0) >= RESUMED_SHOWN_S:
            self.give(replace(self.state.advice, reason="none"), spoken=False)
        state = self.state
        source, second = state.source, state.second
        may_urge = limits.increase_allowed(state)
        zone = None if state.by_exertion else state.zone_bpm
        quiet = spoke or limits.is_quiet(state)
        quiet_slower = spoke or limits.is_quiet(state, slower=True)
        moment = GuidanceInput(
            t=state.t,
            phase=state.phase,
            second=second,
            length_s=state.length_s,
            bpm=source.usable_bpm,
            signal=source.signal,
            fresh_s=None if source.at_t is None else state.t - source.at_t,
            flat_s=state.t - source.changed_t,
            low_bpm=zone[0] if zone else None,
            high_bpm=zone[1] if zone else None,
            speed_kmh=state.speed_kmh,
            incline_percent=state.incline_percent,
            asked_kmh=state.asked_kmh,
            borg=state.new_borg,
            increase_allowed=may_urge,
            quiet=quiet,
            quiet_slower=quiet_slower,
        )
        guidance, advice, outlook = guide(state.guidance, moment, state.plan, state.outlook.finding, self.budget)
        self.state = replace(state, guidance=guidance, outlook=outlook, new_borg=None)
        if isinstance(guidance, NoGuidance):
            self.guidance_failed(guidance.place)
        limits.on_hr_max_finding(self, state.outlook.finding, outlook.finding)
        if advice is None or limits.overrides_advice(self.state):
            return
        advice = limits.within_plan(advice, state.plan, state.speed_kmh)
        urging = asks_for_more_effort(advice, state.speed_kmh, state.incline_percent)
        setting = advice.reason in SETTING_REASONS
        if urging and not may_urge:
            if second == 0:
                self.give(limits.HOLD_ADVICE, spoken=False)
        elif setting:
            self.give(advice, spoken=False)
            if advice.direction in _SETTING_CUES:
                self.cue(_SETTING_CUES[advice.direction], asks=advice)
        elif advice.direction is Direction.HOLD and state.stands_still:
            return
        elif not (quiet_slower if advice.direction is Direction.SLOWER else quiet):
            self.give(advice, spoken=True)

    def guidance_failed(self, place: str) -> None:
        """Put the guidance out of action: phases go on by time, rate and Borg, and nobody is asked for anything.

        A guidance that has failed before, also before a restart, stays out of action and is noticed once.
        """
        state = self.state
        if "guidance_off" in state.notice_codes:
            return
        if not isinstance(state.guidance, NoGuidance):
            off = NoGuidance(place, state.plan.response, state.outlook.finding)
            self.state = replace(state, guidance=off, outlook=Outlook(state.outlook.finding))
        self.raise_notice("guidance_off", Level.INFORMATION, to_therapist=True, detail=place)
        if self.state.advice.reason != "over_ceiling":
            self.give(Advice(reason="guidance_off"), spoken=False)

    # What is said

    def cue(
        self, name: CueName, *, level: Level = Level.INFORMATION, number: int = 0, asks: Advice | None = None
    ) -> None:
        """Say a cue now. `asks`: the advice whose setting it names; the incline only where it is to change."""
        speed_kmh = incline_percent = None
        if asks is not None and asks.speed_kmh is not None:
            speed_kmh = asks.speed_kmh
            changes = asks.incline_percent != self.state.incline_percent
            incline_percent = asks.incline_percent if changes else None
        self.cues.append(Cue(self.state.t, name, level, number, speed_kmh, incline_percent))

    def give(self, advice: Advice, *, spoken: bool) -> None:
        """Show an advice and, between phase changes, speak it."""
        state = self.state
        if advice == state.advice and not spoken:
            return
        self.events.append(AdviceGiven(state.t, advice))
        withheld = advice.direction is Direction.HOLD and not ordinary_speech(state)
        if spoken and advice.direction in _ADVICE_CUES and not withheld:
            level = Level.ATTENTION if advice.reason == "over_ceiling" else Level.INFORMATION
            asks = None if advice.direction is Direction.HOLD else advice
            self.cue(_ADVICE_CUES[advice.direction], level=level, asks=asks)
        asked_kmh = state.asked_kmh if advice.speed_kmh is None else advice.speed_kmh
        advised_t = state.t if spoken else state.advised_t
        self.state = replace(state, advice=advice, advised_t=advised_t, advice_t=state.t, asked_kmh=asked_kmh)

    def raise_notice(
        self,
        code: str,
        level: Level,
        *,
        to_therapist: bool = False,
        finding: HrMaxFinding | None = None,
        detail: str = "",
    ) -> None:
        """Raise a notice, unless it holds already."""
        state = self.state
        if any(notice.code == code for notice in state.notices):
            return
        self.events.append(NoticeRaised(state.t, code, level, to_therapist, finding, detail))
        codes = state.notice_codes if code in state.notice_codes else (*state.notice_codes, code)
        self.state = replace(state, notices=(*state.notices, NoticeNow(code, level, state.t)), notice_codes=codes)

    def clear_notice(self, code: str) -> None:
        """Take a notice back, if it holds."""
        state = self.state
        kept = tuple(notice for notice in state.notices if notice.code != code)
        if len(kept) < len(state.notices):
            self.events.append(NoticeCleared(state.t, code))
            self.state = replace(state, notices=kept)

    def ask(self, reason: str) -> None:
        """Ask whether the person is all right (H5)."""
        if self.state.question is None:
            self.events.append(QuestionAsked(self.state.t, reason))
            self.cue(CueName.ARE_YOU_ALL_RIGHT)
            question = Question(reason, self.state.t, speed_kmh=limits.kept_speed_kmh(self.state))
            self.state = replace(self.state, question=question)

    def answered(self, *, ok: bool, by: Literal["participant", "treadmill", "therapist"] = "participant") -> None:
        """Take an answer. «Not all right» stops the work."""
        question = self.state.question
        if question is None:
            self.clear_notice("no_answer")
            return
        self.events.append(QuestionAnswered(self.state.t, ok, self.state.t - question.asked_t, by))
        self.state = replace(self.state, question=None)
        self.clear_notice("no_answer")
        if not ok:
            self.raise_notice("not_all_right", Level.STOP_NOW, to_therapist=True)
            self.cool_down("not_all_right", "eased")

    # The source

    def heart_rate(self, message: HeartRate) -> None:
        """Take a notification from the strap."""
        self._source_became(signal_quality.receive(self.state.source, message, warming_up=self.state.warming_up))
        limits.signal_settled(self)
        limits.heart_rate(self)

    def source_lost(self, reason: str) -> None:
        """Note that the adapter lost the strap."""
        self._source_became(signal_quality.lose(self.state.source, reason))

    def _source_became(self, source: HeartRateSource) -> None:
        was = self.state.source
        self.state = replace(self.state, source=source)
        self._place()
        if source.signal is not was.signal:
            self.events.append(SignalChanged(self.state.t, source.signal, was.signal, source.reason))
            limits.signal_changed(self)

    def _place(self) -> None:
        """Follow where the rate lies against the zone; in a session by exertion no zone of rates is shown."""
        state = self.state
        bounds = None if state.by_exertion else state.zone_bpm
        place = follow_position(state.place, state.t, state.source.usable_bpm, bounds)
        if place is not state.place:
            self.state = replace(state, place=place)

    # The session

    def readiness(self, yes: tuple[str, ...]) -> None:
        """Take the answers. Before the start any yes means no session (H14); afterwards they say why it ended."""
        self.events.append(ReadinessAnswered(self.state.t, yes))
        urgent = closed_by(yes) == "unwell"
        if urgent:
            self.raise_notice("unwell", Level.STOP_NOW, to_therapist=True)
        if self.state.stage == "ended":
            self.state = replace(self.state, said_why=True)
        elif yes:
            if not urgent and closed_by(yes) not in EARNED_REST:
                self.raise_notice("not_ready", Level.ATTENTION, to_therapist=True)
            self.state = replace(self.state, stage="not_today", closed_because=closed_by(yes))
        else:
            self.state = replace(self.state, stage="ready")

    def start(self) -> None:
        """Start the session. Without a strap, where the plan allows it, perceived exertion leads from the start."""
        state = self.state
        self.events.append(SessionStarted(state.t))
        unheard = state.source.signal is Signal.LOST and state.source.usable_bpm is None
        by_feeling = unheard and state.plan.exertion_when_lost and not state.by_exertion
        self.state = replace(state, stage="running", started_t=state.t, by_exertion=state.by_exertion or by_feeling)
        if by_feeling:
            self.raise_notice("by_exertion", Level.INFORMATION, to_therapist=True)
        limits.session_began(self)
        self._start_phase(0, state.t)

    def _start_phase(self, index: int, anchor_t: float) -> None:
        state = self.state
        phase = state.program[index]
        counted = state.tally
        if phase.kind is PhaseKind.INTERVAL:
            counted = statistics.start_interval(counted, phase.interval, anchor_t)
        self.events.append(PhaseStarted(state.t, len(state.ran), phase.kind, phase.interval, phase.length_s))
        self.state = replace(
            state,
            index=index,
            anchor_t=anchor_t,
            second=0,
            length_s=phase.length_s,
            training_before_s=counted.training_s,
            extended_s=0,
            waited_s=0,
            recent_bpm=(),
            tally=counted,
        )
        self._place()
        self._live_second()

    def end_phase(self, reason: EndReason) -> None:
        """End the running phase now; begin the next one at once, unless the session is over."""
        self._close_phase(reason)
        if self.state.index + 1 < len(self.state.program):
            self._start_phase(self.state.index + 1, self.state.t)
        else:
            self._end("done", reason)

    def _close_phase(self, reason: EndReason) -> None:
        state = self.state
        phase = state.phase
        self.events.append(PhaseEnded(state.t, len(state.ran), phase.kind, phase.interval, float(state.second), reason))
        counted, fall_due_s = state.tally, state.fall_due_s
        if phase.kind is PhaseKind.INTERVAL:
            counted = statistics.end_interval(counted, state.t, state.source.usable_bpm, completed=reason == "done")
            fall_due_s = counted.training_s + statistics.RECOVERY_FALL_AFTER_S
        ran = PhaseRun(phase, state.training_before_s, counted.training_s, reason == "done")
        self.state = replace(state, ran=(*state.ran, ran), tally=counted, fall_due_s=fall_due_s)

    def extend(self, seconds: int) -> None:
        """Make the running recovery longer."""
        self.events.append(RecoveryExtended(self.state.t, seconds))
        self.state = replace(
            self.state, length_s=self.state.length_s + seconds, extended_s=self.state.extended_s + seconds
        )

    def adjust(self, lowered_fraction: float, source: str) -> None:
        """Move all target zones to this much below the plan's."""
        if lowered_fraction != self.state.lowered_fraction:
            self.events.append(TargetAdjusted(self.state.t, lowered_fraction, source))
            self.state = replace(self.state, lowered_fraction=lowered_fraction)

    def ease(self, reason: EndReason) -> None:
        """Work becomes recovery now: the recovery that would follow anyway, or one put in its place."""
        program, index = self.state.program, self.state.index
        following = program[index + 1].kind if index + 1 < len(program) else None
        if following not in (PhaseKind.RECOVERY, PhaseKind.COOL_DOWN):
            program = (*program[: index + 1], DEFAULT_RECOVERY, *program[index + 1 :])
            self.state = replace(self.state, program=program)
        self.end_phase(reason)

    def drop_urging(self) -> None:
        """Take an urging advice from the picture."""
        if self.state.advice.direction is Direction.FASTER:
            self.state = replace(self.state, advice=limits.HOLD_ADVICE)

    def cool_down(self, why: str, reason: EndReason) -> bool:
        """From now on only cooling down: no work comes back. Return whether a phase was ended for it."""
        state = self.state
        if why not in state.cool_down_only:
            self.state = replace(state, cool_down_only=(*state.cool_down_only, why))
            limits.announce(self)
        state = self.state
        if state.stage != "running":
            return False
        if state.phase.kind is PhaseKind.COOL_DOWN:
            self.state = replace(state, program=state.program[: state.index + 1])
            return False
        last = state.program[-1]
        cool_down = last if last.kind is PhaseKind.COOL_DOWN else DEFAULT_COOL_DOWN
        self.state = replace(state, program=(*state.program[: state.index + 1], cool_down))
        self.end_phase(reason)
        return True

    def pause(self, reason: Literal["asked", "restart"], source: str = "") -> None:
        """Let the session's clock stand still; nothing is said until it goes on. `source`: who asked for it."""
        self.events.append(SessionPaused(self.state.t, reason))
        self.cue(CueName.PAUSED)
        self.state = replace(_standing(self.state), pause_reason=reason, paused_by=source)

    def resume(self) -> None:
        """Go on where the session was: the second under way, an open question, the time above the ceiling."""
        state = self.state
        assert state.paused_t is not None  # noqa: S101 - a paused session knows since when
        paused_s = state.t - state.paused_t
        question, ceiling = state.question, state.ceiling
        self.events.append(SessionResumed(state.t, paused_s))
        self.state = replace(
            state,
            stage="running",
            paused_t=None,
            anchor_t=state.anchor_t + paused_s,
            recent_bpm=(),
            question=None if question is None else replace(question, asked_t=question.asked_t + paused_s),
            ceiling=replace(
                ceiling,
                over_since_t=None if ceiling.over_since_t is None else ceiling.over_since_t + paused_s,
                below_since_t=None if ceiling.below_since_t is None else ceiling.below_since_t + paused_s,
            ),
            silent_since_t=state.t if state.silent_since_t is not None else None,
            resumed_t=state.t,
            advised_t=state.t,
        )
        self._ask_speed_back()
        advice = self.state.advice
        self.cue(CueName.RESUMED, asks=advice if advice.reason == RESUMED else None)

    def _ask_speed_back(self) -> None:
        """After a pause the person may stand still: the speed from before it is asked for, and no speed is "held"."""
        state = self.state
        if limits.overrides_advice(state) or state.advice.reason == "guidance_off":
            return
        speed_kmh = state.asked_kmh if state.speed_before_pause_kmh is None else state.speed_before_pause_kmh
        self.give(limits.setting_to_keep(state, speed_kmh, RESUMED), spoken=False)

    def restored(self) -> None:
        """After a restart nobody is put back on a treadmill: the session waits for the person."""
        if self.state.stage == "running":
            self.pause("restart")

    def stop(self) -> None:
        """Obey, always and at once (H6)."""
        state = self.state
        if state.stage in ("ended", "not_today"):
            if state.cool_down_offered:
                self.state = replace(state, cool_down_offered=False, before_stop=None)
                self._ask_exertion()
            return
        self._end("stopped", "stopped")
        if self.state.cool_down_offered and not state.cool_down_only:
            self.state = replace(self.state, before_stop=_standing(state))

    def take_stop_back(self) -> None:
        """Go on where the session stood before the stop: a stop by mistake ends nothing."""
        state, before = self.state, self.state.before_stop
        assert before is not None  # noqa: S101 - callers have looked
        self.state = replace(
            before,
            t=state.t,
            source=state.source,
            place=state.place,
            strap_key=state.strap_key,
            strap_name=state.strap_name,
            speed_kmh=state.speed_kmh,
            speed_t=state.speed_t,
            incline_percent=state.incline_percent,
        )
        if state.source.signal is not before.source.signal:
            limits.signal_changed(self)
        self.resume()
        phase = before.phase
        left_s = before.length_s - before.second
        self.events.append(PhaseStarted(state.t, len(before.ran), phase.kind, phase.interval, left_s))

    def start_offered_cool_down(self) -> None:
        """After a stop, the participant takes the cool-down that was offered."""
        state = self.state
        last = state.program[-1]
        cool_down = last if last.kind is PhaseKind.COOL_DOWN else DEFAULT_COOL_DOWN
        self.state = replace(
            state,
            stage="running",
            program=(*state.program[: state.index + 1], cool_down),
            cool_down_offered=False,
            before_stop=None,
            ended_t=None,
            summary=None,
            ceiling=Ceiling(times=state.ceiling.times),
        )
        limits.session_began(self)
        self._start_phase(state.index + 1, state.t)

    def _end(self, reason: Literal["done", "stopped", "pause_limit", "no_answer"], phase_reason: EndReason) -> None:
        state = self.state
        if reason in ("done", "pause_limit") and state.called:
            reason = "no_answer"
        # Who did not answer may still need somebody: that notice outlasts the session.
        kept = tuple(notice for notice in state.notices if notice.code == "no_answer")
        begun = state.started_t is not None
        was_cool_down = begun and state.phase.kind is PhaseKind.COOL_DOWN
        if begun and len(state.ran) < state.index + 1:
            self._close_phase(phase_reason)
        state = self.state
        completed = state.all_work_done
        end_reason = state.end_reason if state.end_reason == "stopped" else reason
        self.state = replace(
            state,
            stage="ended",
            ended_t=state.t,
            end_reason=end_reason,
            completed=completed,
            advice=Advice(),
            question=None,
            notices=kept,
            paused_t=None,
            cool_down_offered=reason == "stopped" and begun and not was_cool_down,
        )
        self.events.append(SessionEnded(state.t, end_reason, completed))
        ending = {"done": CueName.DONE, "no_answer": CueName.UNANSWERED}.get(reason, CueName.STOPPED)
        self.cue(ending)
        self._ask_exertion()
        self.summarise()

    def _ask_exertion(self) -> None:
        """Borg is asked of somebody who trained, once no cool-down is left to take."""
        state = self.state
        asks = state.end_reason != "no_answer" and state.borg is None and not state.barely_begun
        if state.started_t is not None and not state.cool_down_offered and asks:
            self.cue(CueName.SAY_EXERTION)

    def summarise(self) -> None:
        """Make the summary anew: at the end, and when Borg or mood come after it."""
        state = self.state
        assert state.ended_t is not None  # noqa: S101 - a session that is summarised has ended
        assert state.end_reason is not None  # noqa: S101 - and says why
        started_t = state.ended_t if state.started_t is None else state.started_t
        response, failed_at = response_of(state.guidance, state.plan, self.budget)
        if failed_at is not None:
            self.guidance_failed(failed_at)
        summary = statistics.summarise(
            state.tally,
            state.plan,
            state.protocol,
            started_t=started_t,
            ended_t=state.ended_t,
            end_reason=state.end_reason,
            completed=state.completed,
            borg=state.borg,
            mood=state.mood,
            notices=self.state.notice_codes,
            response=response,
        )
        work = good_work(self.state)
        if work is not None:
            summary = replace(summary, good_work_s=work.done_s, planned_work_s=work.planned_s)
        self.state = replace(self.state, summary=summary)

    # What the participant says

    def strap(self, key: str, name: str) -> None:
        """Take the participant's strap. What another one told counts for nothing."""
        self.events.append(StrapBound(self.state.t, key, name))
        self._source_became(HeartRateSource())
        self.state = replace(self.state, strap_key=key, strap_name=name)

    def treadmill(self, speed_kmh: float | None, incline_percent: float) -> None:
        """Take the treadmill's setting, measured or confirmed; speed None: not known."""
        state = self.state
        if speed_kmh != state.speed_kmh or incline_percent != state.incline_percent:
            if speed_kmh is not None:
                self.events.append(TreadmillChanged(state.t, speed_kmh, incline_percent))
            speed_t = state.t if speed_kmh != state.speed_kmh else state.speed_t
            self.state = replace(state, speed_kmh=speed_kmh, incline_percent=incline_percent, speed_t=speed_t)

    def speed_known(self, speed_kmh: float | None) -> None:
        """Another speed is believed, or none, though nobody has set the belt: that answers no question (H5)."""
        self.treadmill(speed_kmh, self.state.incline_percent or 0.0)
        question = self.state.question
        if question is not None:
            self.state = replace(self.state, question=replace(question, speed_kmh=None))

    def exertion(self, borg: int) -> None:
        """Borg for the interval under way or just ended, after the end for the session. It answers a question."""
        state = self.state
        self.answered(ok=True)
        if state.stage == "ended":
            self.events.append(ExertionReported(state.t, borg, 0))
            self.state = replace(self.state, borg=borg)
            self.summarise()
            return
        current = state.tally.current
        self.events.append(ExertionReported(state.t, borg, 0 if current is None else current.index))
        self.state = replace(self.state, tally=statistics.note_borg(self.state.tally, borg), new_borg=borg)

    def mood(self, mood: int) -> None:
        """Take the mood after the session."""
        self.events.append(MoodReported(self.state.t, mood))
        self.state = replace(self.state, mood=mood)
        self.summarise()


def _standing(state: SessionState) -> SessionState:
    """Return the session with its clock standing still, as in a pause, and the speed to go back to."""
    if state.stage == "paused":
        return state
    speed_kmh = None if state.stands_still else state.speed_kmh
    return replace(state, stage="paused", paused_t=state.t, pause_reason="asked", speed_before_pause_kmh=speed_kmh)
