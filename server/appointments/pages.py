"""The pages of the week: who is expected and who came, filling it, the fixed times, and the list on paper."""

import re
import time
from collections.abc import Iterable
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from msgspec import Struct

from server.accounts.access import account_of, in_clinic
from server.accounts.memberships import allowed
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.appointments import appointment_service
from server.appointments.calendar_week import CalendarWeek, read_week, week_of
from server.appointments.forms import ClosedDayForm, FixedTimesForm, SingleForm
from server.appointments.models import REASONS, Appointment, ClosedDay, FixedTime
from server.appointments.people_found import MOST_OFFERED, KnownPerson, find_person, people_of
from server.appointments.week_page import ShownRow, shown_week, unsaid
from server.appointments.week_plan import WeekPlace
from server.appointments.words import long_day, week_words
from server.audit.record import record
from server.diary.formatting import day, weekday_initials
from server.live.words import called

LOGGED_EVERY_S = 600.0
COPIES = (1, 2, 4, 8)
_REASONS = frozenset(code for code, _words in REASONS)
_PLACE = re.compile(r"place_([0-9]{1,18})_([0-9]{8})_([0-9]{1,2})\Z")
MOST_WHO = 240


class FillCell(Struct, frozen=True):
    """A place while the week is filled. `was`: the key of the person when the page was made."""

    row: ShownRow
    name: str
    text: str
    was: str
    error: str = ""


@require_safe
@in_clinic(Permission.SEE_DIARY)
def week(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show a week: who is expected, who came, who did not."""
    now = timezone.now()
    at = _week(request.GET.get("week"), clinic, now)
    _log(request, clinic)
    shown = {
        **_frame(request, clinic, at, now),
        "shown": shown_week(clinic, at, now),
        "unsaid": unsaid(clinic, now),
        "reasons": REASONS,
        "copies": COPIES,
        "has_times": clinic.fixed_times.filter(ended_on=None).exists(),
    }
    return render(request, "appointments/week.html", shown)


@require_safe
@in_clinic(Permission.SEE_DIARY)
def paper(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show a week as a list for paper, with names or, for the wall, with nicknames alone."""
    now = timezone.now()
    at = _week(request.GET.get("week"), clinic, now)
    _log(request, clinic)
    shown = shown_week(clinic, at, now)
    lines: dict[tuple[Any, str, str], dict[date, list[ShownRow]]] = {}
    for one in shown.days:
        for row in one.rows:
            key = (row.row.begins, row.machine, row.row.group)
            lines.setdefault(key, {}).setdefault(one.on, []).append(row)
    table = [
        (begins, machine, group, [found.get(one.on, []) for one in shown.days])
        for (begins, machine, group), found in sorted(lines.items(), key=lambda line: line[0])
    ]
    context = {
        **_frame(request, clinic, at, now),
        "shown": shown,
        "table": table,
        "nicknames": request.GET.get("names") == "nicknames",
    }
    return render(request, "appointments/paper.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.CHANGE_DIARY)
def fill(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Put people into the places of a week, all at once."""
    now = timezone.now()
    sent = request.POST if request.method == "POST" else None
    at = _week((sent or request.GET).get("week"), clinic, now)
    people = people_of(clinic)
    errors: dict[str, str] = {}
    if sent is not None:
        typed, errors = _typed(sent, people, at)
        if not errors:
            done = appointment_service.fill_week(clinic, account_of(request), at, typed, all_week="all_week" in sent)
            _say_filled(request, done.made, done.removed)
            errors = {
                **{one.name: _("Changed by a colleague since. Look at it again.") for one in done.taken},
                **{one.name: _("Is booked at this time already.") for one in done.twice},
            }
            if not errors:
                return _to_week(clinic, at)
    _log(request, clinic)
    context = {
        **_frame(request, clinic, at, now),
        "days": _cells(clinic, at, now, sent, errors),
        "people": people[:MOST_OFFERED],
        "single": SingleForm(clinic),
        "all_week": sent is None or "all_week" in sent,
        "wrong": len(errors),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if errors else HTTPStatus.OK
    return render(request, "appointments/fill.html", context, status=status)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def fill_groups(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Put the members of each group into its free places."""
    at = _week(request.POST.get("week"), clinic, timezone.now())
    done = appointment_service.fill_from_groups(clinic, account_of(request), at)
    _say_filled(request, done.made, 0)
    if done.left_out:
        words = ngettext(
            "%(count)s person has fewer times than their course needs: the group has no more free places.",
            "%(count)s people have fewer times than their courses need: the groups have no more free places.",
            done.left_out,
        )
        messages.warning(request, words % {"count": done.left_out})
    return _to_week(clinic, at)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def copy(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Copy a week to those that follow."""
    at = _week(request.POST.get("week"), clinic, timezone.now())
    weeks = request.POST.get("weeks", "")
    if weeks not in {str(one) for one in COPIES}:
        raise Http404
    done = appointment_service.copy_week(clinic, account_of(request), at, int(weeks))
    words = ngettext("%(count)s time is copied.", "%(count)s times are copied.", done.made) % {"count": done.made}
    if done.left_out:
        left = ngettext(
            "%(count)s was left out: the day is closed, or the place or the person is taken.",
            "%(count)s were left out: the day is closed, or the place or the person is taken.",
            done.left_out,
        )
        words = f"{words} {left % {'count': done.left_out}}"
    messages.success(request, words)
    return _to_week(clinic, at.later(1))


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def single(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Book one person at a time of its own."""
    now = timezone.now()
    form = SingleForm(clinic, request.POST)
    at = _week(request.POST.get("week"), clinic, now)
    if form.is_valid():
        given = form.cleaned_data
        found = find_person(given["person"], people_of(clinic))
        if found.person is None:
            form.add_error("person", _unclear(given["person"], found.candidates))
        else:
            participant = clinic.participants.get(pk=found.person.key)
            begins_at = appointment_service.at_clinic(clinic, given["on"], given["begins"])
            account = account_of(request)
            if appointment_service.add_single(
                clinic, account, participant, begins_at, given["minutes"], given["machine"]
            ):
                messages.success(request, _("%(name)s is booked.") % {"name": found.person.label})
                return _to_week(clinic, week_of(given["on"]))
            form.add_error("begins", _("Is booked at this time already."))
    context = {
        **_frame(request, clinic, at, now),
        "days": _cells(clinic, at, now, None, {}),
        "people": people_of(clinic)[:MOST_OFFERED],
        "single": form,
        "all_week": True,
        "wrong": 0,
    }
    return render(request, "appointments/fill.html", context, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def absence(request: HttpRequest, clinic: Clinic, appointment: int) -> HttpResponse:
    """Keep why a person did not come, or take the reason back, or take the appointment away."""
    found = get_object_or_404(
        Appointment.objects.select_related("participant", "clinic"), clinic=clinic, pk=appointment
    )
    who = found.participant.told_apart
    if "remove" in request.POST:
        appointment_service.remove_appointment(found, account_of(request))
        messages.success(request, _("The time of %(name)s is removed.") % {"name": who})
        return _to_week(clinic, week_of(found.on))
    reason = request.POST.get("reason", "")
    if reason not in {"", *_REASONS}:
        raise Http404
    appointment_service.say_absence(found, account_of(request), reason)
    if reason:
        told = {"name": who, "day": day(found.on), "reason": str(dict(REASONS)[reason])}
        messages.success(request, _("%(name)s, %(day)s: %(reason)s.") % told)
    else:
        messages.success(request, _("The reason is taken back."))
    return _to_week(clinic, week_of(found.on))


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.CHANGE_DIARY)
def times(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show the fixed times and the closed days, and make new ones."""
    now = timezone.now()
    sent = request.POST if request.method == "POST" else None
    form = FixedTimesForm(clinic, sent if sent is not None and "close" not in sent else None)
    closing = ClosedDayForm(sent if sent is not None and "close" in sent else None)
    status = HTTPStatus.OK
    if sent is not None:
        account = account_of(request)
        if form.is_bound and form.is_valid():
            rows = form.rows(week_of(clinic.day_of(now)).monday)
            FixedTime.objects.bulk_create(rows)
            record(account, "appointments.times", clinic=clinic, may=Permission.CHANGE_DIARY)
            words = ngettext("%(count)s fixed time is made.", "%(count)s fixed times are made.", len(rows))
            messages.success(request, words % {"count": len(rows)})
            return redirect("appointments:times", clinic.code)
        if closing.is_bound and closing.is_valid():
            given = closing.cleaned_data
            _close(request, clinic, given["on"], given["reason"])
            return redirect("appointments:times", clinic.code)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context = {
        "clinic": clinic,
        "form": form,
        "closing": closing,
        "by_day": _by_day(clinic),
        "closed": ClosedDay.objects.filter(clinic=clinic, on__gte=clinic.day_of(now)),
    }
    return render(request, "appointments/times.html", context, status=status)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def end_time(request: HttpRequest, clinic: Clinic, fixed: int) -> HttpResponse:
    """End a fixed time."""
    found = get_object_or_404(FixedTime.objects.select_related("clinic"), clinic=clinic, pk=fixed, ended_on=None)
    gone = appointment_service.end_fixed_time(found, account_of(request), clinic.day_of(timezone.now()))
    words = _("The fixed time is ended.")
    messages.success(request, f"{words} {_gone_words(gone)}".strip())
    return redirect("appointments:times", clinic.code)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def closed(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Close a day of the week page, or open a closed one again."""
    try:
        on = date.fromisoformat(request.POST.get("on", ""))
    except ValueError as error:
        raise Http404 from error
    if "open" in request.POST:
        appointment_service.open_day(clinic, account_of(request), on)
        messages.success(request, _("%(day)s is open again.") % {"day": long_day(on).capitalize()})
    else:
        _close(request, clinic, on, request.POST.get("reason", "").replace("\x00", "")[:60])
    if "times" in request.POST:
        return redirect("appointments:times", clinic.code)
    return _to_week(clinic, week_of(on))


def _close(request: HttpRequest, clinic: Clinic, on: date, reason: str) -> None:
    gone = appointment_service.close_day(clinic, account_of(request), on, reason)
    words = _("%(day)s is closed.") % {"day": long_day(on).capitalize()}
    messages.success(request, f"{words} {_gone_words(gone)}".strip())


def _gone_words(gone: int) -> str:
    if not gone:
        return ""
    words = ngettext("%(count)s coming time was taken away.", "%(count)s coming times were taken away.", gone)
    return words % {"count": gone}


def _by_day(clinic: Clinic) -> list[tuple[str, list[tuple[FixedTime, str]]]]:
    found: dict[int, list[tuple[FixedTime, str]]] = {}
    for one in clinic.fixed_times.filter(ended_on=None):
        found.setdefault(one.weekday, []).append((one, called(one.machine) if one.machine else ""))
    names = [name for _short, name in weekday_initials()]
    return [(names[at], rows) for at, rows in sorted(found.items())]


def _frame(request: HttpRequest, clinic: Clinic, at: CalendarWeek, now: datetime) -> dict[str, Any]:
    return {
        "clinic": clinic,
        "week": at,
        "title": week_words(at),
        "before": at.later(-1),
        "after": at.later(1),
        "this_week": week_of(clinic.day_of(now)),
        "may_change": allowed(account_of(request), clinic, Permission.CHANGE_DIARY),
    }


def _week(named: str | None, clinic: Clinic, now: datetime) -> CalendarWeek:
    if not named:
        return week_of(clinic.day_of(now))
    found = read_week(named)
    if found is None:
        raise Http404
    return found


def _typed(
    sent: QueryDict, people: list[KnownPerson], at: CalendarWeek
) -> tuple[list[appointment_service.TypedPlace], dict[str, str]]:
    """Return the places whose text is another than when the page was made, and what is wrong with which."""
    labels = {one.key: one.label for one in people}
    typed, errors = [], {}
    for name in sent:
        place = _place(name, at)
        if place is None:
            continue
        text = sent.get(name, "").replace("\x00", "")[:MOST_WHO].strip()
        was = sent.get(f"was_{name}", "")
        before = int(was) if was.isascii() and was.isdecimal() and len(was) < 19 else None  # noqa: PLR2004 - a key
        if text == ("" if before is None else labels.get(before)):
            continue
        if not text:
            typed.append(appointment_service.TypedPlace(place, before, None))
            continue
        found = find_person(text, people)
        if found.person is None:
            errors[name] = _unclear(text, found.candidates)
        elif found.person.key != before:
            typed.append(appointment_service.TypedPlace(place, before, found.person.key))
    return typed, errors


def _place(name: str, at: CalendarWeek) -> WeekPlace | None:
    found = _PLACE.match(name)
    if found is None:
        return None
    on = next((one for one in at.days if f"{one:%Y%m%d}" == found[2]), None)
    return None if on is None else WeekPlace(int(found[1]), on, int(found[3]))


def _unclear(text: str, candidates: Iterable[KnownPerson]) -> str:
    names = ", ".join(one.label for one in candidates)
    if names:
        return _("Several begin so: %(names)s. Type more.") % {"names": names}
    return _("No one in training is called %(text)s.") % {"text": f"«{text[:40]}»"}


def _cells(
    clinic: Clinic, at: CalendarWeek, now: datetime, sent: QueryDict | None, errors: dict[str, str]
) -> list[tuple[Any, list[FillCell]]]:
    """Return each day with its places; what was typed and not kept is shown again."""
    days = []
    for one in shown_week(clinic, at, now).days:
        cells = []
        for row in one.rows:
            if row.row.place is None:
                continue
            name = row.row.place.name
            person = row.appointment.participant if row.appointment is not None else None
            label = "" if person is None else f"{person.name} ({person.nickname})"
            text = label
            if sent is not None and errors and name in sent:
                text = sent.get(name, "")[:MOST_WHO]
            cells.append(FillCell(row, name, text, "" if person is None else str(person.pk), errors.get(name, "")))
        days.append((one, cells))
    return days


def _say_filled(request: HttpRequest, made: int, removed: int) -> None:
    words = []
    if made:
        words.append(ngettext("%(count)s time is booked.", "%(count)s times are booked.", made) % {"count": made})
    if removed:
        gone = ngettext("%(count)s time is taken away.", "%(count)s times are taken away.", removed)
        words.append(gone % {"count": removed})
    messages.success(request, " ".join(words) or _("Nothing was changed."))


def _to_week(clinic: Clinic, at: CalendarWeek) -> HttpResponseRedirect:
    return redirect(f"{reverse('appointments:week', args=[clinic.code])}?week={at.name}")


def _log(request: HttpRequest, clinic: Clinic) -> None:
    """Log one line for a while of looking: a look at the week is one at every name in it."""
    key, now_s = f"week_seen_{clinic.pk}", time.time()
    if not 0 <= now_s - request.session.get(key, 0.0) < LOGGED_EVERY_S:
        record(account_of(request), "appointments.opened", clinic=clinic, may=Permission.SEE_DIARY)
        request.session[key] = now_s
