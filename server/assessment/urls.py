"""Assessment of a participant, below `/c/<clinic>/participants/<pseudonym>/`."""

from django.urls import path

from server.assessment import views_clearance

app_name = "assessment"
urlpatterns = [
    path("clearance/", views_clearance.clearance, name="clearance"),
    path("clearance/uphold/", views_clearance.uphold, name="uphold"),
]
