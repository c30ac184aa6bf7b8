"""The one-time link: whoever holds it makes the account theirs, with a password or through the provider."""

from datetime import UTC, datetime
from http import HTTPStatus

from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from server.accounts import accounts
from server.accounts.access import for_nobody_in_particular
from server.audit.record import record
from server.web import gate
from server.web.language import remember
from server.web.sign_in.identity_provider import provider_name
from server.web.sign_in.provider_pages import BACKEND


@for_nobody_in_particular
@sensitive_post_parameters()
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, secret: str) -> HttpResponse:
    """Ask for a new password, twice; then the one-time codes are set up."""
    account = accounts.invited(secret, datetime.now(UTC))
    if account is None:
        return render(request, "web/link_over.html", {}, status=HTTPStatus.NOT_FOUND)
    form = SetPasswordForm(account, request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid() and accounts.use_link(secret, datetime.now(UTC)) == account:
            form.save()
            gate.enter(request, account, backend=BACKEND)
            record(account, "password_set")
            response = redirect("web:code")
            remember(response, account.language)
            return response
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    shown = {"form": form, "account": account, "secret": secret, "provider": provider_name()}
    return render(request, "web/welcome.html", shown, status=status)
