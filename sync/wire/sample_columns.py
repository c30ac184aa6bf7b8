"""A session's samples in columns, as they go over the wire, and opened out again into rows."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from coach.model.events import (
    SPEED_DOUBTED,
    Advice,
    AdviceGiven,
    AnyEvent,
    NoticeRaised,
    Predicted,
    Signal,
    SignalChanged,
    TreadmillChanged,
)
from coach.model.messages import AnyMessage, HeartRate
from sync.errors import WireError
from sync.wire.messages import AdviceNow, Foretold, Samples

RATE_HELD_S = 1.5
"""A row stands for so long; where the next rate comes later, a row is put in for each second between."""

RR_PER_S = 1024
_Value = TypeVar("_Value")


class SampleRow(Struct, frozen=True, kw_only=True):
    """One row of samples, opened out again: what was known `t` seconds into the session."""

    t: float
    rate_bpm: float | None
    rr_ms: tuple[float, ...]
    contact: bool | None
    signal: Signal
    speed_kmh: float | None
    incline_percent: float | None
    advice: AdviceNow
    prediction: Foretold | None


def rows(samples: Samples) -> Iterator[SampleRow]:
    """Yield the rows of columns. Raises WireError where the columns have not the same length."""
    count = len(samples.step_ms)
    columns = [
        _opened(runs, count)
        for runs in (
            samples.contact,
            samples.signal,
            samples.speed_kmh,
            samples.incline_percent,
            samples.advice,
            samples.prediction or ((count, None),),
        )
    ]
    if (
        len(samples.rate_bpm) != count
        or len(samples.rr_count) != count
        or sum(samples.rr_count) != len(samples.rr_1024)
    ):
        raise WireError("The columns of the samples have not the same length.")
    t_ms, beat = 0, 0
    for place in range(count):
        t_ms += samples.step_ms[place]
        beats = samples.rr_count[place]
        contact, signal, speed, incline, advice, prediction = (column[place] for column in columns)
        yield SampleRow(
            t=t_ms / 1000,
            rate_bpm=samples.rate_bpm[place],
            rr_ms=tuple(rr * 1000 / RR_PER_S for rr in samples.rr_1024[beat : beat + beats]),
            contact=contact,
            signal=signal,
            speed_kmh=speed,
            incline_percent=incline,
            advice=advice,
            prediction=prediction,
        )
        beat += beats


def samples_of(messages: Sequence[AnyMessage], events: Sequence[AnyEvent]) -> Samples:
    """Lay a session out in rows and columns."""
    rated = list(_rated(messages))
    times = [t for t, _ in rated]
    signal = _changes(events, lambda e: e.signal if isinstance(e, SignalChanged) else None)
    # From a doubt on, the treadmill's speed is not known.
    speed = [
        (event.t, event.speed_kmh if isinstance(event, TreadmillChanged) else None)
        for event in events
        if isinstance(event, TreadmillChanged) or (isinstance(event, NoticeRaised) and event.code == SPEED_DOUBTED)
    ]
    incline = _changes(events, lambda e: e.incline_percent if isinstance(e, TreadmillChanged) else None)
    advice = _changes(events, lambda e: advice_now(e.advice) if isinstance(e, AdviceGiven) else None)
    told = [(event.t, _foretold(event)) for event in events if isinstance(event, Predicted)]
    steps, before_ms = [], 0
    for t in times:
        steps.append(round(t * 1000) - before_ms)
        before_ms = round(t * 1000)
    return Samples(
        step_ms=tuple(steps),
        rate_bpm=tuple(_rate(rate) for _, rate in rated),
        rr_count=tuple(0 if rate is None else len(rate.rr_ms) for _, rate in rated),
        rr_1024=tuple(round(rr * RR_PER_S / 1000) for _, rate in rated if rate is not None for rr in rate.rr_ms),
        contact=_runs([None if rate is None else rate.contact for _, rate in rated]),
        signal=_runs(_held(signal, times, Signal.LOST)),
        speed_kmh=_runs(_held(speed, times, None)),
        incline_percent=_runs(_held(incline, times, None)),
        advice=_runs(_held(advice, times, AdviceNow())),
        prediction=_runs(_held(told, times, None)) if told else (),
    )


def advice_now(advice: Advice) -> AdviceNow:
    """Return an advice as it goes over the wire."""
    return AdviceNow(advice.direction, advice.speed_kmh, advice.incline_percent, advice.reason)


def _foretold(event: Predicted) -> Foretold | None:
    if event.end_bpm is None or event.end_low_bpm is None or event.end_high_bpm is None:
        return None
    return Foretold(event.third_minute_bpm, event.end_bpm, event.end_low_bpm, event.end_high_bpm)


def _rated(messages: Sequence[AnyMessage]) -> Iterator[tuple[float, HeartRate | None]]:
    """Yield the times of all rows, with the strap's notification where there was one."""
    t = 0.0
    for message in messages:
        while message.t - t > RATE_HELD_S:
            t += 1.0
            yield t, None
        if isinstance(message, HeartRate):
            t = message.t
            yield t, message


def _rate(rate: HeartRate | None) -> int | float | None:
    if rate is None or rate.bpm <= 0:
        return None
    return int(rate.bpm) if rate.bpm == int(rate.bpm) else rate.bpm


def _changes(events: Sequence[AnyEvent], of: Callable[[AnyEvent], _Value | None]) -> list[tuple[float, _Value]]:
    return [(event.t, value) for event in events if (value := of(event)) is not None]


def _held(changes: Sequence[tuple[float, _Value]], times: Sequence[float], before: _Value | None) -> list[Any]:
    """Return what holds at each time: the last change at or before it."""
    at = [t for t, _ in changes]
    return [changes[place - 1][1] if (place := bisect_right(at, t)) else before for t in times]


def _runs(values: Sequence[Any]) -> tuple[tuple[int, Any], ...]:
    runs: list[tuple[int, Any]] = []
    for value in values:
        if runs and runs[-1][1] == value:
            runs[-1] = (runs[-1][0] + 1, value)
        else:
            runs.append((1, value))
    return tuple(runs)


def _opened(runs: Sequence[tuple[int, Any]], count: int) -> list[Any]:
    if any(number < 0 for number, _ in runs) or sum(number for number, _ in runs) != count:
        raise WireError("The columns of the samples have not the same length.")
    return [value for number, value in runs for _ in range(number)]
