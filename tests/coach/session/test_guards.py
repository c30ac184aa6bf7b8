"""Lines of the limits that nothing else holds: bounds, and rare ways through them (found by `make mutate`)."""

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.guidance.interface import ADVICE_APART_S
from coach.model.cue import CueName
from coach.model.events import (
    Advice,
    AdviceGiven,
    Direction,
    HrMaxFinding,
    Level,
    Limit,
    NoticeRaised,
    SessionEnded,
    TargetAdjusted,
)
from coach.model.messages import CommandName, Exertion, HeartRate, SessionCommand, SourceLost, Time, TreadmillSpeed
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.session import limits
from coach.session.engine import next_due_s, step
from coach.session.limits import hardest_interval, is_quiet
from coach.session.restraints import no_interval_because
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession, Says

BY_TIME = Protocol(
    "by-time",
    {"nb": "Etter tid", "en": "By time"},
    (
        Phase(PhaseKind.WARM_UP, 60, Zone(0.60, 0.75)),
        Phase(PhaseKind.INTERVAL, 60, interval=1),
        Phase(PhaseKind.COOL_DOWN, 60),
    ),
)


def at(second: int, phase: PhaseKind, *, length_s: int = 240, **known: object) -> object:
    """A running state at a second of a phase, long after the last advice."""
    session = LedSession()
    index = next(n for n, one in enumerate(session.state.program) if one.kind is phase)
    return replace(session.state, index=index, second=second, length_s=length_s, t=1000.0, **known)


# An interval that needs no rate


def test_an_interval_without_a_zone_waits_for_no_signal() -> None:
    session = LedSession(protocol=BY_TIME).live_until(30).send(SourceLost(30, "disconnected")).silent_until(61)
    assert session.phases() == [(0.0, "warm_up"), (60.0, "interval")]
    assert session.seen.phase_length_s == 60


def test_an_interval_with_a_zone_waits_for_the_signal_and_says_so() -> None:
    session = LedSession().live_until(30).send(SourceLost(30, "disconnected")).silent_until(61)
    assert session.phases() == [(0.0, "warm_up")]
    assert (session.seen.phase_length_s, session.notices()[-1]) == (90, (60.0, "waiting_for_signal"))


# The therapist's word in a pause


def test_the_target_may_be_lowered_in_a_pause() -> None:
    session = LedSession().live_until(30).command(CommandName.PAUSE)
    session.send(SessionCommand(30.0, CommandName.ADJUST, source="therapist", lowered_fraction=0.05))
    assert session.events[-1] == TargetAdjusted(30.0, 0.05, "therapist")
    assert session.state.lowered_fraction == 0.05


def test_the_target_may_be_lowered_before_the_start() -> None:
    session = LedSession(started=False)
    session.send(SessionCommand(0.0, CommandName.ADJUST, source="therapist", lowered_fraction=0.1))
    assert session.state.lowered_fraction == 0.1


# Quiet times


@pytest.mark.parametrize(
    ("phase", "second", "quiet", "quiet_slower"),
    [
        (PhaseKind.INTERVAL, 59, True, True),
        (PhaseKind.INTERVAL, 60, True, False),
        (PhaseKind.INTERVAL, 89, True, False),
        (PhaseKind.INTERVAL, 90, False, False),
        (PhaseKind.INTERVAL, 229, False, False),
        (PhaseKind.INTERVAL, 230, True, True),
        (PhaseKind.RECOVERY, 59, True, True),
        (PhaseKind.RECOVERY, 60, False, False),
        (PhaseKind.COOL_DOWN, 0, False, False),
    ],
)
def test_nothing_is_advised_too_early_or_too_late_in_a_phase(
    phase: PhaseKind,
    second: int,
    quiet: bool,  # noqa: FBT001
    quiet_slower: bool,  # noqa: FBT001
) -> None:
    state = at(second, phase)
    assert (is_quiet(state), is_quiet(state, slower=True)) == (quiet, quiet_slower)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "quiet", "quiet_slower"),
    [
        ({"resumed_t": 940.5}, True, False),
        ({"resumed_t": 940.0}, False, False),
        ({"advised_t": 1000.0 - ADVICE_APART_S}, False, False),
        ({"advised_t": 1000.5 - ADVICE_APART_S}, True, True),
    ],
)
def test_nothing_is_advised_soon_after_a_pause_or_the_last_advice(
    known: dict[str, float],
    quiet: bool,  # noqa: FBT001
    quiet_slower: bool,  # noqa: FBT001
) -> None:
    state = at(120, PhaseKind.INTERVAL, **known)
    assert (is_quiet(state), is_quiet(state, slower=True)) == (quiet, quiet_slower)  # type: ignore[arg-type]


# Which interval is the hardest


def interval(number: int, high: float | None, length_s: int) -> Phase:
    return Phase(PhaseKind.INTERVAL, length_s, None if high is None else Zone(0.5, high), interval=number)


@pytest.mark.parametrize(
    ("phases", "hardest"),
    [
        ((interval(1, 0.9, 60), interval(2, 0.95, 60), interval(3, 0.9, 90)), 2),
        ((interval(1, 0.9, 60), interval(2, 0.9, 90), interval(3, 0.9, 60)), 2),
        ((interval(1, 0.9, 60), interval(2, 0.9, 60)), 2),
        ((interval(1, None, 900), interval(2, 0.9, 60)), 2),
        ((interval(1, 0.9, 60), interval(2, None, 900)), 1),
        ((Phase(PhaseKind.STEADY, 60),), 0),
    ],
)
def test_the_hardest_interval_has_the_highest_zone_then_is_the_longest_then_the_last(
    phases: tuple[Phase, ...], hardest: int
) -> None:
    assert hardest_interval(Protocol("p", {"en": "p"}, phases)) == hardest


# Odd falls


def falling(fall_bpm: float, *, from_t: float = 161.0, seconds: int = 10) -> LedSession:
    """In the first interval the rate falls by so much within so many seconds."""
    session = LedSession(answers=False).live_until(60).live_until(from_t, lambda t: 150 + t % 2)
    bpm = session.state.source.bpm or 0.0
    for second in range(1, seconds + 1):
        session.send(HeartRate(from_t + second, bpm - fall_bpm * second / seconds))
    return session.send(Time(from_t + seconds + 1))


def test_a_fall_of_25_bpm_within_15_seconds_asks_and_one_of_24_does_not() -> None:
    assert falling(25.0).seen.question == "odd_fall"
    assert falling(24.0).seen.question is None
    assert falling(40.0, seconds=30).seen.question is None


def test_the_first_half_minute_of_work_asks_nothing() -> None:
    assert falling(25.0, from_t=70.0).seen.question is None


def test_a_fall_before_the_work_is_not_counted_in_it() -> None:
    session = LedSession(answers=False).live_until(50, 150).live_until(110, 118)
    assert session.seen.question is None


# The ceiling


def test_slower_above_the_ceiling_is_repeated_only_every_twenty_seconds_also_after_other_advice() -> None:
    plan = replace(PLAN, ceiling_bpm=165.0)
    session = LedSession(plan).live_until(60).live_until(100, 162).live(14, 168)
    assert [t for t, direction, _ in session.advice() if direction == "slower"] == [101.0]


def test_who_stands_still_above_the_ceiling_hears_nothing() -> None:
    session = LedSession(replace(PLAN, ceiling_bpm=165.0)).live_until(60).live_until(100, 162)
    session.send(TreadmillSpeed(100, 0.0, 0.0)).live(1, 168)
    given = [event for event in session.events if isinstance(event, AdviceGiven)][-1]
    assert given == AdviceGiven(101.0, Advice(Direction.NONE, None, None, None, "over_ceiling"))
    assert [cue.name for cue in session.cues if cue.t > 100] == []


def test_a_rate_at_the_ceiling_is_not_above_it() -> None:
    session = LedSession(replace(PLAN, ceiling_bpm=165.0)).live_until(60).live_until(100, 160)
    session.send(HeartRate(101, 165.0), HeartRate(102, 164.0))
    assert session.notices() == []
    session.send(HeartRate(103, 165.5))
    assert session.notices() == [(103.0, "over_ceiling")]


def test_below_the_ceiling_counts_from_the_first_rate_below_and_is_over_after_three_seconds() -> None:
    session = LedSession(replace(PLAN, ceiling_bpm=165.0)).live_until(60).live_until(100, 162).live(3, 168)
    session.send(HeartRate(104, 160.0), HeartRate(105, 161.0), HeartRate(106, 160.0), Time(106.5))
    assert session.state.ceiling.below_since_t == 104.0
    session.send(HeartRate(107, 161.0), Time(107.5))
    assert session.notices()[-1] == (107.0, "-over_ceiling")
    assert session.state.ceiling == limits.Ceiling()


# Notices of the strap


def test_a_strap_that_is_lost_and_back_is_said_once_each_and_not_in_a_pause() -> None:
    session = LedSession().live_until(30).send(SourceLost(30, "disconnected")).live_until(45)
    said = session.cued(CueName.SIGNAL_LOST, CueName.SIGNAL_BACK)
    assert said == [(30.0, CueName.SIGNAL_LOST), (31.0, CueName.SIGNAL_BACK)]
    paused = LedSession().live_until(30).command(CommandName.PAUSE).send(SourceLost(30, "disconnected")).live_until(45)
    assert paused.cued(CueName.SIGNAL_LOST, CueName.SIGNAL_BACK) == []
    assert paused.notices() == [(30.0, "signal_lost"), (31.0, "-signal_lost")]


def test_before_the_start_a_lost_strap_is_no_notice() -> None:
    session = LedSession(started=False).send(HeartRate(0.0, 120.0), SourceLost(1.0, "disconnected"))
    assert session.notices() == []


def test_what_is_missing_at_the_start_is_said() -> None:
    def started_with(*messages: object) -> list[tuple[float, str]]:
        session = LedSession(started=False).send(*messages)  # type: ignore[arg-type]
        return session.send(SessionCommand(2.0, CommandName.START)).notices()

    assert started_with() == [(2.0, "signal_lost")]
    assert started_with(HeartRate(0.0, 120.0), HeartRate(1.5, 240.0)) == [(2.0, "signal_implausible")]
    assert started_with(HeartRate(0.0, 120.0), HeartRate(1.5, 121.0)) == []
    lost = LedSession(started=False).send(SessionCommand(2.0, CommandName.START))
    assert NoticeRaised(2.0, "signal_lost", Level.ATTENTION) in lost.events
    assert lost.state.silent_since_t == 2.0


# What is found of HRmax


LOWER = HrMaxFinding("hr_max_seems_lower", 170.0, 160.0, 180.0, "exertion")
HIGHER = HrMaxFinding("hr_max_seems_higher", 210.0, 205.0, 215.0, "rate_seen")


class Finds(Says):
    """A guidance that finds something of HRmax from one second on, and takes it back at another."""

    def __init__(self, *findings: tuple[float, HrMaxFinding | None]) -> None:
        """Find these, each from its time on."""
        super().__init__()
        self.findings = findings

    def second(self, moment):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        """Say nothing, and find what is due."""
        self.finding = next((found for t, found in reversed(self.findings) if moment.t >= t), None)
        return self, None


def test_a_finding_is_raised_once_replaced_by_the_other_and_taken_back() -> None:
    session = LedSession(guidance=lambda _: Finds((10, LOWER), (20, HIGHER), (30, None)))
    session.live_until(40)
    assert session.notices() == [
        (10.0, "hr_max_seems_lower"),
        (20.0, "-hr_max_seems_lower"),
        (20.0, "hr_max_seems_higher"),
        (30.0, "-hr_max_seems_higher"),
    ]
    raised = [event for event in session.events if isinstance(event, NoticeRaised)]
    assert raised[0] == NoticeRaised(10.0, "hr_max_seems_lower", Level.INFORMATION, to_therapist=True, finding=LOWER)


def test_a_lower_hr_max_is_a_limit_with_its_source_and_a_higher_one_is_none() -> None:
    lower = LedSession(guidance=lambda _: Finds((10, LOWER))).live_until(12)
    assert Limit("safer_zone", ("exertion",), 170.0) in lower.seen.limits
    higher = LedSession(guidance=lambda _: Finds((10, HIGHER))).live_until(12)
    assert [one.name for one in higher.seen.limits] == ["ceiling"]


# The end of a pause, and of a session


def test_a_pause_of_half_an_hour_ends_the_session_at_that_instant() -> None:
    session = LedSession().live_until(30).command(CommandName.PAUSE)
    session.send(SourceLost(30.0, "disconnected"))
    assert next_due_s(session.state) == 1830.0
    session.silent_until(1829.9)
    assert session.seen.stage == "paused"
    session.silent_until(1830.0)
    assert session.events[-1] == SessionEnded(1830.0, "pause_limit", completed=False)


def test_a_session_that_nobody_has_begun_has_nothing_due_without_a_strap() -> None:
    assert next_due_s(LedSession(started=False).state) is None


def test_no_command_is_taken_twice() -> None:
    session = LedSession()
    for name, code in ((CommandName.START, "started"), (CommandName.RESUME, "not_paused")):
        with pytest.raises(MessageRefused) as refused:
            step(session.state, SessionCommand(session.t, name))
        assert refused.value.code == code
    session.command(CommandName.PAUSE)
    with pytest.raises(MessageRefused) as refused:
        step(session.state, SessionCommand(session.t, CommandName.PAUSE))
    assert refused.value.code == "not_running"


def test_exertion_after_the_end_is_of_the_session_and_within_it_of_the_interval() -> None:
    session = LedSession().live_until(60).live_until(200, 165).send(Exertion(200, 15))
    assert session.state.new_borg == 15
    session.command(CommandName.STOP).send(Exertion(201, 17))
    assert session.state.borg == 17


# What restrains an interval


def test_nothing_restrains_an_interval_in_an_undisturbed_session() -> None:
    session = LedSession(protocol=TWO_INTERVALS).live_until(59)
    assert no_interval_because(session.state) == ()


def test_an_interval_by_exertion_waits_for_no_signal() -> None:
    session = LedSession().live_until(30)
    session.state = replace(session.state, by_exertion=True)
    session.send(SourceLost(30, "disconnected")).silent_until(61)
    assert session.phases() == [(0.0, "warm_up"), (60.0, "interval")]


def test_nothing_counts_down_to_an_interval_that_is_held_back() -> None:
    held = LedSession().live_until(30).send(SourceLost(30, "disconnected")).silent_until(61)
    assert held.cued(CueName.COUNTDOWN) == []
    assert LedSession().live_until(61).cued(CueName.COUNTDOWN) != []
