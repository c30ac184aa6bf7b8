"""Participants and their plans, below `/c/<clinic>/participants/`."""

from django.urls import path

from server.people import views_list, views_person, views_plan

app_name = "people"
_PERSON = "<slug:pseudonym>/"
urlpatterns = [
    path("", views_list.people, name="list"),
    path("new/", views_list.new, name="new"),
    path(_PERSON, views_person.overview, name="overview"),
    path(f"{_PERSON}edit/", views_person.edit, name="edit"),
    path(f"{_PERSON}note/", views_person.note, name="note"),
    path(f"{_PERSON}word/", views_person.word, name="word"),
    path(f"{_PERSON}plan/", views_plan.plan, name="plan"),
    path(f"{_PERSON}plan/change/", views_plan.change_plan, name="change_plan"),
    path(f"{_PERSON}plan/proposal/", views_plan.use_proposal, name="use_proposal"),
    path(f"{_PERSON}plan/open-training/", views_plan.open_training, name="open_training"),
    path(f"{_PERSON}plan/end/", views_plan.end_plan, name="end_plan"),
]
