"""Speeds in a treadmill's whole steps."""

import pytest

from coach.model.plan import rounded_kmh


@pytest.mark.parametrize(
    ("speed", "step", "slowest", "fastest", "rounded"),
    [
        (1.0, 0.2, 2.0, 20.0, 2.0),
        (1.0, 0.3, 2.0, 20.0, 2.1),
        (30.0, 0.3, 2.0, 20.0, 19.8),
        (5.44, 0.2, 2.0, 20.0, 5.4),
        (5.0, 1.0, 2.2, 2.8, 2.2),
    ],
)
def test_a_speed_is_rounded_to_steps_between_the_slowest_and_the_fastest(
    speed: float, step: float, slowest: float, fastest: float, rounded: float
) -> None:
    assert rounded_kmh(speed, step, slowest, fastest) == rounded
