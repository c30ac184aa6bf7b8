"""Calendar subscriptions: making and ending one's own, and the feed that a calendar program reads.

The address is the key, so it is long, random, kept as a hash, shown once, and worth nothing when its account is closed,
has another password or has no role at the clinic any more. The feed holds pseudonyms, times and machines, and no name.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from http import HTTPStatus

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import account_of, after_proof, for_nobody_in_particular, in_clinic
from server.accounts.memberships import allowed
from server.accounts.models import Clinic
from server.accounts.roles import Permission
from server.appointments.calendar_text import calendar_of
from server.appointments.models import Appointment, CalendarFeed
from server.audit.record import record
from server.limits.failure_rate import FailureRate
from server.web.addresses import client_address

SECRET_BYTES = 32
AHEAD, BACK = timedelta(days=180), timedelta(days=30)
LOGGED_EVERY = timedelta(hours=1)
"""A calendar program asks several times an hour: one line in the access log for all of them."""
MOST_EVENTS = 5000
WAIT_S = 300

wrong_secrets = FailureRate(from_one=20, from_all=500, within_s=WAIT_S)
reads = FailureRate(from_one=60, from_all=20_000, within_s=WAIT_S)
"""Reads of one feed: far more than any calendar program makes."""


@require_http_methods(["GET", "HEAD", "POST"])
@after_proof("POST")
@in_clinic(Permission.SEE_DIARY)
def subscriptions(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show one's own subscription, and make a new one in the place of the old."""
    account = account_of(request)
    address = ""
    if request.method == "POST":
        secret = secrets.token_urlsafe(SECRET_BYTES)
        only_own = request.POST.get("whose") != "all"
        with transaction.atomic():
            CalendarFeed.objects.filter(account=account, clinic=clinic).delete()
            CalendarFeed.objects.create(
                account=account,
                clinic=clinic,
                secret_sha256=hash_of(secret),
                auth_hash=account.get_session_auth_hash(),
                only_own=only_own,
            )
            record(account, "appointments.feed_made", clinic=clinic, may=Permission.SEE_DIARY)
        address = request.build_absolute_uri(reverse("calendar:feed", args=[secret]))
    kept = CalendarFeed.objects.filter(account=account, clinic=clinic).first()
    if kept is not None and not may_read(kept):
        kept = None
    shown = {"clinic": clinic, "kept": kept, "address": address}
    answer = render(request, "appointments/subscriptions.html", shown)
    patch_cache_control(answer, no_store=True)
    return answer


@require_POST
@in_clinic(Permission.SEE_DIARY)
def end_subscription(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """End one's own subscription: its address is worth nothing from now on."""
    account = account_of(request)
    with transaction.atomic():
        CalendarFeed.objects.filter(account=account, clinic=clinic).delete()
        record(account, "appointments.feed_ended", clinic=clinic, may=Permission.SEE_DIARY)
    messages.success(request, _("The address is closed."))
    return redirect("appointments:subscriptions", clinic.code)


@for_nobody_in_particular
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """Answer a calendar program that knows the secret; 404 to any other, 429 to one that asks too often."""
    caller = client_address(request)
    if wrong_secrets.too_many(caller):
        return _wait()
    found = CalendarFeed.objects.select_related("account", "clinic").filter(secret_sha256=hash_of(secret)).first()
    if found is None or not may_read(found):
        wrong_secrets.note(caller)
        raise Http404
    if reads.too_many(str(found.pk)):
        return _wait()
    reads.note(str(found.pk))
    now = timezone.now()
    _log(found, now)
    with translation.override(found.account.language):
        text = _text(found, now)
    answer = HttpResponse(text, content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="week.ics"'
    patch_cache_control(answer, private=True, no_store=True)
    return answer


def hash_of(secret: str) -> str:
    """Return by what a secret is kept and found."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def may_read(kept: CalendarFeed) -> bool:
    """Return whether the address still serves: its account is open, unchanged, and may see the clinic's week."""
    account = kept.account
    unchanged = constant_time_compare(kept.auth_hash, account.get_session_auth_hash())
    return account.is_active and unchanged and allowed(account, kept.clinic, Permission.SEE_DIARY)


def events_of(found: CalendarFeed, now: datetime) -> list[Appointment]:
    """Return the appointments that a feed tells, the soonest first."""
    rows = found.clinic.appointments.filter(
        begins_at__gte=now - BACK, begins_at__lt=now + AHEAD, participant__active=True
    )
    if found.only_own:
        rows = rows.filter(participant__responsible=found.account)
    return list(rows.select_related("participant").order_by("begins_at", "pk")[:MOST_EVENTS])


def _text(found: CalendarFeed, now: datetime) -> str:
    name = _("Training, %(clinic)s") % {"clinic": found.clinic.name}
    return calendar_of(
        events_of(found, now), name, now, _("Training {who}, {machine}"), f"{found.clinic.code}.interval-coach"
    )


def _log(found: CalendarFeed, now: datetime) -> None:
    """Note the read, and log it once an hour."""
    if found.read_at is not None and timedelta(0) <= now - found.read_at < LOGGED_EVERY:
        return
    with transaction.atomic():
        CalendarFeed.objects.filter(pk=found.pk).update(read_at=now)
        record(found.account, "appointments.feed_read", clinic=found.clinic, may=Permission.SEE_DIARY)


def _wait() -> HttpResponse:
    answer = HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(WAIT_S)
    return answer
