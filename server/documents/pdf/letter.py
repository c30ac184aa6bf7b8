"""The letter to the GP: neutral, what was done, figures with their uncertainty. A therapist edits it before it is set.

Nothing is kept of it but the line in the access log: what was written stands on the paper.
"""

from collections.abc import Sequence
from datetime import date
from statistics import median

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from server.diary.course.fitness import UNCERTAIN_FRACTION, fitness_age, vo2_max
from server.diary.course.plots import FitnessAgeInput, Point, age_in_words
from server.diary.course.schedule import CourseView
from server.diary.formatting import number, percent
from server.diary.session_page import SOURCES
from server.people.models import Participant, PlanVersion

FEWEST_FOR_CHANGE = 4
HR_MAX_ERROR_BPM = 10.8
"""Standard error of the formula 211 − 0.64·age (Nes 2013)."""


class LetterForm(forms.Form):
    """To whom, and what."""

    to = forms.CharField(
        label=gettext_lazy("To"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Name and address as they shall stand on the letter."),
    )
    subject = forms.CharField(label=gettext_lazy("Subject"), max_length=150)
    text = forms.CharField(
        label=gettext_lazy("Text"), max_length=6000, widget=forms.Textarea(attrs={"rows": 18}), strip=True
    )
    table = forms.BooleanField(label=gettext_lazy("With a table of the sessions"), required=False, initial=True)


def proposed(
    participant: Participant,
    points: Sequence[Point],
    view: CourseView | None,
    plan: PlanVersion | None,
    person: FitnessAgeInput,
) -> dict[str, object]:
    """What stands in the form at first."""
    parts = [_("%(name)s, born %(year)s, trains at our clinic.") % {
        "name": participant.name, "year": participant.birth_year,
    }]  # fmt: skip
    parts.append(_done(points, view))
    if plan is not None and not plan.withdrawn:
        parts.append(_steered(plan))
    parts += _figures(points, person)
    parts.append(
        _(
            "The figures come from a pulse strap and the treadmill's setting, not from a medical test. They are sent "
            "for information, and nothing in them asks for an action."
        )
    )
    return {
        "subject": _("Interval training: %(name)s, born %(year)s")
        % {"name": participant.name, "year": participant.birth_year},
        "text": "\n\n".join(part for part in parts if part),
        "table": True,
    }


def _done(points: Sequence[Point], view: CourseView | None) -> str:
    if not points:
        return _("No session has been trained yet.")
    told = {"first": _day(points[0].on), "last": _day(points[-1].on)}
    sentence = ngettext(
        "From %(first)s to %(last)s there was %(count)s session.",
        "From %(first)s to %(last)s there were %(count)s sessions.",
        len(points),
    ) % {**told, "count": len(points)}
    if view is not None:
        sentence += " " + _(
            "The course is of %(of)s sessions over %(weeks)s weeks; %(done)s days of training have been counted."
        ) % {"of": view.plan.sessions, "weeks": view.plan.weeks, "done": view.attendance.done}
    return sentence


def _steered(plan: PlanVersion) -> str:
    if plan.mode == "exertion":
        return _("The training is led by perceived exertion (Borg 6–20), not by heart rate.")
    if plan.hr_max_bpm is None:
        return ""
    told = {"rate": number(plan.hr_max_bpm), "source": SOURCES.get(plan.hr_max_source, plan.hr_max_source or "–")}
    sentence = _("The zones follow from a maximal heart rate of %(rate)s beats/min (%(source)s).") % told
    if plan.hr_max_source == "formula":
        sentence += " " + _("By the formula one in three is off by more than %(error)s beats/min (Nes 2013).") % {
            "error": number(HR_MAX_ERROR_BPM, 1)
        }
    return sentence


def _figures(points: Sequence[Point], person: FitnessAgeInput) -> list[str]:
    """First against last third, as medians; nothing where there is too little to compare."""
    if len(points) < FEWEST_FOR_CHANGE:
        return []
    part = max(1, len(points) // 3)
    early, late = points[:part], points[-part:]
    made = [
        _("Minutes in the target zone a session (median, first against last third): %(before)s and %(after)s.")
        % {
            "before": _median([one.zone_s / 60 for one in early], 1),
            "after": _median([one.zone_s / 60 for one in late], 1),
        }
    ]
    loads = [[one.vo2 for one in ones if one.vo2 is not None] for ones in (early, late)]
    rates = [[one.third_minute_bpm for one in ones if one.third_minute_bpm is not None] for ones in (early, late)]
    if all(loads) and all(rates):
        made.append(
            _(
                "Load in the intervals (oxygen uptake by the treadmill's setting, ACSM): %(before)s and %(after)s "
                "ml/kg/min, at %(rate_before)s and %(rate_after)s beats/min in the third minute."
            )
            % {
                "before": _median(loads[0], 1),
                "after": _median(loads[1], 1),
                "rate_before": _median(rates[0]),
                "rate_after": _median(rates[1]),
            }
        )
    estimates = [
        [
            found
            for one in ones
            if (found := vo2_max(one.speed_kmh, one.incline_percent, one.third_minute_fraction)) is not None
        ]
        for ones in (early, late)
    ]
    if all(estimates):
        told = {
            "before": _median(estimates[0]), "after": _median(estimates[1]), "error": percent(UNCERTAIN_FRACTION),
        }  # fmt: skip
        sentence = (
            _(
                "Estimated maximal oxygen uptake: %(before)s and %(after)s ml/kg/min; one estimate in three is off by "
                "more than %(error)s, so the direction says more than the number."
            )
            % told
        )
        if person.sex is not None:
            sentence += " " + _("By HUNT's table the last is the average at the age of %(age)s.") % {
                "age": age_in_words(fitness_age(median(estimates[1]), person.sex))
            }
        made.append(sentence)
    return made


def _median(values: Sequence[float], decimals: int = 0) -> str:
    return number(median(values), decimals)


def _day(on: date) -> str:

    return date_format(on, "DATE_FORMAT")


def signed_today() -> str:
    """Today, as it stands on a letter."""
    return _day(timezone.localdate())
