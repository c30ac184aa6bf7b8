"""The rules: silent in the run-up, patient with lag, the same load again unless the third minute says otherwise."""

from typing import Any

import pytest
from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.guidance.interface import GuidanceInput
from coach.guidance.rules import RuleGuidance, rule_guidance
from coach.model.events import Advice, Direction, Signal
from coach.model.plan import Load, Plan
from coach.model.protocol import BorgRange, Phase, PhaseKind, Zone
from tests.support.led_session import PLAN, LedSession

INTERVAL = Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), BorgRange(15, 17), interval=1)
WARM_UP = Phase(PhaseKind.WARM_UP, 600, Zone(0.60, 0.75))
RECOVERY = Phase(PhaseKind.RECOVERY, 180, Zone(0.60, 0.70))
MOTOR = Phase(PhaseKind.MOTOR, 60)
STEADY = Phase(PhaseKind.STEADY, 600, Zone(0.65, 0.75))


def moment(phase: Phase, second: int, bpm: float | None, **other: Any) -> GuidanceInput:  # noqa: ANN401 - any field of it
    """A live moment at 6.0 km/h and 5 %, with HRmax 200."""
    known = GuidanceInput(
        t=1000.0 + second,
        phase=phase,
        second=second,
        length_s=phase.length_s,
        bpm=bpm,
        signal=Signal.LIVE,
        fresh_s=0.0,
        flat_s=0.0,
        low_bpm=phase.zone.low_fraction * 200 if phase.zone else None,
        high_bpm=phase.zone.high_fraction * 200 if phase.zone else None,
        speed_kmh=6.0,
        incline_percent=5.0,
        borg=None,
        increase_allowed=True,
        quiet=False,
    )
    return replace(known, **other)


def begun(phase: Phase, bpm: float = 120.0, plan: Plan = PLAN) -> RuleGuidance:
    """The rules after the phase's start."""
    return rule_guidance(plan).second(moment(phase, 0, bpm))[0]


def said(guidance: RuleGuidance, at: GuidanceInput) -> Advice | None:
    return guidance.second(at)[1]


def test_each_phase_begins_with_its_setting() -> None:
    rules = rule_guidance(PLAN)
    assert said(rules, moment(WARM_UP, 0, 90)) == Advice(Direction.SLOWER, -1.6, 4.4, 5.0, "phase_start")
    assert said(rules, moment(INTERVAL, 0, 130)) == Advice(Direction.HOLD, 0.0, 6.0, 5.0, "phase_start")
    faster = said(rules, moment(INTERVAL, 0, 130, speed_kmh=3.6))
    assert faster == Advice(Direction.FASTER, 2.4, 6.0, 5.0, "phase_start")
    unknown = said(rules, moment(INTERVAL, 0, 130, speed_kmh=None))
    assert unknown == Advice(Direction.NONE, None, 6.0, 5.0, "phase_start")
    assert said(rules, moment(MOTOR, 0, 130)) == Advice(reason="phase_start")


@pytest.mark.parametrize(
    ("phase", "direction"),
    [
        (INTERVAL, Direction.FASTER),
        (RECOVERY, Direction.SLOWER),
        (WARM_UP, Direction.NONE),
        (STEADY, Direction.NONE),
        (MOTOR, Direction.NONE),
    ],
)
def test_without_a_known_speed_only_the_direction_is_told(phase: Phase, direction: Direction) -> None:
    rules = rule_guidance(replace(PLAN, start=None))
    assert said(rules, moment(phase, 0, 130)) == Advice(direction, reason="phase_start")


def test_a_setting_that_may_not_be_given_yet_waits_until_it_may() -> None:
    start = moment(INTERVAL, 0, None, speed_kmh=3.6, increase_allowed=False)
    rules, advice = rule_guidance(PLAN).second(start)
    assert advice is not None
    rules, none = rules.second(moment(INTERVAL, 5, None, increase_allowed=False, quiet=True))
    assert none is None
    assert said(rules, moment(INTERVAL, 9, 140, quiet=True)) == advice


def test_it_is_silent_while_quiet_without_a_rate_and_early_in_the_warm_up() -> None:
    rules = begun(INTERVAL)
    assert said(rules, moment(INTERVAL, 100, 140, quiet=True)) is None
    assert said(rules, moment(INTERVAL, 100, None)) is None
    assert said(begun(WARM_UP), moment(WARM_UP, 179, 90)) is None
    assert said(begun(WARM_UP), moment(WARM_UP, 180, 90, speed_kmh=4.4)) is not None


def test_a_rate_on_its_way_to_the_zone_is_left_alone() -> None:
    """At 90 s 81 % of the rise has been reached: 160 now means 169.4 at the end, and 163 means 173."""
    rules = begun(INTERVAL)
    assert said(rules, moment(INTERVAL, 90, 163)) == Advice(Direction.HOLD, None, 6.0, 5.0, "on_the_way")
    below = said(rules, moment(INTERVAL, 90, 150))
    assert below is not None
    assert (below.direction, below.reason) == (Direction.FASTER, "below_zone")


def test_a_rate_heading_above_the_zone_is_slowed_in_small_steps() -> None:
    above = said(begun(INTERVAL), moment(INTERVAL, 120, 188))
    assert above == Advice(Direction.SLOWER, -0.6, 5.4, 5.0, "above_zone")


def test_a_small_wish_is_one_step_of_the_treadmill() -> None:
    """1.4 bpm too little is a fifth of a km/h; 0.3 bpm over the end is less than a step, and still one step."""
    below = said(begun(INTERVAL, 168), moment(INTERVAL, 239, 168))
    assert below is not None
    assert below.speed_change_kmh == 0.6
    coarse = begun(INTERVAL, plan=replace(PLAN, speed_step_kmh=1.0))
    step = said(coarse, moment(INTERVAL, 239, 167))
    assert step is not None
    assert (step.speed_change_kmh, step.speed_kmh) == (1.0, 7.0)
    slower = begun(RECOVERY, plan=replace(PLAN, speed_step_kmh=1.0))
    down = said(slower, moment(RECOVERY, 100, 141, low_bpm=135.0))
    assert down is not None
    assert (down.direction, down.speed_change_kmh) == (Direction.SLOWER, -1.0)


def test_the_same_direction_waits_until_a_change_can_show() -> None:
    rules, first = begun(INTERVAL).second(moment(INTERVAL, 100, 140))
    assert first is not None
    assert said(rules, moment(INTERVAL, 159, 150)) is None
    assert said(rules, moment(INTERVAL, 160, 150)) is not None


def test_hold_is_said_once() -> None:
    rules, first = begun(INTERVAL).second(moment(INTERVAL, 150, 175))
    assert first == Advice(Direction.HOLD, None, 6.0, 5.0, "in_zone")
    assert said(rules, moment(INTERVAL, 180, 176)) is None


def test_faster_is_not_even_wished_where_it_may_not_be_given() -> None:
    assert said(begun(INTERVAL), moment(INTERVAL, 120, 140, increase_allowed=False)) is None


def test_a_low_rate_in_recovery_urges_nobody() -> None:
    advice = said(begun(RECOVERY), moment(RECOVERY, 100, 100))
    assert advice is not None
    assert advice.direction is Direction.HOLD


def test_a_warm_up_never_reaches_the_speed_of_work() -> None:
    assert said(begun(WARM_UP), moment(WARM_UP, 200, 100, speed_kmh=5.8)) is None


def test_the_setting_asked_for_counts_as_followed_where_no_treadmill_tells() -> None:
    rules = rule_guidance(PLAN).second(moment(INTERVAL, 0, 130, speed_kmh=None))[0]
    advice = said(rules, moment(INTERVAL, 120, 140, speed_kmh=None))
    assert advice is not None
    assert advice.speed_kmh == 6.6


def test_without_a_zone_advice_goes_by_feeling() -> None:
    advice = said(begun(INTERVAL), moment(INTERVAL, 120, 140, low_bpm=None, high_bpm=None))
    assert advice == Advice(Direction.HOLD, None, 6.0, 5.0, "by_feeling")


def third_minute(bpm: float) -> float | None:
    """The work speed of the next interval after a third minute at this rate, with nothing said in between."""
    rules = begun(INTERVAL)
    for second in range(1, 240):
        rules = rules.second(moment(INTERVAL, second, bpm, quiet=True))[0]
    advice = said(rules, moment(INTERVAL, 0, 130))
    return None if advice is None else advice.speed_kmh


@pytest.mark.parametrize(("bpm", "speed_kmh"), [(171, 6.0), (188, 6.0), (160, 6.6), (195, 5.4), (168, 6.2)])
def test_the_third_minute_rule(bpm: float, speed_kmh: float) -> None:
    """The same load again where the third minute lay in the zone (rusfeltet.no)."""
    assert third_minute(bpm) == speed_kmh


@pytest.mark.parametrize(("borg", "speed_kmh"), [(13, 6.4), (16, 6.0), (19, 5.6)])
def test_without_a_zone_borg_sets_the_next_load(borg: int, speed_kmh: float) -> None:
    by_feeling = {"low_bpm": None, "high_bpm": None}
    rules = rule_guidance(PLAN).second(moment(INTERVAL, 0, None, **by_feeling))[0]
    rules = rules.second(moment(INTERVAL, 200, None, borg=borg, **by_feeling))[0]
    assert rules.work_speed_kmh == speed_kmh


def test_borg_without_a_range_in_the_phase_is_held_against_16_to_18() -> None:
    plain = Phase(PhaseKind.INTERVAL, 240, interval=1)
    rules = begun(plain).second(moment(plain, 200, None, borg=15))[0]
    assert rules.work_speed_kmh == 6.4


def test_a_speed_that_the_participant_found_becomes_the_work_speed() -> None:
    rules = begun(INTERVAL, plan=replace(PLAN, start=None))
    rules = rules.second(moment(INTERVAL, 50, 150, speed_kmh=7.2, incline_percent=3.0, quiet=True))[0]
    assert rules.response == {"kind": "rule", "work_speed_kmh": 7.2, "incline_percent": 3.0}


def test_what_was_learned_comes_before_the_plans_start() -> None:
    learned = {"kind": "rule", "work_speed_kmh": 7.4, "incline_percent": 4.0}
    rules = rule_guidance(replace(PLAN, response=learned))
    assert (rules.work_speed_kmh, rules.incline_percent, rules.prediction) == (7.4, 4.0, None)
    other = rule_guidance(replace(PLAN, response={"kind": "other"}, start=Load(5.0, 1.0)))
    assert (other.work_speed_kmh, other.incline_percent) == (5.0, 1.0)


def test_speeds_stay_within_the_treadmill() -> None:
    rules = rule_guidance(replace(PLAN, max_speed_kmh=6.0))
    advice = said(rules.second(moment(INTERVAL, 0, 120))[0], moment(INTERVAL, 120, 140))
    assert advice is not None
    assert advice.speed_kmh == 6.0


def test_some_guidance_leads_where_nobody_asks_for_another() -> None:
    session = LedSession(guidance=default_guidance).live_until(60).live_until(120, 160)
    assert session.seen.advice.reason != "none"
