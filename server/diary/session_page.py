"""What the page of one session tells, and its papers: from the summary and, where it is kept, the whole delivery."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from coach.model.events import Signal
from coach.model.protocol import PhaseKind
from coach.model.summary import SignalSeconds, Summary
from server.diary.event_words import ENDS, MOODS, SIGNALS, EventLine, event_lines
from server.diary.formatting import NOTHING, TextTable, clock, day, minutes, number, percent, rate
from server.diary.session_verdict import SessionVerdict, verdict_of
from sync.wire.messages import ClocksAt, SessionDelivery

WORK_MIN = 16
"""Minutes of work in a 4×4 (rusfeltet.no)."""
GOOD_SIGNAL_FRACTION, FAIR_SIGNAL_FRACTION = 0.95, 0.8

SOURCES: dict[str, str | Promise] = {
    "measured": gettext_lazy("measured in a test"),
    "highest_seen": gettext_lazy("highest heart rate seen, and a margin"),
    "formula": gettext_lazy("by formula"),
    "formula_beta_blocker": gettext_lazy("by formula, on a beta-blocker"),
}


class Fact(Struct, frozen=True):
    """One thing about the session: what it is called, and what it was."""

    name: str
    value: str


class SignalPart(Struct, frozen=True):
    """How long the strap's signal was in one state. `percent`: of training time, for the strip."""

    state: Signal
    words: str
    time: str
    percent: float


class StripPart(Struct, frozen=True):
    """A piece of the signal's strip, in hundredths of its length; texts, since SVG knows no decimal comma."""

    state: str
    x: str
    width: str


class SessionPage(Struct, frozen=True, kw_only=True):
    """All that is told. `whole`: the raw data is kept; without it there is no trace, no event and no version."""

    whole: bool
    flaw: str
    verdict: SessionVerdict
    headline: str
    ended: str
    facts: tuple[Fact, ...]
    intervals: TextTable
    signal: tuple[SignalPart, ...]
    signal_words: str
    signal_quality: Literal["good", "fair", "poor"]
    clock_words: str
    clock_trusted: bool
    software: tuple[Fact, ...] = ()
    events: tuple[EventLine, ...] = ()
    advice: tuple[EventLine, ...] = ()

    @property
    def strip(self) -> tuple[StripPart, ...]:
        """How the signal was, side by side."""
        starts = accumulate((part.percent for part in self.signal), initial=0.0)
        return tuple(
            StripPart(part.state.value, f"{start:.2f}", f"{part.percent:.2f}")
            for part, start in zip(self.signal, starts, strict=False)
        )


def session_page(
    summary: Summary, delivery: SessionDelivery | None, *, flaw: str = "", clock_trusted: bool = True
) -> SessionPage:
    """Return what is told of a session, in the language at hand."""
    lines = () if delivery is None else event_lines(delivery.events)
    words, quality = signal_in_words(summary)
    return SessionPage(
        whole=delivery is not None,
        flaw=flaw,
        verdict=verdict_of(summary, delivery),
        headline=headline(summary),
        ended=ended_in_words(summary),
        facts=tuple(_facts(summary, delivery)),
        intervals=interval_table(summary),
        signal=tuple(signal_parts(summary.signal)),
        signal_words=words,
        signal_quality=quality,
        clock_words=clock_in_words(() if delivery is None else delivery.clocks, trusted=clock_trusted),
        clock_trusted=clock_trusted,
        software=() if delivery is None else _software(delivery),
        events=tuple(line for line in lines if not line.advice),
        advice=tuple(line for line in lines if line.advice),
    )


def comparison_table(
    summary: Summary, delivery: SessionDelivery | None, before: Summary | None, before_on: date | None
) -> TextTable:
    """Return what was planned, what was done, and what was done in the session before."""
    planned, done = _planned(summary, delivery), _done(summary)
    last = ("",) * len(done) if before is None else _done(before)
    names = (
        _("Intervals"),
        _("Time in zone"),
        _("Heart rate in minute 3, first interval"),
        _("First interval"),
        _("Training time"),
        _("Borg"),
        _("Mood"),
    )
    rows = tuple(zip(names, planned, done, last, strict=True))
    headings = (
        _("What"),
        _("Planned"),
        _("This session"),
        *((_("Last, %(day)s") % {"day": day(before_on)},) if before_on else ()),
    )
    width = len(headings)
    return TextTable(
        caption=_("Planned, done, and last time"),
        headings=headings,
        rows=tuple(row[:width] for row in rows),
        numeric=tuple(range(1, width)),
    )


def _planned(summary: Summary, delivery: SessionDelivery | None) -> tuple[str, ...]:
    intervals = number(summary.planned_intervals) if summary.planned_intervals else NOTHING
    if delivery is None:
        return (intervals, *(NOTHING,) * 6)
    plan, protocol = delivery.plan, delivery.protocol
    work = [one for one in protocol.phases if one.kind is PhaseKind.INTERVAL]
    zone = work[0].zone if work else None
    bounds = NOTHING
    if zone is not None and plan.hr_max_bpm is not None and plan.mode == "heart_rate":
        low, high = zone.bounds_bpm(plan.hr_max_bpm)
        bounds = f"{number(low)}–{number(high)}"
    start = plan.start
    length_s = sum(one.length_s for one in work)
    setting = _setting(start.speed_kmh, start.incline_percent) if start else NOTHING
    of_work = clock(length_s) if bounds != NOTHING else NOTHING
    return (intervals, of_work, bounds, setting, clock(protocol.length_s), NOTHING, NOTHING)


def _done(summary: Summary) -> tuple[str, ...]:
    first = next((one for one in summary.intervals if one.third_minute_bpm is not None), None)
    shown = first or next(iter(summary.intervals), None)
    return (
        number(summary.completed_intervals) if summary.planned_intervals else NOTHING,
        clock(summary.time_in_zone_s),
        rate(first.third_minute_bpm, first.third_minute_fraction) if first else NOTHING,
        _setting(shown.speed_kmh, shown.incline_percent) if shown else NOTHING,
        clock(summary.training_s),
        number(summary.borg),
        mood_in_words(summary.mood),
    )


def _setting(speed_kmh: float | None, incline_percent: float | None) -> str:
    if speed_kmh is None:
        return NOTHING
    told = {"speed": number(speed_kmh, 1), "incline": percent((incline_percent or 0.0) / 100)}
    return _("%(speed)s km/h, %(incline)s") % told


def headline(summary: Summary) -> str:
    """«13 min 20 s in the target zone»."""
    whole_minutes, seconds = divmod(round(summary.time_in_zone_s), 60)
    return _("%(minutes)s min %(seconds)s s in the target zone") % {"minutes": whole_minutes, "seconds": seconds}


def ended_in_words(summary: Summary) -> str:
    """How it ended, and how much of it was trained."""
    ended = str(ENDS.get(summary.end_reason, summary.end_reason))
    if not summary.planned_intervals:
        return ended
    trained = ngettext("%(done)s of %(of)s interval", "%(done)s of %(of)s intervals", summary.planned_intervals) % {
        "done": summary.completed_intervals,
        "of": summary.planned_intervals,
    }
    return f"{ended} · {trained}"


def interval_table(summary: Summary) -> TextTable:
    """Return a row for each interval: what the field reads of it."""
    return TextTable(
        caption=_("Interval by interval"),
        headings=(
            _("Interval"),
            _("Begins"),
            _("Heart rate in minute 3"),
            _("Time to zone"),
            _("In zone"),
            _("Above zone"),
            _("Peak"),
            _("HR recovery, 1 min"),
            _("Speed, km/h"),
            _("Incline, %"),
            _("Borg"),
        ),
        rows=tuple(
            (
                str(one.index) if one.completed else _("%(number)s (incomplete)") % {"number": one.index},
                clock(one.start_s),
                rate(one.third_minute_bpm, one.third_minute_fraction),
                clock(one.time_to_zone_s),
                clock(one.time_in_zone_s),
                clock(one.above_zone_s),
                number(one.peak_bpm),
                number(one.recovery_fall_60s_bpm),
                number(one.speed_kmh, 1),
                number(one.incline_percent, 1),
                number(one.borg),
            )
            for one in summary.intervals
        ),
        numeric=tuple(range(1, 11)),
    )


def signal_parts(seconds: SignalSeconds) -> list[SignalPart]:
    """Return the states that occurred, best first."""
    times = {
        Signal.LIVE: seconds.live_s,
        Signal.WEAK: seconds.weak_s,
        Signal.IMPLAUSIBLE: seconds.implausible_s,
        Signal.STALE: seconds.stale_s,
        Signal.LOST: seconds.lost_s,
    }
    total_s = sum(times.values())
    return [
        SignalPart(state, str(SIGNALS[state]), clock(time_s), round(100 * time_s / total_s, 2))
        for state, time_s in times.items()
        if time_s > 0 and total_s > 0
    ]


def signal_in_words(summary: Summary) -> tuple[str, Literal["good", "fair", "poor"]]:
    """How far the rates can be trusted."""
    share = {"share": percent(summary.signal_quality_fraction)}
    if summary.signal_quality_fraction >= GOOD_SIGNAL_FRACTION:
        return _("Good: %(share)s of the time with a sure heart rate.") % share, "good"
    if summary.signal_quality_fraction >= FAIR_SIGNAL_FRACTION:
        return _("Fair: %(share)s of the time with a sure heart rate. Wet the strap well next time.") % share, "fair"
    return (
        _("Poor: %(share)s of the time with a sure heart rate. Read the figures with care, and look at the strap.")
        % share,
        "poor",
    )


def clock_in_words(clocks: Sequence[ClocksAt], *, trusted: bool) -> str:
    """How far day and time of day can be trusted. Lengths are right in any case: another clock counts them."""
    if not trusted:
        return _("The machine's clock was not set: day and time of day may be wrong. Lengths are right.")
    if any(one.clocks.repaired for one in clocks):
        return _("The machine's clock was set afterwards, and the time of day computed from it.")
    return _("The machine's clock was set.")


def _facts(summary: Summary, delivery: SessionDelivery | None) -> list[Fact]:
    maximum = rate(summary.hr_max_bpm)
    if delivery is not None and delivery.plan.hr_max_source and summary.hr_max_bpm is not None:
        source = delivery.plan.hr_max_source
        maximum = f"{maximum} ({SOURCES.get(source, source)})"
    facts = [
        Fact(_("Training time"), _("%(number)s min") % {"number": minutes(summary.training_s)}),
        Fact(_("Above 95% of HRmax"), clock(summary.above_95_s)),
        Fact(_("Highest heart rate"), rate(summary.peak_bpm, _share(summary.peak_bpm, summary.hr_max_bpm))),
        Fact(_("Mean heart rate"), rate(summary.mean_bpm, _share(summary.mean_bpm, summary.hr_max_bpm))),
        Fact(_("HRmax in the plan"), maximum),
        Fact(_("Training load (Edwards)"), number(summary.load)),
        Fact(_("Borg"), number(summary.borg)),
        Fact(_("Mood"), mood_in_words(summary.mood)),
    ]
    if delivery is not None and delivery.plan.ceiling_bpm is not None:
        facts.insert(5, Fact(_("Ceiling in the plan"), number(delivery.plan.ceiling_bpm)))
    return facts


def mood_in_words(mood: int | None) -> str:
    """«4 of 5: good»."""
    if mood is None:
        return NOTHING
    return _("%(mood)s of 5: %(words)s") % {"mood": mood, "words": MOODS.get(mood, "")}


def _share(bpm: float | None, hr_max_bpm: float | None) -> float | None:
    return None if bpm is None or not hr_max_bpm else bpm / hr_max_bpm


def _software(delivery: SessionDelivery) -> tuple[Fact, ...]:
    told = delivery.software
    return (
        Fact("interval-coach", told.interval_coach),
        Fact("Python", told.python),
        Fact(_("Operating system"), told.system),
    )
