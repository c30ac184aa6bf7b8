"""A participant's diary and course. Each look is logged with whom it was at."""

from datetime import date, timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from server.accounts.access import about_participant, account_of
from server.accounts.memberships import allowed
from server.accounts.roles import Permission
from server.diary import query_params, selectors
from server.diary.calendar_page import calendar_page
from server.diary.course.page import course_page
from server.diary.course.plots import plot_to_json, plots
from server.diary.course.schedule import course_of
from server.diary.forms import CourseForm
from server.people.models import Course, Participant

ON_A_PAGE = 25
MOST_PLOTTED = 60


@require_safe
@about_participant(Permission.SEE_DIARY, "see diary")
def calendar(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return a month."""
    today = timezone.localdate()
    month = query_params.month(request, today)
    weeks = month.weeks()
    entries = selectors.entries_of(participant).filter(begun_on__gte=weeks[0][0], begun_on__lte=weeks[-1][-1])
    page = calendar_page(month, entries, today)
    return render(request, "diary/calendar.html", {"participant": participant, "page": page, "tab": "calendar"})


@require_safe
@about_participant(Permission.SEE_DIARY, "see diary")
def list_sessions(request: HttpRequest, participant: Participant) -> HttpResponse:
    """All sessions, newest first, so many on a page."""
    pages = Paginator(selectors.entries_of(participant), ON_A_PAGE)
    number = query_params.whole_number(request, "page") or 1
    if not 1 <= number <= pages.num_pages:
        raise Http404
    context = {"participant": participant, "page": pages.page(number), "tab": "list"}
    return render(request, "diary/list.html", context)


@require_safe
@about_participant(Permission.SEE_DIARY, "see course")
def course(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return a course: the newest, or the one asked for."""
    wanted = query_params.whole_number(request, "course")
    courses = list(Course.objects.filter(participant=participant).order_by("-begins_on", "-pk"))
    shown = next((one for one in courses if wanted in (None, one.pk)), None)
    if shown is None and wanted is not None:
        raise Http404
    today = timezone.localdate()
    entries = selectors.entries_of(participant)
    if shown is not None:
        entries = entries.filter(begun_on__gte=shown.begins_on, begun_on__lte=shown.ended_on or date.max)
    points = selectors.points_of(entries[: 400 if shown else MOST_PLOTTED])
    person = selectors.person_of(participant)
    view = None if shown is None else course_of(selectors.plan_of(shown), selectors.trained_of(points), today)
    page = None if view is None else course_page(view, points, person)
    drawn = plots(points, person) if page is None else page.plots
    context = {
        "participant": participant,
        "courses": courses,
        "shown": shown,
        "page": page,
        "plots": drawn,
        "plots_told": [plot_to_json(plot) for plot in drawn],
        "sex_missing": person.sex is None,
        "form": CourseForm(initial={"begins_on": today}),
        "may_change": allowed(account_of(request), participant.clinic, Permission.CHANGE_PEOPLE),
        "tab": "course",
    }
    return render(request, "diary/course.html", context)


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "begin course")
def begin_course(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Begin a course; an earlier one that has not been ended ends the day before."""
    form = CourseForm(request.POST, instance=Course(participant=participant))
    where = ("diary:course", participant.clinic.code, participant.pseudonym)
    if not form.is_valid():
        context = {"participant": participant, "form": form, "tab": "course"}
        return render(request, "diary/begin_course.html", context, status=400)
    with transaction.atomic():
        made = form.save()
        Course.objects.filter(participant=participant, ended_on=None, begins_on__lt=made.begins_on).update(
            ended_on=made.begins_on - timedelta(days=1)
        )
    messages.success(request, _("Course created."))
    return redirect(*where)


@require_POST
@about_participant(Permission.CHANGE_PEOPLE, "end course")
def end_course(request: HttpRequest, participant: Participant, course: int) -> HttpResponse:
    """End a course today, or take that back."""
    found = get_object_or_404(Course, participant=participant, pk=course)
    found.ended_on = None if found.ended_on else timezone.localdate()
    found.save(update_fields=["ended_on"])
    messages.success(request, _("The course is ended.") if found.ended_on else _("The course goes on."))
    return redirect("diary:course", participant.clinic.code, participant.pseudonym)
