"""Papers and files about one participant, below `/c/<clinic>/participants/<pseudonym>/papers/`."""

from django.urls import path

from server.documents import views_participant

app_name = "papers_of"
_SESSION = "session/<uuid:session_id>/"
urlpatterns = [
    path("", views_participant.index, name="index"),
    path(f"{_SESSION}session.pdf", views_participant.session_pdf, name="session_pdf"),
    path(f"{_SESSION}session.fit", views_participant.session_fit, name="session_fit"),
    path(f"{_SESSION}session.csv", views_participant.session_csv, name="session_csv"),
    path(f"{_SESSION}session.xlsx", views_participant.session_xlsx, name="session_xlsx"),
    path(f"{_SESSION}session.json", views_participant.session_json, name="session_json"),
    path(f"{_SESSION}session.fhir.json", views_participant.session_fhir, name="session_fhir"),
    path("course.pdf", views_participant.course_pdf, name="course_pdf"),
    path("course.fhir.json", views_participant.course_fhir, name="course_fhir"),
    path("sessions.zip", views_participant.sessions_zip, name="sessions_zip"),
    path("comparison/", views_participant.comparison, name="comparison"),
    path("comparison.pdf", views_participant.comparison_pdf, name="comparison_pdf"),
    path("letter/", views_participant.letter, name="letter"),
    path("who-looked.pdf", views_participant.looked_pdf, name="looked_pdf"),
    path("everything.zip", views_participant.everything_zip, name="everything_zip"),
    path("hand-over/", views_participant.hand_over, name="hand_over"),
    path("hand-over/file/", views_participant.hand_over_file, name="hand_over_file"),
    path("delete/", views_participant.delete, name="delete"),
]
