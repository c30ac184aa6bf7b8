"""docs/diary.md names every column and every key that leaves the diary; a new one without a word there fails."""

import types
import typing
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage
from firmware.commands.sessions import FORMATS
from firmware.journal.record import SessionRecord
from firmware.journal.schema import APPLICATION_ID
from firmware.journal.writer import JournalSettings, NotSavedReason
from sync.export.csv import COLUMNS
from sync.export.fit import EARLIEST

DOCUMENT = (Path(__file__).parents[3] / "docs" / "diary.md").read_text(encoding="utf-8")


def structs_in(kind: object, seen: set[type]) -> Iterator[type[msgspec.Struct]]:
    """Find every struct that a type can hold."""
    for part in typing.get_args(kind):
        yield from structs_in(part, seen)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        seen.add(kind)
        yield kind
        for field in msgspec.structs.fields(kind):
            yield from structs_in(field.type, seen)


STRUCTS = sorted(structs_in(SessionRecord, set()), key=lambda struct: struct.__name__)
KINDS = [*typing.get_args(AnyMessage), *typing.get_args(AnyEvent)]


def line_of(tag: str) -> str:
    return next((line for line in DOCUMENT.splitlines() if line.startswith(f"| `{tag}` |")), "")


def test_every_struct_is_looked_at() -> None:
    assert {struct.__name__ for struct in STRUCTS} >= {"Plan", "Protocol", "Phase", "Summary", "Timestamp", "HeartRate"}
    assert isinstance(AnyMessage, types.UnionType)


@pytest.mark.parametrize("struct", STRUCTS)
def test_every_json_key_is_documented(struct: type[msgspec.Struct]) -> None:
    keys = {field.encode_name for field in msgspec.structs.fields(struct)}
    assert {key for key in keys if f"`{key}`" not in DOCUMENT} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_every_message_and_event_has_its_line_with_its_keys(kind: type[msgspec.Struct]) -> None:
    line = line_of(str(kind.__struct_config__.tag))
    keys = {field.encode_name for field in msgspec.structs.fields(kind)} - {"t"}
    assert (line != "", {key for key in keys if f"`{key}`" not in line}) == (True, set())


@pytest.mark.parametrize("column", COLUMNS)
def test_every_csv_column_is_documented(column: str) -> None:
    columns = DOCUMENT.partition("## CSV")[2].partition("## FIT")[0]
    assert f"`{column}`" in columns


def test_figures_and_names_in_the_document_are_those_of_the_program() -> None:
    settings = JournalSettings()
    words = [
        f"0x{APPLICATION_ID:X}",
        f"every {settings.commit_every_s:g} s",
        f"{settings.keep_acknowledged_days:g} days after a receipt",
        f"{settings.free_floor_bytes // 2**20} MB of free disk",
        f"{EARLIEST:%Y-%m-%d}",
        "|".join(FORMATS),
        "$INTERVAL_COACH_DIARY",
        *(f"`{reason}`" for reason in typing.get_args(NotSavedReason)),
    ]
    assert [word for word in words if word not in DOCUMENT] == []
