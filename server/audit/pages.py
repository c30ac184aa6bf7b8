"""The access log of a clinic, and for one participant who has looked, to be printed and handed over (Normen)."""

from datetime import datetime, time, timedelta

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from server.accounts.access import about_participant, account_of, in_clinic
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission, Role
from server.audit.detail_words import details
from server.audit.models import Entry
from server.audit.record import record
from server.audit.words import action_words
from server.people.models import Participant
from server.web.forms import DayField

A_PAGE = 100


class FilterForm(forms.Form):
    """What part of the log one wants to see."""

    account = forms.CharField(label=_("User name"), max_length=150, required=False)
    participant = forms.CharField(label=_("Pseudonym"), max_length=64, required=False)
    since = DayField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = DayField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))


@in_clinic(Permission.SEE_AUDIT)
@require_safe
def log(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show the clinic's lines, the newest first."""
    form = FilterForm(request.GET or None)
    found = Entry.objects.filter(clinic=clinic.code).order_by("-number")
    if form.is_bound and form.is_valid():
        found = _filtered(found, form)
    record(account_of(request), "log_read", clinic=clinic, may=Permission.SEE_AUDIT)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    kept = request.GET.copy()
    kept.pop("page", None)
    shown = {"form": form, "page": page, "rows": rows_of(list(page)), "kept": kept.urlencode()}
    return render(request, "audit/log.html", shown)


def _filtered(found: QuerySet[Entry], form: FilterForm) -> QuerySet[Entry]:
    asked = form.cleaned_data
    if asked["account"]:
        found = found.filter(account__iexact=asked["account"].strip())
    if asked["participant"]:
        found = found.filter(participant=asked["participant"].strip())
    zone = timezone.get_current_timezone()
    if asked["since"]:
        found = found.filter(at__gte=datetime.combine(asked["since"], time.min, zone))
    if asked["until"]:
        found = found.filter(at__lt=datetime.combine(asked["until"] + timedelta(days=1), time.min, zone))
    return found


@about_participant(Permission.SEE_AUDIT, "who_looked_read")
@require_safe
def who_looked(request: HttpRequest, participant: Participant) -> HttpResponse:
    """All that was done about one participant: who, as what, what, when."""
    found = Entry.objects.filter(clinic=participant.clinic.code, participant=participant.pseudonym).order_by("-number")
    shown = {"participant": participant, "rows": rows_of(list(found)), "now": timezone.now()}
    return render(request, "audit/who_looked.html", shown)


def rows_of(entries: list[Entry]) -> list[dict[str, object]]:
    """Return the lines with names and words in place of user names and codes."""
    names = {
        account.get_username(): account.get_full_name()
        for account in Account.objects.filter(username__in={one.account for one in entries})
    }
    roles = dict(Role.choices)
    return [
        {
            "entry": one,
            "name": names.get(one.account) or one.account,
            "role": roles.get(one.role, one.role),
            "action": action_words(one.action),
            "details": details(one),
        }
        for one in entries
    ]
