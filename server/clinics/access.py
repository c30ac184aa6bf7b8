"""Who may see what: every view says what it needs, and every object is looked up within a clinic that allows it.

What somebody may not see does not exist for them: the answer is 404, so that nothing is told by the difference.
"""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_required
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from server.audit.record import record
from server.clinics.models import Account, Clinic, Membership
from server.clinics.roles import MAY, May, Role
from server.people.models import Participant

View = Callable[..., HttpResponseBase]


def roles_with(may: May) -> list[Role]:
    """The roles that may do this."""
    return [role for role, allowed in MAY.items() if may in allowed]


def clinics_where(account: Account, may: May) -> QuerySet[Clinic]:
    """The clinics in which this account may do this."""
    held = Membership.objects.filter(account=account, role__in=roles_with(may))
    if not account.is_active:
        return Clinic.objects.none()
    if held.filter(clinic=None, region=None).exists():
        return Clinic.objects.all()
    return Clinic.objects.filter(
        Q(pk__in=held.values("clinic")) | Q(region__in=held.exclude(region=None).values("region"))
    )


def allowed(account: Account, clinic: Clinic, may: May) -> bool:
    """Whether this account may do this in this clinic."""
    return clinics_where(account, may).filter(pk=clinic.pk).exists()


def role_in(account: Account, clinic: Clinic, may: May) -> str:
    """In which role this account does this here, for the access log."""
    held = Membership.objects.filter(account=account, role__in=roles_with(may)).filter(
        Q(clinic=clinic) | Q(region=clinic.region_id, region__isnull=False) | Q(clinic=None, region=None)
    )
    return held.values_list("role", flat=True).first() or ""


def in_clinic(may: May) -> Callable[[View], View]:
    """For a view below `/c/<clinic>/…`: resolve the clinic's code; 404 where this account may not do this there."""

    def decorate(view: View) -> View:
        @login_required
        @wraps(view)
        def guarded(request: HttpRequest, clinic: str, *args: object, **kwargs: object) -> HttpResponseBase:
            found = get_object_or_404(clinics_where(account_of(request), may), code=clinic)
            request.clinic = found  # type: ignore[attr-defined] # read by the page's frame
            return view(request, found, *args, **kwargs)

        guarded.needs = may  # type: ignore[attr-defined] # the sweep over all views reads it
        return guarded

    return decorate


def about_participant(may: May, action: str) -> Callable[[View], View]:
    """For a view below `/c/<clinic>/participants/<pseudonym>/…`: resolve both, and log who looked at whom."""

    def decorate(view: View) -> View:
        @in_clinic(may)
        @wraps(view)
        def guarded(
            request: HttpRequest, clinic: Clinic, pseudonym: str, *args: object, **kwargs: object
        ) -> HttpResponseBase:
            participant = get_object_or_404(Participant, clinic=clinic, pseudonym=pseudonym)
            record(account_of(request), action, clinic=clinic, may=may, participant=participant)
            return view(request, participant, *args, **kwargs)

        return guarded

    return decorate


def account_of(request: HttpRequest) -> Account:
    """Who is logged in. Raises Http404 where nobody is."""
    if not isinstance(request.user, Account):
        raise Http404
    return request.user
