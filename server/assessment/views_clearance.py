"""A participant's clearance: how it stands, recording a new one, and saying why it holds after a yes."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from server.accounts.access import about_participant, account_of
from server.accounts.roles import Permission
from server.assessment import clearance_service
from server.assessment.clearance import newest_of, status_of
from server.assessment.contraindications import LISTS, NEWEST
from server.assessment.forms import ClearanceForm, UpheldForm
from server.assessment.models import Clearance
from server.assessment.words import list_words, mark_words, state_words
from server.people.models import Participant
from server.people.plan_service import in_force

MOST_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
@about_participant(Permission.CHANGE_PEOPLE, "clearance.opened")
def clearance(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Show how it stands, and record a new clearance; a first plan follows it."""
    form = ClearanceForm(
        request.POST if request.method == "POST" else None, instance=Clearance(participant=participant)
    )
    if request.method == "POST":
        if form.is_valid():
            clearance_service.save_clearance(form.save(), account_of(request))
            where = (participant.clinic.code, participant.pseudonym)
            if in_force(participant) is None:
                messages.success(request, _("The clearance is recorded. Next: make a plan."))
                return redirect("people:change_plan", *where)
            messages.success(request, _("The clearance is recorded, and the machines are told."))
            return redirect("assessment:clearance", *where)
        return _page(request, participant, form, UpheldForm(), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _page(request, participant, form, UpheldForm())


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "clearance.opened")
def uphold(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Say why the clearance holds although a yes asked for its renewal."""
    form = UpheldForm(request.POST)
    newest = newest_of(participant)
    if newest is None or newest.renewal_asked_at is None:
        messages.warning(request, _("No renewal is asked for any more. Nothing was changed."))
    elif form.is_valid():
        clearance_service.answer_renewal(newest, account_of(request), form.cleaned_data["answer"])
        messages.success(request, _("The clearance holds, and the machines are told."))
    else:
        blank = ClearanceForm(instance=Clearance(participant=participant))
        return _page(request, participant, blank, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    return redirect("assessment:clearance", participant.clinic.code, participant.pseudonym)


def _page(
    request: HttpRequest,
    participant: Participant,
    form: ClearanceForm,
    upheld: UpheldForm,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    found = status_of(participant)
    history = participant.clearances.select_related("made_by", "renewal_answered_by").order_by("-cleared_on", "-pk")
    newest = found.clearance
    shown = {
        "participant": participant,
        "status": found,
        "state_words": state_words(found),
        "mark_words": mark_words(found),
        "renewal": newest if newest is not None and newest.renewal_asked_at is not None else None,
        "form": form,
        "upheld_form": upheld,
        "history": [(one, list_words(one)) for one in history[:MOST_SHOWN]],
        "list": LISTS[NEWEST],
        "version": NEWEST,
        "has_plan": in_force(participant) is not None,
        "tab": "clearance",
    }
    return render(request, "assessment/clearance.html", shown, status=status)
