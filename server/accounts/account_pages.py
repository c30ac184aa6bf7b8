"""The pages on which a clinic's administrator looks after accounts."""

from collections.abc import Callable
from http import HTTPStatus

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts import accounts as acts
from server.accounts.access import account_of, after_proof, in_clinic
from server.accounts.errors import AccountError
from server.accounts.memberships import is_confirmed, waiting
from server.accounts.models import Account, Clinic, Membership
from server.accounts.roles import Permission, Role


class RolesForm(forms.Form):
    """Which roles somebody holds in this clinic."""

    roles = forms.MultipleChoiceField(
        label=gettext_lazy("Roles"),
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def chosen(self) -> set[Role]:
        """Return the roles that were ticked."""
        return {Role(one) for one in self.cleaned_data["roles"]}


class NewAccountForm(RolesForm):
    """Who is invited."""

    field_order = ("username", "first_name", "last_name", "roles")
    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        help_text=gettext_lazy("What the person types to log in, such as kari.nordmann. It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    first_name = forms.CharField(label=gettext_lazy("First name"), max_length=150)
    last_name = forms.CharField(label=gettext_lazy("Last name"), max_length=150)

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Make the form. An account without a role could do nothing."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type] # passed on as it came
        self.fields["roles"].required = True


def accounts_of(clinic: Clinic) -> QuerySet[Account]:
    """Return the accounts that hold a role in this clinic itself."""
    return Account.objects.filter(memberships__clinic=clinic).distinct().order_by("last_name", "first_name", "username")


@in_clinic(Permission.MANAGE_ACCOUNTS)
@require_safe
def accounts(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """List them."""
    now = timezone.now()
    rows = []
    for account in accounts_of(clinic).prefetch_related("memberships"):
        held = [one for one in account.memberships.all() if one.clinic_id == clinic.pk]
        waits = not all(is_confirmed(one, now) for one in held)
        rows.append((account, [Role(one.role).label for one in held], waits))
    return render(request, "clinics/accounts.html", {"rows": rows})


@in_clinic(Permission.MANAGE_ACCOUNTS)
@after_proof("GET", "POST")
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Invite somebody; the one-time link is shown on the answer, and never again."""
    form = NewAccountForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            given = form.cleaned_data
            try:
                secret = acts.new_account(
                    account_of(request),
                    given["username"],
                    roles=form.chosen(),
                    clinic=clinic,
                    first_name=given["first_name"],
                    last_name=given["last_name"],
                )
            except AccountError as error:
                form.add_error("username", str(error))
            else:
                return _link(request, clinic, given["username"], secret)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "clinics/new_account.html", {"form": form}, status=status)


@in_clinic(Permission.MANAGE_ACCOUNTS)
@after_proof("POST")
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, clinic: Clinic, number: int) -> HttpResponse:
    """One account: its roles here, and what may be done with it."""
    account = get_object_or_404(accounts_of(clinic), pk=number)
    held = [one.role for one in account.memberships.all() if one.clinic_id == clinic.pk]
    form = RolesForm(request.POST or None, initial={"roles": held})
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            try:
                acts.set_roles(account_of(request), account, clinic, form.chosen())
            except AccountError as error:
                form.add_error("roles", str(error))
            else:
                messages.success(request, _("The roles are changed."))
                if waiting().filter(account=account, clinic=clinic).exists():
                    messages.info(request, _("A colleague must confirm a role that reaches health data."))
                return redirect("clinics:accounts", clinic.code)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    shown = {"account": account, "form": form, "whole": acts.whole(account, clinic)}
    return render(request, "clinics/account.html", shown, status=status)


@in_clinic(Permission.MANAGE_ACCOUNTS)
@after_proof("POST")
@require_POST
def reset(request: HttpRequest, clinic: Clinic, number: int) -> HttpResponse:
    """Forget password and one-time codes, and show a new link."""
    account = get_object_or_404(accounts_of(clinic), pk=number)
    try:
        secret = acts.reset(account_of(request), account, clinic)
    except AccountError as error:
        messages.error(request, str(error))
        return redirect("clinics:account", clinic.code, number)
    return _link(request, clinic, account.get_username(), secret)


@in_clinic(Permission.MANAGE_ACCOUNTS)
@after_proof("POST")
@require_POST
def close(request: HttpRequest, clinic: Clinic, number: int) -> HttpResponse:
    """Close it."""
    return _act(request, clinic, number, acts.close, _("The account is closed, and logged out everywhere."))


@in_clinic(Permission.MANAGE_ACCOUNTS)
@after_proof("POST")
@require_POST
def open_again(request: HttpRequest, clinic: Clinic, number: int) -> HttpResponse:
    """Open it again."""
    return _act(request, clinic, number, acts.open_again, _("The account is open again."))


@in_clinic(Permission.CONFIRM_ROLES)
@require_safe
def waiting_roles(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """List the roles that wait for a second person."""
    found: dict[Account, list[Membership]] = {}
    for held in waiting().filter(clinic=clinic).select_related("account", "asked_by").order_by("waits_until"):
        found.setdefault(held.account, []).append(held)
    user = account_of(request)
    rows = [
        (account, ones, user != account and all(one.asked_by != user for one in ones))
        for account, ones in found.items()
    ]
    return render(request, "clinics/waiting_roles.html", {"rows": rows})


@in_clinic(Permission.CONFIRM_ROLES)
@after_proof("POST")
@require_POST
def decide_roles(request: HttpRequest, clinic: Clinic, number: int) -> HttpResponse:
    """Confirm the roles of an account that wait, or turn them down."""
    account = get_object_or_404(Account.objects.filter(memberships__clinic=clinic).distinct(), pk=number)
    turned_down = request.POST.get("decision") == "no"
    try:
        (acts.turn_down_roles if turned_down else acts.confirm_roles)(account_of(request), account, clinic)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The role is turned down.") if turned_down else _("The role holds now."))
    return redirect("clinics:waiting_roles", clinic.code)


def _act(
    request: HttpRequest, clinic: Clinic, number: int, act: Callable[[Account, Account, Clinic], None], done: str
) -> HttpResponse:
    account = get_object_or_404(accounts_of(clinic), pk=number)
    try:
        act(account_of(request), account, clinic)
    except AccountError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
    return redirect("clinics:account", clinic.code, number)


def _link(request: HttpRequest, clinic: Clinic, name: str, secret: str) -> HttpResponse:
    link = request.build_absolute_uri(reverse("web:welcome", args=[secret]))
    waits = waiting().filter(account__username=name, clinic=clinic).exists()
    shown = {"name": name, "link": link, "hours": acts.LINK_HOURS, "clinic": clinic, "waits": waits}
    return render(request, "clinics/link.html", shown)
