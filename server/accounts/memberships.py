"""What an account may do where, from its roles. Both the views' decorators and the access log ask this module."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from server.accounts.models import Account, Clinic, Membership
from server.accounts.roles import MAY, Permission, Role


def held_by(account: Account) -> list[Membership]:
    """Return the account's roles that hold now; read once for a request."""
    found: list[Membership] | None = getattr(account, "_held", None)
    if found is None:
        held = account.memberships.annotate(clinic_waits=Exists(waiting().filter(clinic=OuterRef("clinic"))))
        now = timezone.now()
        found = [one for one in held if is_confirmed(one, now)] if account.is_active else []
        account._held = found  # type: ignore[attr-defined] # noqa: SLF001 - kept as long as the request's account is
    return found


def is_confirmed(membership: Membership, now: datetime) -> bool:
    """Return whether a role needs no confirmation any more."""
    return membership.waits_until is None or membership.waits_until <= now


def waiting() -> QuerySet[Membership]:
    """Return the roles that wait for a confirmation."""
    return Membership.objects.filter(waits_until__gt=timezone.now())


def has_waiting_roles(account: Account, clinic: Clinic) -> bool:
    """Return whether roles wait in this clinic that this account could confirm, unless it asked for them itself."""
    return any(
        one.clinic_id == clinic.pk
        and Permission.CONFIRM_ROLES in MAY[Role(one.role)]
        and getattr(one, "clinic_waits", False)
        for one in held_by(account)
    )


def holds_in(membership: Membership, clinic: Clinic) -> bool:
    """Whether a role holds in this clinic."""
    if membership.clinic_id is not None:
        return membership.clinic_id == clinic.pk
    return membership.region_id is None or membership.region_id == clinic.region_id


def clinics_where(account: Account, may: Permission) -> QuerySet[Clinic]:
    """Return the clinics in which this account may do this."""
    held = [one for one in held_by(account) if may in MAY[Role(one.role)]]
    if any(one.clinic_id is None and one.region_id is None for one in held):
        return Clinic.objects.all()
    clinics = [one.clinic_id for one in held if one.clinic_id is not None]
    regions = [one.region_id for one in held if one.region_id is not None]
    if not clinics and not regions:
        return Clinic.objects.none()
    return Clinic.objects.filter(Q(pk__in=clinics) | Q(region__in=regions))


def mays_in(account: Account, clinic: Clinic) -> frozenset[Permission]:
    """All that this account may do in this clinic."""
    return frozenset(may for one in held_by(account) if holds_in(one, clinic) for may in MAY[Role(one.role)])


def allowed(account: Account, clinic: Clinic, may: Permission) -> bool:
    """Whether this account may do this in this clinic."""
    return may in mays_in(account, clinic)


def role_in(account: Account, clinic: Clinic, may: Permission) -> str:
    """In which role this account does this here, for the access log."""
    roles = (Role(one.role) for one in held_by(account) if holds_in(one, clinic))
    return next((role.value for role in roles if may in MAY[role]), "")


def colleagues_in(clinic: Clinic, may: Permission) -> list[Account]:
    """Return the active accounts that a role of this clinic itself allows to do this, by name."""
    roles = [role for role in Role if may in MAY[role]]
    held = Membership.objects.filter(role__in=roles, clinic=clinic, account__is_active=True).select_related("account")
    now = timezone.now()
    found = {one.account.pk: one.account for one in held if is_confirmed(one, now)}
    return sorted(found.values(), key=lambda one: (one.get_full_name().casefold(), one.get_username()))


def name_of(account: Account) -> str:
    """Return what colleagues call an account."""
    return account.get_full_name() or account.get_username()
