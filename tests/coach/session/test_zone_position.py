"""Where the rate lies: whole beats, rounded once; no flip by one beat; the direction is measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bench_zone_words import changes
from coach.model.plan import Plan
from coach.model.protocol import Zone
from coach.session.zone_position import SETTLED_S, ZonePosition, follow_position, follow_trend
from tests.support.led_session import LedSession

BOUNDS = (157.0, 175.0)


def followed(*bpms: float, bounds: tuple[float, float] = BOUNDS) -> list[str]:
    """The position after each rate, one a second."""
    place, found = ZonePosition(), []
    for t, bpm in enumerate(bpms):
        place = follow_position(place, float(t), bpm, bounds)
        found.append(place.position)
    return found


def trend_of(*bpms: float) -> str:
    place = ZonePosition()
    for bpm in bpms:
        place = follow_trend(place, bpm)
    return place.trend


@given(st.floats(80, 240), st.sampled_from([(0.85, 0.95), (0.6, 0.7), (0.5, 0.65), (0.55, 0.7)]), st.integers(30, 240))
def test_a_whole_rate_is_within_the_printed_ends_exactly_where_it_is_within_the_fractions(
    hr_max_bpm: float, fractions: tuple[float, float], bpm: int
) -> None:
    low, high = Zone(*fractions).bounds_bpm(hr_max_bpm)
    assert (low <= bpm <= high) == (fractions[0] * hr_max_bpm - 1e-6 <= bpm <= fractions[1] * hr_max_bpm + 1e-6)


def test_the_ends_are_whole_beats_and_binary_fractions_take_none_away() -> None:
    assert Zone(0.85, 0.95).bounds_bpm(185.0) == (158.0, 175.0)
    assert Zone(0.6, 0.7).bounds_bpm(190.0) == (114.0, 133.0)
    assert Zone(0.6, 0.7).bounds_bpm(200.0, 0.05) == (110.0, 130.0)


def test_a_zone_without_a_whole_rate_keeps_its_nearest() -> None:
    assert Zone(0.701, 0.703).bounds_bpm(200.0) == (140.0, 140.0)


def test_a_rate_that_wobbles_across_an_end_flips_nothing() -> None:
    assert set(followed(*[175, 176] * 60)) == {"in"}
    assert set(followed(*[156, 157, 158] * 60)) == {"below"}


def test_a_rate_that_stays_a_beat_outside_is_outside_in_the_end() -> None:
    assert followed(175, *[176] * 20).index("above") == 1 + SETTLED_S


def test_a_rate_clearly_on_the_other_side_is_so_at_once() -> None:
    assert followed(170, 179) == ["in", "above"]
    assert followed(140, 160) == ["below", "in"]
    assert followed(140, 190) == ["below", "above"]


def test_a_new_zone_is_judged_at_once() -> None:
    place = follow_position(ZonePosition(), 0.0, 160, BOUNDS)
    assert follow_position(place, 1.0, 160, (111.0, 129.0)).position == "above"


def test_without_a_rate_or_a_zone_nothing_is_claimed() -> None:
    place = follow_position(ZonePosition(), 0.0, 160, BOUNDS)
    assert follow_position(place, 1.0, None, BOUNDS).position == "unknown"
    assert follow_position(place, 1.0, 160, None).position == "unknown"


def test_the_direction_is_that_of_the_measured_rate() -> None:
    assert trend_of(*range(120, 150)) == "rising"
    assert trend_of(*range(180, 150, -1)) == "falling"
    assert trend_of(*[190, 191] * 30) == "steady"
    assert trend_of(*range(120, 150), *[150] * 25) == "steady"
    assert trend_of(120, 130) == "steady"


def test_a_steady_high_rate_in_a_recovery_is_not_on_its_way_down() -> None:
    session = LedSession().live_until(60, 150).live_until(300, 184).live_until(330, 184)
    assert (session.seen.phase, session.seen.position, session.seen.trend) == ("recovery", "above", "steady")
    session.live_until(360, lambda t: 184 - (t - 330))
    assert (session.seen.position, session.seen.trend) == ("above", "falling")


def test_a_session_by_exertion_claims_no_zone_of_rates() -> None:
    session = LedSession(Plan(participant="p1", hr_max_bpm=200.0, mode="exertion")).live_until(200, 150)
    assert session.seen.position == "unknown"


def test_what_was_counted_is_what_was_shown() -> None:
    session = LedSession().live_until(60, 150).live_until(300, lambda t: min(150 + (t - 60), 190.4 - t % 2))
    current = session.state.tally.current
    assert current is not None
    assert (current.above_s, current.in_zone_s) == (0, 220)


@pytest.mark.parametrize("seed", range(2))
def test_the_word_seldom_changes_in_an_ordinary_session(seed: int) -> None:
    assert changes(seed, "ordinary")[0] <= 12
