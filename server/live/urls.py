"""The live room, below `/c/<clinic>/room/`."""

from django.urls import path

from server.live import views

app_name = "room"
urlpatterns = [
    path("", views.index, name="index"),
    path("wall/", views.wall, name="wall"),
    path("stream", views.stream, name="stream"),
    path("command", views.command, name="command"),
    path("seen", views.acknowledge, name="acknowledge"),
]
