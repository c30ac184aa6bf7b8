"""What an address asks for: a region, a month or a quarter that is over. What cannot be is no page: 404."""

import re
from datetime import date

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils import timezone
from msgspec import Struct

from server.accounts.memberships import clinics_where, held_by
from server.accounts.models import Account, Clinic, Region
from server.accounts.roles import MAY, Permission, Role
from server.regional_statistics.periods import MONTHS, Quarters, ReportingPeriod, month_number

_PERIOD = re.compile(r"([0-9]{4})-(?:Q([1-4])|(0[1-9]|1[0-2]))\Z", re.ASCII)


class Scope(Struct, frozen=True):
    """Whose figures are shown: clinics by name, the regions to choose among, the one that was chosen.

    `whole`: regions (None: clinics without one) of which this account may see every clinic. `summed`: all clinics whose
    figures decide what is told.
    """

    clinics: tuple[Clinic, ...]
    regions: tuple[Region, ...]
    chosen: Region | None
    whole: frozenset[int | None]
    summed: tuple[Clinic, ...]

    @property
    def today(self) -> date:
        """Return the earliest of the clinics' days: a month is over once it is over at each of them."""
        now = timezone.now()
        # Hundreds of clinics have very few zones.
        zones = {one.time_zone: one.zone for one in self.summed}
        return min((timezone.localdate(now, zone) for zone in zones.values()), default=timezone.localdate(now))


def scope(request: HttpRequest, account: Account) -> Scope:
    """`?region=west`, else all that this account may see. Raises Http404."""
    found = list(clinics_where(account, Permission.SEE_AGGREGATES).select_related("region").order_by("name", "code"))
    regions = {one.region.pk: one.region for one in found if one.region is not None}
    code = request.GET.get("region") or None
    chosen = next((one for one in regions.values() if one.code == code), None)
    if code is not None and chosen is None:
        raise Http404
    shown = tuple(one for one in found if chosen is None or one.region_id == chosen.pk)
    held = [
        one for one in held_by(account) if Permission.SEE_AGGREGATES in MAY[Role(one.role)] and one.clinic_id is None
    ]
    areas: set[int | None] = {one.region_id for one in shown}
    whole = {area for area in areas if any(one.region_id in (None, area) for one in held)}
    return Scope(
        shown,
        tuple(sorted(regions.values(), key=lambda one: one.name)),
        chosen,
        frozenset(whole),
        tuple(_beside(areas, shown)),
    )


def scope_of(clinic: Clinic) -> Scope:
    """One clinic among those of its region."""
    areas = {clinic.region_id}
    return Scope((clinic,), (), None, frozenset(), tuple(_beside(areas, (clinic,))))


def _beside(areas: set[int | None], shown: tuple[Clinic, ...]) -> QuerySet[Clinic]:
    """Every clinic of these regions; one without a region stands beside the others without one."""
    where = Q(region__in=[one for one in areas if one is not None]) | Q(pk__in=[one.pk for one in shown])
    if None in areas:
        where |= Q(region=None)
    return Clinic.objects.filter(where).order_by("name", "code")


def period(request: HttpRequest, span: Quarters, *, quarters_only: bool = False) -> ReportingPeriod:
    """`?period=2026-10` or `?period=2026-Q3`, else the newest that is over. Raises Http404."""
    text = request.GET.get("period")
    newest = newest_over(span, "quarter" if quarters_only else "month")
    if text is None:
        return newest
    found = _PERIOD.match(text)
    if found is None or (quarters_only and not found[2]):
        raise Http404
    year = int(found[1])
    asked = (
        ReportingPeriod("quarter", year * 4 + int(found[2]) - 1)
        if found[2]
        else ReportingPeriod("month", year * 12 + int(found[3]) - 1)
    )
    if not oldest(span, asked.kind).number <= asked.number <= newest_over(span, asked.kind).number:
        raise Http404
    return asked


def newest_over(span: Quarters, kind: str) -> ReportingPeriod:
    """Return the newest month or quarter that is over."""
    month = month_number(span.today) - 1
    return ReportingPeriod("month", month) if kind == "month" else ReportingPeriod("quarter", (month + 1) // MONTHS - 1)


def oldest(span: Quarters, kind: str) -> ReportingPeriod:
    """Return the oldest that is summed."""
    return ReportingPeriod("month", span.first * MONTHS) if kind == "month" else ReportingPeriod("quarter", span.first)
