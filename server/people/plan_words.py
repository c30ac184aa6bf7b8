"""A plan in words: one line of it, each of its fields, and what changed from one version to the next."""

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from server.diary.formatting import NOTHING, short_protocol
from server.people import protocols
from server.people.plan_rules import COMPARED, Values, changed, figure

SOURCES: dict[str, str | Promise] = {
    "measured": gettext_lazy("measured in a test"),
    "highest_seen": gettext_lazy("highest heart rate seen in a 4×4, and 15"),
    "formula": gettext_lazy("formula (211 − 0.64 · age)"),
    "formula_beta_blocker": gettext_lazy("formula on a beta-blocker (164 − 0.7 · age)"),
}
MODES: dict[str, str | Promise] = {
    "heart_rate": gettext_lazy("heart rate"),
    "exertion": gettext_lazy("perceived exertion (Borg)"),
}
QUESTIONS: dict[str, str | Promise] = {
    "chest_pain": gettext_lazy("Do you have chest pain?"),
    "fainting": gettext_lazy("Have you fainted or nearly fainted?"),
    "dizziness": gettext_lazy("Are you dizzy?"),
    "fever": gettext_lazy("Do you have a fever today?"),
    "illness": gettext_lazy("Are you ill today?"),
    "intoxication": gettext_lazy("Are you intoxicated now?"),
    "withdrawal": gettext_lazy("Are you in withdrawal now?"),
    "medication": gettext_lazy("Is any of your medication new?"),
    "injury": gettext_lazy("Do you have an injury?"),
    "other": gettext_lazy("Is anything not as usual today?"),
}
"""As the machine asks them."""
ASK_AFTER = {
    "every_interval": gettext_lazy("after every interval"),
    "hardest_interval": gettext_lazy("after the hardest interval"),
    "odd_fall": gettext_lazy("only when the heart rate falls oddly"),
}
"""When the machine asks; an odd fall of the rate makes it ask in each of them."""
NAMES = {
    "protocol": gettext_lazy("Protocol"),
    "mode": gettext_lazy("Led by"),
    "hr_max_bpm": gettext_lazy("HRmax"),
    "hr_max_source": gettext_lazy("HRmax from"),
    "hr_max_set_on": gettext_lazy("HRmax measured on"),
    "ceiling_bpm": gettext_lazy("Ceiling"),
    "start_speed_kmh": gettext_lazy("Start speed"),
    "start_incline_percent": gettext_lazy("Start incline"),
    "speed_step_kmh": gettext_lazy("Treadmill's step"),
    "max_speed_kmh": gettext_lazy("Highest speed"),
    "slowest_kmh": gettext_lazy("Slowest walking speed"),
    "weekly_cap": gettext_lazy("Sessions a week at most"),
    "rest_hours": gettext_lazy("Rest between sessions"),
    "cap_released": gettext_lazy("Cap and rest lifted"),
    "early_warm_up_end": gettext_lazy("Warm-up may end early"),
    "exertion_when_lost": gettext_lazy("Continues by RPE if the strap drops out"),
    "ask_after": gettext_lazy("Asks whether all is well"),
    "questions": gettext_lazy("Questions before the start"),
    "closed_after_yes_h": gettext_lazy("Closed after a serious yes"),
    "valid_until": gettext_lazy("Valid until"),
}
"""What each field is called."""


class PlanFieldWords(Struct, frozen=True):
    """A field of a plan in words. `before`: what it was in the version before; None: the same."""

    field: str
    name: str
    value: str
    before: str | None = None


def line(plan: Values) -> str:
    """«4×4 · makspuls 187 · tak 180»."""
    parts = [short_protocol(plan.protocol)]
    if plan.mode == "exertion":
        parts.append(_("by Borg"))
    if plan.hr_max_bpm is not None:
        parts.append(_("HRmax %(bpm)s") % {"bpm": figure(plan.hr_max_bpm)})
    if plan.ceiling_bpm is not None:
        parts.append(_("ceiling %(bpm)s") % {"bpm": figure(plan.ceiling_bpm)})
    return " · ".join(parts)


def all_of(plan: Values) -> tuple[PlanFieldWords, ...]:
    """Every field."""
    return tuple(PlanFieldWords(name, str(NAMES[name]), value(plan, name)) for name in COMPARED)


def differences(before: Values | None, after: Values) -> tuple[PlanFieldWords, ...]:
    """Return what changed, each with what it was."""
    return tuple(
        PlanFieldWords(name, str(NAMES[name]), value(after, name), None if before is None else value(before, name))
        for name in changed(before, after)
    )


def value(plan: Values, field: str) -> str:
    """One field with its unit; a dash where it is empty."""
    found = getattr(plan, field)
    match field:
        case "protocol":
            return protocols.titles().get(plan.protocol, plan.protocol)
        case "mode":
            return str(MODES.get(plan.mode, plan.mode))
        case "hr_max_source":
            return str(SOURCES.get(plan.hr_max_source, plan.hr_max_source)) or NOTHING
        case "ask_after":
            return str(ASK_AFTER.get(plan.ask_after, plan.ask_after))
        case "questions":
            return "\n".join(question(one) for one in plan.questions) or _("none")
        case "cap_released" | "early_warm_up_end" | "exertion_when_lost":
            return _("yes") if found else _("no")
        case "ceiling_bpm" if found is None:
            return _("as HRmax") if plan.hr_max_bpm is not None else NOTHING
        case "hr_max_set_on" | "valid_until":
            return NOTHING if found is None else date_format(found, "DATE_FORMAT")
        case _:
            return NOTHING if found is None else _with_unit(field, found)


def _with_unit(field: str, found: float) -> str:
    units = {
        "hr_max_bpm": _("%(number)s beats/min"),
        "ceiling_bpm": _("%(number)s beats/min"),
        "start_speed_kmh": _("%(number)s km/h"),
        "speed_step_kmh": _("%(number)s km/h"),
        "max_speed_kmh": _("%(number)s km/h"),
        "slowest_kmh": _("%(number)s km/h"),
        "start_incline_percent": _("%(number)s%%"),
        "rest_hours": _("%(number)s hours"),
        "closed_after_yes_h": _("%(number)s hours"),
    }
    return units.get(field, "%(number)s") % {"number": figure(found)}


def question(key: str) -> str:
    """Return a question as the machine asks it."""
    return str(QUESTIONS.get(key, key))
