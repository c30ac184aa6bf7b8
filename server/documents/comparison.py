"""Entry and exit of a course: each figure with its change, the limit of chance, and the page it comes from.

All estimates of one comparison go by one HRmax (`coach.progress.fitness`), and a corrected one is told. The fall of
the heart rate at one and the same load stands beside every estimate, since it needs no HRmax.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from math import sqrt
from statistics import median

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from msgspec import Struct

from coach.progress import fitness
from server.assessment.measure_words import change_words, figures_of
from server.assessment.measures import MeasureHistory, histories
from server.diary.course.plots import FEWEST_TO_COMPARE, FitnessAgeInput, Point, fitness_trend_of, uptake_in_words
from server.diary.formatting import day, number, percent
from server.diary.selectors import entries_of, person_of, points_of
from server.people.models import Course, Participant, PlanVersion
from server.people.plan_words import SOURCES

DAY_TO_DAY_BPM = 4.0
"""Standard deviation of a third-minute rate at one load from day to day; `fitness.DAY_TO_DAY` is made from it."""
MOST_COMPARED = 8
"""Sessions at entry and at exit that a fall at one load is taken from, at most."""
MINIMAL_UPTAKE = 3.5
"""One MET (3.5 ml/kg/min): the step by which cohorts tell fitness apart (Laukkanen 2022). No promise to one person."""
HR_MAX_APART_BPM = 0.5


class ComparedFigure(Struct, frozen=True):
    """A figure as words, and the page where it was measured; "" where that is the row's own."""

    words: str
    href: str = ""
    source: str = ""


class ComparedRow(Struct, frozen=True, kw_only=True):
    """One measure at entry and exit. `limit`: what may be chance, and what matters. `counts`: None: not known."""

    key: str
    title: str
    entry: ComparedFigure
    exit: ComparedFigure
    change: str
    limit: str
    counts: bool | None = None

    @property
    def pair(self) -> tuple[ComparedFigure, ComparedFigure]:
        """Return entry and exit."""
        return self.entry, self.exit


class LoadFall(Struct, frozen=True):
    """The rate at one load at entry and exit: medians in bpm. `limit_bpm`: what may be chance, 95 %."""

    speed_kmh: float
    incline_percent: float
    early: tuple[Point, ...]
    late: tuple[Point, ...]

    @property
    def before_bpm(self) -> float:
        """Return the median at entry."""
        return median(one.third_minute_bpm or 0.0 for one in self.early)

    @property
    def after_bpm(self) -> float:
        """Return the median at exit."""
        return median(one.third_minute_bpm or 0.0 for one in self.late)

    @property
    def change_bpm(self) -> float:
        """Return the change; a fall is negative."""
        return self.after_bpm - self.before_bpm

    @property
    def limit_bpm(self) -> float:
        """Return the 95 % limit of the change from day to day."""
        return fitness.NINETY_FIVE * DAY_TO_DAY_BPM * sqrt(1 / len(self.early) + 1 / len(self.late))


class DatedEstimate(Struct, frozen=True):
    """An estimate of fitness with the day of its newest session and the HRmax by which it is made."""

    on: date
    point: fitness.FitnessPoint
    hr_max_bpm: float


class EntryExit(Struct, frozen=True):
    """Entry and exit. `basis`: what all estimates rest on, with its page; `notes`: what has to be known of them."""

    rows: tuple[ComparedRow, ...]
    basis: ComparedFigure | None
    notes: tuple[str, ...]
    sessions: int


def comparison_of(participant: Participant, course: Course | None) -> EntryExit:
    """Return the comparison over a course, or over all sessions without one."""
    entries = entries_of(participant)
    if course is not None:
        entries = entries.filter(begun_on__gte=course.begins_on)
        if course.ended_on is not None:
            entries = entries.filter(begun_on__lte=course.ended_on)
    points = points_of(entries)
    plan = participant.plans.order_by("-version").first()
    return compare(participant, points, person_of(participant), plan, histories(participant.measurements.all()))


def compare(
    participant: Participant,
    points: Sequence[Point],
    person: FitnessAgeInput,
    plan: PlanVersion | None,
    measured: Sequence[MeasureHistory],
) -> EntryExit:
    """Return the comparison from what was read. `points`: oldest first."""
    trend = fitness_trend_of(points, person)
    rows = []
    fall = fall_at_one_load(points)
    if fall is not None:
        rows.append(_fall_row(participant, fall))
    if trend is not None and len(trend.points) >= FEWEST_TO_COMPARE:
        rows += _estimate_rows(participant, points, trend, person)
    rows += [_measured_row(participant, one) for one in measured if one.change is not None]
    return EntryExit(tuple(rows), _basis(participant, trend, plan), _notes(points, trend, fall), len(points))


def estimates_of(participant: Participant, points: Sequence[Point]) -> tuple[DatedEstimate, ...]:
    """Return the estimates over these sessions, oldest first, all by one HRmax; none where there are too few."""
    trend = fitness_trend_of(points, person_of(participant))
    if trend is None:
        return ()
    return tuple(DatedEstimate(points[one.at - 1].on, one, trend.hr_max_bpm) for one in trend.points)


def fall_at_one_load(points: Sequence[Point]) -> LoadFall | None:
    """Return the load that was trained most often both at entry and at exit; None where there is no such load.

    Entry is the first half of the sessions with a rate and a load, exit the second; at most `MOST_COMPARED` of each.
    """
    known = [one for one in points if one.third_minute_bpm is not None and one.speed_kmh is not None]
    half = len(known) // 2
    loads: dict[tuple[float, float], tuple[list[Point], list[Point]]] = defaultdict(lambda: ([], []))
    for at, one in enumerate(known):
        load = round(one.speed_kmh or 0.0, 1), round(2 * (one.incline_percent or 0.0)) / 2
        loads[load][at >= half].append(one)
    both = {load: two for load, two in loads.items() if all(two)}
    if not both:
        return None
    (speed_kmh, incline), (early, late) = max(
        both.items(), key=lambda item: (min(len(item[1][0]), len(item[1][1])), item[0])
    )
    return LoadFall(speed_kmh, incline, tuple(early[:MOST_COMPARED]), tuple(late[-MOST_COMPARED:]))


def fall_words(fall: LoadFall) -> str:
    """Return the rate at one load at entry and exit, with the limit of chance, as a sentence."""
    told = {
        "speed": number(fall.speed_kmh, 1),
        "incline": percent(fall.incline_percent / 100),
        "before": number(fall.before_bpm, 1),
        "after": number(fall.after_bpm, 1),
        "change": signed(fall.change_bpm, 1),
        "limit": number(fall.limit_bpm),
    }
    return (
        _(
            "Heart rate at the same load (%(speed)s km/h, %(incline)s): %(before)s → %(after)s beats/min, %(change)s; "
            "up to ± %(limit)s may be chance (95%%)."
        )
        % told
    )


def _fall_row(participant: Participant, fall: LoadFall) -> ComparedRow:
    told = {"speed": number(fall.speed_kmh, 1), "incline": percent(fall.incline_percent / 100)}
    change = _("%(change)s beats/min") % {"change": signed(fall.change_bpm, 1)}
    return ComparedRow(
        key="same_load",
        title=_("Heart rate at the same load, %(speed)s km/h and %(incline)s incline") % told,
        entry=_of_sessions(participant, fall.early, number(fall.before_bpm, 1), fall.early[0]),
        exit=_of_sessions(participant, fall.late, number(fall.after_bpm, 1), fall.late[-1]),
        change=change,
        limit=_("Up to ± %(limit)s beats/min may be chance (95%%).") % {"limit": number(fall.limit_bpm)},
        counts=abs(fall.change_bpm) > fall.limit_bpm,
    )


def _estimate_rows(
    participant: Participant, points: Sequence[Point], trend: fitness.FitnessTrend, person: FitnessAgeInput
) -> list[ComparedRow]:
    first, newest = trend.first, trend.newest
    apart = newest.vo2_max - first.vo2_max
    limit = sqrt(sum(((one.high - one.low) / 2) ** 2 for one in (first, newest)))
    figures = [_at(participant, points, one, uptake_in_words(one)) for one in (first, newest)]
    rows = [
        ComparedRow(
            key="uptake",
            title=_("Estimated maximal oxygen uptake, ml/kg/min"),
            entry=figures[0],
            exit=figures[1],
            change=f"{signed(apart, 1)} ({_signed_percent(apart / first.vo2_max)})",
            limit=_(
                "Up to ± %(limit)s may be chance (95%%). One MET (%(met)s) is the step by which studies tell fitness "
                "apart. The figure itself is uncertain by %(error)s."
            )
            % {
                "limit": number(limit, 1),
                "met": number(MINIMAL_UPTAKE, 1),
                "error": percent(fitness.UNCERTAIN_FRACTION),
            },
            counts=trend.change_is_certain,
        )
    ]
    if person.sex is None:
        return rows
    sex = person.sex
    shares = []
    for one in (first, newest):
        age = points[min(one.at, len(points)) - 1].on.year - person.birth_year
        share, low, high = one.share_of_average(age, sex)
        shares.append(_at(participant, points, one, f"{percent(share)} ({percent(low)}–{percent(high)})"))
    ages = [_at(participant, points, one, _age_words(one.age(sex))) for one in (first, newest)]
    return [
        *rows,
        ComparedRow(
            key="share",
            title=_("Share of what is expected at the person's age (HUNT)"),
            entry=shares[0],
            exit=shares[1],
            change="",
            limit=_("The range is what differs from day to day."),
            counts=trend.change_is_certain,
        ),
        ComparedRow(
            key="age",
            title=_("Fitness age, years"),
            entry=ages[0],
            exit=ages[1],
            change="",
            limit=_("Each age can be off by ± %(years)s years. The direction says more than the number.")
            % {"years": fitness.VALUE_OFF_BY_YEARS},
            counts=trend.change_is_certain,
        ),
    ]


def _measured_row(participant: Participant, one: MeasureHistory) -> ComparedRow:
    href = reverse("assessment:measures", args=[participant.clinic.code, participant.pseudonym])
    first, last = one.rows[0], one.rows[-1]
    change = one.change
    return ComparedRow(
        key=one.kind.key,
        title=f"{one.kind.title}, {one.kind.unit}",
        entry=ComparedFigure(figures_of(first), f"{href}#{one.kind.key}", day(first.taken_on)),
        exit=ComparedFigure(figures_of(last), f"{href}#{one.kind.key}", day(last.taken_on)),
        change=change_words(one),
        limit=str(one.kind.counts_words) or _("No limit of chance is known for this measure."),
        counts=None if change is None else change.counts,
    )


def _of_sessions(participant: Participant, sessions: Sequence[Point], words: str, one: Point) -> ComparedFigure:
    source = ngettext("%(count)s session, %(day)s", "%(count)s sessions, one on %(day)s", len(sessions)) % {
        "count": len(sessions),
        "day": day(one.on),
    }
    return ComparedFigure(words, _session(participant, one), source)


def _at(participant: Participant, points: Sequence[Point], at: fitness.FitnessPoint, words: str) -> ComparedFigure:
    one = points[min(at.at, len(points)) - 1]
    source = ngettext("%(count)s session up to %(day)s", "%(count)s sessions up to %(day)s", at.sessions)
    told = {"count": at.sessions, "day": day(one.on)}
    return ComparedFigure(words, _session(participant, one), source % told)


def _session(participant: Participant, one: Point) -> str:
    return reverse("diary:session", args=[participant.clinic.code, one.session_id])


def _basis(
    participant: Participant, trend: fitness.FitnessTrend | None, plan: PlanVersion | None
) -> ComparedFigure | None:
    if trend is None:
        return None
    words = _("All estimates go by one HRmax, %(rate)s beats/min") % {"rate": number(trend.hr_max_bpm)}
    href = reverse("people:plan", args=[participant.clinic.code, participant.pseudonym])
    if plan is None:
        return ComparedFigure(f"{words}.", href)
    source = str(SOURCES.get(plan.hr_max_source, plan.hr_max_source))
    version = _("plan, version %(version)s") % {"version": plan.version}
    return ComparedFigure(f"{words}: {source}." if source else f"{words}.", href, version)


def _notes(points: Sequence[Point], trend: fitness.FitnessTrend | None, fall: LoadFall | None) -> tuple[str, ...]:
    notes = []
    if trend is not None:
        used = [one.hr_max_bpm for one in points if one.hr_max_bpm is not None]
        others = sorted({round(one) for one in used if abs(one - trend.hr_max_bpm) > HR_MAX_APART_BPM})
        if others:
            notes.append(
                _(
                    "HRmax was changed in the course: sessions were trained by %(others)s beats/min too. Everything "
                    "here is recomputed with %(rate)s, so that the change of HRmax does not look like one of fitness."
                )
                % {"others": ", ".join(number(one) for one in others), "rate": number(trend.hr_max_bpm)}
            )
    else:
        notes.append(
            _("Too few comparable sessions, or no HRmax that an estimate can rest on: no fitness is estimated.")
        )
    if fall is None:
        notes.append(_("No load was trained both at entry and at exit, so the rates cannot be compared directly."))
    return tuple(notes)


def _age_words(age: fitness.FitnessAge) -> str:
    years = number(age.years)
    if age.beyond == "younger":
        return _("%(years)s or younger") % {"years": years}
    if age.beyond == "older":
        return _("%(years)s or older") % {"years": years}
    return f"{years} ± {fitness.VALUE_OFF_BY_YEARS}"


def signed(value: float, decimals: int = 0) -> str:
    """Return a change with its sign."""
    sign = "+" if round(value, decimals) > 0 else ""
    return f"{sign}{number(value, decimals)}"


def _signed_percent(fraction: float) -> str:
    sign = "+" if round(fraction * 100) > 0 else ""
    return f"{sign}{percent(fraction)}"
