"""Assessment of a participant, below `/c/<clinic>/participants/<pseudonym>/`."""

from django.urls import path

from server.assessment import views_clearance, views_measures

app_name = "assessment"
urlpatterns = [
    path("clearance/", views_clearance.clearance, name="clearance"),
    path("clearance/uphold/", views_clearance.uphold, name="uphold"),
    path("measures/", views_measures.measures, name="measures"),
    path("measures/add/", views_measures.add_measures, name="add_measures"),
    path("measures/<int:measurement>/remove/", views_measures.remove_measure, name="remove_measure"),
]
