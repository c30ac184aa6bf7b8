"""One session: its page, its trace for the picture, notes, and for whom it counts. Each look is logged."""

from uuid import UUID

import msgspec
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from coach.model.events import Direction
from server.accounts.access import account_of, in_clinic
from server.accounts.memberships import allowed
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary import selectors
from server.diary.event_words import SIGNALS, advice_words, phase_title
from server.diary.forms import ReassignForm, SessionNoteForm
from server.diary.models import DiaryEntry, Reassignment
from server.diary.reassignment import SessionConflictError, reassign
from server.diary.session_page import comparison_table, session_page
from server.diary.session_trace import SessionTrace, trace_of
from server.people.models import Note, Participant
from sync.errors import WireError


class TraceWords(msgspec.Struct, frozen=True):
    """What the picture says, in the page's language."""

    phases: tuple[str, ...]
    advice: tuple[str, ...]
    signal: dict[str, str]


class TraceAnswer(msgspec.Struct, frozen=True):
    """What the page's script is given."""

    trace: SessionTrace
    words: TraceWords


@require_safe
@in_clinic(Permission.SEE_DIARY)
def session(request: HttpRequest, clinic: Clinic, session_id: UUID) -> HttpResponse:
    """Return the session's page."""
    entry = selectors.entry_in(clinic, session_id)
    _log(request, clinic, entry, "see session")
    return _render_session(request, clinic, entry, SessionNoteForm())


@require_safe
@in_clinic(Permission.SEE_DIARY)
def trace(request: HttpRequest, clinic: Clinic, session_id: UUID) -> HttpResponse:
    """Return the samples, in columns. 404 where the raw data's time is over, or they cannot be read."""
    entry = selectors.entry_in(clinic, session_id)
    found = selectors.one_session(entry).delivery
    if found is None:
        raise Http404
    try:
        made = trace_of(found)
    except WireError as error:
        raise Http404 from error
    _log(request, clinic, entry, "see trace")
    words = TraceWords(
        phases=tuple(phase_title(one.kind, one.interval) for one in made.phases),
        advice=tuple(advice_words(Direction(told[1]), *told[2:]) for told in made.advice),
        signal={state.value: str(words) for state, words in SIGNALS.items()},
    )
    return HttpResponse(msgspec.json.encode(TraceAnswer(made, words)), content_type="application/json")


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def note(request: HttpRequest, clinic: Clinic, session_id: UUID) -> HttpResponse:
    """Add a therapist's note."""
    entry = selectors.entry_in(clinic, session_id)
    if entry.participant is None:
        raise Http404
    form = SessionNoteForm(
        request.POST,
        instance=Note(participant=entry.participant, session_id=session_id, made_by=account_of(request)),
    )
    _log(request, clinic, entry, "add note", Permission.CHANGE_DIARY)
    if not form.is_valid():
        return _render_session(request, clinic, entry, form, status=400)
    form.save()
    messages.success(request, _("The note is kept."))
    return redirect("diary:session", clinic.code, session_id)


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.CHANGE_DIARY)
def reassigned(request: HttpRequest, clinic: Clinic, session_id: UUID) -> HttpResponse:
    """Count it for another participant: choose and say why, look at both names once more, confirm."""
    entry = selectors.entry_in(clinic, session_id)
    form = ReassignForm(request.POST if request.method == "POST" else None, clinic, entry)
    context = {"clinic": clinic, "entry": entry, "form": form}
    if request.method != "POST":
        _log(request, clinic, entry, "see session", Permission.CHANGE_DIARY)
        return render(request, "diary/reassign.html", context)
    if not form.is_valid():
        return render(request, "diary/reassign.html", context, status=400)
    after: Participant | None = form.cleaned_data["after"]
    if request.POST.get("sure") != "yes":
        context["after"] = after
        return render(request, "diary/reassign_sure.html", context)
    try:
        reassign(entry, entry.participant, after, account_of(request), form.cleaned_data["reason"])
    except SessionConflictError:
        form.add_error(
            None, _("Someone else has reassigned this session in the meantime. Look at it again, and choose again.")
        )
        return render(request, "diary/reassign.html", context, status=409)
    if after is None:
        messages.success(request, _("The session counts for no one now."))
    else:
        messages.success(request, _("The session counts for %(name)s now.") % {"name": after.told_apart})
    return redirect("diary:session", clinic.code, session_id)


def _log(
    request: HttpRequest, clinic: Clinic, entry: DiaryEntry, action: str, may: Permission = Permission.SEE_DIARY
) -> None:
    told = {"session": str(entry.session_id)}
    record(account_of(request), action, clinic=clinic, may=may, participant=entry.participant, **told)


def _render_session(
    request: HttpRequest, clinic: Clinic, entry: DiaryEntry, note_form: SessionNoteForm, status: int = 200
) -> HttpResponse:
    found = selectors.one_session(entry)
    page = session_page(found.summary, found.delivery, flaw=found.flaw, clock_trusted=entry.clock_trusted)
    before, after = selectors.neighbours_of(entry)
    before_summary = selectors.summary_of(before) if before else None
    notes: list[Note] = []
    if entry.participant is not None:
        of_session = Note.objects.filter(participant=entry.participant, session_id=entry.session_id)
        notes = list(of_session.select_related("made_by").order_by("made_at"))
    reassignments = Reassignment.objects.filter(entry=entry).select_related("before", "after", "made_by")
    context = {
        "clinic": clinic,
        "entry": entry,
        "participant": entry.participant,
        "page": page,
        "before": before,
        "after": after,
        "compared": comparison_table(
            found.summary, found.delivery, before_summary, before.begun_on if before else None
        ),
        "unlike": before is not None and before.protocol != entry.protocol,
        "title": _title(found),
        "revision": found.revision,
        "notes": notes,
        "note_form": note_form,
        "reassignments": list(reassignments.order_by("made_at", "pk")),
        "may_change": allowed(account_of(request), clinic, Permission.CHANGE_DIARY),
        "labels": _labels(),
        "tab": "session",
    }
    return render(request, "diary/session.html", context, status=status)


def _title(found: selectors.SessionDetail) -> str:
    """Return what people call the protocol."""
    if found.delivery is None:
        return found.entry.protocol
    titles = found.delivery.protocol.titles
    return titles.get(get_language() or "nb", found.entry.protocol)


def _labels() -> dict[str, str]:
    """Return what the picture's script says."""
    return {
        "bpm": _("beats/min"),
        "rate": _("Heart rate"),
        "noRate": _("no heart rate"),
        "doubtful": _("looks wrong"),
        "expected": _("Expected at the interval's end"),
        "speed": _("Speed, km/h"),
        "incline": _("Incline, %"),
        "paused": _("paused"),
        "ceiling": _("Ceiling"),
        "zone": _("Zone"),
        "overlay": _("Last session"),
        "noOverlay": _("The trace of the last session is not kept any more."),
        "showInterval": _("Show in the picture"),
        "failed": _("The trace could not be fetched. Load the page again."),
        "kmh": _("km/h"),
    }
