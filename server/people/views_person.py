"""One participant: the page that gathers everything, who they are, and notes."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import about_participant, account_of
from server.accounts.memberships import mays_in
from server.accounts.roles import Permission
from server.appointments.upcoming import next_of
from server.assessment.clearance import status_of
from server.assessment.words import mark_words, state_words
from server.audit.record import record
from server.diary import selectors
from server.diary.course import page
from server.diary.course.schedule import CourseView, course_of
from server.diary.formatting import day
from server.diary.models import DiaryEntry
from server.people import participant_service, plan_service, plan_suggestions, plan_words
from server.people.forms import ParticipantForm, ParticipantNoteForm, WordForm
from server.people.models import Course, Note, Participant
from server.people.pictures import address_of
from server.people.plan_rules import values_of
from server.people.small_plot import SmallPlot, small_plot

LAST_SESSIONS = 5
TREND = 12
NOTES = 30


@require_safe
@about_participant(Permission.SEE_PEOPLE, "people.opened")
def overview(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Who, the plan in force, the last sessions, the course, how it feels, notes."""
    return _overview(request, participant, ParticipantNoteForm())


def _overview(
    request: HttpRequest, participant: Participant, note_form: ParticipantNoteForm, status: int = HTTPStatus.OK
) -> HttpResponse:
    mays = mays_in(account_of(request), participant.clinic)
    plan = plan_service.newest_of(participant)
    today = timezone.localdate()
    clearance = status_of(participant)
    shown = {
        "participant": participant,
        "clearance": clearance,
        "clearance_mark": mark_words(clearance),
        "clearance_words": state_words(clearance),
        "picture": address_of(participant.picture),
        "plan": plan,
        "holds": plan is not None and not plan.withdrawn,
        "expired": plan is not None and plan.valid_until is not None and plan.valid_until < today,
        "plan_line": plan_words.line(values_of(plan)) if plan is not None else "",
        "plan_facts": [one for one in plan_words.all_of(values_of(plan)) if one.field in OF_INTEREST] if plan else [],
        "may_change": Permission.CHANGE_PEOPLE in mays,
        "see_diary": Permission.SEE_DIARY in mays,
        "years": today.year - participant.birth_year,
        "tab": "overview",
    }
    if Permission.SEE_DIARY in mays:
        shown |= _of_diary(participant) | {
            "note_form": note_form,
            "word_form": WordForm(instance=participant)
            if participant_service.may_write_word(participant, account_of(request))
            else None,
            "finding": plan_suggestions.learned(participant, plan).finding,
        }
    return render(request, "people/overview.html", shown, status=status)


OF_INTEREST = ("hr_max_source", "start_speed_kmh", "start_incline_percent", "weekly_cap", "valid_until")
"""What the overview tells of a plan beside its line."""


def _of_diary(participant: Participant) -> dict[str, object]:
    entries = list(selectors.entries_of(participant)[:TREND])
    course = Course.objects.filter(participant=participant).order_by("-begins_on", "-pk").first()
    notes = Note.objects.filter(participant=participant, session_id=None).select_related("made_by")
    return {
        "entries": entries[:LAST_SESSIONS],
        "course": course,
        "view": None if course is None else _view(participant, course),
        "kind": None if course is None else str(page.STEADINESS[_view(participant, course).attendance.word]),
        "borg": _trend(entries, "borg", 6, 20),
        "mood": _trend(entries, "mood", 1, 5),
        "notes": list(notes.order_by("-made_at")[:NOTES]),
        "appointments": next_of(participant, timezone.now()),
    }


def _view(participant: Participant, course: Course) -> CourseView:
    entries = DiaryEntry.objects.filter(participant=participant, begun_on__gte=course.begins_on)
    if course.ended_on is not None:
        entries = entries.filter(begun_on__lte=course.ended_on)
    trained = selectors.trained_of(selectors.points_of(entries))
    return course_of(selectors.plan_of(course), trained, timezone.localdate())


def _trend(entries: list[DiaryEntry], name: str, low: float, high: float) -> SmallPlot | None:
    values = [(getattr(one, name), one.begun_on) for one in reversed(entries) if getattr(one, name) is not None]
    return small_plot([(float(value), f"{day(on)}: {value}") for value, on in values], low, high)


@require_http_methods(["GET", "HEAD", "POST"])
@about_participant(Permission.CHANGE_PEOPLE, "people.opened")
def edit(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Change who they are."""
    form = ParticipantForm(request.POST if request.method == "POST" else None, instance=participant)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            why = _("What machines show of the participant was changed.")
            participant_service.change(participant, account_of(request), form.changed_fields(), why)
            messages.success(request, _("Saved."))
            return redirect("people:overview", participant.clinic.code, participant.pseudonym)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    shown = {"clinic": participant.clinic, "participant": participant, "form": form, "tab": "edit"}
    return render(request, "people/person.html", shown, status=status)


@require_POST
@about_participant(Permission.CHANGE_DIARY, "people.opened")
def note(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Add a note."""
    form = ParticipantNoteForm(request.POST, instance=Note(participant=participant, made_by=account_of(request)))
    if not form.is_valid():
        return _overview(request, participant, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    form.save()
    account, clinic = account_of(request), participant.clinic
    record(account, "note.made", clinic=clinic, may=Permission.CHANGE_DIARY, participant=participant)
    messages.success(request, _("The note is kept."))
    return redirect("people:overview", clinic.code, participant.pseudonym)


@require_POST
@about_participant(Permission.CHANGE_DIARY, "people.opened")
def word(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Write a word for the participant's next start, or take it back."""
    form = WordForm(request.POST, instance=participant)
    if not participant_service.may_write_word(participant, account_of(request)):
        messages.error(request, _("Only the responsible therapist writes to a participant. Nothing was changed."))
    elif form.is_valid():
        participant_service.write_word(participant, account_of(request), form.cleaned_data["word"])
        written = form.cleaned_data["word"]
        said = _("The word is on its way to the machines.") if written else _("The word is taken back.")
        messages.success(request, said)
    else:
        messages.error(request, _("A word has 80 characters at most. Nothing was changed."))
    return redirect("people:overview", participant.clinic.code, participant.pseudonym)
