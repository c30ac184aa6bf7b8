"""A session along its time axis, in columns that a browser draws at once: rate, forecast, setting, advice, phases.

Times in s since the session began, to a tenth; rates in bpm, speeds in km/h, inclines in percent. What holds for long
is told as runs: `[from, what]`.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from coach.model.events import (
    AnyEvent,
    PhaseEnded,
    PhaseStarted,
    SessionEnded,
    Signal,
    TargetAdjusted,
)
from coach.model.plan import Plan
from coach.model.protocol import PhaseKind, Protocol, Zone
from sync.export import timeline
from sync.export.timeline import planned_phase
from sync.wire.messages import SessionDelivery
from sync.wire.sample_columns import SampleRow, rows

SHOWN = (Signal.LIVE, Signal.WEAK, Signal.IMPLAUSIBLE)
"""In these states a rate came; a silent strap's old one is not drawn as if it held (hazard H2)."""


class TracePhase(Struct, frozen=True):
    """A phase as it ran, with the zone that was planned for it, where it is steered by one."""

    kind: PhaseKind
    interval: int
    start_s: float
    end_s: float
    zone: Zone | None = None


class Band(Struct, frozen=True):
    """A target zone for a while; lowered where a therapist or the coach lowered it."""

    start_s: float
    end_s: float
    low_bpm: float
    high_bpm: float


class SessionTrace(Struct, frozen=True, kw_only=True):
    """All that the picture of a session is made of. `doubtful`: 1 where the rate was not believed."""

    length_s: float
    t: tuple[float, ...]
    rate_bpm: tuple[float | None, ...]
    doubtful: tuple[int, ...]
    expected_bpm: tuple[float | None, ...]
    speed_kmh: tuple[tuple[float, float | None], ...]
    incline_percent: tuple[tuple[float, float | None], ...]
    advice: tuple[tuple[float, str, str, float | None, float | None], ...]
    signal: tuple[tuple[float, Signal], ...]
    phases: tuple[TracePhase, ...]
    bands: tuple[Band, ...]
    pauses: tuple[tuple[float, float], ...]
    ceiling_bpm: float | None
    hr_max_bpm: float | None


def trace_of(delivery: SessionDelivery) -> SessionTrace:
    """Lay a session out. Raises WireError where its columns have not the same length."""
    opened = list(rows(delivery.samples))
    ended_s = next((event.t for event in reversed(delivery.events) if isinstance(event, SessionEnded)), None)
    length_s = ended_s if ended_s is not None else max([0.0, *(row.t for row in opened[-1:])])
    phases = phases_of(delivery.events, delivery.protocol, delivery.plan, length_s)
    return SessionTrace(
        length_s=max(length_s, opened[-1].t if opened else 0.0),
        t=tuple(round(row.t, 1) for row in opened),
        rate_bpm=tuple(row.rate_bpm if row.signal in SHOWN else None for row in opened),
        doubtful=tuple(int(row.signal is Signal.IMPLAUSIBLE) for row in opened),
        expected_bpm=tuple(_expected(opened)),
        speed_kmh=_runs((row.t, row.speed_kmh) for row in opened),
        incline_percent=_runs((row.t, row.incline_percent) for row in opened),
        advice=tuple(
            (at, told.direction.value, told.reason, told.speed_kmh, told.incline_percent)
            for at, told in _runs((row.t, row.advice) for row in opened)
        ),
        signal=_runs((row.t, row.signal) for row in opened),
        phases=phases,
        bands=tuple(bands_of(delivery.events, phases, delivery.plan.hr_max_bpm)),
        pauses=tuple(pauses_of(delivery.events, length_s)),
        ceiling_bpm=delivery.plan.effective_ceiling_bpm,
        hr_max_bpm=delivery.plan.hr_max_bpm,
    )


def phases_of(events: Sequence[AnyEvent], protocol: Protocol, plan: Plan, length_s: float) -> tuple[TracePhase, ...]:
    """Return the phases that ran."""
    ends_s = {event.index: event.t for event in events if isinstance(event, PhaseEnded)}
    starts = [event for event in events if isinstance(event, PhaseStarted)]
    spans = []
    for event, following in zip(starts, [*starts[1:], None], strict=False):
        end_s = ends_s.get(event.index, length_s if following is None else following.t)
        planned = planned_phase(protocol, event)
        zone = None if planned is None or plan.mode == "exertion" else planned.zone
        spans.append(TracePhase(event.kind, event.interval, event.t, end_s, zone))
    return tuple(spans)


def bands_of(events: Sequence[AnyEvent], phases: Sequence[TracePhase], hr_max_bpm: float | None) -> Iterator[Band]:
    """Yield the zones, each cut where it was lowered or taken back up."""
    changes = [(event.t, event.lowered_fraction) for event in events if isinstance(event, TargetAdjusted)]
    for phase in phases:
        if phase.zone is None or hr_max_bpm is None:
            continue
        inside = [t for t, _ in changes if phase.start_s < t < phase.end_s]
        for start_s, end_s in pairwise([phase.start_s, *inside, phase.end_s]):
            lowered_fraction = next((by for t, by in reversed(changes) if t <= start_s), 0.0)
            yield Band(start_s, end_s, *phase.zone.bounds_bpm(hr_max_bpm, lowered_fraction))


def pauses_of(events: Sequence[AnyEvent], length_s: float) -> Iterator[tuple[float, float]]:
    """When the session's clock stood still."""
    for one in timeline.pauses_of(events, length_s):
        yield one.start_s, one.end_s


def _expected(opened: Sequence[SampleRow]) -> Iterator[float | None]:
    for row in opened:
        yield None if row.prediction is None else round(row.prediction.end_bpm, 1)


def _runs(values: Iterable[tuple[float, object]]) -> tuple:  # type: ignore[type-arg] # its callers' fields say what is in it
    told: list[tuple[float, object]] = []
    for t, value in values:
        if not told or told[-1][1] != value:
            told.append((round(t, 1), value))
    return tuple(told)
