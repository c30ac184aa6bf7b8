"""The clinic's diary: who trained when, and sessions that are counted for nobody yet."""

from collections import Counter
from datetime import date

from django.core.paginator import Paginator
from django.db.models import Count, Max, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from server.accounts.access import account_of, in_clinic
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary import query_params, selectors
from server.diary.calendar_page import trained
from server.diary.models import DiaryEntry

ON_A_PAGE = 25


@require_safe
@in_clinic(Permission.SEE_DIARY)
def days(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Return a month with how many trained each day, and one day with who they were.

    Without a day in the address it is the last one with sessions: the morning's first look is at what was trained last.
    """
    today = timezone.localdate()
    entries = DiaryEntry.objects.filter(clinic=clinic)
    if "day" in request.GET:
        shown = query_params.day(request, today)
        month = query_params.month(request, shown)
    elif "month" in request.GET:
        month = query_params.month(request, today)
        within = entries.filter(begun_on__gte=month.first, begun_on__lte=month.last)
        shown = _last_trained(within, today) or (today if month.first <= today <= month.last else month.first)
    else:
        shown = _last_trained(entries, today) or today
        month = query_params.month(request, shown)
    weeks = month.weeks()
    counts = Counter(
        dict(
            entries.filter(begun_on__gte=weeks[0][0], begun_on__lte=weeks[-1][-1])
            .values_list("begun_on")
            .annotate(sessions=Count("pk"))
        )
    )
    of_day = selectors.flawed(entries.filter(begun_on=shown)).select_related("participant").order_by("-begun_at", "-pk")
    record(account_of(request), "see day", clinic=clinic, may=Permission.SEE_DIARY, day=shown.isoformat())
    context = {
        "clinic": clinic,
        "month": month,
        "weeks": [[(on, month.first <= on <= month.last, on == today, counts[on]) for on in week] for week in weeks],
        "shown": shown,
        "today": today,
        "instead_of_today": "day" not in request.GET and "month" not in request.GET and shown != today,
        "entries": [(one, trained(one)) for one in of_day],
        "unassigned": entries.filter(participant=None).count(),
        "tab": "days",
    }
    return render(request, "diary/days.html", context)


def _last_trained(entries: QuerySet[DiaryEntry], today: date) -> date | None:
    """Return the last day with sessions until today; a later day comes from a machine whose clock was wrong."""
    last: date | None = entries.filter(begun_on__lte=today).aggregate(last=Max("begun_on"))["last"]
    return last


@require_safe
@in_clinic(Permission.SEE_DIARY)
def unassigned(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Sessions under a pseudonym that nobody here has, such as a guest's; a person decides whose they are."""
    pages = Paginator(selectors.unassigned_in(clinic), ON_A_PAGE)
    number = query_params.whole_number(request, "page") or 1
    if not 1 <= number <= pages.num_pages:
        raise Http404
    record(account_of(request), "see unassigned sessions", clinic=clinic, may=Permission.SEE_DIARY)
    page = pages.page(number)
    context = {
        "clinic": clinic,
        "page": page,
        "entries": [(one, trained(one)) for one in page],
        "unassigned": pages.count,
        "tab": "unassigned",
    }
    return render(request, "diary/unassigned.html", context)
