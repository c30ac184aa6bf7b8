"""A participant's measurements: their course, a day's new ones, and taking a wrong one away."""

from http import HTTPStatus

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from msgspec import Struct

from server.accounts.access import about_participant, account_of
from server.accounts.memberships import mays_in
from server.accounts.roles import Permission
from server.assessment.measure_form import MeasurementsForm
from server.assessment.measure_words import change_words, figures_of
from server.assessment.measures import MeasureHistory, histories
from server.assessment.models import CourseMeasurement
from server.audit.record import record
from server.people.models import Participant

MOST_SHOWN = 500


class MeasureCard(Struct, frozen=True):
    """One kind as the page shows it: rows with their figures, the newest first, and the change in words."""

    history: MeasureHistory
    rows: tuple[tuple[CourseMeasurement, str], ...]
    change_words: str

    @property
    def first(self) -> str:
        """Return the oldest figures."""
        return self.rows[-1][1]

    @property
    def newest(self) -> str:
        """Return the newest figures."""
        return self.rows[0][1]


@require_safe
@about_participant(Permission.SEE_DIARY, "measures.opened")
def measures(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Show all, each kind with its change."""
    return _page(request, participant, MeasurementsForm())


@require_POST
@about_participant(Permission.CHANGE_DIARY, "measures.opened")
def add_measures(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Keep a day's measurements."""
    form = MeasurementsForm(request.POST)
    if not form.is_valid():
        return _page(request, participant, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    account, clinic = account_of(request), participant.clinic
    with transaction.atomic():
        for row in form.rows(participant):
            row.made_by = account
            row.save(force_insert=True)
        record(account, "measures.made", clinic=clinic, may=Permission.CHANGE_DIARY, participant=participant)
    messages.success(request, _("The measurements are kept."))
    return redirect("assessment:measures", clinic.code, participant.pseudonym)


@require_POST
@about_participant(Permission.CHANGE_DIARY, "measures.opened")
def remove_measure(request: HttpRequest, participant: Participant, measurement: int) -> HttpResponse:
    """Take away a measurement that was typed in wrongly."""
    found = get_object_or_404(CourseMeasurement, participant=participant, pk=measurement)
    account, clinic = account_of(request), participant.clinic
    with transaction.atomic():
        found.delete()
        record(account, "measures.removed", clinic=clinic, may=Permission.CHANGE_DIARY, participant=participant)
    messages.success(request, _("The measurement is removed."))
    return redirect("assessment:measures", clinic.code, participant.pseudonym)


def _page(
    request: HttpRequest, participant: Participant, form: MeasurementsForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    rows = participant.measurements.select_related("made_by").order_by("-taken_on", "-pk")[:MOST_SHOWN]
    shown = {
        "participant": participant,
        "cards": [_card(one) for one in histories(rows)],
        "form": form,
        "may_change": Permission.CHANGE_DIARY in mays_in(account_of(request), participant.clinic),
        "tab": "measures",
    }
    return render(request, "assessment/measures.html", shown, status=status)


def _card(history: MeasureHistory) -> MeasureCard:
    rows = tuple((row, figures_of(row)) for row in reversed(history.rows))
    return MeasureCard(history, rows, change_words(history))
