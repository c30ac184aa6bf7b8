"""H1: a rate above the personal ceiling. PLAN's ceiling is its HRmax, 200 bpm."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from coach.model.cue import Cue, CueName
from coach.model.events import Direction, Level, Limit, LimitsChanged, NoticeRaised
from coach.model.messages import CommandName, HeartRate, SessionCommand, Time, TreadmillSpeed
from tests.support.led_session import PLAN, LedSession, Says

LOW = replace(PLAN, ceiling_bpm=165.0)


def in_first_interval() -> LedSession:
    """100 s into the session, 40 s into the first interval, at 162 bpm: just below LOW's ceiling."""
    return LedSession(LOW).live_until(60).live_until(100, 162)


def over(session: LedSession, seconds: int) -> LedSession:
    return session.live(seconds, 168)


def test_slower_is_said_at_once_and_the_therapist_is_told() -> None:
    session = in_first_interval().send(TreadmillSpeed(100, 6.0, 5.0))
    over(session, 1)
    said = [cue for cue in session.cues if cue.t > 100]
    assert said == [Cue(101.0, CueName.SLOWER, Level.ATTENTION, speed_kmh=5.0)]
    assert session.events[-2:][0] == NoticeRaised(101.0, "over_ceiling", Level.ATTENTION, to_therapist=True)
    advice = session.seen.advice
    assert (advice.direction, advice.speed_change_kmh, advice.speed_kmh, advice.incline_percent, advice.reason) == (
        Direction.SLOWER,
        -1.0,
        5.0,
        5.0,
        "over_ceiling",
    )


def test_slower_names_a_speed_also_where_the_treadmill_tells_none() -> None:
    """The speed that was asked for last, 6 km/h, is what the person can compare with."""
    session = over(in_first_interval(), 1)
    advice = session.seen.advice
    assert (advice.direction, advice.speed_change_kmh, advice.speed_kmh) == (Direction.SLOWER, -1.0, 5.0)
    assert over(session, 20).seen.advice.speed_kmh == 4.0


def test_slower_without_any_speed_known_or_asked_names_none() -> None:
    session = LedSession(replace(LOW, start=None), guidance=lambda _: Says()).live_until(60).live_until(100, 162)
    advice = over(session, 1).seen.advice
    assert (advice.direction, advice.speed_change_kmh, advice.speed_kmh) == (Direction.SLOWER, None, None)


def test_no_speed_between_the_slowest_walk_and_standing_still_is_asked() -> None:
    def asked(speed_kmh: float) -> float | None:
        return over(in_first_interval().send(TreadmillSpeed(100, speed_kmh, 0.0)), 1).seen.advice.speed_kmh

    assert [asked(speed_kmh) for speed_kmh in (4.0, 2.6, 2.1, 2.0, 1.2)] == [3.0, 2.0, 2.0, 0.0, 0.0]


def test_somebody_who_stands_still_is_not_asked_to_slow_down() -> None:
    session = over(in_first_interval().send(TreadmillSpeed(100, 0.0, 0.0)), 5)
    assert (session.seen.advice.direction, session.seen.advice.reason) == (Direction.NONE, "over_ceiling")
    assert not [t for t, _ in session.cued(CueName.SLOWER) if t > 100]


def test_below_the_ceiling_again_slow_down_now_is_no_longer_shown() -> None:
    session = over(in_first_interval(), 8).live_until(130, 150)
    advice = session.seen.advice
    assert (advice.direction, advice.speed_kmh, advice.reason) == (Direction.NONE, 5.0, "eased")


def test_slower_from_a_crawl_asks_for_a_standstill_at_most() -> None:
    advice = over(in_first_interval().send(TreadmillSpeed(100, 0.4, 0.0)), 1).seen.advice
    assert (advice.speed_change_kmh, advice.speed_kmh) == (-0.4, 0.0)


def test_slower_comes_even_in_the_quiet_time_and_within_two_seconds_of_the_rate() -> None:
    session = LedSession(LOW).live_until(60).live_until(75, lambda t: 120 + 2.5 * (t - 60))
    assert not session.cued(CueName.SLOWER)
    over(session, 4)
    first_over_t = 76.0
    assert session.cued(CueName.SLOWER)[0][0] - first_over_t <= 2


def test_fifteen_seconds_above_turn_the_interval_into_recovery() -> None:
    session = over(in_first_interval(), 16)
    assert session.endings()[-1] == (116.0, "interval", "over_ceiling")
    assert session.phases()[-1] == (116.0, "recovery")
    assert Cue(116.0, CueName.OVER_CEILING, Level.ATTENTION) in session.cues
    assert session.seen.phase_length_s == 180


def test_fourteen_seconds_above_do_not() -> None:
    session = over(in_first_interval(), 14).live_until(130, 150)
    assert session.seen.phase == "interval"
    assert session.notices() == [(101.0, "over_ceiling"), (118.0, "-over_ceiling")]


def test_a_dip_below_for_less_than_three_seconds_does_not_start_the_count_again() -> None:
    session = over(in_first_interval(), 8).live(2, 160)
    over(session, 6)
    assert session.endings()[-1] == (116.0, "interval", "over_ceiling")


def test_sixty_seconds_above_leave_only_cooling_down() -> None:
    session = over(in_first_interval(), 61)
    assert session.endings()[-2:] == [(116.0, "interval", "over_ceiling"), (161.0, "recovery", "over_ceiling")]
    assert session.seen.phase == "cool_down"
    assert Cue(161.0, CueName.OVER_CEILING, Level.STOP_NOW) in session.cues
    assert Limit("cool_down_only", ("over_ceiling_long",)) in session.seen.limits


def test_slower_is_said_again_every_twenty_seconds_while_the_rate_stays_above() -> None:
    session = over(in_first_interval(), 61)
    assert [t for t, _ in session.cued(CueName.SLOWER) if t > 100] == [101.0, 121.0, 141.0]


def test_the_second_time_leaves_only_cooling_down_and_is_saved() -> None:
    session = over(in_first_interval(), 16).live_until(300, 130).live_until(500, 162)
    assert session.seen.interval == 2
    over(session, 16)
    assert session.seen.phase == "cool_down"
    assert session.endings()[-1] == (516.0, "interval", "over_ceiling")
    assert session.seen.limits[:2] == (
        Limit("ceiling", ("plan",), 165.0),
        Limit("cool_down_only", ("over_ceiling_twice",)),
    )
    session.live_until(700, 120)
    summary = session.seen.summary
    assert summary is not None
    assert (summary.completed, summary.completed_intervals, summary.notices) == (False, 0, ("over_ceiling",))


def test_no_work_comes_back_after_cool_down_only() -> None:
    session = over(in_first_interval(), 61).live_until(1000, 120)
    assert [kind for _, kind in session.phases()] == ["warm_up", "interval", "recovery", "cool_down"]
    assert session.seen.stage == "ended"


def test_above_in_a_recovery_counts_but_ends_no_recovery() -> None:
    session = in_first_interval().live_until(310, 162)
    over(session, 20)
    assert session.seen.phase == "recovery"
    assert session.state.ceiling.times == 1


def test_a_minute_above_in_the_cool_down_is_told_and_leaves_the_cool_down_alone() -> None:
    session = in_first_interval().live_until(725, 162)
    over(session, 61)
    assert session.seen.phase == "cool_down"
    assert Limit("cool_down_only", ("over_ceiling_long",)) in session.seen.limits
    assert session.endings()[-1][1] == "interval"


def test_a_strap_that_falls_silent_while_above_is_no_proof_of_being_above() -> None:
    session = over(in_first_interval(), 8).silent_until(118)
    assert session.seen.phase == "interval"
    assert not session.cued(CueName.OVER_CEILING)


def test_a_jump_above_the_ceiling_says_slower_even_where_the_rate_is_doubted() -> None:
    session = in_first_interval().send(HeartRate(101, 199))
    assert session.seen.signal == "implausible"
    assert session.cued(CueName.SLOWER)[-1] == (101.0, CueName.SLOWER)


def test_an_impossible_rate_is_not_above_the_ceiling() -> None:
    session = in_first_interval().send(HeartRate(101, 240))
    assert session.notices() == [(101.0, "signal_implausible")]


def test_guidance_is_silent_while_the_rate_is_above() -> None:
    session = over(in_first_interval(), 15)
    assert [reason for t, _, reason in session.advice() if t > 100] == ["over_ceiling"]


def test_time_in_a_pause_is_not_time_above_the_ceiling() -> None:
    session = over(in_first_interval(), 5).command(CommandName.PAUSE).live(30, 150)
    session.command(CommandName.RESUME).send(Time(session.t + 1))
    assert session.seen.phase == "interval"
    assert session.state.ceiling.times == 0


def test_a_cool_down_taken_after_a_stop_begins_with_a_fresh_count() -> None:
    session = over(in_first_interval(), 5).command(CommandName.STOP).live(120, 120)
    session.send(SessionCommand(session.t, CommandName.START), Time(session.t + 1))
    assert session.seen.phase == "cool_down"
    assert not session.cued(CueName.OVER_CEILING)


@pytest.mark.parametrize(
    ("hr_max_bpm", "ceiling_bpm", "expected"),
    [
        (200.0, None, Limit("ceiling", ("hr_max",), 200.0)),
        (200.0, 165.0, Limit("ceiling", ("plan",), 165.0)),
        (180.0, 190.0, Limit("ceiling", ("hr_max",), 180.0)),
        (180.0, 180.0, Limit("ceiling", ("plan", "hr_max"), 180.0)),
    ],
)
def test_the_stricter_ceiling_is_in_force_with_its_reasons_from_the_start(
    hr_max_bpm: float, ceiling_bpm: float | None, expected: Limit
) -> None:
    session = LedSession(replace(PLAN, hr_max_bpm=hr_max_bpm, ceiling_bpm=ceiling_bpm))
    assert [event for event in session.events if isinstance(event, LimitsChanged)] == [LimitsChanged(0.0, (expected,))]


def test_without_any_ceiling_nothing_urges() -> None:
    plan = replace(PLAN, mode="exertion", hr_max_bpm=None, hr_max_source=None)
    session = LedSession(plan).live_until(300)
    assert session.seen.limits == (Limit("no_faster", ("no_ceiling",)),)
    assert not session.cued(CueName.FASTER, CueName.SPEED_UP)


def test_limits_only_tighten_within_a_session() -> None:
    """Ceiling values never rise and reasons are never taken away, through two times above, a stop and a cool-down."""
    session = over(in_first_interval(), 61).live_until(250, 120)
    over(session, 61)
    session.command(CommandName.STOP)
    announced = [event.limits for event in session.events if isinstance(event, LimitsChanged)]
    for before, after in pairwise(announced):
        for limit in before:
            now = next(one for one in after if one.name == limit.name)
            assert set(limit.reasons) <= set(now.reasons)
            assert limit.value_bpm is None or (now.value_bpm or 0) <= limit.value_bpm
    assert announced[-1][-1] == Limit("cool_down_only", ("over_ceiling_long", "over_ceiling_twice"))
