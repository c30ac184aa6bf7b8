import numpy as np
import pytest

from coach.model.plan import formula_hr_max_bpm
from firmware.simulation.heart import (
    KINDS,
    Body,
    DayForm,
    Kind,
    Model,
    Population,
    borg_for,
    draw_day,
    oxygen_uptake,
    plan_for,
    speed_for,
)

MODELS: tuple[Model, ...] = ("first_order", "two_component")


def test_oxygen_uptake_is_acsms_for_walking_and_running() -> None:
    assert oxygen_uptake(0, 0) == 3.5
    assert oxygen_uptake(6.0, 5) == pytest.approx(3.5 + 0.1 * 100 + 1.8 * 100 * 0.05)
    assert oxygen_uptake(12.0, 5) == pytest.approx(3.5 + 0.2 * 200 + 0.9 * 200 * 0.05)


def test_oxygen_uptake_never_falls_when_the_belt_goes_faster() -> None:
    uptakes = [oxygen_uptake(kmh / 10, 5) for kmh in range(200)]
    assert uptakes == sorted(uptakes)


@pytest.mark.parametrize("incline", [0.0, 5.0, 12.0])
def test_speed_for_undoes_oxygen_uptake(incline: float) -> None:
    assert speed_for(oxygen_uptake(6.7, incline), incline) == pytest.approx(6.7, abs=1e-3)


@pytest.mark.parametrize("model", MODELS)
def test_the_same_seed_gives_the_same_heart(model: Model) -> None:
    def course(seed: int) -> list[float]:
        rng = np.random.default_rng(seed)
        body = Body(Population().draw(rng), draw_day(rng), rng, model=model)
        return [body.second(5.0, 5.0) for _ in range(300)]

    assert course(4) == course(4)
    assert course(4) != course(5)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_heart_beats_faster_than_its_true_maximum_however_hard_the_work(kind: Kind, model: Model) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        person = Population().draw(rng, kind)
        body = Body(person, draw_day(rng), rng, model=model)
        rates = [body.second(20.0, 15.0) for _ in range(900)]
        assert max(rates) <= person.hr_max_bpm
        assert min(rates) > 30
        assert rates[-1] > 0.9 * person.hr_max_bpm


@pytest.mark.parametrize("model", MODELS)
def test_a_steady_load_ends_at_the_steady_rate_plus_drift(model: Model) -> None:
    rng = np.random.default_rng(7)
    body = Body(Population().draw(rng), DayForm(), rng, model=model)
    expected = body.steady_bpm(4.0, 2.0)
    for _ in range(900):
        body.second(4.0, 2.0)
    assert body.rate_bpm == pytest.approx(expected, abs=6)


def test_the_rate_begins_to_fall_later_than_it_begins_to_rise() -> None:
    rng = np.random.default_rng(2)
    person = Population().draw(rng)
    body = Body(person, DayForm(), rng)
    rising = falling = 0
    while body.rate_bpm - body.steady_bpm(0, 0) < 0.5:
        body.second(6.0, 5.0)
        rising += 1
    for _ in range(600):
        body.second(6.0, 5.0)
    top = body.rate_bpm
    while body.rate_bpm > top - 0.5:
        body.second(0.0, 0.0)
        falling += 1
    assert falling > rising
    assert falling >= person.dead_down_s


def test_holding_the_handrail_lowers_the_rate() -> None:
    rng = np.random.default_rng(3)
    body = Body(Population().draw(rng), DayForm(), rng)
    free, held = body.steady_bpm(5.0, 5.0), body.steady_bpm(5.0, 5.0, handrail=True)
    rest = body.steady_bpm(0, 0)
    assert held - rest == pytest.approx(0.8 * (free - rest), rel=0.05)


def test_each_equal_interval_ends_higher_than_the_one_before() -> None:
    rises = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        person = Population("addiction").draw(rng)
        body = Body(person, DayForm(), rng)
        wanted = body.steady_bpm(0, 0) + 0.75 * (person.hr_max_bpm - body.steady_bpm(0, 0))
        speed = next(kmh / 10 for kmh in range(10, 250) if body.steady_bpm(kmh / 10, 5) > wanted)
        ends = []
        for _ in range(4):
            for _ in range(240):
                body.second(speed, 5.0)
            ends.append(body.rate_bpm)
            for _ in range(180):
                body.second(speed / 2, 5.0)
        rises += list(np.diff(ends))
    assert 1.5 <= float(np.mean(rises)) <= 4.5


def test_each_kind_is_what_its_name_says() -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        chronotropic = Population().draw(rng, "chronotropic")
        reached = chronotropic.hr_max_bpm / formula_hr_max_bpm(chronotropic.age)
        assert 0.70 <= reached <= 0.85
        wrong = Population().draw(rng, "wrong_hr_max")
        assert abs(abs((plan_for(wrong, rng).hr_max_bpm or 0) - wrong.hr_max_bpm) - 12) <= 0.5
    blocked = [Population().draw(np.random.default_rng(seed), "beta_blocked") for seed in range(200)]
    expected = np.mean([formula_hr_max_bpm(person.age, beta_blocked=True) for person in blocked])
    assert np.mean([person.hr_max_bpm for person in blocked]) == pytest.approx(expected, abs=2.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_is_one_that_a_session_may_begin_from(kind: Kind) -> None:
    for seed in range(50):
        rng = np.random.default_rng(seed)
        plan = plan_for(Population().draw(rng, kind), rng)
        assert plan.start is not None
        assert 2.5 <= plan.start.speed_kmh <= 14
        assert plan.hr_max_source == ("formula" if kind == "chronotropic" else "measured")


@pytest.mark.parametrize(("fraction", "borg"), [(0.70, 12), (0.85, 15), (0.93, 17), (0.99, 19)])
def test_exertion_follows_the_table(fraction: float, borg: float) -> None:
    assert borg_for(fraction * 190, 190) == pytest.approx(borg)
