"""To the identity provider and back."""

import logging
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from server.accounts import accounts
from server.accounts.access import for_nobody_in_particular
from server.accounts.models import Account
from server.audit.record import record
from server.json_logging import facts
from server.web import gate
from server.web.language import remember
from server.web.sign_in.identity_provider import Begun, Known, Provider, ProviderError, provider
from server.web.sign_in.log_in import onward

_log = logging.getLogger(__name__)
BEGUN = "provider"
BACKEND = "django.contrib.auth.backends.ModelBackend"


@for_nobody_in_particular
@require_safe
def go(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    asked = _provider()
    try:
        address, begun = asked.begin(
            request.build_absolute_uri(reverse("web:provider_back")), onward(request), request.GET.get("invitation", "")
        )
    except ProviderError as error:
        return _failed(request, error.code)
    request.session[BEGUN] = msgspec.to_builtins(begun)
    return redirect(address)


@for_nobody_in_particular
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Take whom the provider sends back."""
    asked = _provider()
    kept = request.session.pop(BEGUN, None)
    if kept is None:
        return _failed(request, "not_begun")
    begun = msgspec.convert(kept, Begun)
    try:
        known = asked.finish(begun, {name: str(value) for name, value in request.GET.items()})
    except ProviderError as error:
        return _failed(request, error.code)
    account = _account(known, begun.invitation)
    if account is None:
        return _failed(request, "no_account")
    login(request, account, backend=BACKEND)
    gate.begin(request.session)
    if known.strong:
        request.session[gate.STRONG] = True
    record(account, "log_in_provider", strong=known.strong)
    response = redirect(begun.onward if known.strong else f"{reverse('web:code')}?next={begun.onward}")
    remember(response, account.language)
    return response


def _provider() -> Provider:
    found = provider()
    if found is None:
        raise Http404
    return found


def _account(known: Known, invitation: str) -> Account | None:
    """The account of who came back; an invitation ties a new one to it."""
    account = Account.objects.filter(external_id=known.external_id).first()
    if account is not None:
        return account if account.is_active else None
    invited = accounts.use_link(invitation, datetime.now(UTC)) if invitation else None
    if invited is None:
        return None
    invited.external_id = known.external_id
    invited.save(update_fields=["external_id"])
    record(invited, "account_tied_to_provider")
    return invited


def _failed(request: HttpRequest, code: str) -> HttpResponse:
    _log.warning("log-in at the provider failed", extra=facts(code=code))
    status = HTTPStatus.BAD_GATEWAY if code == "provider_away" else HTTPStatus.FORBIDDEN
    return render(request, "web/provider_failed.html", {"code": code}, status=status)
