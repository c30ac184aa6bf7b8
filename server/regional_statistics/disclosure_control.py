"""What may be told of a clinic without telling of fewer than five people. Pure; docs/network.md has the reasons.

    sessions of a clinic's quarter, people told apart
        │ a month that is over, with five people or more           ──► told
        │ the quarter, once over: whole where the months that are
        │   not told hold nothing, or five people together;
        │   else the sum of the months that are told               ──► told
        │ protocols and groups of it, one by one, while nothing
        │   that can be computed from all that is told is small    ──► told
        ▼
    the clinics of a region of which nothing is told, as one       ──► told, where five people stay without any of them

1. Every sum over clinics or quarters adds up what is told and nothing else: it tells nothing that was not told.
2. Two clinics' quarters share no session, so each is judged by itself, the same for every reader.
3. Within one, what is told are sets of sessions. Cut along all of them the quarter falls into atoms; whatever can be
   computed by adding and subtracting is a combination of sets, and the same for all sessions of an atom. A group under
   five consists of atoms under five. So nothing of a small group can be computed if no combination but the empty one
   vanishes on all atoms of five or more: if the sets restricted to those atoms have the same rank as all of it.
4. Numbers have bounds (0 ≤ completed ≤ sessions, 0 ≤ seconds), and a linear programme uses them. On the attacker's
   polyhedron a sum is constant only if it is a combination of the equations and of those bounds that hold with equality
   everywhere. Where one point lies strictly inside all bounds there are none of the latter, and rule 3 is the whole
   proof. So a measure of a set is told only while such a point exists (`interior_exists`): the truth itself for months
   and quarters, found by moving along the null space of the told sets for protocols and groups. A measure that is not
   told is a secondary suppression; a set with all or none completed, or all but one, is the commonest case.

People are those whom the clinic knows. Guests' sessions are summed along and count as nobody's: that is only stricter.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from server.regional_statistics.periods import MONTHS

FEWEST = 5
"""A group under five is never told (the project's requirement; 5 is also the NHS's and Norwegian registries' limit)."""
ABOUT = 5
"""People are told to the nearest five, as NHS Digital does: two counts subtracted name no group under five."""


class Amount(Struct, frozen=True):
    """Sums over sessions. Times in s; `live` adds up each session's share of time with a signal that could be used."""

    sessions: int = 0
    completed: int = 0
    zone_s: float = 0.0
    above_95_s: float = 0.0
    live: float = 0.0

    def __add__(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(
            self.sessions + other.sessions,
            self.completed + other.completed,
            self.zone_s + other.zone_s,
            self.above_95_s + other.above_95_s,
            self.live + other.live,
        )


MEASURED = ("completed", "zone_s", "above_95_s", "live")
"""The measures of a set of sessions, each told or suppressed by itself."""

_AT_MOST_SESSIONS = ("completed", "live")
_FROM_THE_BOUND = {"completed": 2.0}
"""All but one completed counts as all: else a measure that is not told would say which of the two it is."""

_SLACK = 1e-6


class MeasuredSum(Struct, frozen=True):
    """A measure's sum over so many sessions."""

    sum: float
    sessions: int


class Cell(Struct, frozen=True):
    """What is told of a set of sessions. `people_about`: to the nearest five; `whole`: no month is left out.

    `measures`: those that are told, by name, each over the sessions of which it is told.
    """

    sessions: int
    people_about: int
    whole: bool = True
    measures: Mapping[str, MeasuredSum] = {}


class Adherence(Struct, frozen=True):
    """Of a clinic, not for telling: so many sessions were due by the courses, so many trained, of so many people."""

    due: float = 0.0
    trained: int = 0
    people: int = 0

    def __add__(self, other: "Adherence") -> "Adherence":
        """Both together, of people who are not the same."""
        return Adherence(self.due + other.due, self.trained + other.trained, self.people + other.people)


NO_COURSES = (Adherence(),) * (MONTHS + 1)


class Quarter(Struct, frozen=True):
    """A clinic's quarter, not for telling: the sums of its three months, and how many people trained in which.

    `people`: by the months in which they trained, as bits (1, 2, 4). `months_over`: how many of the months are over.
    `courses`: how the courses were followed in each month, and in all of it.
    """

    months: tuple[Amount, Amount, Amount]
    people: Mapping[int, int]
    months_over: int
    courses: tuple[Adherence, ...] = NO_COURSES

    def people_in(self, months: int) -> int:
        """How many trained in any of these months (bits)."""
        return sum(count for trained, count in self.people.items() if trained & months)

    @property
    def amount(self) -> Amount:
        """All of it."""
        return total(self.months)


class ToldQuarter(Struct, frozen=True):
    """What is told: each month (None: it is not), and all of it."""

    months: tuple[Cell | None, Cell | None, Cell | None]
    all: Cell | None

    @property
    def month_bits(self) -> int:
        """The months that are told, as bits."""
        return sum(1 << at for at, one in enumerate(self.months) if one is not None)


class Atom(Struct, frozen=True):
    """Sessions of one month, protocol and group in a clinic's quarter, not for telling. `people`: the known ones."""

    month: int
    protocol: str
    group: str | None
    people: frozenset[int]
    amount: Amount


class Kinds(Struct, frozen=True):
    """What is told of a clinic's quarter by protocol and by group."""

    protocols: Mapping[str, Cell]
    groups: Mapping[str, Cell]


NO_KINDS = Kinds({}, {})


def total(amounts: Iterable[Amount]) -> Amount:
    """All together."""
    return sum(amounts, Amount())


def about(people: int) -> int:
    """To the nearest five."""
    return ABOUT * ((people + ABOUT // 2) // ABOUT)


def cell(amount: Amount, people: int, *, whole: bool = True, measures: Iterable[str] = MEASURED) -> Cell:
    """Return what is told of so many people; a measure at its bound is not. Their exact number goes no further."""
    told = {name: MeasuredSum(getattr(amount, name), amount.sessions) for name in measures if is_inside(amount, name)}
    return Cell(amount.sessions, about(people), whole, told)


def is_inside(amount: Amount, measure: str) -> bool:
    """Whether a sum lies strictly inside its bounds: neither none nor all."""
    value, least = getattr(amount, measure), _FROM_THE_BOUND.get(measure, _SLACK * max(1, amount.sessions))
    return bool(value >= least and (measure not in _AT_MOST_SESSIONS or amount.sessions - value >= least))


def told_quarter(quarter: Quarter) -> ToldQuarter:
    """Return the months that may be told, and the quarter."""
    months: list[Cell | None] = []
    for at, amount in enumerate(quarter.months):
        people = quarter.people_in(1 << at)
        months.append(cell(amount, people) if at < quarter.months_over and people >= FEWEST else None)
    told = sum(1 << at for at, one in enumerate(months) if one is not None)
    left_out = [at for at, one in enumerate(months) if one is None and quarter.months[at].sessions]
    whole: Cell | None = None
    if quarter.months_over == MONTHS:
        if not left_out or quarter.people_in(sum(1 << at for at in left_out)) >= FEWEST:
            people = quarter.people_in((1 << MONTHS) - 1)
            if people >= FEWEST:
                whole = cell(quarter.amount, people, measures=_measures_of_all(quarter, months, range(MONTHS)))
        elif told:
            inside = [at for at in range(MONTHS) if told >> at & 1]
            amount = total(quarter.months[at] for at in inside)
            measures = _measures_of_all(quarter, months, inside)
            whole = cell(amount, quarter.people_in(told), whole=False, measures=measures)
    return ToldQuarter((months[0], months[1], months[2]), whole)


def _measures_of_all(quarter: Quarter, months: Sequence[Cell | None], inside: Iterable[int]) -> list[str]:
    """Return the measures that may be told of these months together, beside those told of each.

    The months whose measure is not told are what remains by subtraction: together they too must lie inside the bounds.
    """
    inside, found = list(inside), []
    for name in MEASURED:
        rest = [quarter.months[at] for at in inside if (one := months[at]) is None or name not in one.measures]
        left = total(rest)
        if not left.sessions or is_inside(left, name):
            found.append(name)
    return found


def told_rest(quarters: Sequence[Quarter]) -> Cell | None:
    """Return a region's clinics of which nothing is told in a quarter, as one.

    Whoever knows one of them from inside must not be able to compute the others: five people stay without the largest.
    """
    everybody = (1 << MONTHS) - 1
    people = [quarter.people_in(everybody) for quarter in quarters if quarter.months_over == MONTHS]
    if len(people) < len(quarters) or sum(people) - max(people, default=0) < FEWEST:
        return None
    return cell(total(quarter.amount for quarter in quarters), sum(people))


def told_kinds(quarter: ToldQuarter, atoms: Sequence[Atom]) -> Kinds:
    """Return the protocols and groups that may be told beside what is told of the quarter already."""
    if quarter.all is None:
        return NO_KINDS
    if not quarter.all.whole:
        # The kinds are of the same months as the quarter, so that what is left over is of these months as well.
        atoms = [one for one in atoms if quarter.month_bits >> one.month & 1]
    told = [
        ToldSet(frozenset(at for at, one in enumerate(atoms) if one.month == month), frozenset(of_month.measures))
        for month, of_month in enumerate(quarter.months)
        if of_month is not None
    ]
    told.append(ToldSet(frozenset(range(len(atoms))), frozenset(quarter.all.measures)))
    protocols = _told_of(atoms, told, lambda one: one.protocol, quarter.all)
    groups = _told_of(atoms, told, lambda one: one.group, quarter.all)
    return Kinds(protocols, groups)


class ToldSet(Struct, frozen=True):
    """A set of atoms whose sessions are told, and the measures that are told of it."""

    atoms: frozenset[int]
    measures: frozenset[str]


def _told_of(
    atoms: Sequence[Atom], told: list[ToldSet], key: Callable[[Atom], str | None], everything: Cell
) -> dict[str, Cell]:
    """Of one way of dividing: the largest first, each that keeps all of it safe. `told` grows."""
    parts: dict[str, set[int]] = {}
    for at, one in enumerate(atoms):
        if (name := key(one)) is not None:
            parts.setdefault(name, set()).add(at)
    found = {}
    people = {name: len(_people(atoms, part)) for name, part in parts.items()}
    for name in sorted(parts, key=lambda one: (-people[one], one)):
        part = frozenset(parts[name])
        if people[name] < FEWEST or not safe(atoms, [*(one.atoms for one in told), part]):
            continue
        amount = total(atoms[at].amount for at in part)
        measures = frozenset(
            measure
            for measure in everything.measures
            if is_inside(amount, measure)
            and interior_exists(atoms, [*(one.atoms for one in told if measure in one.measures), part], measure)
        )
        told.append(ToldSet(part, measures))
        found[name] = cell(amount, people[name], whole=everything.whole, measures=measures)
    return found


_MOST_ROUNDS, _INWARD = 400, 0.1


def interior_exists(atoms: Sequence[Atom], told: Sequence[frozenset[int]], measure: str) -> bool:
    """Whether the sums of a measure leave room inside all bounds at once (rule 4 above).

    From the truth, look for a way in the null space of the told sets that leads off every bound that an atom is at:
    alternating projections onto that space and onto the directions that lead inside. An answer «yes» is proved by the
    direction found; «no» may be wrong, and tells less.
    """
    values = np.array([getattr(one.amount, measure) for one in atoms], dtype=float)
    sessions = np.array([one.amount.sessions for one in atoms], dtype=float)
    low = values <= _SLACK
    high = (sessions - values <= _SLACK) if measure in _AT_MOST_SESSIONS else np.zeros(len(atoms), dtype=bool)
    if not (low.any() or high.any()):
        return True
    sets = np.array([[at in one for at in range(len(atoms))] for one in told], dtype=float)
    space = np.eye(len(atoms)) - np.linalg.pinv(sets) @ sets
    way = np.where(low, 1.0, np.where(high, -1.0, 0.0))
    for _ in range(_MOST_ROUNDS):
        way = space @ way
        if (way[low] > _INWARD).all() and (way[high] < -_INWARD).all():
            return True
        way[low] = np.maximum(way[low], 1.0)
        way[high] = np.minimum(way[high], -1.0)
    return False


def safe(atoms: Sequence[Atom], told: Sequence[frozenset[int]]) -> bool:
    """Whether nothing of a group under five can be computed from these sets of atoms (rule 3 above)."""
    cut: dict[tuple[bool, ...], set[int]] = {}
    for at in range(len(atoms)):
        cut.setdefault(tuple(at in one for one in told), set()).add(at)
    cuts = [(where, len(_people(atoms, part)) >= FEWEST) for where, part in cut.items()]
    if all(is_large for _where, is_large in cuts):
        return True
    everything = np.array([where for where, _large in cuts], dtype=float)
    large = np.array([where for where, is_large in cuts if is_large], dtype=float)
    if not large.size:
        return not everything.any()
    return bool(np.linalg.matrix_rank(large) == np.linalg.matrix_rank(everything))


def _people(atoms: Sequence[Atom], part: Iterable[int]) -> frozenset[int]:
    return frozenset[int]().union(*(atoms[at].people for at in part))
