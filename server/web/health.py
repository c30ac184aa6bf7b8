"""For whoever watches the server: does it run, and can it serve? Nothing is told that a stranger could use."""

import time
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from server.accounts.access import for_nobody_in_particular
from server.models import MachineState


@for_nobody_in_particular
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers."""
    return HttpResponse("live\n", content_type="text/plain")


@for_nobody_in_particular
@require_safe
def ready(_request: HttpRequest) -> HttpResponse:
    """Whether the database answers, and how long ago the collector last heard from a machine, in s; null: never.

    503 where the database does not answer. A long silence is no fault of the pages: at night no machine is on.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        heard_s = MachineState.objects.order_by("-heard_wall_s").values_list("heard_wall_s", flat=True).first()
    except DatabaseError:
        return JsonResponse({"database": False}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    age_s = None if heard_s is None else round(max(0.0, time.time() - heard_s))
    return JsonResponse({"database": True, "machines_heard_s_ago": age_s, "pages": settings.PAGES_VERSION})
