"""What a plan may say: limits with their reasons, and what is worth a second look. Pure.

A fault stops the plan; a doubt lets it through once a therapist has looked and said so (hazard H7). The machine has
its own limits and does not trust these.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from msgspec import Struct

from coach.guidance.treadmill_load import FASTEST_KMH
from coach.model.plan import (
    BETA_BLOCKED_SEE_BPM,
    HIGHEST_HR_MAX_BPM,
    HR_MAX_SEE_BPM,
    LEAST_CLOSED_H,
    LEAST_SLOWEST_KMH,
    LOWEST_HR_MAX_BPM,
    MOST_CLOSED_H,
    MOST_SLOWEST_KMH,
    SLOWEST_KMH,
    formula_hr_max_bpm,
)
from server.diary.formatting import number

HIGHEST_SEEN_MARGIN_BPM = 15.0
"""What Bodø kommune adds to the highest rate seen in a 4×4."""

SLOWEST_START_KMH = 0.5
STEEPEST_PERCENT = 30.0
"""No treadmill of a clinic climbs more."""
SMALLEST_STEP_KMH, LARGEST_STEP_KMH = 0.1, 1.0
MOST_A_WEEK = 14
USUAL_A_WEEK = 4
"""Two to three sessions a week (rusfeltet.no); more is a doubt, no fault."""
MOST_REST_HOURS = 168.0
LONGEST_VALID = timedelta(days=2 * 366)
OLD_HR_MAX = timedelta(days=730)

SAFETY = ("hr_max_bpm", "ceiling_bpm", "mode", "max_speed_kmh")
"""Typed twice whenever they change."""
COMPARED = (
    "protocol",
    "mode",
    "hr_max_bpm",
    "hr_max_source",
    "hr_max_set_on",
    "ceiling_bpm",
    "start_speed_kmh",
    "start_incline_percent",
    "speed_step_kmh",
    "max_speed_kmh",
    "slowest_kmh",
    "weekly_cap",
    "rest_hours",
    "cap_released",
    "early_warm_up_end",
    "exertion_when_lost",
    "ask_after",
    "questions",
    "closed_after_yes_h",
    "valid_until",
)
"""All that a plan tells, in the order in which a page shows it."""

QUESTIONS = (
    "chest_pain",
    "fainting",
    "dizziness",
    "fever",
    "illness",
    "intoxication",
    "withdrawal",
    "medication",
    "injury",
    "other",
)
"""The questions that every machine knows in both languages (display's catalogues; a test holds them together)."""


class Values(Struct, frozen=True, kw_only=True):
    """What a plan says. As in `server.people.models.PlanVersion`."""

    protocol: str = "4x4"
    mode: str = "heart_rate"
    hr_max_bpm: float | None = None
    hr_max_source: str = ""
    hr_max_set_on: date | None = None
    ceiling_bpm: float | None = None
    start_speed_kmh: float | None = None
    start_incline_percent: float | None = None
    speed_step_kmh: float = 0.2
    max_speed_kmh: float = 20.0
    slowest_kmh: float = SLOWEST_KMH
    weekly_cap: int | None = None
    rest_hours: float = 0.0
    cap_released: bool = False
    early_warm_up_end: bool = False
    exertion_when_lost: bool = False
    ask_after: str = "every_interval"
    questions: tuple[str, ...] = ()
    closed_after_yes_h: float = 24.0
    valid_until: date | None = None


class PlanFault(Struct, frozen=True):
    """What stops a plan: the field, and a sentence."""

    field: str
    words: str


def changed(before: Values | None, after: Values) -> tuple[str, ...]:
    """Which fields differ; all where there was no plan."""
    return tuple(name for name in COMPARED if before is None or getattr(before, name) != getattr(after, name))


def to_type_again(before: Values | None, after: Values) -> tuple[str, ...]:
    """Which of the changes are typed a second time. What is left empty in a first plan is not."""
    return tuple(
        name
        for name in SAFETY
        if name in changed(before, after) and not (before is None and getattr(after, name) is None)
    )


def merged(before: Values, theirs: Values, mine: Values) -> tuple[Values, tuple[str, ...]]:
    """Two changes of one plan in one: mine where I changed something, theirs elsewhere; and where both did, unlike."""
    told = {name: getattr(mine if name in changed(before, mine) else theirs, name) for name in COMPARED}
    both = tuple(
        name
        for name in COMPARED
        if name in changed(before, mine) and name in changed(before, theirs) and name in changed(theirs, mine)
    )
    return Values(**told), both


def faults(plan: Values, today: date) -> tuple[PlanFault, ...]:
    """All that cannot stand."""
    return tuple(_faults(plan, today))


def _faults(plan: Values, today: date) -> Iterator[PlanFault]:
    yield from _heart_faults(plan, today)
    yield from _treadmill_faults(plan)
    if plan.weekly_cap is not None and not 1 <= plan.weekly_cap <= MOST_A_WEEK:
        yield PlanFault("weekly_cap", _between(plan.weekly_cap, 1, MOST_A_WEEK))
    if not LEAST_CLOSED_H <= plan.closed_after_yes_h <= MOST_CLOSED_H:
        yield PlanFault("closed_after_yes_h", _between(plan.closed_after_yes_h, LEAST_CLOSED_H, MOST_CLOSED_H))
    if not 0 <= plan.rest_hours <= MOST_REST_HOURS:
        yield PlanFault("rest_hours", _between(plan.rest_hours, 0, MOST_REST_HOURS))
    if plan.valid_until is not None and plan.valid_until < today:
        words = _("The plan's last day has passed already, so no one could train by it. Choose a later day.")
        yield PlanFault("valid_until", words)
    if plan.valid_until is not None and plan.valid_until > today + LONGEST_VALID:
        words = _("That is more than two years from now. A plan should be reviewed more often; choose an earlier day.")
        yield PlanFault("valid_until", words)


def _heart_faults(plan: Values, today: date) -> Iterator[PlanFault]:
    if plan.hr_max_bpm is None and plan.mode == "heart_rate":
        words = _("Without HRmax there is no target zone. Give it, or let perceived exertion (Borg) lead.")
        yield PlanFault("hr_max_bpm", words)
    for name in ("hr_max_bpm", "ceiling_bpm"):
        value = getattr(plan, name)
        if value is not None and not LOWEST_HR_MAX_BPM <= value <= HIGHEST_HR_MAX_BPM:
            yield PlanFault(name, _between(value, LOWEST_HR_MAX_BPM, HIGHEST_HR_MAX_BPM, _("beats/min")))
    if plan.hr_max_bpm is not None and plan.ceiling_bpm is not None and plan.ceiling_bpm > plan.hr_max_bpm:
        words = _("The ceiling is above HRmax, so it would never hold anybody back. Give HRmax or less.")
        yield PlanFault("ceiling_bpm", words)
    if plan.hr_max_bpm is not None and not plan.hr_max_source:
        yield PlanFault(
            "hr_max_source", _("Say where HRmax comes from: the coach believes a test more than a formula.")
        )
    if plan.hr_max_set_on is not None and plan.hr_max_set_on > today:
        yield PlanFault("hr_max_set_on", _("That day has not come yet. Give the day on which HRmax was found."))


def _treadmill_faults(plan: Values) -> Iterator[PlanFault]:
    km_h = _("km/h")
    if not SLOWEST_START_KMH <= plan.max_speed_kmh <= FASTEST_KMH:
        yield PlanFault("max_speed_kmh", _between(plan.max_speed_kmh, SLOWEST_START_KMH, FASTEST_KMH, km_h))
    if not LEAST_SLOWEST_KMH <= plan.slowest_kmh <= MOST_SLOWEST_KMH:
        yield PlanFault("slowest_kmh", _between(plan.slowest_kmh, LEAST_SLOWEST_KMH, MOST_SLOWEST_KMH, km_h))
    elif plan.slowest_kmh > plan.max_speed_kmh:
        yield PlanFault("slowest_kmh", _("The slowest walking speed is above the highest speed. Lower it."))
    if not SMALLEST_STEP_KMH <= plan.speed_step_kmh <= LARGEST_STEP_KMH:
        yield PlanFault("speed_step_kmh", _between(plan.speed_step_kmh, SMALLEST_STEP_KMH, LARGEST_STEP_KMH, km_h))
    if plan.start_speed_kmh is not None:
        if not SLOWEST_START_KMH <= plan.start_speed_kmh <= FASTEST_KMH:
            yield PlanFault("start_speed_kmh", _between(plan.start_speed_kmh, SLOWEST_START_KMH, FASTEST_KMH, km_h))
        elif plan.start_speed_kmh < plan.slowest_kmh:
            words = _("The start speed is below the slowest walking speed. Raise it, or lower the slowest speed.")
            yield PlanFault("start_speed_kmh", words)
        elif plan.start_speed_kmh > plan.max_speed_kmh:
            words = _("The start speed is above the highest speed. Lower it, or raise the highest speed.")
            yield PlanFault("start_speed_kmh", words)
    if plan.start_incline_percent is not None:
        if not 0 <= plan.start_incline_percent <= STEEPEST_PERCENT:
            yield PlanFault("start_incline_percent", _between(plan.start_incline_percent, 0, STEEPEST_PERCENT, "%"))
        elif plan.start_speed_kmh is None:
            words = _("A start incline needs a start speed too. Give both, or neither.")
            yield PlanFault("start_speed_kmh", words)


def _between(value: float, low: float, high: float, unit: str = "") -> str:
    told = {"value": figure(value), "low": figure(low), "high": figure(high), "unit": unit}
    words = _("%(value)s cannot be right: it must lie between %(low)s and %(high)s %(unit)s. Look at the figure again.")
    return (words % told).replace(" .", ".")


def doubts(
    plan: Values, before: Values | None, birth_year: int, today: date, low_fraction: float | None
) -> tuple[str, ...]:
    """Return what is worth a second look, a sentence each. `low_fraction`: where the protocol's hardest zone begins."""
    return tuple(_doubts(plan, before, birth_year, today, low_fraction))


def _doubts(
    plan: Values, before: Values | None, birth_year: int, today: date, low_fraction: float | None
) -> Iterator[str]:
    now = set(changed(before, plan))
    if plan.hr_max_bpm is not None and now & {"hr_max_bpm", "hr_max_source"}:
        expected = expected_hr_max_bpm(plan.hr_max_source, birth_year, today)
        if abs(plan.hr_max_bpm - expected) > 2 * formula_see_bpm(plan.hr_max_source):
            yield _(
                "HRmax lies %(off)s beats from what the formula expects at this age (%(expected)s), more than twice "
                "its error. That happens with a beta-blocker, with chronotropic incompetence, and with a slip of the "
                "hand."
            ) % {"off": number(abs(plan.hr_max_bpm - expected)), "expected": number(expected)}
    if plan.hr_max_set_on is not None and plan.hr_max_set_on < today - OLD_HR_MAX and "hr_max_set_on" in now:
        yield _("HRmax was measured on %(day)s. After two years it should be measured again.") % {
            "day": date_format(plan.hr_max_set_on, "DATE_FORMAT")
        }
    below_zone = (
        plan.mode == "heart_rate"
        and low_fraction is not None
        and plan.hr_max_bpm is not None
        and plan.ceiling_bpm is not None
        and plan.ceiling_bpm < low_fraction * plan.hr_max_bpm
    )
    if below_zone and now & {"hr_max_bpm", "ceiling_bpm", "mode", "protocol"}:
        yield _("The ceiling lies below the target zone, so the zone cannot be reached. The coach will ease before it.")
    if plan.weekly_cap is not None and plan.weekly_cap > USUAL_A_WEEK and "weekly_cap" in now:
        yield _("The training is meant for two to three sessions a week; this plan allows %(cap)s.") % {
            "cap": plan.weekly_cap
        }
    if plan.cap_released and "cap_released" in now:
        yield _("With the cap lifted, neither the sessions a week nor the rest between them hold anybody back.")
    if plan.start_speed_kmh is not None and before is not None and before.start_speed_kmh is not None:
        raised = plan.start_speed_kmh - before.start_speed_kmh
        if raised > USUAL_RAISE_KMH:
            yield _("The start speed goes up by %(raise)s km/h at once; the field goes up by 0.2–0.5.") % {
                "raise": figure(round(raised, 2))
            }


USUAL_RAISE_KMH = 1.0
"""Twice what is usual from one session to the next (training.md proposes 0.2–0.5 km/h)."""


def expected_hr_max_bpm(source: str, birth_year: int, today: date) -> float:
    """By the formula that the source speaks of."""
    return formula_hr_max_bpm(today.year - birth_year, beta_blocked=source == "formula_beta_blocker")


def formula_see_bpm(source: str) -> float:
    """Return the standard error, in bpm, of the formula that the source speaks of."""
    return BETA_BLOCKED_SEE_BPM if source == "formula_beta_blocker" else HR_MAX_SEE_BPM


def figure(value: float) -> str:
    """Return a number as short as it can be: 187, 5.5."""
    rounded = round(value, 2)
    for decimals in (0, 1):
        if rounded == round(rounded, decimals):
            return number(rounded, decimals)
    return number(rounded, 2)


def values_of(source: object) -> Values:
    """Return what a plan's row says."""
    told: Mapping[str, object] = {name: getattr(source, name) for name in COMPARED}
    return Values(**{**told, "questions": tuple(str(one) for one in getattr(source, "questions", ()))})  # type: ignore[arg-type] # the row's fields are of these types
