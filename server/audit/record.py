"""Adding to the access log, and checking its chain."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import transaction

from server.audit.models import Entry, Head

if TYPE_CHECKING:
    from server.clinics.models import Account, Clinic
    from server.clinics.roles import May
    from server.people.models import Participant


def record(
    account: "Account | str",
    action: str,
    *,
    clinic: "Clinic | None" = None,
    may: "May | None" = None,
    participant: "Participant | None" = None,
    **detail: Any,  # noqa: ANN401 - what a line tells beside its columns, as JSON
) -> Entry:
    """Add one line. `account`: who, or the name of a command. `detail` holds no health data and no name of a person."""
    from server.clinics.access import role_in  # noqa: PLC0415 - access logs what it lets through

    role = (
        role_in(account, clinic, may) if clinic is not None and may is not None and not isinstance(account, str) else ""
    )
    with transaction.atomic():
        head = _head()
        entry = Entry(
            number=head.number + 1,
            at=datetime.now(UTC),
            account=account if isinstance(account, str) else account.get_username(),
            role=role,
            clinic=clinic.code if clinic else "",
            participant=participant.pseudonym if participant else "",
            action=action,
            detail=detail,
            previous_sha256=head.sha256,
        )
        entry.sha256 = digest(entry)
        entry.save(force_insert=True)
        Head.objects.filter(pk=1).update(number=entry.number, sha256=entry.sha256)
    return entry


def _head() -> Head:
    """The chain's end, locked where the database can; made by whoever comes first."""
    locked = Head.objects.select_for_update().filter(pk=1)
    found = locked.first()
    if found is None:
        Head.objects.get_or_create(pk=1)
        found = locked.get()
    return found


def digest(entry: Entry) -> str:
    """The hash of a line: over all that it says, and the hash before it."""
    said = [
        entry.number,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.account,
        entry.role,
        entry.clinic,
        entry.participant,
        entry.action,
        entry.detail,
        entry.previous_sha256,
    ]
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()


def faults() -> Iterator[str]:
    """What is wrong with the chain, a sentence each; nothing where all is well."""
    number, before = 0, "0" * 64
    for entry in Entry.objects.order_by("number").iterator():
        if entry.number != number + 1:
            yield f"Lines {number + 1}–{entry.number - 1} are missing."
        elif entry.previous_sha256 != before:
            yield f"Line {entry.number} does not follow from line {number}."
        if digest(entry) != entry.sha256:
            yield f"Line {entry.number} has been changed."
        number, before = entry.number, entry.sha256
    head = Head.objects.filter(pk=1).first()
    if head is not None and (head.number, head.sha256) != (number, before):
        yield f"The log should end with line {head.number}, and ends with line {number}."
