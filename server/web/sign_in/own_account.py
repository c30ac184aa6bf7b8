"""One's own account: password, spare codes, what one may do where."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import account_of, for_account
from server.accounts.models import Account
from server.audit.record import record
from server.web.sign_in.log_in import is_own_password
from server.web.sign_in.two_factor import new_spare_codes


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
    return render(request, "web/account.html", {"roles": roles})


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
@require_POST
def spare_codes(request: HttpRequest) -> HttpResponse:
    """Fresh spare codes in place of the old ones, shown once."""
    account = account_of(request)
    codes = new_spare_codes(account)
    record(account, "spare_codes_made")
    return render(request, "web/spare_codes.html", {"codes": codes, "first": False})
