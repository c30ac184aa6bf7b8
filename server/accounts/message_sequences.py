"""Numbers of a machine's messages: which arrived, so that a sequence that someone thins out is seen and told.

A machine numbers what it sends on each connection, and a connection that is lost loses only its last messages. So a gap
below the highest number means that the broker took a message and gave it to someone else, or dropped it. What arrives
late, through another collector, closes its gap; only a gap that stays is told.
"""

import re
import time
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection
from django.db.models import Q
from msgspec import Struct

from server.models import MachineState, MessageSequence
from sync.wire.ranges import COUNTER

SETTLED_S = 120.0
"""So long a gap may stay open: messages wait for a collector that is being started again."""

TOLD_FOR_S = 7 * 86_400.0
DOUBLED_TOLD_FOR_S = 86_400.0
KEPT_S = 30 * 86_400.0
MOST_RANGES = 64
MOST_CONNECTIONS = 20
_NUMBER = re.compile(r"([0-9]{1,16})\.([0-9]{1,16})\Z")

Run = list[int]


class SequenceMark(Struct, frozen=True):
    """A numbered message that arrived."""

    clinic: str
    machine: str
    connection: int
    number: int


class MissingMessages(Struct, frozen=True):
    """How many of how many numbered messages did not arrive within the last week."""

    missing: int
    sent: int


def mark_of(clinic: str, machine: str, sequence: str) -> SequenceMark | None:
    """Read a message's number; None where it has none, or one that no machine of ours makes."""
    found = _NUMBER.match(sequence)
    if found is None or not clinic:
        return None
    connection_number, number = int(found[1]), int(found[2])
    if not (0 < number <= COUNTER and connection_number <= COUNTER):
        return None
    return SequenceMark(clinic, machine, connection_number, number)


def note_arrived(marks: Iterable[SequenceMark], now_s: float) -> None:
    """Note these numbers, within the transaction at hand: what is acknowledged is noted, or neither."""
    by_key: dict[tuple[str, str, int], list[int]] = {}
    for mark in marks:
        by_key.setdefault((mark.clinic, mark.machine, mark.connection), []).append(mark.number)
    if not by_key:
        return
    rows = _rows(sorted(by_key))
    new = {
        key: MessageSequence(clinic=key[0], machine=key[1], connection=key[2], first_wall_s=now_s, last_wall_s=now_s)
        for key in sorted(by_key.keys() - rows.keys())
    }
    for key, row in (rows | new).items():
        _add(row, by_key[key], now_s)
    MessageSequence.objects.bulk_create(new.values())
    MessageSequence.objects.bulk_update(rows.values(), ["ranges", "closed", "gap_wall_s", "last_wall_s"])
    for clinic, machine in {key[:2] for key in new}:
        there = MessageSequence.objects.filter(clinic=clinic, machine=machine).order_by("-last_wall_s", "-pk")
        MessageSequence.objects.filter(pk__in=list(there.values_list("pk", flat=True)[MOST_CONNECTIONS:])).delete()


def note_refused(clinic: str, machine: str, connection_number: int, refused: int, now_s: float) -> None:
    """Note how many of a connection's messages the broker refused, as the machine says."""
    row = _rows([(clinic, machine, connection_number)]).get((clinic, machine, connection_number))
    if row is not None and row.refused != refused:
        row.refused = refused
        row.gap_wall_s = (row.gap_wall_s or now_s) if _missing(row) else None
        row.save(update_fields=["refused", "gap_wall_s"])


def missing_messages(now_s: float | None = None) -> dict[tuple[str, str], MissingMessages]:
    """Return the machines of which messages are missing, by clinic and name."""
    now_s = time.time() if now_s is None else now_s
    found: dict[tuple[str, str], MissingMessages] = {}
    for row in MessageSequence.objects.filter(last_wall_s__gt=now_s - TOLD_FOR_S).order_by("pk"):
        before = found.get((row.clinic, row.machine), MissingMessages(0, 0))
        settled = row.gap_wall_s is not None and row.gap_wall_s < now_s - SETTLED_S
        found[row.clinic, row.machine] = MissingMessages(
            before.missing + (_missing(row) if settled else 0), before.sent + _highest(row)
        )
    return {key: one for key, one in found.items() if one.missing}


def doubled_machines(now_s: float | None = None) -> set[tuple[str, str]]:
    """Return the machines, by clinic and name, whose name two clients used within the last day."""
    since_s = (time.time() if now_s is None else now_s) - DOUBLED_TOLD_FOR_S
    return set(MachineState.objects.filter(doubled_wall_s__gt=since_s).values_list("clinic", "machine"))


def note_doubled(seen: Mapping[tuple[str, str], float]) -> None:
    """Note when two clients used a machine's name, by clinic and machine, as the broker's log shows it."""
    for (clinic, machine), at_s in seen.items():
        mine = MachineState.objects.filter(clinic=clinic, machine=machine)
        mine.filter(Q(doubled_wall_s=None) | Q(doubled_wall_s__lt=at_s)).update(doubled_wall_s=at_s)


def note_unborn(now_s: float) -> None:
    """Note the machines of which numbered messages came on a connection whose state never did.

    A machine publishes its state first, so a silent client that numbers a connection higher is another
    client. Lower numbers say nothing: another collector may have had them in its queue for long.
    """
    recent = MessageSequence.objects.filter(
        first_wall_s__lt=now_s - SETTLED_S, last_wall_s__gt=now_s - DOUBLED_TOLD_FOR_S
    )
    newest: dict[tuple[str, str], MessageSequence] = {}
    for row in recent.order_by("connection"):
        newest[row.clinic, row.machine] = row
    for (clinic, machine), row in newest.items():
        mine = MachineState.objects.filter(clinic=clinic, machine=machine, connection__lt=row.connection)
        mine.update(doubled_wall_s=row.last_wall_s)


def forget_old(now_s: float) -> int:
    """Forget connections of which nothing came for a month. Return how many."""
    return MessageSequence.objects.filter(last_wall_s__lt=now_s - KEPT_S).delete()[0]


def _rows(keys: Sequence[tuple[str, str, int]]) -> dict[tuple[str, str, int], MessageSequence]:
    """Return the rows that are there, locked in their order where the database can."""
    clinics, machines, numbers = ({key[place] for key in keys} for place in range(3))
    rows = MessageSequence.objects.filter(clinic__in=clinics, machine__in=machines, connection__in=numbers)
    rows = rows.order_by("clinic", "machine", "connection")
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    found = {(row.clinic, row.machine, row.connection): row for row in rows}
    return {key: found[key] for key in keys if key in found}


def _add(row: MessageSequence, numbers: Iterable[int], now_s: float) -> None:
    runs = _merged([*row.ranges, *([one, one] for one in numbers)])
    while len(runs) > MOST_RANGES:
        row.closed += runs[1][0] - runs[0][1] - 1
        runs[:2] = [[runs[0][0], runs[1][1]]]
    row.ranges, row.last_wall_s = runs, now_s
    row.gap_wall_s = (row.gap_wall_s or now_s) if _missing(row) else None


def _merged(runs: Iterable[Run]) -> list[Run]:
    merged: list[Run] = []
    for low, high in sorted(runs):
        if merged and low <= merged[-1][1] + 1:
            merged[-1][1] = max(merged[-1][1], high)
        else:
            merged.append([low, high])
    return merged


def _highest(row: MessageSequence) -> int:
    return int(row.ranges[-1][1]) if row.ranges else 0


def _missing(row: MessageSequence) -> int:
    arrived = sum(high - low + 1 for low, high in row.ranges)
    return max(0, _highest(row) - int(arrived) + row.closed - row.refused)
