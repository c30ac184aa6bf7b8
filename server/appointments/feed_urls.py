"""The calendar feeds, below `/calendar/`: read by calendar programs, which know the secret and nothing else."""

from django.urls import path

from server.appointments import feed_pages

app_name = "calendar"
urlpatterns = [path("<str:secret>.ics", feed_pages.feed, name="feed")]
