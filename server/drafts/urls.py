"""Drafts, below `/drafts/`."""

from django.urls import path

from server.drafts import views

app_name = "drafts"
urlpatterns = [
    path("state/", views.state, name="state"),
    path("keep/", views.keep, name="keep"),
    path("back/", views.back, name="back"),
]
