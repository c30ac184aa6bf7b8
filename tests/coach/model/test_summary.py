"""The summary, against numbers worked out by hand from the rates that were fed. HRmax 200: the zone is 170–190 bpm.

Each second counts the rate that was known before its end: second k of an interval that began at 60 counts the rate
sent at 60 + k.
"""

from msgspec.structs import replace

from coach.model.messages import (
    AllRightAnswer,
    CommandName,
    Exertion,
    HeartRate,
    Mood,
    SessionCommand,
    Time,
    TreadmillSpeed,
)
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.model.summary import IntervalSummary, SignalSeconds, Summary
from coach.session.statistics import SessionStatistics, end_interval, note_borg, note_fall, start_interval
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession


def rate(t: float) -> float:
    """A made session over TWO_INTERVALS.

    Warm-up 120; interval 1 (60–300) climbs by 2 a second to 176/177; recovery falls by ½ a second from 177; interval 2
    (480–720) climbs by 2 a second from 100 to 192/193, above the zone; cool-down 100.
    """
    if t < 60:
        return 120 + t % 2
    if t < 300:
        return min(120 + 2 * (t - 60), 176 + t % 2)
    if t < 480:
        return 177 - 0.5 * (t - 300)
    if t < 720:
        return min(100 + 2 * (t - 480), 192 + t % 2)
    return max(192 - 4 * (t - 720), 100 + t % 2)


def trained() -> LedSession:
    session = LedSession().send(TreadmillSpeed(0, 4.0, 0.0)).live_until(60, rate).send(TreadmillSpeed(60, 6.0, 5.0))
    session.live_until(180, rate).send(TreadmillSpeed(180, 7.0, 5.0)).live_until(320, rate).send(Exertion(320, 16))
    session.live_until(730, rate).send(Exertion(730, 18)).live_until(840, rate)
    return session


def summary(session: LedSession) -> Summary:
    made = session.seen.summary
    assert made is not None
    return made


def test_each_interval_to_the_number() -> None:
    assert summary(trained()).intervals == (
        IntervalSummary(
            index=1,
            start_s=60.0,
            end_s=300.0,
            completed=True,
            third_minute_bpm=176.5,
            third_minute_fraction=0.882,
            time_to_zone_s=25.0,
            time_in_zone_s=215.0,
            above_zone_s=0.0,
            peak_bpm=177.0,
            end_bpm=177.0,
            recovery_fall_60s_bpm=177 - 147.5,
            speed_kmh=6.5,
            incline_percent=5.0,
            borg=16,
        ),
        IntervalSummary(
            index=2,
            start_s=480.0,
            end_s=720.0,
            completed=True,
            third_minute_bpm=192.5,
            third_minute_fraction=0.963,
            time_to_zone_s=35.0,
            time_in_zone_s=11.0,
            above_zone_s=194.0,
            peak_bpm=193.0,
            end_bpm=193.0,
            recovery_fall_60s_bpm=193 - 101.0,
            speed_kmh=7.0,
            incline_percent=5.0,
            borg=18,
        ),
    )


def test_the_whole_session_to_the_number() -> None:
    made = summary(trained())
    assert (made.protocol, made.participant, made.end_reason, made.completed) == ("two", "p1", "done", True)
    assert (made.duration_s, made.training_s, made.completed_intervals, made.planned_intervals) == (840.0, 840.0, 2, 2)
    assert (made.time_in_zone_s, made.peak_bpm, made.hr_max_bpm) == (226.0, 193.0, 200.0)
    # Above 95 % (190): interval 2 from 192 on; and, falling by 4 a second, the cool-down's first second (192).
    assert made.above_95_s == 194.0 + 1.0
    assert made.signal == SignalSeconds(live_s=840.0)
    assert made.signal_quality_fraction == 1.0
    counted = [rate(t) if t else 120.0 for t in range(840)]
    assert made.mean_bpm == round(sum(counted) / 840, 1)


def test_the_load_weighs_minutes_by_tenths_of_hr_max() -> None:
    """Edwards 1993: ten minutes in 60–70 % count 20, ten in 90–100 % count 50, below 50 % nothing."""
    for bpm, weight in ((95, 0), (110, 1), (130, 2), (150, 3), (170, 4), (186, 5)):
        steady = Protocol("steady", {}, (Phase(PhaseKind.STEADY, 600, Zone(0.4, 0.95)),))
        session = LedSession(protocol=steady, started=False).send(
            HeartRate(0, bpm), SessionCommand(0, CommandName.START)
        )
        session.live_until(600, lambda t, bpm=bpm: bpm + t % 2)  # type: ignore[misc]
        assert summary(session).load == 10.0 * weight


def test_the_time_before_the_start_does_not_count() -> None:
    session = LedSession(started=False).send(HeartRate(0, 120)).live(30).send(SessionCommand(30.0, CommandName.START))
    session.live_until(90).live_until(330, 175).live_until(510, 130).live_until(750, 175).live_until(870)
    made = summary(session)
    assert (made.duration_s, made.intervals[0].start_s) == (840.0, 60.0)


def test_a_pause_lengthens_the_session_but_not_the_training() -> None:
    session = LedSession().live_until(60).live_until(100, 160).command(CommandName.PAUSE).live(60, 120)
    session.command(CommandName.RESUME).live_until(360, 170).live_until(540, 130).live_until(780, 170).live_until(900)
    made = summary(session)
    assert (made.duration_s, made.training_s, made.intervals[0].end_s) == (900.0, 840.0, 360.0)


def test_seconds_in_each_state_of_the_signal_add_up_to_the_training_time() -> None:
    session = (
        LedSession().live_until(20).silent_until(50).live_until(60).send(Time(70), SessionCommand(70, CommandName.STOP))
    )
    signal = summary(session).signal
    # A second counts for the state at its end. Seconds 1–24 live, 25–39 stale, 40–51 lost (the rate that comes at 51
    # is later than the second that ends there), 52–56 weak, 57–64 live, 65–70 stale.
    assert signal == SignalSeconds(live_s=24.0 + 8.0, weak_s=5.0, stale_s=15.0 + 6.0, lost_s=12.0)
    assert summary(session).signal_quality_fraction == round(32 / 70, 3)


def test_borg_and_mood_after_the_end_amend_the_summary() -> None:
    session = trained().send(Exertion(850, 15), Mood(851, 4))
    assert (summary(session).borg, summary(session).mood) == (15, 4)
    assert summary(session) == replace(summary(trained()), borg=15, mood=4)


def test_borg_before_any_interval_belongs_to_none() -> None:
    session = LedSession().live_until(30).send(Exertion(30, 9)).live_until(40).command(CommandName.STOP)
    assert (summary(session).borg, summary(session).intervals) == (None, ())


def test_what_was_not_seen_is_null_not_zero() -> None:
    plan = replace(PLAN, mode="exertion", hr_max_bpm=None, start=None, ask_after="odd_fall")
    session = LedSession(plan, started=False).send(SessionCommand(0, CommandName.START))
    for t in range(1, 841):
        session.send(Time(t))
        if session.state.question is not None:
            session.send(AllRightAnswer(t))
    made = summary(session)
    assert (made.peak_bpm, made.mean_bpm, made.load, made.time_in_zone_s) == (None, None, 0.0, 0.0)
    first = made.intervals[0]
    assert (first.third_minute_bpm, first.third_minute_fraction, first.time_to_zone_s, first.peak_bpm) == (
        None,
        None,
        None,
        None,
    )
    assert (first.end_bpm, first.recovery_fall_60s_bpm, first.speed_kmh, first.incline_percent) == (
        None,
        None,
        None,
        None,
    )
    assert made.completed


def test_a_third_minute_seen_for_less_than_half_is_not_reported() -> None:
    seen_30 = LedSession(replace(PLAN, exertion_when_lost=True)).live_until(60).live_until(200, 175)
    seen_30.silent_until(240).live_until(300, 160).command(CommandName.STOP)
    assert summary(seen_30).intervals[0].third_minute_bpm is None


def test_a_short_interval_has_no_third_minute_and_a_short_recovery_no_fall() -> None:
    short = Protocol(
        "short",
        {},
        (
            Phase(PhaseKind.INTERVAL, 60, Zone(0.6, 0.75), interval=1),
            Phase(PhaseKind.RECOVERY, 30),
            Phase(PhaseKind.INTERVAL, 60, Zone(0.6, 0.75), interval=2),
        ),
    )
    one, two = summary(LedSession(protocol=short).live_until(155, 130)).intervals
    assert (one.third_minute_bpm, one.recovery_fall_60s_bpm, two.recovery_fall_60s_bpm) == (None, None, None)


def test_a_stop_in_an_interval_ends_it_there() -> None:
    session = LedSession().live_until(60).live_until(200, 175).command(CommandName.STOP)
    (one,) = summary(session).intervals
    assert (one.end_s, one.completed, one.end_bpm) == (200.0, False, 175.0)


def test_a_session_that_never_started_has_an_empty_summary() -> None:
    session = LedSession(started=False).send(Time(10)).command(CommandName.STOP)
    made = summary(session)
    assert (made.duration_s, made.training_s, made.signal_quality_fraction, made.intervals) == (0.0, 0.0, 0.0, ())
    assert (made.end_reason, made.completed) == ("stopped", False)


def test_what_the_guidance_learned_is_handed_on() -> None:
    session = LedSession().live_until(60).live_until(300, 175).command(CommandName.STOP)
    assert summary(session).response == {"kind": "rule", "work_speed_kmh": 6.0, "incline_percent": 5.0}
    assert summary(session).response == session.state.guidance.response


def test_the_codes_of_all_notices_are_kept_once_each() -> None:
    session = LedSession().live_until(60).live_until(100, 160).silent_until(110).live_until(150, 160).silent_until(172)
    assert summary(session.command(CommandName.STOP)).notices == (
        "signal_stale",
        "signal_lost",
        "eased_without_signal",
    )


def test_a_fall_counts_only_after_an_interval_that_was_seen_to_its_end() -> None:
    running = start_interval(SessionStatistics(), 1, 0.0)
    assert note_fall(running, 120.0) == running
    unseen = end_interval(running, 240.0, None, completed=True)
    assert note_fall(unseen, 120.0) == unseen
    seen = end_interval(running, 240.0, 170.0, completed=True)
    assert note_fall(seen, None) == seen
    assert note_fall(SessionStatistics(), 120.0) == SessionStatistics()
    counted = note_fall(seen, 120.0).current
    assert counted is not None
    assert counted.fall_60s_bpm == 50.0
    assert note_borg(SessionStatistics(), 13) == SessionStatistics()


def test_the_protocol_of_these_tests_is_as_long_as_they_say() -> None:
    assert (TWO_INTERVALS.length_s, TWO_INTERVALS.intervals) == (840, 2)
