"""The diary, below `/c/<clinic>/`: the clinic's days, one session, and a participant's diary and course."""

from django.urls import path

from server.diary import views_clinic, views_participant, views_session

app_name = "diary"
_SESSION = "diary/session/<uuid:session_id>/"
_PERSON = "participants/<slug:pseudonym>/"
urlpatterns = [
    path("diary/", views_clinic.days, name="days"),
    path("diary/unassigned/", views_clinic.unassigned, name="unassigned"),
    path(_SESSION, views_session.session, name="session"),
    path(f"{_SESSION}trace.json", views_session.trace, name="trace"),
    path(f"{_SESSION}note/", views_session.note, name="note"),
    path(f"{_SESSION}reassign/", views_session.reassigned, name="reassign"),
    path(f"{_PERSON}diary/", views_participant.calendar, name="calendar"),
    path(f"{_PERSON}diary/list/", views_participant.list_sessions, name="list"),
    path(f"{_PERSON}course/", views_participant.course, name="course"),
    path(f"{_PERSON}course/begin/", views_participant.begin_course, name="begin_course"),
    path(f"{_PERSON}course/<int:course>/end/", views_participant.end_course, name="end_course"),
]
