"""The second factor: setting up an app that shows one-time codes (TOTP, RFC 6238), and giving a code at each log-in.

Spare codes are for the day when the phone is lost. Only a keyed hash of each is kept, under the server's own key.
"""

import base64
import hashlib
import hmac
import secrets
from http import HTTPStatus
from io import BytesIO

import segno
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe
from django_otp import login as otp_login
from django_otp import match_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from server.accounts.access import account_of, after_password
from server.accounts.models import Account
from server.audit.record import record
from server.web import gate
from server.web.sign_in.log_in import onward

CODE_DIGITS = 6
SPARE_CODES = 10
SPARE_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without letters that are mistaken for digits."""
SPARE_LENGTH = 12


class TwoFactorForm(forms.Form):
    """One field for both kinds of code."""

    code = forms.CharField(
        label=_("One-time code"),
        max_length=32,
        help_text=_("The six digits that the app shows now, or one of your spare codes."),
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autofocus": True, "inputmode": "text"}),
    )


@after_password
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def give(request: HttpRequest) -> HttpResponse:
    """Ask for a code."""
    account = account_of(request)
    if not TOTPDevice.objects.devices_for_user(account, confirmed=True).exists():
        return redirect("web:set_up_code")
    form = TwoFactorForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid() and _passes(request, account, form.cleaned_data["code"]):
            return HttpResponseRedirect(onward(request))
        if not form.errors:
            form.add_error("code", _wrong())
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "web/code.html", {"form": form, "next": onward(request)}, status=status)


def _passes(request: HttpRequest, account: Account, code: str) -> bool:
    device = matching_device(account, code)
    if device is None:
        record(account, "code_refused")
        return False
    otp_login(request, device)
    request.session.cycle_key()
    gate.prove(request.session)
    record(account, "log_in", factor="spare" if isinstance(device, StaticDevice) else "totp")
    return True


def matching_device(account: Account, code: str) -> Device | None:
    """Return the device whose code this is. Each slows down by itself after wrong codes, and takes no code twice."""
    typed = code.replace(" ", "")
    with transaction.atomic():
        found: Device | None = match_token(account, typed if typed.isdigit() else kept_spare(code))
        return found


def match_code(account: Account, code: str) -> bool:
    """Return whether this is a one-time code or a spare code of the account."""
    return matching_device(account, code) is not None


@after_password
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: HttpRequest) -> HttpResponse:
    """Set up the app: show its secret, and ask for a first code as proof. Then the spare codes, once."""
    account = account_of(request)
    if TOTPDevice.objects.devices_for_user(account, confirmed=True).exists():
        return redirect("web:code")
    device, _made = TOTPDevice.objects.get_or_create(user=account, confirmed=False, defaults={"name": "app"})
    form = TwoFactorForm(request.POST or None)
    form.fields["code"].help_text = _("The six digits that the app shows now.")
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid() and device.verify_token(form.cleaned_data["code"].replace(" ", "")):
            device.confirmed = True
            device.save(update_fields=["confirmed"])
            otp_login(request, device)
            request.session.cycle_key()
            record(account, "code_set_up")
            return render(request, "web/spare_codes.html", {"codes": new_spare_codes(account), "first": True})
        if not form.errors:
            form.add_error("code", _wrong())
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    secret = base64.b32encode(device.bin_key).decode().rstrip("=")
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return render(request, "web/set_up_code.html", {"form": form, "secret": grouped}, status=status)


@after_password
@require_safe
def picture(request: HttpRequest) -> HttpResponse:
    """Return the app's secret as a QR code, drawn here; while it is being set up only."""
    device = TOTPDevice.objects.filter(user=account_of(request), confirmed=False).first()
    if device is None:
        return redirect("web:code")
    drawn = BytesIO()
    segno.make(device.config_url, error="m").save(drawn, kind="svg", scale=5, border=4, xmldecl=False, svgns=True)
    return HttpResponse(drawn.getvalue(), content_type="image/svg+xml")


def _wrong() -> str:
    return str(
        _("This code is not right now. Wait until the app shows a new one and try that; check the phone's clock too.")
    )


def new_spare_codes(account: Account) -> list[str]:
    """Make fresh spare codes in place of all older ones. They are told now, and never again."""
    codes = ["".join(secrets.choice(SPARE_ALPHABET) for _ in range(SPARE_LENGTH)) for _ in range(SPARE_CODES)]
    with transaction.atomic():
        StaticDevice.objects.filter(user=account).delete()
        device = StaticDevice.objects.create(user=account, name="spare", confirmed=True)
        StaticToken.objects.bulk_create(StaticToken(device=device, token=kept_spare(one)) for one in codes)
    return [f"{one[:4]}-{one[4:8]}-{one[8:]}" for one in codes]


def kept_spare(code: str) -> str:
    """Return what is kept of a spare code: 80 bits of its HMAC-SHA-256 under the server's key."""
    plain = "".join(one for one in code.lower() if one in SPARE_ALPHABET)
    mark = hmac.digest(f"spare code {settings.SECRET_KEY}".encode(), plain.encode(), hashlib.sha256)
    return base64.b32encode(mark[:10]).decode().lower()
