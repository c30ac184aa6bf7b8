"""What machines are sent of a participant's course, for the participant's own page (`coach.model.course_progress`)."""

from collections.abc import Collection
from datetime import datetime, time

from django.db.models import F

from coach.model.course_progress import CourseProgress, PastSession, Sex, TherapistWord
from coach.model.plan import COUNTS_FROM_S
from coach.progress.fitness import UNFIT_SOURCES
from server.appointments.upcoming import next_appointments
from server.diary.models import DiaryEntry
from server.people.models import Course, Participant, PlanVersion

MOST_SENT = 48
"""The newest: two whole courses, so that no plan becomes too large for the wire."""
INTERVAL_S = 240.0
"""Length of an interval in sessions that do not say how much work was planned (4×4)."""
WEEK_DAYS = 7


def course_progress(plans: Collection[PlanVersion], now: datetime) -> dict[int, CourseProgress]:
    """Return what is sent with each plan, by participant; three statements, however many they are."""
    people = {plan.participant_id: plan.participant for plan in plans}
    courses: dict[int, Course] = {}
    for course in Course.objects.filter(participant__in=people, ended_on=None).order_by("begins_on", "pk"):
        courses[course.participant_id] = course
    sessions = _sessions(people)
    expected = {who: tuple(at.timestamp() for at in times) for who, times in next_appointments(people, now).items()}
    return {
        plan.participant_id: CourseProgress(
            sessions=tuple(sessions[plan.participant_id]),
            begun_wall_s=_begun_s(people[plan.participant_id], courses.get(plan.participant_id)),
            a_week=_a_week(courses.get(plan.participant_id)),
            sex=None if plan.hr_max_source in UNFIT_SOURCES else sex_of(plan.participant),
            word=_word(plan.participant),
            appointment_wall_s=next(iter(expected.get(plan.participant_id, ())), None),
            appointments_wall_s=expected.get(plan.participant_id, ()),
        )
        for plan in plans
    }


def _sessions(people: Collection[int]) -> dict[int, list[PastSession]]:
    found: dict[int, list[PastSession]] = {one: [] for one in people}
    rows = (
        DiaryEntry.objects.filter(participant__in=people, training_s__gte=COUNTS_FROM_S)
        .order_by("-begun_at", "-pk")
        .values_list(
            "participant",
            "session_id",
            "begun_at",
            "zone_s",
            "planned_intervals",
            "third_minute_bpm",
            "speed_kmh",
            "incline_percent",
            F("stored__summary__duration_s"),
            F("stored__summary__good_work_s"),
            F("stored__summary__planned_work_s"),
        )
    )
    for who, session_id, begun_at, zone_s, intervals, bpm, speed_kmh, incline, lasted_s, good_s, planned_s in rows:
        if len(found[who]) < MOST_SENT:
            found[who].insert(
                0,
                PastSession(
                    session_id=str(session_id),
                    ended_wall_s=begun_at.timestamp() + (lasted_s or 0.0),
                    good_s=zone_s if good_s is None else good_s,
                    planned_s=intervals * INTERVAL_S if planned_s is None else planned_s,
                    third_minute_bpm=bpm,
                    speed_kmh=speed_kmh,
                    incline_percent=incline,
                ),
            )
    return found


def sex_of(participant: Participant) -> Sex | None:
    """Return the participant's sex as the fitness age's table has it; None where it is not known."""
    return "f" if participant.sex == "f" else "m" if participant.sex == "m" else None


def _begun_s(participant: Participant, course: Course | None) -> float | None:
    if course is None:
        return None
    return datetime.combine(course.begins_on, time(), participant.clinic.zone).timestamp()


def _a_week(course: Course | None) -> int | None:
    return None if course is None or course.weeks < 1 else max(1, min(round(course.sessions / course.weeks), WEEK_DAYS))


def _word(participant: Participant) -> TherapistWord | None:
    if not participant.word or participant.word_written_at is None:
        return None
    return TherapistWord(participant.word, participant.word_written_at.timestamp())
