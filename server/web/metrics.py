"""The web processes' figures for Prometheus: how many answers, how fast, by page. Whoever looked at whom is not told.

Several processes serve the pages, so each writes its figures into a file of the clinic's folder, and whichever is asked
adds them up (prometheus_client's multiprocess mode). Only somebody on this computer is told.
"""

import os
import time
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.http import require_safe

from server.accounts.access import for_nobody_in_particular
from server.web.addresses import is_loopback
from server.web.headers import Later, Next
from server.web.metrics_folder import FOLDER_VARIABLE

UNKNOWN = "none"


class _Figures:
    """Made at the first answer: prometheus_client looks at the environment when it is imported."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram  # noqa: PLC0415 - see above

        nowhere = CollectorRegistry()
        self.answers = Counter(
            "interval_coach_web_answers", "Answers, by page and status", ["page", "status"], registry=nowhere
        )
        self.seconds = Histogram(
            "interval_coach_web_answer_seconds",
            "Time to an answer's beginning",
            buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
            registry=nowhere,
        )


_made: list[_Figures] = []


def _figures() -> _Figures:
    if not _made:
        _made.append(_Figures())
    return _made[0]


@sync_and_async_middleware
def counted(get_response: Next | Later) -> Next | Later:
    """Count answers, where figures are kept."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            began_s = time.perf_counter()
            return _count(request, await cast("Later", get_response)(request), began_s)

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        began_s = time.perf_counter()
        return _count(request, cast("Next", get_response)(request), began_s)

    return now


def _count(request: HttpRequest, response: HttpResponseBase, began_s: float) -> HttpResponseBase:
    if FOLDER_VARIABLE in os.environ:
        # The page's name, never its address: that one names a participant.
        match = request.resolver_match
        page = (match.view_name if match is not None else "") or UNKNOWN
        figures = _figures()
        figures.answers.labels(page, str(response.status_code)).inc()
        figures.seconds.observe(time.perf_counter() - began_s)
    return response


@for_nobody_in_particular
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponse:
    """Return the figures of all processes together, for whoever asks on this computer; nobody else finds the page."""
    here = is_loopback(str(request.META.get("REMOTE_ADDR", ""))) and "X-Forwarded-For" not in request.headers
    if not here:
        raise Http404
    if FOLDER_VARIABLE not in os.environ:
        return HttpResponse("# This process keeps no figures.\n", content_type="text/plain; charset=utf-8")
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - see `_Figures`
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest  # noqa: PLC0415 - as above
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415 - as above

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library's own
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
