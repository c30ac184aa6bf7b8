"""A machine of version 29cf593 keeps its settings, its diary and its messages (tests/data/29cf593)."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from firmware.config.loader import read_config
from firmware.journal.journal import Journal
from sync.wire import messages
from sync.wire.codec import encode, read

OLD = Path(__file__).parents[1] / "data" / "29cf593"
SENT = [json.loads(line) for line in gzip.decompress((OLD / "messages.jsonl.gz").read_bytes()).splitlines()]


def with_keys_of(old: Any, new: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return `new` without the keys that the old message did not have yet."""
    if isinstance(old, dict):
        return {key: with_keys_of(value, new[key]) for key, value in old.items()}
    if isinstance(old, list):
        return [with_keys_of(*pair) for pair in zip(old, new, strict=True)]
    return new


def test_every_setting_of_the_old_file_is_still_understood() -> None:
    config = read_config(OLD / "config.toml")
    assert config.screen.driver == "wayland"
    assert config.machine.language == "nb"


def test_the_old_diary_opens_with_its_finished_and_its_unfinished_session(tmp_path: Path) -> None:
    file = tmp_path / "diary.db"
    file.write_bytes(gzip.decompress((OLD / "diary.db.gz").read_bytes()))
    with Journal.open(file) as journal:
        lines = journal.sessions().result()
        assert len(lines) == 2
        unfinished = journal.unfinished().result()
        assert unfinished is not None
        assert unfinished.summary is None
        finished = next(line.session_id for line in lines if line.session_id != unfinished.session_id)
        record = journal.session(finished).result()
        assert record.summary is not None
        assert (record.plan.participant, len(record.protocol.phases)) == ("p1", 9)
        assert {type(one).__name__ for one in record.messages} >= {"HeartRate", "SessionCommand"}
        assert journal.undelivered().result()[0].receipt.session_id == finished


@pytest.mark.parametrize("sent", SENT, ids=lambda sent: sent["kind"])
def test_every_old_message_is_read_and_written_with_the_same_keys(sent: dict[str, Any]) -> None:
    kind = getattr(messages, str(sent["kind"]))
    payload = msgspec.json.encode(sent["payload"])
    read_back = read(payload, kind)
    assert isinstance(read_back, kind)
    written = json.loads(encode(read_back))
    assert with_keys_of(sent["payload"], written) == sent["payload"]
