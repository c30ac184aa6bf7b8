"""An emptied or missing file is no person's wish: what was good stays in force, what can be read is carried over."""

import struct
from pathlib import Path

import pytest

from firmware.config.loader import KEPT_NAME, check_config, in_force, lost_by_service
from firmware.config.schema import ConfigError
from firmware.journal.journal import Journal
from firmware.journal.log import is_torn_inside, page_size_of
from tests.support.machine.flipped_bytes import NEVER, whole_journal
from tests.support.machine.session_factory import messages, plan, protocol

GOOD = '[sound]\ndevice = "usb"\n\n[panel]\nactive_high = true\n'
FILES = whole_journal()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A good file, with which a service has started."""
    file, kept = tmp_path / "config.toml", tmp_path / "state" / KEPT_NAME
    file.write_text(GOOD, encoding="utf-8")
    in_force(file, kept)
    return file, kept


@pytest.mark.parametrize(
    ("left", "about"),
    [
        ("", "says nothing any more"),
        ("\n \n", "says nothing any more"),
        ("# [sound]\n# device = 1\n", "says nothing any more"),
        ("\ufeff", "says nothing any more"),
        ('[sound]\ndevice = "usb"\n', "ends here"),
        ('[sound]\ndevice = "usb"\n\n[panel]\n', "ends here"),
    ],
)
def test_a_file_that_lost_its_settings_is_a_fault_and_the_last_good_one_holds_and_stays(
    files: tuple[Path, Path], left: str, about: str
) -> None:
    file, kept = files
    file.write_text(left, encoding="utf-8")
    for _ in range(2):
        now = in_force(file, kept)
        assert now.fault is not None
        assert about in str(now.fault)
        assert (now.config.sound.device, now.config.panel.active_high) == ("usb", True)
        assert kept.read_text(encoding="utf-8") == GOOD
    with pytest.raises(ConfigError, match=about) as refused:
        check_config(file, kept)
    assert f"The last good settings ({kept}) hold instead" in str(refused.value)


@pytest.mark.parametrize("meant", ["[machine]\n", '[sound]\ndevice = "usb"\n# the panel is gone\n'])
def test_a_person_who_means_fewer_settings_says_so_in_the_file(files: tuple[Path, Path], meant: str) -> None:
    file, kept = files
    file.write_text(meant, encoding="utf-8")
    assert in_force(file, kept).fault is None
    assert kept.read_text(encoding="utf-8") == meant


def test_a_first_start_with_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    file, kept = tmp_path / "config.toml", tmp_path / KEPT_NAME
    file.write_text("# nothing\n", encoding="utf-8")
    said = check_config(file, kept)
    assert "sets nothing" in said
    assert "in order" not in said
    assert str(kept) in said, "a copy that cannot be seen from here is named"
    assert in_force(file, kept).fault is None
    assert check_config(file, kept).endswith("all defaults hold.")


def test_a_missing_file_is_a_lost_one_where_a_service_has_started_with_it(files: tuple[Path, Path]) -> None:
    file, kept = files
    assert lost_by_service(kept, kept.parent)
    assert not lost_by_service(kept)
    file.unlink()
    assert in_force(file, kept).config.panel.active_high


def diary_of(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "diary.db"


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_or_missing_diary_beside_its_log_is_put_aside_and_told(tmp_path: Path, content: bytes | None) -> None:
    path = diary_of(tmp_path, FILES)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with Journal.open(path) as journal:
        quarantined = journal.opening.quarantined
    assert quarantined is not None
    assert path.with_name(f"{quarantined.name}-wal").read_bytes() == FILES["diary.db-wal"]


@pytest.mark.parametrize("content", [b"", None])
def test_what_is_in_the_log_alone_is_carried_over(tmp_path: Path, content: bytes | None) -> None:
    made = tmp_path / "made"
    made.mkdir()
    with Journal.open(made / "diary.db", settings=NEVER) as journal:
        for number in range(20):
            journal.begin(f"open-{number}", plan(), protocol())
            journal.record(f"open-{number}", messages()[:20]).result()
            journal.sessions().result()
        log = (made / "diary.db-wal").read_bytes()
    path = diary_of(tmp_path, {"diary.db-wal": log} | ({} if content is None else {"diary.db": content}))
    with Journal.open(path) as journal:
        assert len(journal.sessions().result()) == journal.opening.salvaged_sessions == 20
        assert len(journal.session("open-7").result().messages) == 20


def test_a_diary_that_is_empty_without_a_log_is_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    path.write_bytes(b"")
    with Journal.open(path) as journal:
        assert journal.sessions().result() == ()
        assert journal.opening.quarantined is None


def test_a_byte_that_flipped_inside_the_log_is_told(tmp_path: Path) -> None:
    log = bytearray(FILES["diary.db-wal"])
    log[len(log) // 2] ^= 0x40
    path = diary_of(tmp_path, FILES | {"diary.db-wal": bytes(log)})
    assert is_torn_inside(path.with_name("diary.db-wal"))
    with Journal.open(path) as journal:
        assert journal.opening.quarantined is not None
    assert (tmp_path / f"{journal.opening.quarantined.name}-wal").read_bytes() == bytes(log)


def test_a_log_that_a_power_cut_left_is_no_damage(tmp_path: Path) -> None:
    log = tmp_path / "log"
    whole = FILES["diary.db-wal"]
    frame = 24 + page_size_of(diary_of(tmp_path, FILES).with_name("diary.db-wal"))
    commits = [at for at in range(32, len(whole), frame) if struct.unpack(">I", whole[at + 4 : at + 8])[0]]
    last = bytearray(whole)
    last[commits[-1] + 100] ^= 1
    left_over = whole[: commits[-3]] + bytes(frame) + whole[commits[-3] + frame :]
    for left in (whole, whole[:-1], whole[: len(whole) // 2], bytes(last), b"", whole[:40], left_over[: commits[-2]]):
        log.write_bytes(left)
        assert not is_torn_inside(log)
