"""For who watches the server: does it run, can it serve, and what waits? A stranger is told yes or no alone."""

import time
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from server.accounts.access import for_nobody_in_particular
from server.accounts.message_sequences import doubled_machines, missing_messages
from server.accounts.restorations import owe_sessions
from server.audit.seal import read_verdict
from server.errors import ServerError
from server.live.models import Outgoing
from server.models import DeadLetter, MachineState, QuarantinedSession, Session, SessionPart
from server.web.addresses import is_loopback

NOT_CHECKED_S = 3 * 86_400.0
"""The access log is checked every night; after so long no one checks it any more."""


@for_nobody_in_particular
@require_safe
def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process answers."""
    return HttpResponse("live\n", content_type="text/plain")


@for_nobody_in_particular
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether the database answers: 503 where not. A person on this computer is told what waits, too.

    A long silence of the machines is no fault of the pages: at night no machine is on.
    """
    here = is_loopback(str(request.META.get("REMOTE_ADDR", ""))) and "X-Forwarded-For" not in request.headers
    try:
        # A stranger's answer costs one short question as well.
        heard_s = MachineState.objects.order_by("-heard_wall_s").values_list("heard_wall_s", flat=True).first()
        told = {"database": True} | (_figures(heard_s) if here else {})
    except DatabaseError:
        return JsonResponse({"database": False}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    return JsonResponse(told)


def _figures(heard_wall_s: float | None) -> dict[str, object]:
    now_s = time.time()
    plan = Outgoing.objects.filter(published_at=None).order_by("pk").first()
    undelivered = MachineState.objects.aggregate(count=Sum("waiting"))["count"]
    return {
        "pages": settings.PAGES_VERSION,
        "machines_heard_s_ago": None if heard_wall_s is None else round(max(0.0, now_s - heard_wall_s)),
        "sessions_on_machines": undelivered or 0,
        "sessions_to_read_through": Session.objects.filter(read_through=False).count(),
        "session_parts": SessionPart.objects.count(),
        "quarantined": QuarantinedSession.objects.count(),
        "dead_letters": DeadLetter.objects.count(),
        "plans_to_publish": Outgoing.objects.filter(published_at=None).count(),
        "plans_wait_since": None if plan is None else plan.made_at.isoformat(),
        "messages_missing": sum(one.missing for one in missing_messages(now_s).values()),
        "names_used_twice": len(doubled_machines(now_s)),
        "machines_not_delivered_again": len(owe_sessions(now_s)),
        "access_log": _access_log(now_s),
    }


def _access_log(now_s: float) -> str:
    """Return `whole`, `broken`, or `not checked`, where no one has looked lately."""
    try:
        verdict = read_verdict()
    except ServerError:
        return "broken"
    if verdict is not None and verdict.faults:
        return "broken"
    return "not checked" if verdict is None or now_s - verdict.at_wall_s > NOT_CHECKED_S else "whole"
