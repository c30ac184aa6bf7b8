"""Accounts, regions and clinics at the command line, for whoever runs the server. Each act is in the access log."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from msgspec import Struct

from server.accounts import accounts as acts
from server.accounts.accounts import LINK_HOURS
from server.accounts.errors import AccountError
from server.accounts.models import Account, Clinic, Membership, Region
from server.accounts.roles import Role
from server.audit.record import record
from sync.errors import TopicError
from sync.wire.topics import require_name

__all__ = ["LINK_HOURS"]
WHO = "command"
"""How the access log names whoever runs the server."""


class RoleScope(Struct, frozen=True):
    """Where a role holds: in a clinic, in a region, or with neither everywhere."""

    clinic: str | None
    region: str | None


def add(name: str, roles: Sequence[str], where: RoleScope, names: tuple[str, str]) -> str:
    """Make an account and give the secret of its one-time link. Raises AccountError."""
    if not roles:
        raise AccountError("An account without a role can do nothing. Name one with --role.")
    clinic, region = _find_scope(where)
    return acts.new_account(
        WHO,
        name,
        roles=[Role(one) for one in roles],
        clinic=clinic,
        region=region,
        first_name=names[0],
        last_name=names[1],
    )


def role(name: str, roles: Sequence[str], where: RoleScope) -> str:
    """Let the account hold exactly these roles there. Raises AccountError."""
    account = _account(name)
    clinic, region = _find_scope(where)
    with transaction.atomic():
        account.memberships.filter(clinic=clinic, region=region).exclude(role__in=roles).delete()
        for one in roles:
            Membership.objects.update_or_create(
                account=account,
                role=one,
                clinic=clinic,
                region=region,
                defaults={"waits_until": None, "asked_by": None},
            )
        told = where.clinic or where.region or "everywhere"
        record(WHO, "account_roles", clinic=clinic, of=name, after=sorted(roles), where=told)
    return f"«{name}» in {told}: {', '.join(roles) or 'no role'}."


def reset(name: str) -> str:
    """Forget password and one-time codes, and give the secret of a new link. Raises AccountError."""
    return acts.reset(WHO, _account(name), None)


def set_open(name: str, *, open_it: bool) -> str:
    """Close or open an account. Raises AccountError."""
    account = _account(name)
    (acts.open_again if open_it else acts.close)(WHO, account, None)
    return f"«{name}» is {'open' if open_it else 'closed'}."


def accounts() -> list[str]:
    """One line an account: name, roles, whether it is open, last log-in."""
    lines = [
        "\t".join(
            (
                one.get_username(),
                ", ".join(_format_membership(held) for held in one.memberships.all()) or "no role",
                "open" if one.is_active else "closed",
                one.last_login.strftime("%Y-%m-%d %H:%MZ") if one.last_login else "never logged in",
            )
        )
        for one in Account.objects.prefetch_related("memberships__clinic", "memberships__region").order_by("username")
    ]
    return lines or ["There is no account yet. «account add NAME --role clinic_admin» makes the first one."]


def add_region(code: str, name: str) -> str:
    """Add a region. Raises AccountError."""
    if Region.objects.filter(code=_named(code)).exists():
        raise AccountError(f"There is a region «{code}» already.")
    Region.objects.create(code=code, name=name)
    record(WHO, "region_made", of=code)
    return f"Region «{code}» is there."


def add_clinic(code: str, name: str, region: str | None, time_zone: str) -> str:
    """Add a clinic. Raises AccountError."""
    if Clinic.objects.filter(code=_named(code)).exists():
        raise AccountError(f"There is a clinic «{code}» already.")
    try:
        ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise AccountError(f"«{time_zone}» is no time zone, such as Europe/Oslo.") from error
    Clinic.objects.create(code=code, name=name, region=_region(region) if region else None, time_zone=time_zone)
    record(WHO, "clinic_made", of=code)
    return f"Clinic «{code}» is there."


def regions() -> list[str]:
    """One line a region."""
    lines = [f"{one.code}\t{one.name}\t{one.clinics.count()} clinics" for one in Region.objects.order_by("code")]
    return lines or ["There is no region."]


def clinics() -> list[str]:
    """One line a clinic."""
    found = Clinic.objects.select_related("region").order_by("code")
    return [f"{one.code}\t{one.name}\t{one.region.code if one.region else '–'}\t{one.time_zone}" for one in found] or [
        "There is no clinic."
    ]


def _format_membership(held: Membership) -> str:
    place = held.clinic.code if held.clinic else held.region.code if held.region else "everywhere"
    return f"{held.role} in {place}"


def _named(code: str) -> str:
    try:
        require_name(code, "clinic")
    except TopicError as error:
        raise AccountError(str(error)) from error
    return code


def _account(name: str) -> Account:
    found = Account.objects.filter(username=name).first()
    if found is None:
        raise AccountError(f"There is no account «{name}». «account list» shows them.")
    return found


def _region(code: str) -> Region:
    found = Region.objects.filter(code=code).first()
    if found is None:
        raise AccountError(f"There is no region «{code}». «region add» makes one.")
    return found


def _find_scope(where: RoleScope) -> tuple[Clinic | None, Region | None]:
    if where.region is not None:
        return None, _region(where.region)
    if where.clinic is None:
        return None, None
    found = Clinic.objects.filter(code=where.clinic).first()
    if found is None:
        raise AccountError(f"There is no clinic «{where.clinic}». «clinic add» makes one.")
    return found, None
