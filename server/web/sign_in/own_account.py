"""One's own account: password, spare codes, what one may do where."""

from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import account_of, after_proof, for_account
from server.accounts.models import Account
from server.audit.record import record
from server.web import gate
from server.web.sign_in.identity_provider import provider_name
from server.web.sign_in.log_in import is_own_password, onward
from server.web.sign_in.own_sessions import end_session, end_sessions, open_sessions
from server.web.sign_in.two_factor import CODE_DIGITS, SPARE_LENGTH, match_code, new_spare_codes


class OwnPasswordForm(PasswordChangeForm):
    """The old password and the new one. Wrong old ones count, and make one wait, as at log-in."""

    def __init__(self, request: HttpRequest, account: Account) -> None:
        """Take the request's own values, where it has some."""
        self._request = request
        super().__init__(account, request.POST or None)

    def clean_old_password(self) -> str:
        """Check the old password by the rules of log-in."""
        old = str(self.cleaned_data["old_password"])
        if not is_own_password(self._request, self.user, old):
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old


@for_account
@require_safe
def own(request: HttpRequest) -> HttpResponse:
    """Who one is here, and what one may change about it."""
    account = account_of(request)
    roles = account.memberships.select_related("clinic", "region").order_by("role")
    sessions = open_sessions(account, request.session.session_key)
    return render(request, "web/account.html", {"roles": roles, "sessions": sessions})


@for_account
@after_proof("POST")
@require_POST
def end_own_sessions(request: HttpRequest) -> HttpResponse:
    """End one of the account's other sessions, or all of them."""
    account = account_of(request)
    mark = request.POST.get("session", "")
    ended = int(end_session(account, mark)) if mark else end_sessions(account, but=request.session.session_key)
    if ended:
        record(account, "sessions_ended", sessions=ended)
    messages.success(request, _("You are logged out there."))
    return redirect("web:account")


class ConfirmForm(forms.Form):
    """A password or a one-time code, as proof of who is at the keyboard."""

    proof = forms.CharField(
        label=gettext_lazy("Password, or a one-time code"),
        max_length=4096,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


@for_account
@sensitive_post_parameters("proof")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for a fresh proof, before what changes or hands out much."""
    account = account_of(request)
    form = ConfirmForm(request.POST if request.method == "POST" else None)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid() and _proves(request, account, form.cleaned_data["proof"]):
            gate.prove(request.session)
            record(account, "confirmed")
            return HttpResponseRedirect(onward(request), status=HTTPStatus.SEE_OTHER)
        if not form.errors:
            record(account, "confirm_refused")
            form.add_error("proof", _("That is neither your password nor a code that is right now. Try again."))
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    provider = provider_name() if account.external_id else ""
    shown = {"form": form, "next": onward(request), "provider": provider}
    return render(request, "web/confirm.html", shown, status=status)


def _proves(request: HttpRequest, account: Account, proof: str) -> bool:
    """Return whether this is the account's password or one of its codes. Wrong ones slow down as at log-in."""
    typed = proof.replace(" ", "")
    if account.has_usable_password() and not (typed.isdigit() and len(typed) == CODE_DIGITS):
        if is_own_password(request, account, proof):
            return True
        if len(typed.replace("-", "")) != SPARE_LENGTH:
            return False
    return match_code(account, typed)


@for_account
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password; everywhere else one is logged out by it."""
    account = account_of(request)
    if not account.has_usable_password():
        messages.info(request, _("You log in through your organisation; the password is changed there."))
        return redirect("web:account")
    form = OwnPasswordForm(request, account)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            form.save()
            update_session_auth_hash(request, account)
            record(account, "password_changed")
            messages.success(request, _("The password is changed. Everywhere else you have been logged out."))
            return redirect("web:account")
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "web/password.html", {"form": form}, status=status)


@for_account
@after_proof("POST")
@require_POST
def spare_codes(request: HttpRequest) -> HttpResponse:
    """Fresh spare codes in place of the old ones, shown once."""
    account = account_of(request)
    codes = new_spare_codes(account)
    record(account, "spare_codes_made")
    return render(request, "web/spare_codes.html", {"codes": codes, "first": False})
