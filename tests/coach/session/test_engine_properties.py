"""Rules that hold for every session, whatever arrives and whenever: the engine's promises (docs/architecture.md)."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.guidance.interface import GuidanceInput, HrMaxFinding
from coach.guidance.rules import rule_guidance
from coach.model.cue import Cue, CueName
from coach.model.events import Advice, AdviceGiven, AnyEvent, Direction, PhaseEnded, PhaseStarted, SessionEnded
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    Restored,
    SessionCommand,
    SourceLost,
    StrapChosen,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Load, Plan
from coach.model.protocol import Pattern, Phase, PhaseKind, Protocol, Zone
from coach.model.snapshot import Prediction
from coach.session.engine import next_due_s, step
from coach.session.limits import no_urging_because
from coach.session.snapshots import profile, snapshot
from coach.session.state import SessionState, begin

SHORT = Protocol(
    "short",
    {"nb": "Kort", "en": "Short"},
    (
        Phase(PhaseKind.WARM_UP, 60, Zone(0.6, 0.75)),
        Phase(PhaseKind.INTERVAL, 120, Zone(0.85, 0.95), interval=1),
        Phase(PhaseKind.RECOVERY, 70, Zone(0.6, 0.7)),
        Phase(PhaseKind.INTERVAL, 60, Zone(0.8, 0.95), interval=2, pattern=Pattern(20, 10)),
        Phase(PhaseKind.MOTOR, 30),
        Phase(PhaseKind.COOL_DOWN, 40, Zone(0.5, 0.65)),
    ),
)
PLANS = st.builds(
    Plan,
    participant=st.just("p1"),
    hr_max_bpm=st.sampled_from([150.0, 185.0]),
    ceiling_bpm=st.sampled_from([None, 140.0]),
    start=st.sampled_from([None, Load(5.5, 5.0)]),
    early_warm_up_end=st.booleans(),
    exertion_when_lost=st.booleans(),
    mode=st.sampled_from(["heart_rate", "exertion"]),
)
RATES = st.one_of(st.integers(60, 190), st.sampled_from([0, 20, 255, 300]))


class Restless:
    """A guidance that urges every second: what gets through is the gate's doing."""

    prediction: Prediction | None = None
    finding: HrMaxFinding | None = None
    doubt: str | None = None
    response: Any = None

    def second(self, moment: GuidanceInput) -> tuple["Restless", Any]:
        """More, always more."""
        return self, Advice(Direction.FASTER, 1.0, (moment.speed_kmh or 0) + 1.0, reason="below_zone")


@st.composite
def message_lists(draw: st.DrawFn) -> list[AnyMessage]:
    """A session's worth of messages: mostly a strap, with gaps, bursts and people."""
    messages: list[AnyMessage] = []
    t, bpm = 0.0, 100.0
    started = False
    for _ in range(draw(st.integers(5, 60))):
        t += draw(st.sampled_from([0.0, 0.25, 1.0, 1.0, 3.0, 7.5, 25.0]))
        kind = draw(st.integers(0, 15))
        if not started:
            messages.append(HeartRate(t, bpm))
            messages.append(SessionCommand(t, CommandName.START))
            started = True
        elif kind <= 7:
            for _ in range(draw(st.integers(1, 12))):
                bpm = float(draw(RATES)) if draw(st.integers(0, 9)) == 0 else max(60.0, bpm + draw(st.integers(-3, 4)))
                messages.append(HeartRate(t, bpm, (60000 / bpm,) if bpm and draw(st.booleans()) else ()))
                t += draw(st.sampled_from([0.0, 1.0, 1.0]))
        else:
            messages.append(draw(_other(t, kind)))
    return messages


def _other(t: float, kind: int) -> st.SearchStrategy[AnyMessage]:
    commands = st.sampled_from(list(CommandName)).map(lambda name: SessionCommand(t, name))
    rest: list[st.SearchStrategy[AnyMessage]] = [
        commands,
        st.just(SourceLost(t, "disconnected")),
        st.sampled_from([3.0, 5.5, 7.0]).map(lambda kmh: TreadmillSpeed(t, kmh, 5.0)),
        st.integers(6, 20).map(lambda borg: Exertion(t, borg)),
        st.booleans().map(lambda ok: AllRightAnswer(t, ok)),
        st.just(Restored(t)),
        st.just(Mood(t, 4)),
        st.sampled_from(["serial:1", "serial:2"]).map(lambda key: StrapChosen(t, key, "Polar H10")),
    ]
    return rest[kind - 8]


def run(state: SessionState, messages: list[AnyMessage]) -> tuple[SessionState, list[AnyEvent], list[Cue]]:
    """Feed the messages; those that are refused change nothing but let their time pass."""
    events: list[AnyEvent] = []
    cues: list[Cue] = []
    for message in messages:
        try:
            stepped = step(state, message)
        except MessageRefused:
            stepped = step(state, Time(message.t))
        state = stepped.state
        events += stepped.events
        cues += stepped.cues
    return state, events, cues


def ticked(messages: list[AnyMessage], per_second: int) -> list[AnyMessage]:
    """The same messages with so many ticks in each second between them."""
    among: list[AnyMessage] = []
    last_t = 0.0
    for message in messages:
        ticks = min(int((message.t - last_t) * per_second), 200)
        among += [Time(last_t + (tick + 1) / per_second) for tick in range(ticks)]
        among = [one for one in among if one.t <= message.t]
        among.append(message)
        last_t = message.t
    return among


many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(PLANS, message_lists(), st.integers(1, 9))
def test_extra_ticks_change_nothing(plan: Plan, messages: list[AnyMessage], per_second: int) -> None:
    """Events and cues, with their times, and the final state are the same with and without any number of ticks."""
    assert run(begin(plan, SHORT, rule_guidance), ticked(messages, per_second)) == run(
        begin(plan, SHORT, rule_guidance), messages
    )


@many
@given(PLANS, message_lists())
def test_times_of_events_and_cues_never_fall_and_stay_within_the_step(plan: Plan, messages: list[AnyMessage]) -> None:
    state = begin(plan, SHORT, rule_guidance)
    for message in messages:
        before_t = state.t
        try:
            stepped = step(state, message)
        except MessageRefused:
            continue
        times = [event.t for event in stepped.events]
        assert times == sorted(times)
        assert all(before_t <= one.t <= message.t for one in (*stepped.events, *stepped.cues))
        state = stepped.state


@many
@given(PLANS, message_lists())
def test_nothing_urges_without_a_trusted_rate_and_a_known_ceiling(plan: Plan, messages: list[AnyMessage]) -> None:
    """Even a guidance that always urges gets through only where every limit allows it (H1, H2, H3)."""
    state = begin(plan, SHORT, lambda _: Restless())
    for message in messages:
        try:
            stepped = step(state, message)
        except MessageRefused:
            stepped = step(state, Time(message.t))
        state = stepped.state
        for event in stepped.events:
            if isinstance(event, AdviceGiven) and event.advice.direction is Direction.FASTER:
                at_event = run_until(plan, messages, message, event.t)
                assert no_urging_because(at_event) == ()


def run_until(plan: Plan, messages: list[AnyMessage], last: AnyMessage, t: float) -> SessionState:
    """The state at `t`, before `last` is taken."""
    before = messages[: next(place for place, one in enumerate(messages) if one is last)]
    state, _, _ = run(begin(plan, SHORT, lambda _: Restless()), before)
    return step(state, Time(t)).state


@many
@given(PLANS, message_lists())
def test_urging_cues_come_only_with_urging_advice(plan: Plan, messages: list[AnyMessage]) -> None:
    _, events, cues = run(begin(plan, SHORT, rule_guidance), messages)
    urging_t = {
        event.t for event in events if isinstance(event, AdviceGiven) and event.advice.direction is Direction.FASTER
    }
    assert all(cue.t in urging_t for cue in cues if cue.name in (CueName.FASTER, CueName.SPEED_UP))


@many
@given(PLANS, message_lists())
def test_stop_is_never_refused_and_ends_at_once(plan: Plan, messages: list[AnyMessage]) -> None:
    state, _, _ = run(begin(plan, SHORT, rule_guidance), messages)
    stopped = step(state, SessionCommand(state.t, CommandName.STOP)).state
    assert stopped.stage == "ended"
    assert stopped.summary is not None


@many
@given(PLANS, message_lists(), st.sampled_from(list(CommandName)))
def test_a_refused_command_leaves_the_state_untouched(
    plan: Plan, messages: list[AnyMessage], name: CommandName
) -> None:
    state, _, _ = run(begin(plan, SHORT, rule_guidance), messages)
    kept = replace(state)
    try:
        step(state, SessionCommand(state.t, name))
    except MessageRefused as refusal:
        assert refusal.reason  # noqa: PT017 - the refusal is the outcome under test
    assert state == kept


@many
@given(PLANS, message_lists(), st.integers(0, 60))
def test_the_same_messages_give_the_same_state_from_any_cut(plan: Plan, messages: list[AnyMessage], cut: int) -> None:
    """A restart folds the journal's messages again: nothing outside them is remembered."""
    whole = run(begin(plan, SHORT, rule_guidance), messages)
    first, events, cues = run(begin(plan, SHORT, rule_guidance), messages[:cut])
    second, later_events, later_cues = run(first, messages[cut:])
    assert (second, events + later_events, cues + later_cues) == whole


@many
@given(PLANS, message_lists())
def test_seconds_add_up(plan: Plan, messages: list[AnyMessage]) -> None:
    """Every second of training is counted once, in one signal state; no interval has more zone seconds than seconds."""
    state, events, _ = run(begin(plan, SHORT, rule_guidance), messages)
    state = step(state, SessionCommand(state.t, CommandName.STOP)).state
    summary = state.summary
    assert summary is not None
    signal = summary.signal
    told_s = signal.live_s + signal.weak_s + signal.stale_s + signal.lost_s + signal.implausible_s
    assert told_s == summary.training_s
    for one in summary.intervals:
        assert one.time_in_zone_s + one.above_zone_s <= one.end_s - one.start_s + 1
    # A session that goes on after a stop starts its phase again, and so ends it again.
    begun = Counter(event.index for event in events if isinstance(event, PhaseStarted))
    assert Counter(event.index for event in events if isinstance(event, PhaseEnded)) <= begun


@many
@given(PLANS, message_lists())
def test_a_running_session_always_knows_what_falls_due_next(plan: Plan, messages: list[AnyMessage]) -> None:
    """A caller that sleeps until `next_due_s` misses nothing, and every view of any state can be drawn."""
    state, _, _ = run(begin(plan, SHORT, rule_guidance), messages)
    due_s = next_due_s(state)
    if state.stage in ("running", "paused"):
        assert due_s is not None
        quiet = step(state, Time((state.t + due_s) / 2)) if due_s > state.t else None
        assert quiet is None or (quiet.events, quiet.cues) == ((), ())
    shown = snapshot(state)
    assert 0 <= shown.phase_elapsed_s <= max(shown.phase_length_s, 0)
    assert all(one.start_s <= one.end_s for one in profile(state).phases)


@many
@given(message_lists())
def test_a_session_left_alone_comes_to_its_end(messages: list[AnyMessage]) -> None:
    """Whatever happened, a day later the session is over, with one end for each time that it ran."""
    plan = Plan(participant="p1", hr_max_bpm=185)
    state, events, _ = run(begin(plan, SHORT, rule_guidance), messages)
    last = step(state, Time(state.t + 86400))
    assert last.state.stage == "ended"
    ends = [event for event in (*events, *last.events) if isinstance(event, SessionEnded)]
    assert 1 <= len(ends) <= 2
