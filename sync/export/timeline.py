"""A session along its time axis: phases, rates, signal, treadmill and pauses, and the same second by second.

Every export and the plot are made from this, at the machine and on the server, so that they tell the same story. The
machine lays a track out from its journal (`firmware.journal.timeline`), the server from the delivery.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TypeVar

from msgspec import Struct

from coach.model.events import (
    SPEED_DOUBTED,
    AdviceGiven,
    AnyEvent,
    Direction,
    NoticeRaised,
    PhaseEnded,
    PhaseStarted,
    SessionEnded,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    Signal,
    SignalChanged,
    TreadmillChanged,
)
from coach.model.plan import Plan
from coach.model.protocol import BorgRange, Phase, PhaseKind, Protocol
from sync.wire.messages import SessionDelivery
from sync.wire.sample_columns import rows

RATE_HELD_S = 2.0
"""A rate stands for at most so long after it came; then the second has none."""

BELIEVED = (Signal.LIVE, Signal.WEAK)
"""What the source must be for its rate to count (as `coach.session.signal_quality.HeartRateSource.usable_bpm`)."""

Value = TypeVar("Value")


class PhaseSpan(Struct, frozen=True):
    """A phase as it ran, in seconds since the session began; its zone in bpm or on Borg's scale, where it has one."""

    kind: PhaseKind
    interval: int
    start_s: float
    end_s: float
    low_bpm: float | None = None
    high_bpm: float | None = None
    borg: BorgRange | None = None


class Rate(Struct, frozen=True):
    """One notification of the strap: bpm as sent (None where it had no rate) and the intervals between beats in ms."""

    t: float
    bpm: float | None
    rr_ms: tuple[float, ...] = ()


class Change(Struct, frozen=True):
    """From `t` on: the source's state, the treadmill's setting or the advice; what did not change is None."""

    t: float
    signal: Signal | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    advice: Direction | None = None


class Span(Struct, frozen=True):
    """From when to when, in seconds since the session began."""

    start_s: float
    end_s: float


class Track(Struct, frozen=True, kw_only=True):
    """The whole session. `pauses` are part of `length_s`: the axis is time since the session began."""

    length_s: float
    phases: tuple[PhaseSpan, ...]
    rates: tuple[Rate, ...]
    signals: tuple[Change, ...] = ()
    settings: tuple[Change, ...] = ()
    advice: tuple[Change, ...] = ()
    pauses: tuple[Span, ...] = ()


class TimelineSecond(Struct, frozen=True, kw_only=True):
    """One second of the session: what was known at `t_s`.

    `hr_bpm`: as the strap sent it. `believed_bpm`: the rate that the engine counted then; None where it believed none.
    """

    t_s: int
    hr_bpm: float | None
    believed_bpm: float | None
    rr_ms: tuple[float, ...]
    signal: Signal
    phase: PhaseSpan | None
    speed_kmh: float | None
    incline_percent: float | None
    advice: Direction
    paused: bool


def laid_out(
    rates: tuple[Rate, ...], events: Sequence[AnyEvent], protocol: Protocol, plan: Plan, last_s: float
) -> Track:
    """Lay a session out along its time axis. `last_s`: its end where no event tells one."""
    # The last one: after a stop a session may go on, or cool down.
    length_s = next((event.t for event in reversed(events) if isinstance(event, SessionEnded)), last_s)
    return Track(
        length_s=length_s,
        phases=_phases(events, protocol, plan, length_s),
        rates=rates,
        signals=tuple(Change(event.t, signal=event.signal) for event in events if isinstance(event, SignalChanged)),
        settings=tuple(_settings(events)),
        advice=tuple(
            Change(event.t, advice=event.advice.direction) for event in events if isinstance(event, AdviceGiven)
        ),
        pauses=pauses_of(events, length_s),
    )


def started_s(events: Sequence[AnyEvent]) -> float:
    """Return when a session was started, on the axis of its messages and events, in seconds.

    That axis begins where somebody was chosen; the summary's times begin at the start, often a minute later.
    """
    return next((event.t for event in events if isinstance(event, SessionStarted)), 0.0)


def _settings(events: Sequence[AnyEvent]) -> Iterator[Change]:
    """Yield the treadmill's settings that were believed: from a doubt on its speed is not known."""
    incline_percent: float | None = None
    for event in events:
        if isinstance(event, TreadmillChanged):
            incline_percent = event.incline_percent
            yield Change(event.t, speed_kmh=event.speed_kmh, incline_percent=incline_percent)
        elif isinstance(event, NoticeRaised) and event.code == SPEED_DOUBTED:
            yield Change(event.t, incline_percent=incline_percent)


def track_of(delivery: SessionDelivery) -> Track:
    """Return a delivered session along its time axis. Raises WireError where its columns have not the same length.

    A row without rate, beats and contact stands for a second in which the strap sent nothing.
    """
    opened = list(rows(delivery.samples))
    rates = tuple(
        Rate(row.t, row.rate_bpm, row.rr_ms)
        for row in opened
        if row.rate_bpm is not None or row.rr_ms or row.contact is not None
    )
    last_s = max([0.0, *(row.t for row in opened[-1:]), *(event.t for event in delivery.events)])
    return laid_out(rates, delivery.events, delivery.protocol, delivery.plan, last_s)


def seconds_of(track: Track) -> Iterator[TimelineSecond]:
    """Give the session second by second, from 0 to its last whole second."""
    rate_times = [rate.t for rate in track.rates]
    for t_s in range(int(track.length_s) + 1):
        newest = bisect_right(rate_times, t_s) - 1
        rate = track.rates[newest] if newest >= 0 and t_s - rate_times[newest] < RATE_HELD_S else None
        setting = _at(track.settings, t_s)
        change, advice = _at(track.signals, t_s), _at(track.advice, t_s)
        signal = Signal.LOST if change is None or change.signal is None else change.signal
        # The engine holds a rate for as long as it calls the source live or weak.
        believed = track.rates[newest].bpm if newest >= 0 and signal in BELIEVED else None
        first_of_second = bisect_right(rate_times, t_s - 1)
        yield TimelineSecond(
            t_s=t_s,
            hr_bpm=None if rate is None else rate.bpm,
            rr_ms=tuple(rr for rate in track.rates[first_of_second : newest + 1] for rr in rate.rr_ms),
            believed_bpm=believed,
            signal=signal,
            phase=next((phase for phase in track.phases if phase.start_s <= t_s < phase.end_s), None),
            speed_kmh=None if setting is None else setting.speed_kmh,
            incline_percent=None if setting is None else setting.incline_percent,
            advice=Direction.NONE if advice is None or advice.advice is None else advice.advice,
            paused=any(pause.start_s <= t_s < pause.end_s for pause in track.pauses),
        )


def paused_s(track: Track, start_s: float, end_s: float) -> float:
    """How long the session stood still between two of its seconds."""
    return sum(max(0.0, min(end_s, pause.end_s) - max(start_s, pause.start_s)) for pause in track.pauses)


def spans_with(track: Track, signals: Sequence[Signal]) -> tuple[Span, ...]:
    """When the heart-rate source was in one of these states."""
    ends = [change.t for change in track.signals[1:]] + [track.length_s]
    return tuple(
        Span(change.t, end_s)
        for change, end_s in zip(track.signals, ends, strict=False)
        if change.signal in signals and end_s > change.t
    )


def _at(changes: Sequence[Change], t_s: float) -> Change | None:
    """Find the last change at or before a moment."""
    before = bisect_right(changes, t_s, key=lambda change: change.t)
    return changes[before - 1] if before else None


def _phases(events: Sequence[AnyEvent], protocol: Protocol, plan: Plan, length_s: float) -> tuple[PhaseSpan, ...]:
    spans: list[PhaseSpan] = []
    ends_s = {event.index: event.t for event in events if isinstance(event, PhaseEnded)}
    starts = [event for event in events if isinstance(event, PhaseStarted)]
    for event, following in zip(starts, [*starts[1:], None], strict=False):
        end_s = ends_s.get(event.index, length_s if following is None else following.t)
        planned = planned_phase(protocol, event)
        zone = None if planned is None or plan.mode == "exertion" else planned.zone
        low, high = (None, None) if zone is None or plan.hr_max_bpm is None else zone.bounds_bpm(plan.hr_max_bpm)
        borg = None if planned is None else planned.borg
        spans.append(PhaseSpan(event.kind, event.interval, event.t, min(end_s, length_s), low, high, borg))
    return tuple(spans)


def planned_phase(protocol: Protocol, event: PhaseStarted) -> Phase | None:
    """Find the protocol's phase that this one is: by its place, else (a phase was put in or left out) by its kind."""
    if event.index < len(protocol.phases):
        phase = protocol.phases[event.index]
        if (phase.kind, phase.interval) == (event.kind, event.interval):
            return phase
    of_kind = [phase for phase in protocol.phases if phase.kind is event.kind]
    return next((phase for phase in of_kind if phase.interval == event.interval), of_kind[0] if of_kind else None)


def pauses_of(events: Sequence[AnyEvent], length_s: float) -> tuple[Span, ...]:
    """When the session's clock stood still."""
    spans: list[Span] = []
    since_s: float | None = None
    for event in events:
        if isinstance(event, SessionPaused) and since_s is None:
            since_s = event.t
        elif isinstance(event, SessionResumed | SessionEnded) and since_s is not None:
            spans.append(Span(since_s, event.t))
            since_s = None
        elif isinstance(event, SessionResumed):
            spans.append(Span(event.t - event.paused_s, event.t))  # Resumed after a stop, which no pause preceded.
    if since_s is not None:
        spans.append(Span(since_s, length_s))
    return tuple(spans)
