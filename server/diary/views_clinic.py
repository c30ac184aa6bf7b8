"""The clinic's diary: who trained when, and sessions that are counted for nobody yet."""

from collections import Counter

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from server.audit.record import record
from server.clinics.access import account_of, in_clinic
from server.clinics.models import Clinic
from server.clinics.roles import May
from server.diary import asked, reading
from server.diary.calendar_page import trained
from server.diary.models import DiaryEntry

ON_A_PAGE = 25


@require_safe
@in_clinic(May.SEE_DIARY)
def days(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """A month with how many trained each day, and one day with who they were."""
    today = timezone.localdate()
    shown = asked.day(request, today)
    month = asked.month(request, shown)
    if "day" not in request.GET and not month.first <= shown <= month.last:
        shown = month.first
    weeks = month.weeks()
    entries = DiaryEntry.objects.filter(clinic=clinic)
    counts = Counter(
        dict(
            entries.filter(begun_on__gte=weeks[0][0], begun_on__lte=weeks[-1][-1])
            .values_list("begun_on")
            .annotate(sessions=Count("pk"))
        )
    )
    of_day = reading.flawed(entries.filter(begun_on=shown)).select_related("participant").order_by("-begun_at", "-pk")
    record(account_of(request), "see day", clinic=clinic, may=May.SEE_DIARY, day=shown.isoformat())
    context = {
        "clinic": clinic,
        "month": month,
        "weeks": [[(on, month.first <= on <= month.last, on == today, counts[on]) for on in week] for week in weeks],
        "shown": shown,
        "today": today,
        "entries": [(one, trained(one)) for one in of_day],
        "unassigned": entries.filter(participant=None).count(),
        "tab": "days",
    }
    return render(request, "diary/days.html", context)


@require_safe
@in_clinic(May.SEE_DIARY)
def unassigned(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Sessions under a pseudonym that nobody here has, such as a guest's; a person decides whose they are."""
    pages = Paginator(reading.unassigned_in(clinic), ON_A_PAGE)
    number = asked.whole_number(request, "page") or 1
    if not 1 <= number <= pages.num_pages:
        raise Http404
    record(account_of(request), "see unassigned sessions", clinic=clinic, may=May.SEE_DIARY)
    page = pages.page(number)
    context = {
        "clinic": clinic,
        "page": page,
        "entries": [(one, trained(one)) for one in page],
        "unassigned": pages.count,
        "tab": "unassigned",
    }
    return render(request, "diary/unassigned.html", context)
