"""The follow-up page: one card for each person, with all reasons, the heaviest first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date

from django.core.paginator import Page, Paginator
from django.urls import reverse
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

    page: Page[tuple[int, ...]]
    cards: tuple[FollowUpCard, ...]
    counts: dict[str, int]


class _Light(Struct, frozen=True):
    """An item without its evidence: enough to sort and count."""

    key: int
    participant: int
    weight: int
    owner: int | None
    responsible: int | None
    group: str


def board_of(clinic: Clinic, account: Account, today: date, *, show: str, group: str, number: int) -> FollowUpBoard:
    """Return the page of a view: `all`, `mine` or `later`. Four statements, however many people there are."""
    waiting, later = _light(open_items(clinic, today)), _light(later_items(clinic, today))
    mine = [one for one in waiting if account.pk == (one.owner or one.responsible)]
    views = {"all": waiting, "mine": mine, "later": later}
    counts = {name: len({one.participant for one in items}) for name, items in views.items()}
    people = _sorted(one for one in views[show] if not group or one.group == group)
    page = Paginator(people, CARDS_ON_PAGE).get_page(number)
    return FollowUpBoard(page=page, cards=_cards(clinic, list(page.object_list)), counts=counts)


def _light(items: Iterable[FollowUpItem]) -> list[_Light]:
    rows = items.values_list(  # type: ignore[attr-defined] # a query set
        "pk", "participant_id", "weight", "owner_id", "participant__responsible_id", "participant__group"
    )
    return [
        _Light(pk, who or 0, weight, owner, responsible, group or "")
        for pk, who, weight, owner, responsible, group in rows
    ]


def _sorted(items: Iterable[_Light]) -> list[tuple[int, ...]]:
    """Return each person's items, the heaviest first; who has the heavier reason, then more of them, is first."""
    of: dict[int, list[_Light]] = defaultdict(list)
    for one in items:
        of[one.participant].append(one)
    piles = [sorted(pile, key=lambda one: (-one.weight, one.key)) for pile in of.values()]
    piles.sort(key=lambda pile: ([-one.weight for one in pile[:1]], -len(pile), pile[0].key))
    return [tuple(one.key for one in pile) for pile in piles]


def _cards(clinic: Clinic, piles: Sequence[tuple[int, ...]]) -> tuple[FollowUpCard, ...]:
    wanted = [key for pile in piles for key in pile]
    found = FollowUpItem.objects.filter(pk__in=wanted).select_related(
        "participant", "participant__responsible", "owner"
    )
    items = {one.pk: one for one in found}
    return tuple(_card(clinic, [items[key] for key in pile if key in items]) for pile in piles)


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
