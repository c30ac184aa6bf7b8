"""The follow-up page: one card for each person, with all reasons, the heaviest first."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Min, Q, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property
from msgspec import Struct

from server.accounts.memberships import name_of
from server.accounts.models import Account, Clinic
from server.follow_up import words
from server.follow_up.checking import later_items, open_items
from server.follow_up.models import FollowUpItem
from server.follow_up.rules import BY_CODE
from server.people.models import Participant
from server.people.pictures import address_of

CARDS_ON_PAGE = 20
SHOWN = ("all", "mine", "later")


class ReasonLine(Struct, frozen=True):
    """A reason of a card: title, evidence, colour, and the next step."""

    key: int
    title: str
    evidence: str
    look: str
    step: str
    href: str


class FollowUpCard(Struct, frozen=True, kw_only=True):
    """One person with the reasons; the clinic's own card has no participant."""

    participant: Participant | None
    picture: str
    reasons: tuple[ReasonLine, ...]
    owner: str
    until: date | None

    @property
    def first(self) -> ReasonLine:
        """Return the heaviest reason."""
        return self.reasons[0]

    @property
    def others(self) -> tuple[ReasonLine, ...]:
        """Return the lighter reasons."""
        return self.reasons[1:]

    @property
    def keys(self) -> str:
        """Return the items' keys as the form sends them back."""
        return " ".join(str(one.key) for one in self.reasons)


class FollowUpBoard(Struct, frozen=True, kw_only=True):
    """What the page shows. `counts`: people by view."""

    page: Page[int | None]
    cards: tuple[FollowUpCard, ...]
    counts: dict[str, int]


class _CountedPages(Paginator):  # type: ignore[type-arg] # not generic when it runs
    """Pages of people; where `known` says how many there are, they are not counted once more."""

    def __init__(self, people: Any, on_page: int, known: int | None) -> None:  # noqa: ANN401 - a query set of keys
        super().__init__(people, on_page)
        self._known = known

    @cached_property
    def count(self) -> int:
        return super().count if self._known is None else self._known


def board_of(clinic: Clinic, account: Account, today: date, *, show: str, group: str, number: int) -> FollowUpBoard:
    """Return the page of a view: `all`, `mine` or `later`. Five statements, however many people there are.

    The database counts and sorts: of thousands of reasons only a page's own are read.
    """
    waiting, later = open_items(clinic, today), later_items(clinic, today)
    is_mine = Q(owner=account) | Q(owner=None, participant__responsible=account)
    counts = _counted(waiting, {"all": Q(), "mine": is_mine}) | _counted(later, {"later": Q()})
    shown = {"all": waiting, "mine": waiting.filter(is_mine), "later": later}[show]
    if group:
        shown = shown.filter(participant__group=group)
    # The heavier reason first, then more of them; then who has waited longest.
    piles = shown.values("participant").annotate(heaviest=Max("weight"), reasons=Count("pk"), first=Min("pk"))
    people = piles.order_by("-heaviest", "-reasons", "first").values_list("participant", flat=True)
    page = _CountedPages(people, CARDS_ON_PAGE, None if group else counts[show]).get_page(number)
    return FollowUpBoard(page=page, cards=_cards(clinic, shown, list(page.object_list)), counts=counts)


def _counted(items: QuerySet[FollowUpItem], views: dict[str, Q]) -> dict[str, int]:
    """Return how many people each view shows; the clinic's own card is one more."""
    asked: dict[str, Count] = {}
    for name, view in views.items():
        asked[name] = Count("participant", filter=view, distinct=True)
        asked[f"{name}_own"] = Count("pk", filter=view & Q(participant=None))
    told = items.aggregate(**asked)
    return {name: told[name] + bool(told[f"{name}_own"]) for name in views}


def _cards(clinic: Clinic, shown: QuerySet[FollowUpItem], people: Sequence[int | None]) -> tuple[FollowUpCard, ...]:
    wanted = Q(participant__in=[one for one in people if one is not None])
    if None in people:
        wanted |= Q(participant=None)
    found = shown.filter(wanted).select_related("participant", "participant__responsible", "owner")
    of: dict[int | None, list[FollowUpItem]] = defaultdict(list)
    for one in found.order_by("-weight", "pk"):
        of[one.participant_id].append(one)
    return tuple(_card(clinic, of[one]) for one in people if of[one])


def _card(clinic: Clinic, items: Sequence[FollowUpItem]) -> FollowUpCard:
    participant = items[0].participant
    owner = next((one.owner for one in items if one.owner is not None), None)
    owner = owner or (participant.responsible if participant else None)
    return FollowUpCard(
        participant=participant,
        picture=address_of(participant.picture) if participant else "",
        reasons=tuple(_reason(clinic, one) for one in items),
        owner=name_of(owner) if owner else "",
        until=max((one.until for one in items if one.state == "later" and one.until), default=None),
    )


def _reason(clinic: Clinic, item: FollowUpItem) -> ReasonLine:
    rule = BY_CODE.get(item.rule)
    return ReasonLine(
        key=item.pk,
        title=words.title_of(item.rule, item.facts),
        evidence=words.line_of(item.rule, item.facts),
        look=rule.look if rule else "below",
        step=words.step_of(item.rule, item.facts),
        href=_href(clinic, item, rule.step if rule else "person"),
    )


def _href(clinic: Clinic, item: FollowUpItem, step: str) -> str:
    if item.participant is None:
        return reverse("diary:unassigned", args=[clinic.code])
    where = (clinic.code, item.participant.pseudonym)
    match step:
        case "session" if item.facts.get("session"):
            return reverse("diary:session", args=[clinic.code, item.facts["session"]])
        case "clearance":
            return reverse("assessment:clearance", args=where)
        case "plan":
            return reverse("people:plan", args=where)
        case "change_plan":
            return reverse("people:change_plan", args=where)
        case "course":
            return reverse("diary:course", args=where)
        case "note":
            return reverse("people:overview", args=where) + "#notes"
        case _:
            return reverse("people:overview", args=where)
