"""What the frame around every page shows: the clinic, the places one may go to, the language, the account."""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from server.accounts.memberships import has_waiting_roles, held_by, mays_in
from server.accounts.models import Account, Clinic
from server.accounts.roles import MAY, Permission, Role


@dataclass(frozen=True)
class NavigationEntry:
    """Somewhere to go: what it needs, its URL's name, what it is called. `below`: the URL names that belong to it."""

    may: Permission
    name: str
    text: str | Promise
    below: tuple[str, ...] = ()


OF_A_PARTICIPANT = ("diary:calendar", "diary:list", "diary:course", "diary:begin_course")
"""Pages of the diary that belong to one participant."""

PLACES = (
    NavigationEntry(Permission.SEE_DIARY, "follow_up:list", _("Follow up"), ("follow_up",)),
    NavigationEntry(Permission.SEE_ROOM, "room:index", _("Room"), ("room",)),
    NavigationEntry(Permission.SEE_DIARY, "appointments:week", _("Week"), ("appointments",)),
    NavigationEntry(
        Permission.SEE_PEOPLE,
        "people:list",
        _("Participants"),
        ("people", "papers_of", "assessment", *OF_A_PARTICIPANT),
    ),
    NavigationEntry(Permission.SEE_DIARY, "diary:days", _("Diary"), ("diary",)),
    NavigationEntry(Permission.REPORT_ACTIVITY, "papers:reports", _("Reports"), ("papers",)),
    NavigationEntry(Permission.EXPORT_RESEARCH, "papers:research", _("Research"), ("papers:research",)),
    NavigationEntry(Permission.SEE_MACHINES, "clinics:machines", _("Machines"), ("clinics:machine",)),
    NavigationEntry(Permission.MANAGE_ACCOUNTS, "clinics:accounts", _("Accounts"), ("clinics:",)),
    NavigationEntry(Permission.SEE_AUDIT, "audit:log", _("Access log"), ("audit",)),
)
"""Within a clinic, in this order; `server.web.home` leads to the first that one may see."""

NETWORK = NavigationEntry(Permission.SEE_AGGREGATES, "network:index", _("Network"), ("network",))
"""Across the clinics that one may see sums of."""


@dataclass(frozen=True)
class Link:
    """A place as the frame shows it."""

    href: str
    text: str | Promise
    here: bool


@dataclass(frozen=True)
class Frame:
    """What the frame shows. `clinic`: the page's own, if it is of one; `place`: the one whose places are shown.

    `roles_wait`: in that place roles wait that this account may confirm.
    """

    clinic: Clinic | None
    place: Clinic | None
    links: tuple[Link, ...]
    account: Account | None
    language: str
    other_language: str
    other_language_name: str
    roles_wait: bool
    left_s: float
    theme: str


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the frame of this request, for templates (a context processor)."""
    user = getattr(request, "user", None)
    account = user if isinstance(user, Account) else None
    if account is not None:
        from server.web.gate import verified  # noqa: PLC0415 - the gate stands on models

        if not verified(request):
            account = None
    clinic = getattr(request, "clinic", None)
    place = clinic or (_only_clinic(account) if account else None)
    language = get_language() or settings.LANGUAGE_CODE
    other = next(code for code, _name in settings.LANGUAGES if code != language)
    return {
        "frame": Frame(
            clinic=clinic,
            place=place,
            links=links(account, place, _here(request)) if account else (),
            account=account,
            language=language,
            other_language=other,
            other_language_name=dict(settings.LANGUAGES)[other],
            roles_wait=account is not None and place is not None and has_waiting_roles(account, place),
            left_s=round(_left_s(request), 1) if account else 0.0,
            theme=account.theme if account else "",
        )
    }


def _left_s(request: HttpRequest) -> float:
    from server.web.gate import left_s  # noqa: PLC0415 - the gate stands on models

    return left_s(request.session, time.time())


def links(account: Account, clinic: Clinic | None, here: str = "") -> tuple[Link, ...]:
    """Return the places that this account may go to from here."""
    return (*(places_in(account, clinic, here) if clinic is not None else ()), *network(account, here))


def places_in(account: Account, clinic: Clinic, here: str = "") -> tuple[Link, ...]:
    """Return the places within this clinic that this account may go to, the most needed first."""
    mays = mays_in(account, clinic)
    return tuple(
        Link(reverse(place.name, args=[clinic.code]), place.text, _belongs(place, here))
        for place in PLACES
        if place.may in mays
    )


def network(account: Account, here: str = "") -> tuple[Link, ...]:
    """Return the way to the network's sums, where this account may see any."""
    may_see = any(NETWORK.may in MAY[Role(one.role)] for one in held_by(account))
    return (Link(reverse(NETWORK.name), NETWORK.text, _belongs(NETWORK, here)),) if may_see else ()


def _only_clinic(account: Account) -> Clinic | None:
    """Return the clinic of a person who works in one: its places stay in sight on network and account pages."""
    clinics = {one.clinic_id for one in held_by(account) if one.clinic_id is not None}
    return Clinic.objects.get(pk=clinics.pop()) if len(clinics) == 1 else None


def _here(request: HttpRequest) -> str:
    match = getattr(request, "resolver_match", None)
    return match.view_name if match else ""


def _belongs(place: NavigationEntry, here: str) -> bool:
    """Whether this is the place where one is: the longest match of all places."""
    return _length(place, here) > 0 and _length(place, here) == max(_length(one, here) for one in (*PLACES, NETWORK))


def _length(place: NavigationEntry, here: str) -> int:
    return max(
        (len(one) for one in (place.name, *place.below) if here == one or here.startswith(one.rstrip(":") + ":")),
        default=0,
    )
