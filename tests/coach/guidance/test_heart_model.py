"""The belief and its forecast by themselves."""

import numpy as np

from coach.guidance.advice_policy import Setting, SpeedRange
from coach.guidance.forecast import cloud
from coach.guidance.heart_model import GAIN, REST, soft_limit, unbent
from coach.guidance.perceived_exertion import expected_borg, fraction_for_borg
from coach.guidance.priors import first_bank, hr_max_log_prior, hypotheses
from coach.guidance.treadmill_load import demand, demands, loads, speed_for
from coach.guidance.unknown_load import FOLLOWED, IGNORED, branch_weights, merge_hypotheses, split_hypotheses
from coach.model.plan import Load, Plan

PLAN = Plan(participant="p", hr_max_bpm=190.0, hr_max_source="measured", age=35, start=Load(6.0, 5.0))
FORMULA = Plan(participant="p", hr_max_bpm=189.0, hr_max_source="formula", age=35, start=Load(6.0, 5.0))


def one(speed: float, branches: int = 1) -> np.ndarray:
    return np.array([demands(speed, 5.0)] * branches)


def test_demand_is_acsm_walking_and_running() -> None:
    assert demand(6.0, 5.0) == 0.1 * 100 + 1.8 * 5
    assert round(demand(9.0, 0.0), 3) == 30.0
    assert round(speed_for(19.0, 5.0), 1) == 6.0


def test_a_hard_change_of_gait_is_a_hypothesis_of_its_own() -> None:
    by_gait = [load for load, _ in demands(7.2, 5.0)]
    assert by_gait[1] == by_gait[2] > by_gait[0] > by_gait[3] == by_gait[4]


def test_the_soft_limit_never_passes_the_reserve_and_can_be_undone() -> None:
    wanted = np.linspace(0, 300, 31)
    reserve, bends = np.full(31, 100.0), np.full(31, 0.5)
    steady = soft_limit(wanted, reserve, bends)[0]
    assert (np.diff(steady) >= 0).all()
    assert steady.max() <= 100.0
    assert np.allclose(unbent(steady[:9] / 100, bends[:9]) * 100, wanted[:9])


def test_a_formula_leaves_room_for_hearts_that_do_not_reach_it() -> None:
    def under(plan: Plan) -> float:
        weight = np.exp(hr_max_log_prior(plan))
        return float(weight[hypotheses(plan) < 0.9 * (plan.hr_max_bpm or 0)].sum() / weight.sum())

    assert under(FORMULA) > 0.3
    assert under(PLAN) < 0.05


def test_readings_draw_the_belief_to_the_person_and_make_it_surer() -> None:
    bank = first_bank(PLAN, PLAN.start, None)
    before = bank.average(np.sqrt(bank.cov[:, REST, REST]))
    for _ in range(40):
        bank, _ = bank.predict(one(0.0)).update(62.0)
    assert abs(bank.average(bank.rate_bpm) - 62.0) < 2.0
    assert bank.average(np.sqrt(bank.cov[:, REST, REST])) < before


def test_a_single_mad_reading_teaches_little() -> None:
    bank = first_bank(PLAN, PLAN.start, None)
    for _ in range(20):
        bank, _ = bank.predict(one(0.0)).update(70.0)
    shocked, surprise = bank.predict(one(0.0)).update(170.0)
    assert abs(surprise) >= 2.5
    assert abs(shocked.average(shocked.rate_bpm) - 70.0) < 8.0


def test_the_forecast_of_a_harder_load_is_higher_and_less_sure() -> None:
    bank = first_bank(PLAN, PLAN.start, None)
    for _ in range(40):
        bank, _ = bank.predict(one(3.0)).update(100.0)
    rates = cloud(bank).ahead(loads([(4.0, 5.0), (6.0, 5.0)]), np.array([60.0, 240.0]), 3.0)
    assert (np.diff(rates.mean(axis=0)[:, 1]) > 0).all()
    assert rates[:, 2, 1].std() > rates[:, 0, 1].std()


def test_without_a_speed_the_rate_tells_whether_an_advice_was_followed() -> None:
    bank = first_bank(PLAN, PLAN.start, None)
    for _ in range(30):
        bank, _ = bank.predict(one(3.0)).update(98.0)
    bank = split_hypotheses(bank, 3.0)
    branches = np.concatenate((one(6.0), one(3.0)))
    for _ in range(14):
        bank, _ = bank.predict(branches).update(98.0)
    weights = branch_weights(bank, 2)
    assert weights[IGNORED] > 0.8 > weights[FOLLOWED]
    single, best = merge_hypotheses(bank, 2)
    assert best == IGNORED
    assert len(single.log_weight) == len(bank.log_weight) // 2


def test_borg_and_fraction_are_each_others_inverse() -> None:
    assert [round(float(expected_borg(np.array(fraction_for_borg(borg)))), 6) for borg in (12, 15, 17, 19)] == [
        12,
        15,
        17,
        19,
    ]


def test_the_treadmill_asks_in_whole_steps_and_walks_flat_where_uphill_is_too_slow() -> None:
    treadmill = SpeedRange(0.2, 12.0, most_demand=25.0)
    assert treadmill.setting_for(19.0, 5.0) == Setting(6.0, 5.0)
    assert treadmill.setting_for(4.0, 5.0) == Setting(2.4, 0.0)
    assert max(demand(s.speed_kmh, s.incline_percent) for s in treadmill.around(Setting(7.0, 5.0))) <= 25.0


def test_the_bank_knows_gain_apart_from_rest() -> None:
    bank = first_bank(PLAN, PLAN.start, None)
    assert bank.average(np.sqrt(bank.cov[:, GAIN, GAIN])) > 0.1
