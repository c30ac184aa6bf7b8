"""A real ext4 card that is full, or that the kernel has given up, at the start or in the middle of a session."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.kiosk.view import ScreenId
from firmware.doctor.checks.disk import DiskCheck
from firmware.doctor.environment import CheckContext
from firmware.journal.journal import Journal
from firmware.journal.memory import NAME, open_journal
from firmware.journal.reserve import RESERVE_BYTES, reserve_of
from firmware.journal.writer import JournalSettings
from tests.support.machine.machine import Machine
from tests.support.machine.session_factory import messages, plan, protocol, summary

PATIENCE_S = 20.0
SETTINGS = JournalSettings(
    commit_every_s=0.05, retry_s=0.05, move_after_s=0.3, housekeeping_s=0.1, free_floor_bytes=2 * 2**20
)


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.01)


class Card:
    """A small ext4 on a loop device."""

    def __init__(self, place: Path) -> None:
        """Make it; it is not mounted yet. Raises FileNotFoundError without mkfs.ext4."""
        self.place, self.diary = place, place / "diary.db"
        self._image = place.with_suffix(".img")
        with self._image.open("wb") as image:
            image.truncate(16 * 2**20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", self._image], check=True, capture_output=True)
        place.mkdir()

    def mount(self) -> bool:
        """Mount it; return whether that is allowed here."""
        made = subprocess.run(
            ["mount", "-o", "loop,errors=remount-ro", self._image, self.place], capture_output=True, check=False
        )
        return made.returncode == 0

    def fill(self, but_bytes: int = 0) -> None:
        """Take all free space but so much."""
        with (self.place / "others").open("wb", buffering=0) as others:
            try:
                while True:
                    others.write(bytes(4096))
            except OSError:
                others.truncate(max(0, others.tell() - but_bytes))

    def empty(self) -> None:
        """Give the free space back."""
        (self.place / "others").unlink()

    def give_up(self) -> None:
        """Let the kernel find an error in the file system, as it does on a card that fails."""
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
        [device] = [line.split()[0] for line in mounts if line.split()[1] == str(self.place)]
        (Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error").write_text("by a test", encoding="utf-8")

    def unmount(self) -> None:
        """Take it away, also while files are open there."""
        subprocess.run(["umount", "-l", self.place], check=False)


@pytest.fixture
def card(tmp_path: Path) -> Iterator[Card]:
    try:
        card = Card(tmp_path / "card")
    except FileNotFoundError:
        pytest.skip("mkfs.ext4 is not here")
    if not card.mount():
        pytest.skip("no file system may be mounted here")
    yield card
    card.unmount()


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def train(journal: Journal, name: str) -> None:
    journal.begin(name, plan(), protocol())
    journal.record(name, messages()[:20])
    journal.finish(name, summary()).result(PATIENCE_S)


def waiting(journal: Journal) -> list[str]:
    return [one.receipt.session_id for one in journal.undelivered().result(PATIENCE_S)]


def test_sessions_begin_on_a_card_that_is_full_at_the_start_and_go_back_to_it_when_there_is_room(
    card: Card, memory: Path
) -> None:
    with Journal.open(card.diary, settings=SETTINGS) as journal:
        train(journal, "before")
    card.fill()
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        assert journal.no_room() is None
        train(journal, "first")
        assert (journal.in_memory, journal.state.status, journal.state.reason) == (True, "not_saved", "disk_full")
        assert waiting(journal) == ["before", "first"]
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        train(journal, "second")
        assert (journal.in_memory, journal.state.status) == (True, "not_saved")
        assert waiting(journal) == ["before", "first", "second"], "a new start of the coach loses nothing"
        card.empty()
        until(lambda: not journal.in_memory)
        assert journal.state.status == "saved"
        train(journal, "third")
        assert waiting(journal) == ["before", "first", "second", "third"]
    assert not (memory / NAME).exists()
    with Journal.open(card.diary, settings=SETTINGS) as journal:
        assert waiting(journal) == ["before", "first", "second", "third"]
        assert journal.session("first").result().messages == messages()[:20]


def test_a_card_that_fills_in_a_session_is_left_for_memory_and_the_session_goes_back_whole(
    card: Card, memory: Path
) -> None:
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        train(journal, "delivered")
        receipt = journal.undelivered().result(PATIENCE_S)[0].receipt
        journal.begin("one", plan(), protocol()).result(PATIENCE_S)
        journal.record("one", messages()[:20]).result(PATIENCE_S)
        card.fill()
        for at in range(20, len(messages()), 20):
            journal.record("one", messages()[at : at + 20])
        journal.record("one", messages()[:1] * 20_000)
        until(lambda: journal.in_memory)
        assert journal.state.status == "not_saved"
        assert journal.acknowledge("delivered", receipt.revision, receipt.sha256).result(PATIENCE_S)
        card.empty()
        finished = journal.finish("one", summary()).result(PATIENCE_S)
        assert finished.revision == 1
        until(lambda: not journal.in_memory)
        assert waiting(journal) == ["one"]
        assert len(journal.session("one").result(PATIENCE_S).messages) == len(messages()) + 20_000


def test_a_card_without_a_free_block_lets_go_of_delivered_raw_data_and_of_nothing_else(
    card: Card, memory: Path
) -> None:
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        for name in ("first", "second", "third", "undelivered"):
            train(journal, name)
        for one in journal.undelivered().result(PATIENCE_S)[:3]:
            assert journal.acknowledge(one.receipt.session_id, one.receipt.revision, one.receipt.sha256).result()
        until(lambda: reserve_of(card.diary).exists())
        journal.begin("one", plan(), protocol()).result(PATIENCE_S)
        card.fill()
        journal.record("one", messages()).result(PATIENCE_S)
        assert (journal.in_memory, journal.state.status) == (False, "saved")
        lines = journal.sessions().result(PATIENCE_S)
        assert [line.pruned for line in lines] == [True, True, True, False, False]
        assert journal.session("undelivered").result(PATIENCE_S).messages == messages()[:20]
        card.empty()
        until(lambda: reserve_of(card.diary).exists())
        assert reserve_of(card.diary).stat().st_size == RESERVE_BYTES


def test_a_card_without_room_for_the_reserve_is_used_without_it(card: Card) -> None:
    card.fill(but_bytes=2**20)
    with Journal.open(card.diary, settings=replace(SETTINGS, free_floor_bytes=2**19)) as journal:
        train(journal, "one")
        assert journal.state.status == "saved"
    assert not reserve_of(card.diary).exists()


def test_a_card_that_the_kernel_gives_up_in_a_session_is_left_for_memory_and_told(card: Card, memory: Path) -> None:
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        journal.begin("one", plan(), protocol()).result(PATIENCE_S)
        journal.record("one", messages()[:20]).result(PATIENCE_S)
        card.give_up()
        journal.record("one", messages()[20:40]).result(PATIENCE_S)
        journal.finish("one", summary()).result(PATIENCE_S)
        assert (journal.in_memory, journal.state.status) == (True, "not_saved")
        assert waiting(journal) == ["one"]
    place = CheckContext(diary=card.diary, identity=memory, socket=memory / "s", free_floor_bytes=0)
    assert "disk_read_only" in [one.code for one in DiskCheck().look(place).findings]
    card.unmount()
    assert card.mount()
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        until(lambda: not journal.in_memory)
        assert len(journal.session("one").result(PATIENCE_S).messages) == 40


def test_a_session_that_was_interrupted_in_memory_is_offered_again_from_the_card(card: Card, memory: Path) -> None:
    card.fill()
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        journal.begin("open", plan(), protocol())
        journal.record("open", messages()[:20]).result(PATIENCE_S)
    card.empty()
    with open_journal(card.diary, memory, settings=SETTINGS) as journal:
        until(lambda: not journal.in_memory)
        found = journal.unfinished().result(PATIENCE_S)
        assert found is not None
        assert (found.session_id, found.messages) == ("open", messages()[:20])


def test_sessions_that_were_kept_at_an_uninstallation_are_brought_into_the_diary(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "diary.db", settings=SETTINGS) as journal:
        train(journal, "before")
    for number, name in enumerate(("first", "second"), 1):
        kept = tmp_path / ("diary-in-memory.db" if number == 1 else f"diary-in-memory-{number}.db")
        with Journal.open(kept, settings=replace(SETTINGS, not_on_disk="disk_full")) as journal:
            train(journal, name)
    damaged = tmp_path / "diary-in-memory-3.db"
    damaged.write_bytes(b"no diary" * 1000)
    with Journal.open(tmp_path / "diary.db", settings=SETTINGS) as journal:
        assert waiting(journal) == ["before", "second", "first"]
        assert journal.session("first").result(PATIENCE_S).messages == messages()[:20]
    assert not list(tmp_path.glob("diary-in-memory*.db"))


def test_a_participant_trains_at_a_coach_whose_card_is_full_and_the_screen_never_says_saved(card: Card) -> None:
    card.fill()
    with Machine(speed=20.0) as machine:
        machine.start("coach", ["--diary", str(card.diary)])
        with machine.watch() as watcher:
            watcher.begin()
            watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 30)
            watcher.end()
            view = watcher.until_face(ScreenId.ENDED)
            assert view.saved == "not_saved"
            assert "saved" not in watcher.saved
