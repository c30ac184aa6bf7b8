"""Add lines to the access log, and check its chain and its seals (`server.audit.seal`)."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from django.contrib.auth import get_user_model
from django.db import transaction

from server.accounts.memberships import role_in
from server.audit import seal
from server.audit.models import Entry, Head

if TYPE_CHECKING:
    from server.accounts.models import Account, Clinic
    from server.accounts.roles import Permission
    from server.people.models import Participant


def record(
    account: "Account | str",
    action: str,
    *,
    clinic: "Clinic | None" = None,
    may: "Permission | None" = None,
    participant: "Participant | None" = None,
    **detail: Any,  # noqa: ANN401 - what a line tells beside its columns, as JSON
) -> Entry:
    """Add one line. `account`: who, or the name of a command. `detail` holds no health data and no name of a person."""
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
        entry.seal = seal.seal_new_line(entry.number, entry.sha256)
        entry.save(force_insert=True)
        Head.objects.filter(pk=1).update(number=entry.number, sha256=entry.sha256)
        tail = seal.Tail(entry.number, entry.sha256, entry.seal)
        transaction.on_commit(lambda: seal.keep_tail(tail))
    return entry


def _head() -> Head:
    """Return the chain's end, locked where the database can; made by whoever comes first."""
    locked = Head.objects.select_for_update().filter(pk=1)
    found = locked.first()
    if found is None:
        Head.objects.get_or_create(pk=1)
        found = locked.get()
    return found


def digest(entry: Entry) -> str:
    """Return the hash of a line: over all that it says, and the hash before it."""
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


def faults(earlier: Mapping[int, str] | None = None) -> Iterator[str]:
    """Yield what is wrong with the log, a sentence each; nothing where all is well.

    `earlier`: the hash of each line that an earlier export holds, by number; each must still be there, unchanged.
    Raise ServerError where the key or the tail cannot be read.
    """
    key, tail, head = seal.read_key(), seal.read_tail(), Head.objects.filter(pk=1).first()
    number, before, left = 0, "0" * 64, dict(earlier or {})
    tail_found = tail is None
    for entry in Entry.objects.order_by("number").iterator():
        if entry.number != number + 1:
            yield f"Lines {number + 1}–{entry.number - 1} are missing."
        elif entry.previous_sha256 != before:
            yield f"Line {entry.number} does not follow from line {number}."
        if digest(entry) != entry.sha256:
            yield f"Line {entry.number} has been changed."
        if key is None:
            if entry.seal:
                yield f"Line {entry.number} is sealed, and {seal.KEY_FILE} is missing. Take it from a backup."
        elif entry.number >= key.first_line and not seal.is_sealed(key, entry.number, entry.sha256, entry.seal):
            yield f"Line {entry.number} does not carry this server's seal."
        if left.pop(entry.number, entry.sha256) != entry.sha256:
            yield f"Line {entry.number} is another than in the export."
        if tail is not None and entry.number == tail.number:
            tail_found = entry.sha256 == tail.sha256
        number, before = entry.number, entry.sha256
    yield from _faults_of_end(number, before, head)
    if tail is not None and not tail_found:
        yield f"{seal.TAIL_FILE} ends with line {tail.number}; the log has no such line, and ends with line {number}."
    if tail is None and key is not None and number >= key.first_line:
        yield f"{seal.TAIL_FILE} is missing. Take it from a backup, or look at who may write that folder."
    if left:
        yield f"{len(left)} lines of the export are missing, from line {min(left)} on."


def _faults_of_end(number: int, sha256: str, head: Head | None) -> Iterator[str]:
    if head is None and number:
        yield "The row that holds the log's end is missing."
    elif head is not None and (head.number, head.sha256) != (number, sha256):
        yield f"The log should end with line {head.number}, and ends with line {number}."
    if not number and get_user_model().objects.exists():
        yield "The log is empty, and there are accounts: each account was added with a line."
