"""`quarantine` and `dead-letters`: look, retry, drop. What is shown holds no health data; `--out` writes the bytes."""

import time
from pathlib import Path
from typing import Literal

from django.db import transaction

from server.collector import parser, store
from server.collector.messages import Dead, KeptForAPerson
from server.errors import ServerError
from server.models import DeadLetter, QuarantinedSession

Kept = Literal["quarantine", "dead-letters"]


def list_rows(kept: Kept) -> list[str]:
    """One line for each, oldest first."""
    rows = (
        [
            f"{one.pk}\t{_when(one.first_wall_s)}\t{one.clinic}/{one.machine}\t{one.session_id}\t{one.why}\t×{one.times}"
            for one in QuarantinedSession.objects.defer("payload").order_by("pk")
        ]
        if kept == "quarantine"
        else [
            f"{one.pk}\t{_when(one.first_wall_s)}\t{one.topic}\t{one.why}\t{one.payload_bytes} bytes\t×{one.times}"
            for one in DeadLetter.objects.defer("payload").order_by("pk")
        ]
    )
    return rows or ["Nothing is there."]


def show_row(kept: Kept, number: int, out: Path | None) -> list[str]:
    """Everything but the content, which goes to a file where one is asked for. Raises ServerError."""
    one = _one(kept, number)
    lines = [
        f"{field.name}: {_format_value(field.name, getattr(one, field.name))}"
        for field in one._meta.fields  # noqa: SLF001 - Django's documented model API
        if field.name != "payload"
    ]
    if out is not None:
        out.write_bytes(bytes(one.payload))
        lines.append(f"content: {len(one.payload)} bytes, written to {out}")
    return lines


def retry_row(kept: Kept, number: int) -> str:
    """Read it again with this version of the software, and take it out where that works. Raises ServerError.

    A conflict stays one until what stands against it is dropped; a session that is taken gets its receipt when the
    machine sends it next time.
    """
    one = _one(kept, number)
    topic = (
        f"ic/1/{one.clinic}/{one.machine}/session/{one.session_id}"
        if isinstance(one, QuarantinedSession)
        else one.topic
    )
    if isinstance(one, DeadLetter) and len(one.payload) < one.payload_bytes:
        raise ServerError(f"Number {number} was too long to be kept whole, so it cannot be retried. Drop it.")
    arrival = parser.arrival(topic, bytes(one.payload))
    if isinstance(arrival, Dead | KeptForAPerson):
        return f"Number {number} stays: {arrival.reason}"
    with transaction.atomic():
        [*verdicts] = store.commit((arrival,))
        if any(verdict.what == "quarantined" for verdict in verdicts):
            # The commit counted it once more; that was this retry and not the machine.
            transaction.set_rollback(True)
            return f"Number {number} stays: {store.CONFLICT}"
        one.delete()
    return f"Number {number} is taken: {', '.join(verdict.what for verdict in verdicts)}."


def drop_row(kept: Kept, number: int) -> str:
    """Forget it for ever. Raises ServerError."""
    _one(kept, number).delete()
    return f"Number {number} is dropped."


def _one(kept: Kept, number: int) -> QuarantinedSession | DeadLetter:
    model = QuarantinedSession if kept == "quarantine" else DeadLetter
    found = model.objects.filter(pk=number).first()
    if found is None:
        raise ServerError(f"There is no number {number}. «{kept} list» shows what there is.")
    return found


def _format_value(name: str, value: object) -> str:
    return _when(value) if name.endswith("_wall_s") and isinstance(value, float) else str(value)


def _when(wall_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(wall_s))
