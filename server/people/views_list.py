"""The list of participants, and taking somebody in.

What is typed into the search is a name, so the page's script asks by POST and the name stands in no address and no log
of a server before this one; without the script the form asks by GET.
"""

import time
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from server.accounts.access import account_of, in_clinic
from server.accounts.memberships import mays_in
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.people import participant_list, participant_service
from server.people.forms import ParticipantForm
from server.people.models import Participant
from server.people.pictures import address_of

LOGGED_EVERY_S = 600.0
"""A list that stays open, and is searched, is one look."""
PAGE_DIGITS = 9
"""No clinic has a page whose number has so many digits."""


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.SEE_PEOPLE)
def people(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return the list; with `part=rows`, its rows alone."""
    told = request.POST if request.method == "POST" else request.GET
    account = account_of(request)
    mays = mays_in(account, clinic)
    see_diary = Permission.SEE_DIARY in mays
    asked = participant_list.asked_for(
        told.get("q", ""),
        told.get("state", ""),
        told.get("group", ""),
        responsible=account.pk if told.get("who") == "mine" else None,
        follow_up=see_diary and told.get("who") == "follow_up",
        sort=told.get("sort", "") if see_diary or told.get("sort") == "group" else "name",
    )
    number = told.get("page", "1")
    page = participant_list.page_of(
        participant_list.find_participants(clinic, asked),
        int(number) if number.isdecimal() and len(number) < PAGE_DIGITS else 1,
    )
    rows = participant_list.rows_of(page.object_list, timezone.now(), see_diary=see_diary)
    kept = told.copy()
    for name in ("page", "part", "csrfmiddlewaretoken"):
        kept.pop(name, None)
    shown = {
        "clinic": clinic,
        "page": page,
        "rows": [(row, address_of(row.participant.picture)) for row in rows],
        "kept": kept.urlencode(),
        "see_diary": see_diary,
        "searched": asked != participant_list.ListFilter(sort=asked.sort),
    }
    _log(request, clinic)
    if told.get("part") == "rows":
        return render(request, "people/rows.html", shown)
    shown |= {
        "q": told.get("q", "")[: participant_list.LONGEST_SEARCH],
        "state": {True: "ended", None: "all"}.get(asked.ended, ""),
        "group": asked.group,
        "who": told.get("who", ""),
        "sort": asked.sort,
        "groups": participant_list.groups_of(clinic),
        "may_change": Permission.CHANGE_PEOPLE in mays,
    }
    return render(request, "people/list.html", shown)


def _log(request: HttpRequest, clinic: Clinic) -> None:
    """One line for a while of looking: a look at the list is one at every name in it."""
    key, now_s = f"people_listed_{clinic.pk}", time.time()
    before_s = request.session.get(key, 0.0)
    if not 0 <= now_s - before_s < LOGGED_EVERY_S:
        record(account_of(request), "people.listed", clinic=clinic, may=Permission.SEE_PEOPLE)
        request.session[key] = now_s


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.CHANGE_PEOPLE)
def new(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Take somebody in."""
    participant = Participant(clinic=clinic)
    form = ParticipantForm(request.POST if request.method == "POST" else None, instance=participant)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            form.changed_fields()
            participant_service.take_in(participant, account_of(request))
            messages.success(request, _("%(name)s is added. Next: the clearance.") % {"name": participant.told_apart})
            return redirect("assessment:clearance", clinic.code, participant.pseudonym)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "people/person.html", {"clinic": clinic, "form": form}, status=status)
