"""A participant's plan: as it stands, its history and where it is; changing it.

A change's faults are said at each field. Where nothing that decides over safety was changed and nothing is doubtful,
the next version is saved. Else once more: what decides over safety is typed without a look at the first time, doubts
are looked at. Where the second time is unlike the first, the form comes again with those fields empty (hazard H7).
"""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from msgspec import Struct
from msgspec.structs import replace

from coach.model.plan import formula_hr_max_bpm
from server.accounts.access import about_participant, account_of
from server.accounts.memberships import mays_in
from server.accounts.roles import Permission
from server.assessment.clearance import status_of
from server.assessment.words import mark_words, state_words
from server.diary.formatting import day
from server.people import plan_service, plan_words, protocols
from server.people.errors import EditConflictError, NotClearedError
from server.people.forms import OWN_WORDS, AgainForm, EndPlanForm, PlanForm
from server.people.models import Participant, PlanVersion
from server.people.plan_delivery_status import on_machines
from server.people.plan_rules import Values, changed, doubts, faults, figure, merged, to_type_again, values_of
from server.people.plan_suggestions import HrMaxProposal, Learned, already_so, learned
from server.people.plan_words import NAMES, PlanFieldWords
from server.people.small_plot import SmallPlot, small_plot

FIRST = Values(weekly_cap=3, rest_hours=20.0, questions=("chest_pain", "fever", "intoxication", "withdrawal"))
"""What the form of a first plan begins with."""
HR_MAX_SCALE_BPM = 10.0


class Version(Struct, frozen=True):
    """A version and what it changed; `line`: what a first one says."""

    row: PlanVersion
    differences: tuple[PlanFieldWords, ...]
    line: str


@require_safe
@about_participant(Permission.SEE_PEOPLE, "plan.opened")
def plan(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return the plan in force, what the coach proposes, which machines have it, its history."""
    mays = mays_in(account_of(request), participant.clinic)
    history = list(participant.plans.select_related("made_by").order_by("version"))
    newest = history[-1] if history else None
    now = None if newest is None or newest.withdrawn else values_of(newest)
    known = learned(participant, newest) if Permission.SEE_DIARY in mays else None
    proposal = known.proposal if known else None
    clearance = status_of(participant)
    shown = {
        "participant": participant,
        "clearance": clearance,
        "clearance_mark": mark_words(clearance),
        "clearance_words": state_words(clearance),
        "needs_clearance": now is not None and not protocols.is_moderate(now.protocol),
        "newest": newest,
        "now": now,
        "facts": plan_words.all_of(now) if now else (),
        "line": plan_words.line(now) if now else "",
        "expired": now is not None and now.valid_until is not None and now.valid_until < timezone.localdate(),
        "finding": known.finding if known and now else None,
        "proposal": proposal if proposal and now and not already_so(proposal, now) else None,
        "machines": on_machines(participant),
        "hr_max": _hr_max_history(history),
        "hr_max_plot": _hr_max_plot(history),
        "history": _versions(history),
        "may_change": Permission.CHANGE_PEOPLE in mays,
        "end_form": EndPlanForm(initial={"base": newest.version if newest else 0}),
        "tab": "plan",
    }
    return render(request, "people/plan.html", shown)


@require_http_methods(["GET", "HEAD", "POST"])
@about_participant(Permission.CHANGE_PEOPLE, "plan.opened")
def change_plan(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Change it, or make the first."""
    newest = plan_service.newest_of(participant)
    known = learned(participant, newest)
    if request.method != "POST":
        now = FIRST if newest is None else values_of(newest)
        if "finding" in request.GET and known.finding is not None:
            now = taken_over(now, known.finding)
        return _form(request, participant, _fresh(participant, now, newest), known)
    before = _before(participant, request.POST.get("base", ""))
    form = PlanForm(
        request.POST,
        now=FIRST if before is None else values_of(before),
        first=before is None,
        cleared=status_of(participant).cleared,
        auto_id="id_%s",
    )
    if not form.is_valid():
        return _form(request, participant, form, known, HTTPStatus.UNPROCESSABLE_ENTITY)
    if "back" in request.POST:
        return _form(request, participant, form, known)
    if (newest.version if newest else 0) != form.cleaned_data["base"]:
        return _conflict(request, participant, form, before, known)
    return _judged(request, participant, form, newest, known)


def _judged(
    request: HttpRequest, participant: Participant, form: PlanForm, newest: PlanVersion | None, known: Learned
) -> HttpResponse:
    """Save a sound plan made from the newest version, or have it looked at once more."""
    values = form.values
    before = None if newest is None or newest.withdrawn else values_of(newest)
    if not changed(before, values):
        messages.info(request, _("Nothing was changed, so the plan stays as it is."))
        return redirect("people:plan", participant.clinic.code, participant.pseudonym)
    twice = to_type_again(before, values)
    doubted = doubts(values, before, participant.birth_year, timezone.localdate(), _low_fraction(values))
    again = AgainForm(request.POST if "again" in request.POST else None, twice, values, doubted=bool(doubted))
    if twice or doubted:
        if not again.is_bound or not again.is_valid():
            return _once_more(request, participant, form, again, before, doubted)
        if unlike := again.unlike(values):
            return _unlike(request, participant, form, unlike, known)
    try:
        plan_service.save_plan(
            participant,
            account_of(request),
            values,
            base=form.cleaned_data["base"],
            reason=form.cleaned_data["reason"],
        )
    except EditConflictError:
        return _conflict(request, participant, form, newest, known)
    messages.success(request, _("The plan is saved and on its way to the machines."))
    return redirect("people:plan", participant.clinic.code, participant.pseudonym)


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "plan.opened")
def use_proposal(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Take the setting that the coach proposes for the next session; it decides over no limit."""
    where = ("people:plan", participant.clinic.code, participant.pseudonym)
    newest = plan_service.in_force(participant)
    proposal = learned(participant, newest).proposal
    same = proposal is not None and str(proposal.session_id) == request.POST.get("session")
    if newest is None or proposal is None or not same or str(newest.version) != request.POST.get("base"):
        messages.warning(request, _("The plan or the proposal has changed in the meantime. Look at it again."))
        return redirect(*where)
    values = replace(
        values_of(newest), start_speed_kmh=proposal.speed_kmh, start_incline_percent=proposal.incline_percent
    )
    wrong = [one.words for one in faults(values, timezone.localdate())]
    if wrong:
        messages.error(request, " ".join(wrong))
        return redirect(*where)
    reason = _("The coach's proposal after the session of %(day)s.") % {"day": day(proposal.on)}
    try:
        plan_service.save_plan(participant, account_of(request), values, base=newest.version, reason=reason)
    except EditConflictError:
        messages.warning(request, _("The plan or the proposal has changed in the meantime. Look at it again."))
    except NotClearedError:
        messages.error(request, state_words(status_of(participant)))
    else:
        messages.success(request, _("The plan is saved and on its way to the machines."))
    return redirect(*where)


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "plan.opened")
def end_plan(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Withdraw it from every machine."""
    form = EndPlanForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("The plan was not withdrawn: say why in a few words."))
    else:
        given = form.cleaned_data
        try:
            plan_service.end_plan(participant, account_of(request), base=given["base"], reason=given["reason"])
        except EditConflictError:
            messages.warning(request, _("Someone else has changed this plan in the meantime. Look at it again."))
        else:
            messages.success(request, _("The plan is withdrawn from every machine. No one can begin by it."))
    return redirect("people:plan", participant.clinic.code, participant.pseudonym)


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "plan.opened")
def open_training(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Open training again after a yes to a question before the start."""
    try:
        base = int(request.POST.get("base", ""))
        reason = str(_("Training opened again after a yes before the start"))
        plan_service.open_training(participant, account_of(request), base=base, reason=reason)
    except ValueError:
        messages.error(request, _("Training was not opened: load the page again, then try once more."))
    except EditConflictError:
        messages.warning(request, _("Someone else has changed this plan in the meantime. Look at it again."))
    else:
        messages.success(request, _("Training is open again. The machines are told."))
    return redirect("people:plan", participant.clinic.code, participant.pseudonym)


def taken_over(now: Values, finding: HrMaxProposal) -> Values:
    """Return the plan with the HRmax that the coach found, for a therapist to judge; the ceiling never above it."""
    found = float(finding.suggested_bpm)
    ceiling = None if now.ceiling_bpm is None else min(now.ceiling_bpm, found)
    source = _("a heart rate seen above HRmax") if finding.seen else _("exertion and heart rate in sessions")
    return replace(now, hr_max_bpm=found, hr_max_source=source, hr_max_set_on=finding.on, ceiling_bpm=ceiling)


def _fresh(participant: Participant, now: Values, newest: PlanVersion | None) -> PlanForm:
    cleared = status_of(participant).cleared
    if newest is None and not cleared:
        moderate = next((one.name for one in protocols.offered() if one.moderate), now.protocol)
        now = replace(now, protocol=moderate)
    return PlanForm(now=now, first=newest is None, cleared=cleared, initial={"base": newest.version if newest else 0})


def _before(participant: Participant, base: str) -> PlanVersion | None:
    """Return the version from which a form was filled in."""
    return participant.plans.filter(version=int(base)).first() if base.isdecimal() and len(base) < 9 else None  # noqa: PLR2004 - no plan has so many versions


def _low_fraction(values: Values) -> float | None:
    return next((one.low_fraction for one in protocols.offered() if one.name == values.protocol), None)


def _form(
    request: HttpRequest,
    participant: Participant,
    form: PlanForm,
    known: Learned,
    status: int = HTTPStatus.OK,
    **more: Any,  # noqa: ANN401 - what else the page shows
) -> HttpResponse:
    years = timezone.localdate().year - participant.birth_year
    clearance = status_of(participant)
    shown = {
        "participant": participant,
        "form": form,
        "clearance": clearance,
        "clearance_words": state_words(clearance),
        "known": known,
        "years": years,
        "formula_bpm": formula_hr_max_bpm(years),
        "beta_blocker_bpm": formula_hr_max_bpm(years, beta_blocked=True),
        "own_words": OWN_WORDS,
        "tab": "plan",
        **more,
    }
    return render(request, "people/change_plan.html", shown, status=status)


def _once_more(
    request: HttpRequest,
    participant: Participant,
    form: PlanForm,
    again: AgainForm,
    before: Values | None,
    doubted: tuple[str, ...],
) -> HttpResponse:
    typed = [one.removeprefix("again_") for one in again.fields]
    shown = {
        "participant": participant,
        "again": again,
        "kept": _hidden_fields(request.POST),
        "typed_again": any(name.startswith("again_") for name in again.fields),
        "differences": [one for one in plan_words.differences(before, form.values) if one.field not in typed],
        "first": before is None,
        "doubts": doubted,
        "tab": "plan",
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if again.is_bound else HTTPStatus.OK
    return render(request, "people/once_more.html", shown, status=status)


def _hidden_fields(posted: QueryDict) -> list[tuple[str, str]]:
    """Return what was filled in the first time, to be sent along."""
    left_out = ("csrfmiddlewaretoken", "again", "back", "looked_at")
    return [
        (name, value)
        for name, values in posted.lists()
        if name not in left_out and not name.startswith("again_")
        for value in values
    ]


def _unlike(
    request: HttpRequest, participant: Participant, form: PlanForm, unlike: tuple[str, ...], known: Learned
) -> HttpResponse:
    """Return the form again; what was typed in two ways is empty, so that neither is taken for right."""
    typed = request.POST.copy()
    for name in unlike:
        typed[name] = ""
    anew = PlanForm(typed, now=form.values, first=form.first, cleared=form.cleared)
    anew.full_clean()
    for name in unlike:
        anew.errors.pop(name, None)
        anew.add_error(name, _("The two values differ. Read the figure from its source again, and type it once more."))
    return _form(request, participant, anew, known, HTTPStatus.UNPROCESSABLE_ENTITY)


def _conflict(
    request: HttpRequest, participant: Participant, form: PlanForm, before: PlanVersion | None, known: Learned
) -> HttpResponse:
    """Somebody was quicker: theirs and mine in one form, what both changed said, and nothing saved yet."""
    theirs = plan_service.newest_of(participant)
    if theirs is None:
        return redirect("people:plan", participant.clinic.code, participant.pseudonym)
    start = FIRST if before is None else values_of(before)
    both_in_one, unlike = merged(start, values_of(theirs), form.values)
    anew = PlanForm(
        now=both_in_one,
        first=False,
        cleared=form.cleared,
        initial={"base": theirs.version, "reason": form.cleaned_data["reason"]},
    )
    conflict = {
        "who": theirs.made_by,
        "at": theirs.made_at,
        "withdrawn": theirs.withdrawn,
        "differences": plan_words.differences(None if before is None else start, values_of(theirs)),
        "unlike": [str(NAMES[name]) for name in unlike],
    }
    return _form(request, participant, anew, known, HTTPStatus.CONFLICT, conflict=conflict)


def _versions(history: list[PlanVersion]) -> list[Version]:
    """Newest first."""
    made = []
    before: PlanVersion | None = None
    for row in history:
        told = None if before is None or before.withdrawn else values_of(before)
        first = before is None
        differences = () if first or row.withdrawn else plan_words.differences(told, values_of(row))
        made.append(Version(row, differences, plan_words.line(values_of(row)) if first else ""))
        before = row
    return made[::-1]


def _hr_max_history(history: list[PlanVersion]) -> list[tuple[PlanVersion, str, str]]:
    """Each HRmax once, newest first: the version that set it, its value, its source."""
    found: list[tuple[PlanVersion, str, str]] = []
    before: object = None
    for row in history:
        now = (row.hr_max_bpm, row.hr_max_source, row.hr_max_set_on)
        if row.hr_max_bpm is not None and now != before:
            told = values_of(row)
            found.append((row, figure(row.hr_max_bpm), plan_words.value(told, "hr_max_source")))
        before = now
    return found[::-1]


def _hr_max_plot(history: list[PlanVersion]) -> SmallPlot | None:
    rows = [(row, words) for row, words, _source in reversed(_hr_max_history(history))]
    rates = [float(row.hr_max_bpm or 0.0) for row, _words in rows]
    if not rates:
        return None
    low, high = min(rates) - HR_MAX_SCALE_BPM, max(rates) + HR_MAX_SCALE_BPM
    return small_plot([(rate, words) for rate, (_row, words) in zip(rates, rows, strict=True)], low, high, steps=True)
