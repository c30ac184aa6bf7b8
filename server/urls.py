"""Where each page is. Every room of the server has its own list; each name is `<room>:<page>`."""

from django.urls import include, path

from server.web import health, metrics

urlpatterns = [
    path("", include("server.web.urls")),
    path("c/<slug:clinic>/room/", include("server.live.urls")),
    path("c/<slug:clinic>/follow-up/", include("server.follow_up.urls")),
    path("c/<slug:clinic>/week/", include("server.appointments.urls")),
    path("calendar/", include("server.appointments.feed_urls")),
    path("c/<slug:clinic>/participants/", include("server.people.urls")),
    path("c/<slug:clinic>/participants/<slug:pseudonym>/", include("server.assessment.urls")),
    path("c/<slug:clinic>/", include("server.diary.urls")),
    path("c/<slug:clinic>/papers/", include("server.documents.urls")),
    path("c/<slug:clinic>/participants/<slug:pseudonym>/papers/", include("server.documents.participant_urls")),
    path("c/<slug:clinic>/manage/", include("server.accounts.urls")),
    path("c/<slug:clinic>/log/", include("server.audit.urls")),
    path("drafts/", include("server.drafts.urls")),
    path("network/", include("server.regional_statistics.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("health/figures", metrics.show_metrics),
]

handler400 = "server.web.error_views.bad_request"
handler403 = "server.web.error_views.refused"
handler404 = "server.web.error_views.not_found"
handler500 = "server.web.error_views.broken"
