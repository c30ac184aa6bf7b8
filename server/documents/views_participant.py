"""Papers and files about one participant. Each is logged by what it is; no address and no file's name tells who."""

from datetime import timedelta
from functools import wraps
from http import HTTPStatus
from typing import cast
from uuid import UUID

from django.contrib import messages
from django.core import signing
from django.db import DatabaseError
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import View, about_participant, account_of, after_proof
from server.accounts.memberships import allowed
from server.accounts.roles import Permission
from server.assessment.clearance import newest_of
from server.assessment.measures import histories
from server.diary import query_params, selectors
from server.diary.course.schedule import course_of
from server.diary.models import DiaryEntry
from server.documents import deletion, file_responses
from server.documents.comparison import comparison_of, estimates_of
from server.documents.errors import PaperError
from server.documents.export import data_export, fhir, session_files, transfer, transfer_file
from server.documents.export.archive import zipped
from server.documents.forms import DeleteForm, HandOverForm
from server.documents.pdf import pdf_documents
from server.documents.pdf.letter import SIGNATURE, LetterAssessment, LetterForm, proposed
from server.errors import UnreadableSessionError
from server.people.models import Course, Participant

GET_OR_POST = ["GET", "HEAD", "POST"]
SALT = "papers.hand_over"
DOWNLOAD_WITHIN_S = 3600
LISTED = 100
COURSE_MARGIN = timedelta(days=28)
"""What was measured so shortly before a course began is its entry."""


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.opened")
def index(request: HttpRequest, participant: Participant) -> HttpResponse:
    """All that there is to print and to save."""
    clinic, account = participant.clinic, account_of(request)
    entries = selectors.entries_of(participant)
    shown = {
        "participant": participant,
        "courses": list(participant.courses.order_by("-begins_on", "-pk")),
        "entries": list(entries.annotate(raw=Q(stored__payload__isnull=False))[:LISTED]),
        "sessions": entries.count(),
        "may_hand_over": allowed(account, clinic, Permission.HAND_OVER),
        "may_delete": allowed(account, clinic, Permission.DELETE_PERSON),
        "may_see_audit": allowed(account, clinic, Permission.SEE_AUDIT),
        "taken_over": list(participant.taken_over.all()),
        "tab": "papers",
    }
    return render(request, "papers/index.html", shown)


def _entry(participant: Participant, session_id: UUID) -> DiaryEntry:
    found = DiaryEntry.objects.select_related("clinic", "participant")
    return get_object_or_404(found, participant=participant, session_id=session_id)


def of_readable_session(view: View) -> View:
    """For a file of one session: whatever cannot be written in it is told in words."""

    @wraps(view)
    def told(*args: object, **kwargs: object) -> HttpResponse:
        try:
            return cast("HttpResponse", view(*args, **kwargs))
        except (Http404, DatabaseError, UnreadableSessionError):
            raise
        except Exception as error:
            raise UnreadableSessionError(str(error)) from error

    return told


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.session")
@of_readable_session
def session_pdf(request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """One session on paper."""
    entry = _entry(participant, session_id)
    with translation.override(file_responses.language_of(request)):
        made = pdf_documents.session_paper(selectors.one_session(entry), participant)
    return file_responses.file_answer(made, file_responses.PDF, f"{session_files.name_of(entry)}.pdf")


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.file")
@of_readable_session
def session_fit(_request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """One session for other training diaries."""
    entry = _entry(participant, session_id)
    try:
        made = session_files.fit(selectors.one_session(entry))
    except PaperError as error:
        raise Http404(str(error)) from error
    return file_responses.file_answer(made, file_responses.FIT, f"{session_files.name_of(entry)}.fit")


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.file")
@of_readable_session
def session_csv(_request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """One session, second by second."""
    entry = _entry(participant, session_id)
    try:
        made = session_files.csv(selectors.one_session(entry))
    except PaperError as error:
        raise Http404(str(error)) from error
    return file_responses.file_answer(made, file_responses.CSV, f"{session_files.name_of(entry)}.csv")


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.file")
@of_readable_session
def session_xlsx(_request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """Answer with one session, second by second, for an office."""
    entry = _entry(participant, session_id)
    try:
        made = session_files.xlsx(selectors.one_session(entry))
    except PaperError as error:
        raise Http404(str(error)) from error
    return file_responses.file_answer(made, file_responses.XLSX, f"{session_files.name_of(entry)}.xlsx")


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.file")
@of_readable_session
def session_json(_request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """All that is kept of one session."""
    entry = _entry(participant, session_id)
    made = session_files.json(selectors.one_session(entry))
    return file_responses.file_answer(made, file_responses.JSON, f"{session_files.name_of(entry)}.json")


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.fhir")
@of_readable_session
def session_fhir(request: HttpRequest, participant: Participant, session_id: UUID) -> HttpResponse:
    """One session for a patient record."""
    entry = _entry(participant, session_id)
    made = fhir.bundle(participant, [selectors.one_session(entry)], transaction=_transaction(request))
    return file_responses.file_answer(made, file_responses.FHIR, f"{session_files.name_of(entry)}.fhir.json")


def _transaction(request: HttpRequest) -> bool:
    """Return whether `?form=transaction` asks for the form that a FHIR server takes by POST."""
    return request.GET.get("form") == "transaction"


def _tell_left_out(request: HttpRequest, names: list[str]) -> None:
    """Say on the next page which sessions a file leaves out; the file itself says it too."""
    if names:
        messages.warning(request, data_export.left_out_words(names))


def _course(request: HttpRequest, participant: Participant) -> Course | None:
    """`?course=7`, else the newest; None where there is none. Raises Http404."""
    wanted = query_params.whole_number(request, "course")
    courses = participant.courses.order_by("-begins_on", "-pk")
    if wanted is not None:
        return get_object_or_404(courses, pk=wanted)
    return courses.first()


def _entries(participant: Participant, course: Course | None) -> QuerySet[DiaryEntry]:
    """Those of a course, or all; oldest first."""
    found = selectors.entries_of(participant).select_related("clinic", "participant").order_by("begun_at", "pk")
    if course is None:
        return found
    found = found.filter(begun_on__gte=course.begins_on)
    return found if course.ended_on is None else found.filter(begun_on__lte=course.ended_on)


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.course")
def course_pdf(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return a course on paper."""
    course = _course(request, participant)
    with translation.override(file_responses.language_of(request)):
        made = pdf_documents.course_paper(participant, course)
    return file_responses.file_answer(made, file_responses.PDF, f"{participant.pseudonym}-{timezone.localdate()}.pdf")


@require_safe
@about_participant(Permission.SEE_DIARY, "papers.comparison")
def comparison(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Show entry and exit of a course, each figure with its change, its limit and its source."""
    course = _course(request, participant)
    shown = {
        "participant": participant,
        "course": course,
        "comparison": comparison_of(participant, course),
        "query": "" if course is None else f"?course={course.pk}",
        "tab": "course",
    }
    return render(request, "papers/comparison.html", shown)


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.comparison")
def comparison_pdf(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return entry and exit on paper."""
    course = _course(request, participant)
    with translation.override(file_responses.language_of(request)):
        made = pdf_documents.comparison_paper(participant, course)
    name = f"{participant.pseudonym}-{timezone.localdate()}-comparison.pdf"
    return file_responses.file_answer(made, file_responses.PDF, name)


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.files")
@after_proof("GET", "POST")
def sessions_zip(request: HttpRequest, participant: Participant) -> HttpResponseBase:
    """All files of a course's sessions."""
    entries = _entries(participant, _course(request, participant))
    left_out: list[str] = []
    made = zipped(data_export.files_of(entries, left_out=left_out))
    _tell_left_out(request, left_out)
    return file_responses.open_file_answer(
        made, file_responses.ZIP, f"{participant.pseudonym}-{timezone.localdate()}.zip"
    )


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.fhir")
@after_proof("GET", "POST")
def course_fhir(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return a course's sessions for a patient record."""
    course = _course(request, participant)
    entries = _entries(participant, course)
    assessed = participant.measurements.order_by("taken_on", "pk")
    if course is not None:
        assessed = assessed.filter(taken_on__gte=course.begins_on - COURSE_MARGIN)
    made, left_out = fhir.bundle_of_readable(
        participant,
        entries,
        transaction=_transaction(request),
        assessed=list(assessed),
        estimates=estimates_of(participant, selectors.points_of(entries)),
    )
    _tell_left_out(request, left_out)
    return file_responses.file_answer(
        made, file_responses.FHIR, f"{participant.pseudonym}-{timezone.localdate()}.fhir.json"
    )


@require_http_methods(GET_OR_POST)
@about_participant(Permission.EXPORT_PERSON, "papers.letter")
def letter(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Write the letter, look at it, and set it."""
    entries = list(_entries(participant, _course(request, participant)))
    language = file_responses.language_of(request)
    if request.method == "POST":
        form = LetterForm(request.POST)
        if form.is_valid():
            account = account_of(request)
            table = entries if form.cleaned_data["table"] else []
            sender = account.get_full_name() or account.get_username()
            request.session["letter"] = {name: form.cleaned_data[name] for name in SIGNATURE}
            with translation.override(language):
                made = pdf_documents.letter_paper(participant, form.cleaned_data, table, sender)
            return file_responses.file_answer(
                made, file_responses.PDF, f"{participant.pseudonym}-{timezone.localdate()}-letter.pdf"
            )
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    else:
        course = _course(request, participant)
        points = selectors.points_of(entries)
        view = None
        if course is not None:
            view = course_of(selectors.plan_of(course), selectors.trained_of(points), timezone.localdate())
        plan = participant.plans.order_by("-version").first()
        assessed = LetterAssessment(
            measured=tuple(histories(participant.measurements.all())),
            clearance=newest_of(participant),
        )
        with translation.override(language):
            drafted = proposed(participant, points, view, plan, selectors.person_of(participant), assessed)
            form = LetterForm(initial=drafted | request.session.get("letter", {}))
        status = HTTPStatus.OK
    shown = {"participant": participant, "form": form, "tab": "papers", "written_in": language}
    return render(request, "papers/letter.html", shown, status=status)


@require_safe
@about_participant(Permission.SEE_AUDIT, "who_looked_read")
def looked_pdf(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Who has looked, on paper."""
    with translation.override(file_responses.language_of(request)):
        made = pdf_documents.looked_paper(participant)
    return file_responses.file_answer(
        made, file_responses.PDF, f"{participant.pseudonym}-{timezone.localdate()}-log.pdf"
    )


@require_safe
@about_participant(Permission.EXPORT_PERSON, "papers.everything")
@after_proof("GET", "POST")
def everything_zip(request: HttpRequest, participant: Participant) -> HttpResponseBase:
    """Everything about the participant, for themselves."""
    left_out: list[str] = []
    made = data_export.everything(participant, left_out)
    _tell_left_out(request, left_out)
    return file_responses.open_file_answer(
        made, file_responses.ZIP, f"{participant.pseudonym}-{timezone.localdate()}-all.zip"
    )


@require_http_methods(GET_OR_POST)
@about_participant(Permission.HAND_OVER, "papers.hand_over")
@after_proof("GET", "POST")
def hand_over(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Choose what goes along; then the passphrase is shown, once, with the button that makes the file."""
    form = HandOverForm(request.POST if request.method == "POST" else None, participant)
    shown = {"participant": participant, "form": form, "tab": "papers"}
    if request.method != "POST":
        return render(request, "papers/hand_over.html", shown)
    if not form.is_valid():
        return render(request, "papers/hand_over.html", shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    passphrase = transfer_file.new_passphrase()
    told = {
        "participant": participant.pk,
        "passphrase": passphrase,
        "notes": [note.pk for note in form.cleaned_data.get("notes", ())],
        "to": form.cleaned_data["to"],
        "ends": form.cleaned_data["ends"],
    }
    return render(
        request,
        "papers/passphrase.html",
        {
            **shown,
            "passphrase": passphrase,
            "order": signing.dumps(told, salt=SALT),
            "fingerprint": transfer_file.own_fingerprint(participant.clinic.code),
        },
    )


@require_POST
@about_participant(Permission.HAND_OVER, "papers.hand_over")
@after_proof("POST")
def hand_over_file(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Return the file, encrypted with the passphrase that was just shown."""
    try:
        told = signing.loads(request.POST.get("order", ""), salt=SALT, max_age=DOWNLOAD_WITHIN_S)
    except signing.BadSignature:
        told = {}
    if told.get("participant") != participant.pk:
        messages.error(request, _("The passphrase is older than an hour. Begin again; nothing was handed over."))
        return redirect("papers_of:hand_over", participant.clinic.code, participant.pseudonym)
    notes = list(participant.notes.filter(pk__in=told["notes"]).order_by("made_at"))
    made = transfer.make(participant, account_of(request), told["passphrase"], notes, told["to"], ends=told["ends"])
    return file_responses.file_answer(made, file_responses.BYTES, f"{participant.pseudonym}-{timezone.localdate()}.age")


@require_http_methods(GET_OR_POST)
@about_participant(Permission.DELETE_PERSON, "papers.delete")
@after_proof("GET", "POST")
def delete(request: HttpRequest, participant: Participant) -> HttpResponse:
    """Twice confirmed: the pseudonym is typed, then all that goes is told once more."""
    form = DeleteForm(request.POST if request.method == "POST" else None, participant)
    shown = {
        "participant": participant,
        "form": form,
        "sessions": DiaryEntry.objects.filter(participant=participant).count(),
        "notes": participant.notes.count(),
        "plans": participant.plans.count(),
        "tab": "papers",
    }
    if request.method != "POST":
        return render(request, "papers/delete.html", shown)
    if not form.is_valid():
        return render(request, "papers/delete.html", shown, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    if request.POST.get("sure") != "yes":
        return render(request, "papers/delete_sure.html", shown)
    clinic = participant.clinic
    done = deletion.delete(participant, account_of(request))
    messages.success(
        request,
        ngettext(
            "All about the participant is deleted, %(count)s session with it. The machines get to know it.",
            "All about the participant is deleted, %(count)s sessions with it. The machines get to know it.",
            done.sessions,
        )
        % {"count": done.sessions},
    )
    if done.mentioned:
        messages.warning(
            request,
            ngettext(
                "The name stands in %(count)s note on someone else. Look it up and change it.",
                "The name stands in %(count)s notes on others. Look them up and change them.",
                done.mentioned,
            )
            % {"count": done.mentioned},
        )
    return redirect("people:list", clinic.code)
