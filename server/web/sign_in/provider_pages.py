"""To the identity provider and back."""

import logging
from collections import deque
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from server.accounts import accounts
from server.accounts.access import for_nobody_in_particular
from server.accounts.models import Account
from server.audit.record import record
from server.json_logging import log_fields
from server.web import gate
from server.web.language import remember
from server.web.sign_in.identity_provider import Begun, Provider, ProviderError, ProviderUser, provider
from server.web.sign_in.log_in import onward
from server.web.sign_in.own_sessions import end_provider_sessions

_log = logging.getLogger(__name__)
BEGUN = "provider"
_ended: deque[str] = deque(maxlen=10_000)
BACKEND = "django.contrib.auth.backends.ModelBackend"


@for_nobody_in_particular
@require_safe
def go(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    asked = _provider()
    try:
        address, begun = asked.begin(
            request.build_absolute_uri(reverse("web:provider_back")),
            onward(request),
            accounts.mark_of(request.GET.get("invitation", "")),
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
    gate.enter(request, account, backend=BACKEND, strong=known.strong)
    request.session[gate.AT_PROVIDER] = {"sub": known.subject, "sid": known.session, "id_token": known.id_token}
    record(account, "log_in_provider", strong=known.strong)
    code = f"{reverse('web:code')}?{urlencode({'next': begun.onward}, safe='/')}"
    response = HttpResponseRedirect(begun.onward if known.strong else code)
    remember(response, account.language)
    return response


@for_nobody_in_particular
@csrf_exempt
@require_POST
def ended_there(request: HttpRequest) -> HttpResponse:
    """End the sessions of somebody whom the provider has logged out (back-channel log-out)."""
    asked = _provider()
    try:
        subject, session, mark = asked.read_log_out(request.POST.get("logout_token", ""))
    except ProviderError as error:
        _log.warning("a log-out of the provider was refused", extra=log_fields(code=error.code))
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    # A token that comes again ends nothing that began after it.
    if mark not in _ended:
        _ended.append(mark)
        for account in end_provider_sessions(subject, session):
            record(account, "logged_out_by_provider")
    return HttpResponse(headers={"Cache-Control": "no-store"})


def _provider() -> Provider:
    found = provider()
    if found is None:
        raise Http404
    return found


def _account(known: ProviderUser, invitation: str) -> Account | None:
    """Return the account of who came back; an invitation ties a new one to it."""
    account = Account.objects.filter(external_id=known.external_id).first()
    if account is not None:
        return account if account.is_active else None
    invited = accounts.use_marked_link(invitation, datetime.now(UTC)) if invitation else None
    if invited is None:
        return None
    invited.external_id = known.external_id
    invited.save(update_fields=["external_id"])
    record(invited, "account_tied_to_provider")
    return invited


def _failed(request: HttpRequest, code: str) -> HttpResponse:
    _log.warning("log-in at the provider failed", extra=log_fields(code=code))
    status = HTTPStatus.BAD_GATEWAY if code == "provider_away" else HTTPStatus.FORBIDDEN
    return render(request, "web/provider_failed.html", {"code": code}, status=status)
