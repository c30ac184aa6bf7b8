"""What a load and a rate say about fitness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.diary.course.fitness import HUNT_AGES, FitnessAge, Sex, average_vo2_max, fitness_age, vo2_at, vo2_max


def test_uptake_follows_acsm() -> None:
    assert vo2_at(4.8, 5.0) == pytest.approx(3.5 + 0.1 * 80 + 1.8 * 80 * 0.05)
    assert vo2_at(9.0, 5.0) == pytest.approx(3.5 + 0.2 * 150 + 0.9 * 150 * 0.05)


def test_an_estimate_is_the_uptake_divided_by_its_share_of_the_greatest() -> None:
    assert vo2_max(4.8, 5.0, 0.85) == pytest.approx(18.7 / 0.75)


@pytest.mark.parametrize(
    ("speed", "fraction"), [(None, 0.85), (6.0, None), (2.0, 0.85), (6.0, 0.6), (6.0, 1.05), (6.0, float("nan"))]
)
def test_without_a_load_or_a_rate_that_allow_it_there_is_none(speed: float | None, fraction: float | None) -> None:
    assert vo2_max(speed, 5.0, fraction) is None


def test_the_average_of_a_decade_is_that_decades_middle() -> None:
    assert [fitness_age(mean, "f").years for mean in (43, 40, 38, 34, 31, 27)] == list(HUNT_AGES)
    assert fitness_age(48.0, "m") == FitnessAge(40.0)


def test_beyond_the_table_it_says_so() -> None:
    assert fitness_age(60.0, "m") == FitnessAge(25.0, "younger")
    assert fitness_age(20.0, "f") == FitnessAge(75.0, "older")


@given(sex=st.sampled_from(["f", "m"]), age=st.floats(25, 75))
def test_the_age_of_an_ages_average_is_that_age(sex: Sex, age: float) -> None:
    assert fitness_age(average_vo2_max(age, sex), sex).years == pytest.approx(age, abs=1e-6)
