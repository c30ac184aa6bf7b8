"""H2: a strap that falls silent. Stale after 5 s, lost after 20; work eases, or goes on by exertion; never «faster»."""

from msgspec.structs import replace

from coach.model.cue import Cue, CueName
from coach.model.events import Advice, Direction, Level, Limit, NoticeRaised, Signal, SignalChanged
from coach.model.messages import AllRightAnswer, CommandName, HeartRate, SessionCommand, SourceLost, Time
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from tests.support.led_session import PLAN, STEADY, TWO_INTERVALS, LedSession, Says

GOES_ON = replace(PLAN, exertion_when_lost=True)


def working(*, goes_on: bool = False) -> LedSession:
    """100 s into the session, 40 s into the first interval."""
    return LedSession(GOES_ON if goes_on else PLAN).live_until(60).live_until(100, 160)


def test_silence_is_stale_after_five_seconds_and_lost_after_twenty_at_those_very_instants() -> None:
    session = working().send(HeartRate(100.25, 160)).silent_until(500)
    assert [event for event in session.events if isinstance(event, SignalChanged)][-2:] == [
        SignalChanged(105.25, Signal.STALE, Signal.LIVE, "silent"),
        SignalChanged(120.25, Signal.LOST, Signal.STALE, "silent"),
    ]
    assert session.notices()[:2] == [(105.25, "signal_stale"), (120.25, "-signal_stale")]
    assert session.notices()[2] == (120.25, "signal_lost")
    assert Cue(120.25, CueName.SIGNAL_LOST, Level.ATTENTION) in session.cues


def test_the_old_number_is_not_shown_as_live() -> None:
    session = working()
    assert (session.seen.bpm, session.seen.fraction, session.seen.signal_age_s) == (160, 0.8, 0)
    session.silent_until(104.9)
    assert session.seen.bpm == 160
    session.silent_until(105)
    seen = session.seen
    assert (seen.bpm, seen.fraction, seen.position, seen.signal_age_s) == (None, None, "unknown", 5.0)


def test_nothing_is_held_by_a_rate_that_nobody_sees() -> None:
    hold = Advice(Direction.HOLD, speed_kmh=8.0, reason="in_zone")
    session = LedSession(guidance=lambda _: Says(hold)).live_until(60).live_until(100, 165)
    assert session.seen.advice.direction is Direction.HOLD
    session.silent_until(106)
    assert session.seen.advice == replace(hold, direction=Direction.NONE)


def test_twenty_seconds_without_a_rate_ease_the_interval_into_recovery() -> None:
    session = working().silent_until(121)
    assert session.endings()[-1] == (120.0, "interval", "signal_lost")
    assert session.seen.phase == "recovery"
    assert Cue(120.0, CueName.EASED, Level.ATTENTION) in session.cues
    assert NoticeRaised(120.0, "eased_without_signal", Level.ATTENTION, to_therapist=True) in session.events


def test_a_shorter_silence_leaves_the_interval_alone() -> None:
    session = working().silent_until(117).live_until(140, 160)
    assert session.seen.interval == 1
    assert session.notices() == [(105.0, "signal_stale"), (128.0, "-signal_stale")]


def test_a_strap_that_comes_back_after_it_was_lost_is_greeted() -> None:
    session = working().silent_until(127).live_until(140, 150)
    assert (128.0, "-signal_lost") in session.notices()
    assert session.cued(CueName.SIGNAL_BACK) == [(128.0, CueName.SIGNAL_BACK)]


def test_work_goes_on_by_exertion_where_the_therapist_allows_it() -> None:
    session = working(goes_on=True).silent_until(300)
    assert session.cued(CueName.BY_FEELING) == [(120.0, CueName.BY_FEELING)]
    assert NoticeRaised(120.0, "by_exertion", Level.INFORMATION, to_therapist=True) in session.events
    assert session.endings()[-1] == (300.0, "interval", "done")
    assert session.seen.mode == "exertion"
    # Somebody is there: an unanswered question would hold the next interval back.
    session.silent_until(320).send(AllRightAnswer(320)).silent_until(500)
    assert session.seen.interval == 2


def test_feeling_is_the_advice_while_work_goes_on_by_exertion() -> None:
    seen = working(goes_on=True).silent_until(200).seen
    assert seen.advice == Advice(Direction.NONE, reason="by_feeling")


def test_nothing_urges_without_a_rate() -> None:
    for goes_on in (False, True):
        session = working(goes_on=goes_on).silent_until(1200)
        assert [cue for cue in session.cues if cue.name in (CueName.FASTER, CueName.SPEED_UP) and cue.t > 100] == []


def test_a_shown_faster_goes_when_the_strap_falls_silent() -> None:
    session = working().live_until(160, 150)
    assert session.seen.advice.direction is Direction.FASTER
    session.silent_until(165)
    assert session.seen.advice == Advice(Direction.NONE, reason="no_urging")


def test_the_limits_say_which_signal_forbids_urging() -> None:
    session = working()
    reasons = [limit for limit in session.seen.limits if limit.name == "no_faster"]
    assert reasons == []
    told = []
    for t in (103, 105, 120):
        session.silent_until(t)
        told.append(session.seen.limits[-1])
    assert told == [
        Limit("no_faster", ("signal_not_fresh",)),
        Limit("no_faster", ("signal_stale",)),
        Limit("no_faster", ("signal_lost",)),
    ]


def test_no_interval_begins_into_silence() -> None:
    session = LedSession().live_until(20).silent_until(118)
    assert session.seen.phase == "warm_up"
    assert session.notices()[-1] == (60.0, "waiting_for_signal")
    assert [t for t, _ in session.cued(CueName.SIGNAL_LOST)] == [40.0, 60.0, 90.0]
    session.live_until(120, 130)
    assert (session.seen.phase, session.seen.signal_reason) == ("warm_up", "returning")
    session.live_until(125, 130)
    assert (session.seen.phase, session.seen.interval) == ("interval", 1)
    assert session.notices()[-1] == (125.0, "-waiting_for_signal")


def test_three_minutes_of_waiting_end_in_the_cool_down() -> None:
    session = LedSession().live_until(20).silent_until(241)
    assert session.endings() == [(240.0, "warm_up", "signal_lost")]
    assert session.seen.phase == "cool_down"
    assert Limit("cool_down_only", ("no_signal",)) in session.seen.limits
    assert (240.0, "-waiting_for_signal") in session.notices()


def test_an_interval_begins_by_exertion_into_silence_where_that_is_allowed() -> None:
    session = LedSession(GOES_ON).live_until(20).silent_until(61)
    assert (session.seen.phase, session.seen.mode) == ("interval", "exertion")
    assert (60.0, CueName.BY_FEELING) in session.cued()


def test_a_strap_that_says_it_has_no_rate_counts_as_lost_at_once() -> None:
    session = working().send(HeartRate(101, 0))
    seen = session.seen
    assert (seen.signal, seen.signal_reason, seen.bpm) == (Signal.LOST, "no_rate", None)


def test_a_strap_that_the_adapter_lost_is_lost_at_once_with_its_reason() -> None:
    session = working().send(SourceLost(100.5, "disconnected"))
    assert (session.seen.signal, session.seen.signal_reason) == (Signal.LOST, "disconnected")
    assert session.cued(CueName.SIGNAL_LOST) == [(100.5, CueName.SIGNAL_LOST)]


def test_a_session_that_starts_without_a_strap_says_so_and_eases_its_work() -> None:
    session = LedSession(protocol=STEADY, started=False)
    session.send(SessionCommand(0, CommandName.START)).silent_until(60)
    assert session.notices()[0] == (0.0, "signal_lost")
    assert session.endings() == [(30.0, "warm_up", "done"), (50.0, "steady", "signal_lost")]


def test_a_session_that_starts_with_a_doubtful_rate_says_so() -> None:
    session = LedSession(started=False).send(HeartRate(0, 250), SessionCommand(0, CommandName.START))
    assert session.notices() == [(0.0, "signal_implausible")]


def test_a_doubtful_rate_is_borne_for_a_minute_of_work() -> None:
    session = working().live_until(159, lambda t: 240 + t % 2)
    assert (session.seen.phase, session.seen.signal) == ("interval", Signal.IMPLAUSIBLE)
    session.live_until(161, lambda t: 240 + t % 2)
    assert session.endings()[-1] == (161.0, "interval", "signal_lost")


def test_the_second_easing_is_told_to_the_therapist_again() -> None:
    session = working().silent_until(140).live_until(320, 150)
    assert session.seen.phase == "interval"
    session.silent_until(341)
    told = [t for t, code in session.notices() if code == "eased_without_signal"]
    assert told == [120.0, 340.0]


def test_work_without_a_following_recovery_gets_one() -> None:
    last = replace(TWO_INTERVALS, phases=(*TWO_INTERVALS.phases[:2], Phase(PhaseKind.MOTOR, 60)))
    session = LedSession(protocol=last).live_until(60).live_until(100, 160).silent_until(121)
    assert [kind for _, kind in session.phases()] == ["warm_up", "interval", "recovery"]
    assert [phase.kind for phase in session.state.program[2:]] == [PhaseKind.RECOVERY, PhaseKind.MOTOR]
    session.live_until(310, 120)
    assert session.phases()[-1] == (300.0, "motor")


def test_the_last_work_of_a_protocol_without_a_cool_down_eases_into_recovery_too() -> None:
    soft = Protocol("soft", {}, (Phase(PhaseKind.STEADY, 120, Zone(0.6, 0.7)),))
    session = LedSession(protocol=soft).live_until(10).silent_until(40)
    assert [kind for _, kind in session.phases()] == ["steady", "recovery"]


def test_signal_changes_before_and_after_a_session_raise_no_notice() -> None:
    session = LedSession(started=False).send(HeartRate(0, 120), Time(60))
    assert session.seen.signal is Signal.LOST
    assert session.notices() == []
