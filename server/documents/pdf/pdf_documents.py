"""The papers themselves: a session, a course, a letter, who has looked, a report. Each in the language at hand."""

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from server.audit.models import Entry
from server.audit.pages import rows_of
from server.diary import selectors
from server.diary.course.page import CoursePage, course_page
from server.diary.course.plots import plots
from server.diary.course.schedule import course_of
from server.diary.formatting import day
from server.diary.models import DiaryEntry
from server.diary.selectors import SessionDetail
from server.diary.session_page import session_page
from server.diary.session_trace import trace_of
from server.documents.comparison import comparison_of
from server.documents.export.activity import ActivityReport
from server.documents.pdf.drawing import as_image, plot_svg, trace_svg
from server.documents.pdf.letter import signed_today
from server.documents.pdf.renderer import paper
from server.people.models import Course, Note, Participant
from sync.errors import WireError

MOST_PLOTTED = 60


def session_paper(session: SessionDetail, participant: Participant) -> bytes:
    """One session."""
    page = session_page(session.summary, session.delivery, flaw=session.flaw, clock_trusted=session.entry.clock_trusted)
    image = ""
    if session.delivery is not None:
        try:
            image = as_image(trace_svg(trace_of(session.delivery)))
        except WireError:
            image = ""
    notes = Note.objects.filter(participant=participant, session_id=session.entry.session_id).select_related("made_by")
    titles = {} if session.delivery is None else session.delivery.protocol.titles
    shown = {
        "participant": participant,
        "entry": session.entry,
        "protocol": titles.get(get_language() or "nb", session.entry.protocol),
        "page": page,
        "image": image,
        "notes": list(notes.order_by("made_at")),
    }
    title = _("Session, %(day)s") % {"day": day(session.entry.begun_on)}
    return paper("papers/print/session.html", shown, title=title, made_for=participant.clinic.name)


def course_paper(participant: Participant, course: Course | None) -> bytes:
    """Return a course; without one, all sessions (the last 60)."""
    entries = selectors.entries_of(participant)
    if course is not None:
        entries = entries.filter(begun_on__gte=course.begins_on)
        if course.ended_on is not None:
            entries = entries.filter(begun_on__lte=course.ended_on)
    rows = sorted(entries[: 400 if course else MOST_PLOTTED], key=lambda one: (one.begun_at, one.pk))
    points, person = selectors.points_of(rows), selectors.person_of(participant)
    page: CoursePage | None = None
    if course is not None:
        view = course_of(selectors.plan_of(course), selectors.trained_of(points), timezone.localdate())
        page = course_page(view, points, person)
    drawn = page.plots if page is not None else plots(points, person)
    shown = {
        "participant": participant,
        "course": course,
        "page": page,
        "plots": [(plot, as_image(plot_svg(plot))) for plot in drawn if len(points) > 1],
        "entries": rows,
    }
    title = _("Course") if course is not None else _("Sessions")
    return paper("papers/print/course.html", shown, title=title, made_for=participant.clinic.name)


def comparison_paper(participant: Participant, course: Course | None) -> bytes:
    """Return entry and exit of a course."""
    shown = {"participant": participant, "course": course, "comparison": comparison_of(participant, course)}
    made_for = participant.clinic.name
    return paper("papers/print/comparison.html", shown, title=_("Entry and exit"), made_for=made_for)


def letter_paper(participant: Participant, told: dict[str, object], entries: list[DiaryEntry], sender: str) -> bytes:
    """Return a letter as it was written."""
    shown = {"participant": participant, "told": told, "entries": entries, "sender": sender, "today": signed_today()}
    return paper("papers/print/letter.html", shown, title=str(told["subject"]), made_for=participant.clinic.name)


def looked_paper(participant: Participant) -> bytes:
    """Who has looked, for the participant."""
    found = Entry.objects.filter(clinic=participant.clinic.code, participant=participant.pseudonym).order_by("-number")
    shown = {"participant": participant, "rows": rows_of(list(found))}
    return paper("papers/print/looked.html", shown, title=_("Access history"), made_for=participant.clinic.name)


def report_paper(report: ActivityReport, clinic_name: str) -> bytes:
    """Return an activity report."""
    return paper("papers/print/report.html", {"report": report}, title=_("Activity report"), made_for=clinic_name)
