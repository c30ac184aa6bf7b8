"""A clinic's papers and files, below `/c/<clinic>/papers/`."""

from django.urls import path

from server.documents import views_clinic

app_name = "papers"
urlpatterns = [
    path("", views_clinic.reports, name="reports"),
    path("report.csv", views_clinic.report_csv, name="report_csv"),
    path("report.xlsx", views_clinic.report_xlsx, name="report_xlsx"),
    path("report.pdf", views_clinic.report_pdf, name="report_pdf"),
    path("codes/", views_clinic.codes, name="codes"),
    path("codes/<int:code>/remove/", views_clinic.remove_code, name="remove_code"),
    path("take-over/", views_clinic.take_over, name="take_over"),
    path("research/", views_clinic.research_export, name="research"),
    path("research/<int:release>/", views_clinic.research_release, name="research_release"),
]
