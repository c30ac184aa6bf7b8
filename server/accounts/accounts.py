"""Acts on accounts: invite, change roles, reset, close, open again. Each is one transaction and one line in the log.

Nobody else ever knows a password: whoever is invited gets a one-time link, sets a password (or logs in through the
organisation's provider), and sets up one-time codes. A reset is the same link again, after everything old is gone.
"""

import hashlib
import secrets
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_otp import devices_for_user

from server.accounts.errors import AccountError
from server.accounts.memberships import waiting
from server.accounts.models import Account, Clinic, Invitation, Membership, Region
from server.accounts.roles import GUARDED, Permission, Role
from server.audit.record import record

LINK_HOURS = 72
WAIT_HOURS = 72
"""So long a role that reaches health data waits for a second person; then it holds, with all having been told."""


def new_account(
    by: Account | str,
    name: str,
    *,
    roles: Collection[Role],
    clinic: Clinic | None,
    region: Region | None = None,
    first_name: str = "",
    last_name: str = "",
) -> str:
    """Make an account with these roles there, and give the secret of its one-time link. Raises AccountError."""
    try:
        UnicodeUsernameValidator()(name)
    except ValidationError as error:
        raise AccountError(_("The user name may hold letters, digits and @ . + - _ only.")) from error
    with transaction.atomic():
        if Account.objects.filter(username__iexact=name).exists():
            raise AccountError(_("There is an account of this name already. Choose another name."))
        account = Account.objects.create_user(name, first_name=first_name, last_name=last_name)
        waits_until = _waits_until(by)
        for role in roles:
            Membership.objects.create(
                account=account, role=role, clinic=clinic, region=region, **_wait(by, role, waits_until)
            )
        record(by, "account_made", clinic=clinic, may=_may(clinic), of=name, roles=sorted(roles))
        return _new_link(account)


def set_roles(by: Account | str, account: Account, clinic: Clinic, roles: Collection[Role]) -> None:
    """Let the account hold exactly these roles in this clinic. Raises AccountError."""
    before = _roles(account, clinic)
    gained = {role.value for role in roles} - before
    if account == by and gained:
        record(
            by,
            "account_roles_refused",
            clinic=clinic,
            may=_may(clinic),
            of=account.get_username(),
            after=sorted(gained),
        )
        raise AccountError(
            _("You cannot give yourself a role. Ask another administrator, or the operator of the server.")
        )
    if account == by and Role.CLINIC_ADMIN in before and Role.CLINIC_ADMIN not in roles:
        raise AccountError(_("You cannot take the administrator's role from yourself. Ask another administrator."))
    with transaction.atomic():
        Membership.objects.filter(account=account, clinic=clinic).exclude(role__in=roles).delete()
        for role in roles:
            Membership.objects.get_or_create(
                account=account, role=role, clinic=clinic, region=None, defaults=_wait(by, role, _waits_until(by))
            )
        record(
            by,
            "account_roles",
            clinic=clinic,
            may=_may(clinic),
            of=account.get_username(),
            before=sorted(before),
            after=sorted(roles),
        )


def reset(by: Account | str, account: Account, clinic: Clinic | None) -> str:
    """Forget password, one-time codes, link to a provider and sessions; give the secret of a new one-time link.

    Raises AccountError where the account belongs to other clinics too: one clinic must not open another's door.
    """
    _require_whole(account, clinic)
    with transaction.atomic():
        account.set_unusable_password()
        account.external_id = None
        account.save(update_fields=["password", "external_id"])
        for device in devices_for_user(account, confirmed=None):
            device.delete()
        if isinstance(by, Account) and by != account:
            # Who hands out the link could use it: what the account may see waits for a second person again.
            held = account.memberships.filter(clinic=clinic, role__in=GUARDED)
            held.update(waits_until=_waits_until(by), asked_by=by)
        record(by, "account_reset", clinic=clinic, may=_may(clinic), of=account.get_username())
        return _new_link(account)


def confirm_roles(by: Account, account: Account, clinic: Clinic) -> None:
    """Let the roles hold that wait in this clinic. Raises AccountError where the same person gave or gets them."""
    _decide(by, account, clinic, "account_roles_confirmed", lambda held: held.update(waits_until=None, asked_by=None))


def turn_down_roles(by: Account, account: Account, clinic: Clinic) -> None:
    """Take away the roles that wait in this clinic, and log the account out. Raises AccountError as `confirm_roles`."""
    _decide(by, account, clinic, "account_roles_turned_down", lambda held: held.delete())


def _decide(
    by: Account, account: Account, clinic: Clinic, action: str, act: Callable[[QuerySet[Membership]], object]
) -> None:
    with transaction.atomic():
        held = waiting().filter(account=account, clinic=clinic)
        roles = sorted(one.role for one in held)
        if not roles:
            raise AccountError(_("No role of this account waits any more."))
        if by == account or held.filter(asked_by=by).exists():
            raise AccountError(_("Another person must confirm this: neither who gave the role nor who gets it can."))
        record(by, action, clinic=clinic, may=Permission.CONFIRM_ROLES, of=account.get_username(), roles=roles)
        act(held)


def close(by: Account | str, account: Account, clinic: Clinic | None) -> None:
    """Close an account: it is logged out everywhere at once. Raises AccountError."""
    if account == by:
        raise AccountError(_("You cannot close your own account. Ask another administrator."))
    _require_whole(account, clinic)
    _set_active(by, account, clinic, active=False)


def open_again(by: Account | str, account: Account, clinic: Clinic | None) -> None:
    """Open a closed account. Raises AccountError."""
    _require_whole(account, clinic)
    _set_active(by, account, clinic, active=True)


def _set_active(by: Account | str, account: Account, clinic: Clinic | None, *, active: bool) -> None:
    with transaction.atomic():
        account.is_active = active
        account.save(update_fields=["is_active"])
        if not active:
            # A link that waits would open the account again after it is opened, by whoever found it.
            Invitation.objects.filter(account=account, used_at=None).delete()
        action = "account_opened" if active else "account_closed"
        record(by, action, clinic=clinic, may=_may(clinic), of=account.get_username())


def whole(account: Account, clinic: Clinic) -> bool:
    """Whether all that an account may do lies in this clinic."""
    return not account.memberships.exclude(clinic=clinic).exists()


def invited(secret: str, now: datetime) -> Account | None:
    """Whose one-time link this is, while it holds."""
    found = _links(mark_of(secret), now).select_related("account").first()
    return found.account if found else None


def use_link(secret: str, now: datetime) -> Account | None:
    """Do the same, and use up the link: of two who come at once, one gets the account."""
    return use_marked_link(mark_of(secret), now)


def use_marked_link(mark: str, now: datetime) -> Account | None:
    """Do the same for the link whose secret has this mark."""
    with transaction.atomic():
        found = _links(mark, now).select_related("account").first()
        if found is None or not Invitation.objects.filter(pk=found.pk, used_at=None).update(used_at=now):
            return None
        return found.account


def mark_of(secret: str) -> str:
    """Return what is kept of a link's secret; empty for none."""
    return hashlib.sha256(secret.encode()).hexdigest() if secret else ""


def _links(mark: str, now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(token_sha256=mark, used_at=None, until__gt=now, account__is_active=True)


def _new_link(account: Account) -> str:
    secret = secrets.token_urlsafe(32)
    Invitation.objects.filter(account=account, used_at=None).delete()
    Invitation.objects.create(
        account=account,
        token_sha256=mark_of(secret),
        until=datetime.now(UTC) + timedelta(hours=LINK_HOURS),
    )
    return secret


def _require_whole(account: Account, clinic: Clinic | None) -> None:
    if clinic is not None and not whole(account, clinic):
        raise AccountError(
            _("This account has roles outside this clinic too. The operator of the server can do this, by command.")
        )


def _waits_until(by: Account | str) -> datetime | None:
    """Return until when a role that this account gives waits for a second person; None for who runs the server."""
    return datetime.now(UTC) + timedelta(hours=WAIT_HOURS) if isinstance(by, Account) else None


def _wait(by: Account | str, role: Role, until: datetime | None) -> dict[str, Any]:
    return {"waits_until": until, "asked_by": by} if isinstance(by, Account) and role in GUARDED else {}


def _roles(account: Account, clinic: Clinic) -> set[str]:
    return set(Membership.objects.filter(account=account, clinic=clinic).values_list("role", flat=True))


def _may(clinic: Clinic | None) -> Permission | None:
    return Permission.MANAGE_ACCOUNTS if clinic is not None else None
