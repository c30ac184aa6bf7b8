"""Logging in with a password, and logging out. The one-time code comes next (`server.web.sign_in.two_factor`)."""

import logging
from datetime import timedelta
from http import HTTPStatus

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib.auth import authenticate, logout
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.access import for_account, for_nobody_in_particular
from server.accounts.models import Account
from server.audit.record import record
from server.json_logging import log_fields
from server.web import gate
from server.web.addresses import client_address, is_loopback
from server.web.language import remember
from server.web.sign_in.identity_provider import provider, provider_name

_log = logging.getLogger(__name__)

MOST_NEXT = 2_000
"""Signs of an address within these pages; a longer one is none of ours, and no browser's header need carry it."""

WRONG_FROM_ADDRESS, WRONG_FROM_ALL = 30, 1_000
"""Refused log-ins within the cool-off time: names that are made up, and one password tried on many names."""


class LogInForm(AuthenticationForm):
    """Name and password."""

    error_messages = {  # noqa: RUF012 - as Django's own form has it
        "invalid_login": _(
            "Incorrect user name or password. Check capital letters, and try again. After five wrong "
            "passwords you must wait a quarter of an hour."
        ),
        "inactive": _("This account has been closed. Ask the clinic's administrator."),
    }

    def __init__(self, request: HttpRequest | None = None, *args: object, **kwargs: object) -> None:
        """Labels of our own."""
        super().__init__(request, *args, **kwargs)
        self.fields["username"].label = _("User name")
        self.fields["password"].label = _("Password")


@for_nobody_in_particular
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def log_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password."""
    if request.user.is_authenticated and gate.verified(request):
        return HttpResponseRedirect(onward(request))
    form = LogInForm(request, request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        if _guesses_too_much(request):
            return shut_out(request)
        if form.is_valid():
            account = form.get_user()
            gate.enter(request, account)
            record(account, "log_in_password")
            if _needs_no_code(request, account):
                request.session[gate.STRONG] = True
                response = HttpResponseRedirect(onward(request), status=HTTPStatus.SEE_OTHER)
                remember(response, account.language)
                return response
            code = f"{reverse('web:code')}?{urlencode({'next': onward(request)})}"
            response = HttpResponseRedirect(code, status=HTTPStatus.SEE_OTHER)
            remember(response, account.language)
            return response
        refused(request.POST.get("username", ""))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    shown = {"form": form, "next": onward(request), "provider": provider_name()}
    return render(request, "web/log_in.html", shown, status=status)


def _needs_no_code(request: HttpRequest, account: Account) -> bool:
    """Whether this is the demo's clinic, and whoever asks sits at this computer with no proxy between.

    An account that has set up one-time codes is asked for one even so.
    """
    here = is_loopback(str(request.META.get("REMOTE_ADDR", ""))) and "X-Forwarded-For" not in request.headers
    has_codes = TOTPDevice.objects.devices_for_user(account, confirmed=True).exists()
    return bool(settings.ONE_FACTOR_HERE) and here and not has_codes


def _guesses_too_much(request: HttpRequest) -> bool:
    """Return whether too many log-ins failed of late, from this address or in all.

    People who have logged in from this address before are let through: a stranger cannot shut a clinic out.
    """
    address = client_address(request)
    since = timezone.now() - timedelta(hours=settings.AXES_COOLOFF_TIME)
    recent = AccessAttempt.objects.filter(attempt_time__gt=since)
    wrong = recent.aggregate(
        here=Sum("failures_since_start", filter=Q(ip_address=address), default=0),
        all=Sum("failures_since_start", default=0),
    )
    if wrong["here"] < WRONG_FROM_ADDRESS and wrong["all"] < WRONG_FROM_ALL:
        return False
    name = request.POST.get("username", "")[:255]
    return not AccessLog.objects.filter(username=name, ip_address=address).exists()


def is_own_password(request: HttpRequest, account: Account, password: str) -> bool:
    """Return whether this is the password of the account that is logged in. Wrong ones count as at log-in."""
    return authenticate(request, username=account.get_username(), password=password) == account


def refused(name: str) -> None:
    """Note a refused log-in: in the access log where there is such an account, else in the server's own log only."""
    if Account.objects.filter(username=name).exists():
        record(name, "log_in_refused")
    _log.warning("log-in refused", extra=log_fields(known=Account.objects.filter(username=name).exists()))


def shut_out(request: HttpRequest, *_args: object, **_kwargs: object) -> HttpResponse:
    """After too many wrong passwords for an account from one address (django-axes calls this)."""
    return render(request, "web/shut_out.html", {}, status=HTTPStatus.TOO_MANY_REQUESTS)


@for_account
@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End the session here."""
    if isinstance(request.user, Account):
        record(request.user, "log_out")
    there = _log_out_there(request)
    logout(request)
    # A page and no redirect: the policy of these pages lets no form end at another server.
    response = (
        render(request, "web/logged_out.html", {"there": there, "provider": provider_name()})
        if there
        else HttpResponseRedirect(reverse("web:log_in"), status=HTTPStatus.SEE_OTHER)
    )
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _log_out_there(request: HttpRequest) -> str:
    """Return where the browser ends its session at the identity provider; empty where it began none there."""
    told = request.session.get(gate.AT_PROVIDER)
    asked = provider()
    if not isinstance(told, dict) or asked is None or not asked.settings.log_in_again:
        return ""
    return asked.end_address(str(told["id_token"]), request.build_absolute_uri(reverse("web:log_in")))


def onward(request: HttpRequest) -> str:
    """Where to go after logging in: within these pages only."""
    wanted = request.POST.get("next") or request.GET.get("next") or "/"
    own = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    # A path, as our own pages write it: Django's redirect takes other words for names of pages.
    return wanted if own and wanted.startswith("/") and len(wanted) <= MOST_NEXT and wanted.isprintable() else "/"
