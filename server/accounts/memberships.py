"""What an account may do where, from its roles. Both the views' decorators and the access log ask this module."""

from django.db.models import Q, QuerySet

from server.accounts.models import Account, Clinic, Membership
from server.accounts.roles import MAY, Permission, Role


def held_by(account: Account) -> list[Membership]:
    """The account's roles; read once for a request."""
    found: list[Membership] | None = getattr(account, "_held", None)
    if found is None:
        found = list(account.memberships.all()) if account.is_active else []
        account._held = found  # type: ignore[attr-defined] # noqa: SLF001 - kept as long as the request's account is
    return found


def holds_in(membership: Membership, clinic: Clinic) -> bool:
    """Whether a role holds in this clinic."""
    if membership.clinic_id is not None:
        return membership.clinic_id == clinic.pk
    return membership.region_id is None or membership.region_id == clinic.region_id


def clinics_where(account: Account, may: Permission) -> QuerySet[Clinic]:
    """The clinics in which this account may do this."""
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
    found = {one.account.pk: one.account for one in held}
    return sorted(found.values(), key=lambda one: (one.get_full_name().casefold(), one.get_username()))


def name_of(account: Account) -> str:
    """Return what colleagues call an account."""
    return account.get_full_name() or account.get_username()
