"""Whom a therapist means by what they type into a place of the week: a name, a nickname, or how one begins."""

from collections.abc import Iterable

from msgspec import Struct

from server.accounts.models import Clinic
from server.people.models import Participant, searchable

MOST_OFFERED = 400
"""So many names the page offers while one types; more are found by typing all the same."""
MOST_NAMED = 4


class KnownPerson(Struct, frozen=True):
    """A person in training at the clinic. `label`: what the field shows."""

    key: int
    name: str
    nickname: str
    group: str

    @property
    def label(self) -> str:
        """Return name and nickname; a nickname is one person's at a clinic."""
        return f"{self.name} ({self.nickname})"


class FoundPerson(Struct, frozen=True):
    """The person that was meant, or those between whom the words do not decide."""

    person: KnownPerson | None
    candidates: tuple[KnownPerson, ...] = ()


def people_of(clinic: Clinic) -> list[KnownPerson]:
    """Return everybody in training there, by name."""
    rows = Participant.objects.filter(clinic=clinic, active=True).order_by("name", "pk")
    return [KnownPerson(*row) for row in rows.values_list("pk", "name", "nickname", "group")]


def find_person(text: str, people: Iterable[KnownPerson]) -> FoundPerson:
    """Return whom the text means: the whole label, nickname or name first, then the beginning of one word of them."""
    wanted = searchable(text)
    there = [(one, searchable(one.label), searchable(one.nickname), searchable(one.name)) for one in people]
    for exact in (
        [one for one, label, _nickname, _name in there if label == wanted],
        [one for one, _label, nickname, _name in there if nickname == wanted],
        [one for one, _label, _nickname, name in there if name == wanted],
    ):
        if len(exact) == 1:
            return FoundPerson(exact[0])
        if exact:
            return FoundPerson(None, tuple(exact[:MOST_NAMED]))
    words = wanted.split()
    begun = [one for one, _label, nickname, name in there if _begins(words, f"{name} {nickname}".split())]
    return FoundPerson(begun[0]) if len(begun) == 1 else FoundPerson(None, tuple(begun[:MOST_NAMED]))


def _begins(typed: list[str], words: list[str]) -> bool:
    return bool(typed) and all(any(word.startswith(one) for word in words) for one in typed)
