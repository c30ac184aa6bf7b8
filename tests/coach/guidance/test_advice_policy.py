"""Which setting is best: what each candidate is worth, and what may be asked of a treadmill."""

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance.advice_policy import (
    Setting,
    SpeedRange,
    aim_of,
    loads_of,
    middle_setting,
    rest_worth,
    work_worth,
    zone_fractions,
)
from coach.guidance.forecast import cloud
from coach.guidance.heart_model import DRIFT, GAIN, REST
from coach.guidance.interface import GuidanceInput
from coach.guidance.priors import first_bank
from coach.guidance.treadmill_load import demand, demands, speed_for
from coach.model.events import Signal
from coach.model.plan import Load, Plan
from coach.model.protocol import BorgRange, Phase, PhaseKind, Zone

PLAN = Plan(participant="p", hr_max_bpm=200.0, hr_max_source="measured", age=30, start=Load(6.0, 5.0))
INTERVAL = Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=1)


def moment(phase: Phase = INTERVAL, high_bpm: float | None = None) -> GuidanceInput:
    return GuidanceInput(
        t=0.0,
        phase=phase,
        second=0,
        length_s=phase.length_s,
        bpm=150.0,
        signal=Signal.LIVE,
        fresh_s=0.0,
        flat_s=0.0,
        low_bpm=None,
        high_bpm=high_bpm,
        speed_kmh=6.0,
        incline_percent=5.0,
        borg=None,
        increase_allowed=True,
        quiet=False,
    )


def work(
    bpm: float | list[float],
    seconds: list[float],
    *,
    high_bpm: float | None = None,
    length_s: int = 240,
    hr_max_bpm: float = 200.0,
) -> float:
    """The worth of one setting for one person of HRmax 200, whose rate is this at these seconds."""
    rates = np.broadcast_to(np.array(bpm, dtype=float), (1, 1, len(seconds)))
    worth = work_worth(rates, np.array(seconds), length_s, np.array([hr_max_bpm]), moment(high_bpm=high_bpm))
    return round(float(worth[0]), 4)


def rest(bpm: list[float], seconds: list[float], from_s: float, aim: float = 0.6) -> float:
    """The worth of one setting for one person of HRmax 200 where a level is sought."""
    rates = np.array(bpm).reshape(1, 1, -1)
    return round(float(rest_worth(rates, np.array(seconds), np.array([200.0]), aim, from_s)[0]), 6)


# What may be asked


def test_a_demand_is_asked_for_in_whole_steps_up_to_the_most_that_is_allowed() -> None:
    treadmill = SpeedRange(0.2, 12.0, most_demand=25.0)
    assert treadmill.setting_for(19.0, 5.0) == Setting(6.0, 5.0)
    most_kmh = treadmill.rounded(speed_for(25.0, 5.0))
    assert treadmill.setting_for(99.0, 5.0) == Setting(most_kmh, 5.0)


def test_uphill_that_would_be_too_slow_is_walked_flat_and_a_slope_of_half_a_percent_is_kept() -> None:
    treadmill = SpeedRange(0.2, 12.0)
    assert treadmill.setting_for(4.0, 5.0) == Setting(2.4, 0.0)
    assert treadmill.setting_for(2.0, 0.5) == Setting(2.0, 0.5)
    assert treadmill.setting_for(2.0, 0.6) == Setting(2.0, 0.0)
    exact = demand(2.0, 5.0)
    assert treadmill.setting_for(exact + 0.01, 5.0) == Setting(2.0, 5.0)


def test_a_treadmill_asks_for_up_to_the_slowest_walk_and_sixty_unless_told_otherwise() -> None:
    treadmill = SpeedRange(0.5, 12.0)
    assert (treadmill.slowest_kmh, treadmill.most_demand) == (2.0, 60.0)


def test_candidates_reach_eight_steps_to_both_sides_wider_where_the_belt_is_fast() -> None:
    slow = [one.speed_kmh for one in SpeedRange(0.1, 20.0).around(Setting(4.0, 1.0))]
    assert slow == [round(3.2 + 0.1 * n, 1) for n in range(17)]
    fast = [one.speed_kmh for one in SpeedRange(0.1, 20.0).around(Setting(9.5, 1.0))]
    assert fast == [round(7.9 + 0.2 * n, 1) for n in range(17)]
    assert {one.incline_percent for one in SpeedRange(0.1, 20.0).around(Setting(4.0, 1.0))} == {1.0}
    coarse = [one.speed_kmh for one in SpeedRange(0.5, 20.0).around(Setting(6.0, 0.0))]
    assert coarse == [round(2.0 + 0.5 * n, 1) for n in range(17)]


def test_candidates_ask_for_no_more_than_is_allowed_and_the_slowest_is_always_left() -> None:
    exact = demand(6.0, 5.0)
    allowed = SpeedRange(0.2, 12.0, most_demand=exact).around(Setting(6.0, 5.0))
    assert allowed[-1] == Setting(6.0, 5.0)
    assert SpeedRange(0.2, 12.0, most_demand=1.0).around(Setting(6.0, 5.0)) == [Setting(4.4, 5.0)]


def test_loads_are_demand_and_span_under_each_gait() -> None:
    settings = [Setting(4.0, 5.0), Setting(7.2, 0.0)]
    assert loads_of(settings).tolist() == [
        [list(one) for one in demands(4.0, 5.0)],
        [list(one) for one in demands(7.2, 0.0)],
    ]


# What is aimed at


@pytest.mark.parametrize(
    ("phase", "zone", "aim"),
    [
        (INTERVAL, (0.85, 0.95), 0.85 + 0.1 / 3),
        (Phase(PhaseKind.STEADY, 300, Zone(0.6, 0.75)), (0.6, 0.75), 0.65),
        (Phase(PhaseKind.RECOVERY, 180, Zone(0.6, 0.7)), (0.6, 0.7), 0.695),
        (Phase(PhaseKind.RECOVERY, 180, Zone(0.6, 0.75)), (0.6, 0.75), 0.695),
        (Phase(PhaseKind.RECOVERY, 180, Zone(0.6, 0.8)), (0.6, 0.8), 0.7),
        (Phase(PhaseKind.RECOVERY, 180), (0.5, 0.7), 0.6),
        (Phase(PhaseKind.WARM_UP, 600, Zone(0.6, 0.75)), (0.6, 0.75), 0.70),
        (Phase(PhaseKind.WARM_UP, 600, Zone(0.5, 0.65)), (0.5, 0.65), 0.65),
        (Phase(PhaseKind.COOL_DOWN, 300, Zone(0.5, 0.65)), (0.5, 0.65), 0.60),
        (Phase(PhaseKind.COOL_DOWN, 300, Zone(0.5, 0.55)), (0.5, 0.55), 0.55),
        (Phase(PhaseKind.STEADY, 300, borg=BorgRange(12, 15)), (0.70, 0.85), 0.75),
    ],
)
def test_each_phase_aims_at_its_place_in_its_zone(phase: Phase, zone: tuple[float, float], aim: float) -> None:
    assert zone_fractions(moment(phase)) == pytest.approx(zone)
    assert aim_of(moment(phase)) == pytest.approx(aim)


def test_the_middle_setting_brings_the_middle_person_to_the_level() -> None:
    people = cloud(first_bank(PLAN, PLAN.start, None))
    reserve = np.maximum(people.hr_max_bpm - people.state[:, REST], 20.0)
    share = (0.6 * people.hr_max_bpm - people.state[:, REST]) / reserve
    straight = (reserve * share - people.state[:, DRIFT]) / np.exp(people.state[:, GAIN])
    wide = SpeedRange(0.01, 20.0, slowest_kmh=0.5)
    found = middle_setting(people, 0.6, wide, 5.0)
    assert demand(found.speed_kmh, 5.0) == pytest.approx(float(np.median(straight)), rel=0.12)
    speeds = [middle_setting(people, fraction, wide, 5.0).speed_kmh for fraction in (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 2.0)]
    assert speeds == sorted(speeds)
    assert (speeds[0], found.incline_percent) == (0.5, 5.0)


def test_the_middle_setting_is_never_without_bounds() -> None:
    """What nobody has: no reserve at all, or a level above it."""
    people = cloud(first_bank(PLAN, PLAN.start, None))
    state = people.state.copy()
    state[:, REST], state[:, DRIFT], state[:, GAIN] = 190.0, 0.0, 0.0
    flat = replace(people, state=state, hr_max_bpm=np.full(len(state), 200.0), bends_from=np.full(len(state), 0.99))
    wide = SpeedRange(0.01, 22.0, slowest_kmh=0.01, most_demand=1000.0)
    # A reserve of 20 bpm at least, of which 95 % at most: 19 bpm. Below rest, 2 bpm at least.
    assert middle_setting(flat, 1.2, wide, 0.0).speed_kmh == pytest.approx(speed_for(19.0, 0.0), abs=0.02)
    assert middle_setting(flat, 0.5, wide, 0.0).speed_kmh == pytest.approx(speed_for(2.0, 0.0), abs=0.02)


# What a setting is worth


def test_minutes_three_and_four_count_in_full_the_second_a_little_and_the_first_not() -> None:
    def inside_at(seconds: list[float], place: int) -> float:
        """In the zone at one of these seconds, and far under it at all others."""
        return work([180.0 if n == place else 100.0 for n in range(len(seconds))], seconds)

    seconds = [59.0, 60.0, 119.0, 120.0]
    whole = 0.0 + 0.6 + 0.6 + 1.0
    sure = work(180.0, [200.0])
    for place, weight in enumerate((0.0, 0.6, 0.6, 1.0)):
        assert inside_at(seconds, place) == pytest.approx(sure * weight / whole, abs=2e-4)


def test_the_minutes_are_those_of_a_four_minute_interval_and_shrink_with_a_shorter_one() -> None:
    seconds = [29.0, 30.0, 59.0, 60.0]
    rates = [180.0, 180.0, 100.0, 100.0]
    assert work(rates, seconds, length_s=120) == pytest.approx(work(180.0, [200.0]) * 0.6 / 2.2, abs=2e-4)


def test_a_second_above_the_zone_costs_as_much_as_1_6_outside_it() -> None:
    assert work(180.0, [200.0]) == pytest.approx(1.0, abs=0.001)
    assert work(120.0, [200.0]) == 0.0
    assert work(220.0, [200.0]) == -1.6
    assert work([220.0, 180.0], [10.0, 200.0]) == pytest.approx(1.0 - 0.8, abs=0.001)


def test_the_zones_edges_are_soft_by_a_beat_and_a_half() -> None:
    assert work(170.0, [200.0]) == pytest.approx(0.5, abs=0.001)
    assert work(171.5, [200.0]) == pytest.approx(1 / (1 + np.exp(-1.7)), abs=0.001)
    assert work(190.0, [200.0]) == pytest.approx(0.5 - 0.8, abs=0.001)


def test_the_plans_zone_is_never_exceeded_upwards_and_moves_down_with_a_lower_hr_max() -> None:
    assert work(190.0, [200.0], high_bpm=180.0, hr_max_bpm=210.0) == pytest.approx(-1.6, abs=0.001)
    assert work(195.0, [200.0], high_bpm=250.0) == pytest.approx(work(195.0, [200.0]), abs=0.001)
    assert work(155.0, [200.0], high_bpm=190.0, hr_max_bpm=172.0) == pytest.approx(1.0, abs=0.001)


def test_a_setting_is_worth_its_mean_over_everybody() -> None:
    rates = np.array([[[180.0]], [[120.0]]])
    worth = work_worth(rates, np.array([200.0]), 240, np.array([200.0, 200.0]), moment())
    assert round(float(worth[0]), 2) == 0.5


def test_before_anything_counts_only_what_is_above_does() -> None:
    assert work(180.0, [10.0]) == pytest.approx(0.0, abs=0.001)
    assert work(220.0, [10.0]) == -1.6


def test_a_level_that_is_met_costs_nothing_and_a_miss_its_square() -> None:
    assert rest([120.0], [100.0], 80.0) == 0.0
    # 10 bpm are one standard deviation of HRmax 200; a tenth of the square is never capped.
    assert rest([130.0], [100.0], 80.0) == pytest.approx(-1.1)
    assert rest([110.0], [100.0], 80.0) == pytest.approx(-1.1)


def test_resting_far_too_low_is_a_miss_like_another_and_far_too_high_is_worse() -> None:
    assert rest([90.0], [100.0], 80.0) == pytest.approx(-(4.0 + 0.9))
    assert rest([150.0], [100.0], 80.0) == pytest.approx(-(9.0 + 0.9))
    assert rest([170.0], [100.0], 80.0) == pytest.approx(-(16.0 + 2.5))


def test_only_seconds_from_when_the_level_is_sought_count_or_all_where_there_are_none() -> None:
    assert rest([160.0, 130.0, 120.0], [79.0, 80.0, 100.0], 80.0) == pytest.approx(-1.1 / 2)
    assert rest([130.0, 120.0], [10.0, 20.0], 80.0) == pytest.approx(-1.1 / 2)


def test_a_level_is_worth_its_mean_over_everybody() -> None:
    rates = np.array([[[130.0]], [[120.0]]])
    assert float(rest_worth(rates, np.array([100.0]), np.array([200.0, 200.0]), 0.6, 0.0)[0]) == pytest.approx(-0.55)
