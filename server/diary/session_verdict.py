"""The verdict on a session: what went well or not, in one to four sentences, the gravest first."""

from collections.abc import Iterator, Sequence
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from coach.model.events import AdviceGiven, AnyEvent, PhaseEnded
from coach.model.protocol import PhaseKind
from coach.model.summary import IntervalSummary, Summary
from server.diary.formatting import clock, number, rate
from sync.export.timeline import started_s
from sync.wire.messages import SessionDelivery

TOO_HARD_S = 60.0
"""So long above the zone, an interval was too hard; shorter is the rate's own unrest."""
MOSTLY_FRACTION = 1 / 3
"""An interval with so much of its length in the zone was as planned: the rate needs its first two minutes."""
UNDER_ADVICE_KMH = 0.3
MOST_SENTENCES = 4

VerdictLook = Literal["in", "below", "above", "stop", "lost"]

CUT_SHORT: dict[str, str | Promise] = {
    "over_ceiling": gettext_lazy("the heart rate stayed over the ceiling"),
    "signal_lost": gettext_lazy("the heart rate dropped out"),
    "eased": gettext_lazy("it became recovery on request"),
    "stopped": gettext_lazy("the session was stopped"),
}


class SessionVerdict(Struct, frozen=True):
    """The sentences, and the colour's name: in the zone, below, above, stop, or lost (no sure rate)."""

    sentences: tuple[str, ...]
    look: VerdictLook


class _Remark(Struct, frozen=True):
    """One finding: the lower its rank, the graver."""

    rank: int
    look: VerdictLook
    words: str


def verdict_of(summary: Summary, delivery: SessionDelivery | None) -> SessionVerdict:
    """Return the verdict, in the language at hand. Without the raw data the reasons are left out."""
    events = () if delivery is None else delivery.events
    remarks = [*_grave(summary), *_of_intervals(summary, events), *_missing(summary)]
    if not remarks:
        return _fine(summary)
    grave = min(remarks, key=lambda one: one.rank)
    kept = sorted(remarks, key=lambda one: one.rank)[:MOST_SENTENCES]
    return SessionVerdict(tuple(one.words for one in remarks if one in kept), grave.look)


def _grave(summary: Summary) -> Iterator[_Remark]:
    if "unwell" in summary.notices:
        yield _Remark(0, "stop", _("Said yes to chest pain or fainting."))
    if "not_all_right" in summary.notices:
        yield _Remark(0, "stop", _('Answered no to "Are you all right?".'))
    elif "no_answer" in summary.notices or summary.end_reason == "no_answer":
        yield _Remark(0, "stop", _('Did not answer "Are you all right?".'))
    if "over_ceiling" in summary.notices:
        peak = number(summary.peak_bpm)
        yield _Remark(1, "above", _("The heart rate went over the ceiling (%(peak)s at most).") % {"peak": peak})


def _of_intervals(summary: Summary, events: Sequence[AnyEvent]) -> list[_Remark]:
    """Return a remark for each interval that was not as planned; those that never reached the zone together."""
    remarks: list[_Remark] = []
    under = []
    for one in summary.intervals:
        length_s = one.end_s - one.start_s
        if not one.completed:
            remarks.append(_Remark(3, "below", _cut_short(one, events)))
        elif one.third_minute_bpm is None and one.time_in_zone_s + one.above_zone_s == 0:
            words = _("Interval %(index)s has no sure heart rate.") % {"index": one.index}
            remarks.append(_Remark(5, "lost", words))
        elif one.above_zone_s >= TOO_HARD_S:
            told = {"index": str(one.index), "time": clock(one.above_zone_s)}
            remarks.append(_Remark(2, "above", _("Interval %(index)s was too hard (%(time)s above the zone).") % told))
        elif one.time_to_zone_s is None:
            under.append(one)
        elif one.time_in_zone_s < MOSTLY_FRACTION * length_s:
            told = {"index": str(one.index), "time": clock(one.time_in_zone_s)}
            remarks.append(_Remark(6, "below", _("Interval %(index)s was in the zone for %(time)s only.") % told))
    return [*remarks, *_under(under, summary, events)]


def _under(under: Sequence[IntervalSummary], summary: Summary, events: Sequence[AnyEvent]) -> Iterator[_Remark]:
    if not under:
        return
    if len(under) > 1 and len(under) == len(summary.intervals):
        highest = max(under, key=lambda one: one.third_minute_bpm or 0.0)
        told = {"rate": rate(highest.third_minute_bpm, highest.third_minute_fraction)}
        words = _("No interval reached the zone (%(rate)s at most in minute 3).") % told
        hard = max((one.borg for one in under if one.borg is not None), default=summary.borg)
        if hard is not None:
            words += " " + _("It felt like Borg %(borg)s.") % {"borg": hard}
        yield _Remark(4, "below", words)
        return
    for one in under:
        slower = _under_advice_kmh(one, events)
        if slower is not None and slower >= UNDER_ADVICE_KMH:
            told = {"index": str(one.index), "speed": number(slower, 1)}
            words = (
                _("Interval %(index)s did not reach the zone: the speed was %(speed)s km/h under the advice.") % told
            )
        else:
            told = {"index": str(one.index), "rate": rate(one.third_minute_bpm, one.third_minute_fraction)}
            words = _("Interval %(index)s did not reach the zone: %(rate)s in minute 3.") % told
        yield _Remark(4, "below", words)


def _cut_short(one: IntervalSummary, events: Sequence[AnyEvent]) -> str:
    ended = (
        event.reason
        for event in events
        if isinstance(event, PhaseEnded) and event.kind is PhaseKind.INTERVAL and event.interval == one.index
    )
    why = CUT_SHORT.get(next(ended, ""))
    told = {"index": str(one.index), "time": clock(one.end_s - one.start_s)}
    if why is None:
        return _("Interval %(index)s ended early, after %(time)s.") % told
    return _("Interval %(index)s ended early, after %(time)s: %(why)s.") % {**told, "why": why}


def _under_advice_kmh(one: IntervalSummary, events: Sequence[AnyEvent]) -> float | None:
    """Return how far the mean speed of an interval lay under the mean of what was advised; None where nothing was."""
    if one.speed_kmh is None:
        return None
    start_s = started_s(events)
    given = [
        (event.t - start_s, event.advice.speed_kmh)
        for event in events
        if isinstance(event, AdviceGiven) and event.advice.speed_kmh is not None
    ]
    before = [(at, kmh) for at, kmh in given if at <= one.start_s][-1:]
    within = [(at, kmh) for at, kmh in given if one.start_s < at < one.end_s]
    advised = [(max(at, one.start_s), kmh) for at, kmh in (*before, *within)]
    if not advised:
        return None
    return _mean(advised, one) - one.speed_kmh


def _mean(advised: Sequence[tuple[float, float]], one: IntervalSummary) -> float:
    """Return the mean of speeds, each of which holds from its time on to the next, up to the interval's end."""
    ends = [at for at, _speed in advised[1:]] + [one.end_s]
    total = sum((end - at) * speed for (at, speed), end in zip(advised, ends, strict=True))
    return total / max(1.0, one.end_s - advised[0][0])


def _missing(summary: Summary) -> Iterator[_Remark]:
    """Yield what was planned and never begun."""
    begun, planned = len(summary.intervals), summary.planned_intervals
    if summary.completed or begun >= planned:
        return
    if begun == 0:
        yield _Remark(3, "below", _("The session ended before the first interval."))
        return
    words = ngettext(
        "%(left)s of %(of)s intervals was not trained.",
        "%(left)s of %(of)s intervals were not trained.",
        planned - begun,
    )
    yield _Remark(3, "below", words % {"left": planned - begun, "of": planned})


def _fine(summary: Summary) -> SessionVerdict:
    zone_s = summary.time_in_zone_s
    if not summary.planned_intervals:
        words = _("The whole session was trained.") if summary.completed else _("The session was stopped early.")
        return SessionVerdict((words,), "in" if summary.completed else "below")
    if zone_s <= 0:
        return SessionVerdict((_("The whole session was trained, without a zone of heart rates."),), "in")
    told = {"of": summary.planned_intervals, "time": clock(zone_s)}
    return SessionVerdict((_("All %(of)s intervals reached the target zone: %(time)s in it.") % told,), "in")
