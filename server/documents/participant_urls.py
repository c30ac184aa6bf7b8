"""Papers and files about one participant, below `/c/<clinic>/participants/<pseudonym>/papers/`."""

from django.urls import path

from server.papers import views_person

app_name = "papers_of"
_SESSION = "session/<uuid:session_id>/"
urlpatterns = [
    path("", views_person.index, name="index"),
    path(f"{_SESSION}session.pdf", views_person.session_pdf, name="session_pdf"),
    path(f"{_SESSION}session.fit", views_person.session_fit, name="session_fit"),
    path(f"{_SESSION}session.csv", views_person.session_csv, name="session_csv"),
    path(f"{_SESSION}session.xlsx", views_person.session_xlsx, name="session_xlsx"),
    path(f"{_SESSION}session.json", views_person.session_json, name="session_json"),
    path(f"{_SESSION}session.fhir.json", views_person.session_fhir, name="session_fhir"),
    path("course.pdf", views_person.course_pdf, name="course_pdf"),
    path("course.fhir.json", views_person.course_fhir, name="course_fhir"),
    path("sessions.zip", views_person.sessions_zip, name="sessions_zip"),
    path("letter/", views_person.letter, name="letter"),
    path("who-looked.pdf", views_person.looked_pdf, name="looked_pdf"),
    path("everything.zip", views_person.everything_zip, name="everything_zip"),
    path("hand-over/", views_person.hand_over, name="hand_over"),
    path("hand-over/file/", views_person.hand_over_file, name="hand_over_file"),
    path("delete/", views_person.delete, name="delete"),
]
