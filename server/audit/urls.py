"""A clinic's access log, below `/c/<clinic>/log/`."""

from django.urls import path

from server.audit import pages

app_name = "audit"
urlpatterns = [
    path("", pages.log, name="log"),
    path("participant/<str:pseudonym>/", pages.who_looked, name="who_looked"),
]
