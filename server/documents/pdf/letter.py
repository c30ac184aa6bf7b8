"""The letter to the GP: what was done, what it led to, and what a doctor has to know of the figures.

A therapist edits the draft before it is printed. The letter is not stored; the access log says that it was made.
"""

from collections.abc import Callable, Sequence
from datetime import date
from statistics import median

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from msgspec import Struct

from coach.progress.fitness import UNCERTAIN_FRACTION, FitnessTrend
from server.assessment.measure_words import entry_and_exit
from server.assessment.measures import MeasureHistory
from server.assessment.models import Clearance
from server.diary.course.plots import FEWEST_TO_COMPARE, FitnessAgeInput, Point, fitness_trend_of, uptake_in_words
from server.diary.course.schedule import Break, CourseView
from server.diary.formatting import number, percent
from server.documents.comparison import fall_at_one_load, fall_words
from server.people.models import Participant, PlanVersion
from server.people.plan_rules import formula_see_bpm
from server.people.plan_words import SOURCES

FEWEST_FOR_CHANGE = 4
BETA_BLOCKED = "formula_beta_blocker"
SIGNATURE = ("profession", "hpr", "telephone")


class LetterAssessment(Struct, frozen=True):
    """What was assessed apart from the sessions: measurements by kind, and the newest clearance."""

    measured: tuple[MeasureHistory, ...] = ()
    clearance: Clearance | None = None


class LetterForm(forms.Form):
    """To whom, what, and who signs."""

    to = forms.CharField(
        label=gettext_lazy("Recipient"),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("The GP's name, surgery and address, as they should stand on the letter."),
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=150)
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=6000, widget=forms.Textarea(attrs={"rows": 22}), strip=True
    )
    profession = forms.CharField(
        label=gettext_lazy("Your profession"),
        max_length=60,
        help_text=gettext_lazy("As it should stand under your name, such as physiotherapist."),
    )
    hpr = forms.RegexField(
        r"^[1-9]\d{4,8}$",
        label=gettext_lazy("HPR number"),
        required=False,
        error_messages={"invalid": gettext_lazy("An HPR number has 5 to 9 digits. Leave it empty, or correct it.")},
    )
    telephone = forms.CharField(label=gettext_lazy("Telephone"), max_length=30, required=False)
    table = forms.BooleanField(label=gettext_lazy("With a table of the sessions"), required=False, initial=True)


def proposed(
    participant: Participant,
    points: Sequence[Point],
    view: CourseView | None,
    plan: PlanVersion | None,
    person: FitnessAgeInput,
    assessed: LetterAssessment = LetterAssessment(),  # noqa: B008 - frozen
) -> dict[str, object]:
    """Return what stands in the form at first: a draft in paragraphs."""
    trend = fitness_trend_of(points, person)
    parts = [
        _trained(participant, points),
        _attended(view),
        "\n".join(_figures(points)),
        entry_and_exit(assessed.measured),
        _same_load(points),
        _uptake(trend),
        _concluded(trend),
        _steered(plan),
        _cleared(assessed.clearance),
        _medicines(plan),
        _(
            "The figures come from a heart rate strap and the treadmill's setting, not from a medical test. The letter "
            "is for information; no action is required. Please contact us if hard exercise should be avoided."
        ),
    ]
    return {
        "subject": _("Interval training: %(name)s, born %(year)s")
        % {"name": participant.name, "year": participant.birth_year},
        "text": "\n\n".join(part for part in parts if part),
        "table": True,
    }


def _trained(participant: Participant, points: Sequence[Point]) -> str:
    who = {"name": participant.name, "year": participant.birth_year}
    if not points:
        return _("%(name)s, born %(year)s, is enrolled for interval training with us, and has not trained yet.") % who
    told = {**who, "count": len(points), "first": _day(points[0].on), "last": _day(points[-1].on)}
    if points[0].on == points[-1].on:
        return (
            ngettext(
                "%(name)s, born %(year)s, trained %(count)s session of interval training with us on %(first)s.",
                "%(name)s, born %(year)s, trained %(count)s sessions of interval training with us on %(first)s.",
                len(points),
            )
            % told
        )
    return (
        ngettext(
            "%(name)s, born %(year)s, trained %(count)s session of interval training with us "
            "from %(first)s to %(last)s.",
            "%(name)s, born %(year)s, trained %(count)s sessions of interval training with us "
            "from %(first)s to %(last)s.",
            len(points),
        )
        % told
    )


def _attended(view: CourseView | None) -> str:
    if view is None:
        return ""
    words = []
    if view.attendance.due:
        due = view.attendance.due
        told = {"done": min(view.attendance.done, due), "due": due, "share": percent(view.attendance.fraction)}
        words.append(
            ngettext(
                "Attendance: %(done)s of %(due)s session planned so far (%(share)s).",
                "Attendance: %(done)s of %(due)s sessions planned so far (%(share)s).",
                due,
            )
            % told
        )
    breaks = [one.days for one in view.rows if isinstance(one, Break)]
    if breaks:
        words.append(
            ngettext(
                "The longest break in training was %(count)s day.",
                "The longest break in training was %(count)s days.",
                max(breaks),
            )
            % {"count": max(breaks)}
        )
    return " ".join(words)


def _parts(points: Sequence[Point]) -> tuple[Sequence[Point], Sequence[Point]]:
    """Return the first and the last third; nothing where there is too little to compare."""
    if len(points) < FEWEST_FOR_CHANGE:
        return (), ()
    part = max(1, len(points) // 3)
    return points[:part], points[-part:]


def _figures(points: Sequence[Point]) -> list[str]:
    """Return entry and exit as medians of the first and the last third, a line each."""
    early, late = _parts(points)
    if not early:
        return []
    made = [
        ngettext(
            "Entry and exit (first and last session):",
            "Entry and exit (median of the first and the last %(count)s sessions):",
            len(early),
        )
        % {"count": len(early)}
    ]

    def line(words: str, value: Callable[[Point], float | None], decimals: int = 0) -> None:
        values = [[found for one in ones if (found := value(one)) is not None] for ones in (early, late)]
        if all(values):
            before, after = (number(median(one), decimals) for one in values)
            made.append(f"– {words}: {before} → {after}")

    line(_("Treadmill speed in the first interval, km/h"), lambda one: one.speed_kmh, 1)
    line(_("Treadmill incline in the first interval, percent"), lambda one: one.incline_percent, 1)
    line(_("Heart rate in the third minute of it, beats/min"), lambda one: one.third_minute_bpm)
    line(_("Minutes in the target zone per session"), lambda one: one.zone_s / 60, 1)
    line(_("Perceived exertion after the session (Borg 6–20)"), lambda one: one.borg)
    line(_("Mood after the session (1–5, 5 is best)"), lambda one: one.mood)
    return made if len(made) > 1 else []


def _same_load(points: Sequence[Point]) -> str:
    """Return the rate at one load at entry and exit, which needs no HRmax; empty where no load was trained twice."""
    fall = fall_at_one_load(points)
    return "" if fall is None else fall_words(fall)


def _uptake(trend: FitnessTrend | None) -> str:
    """Return the estimate's first and newest point, as the course's page has them."""
    if trend is None or len(trend.points) < FEWEST_TO_COMPARE:
        return ""
    return _(
        "Estimated maximal oxygen uptake: %(before)s → %(after)s ml/kg/min, one estimate over all sessions with HRmax "
        "%(rate)s. The range is what differs from day to day; the figure itself is uncertain by %(error)s."
    ) % {
        "before": uptake_in_words(trend.first),
        "after": uptake_in_words(trend.newest),
        "rate": number(trend.hr_max_bpm),
        "error": percent(UNCERTAIN_FRACTION),
    }


def _concluded(trend: FitnessTrend | None) -> str:
    """Return the assessment that the figures allow."""
    if trend is None or len(trend.points) < FEWEST_TO_COMPARE:
        return _("Assessment: there are too few comparable sessions to tell whether fitness has changed.")
    if not trend.change_is_certain:
        return _("Assessment: fitness is unchanged, within what varies from day to day.")
    if trend.newest.vo2_max > trend.first.vo2_max:
        return _("Assessment: fitness has improved. More work is done at the same heart rate than at the start.")
    return _("Assessment: less work is done at the same heart rate than at the start.")


def _steered(plan: PlanVersion | None) -> str:
    if plan is None or plan.withdrawn:
        return ""
    if plan.mode == "exertion":
        return _("The training is led by perceived exertion (Borg 6–20), not by heart rate.")
    if plan.hr_max_bpm is None:
        return ""
    told = {"rate": number(plan.hr_max_bpm), "source": SOURCES.get(plan.hr_max_source, plan.hr_max_source)}
    if not plan.hr_max_source:
        return _("The target zones are based on an HRmax of %(rate)s beats/min.") % told
    sentence = _("The target zones are based on an HRmax of %(rate)s beats/min: %(source)s.") % told
    if plan.hr_max_source in ("formula", BETA_BLOCKED):
        sentence += " " + _("For two people of three the formula is right within %(error)s beats/min.") % {
            "error": number(formula_see_bpm(plan.hr_max_source))
        }
    if plan.hr_max_source == BETA_BLOCKED:
        sentence += " " + _("That formula was made from heart patients of 40 to 80 years.")
    return sentence


def _cleared(clearance: Clearance | None) -> str:
    if clearance is None:
        return _("No medical clearance for training is recorded with us.")
    words = _("Clearance for training: %(who)s (%(profession)s), %(day)s, valid until %(until)s.") % {
        "who": clearance.cleared_by,
        "profession": clearance.get_profession_display(),
        "day": _day(clearance.cleared_on),
        "until": _day(clearance.valid_until),
    }
    if not clearance.medicines:
        return words
    medicines = _("Medicines recorded then: %(medicines)s.") % {"medicines": clearance.medicines.rstrip(".")}
    return f"{words} {medicines}"


def _medicines(plan: PlanVersion | None) -> str:
    if plan is not None and plan.hr_max_source == BETA_BLOCKED:
        return _(
            "Medication: according to the plan a beta-blocker is taken. Heart rate, and what is estimated from it, is "
            "then uncertain. Please tell us of changes in the medication."
        )
    return _(
        "Medication: drugs that act on the heart rate, such as beta-blockers, make these figures uncertain. Please "
        "tell us of new or changed heart medication."
    )


def _day(on: date) -> str:
    return date_format(on, "DATE_FORMAT")


def signed_today() -> str:
    """Today, as it stands on a letter."""
    return _day(timezone.localdate())
