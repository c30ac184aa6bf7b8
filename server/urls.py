"""Where each page is. Every room of the server has its own list; each name is `<room>:<page>`."""

from django.urls import include, path

from server.web import figures, health

urlpatterns = [
    path("", include("server.web.urls")),
    path("c/<slug:clinic>/room/", include("server.room.urls")),
    path("c/<slug:clinic>/participants/", include("server.people.urls")),
    path("c/<slug:clinic>/", include("server.diary.urls")),
    path("c/<slug:clinic>/papers/", include("server.papers.urls")),
    path("c/<slug:clinic>/participants/<slug:pseudonym>/papers/", include("server.papers.urls_of")),
    path("c/<slug:clinic>/manage/", include("server.clinics.urls")),
    path("c/<slug:clinic>/log/", include("server.audit.urls")),
    path("network/", include("server.network.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("health/figures", figures.told),
]

handler400 = "server.web.failures.bad_request"
handler403 = "server.web.failures.refused"
handler404 = "server.web.failures.not_found"
handler500 = "server.web.failures.broken"
