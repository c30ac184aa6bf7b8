"""Counts a session second by second, and makes its summary. Sample and hold: each second counts the rate known then."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from coach.model.events import Signal
from coach.model.plan import Plan
from coach.model.protocol import THIRD_MINUTE_S, Protocol
from coach.model.summary import IntervalSummary, SignalSeconds, Summary

RECOVERY_FALL_AFTER_S = 60
_SIGNALS = (Signal.LIVE, Signal.WEAK, Signal.STALE, Signal.LOST, Signal.IMPLAUSIBLE)
_PLACE = {signal: place for place, signal in enumerate(_SIGNALS)}


class IntervalTally(Struct, frozen=True):
    """One interval being counted; `seconds` of it have passed. `shown_s`: for each rate shown, for how many seconds."""

    index: int
    start_t: float
    seconds: int = 0
    end_t: float | None = None
    completed: bool = False
    third_sum_bpm: float = 0.0
    third_seconds: int = 0
    time_to_zone_s: float | None = None
    in_zone_s: int = 0
    shown_s: tuple[tuple[int, int], ...] = ()
    above_s: int = 0
    peak_bpm: float | None = None
    end_bpm: float | None = None
    fall_60s_bpm: float | None = None
    speed_sum_kmh: float = 0.0
    incline_sum_percent: float = 0.0
    speed_seconds: int = 0
    borg: int | None = None


class SessionStatistics(Struct, frozen=True):
    """The session being counted. `current` is the interval under way or just ended, `done` those before it."""

    training_s: int = 0
    signal_s: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    sum_bpm: float = 0.0
    seen_s: int = 0
    peak_bpm: float | None = None
    above_95_s: int = 0
    edwards: float = 0.0
    done: tuple[IntervalTally, ...] = ()
    current: IntervalTally | None = None


def start_interval(tally: SessionStatistics, index: int, t: float) -> SessionStatistics:
    """Begin a new interval at `t`."""
    done = tally.done if tally.current is None else (*tally.done, tally.current)
    return replace(tally, done=done, current=IntervalTally(index, t))


def end_interval(tally: SessionStatistics, t: float, bpm: float | None, *, completed: bool) -> SessionStatistics:
    """End the interval under way at `t` with the rate `bpm`."""
    assert tally.current is not None  # noqa: S101 - an interval that ends has begun
    return replace(tally, current=replace(tally.current, end_t=t, end_bpm=bpm, completed=completed))


def note_fall(tally: SessionStatistics, bpm: float | None) -> SessionStatistics:
    """Note the rate 60 s after the interval's end."""
    current = tally.current
    if current is None or current.end_t is None or current.end_bpm is None or bpm is None:
        return tally
    return replace(tally, current=replace(current, fall_60s_bpm=current.end_bpm - bpm))


def note_borg(tally: SessionStatistics, borg: int) -> SessionStatistics:
    """Perceived exertion for the interval under way or just ended, if there was one."""
    return tally if tally.current is None else replace(tally, current=replace(tally.current, borg=borg))


def count_second(
    tally: SessionStatistics,
    *,
    signal: Signal,
    bpm: float | None,
    hr_max_bpm: float | None,
    zone: tuple[float, float] | None,
    in_interval: bool,
    speed_kmh: float | None,
    incline_percent: float | None,
) -> SessionStatistics:
    """One more second of training. `bpm` is null unless usable; `zone` in bpm."""
    place = _PLACE[signal]
    signal_s = (*tally.signal_s[:place], tally.signal_s[place] + 1, *tally.signal_s[place + 1 :])
    current = tally.current
    if in_interval and current is not None:
        current = _interval_second(current, bpm, zone, speed_kmh, incline_percent)
    if bpm is None:
        return replace(tally, training_s=tally.training_s + 1, signal_s=signal_s, current=current)
    fraction = bpm / hr_max_bpm if hr_max_bpm else 0.0
    return replace(
        tally,
        training_s=tally.training_s + 1,
        signal_s=signal_s,
        sum_bpm=tally.sum_bpm + bpm,
        seen_s=tally.seen_s + 1,
        peak_bpm=bpm if tally.peak_bpm is None or bpm > tally.peak_bpm else tally.peak_bpm,
        above_95_s=tally.above_95_s + (fraction > 0.95),  # noqa: PLR2004 - the field's upper end
        edwards=tally.edwards + min(5, max(0, int(fraction * 10) - 4)) / 60.0,
        current=current,
    )


def _interval_second(
    current: IntervalTally,
    bpm: float | None,
    zone: tuple[float, float] | None,
    speed_kmh: float | None,
    incline_percent: float | None,
) -> IntervalTally:
    second = current.seconds
    speed_sum, incline_sum, speed_seconds = current.speed_sum_kmh, current.incline_sum_percent, current.speed_seconds
    if speed_kmh is not None:
        speed_sum, incline_sum = speed_sum + speed_kmh, incline_sum + (incline_percent or 0.0)
        speed_seconds += 1
    if bpm is None:
        return replace(
            current,
            seconds=second + 1,
            speed_sum_kmh=speed_sum,
            incline_sum_percent=incline_sum,
            speed_seconds=speed_seconds,
        )
    third = THIRD_MINUTE_S[0] <= second < THIRD_MINUTE_S[1]
    shown = round(bpm)  # The zone is counted by the number that the person saw.
    reached = zone is not None and shown >= zone[0]
    return replace(
        current,
        seconds=second + 1,
        third_sum_bpm=current.third_sum_bpm + bpm if third else current.third_sum_bpm,
        third_seconds=current.third_seconds + third,
        time_to_zone_s=float(second) if reached and current.time_to_zone_s is None else current.time_to_zone_s,
        in_zone_s=current.in_zone_s + (zone is not None and zone[0] <= shown <= zone[1]),
        shown_s=_one_second_more(current.shown_s, shown),
        above_s=current.above_s + (zone is not None and shown > zone[1]),
        peak_bpm=bpm if current.peak_bpm is None or bpm > current.peak_bpm else current.peak_bpm,
        speed_sum_kmh=speed_sum,
        incline_sum_percent=incline_sum,
        speed_seconds=speed_seconds,
    )


def _one_second_more(shown_s: tuple[tuple[int, int], ...], bpm: int) -> tuple[tuple[int, int], ...]:
    if shown_s and shown_s[-1][0] == bpm:
        return (*shown_s[:-1], (bpm, shown_s[-1][1] + 1))
    return (*shown_s, (bpm, 1))


def summarise(  # noqa: PLR0913 - a summary's own facts
    tally: SessionStatistics,
    plan: Plan,
    protocol: Protocol,
    *,
    started_t: float,
    ended_t: float,
    end_reason: str,
    completed: bool,
    borg: int | None,
    mood: int | None,
    notices: tuple[str, ...],
    response: Any,  # noqa: ANN401 - any JSON value, handed through
) -> Summary:
    """Return the summary of a session that ended at `ended_t`."""
    counted = tally.done if tally.current is None else (*tally.done, tally.current)
    intervals = tuple(_interval_summary(one, plan, started_t, ended_t) for one in counted)
    signal = SignalSeconds(*map(float, tally.signal_s))
    return Summary(
        protocol=protocol.name,
        participant=plan.participant,
        completed=completed,
        end_reason=end_reason,
        duration_s=_round(ended_t - started_t),
        training_s=float(tally.training_s),
        completed_intervals=sum(one.completed for one in intervals),
        planned_intervals=protocol.intervals,
        time_in_zone_s=float(sum(one.time_in_zone_s for one in intervals)),
        above_95_s=float(tally.above_95_s),
        peak_bpm=tally.peak_bpm,
        mean_bpm=round(tally.sum_bpm / tally.seen_s, 1) if tally.seen_s else None,
        load=round(tally.edwards, 1),
        hr_max_bpm=plan.hr_max_bpm,
        borg=borg,
        mood=mood,
        intervals=intervals,
        signal=signal,
        signal_quality_fraction=round(signal.live_s / tally.training_s, 3) if tally.training_s else 0.0,
        notices=notices,
        response=response,
    )


def _interval_summary(one: IntervalTally, plan: Plan, started_t: float, ended_t: float) -> IntervalSummary:
    whole = one.third_seconds >= (THIRD_MINUTE_S[1] - THIRD_MINUTE_S[0]) // 2
    third_bpm = round(one.third_sum_bpm / one.third_seconds, 1) if whole else None
    return IntervalSummary(
        index=one.index,
        start_s=_round(one.start_t - started_t),
        end_s=_round((ended_t if one.end_t is None else one.end_t) - started_t),
        completed=one.completed,
        third_minute_bpm=third_bpm,
        third_minute_fraction=round(third_bpm / plan.hr_max_bpm, 3) if third_bpm and plan.hr_max_bpm else None,
        time_to_zone_s=one.time_to_zone_s,
        time_in_zone_s=float(one.in_zone_s),
        above_zone_s=float(one.above_s),
        peak_bpm=one.peak_bpm,
        end_bpm=one.end_bpm,
        recovery_fall_60s_bpm=None if one.fall_60s_bpm is None else round(one.fall_60s_bpm, 1),
        speed_kmh=round(one.speed_sum_kmh / one.speed_seconds, 2) if one.speed_seconds else None,
        incline_percent=round(one.incline_sum_percent / one.speed_seconds, 2) if one.speed_seconds else None,
        borg=one.borg,
    )


def _round(seconds: float) -> float:
    return round(seconds, 3)
