"""The follow-up list, below `/c/<clinic>/follow-up/`."""

from django.urls import path

from server.follow_up import pages

app_name = "follow_up"
urlpatterns = [
    path("", pages.board, name="list"),
    path("decide/", pages.decided, name="decide"),
    path("limits/", pages.limits, name="limits"),
]
