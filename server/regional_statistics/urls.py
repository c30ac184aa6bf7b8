"""The network's sums, below `/network/`."""

from django.urls import path

from server.regional_statistics import views

app_name = "network"
urlpatterns = [
    path("", views.index, name="index"),
    path("figures.csv", views.as_csv, name="csv"),
    path("kinds/", views.kinds, name="kinds"),
    path("clinics/<slug:clinic>/", views.clinic, name="clinic"),
]
