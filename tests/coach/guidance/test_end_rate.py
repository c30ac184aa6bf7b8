"""The forecast of an interval's end by the rate alone."""

from math import exp

import pytest

from coach.guidance.end_rate import EndRateForecast


def rate(second: float, from_bpm: float, rise_bpm: float, tau_s: float) -> float:
    """Return the rate of a bout that begins four seconds late."""
    return from_bpm + rise_bpm * (1 - exp(-max(second - 4, 0) / tau_s))


def bout(forecast: EndRateForecast, until_s: int, shape: tuple[float, float, float]) -> EndRateForecast:
    """Return the forecast after the bout's readings up to a second."""
    for start_s in range(0, until_s, 5):
        forecast = forecast.with_reading(start_s + 2.5, rate(start_s + 2.5, *shape))
    return forecast


SHAPES = [(100.0, 60.0, 35.0), (120.0, 45.0, 50.0), (90.0, 75.0, 25.0), (130.0, 30.0, 60.0)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_end_is_foretold_better_the_nearer_it_is(shape: tuple[float, float, float]) -> None:
    off, wide = [], []
    for second in (60, 90, 120, 180):
        told = bout(EndRateForecast(), second, shape).foretell(240.0)
        assert told is not None
        off.append(abs(told[0] - rate(240.0, *shape)))
        wide.append(told[1])
        assert off[-1] <= 1.9 * wide[-1]
    assert wide == sorted(wide, reverse=True)
    assert off[-1] < 3.0


def test_nothing_is_foretold_by_less_than_a_minute() -> None:
    assert bout(EndRateForecast(), 55, SHAPES[0]).foretell(240.0) is None
    assert bout(EndRateForecast(), 55, SHAPES[0]).after_bout() == EndRateForecast()


def test_earlier_bouts_of_the_session_make_the_forecast_surer() -> None:
    shape = SHAPES[1]
    later = EndRateForecast()
    for _ in range(2):
        later = bout(later, 240, shape).after_bout()
    first, third = (bout(start, 60, shape).foretell(240.0) for start in (EndRateForecast(), later))
    assert first is not None
    assert third is not None
    assert third[1] < first[1]
    assert abs(third[0] - rate(240.0, *shape)) <= abs(first[0] - rate(240.0, *shape))
