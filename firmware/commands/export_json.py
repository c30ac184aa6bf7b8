"""A session as JSON: all that the diary holds of it, every message and event. Keys: docs/diary.md."""

import msgspec

from firmware.journal.record import SessionRecord


def export_json(record: SessionRecord) -> bytes:
    """Write the whole record, indented by two."""
    return msgspec.json.format(msgspec.json.encode(record, order="deterministic"), indent=2) + b"\n"
