"""The week, below `/c/<clinic>/week/`."""

from django.urls import path

from server.appointments import feed_pages, pages

app_name = "appointments"
urlpatterns = [
    path("", pages.week, name="week"),
    path("fill/", pages.fill, name="fill"),
    path("fill/groups/", pages.fill_groups, name="fill_groups"),
    path("copy/", pages.copy, name="copy"),
    path("single/", pages.single, name="single"),
    path("list/", pages.paper, name="paper"),
    path("appointment/<int:appointment>/absence/", pages.absence, name="absence"),
    path("times/", pages.times, name="times"),
    path("times/<int:fixed>/end/", pages.end_time, name="end_time"),
    path("closed/", pages.closed, name="closed"),
    path("calendar/", feed_pages.subscriptions, name="subscriptions"),
    path("calendar/end/", feed_pages.end_subscription, name="end_subscription"),
]
