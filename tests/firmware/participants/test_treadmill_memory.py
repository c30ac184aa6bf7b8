"""What people said of a treadmill's speed is kept for that treadmill, and applied from the next session on."""

from pathlib import Path

import pytest

from firmware.participants.treadmill_memory import TreadmillMemory, believed_kmh


def test_an_answer_is_kept_for_its_treadmill_alone(tmp_path: Path) -> None:
    memory = TreadmillMemory(tmp_path / "treadmills.json")
    memory.keep("AA", "miles")
    memory.keep("BB", "as_sent")
    again = TreadmillMemory(tmp_path / "treadmills.json")
    assert (again.of("AA"), again.of("BB"), again.of("CC")) == ("miles", "as_sent", None)


@pytest.mark.parametrize("content", [b"", b"{", b'{"AA": "furlongs"}', b"\x00" * 40, b"[]"])
def test_a_damaged_file_is_put_aside_and_the_treadmill_asked_about_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "treadmills.json"
    path.write_bytes(content)
    memory = TreadmillMemory(path)
    assert memory.of("AA") is None
    memory.keep("AA", "ignored")
    assert TreadmillMemory(path).of("AA") == "ignored"
    assert any(one.read_bytes() == content for one in tmp_path.iterdir() if one != path)


def test_a_treadmill_without_an_address_is_not_remembered(tmp_path: Path) -> None:
    TreadmillMemory(tmp_path / "treadmills.json").keep("", "miles")
    assert list(tmp_path.iterdir()) == []


def test_its_speed_is_taken_as_it_was_found() -> None:
    assert [believed_kmh(3.7, verdict) for verdict in (None, "as_sent", "miles", "stuck", "ignored")] == [
        3.7,
        3.7,
        5.95,
        3.7,
        None,
    ]
