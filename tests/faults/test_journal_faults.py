"""Faults 1–4 and 8, in short; the long campaigns are run by `python -m benchmarks.…`, named beside each."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from coach.model.messages import HeartRate, Mood
from firmware.journal.file import connect
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings, SaveState
from firmware.system.timestamps import Timestamp
from tests.support.machine import flipped_bytes, journal_kills, power_cuts
from tests.support.machine.session_factory import SESSION_ID, messages, plan, protocol, summary

QUICK = JournalSettings(commit_every_s=0.0, retry_s=0.01, housekeeping_s=3600.0, free_floor_bytes=0)
PATIENCE_S = 60.0
WRITER = """
import logging
import resource
import sys
import time
from pathlib import Path
from tests.support.machine.session_factory import SESSION_ID, messages, plan, protocol
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings

logging.disable()
settings = JournalSettings(commit_every_s=0.0, retry_s=0.01, housekeeping_s=3600.0, free_floor_bytes=0)
with Journal.open(Path(sys.argv[1]), settings=settings) as journal:
    journal.begin(SESSION_ID, plan(), protocol()).result(20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
    kept = journal.record(SESSION_ID, messages())
    while journal.state.status != "not_saved":
        time.sleep(0.002)
    print(journal.state.status, journal.state.reason, kept.done())
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    kept.result(20)
    print(journal.state.status, len(journal.session(SESSION_ID).result(20).messages))
"""
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def test_kill_9_at_random_moments_damages_nothing_and_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    """Fault 1, process killed; `python -m benchmarks.bench_journal` runs 100."""
    found = journal_kills.campaign(tmp_path, 10, seed=5, longest_s=0.25)
    assert sum(outcome.damaged for outcome in found) == 0
    assert sum(outcome.lost_finished + outcome.lost_kept + outcome.not_offered for outcome in found) == 0


@needs_strace
def test_a_power_cut_loses_nothing_that_was_saved() -> None:
    """Fault 1, power cut, simulated from the real calls; `python -m tests.support.machine.power_cuts` runs 500."""
    assert power_cuts.campaign(40, seed=7, sessions=4) == power_cuts.Losses(40, 0, 0, 0, 0)


@needs_strace
def test_the_control_without_syncing_does_lose_sessions_in_a_power_cut() -> None:
    assert power_cuts.campaign(15, seed=7, sessions=4, synchronous="OFF").finished > 0


@needs_strace
def test_after_syncs_that_fail_nothing_is_said_to_be_saved_that_a_power_cut_takes() -> None:
    """Fault 3; `python -m tests.support.machine.power_cuts --failing-sync` runs 500."""
    assert power_cuts.campaign(30, seed=7, sessions=4, failing_sync=True).none


@needs_strace
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_500_power_cuts_lose_nothing_and_the_control_does() -> None:
    """Fault 1 in full: with syncing, with syncs that fail, and without any."""
    assert power_cuts.campaign(500, seed=1) == power_cuts.Losses(500, 0, 0, 0, 0)
    assert power_cuts.campaign(500, seed=1, failing_sync=True) == power_cuts.Losses(500, 0, 0, 0, 0)
    assert power_cuts.campaign(500, seed=1, synchronous="OFF").finished > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_500_kills_lose_nothing_that_was_saved(tmp_path: Path) -> None:
    found = journal_kills.campaign(tmp_path, 500, seed=11, longest_s=0.25)
    assert (
        sum(outcome.damaged + outcome.lost_finished + outcome.lost_kept + outcome.not_offered for outcome in found) == 0
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_200_damaged_journals_are_usable_and_believe_nothing_changed(files: dict[str, bytes]) -> None:
    """Fault 4 in full."""
    found = [flipped_bytes.open_damaged(flipped_bytes.damaged(files, seed)) for seed in range(200)]
    assert [damage for damage in found if not damage.usable or damage.false] == []
    assert max(damage.took_s for damage in found) <= flipped_bytes.USABLE_WITHIN_S


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return flipped_bytes.whole_journal()


@pytest.mark.parametrize("seed", range(20))
def test_a_damaged_journal_is_put_aside_and_usable_and_nothing_changed_is_believed(
    files: dict[str, bytes], seed: int
) -> None:
    """Fault 4; `python -m tests.support.machine.flipped_bytes` runs 200 seeds."""
    damage = flipped_bytes.open_damaged(flipped_bytes.damaged(files, seed))
    assert (damage.usable, damage.false, damage.took_s <= flipped_bytes.USABLE_WITHIN_S) == (True, 0, True)


def test_one_flipped_byte_in_a_session_costs_no_other_session(files: dict[str, bytes]) -> None:
    content = bytearray(files["diary.db"])
    content[len(content) // 2] ^= 0xFF
    damage = flipped_bytes.open_damaged({**files, "diary.db": bytes(content)})
    assert damage.finished_kept >= flipped_bytes.FINISHED - 1


def test_a_schema_whose_very_error_message_cannot_be_decoded_is_rescued_too(files: dict[str, bytes]) -> None:
    broken = files["diary.db"].replace(b"CREATE TABLE batch", b"CREATE \x8fABLE bat\x8f\xff")
    damage = flipped_bytes.open_damaged({"diary.db": broken})
    assert (broken != files["diary.db"], damage.usable, damage.quarantined, damage.false) == (True, True, True, 0)


def test_the_damaged_file_is_kept_for_a_person_to_look_at(tmp_path: Path) -> None:
    broken = b"not a database at all" * 400
    (tmp_path / "diary.db").write_bytes(broken)
    with Journal.open(tmp_path / "diary.db", settings=QUICK) as journal:
        assert journal.opening.quarantined == tmp_path / "diary.db.damaged-1"
    assert (tmp_path / "diary.db.damaged-1").read_bytes() == broken


def test_a_rescue_that_was_cut_off_before_its_last_step_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    with Journal.open(path, settings=QUICK) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
    path.rename(tmp_path / "diary.db.salvaging")
    (tmp_path / "diary.db-wal").write_bytes(b"a stray log")
    with Journal.open(path, settings=QUICK) as journal:
        assert [line.session_id for line in journal.sessions().result()] == [SESSION_ID]


def test_a_rescue_that_was_cut_off_earlier_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    with Journal.open(path, settings=QUICK) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
    (tmp_path / "diary.db.salvaging").write_bytes(b"half")
    with Journal.open(path, settings=QUICK) as journal:
        assert [line.session_id for line in journal.sessions().result()] == [SESSION_ID]
    assert not (tmp_path / "diary.db.salvaging").exists()


def test_a_journal_damaged_while_a_session_runs_is_rescued_and_the_session_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    with Journal.open(path, settings=QUICK) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        journal.record(SESSION_ID, messages()[:500]).result(PATIENCE_S)
        journal._writer.ask(lambda on: on.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()).result(PATIENCE_S)
        with path.open("r+b") as content:
            content.seek(4096)
            content.write(os.urandom(path.stat().st_size - 4096))
        # Read afresh, as after memory ran short: the pages in the cache are whole.
        journal._writer.ask(lambda on: on.execute("PRAGMA shrink_memory").fetchall()).result(PATIENCE_S)
        journal.record(SESSION_ID, messages()[500:])
        journal.finish(SESSION_ID, summary()).result(PATIENCE_S)
        stored = journal.session(SESSION_ID).result(PATIENCE_S)
    assert (stored.messages == messages(), path.with_name("diary.db.damaged-1").exists()) == (True, True)
    with Journal.open(path, settings=QUICK) as journal:
        assert journal.session(SESSION_ID).result(PATIENCE_S) == stored


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte, where this machine lets us have one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=False)


def test_on_a_full_disk_nothing_is_called_saved_and_all_is_kept_until_there_is_room(small_disk: Path) -> None:
    """Fault 2, on a disk that is really full."""
    states: list[SaveState] = []
    with Journal.open(small_disk / "diary.db", settings=QUICK, on_state=states.append) as journal:
        journal.begin(SESSION_ID, plan(), protocol()).result(PATIENCE_S)
        _fill(small_disk / "others")
        kept = [journal.record(SESSION_ID, messages()), journal.record(SESSION_ID, [Mood(2500.0, 4)])]
        _until(lambda: journal.state.status == "not_saved")
        assert (journal.state.reason, [future.done() for future in kept]) == ("disk_full", [False, False])
        (small_disk / "others").unlink()
        kept[1].result(PATIENCE_S)
        journal.finish(SESSION_ID, summary()).result(PATIENCE_S)
        assert journal.session(SESSION_ID).result().messages == (*messages(), Mood(2500.0, 4))
    assert [(state.status, state.reason) for state in states] == [("not_saved", "disk_full"), ("saved", None)]


def test_a_full_disk_takes_no_undelivered_session(tmp_path: Path) -> None:
    """Fault 2 where no disk may be mounted: SQLite's own limit of pages stands for the disk's end."""
    with Journal.open(tmp_path / "diary.db", settings=QUICK) as journal:
        for session_id in ("delivered", "undelivered"):
            journal.begin(session_id, plan(), protocol())
            journal.record(session_id, messages())
            receipt = journal.finish(session_id, summary()).result(PATIENCE_S)
            if session_id == "delivered":
                journal.acknowledge(session_id, receipt.revision, receipt.sha256).result(PATIENCE_S)
        # Two pages are left: to let go of a row may split a page, as on a disk that takes a byte and no session.
        [(pages,)] = journal._writer.ask(lambda on: on.execute("PRAGMA page_count").fetchall()).result(PATIENCE_S)
        limit = f"PRAGMA max_page_count = {pages + 2}"
        journal._writer.ask(lambda on: on.execute(limit).fetchall()).result(PATIENCE_S)
        journal.begin(SESSION_ID, plan(), protocol())
        last = journal.record(SESSION_ID, [*messages(), *(Mood(t, 4) for t in range(2500, 6000))])
        _until(lambda: last.done() or journal.state.reason == "disk_full")
        assert [line.pruned for line in journal.sessions().result(PATIENCE_S)][:2] == [True, False]
        assert journal.session("undelivered").result(PATIENCE_S).messages == messages()
        journal._writer.ask(lambda on: on.execute("PRAGMA max_page_count = 1000000").fetchall()).result(PATIENCE_S)
        last.result(PATIENCE_S)


def test_a_file_that_may_grow_no_further_gives_a_write_error_and_no_false_saved(tmp_path: Path) -> None:
    """Fault 3 by the kernel: a limit on file size makes the very write fail (EFBIG), in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path / "diary.db")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(journal_kills.ROOT)},
    )
    assert (done.stdout.split(), done.returncode) == (["not_saved", "io_error", "False", "saved", "2421"], 0), (
        done.stderr
    )


class FailingSync(sqlite3.Connection):
    """A disk whose sync fails three times."""

    left = 3

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        """Fail where a commit would sync."""
        if sql == "COMMIT" and FailingSync.left > 0 and super().execute("SELECT count(*) FROM session").fetchone()[0]:
            FailingSync.left -= 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return super().execute(sql, parameters)  # type: ignore[arg-type]


def test_a_sync_that_fails_is_shown_and_tried_again_until_it_holds(tmp_path: Path) -> None:
    states: list[SaveState] = []
    with Journal.open(tmp_path / "diary.db", settings=QUICK, factory=FailingSync, on_state=states.append) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        journal.record(SESSION_ID, [Mood(1.0, 3)]).result(PATIENCE_S)
        assert journal.session(SESSION_ID).result(PATIENCE_S).messages == (Mood(1.0, 3),)
    assert [(state.status, state.reason) for state in states] == [("not_saved", "io_error"), ("saved", None)]


class SlowDisk(sqlite3.Connection):
    """A disk that lets every commit wait until a test opens the gate."""

    gate = threading.Event()

    def execute(self, sql: str, parameters: object = (), /) -> sqlite3.Cursor:
        """Wait where a commit would sync."""
        if sql == "COMMIT":
            SlowDisk.gate.wait(PATIENCE_S)
        return super().execute(sql, parameters)  # type: ignore[arg-type]


def test_a_slow_disk_makes_no_caller_wait_and_nothing_is_saved_before_it_is(tmp_path: Path) -> None:
    SlowDisk.gate.set()
    with Journal.open(tmp_path / "diary.db", settings=QUICK, factory=SlowDisk) as journal:
        SlowDisk.gate.clear()
        begun = journal.begin(SESSION_ID, plan(), protocol())
        kept = [journal.record(SESSION_ID, [HeartRate(float(t), 120.0)]) for t in range(1000)]
        # The gate is shut: had any call waited for the disk, it would not have come back.
        assert (begun.done(), any(future.done() for future in kept), journal.state.status) == (False, False, "saving")
        SlowDisk.gate.set()
        kept[-1].result(PATIENCE_S)
        assert journal.state == SaveState("saved")


class Wandering:
    """A wall clock that jumps while the monotonic one goes on."""

    def __init__(self) -> None:
        """Begin in 1970."""
        self.stamp = Timestamp("boot", 100.0, 0.0, synchronised=False)

    def now(self) -> Timestamp:
        """Stamp this moment."""
        return self.stamp

    def go(self, seconds: float, wall_s: float) -> None:
        """Let time pass, and the wall clock say something."""
        self.stamp = replace(self.stamp, monotonic_s=self.stamp.monotonic_s + seconds, wall_s=wall_s)


def test_a_wall_clock_that_jumps_mid_session_moves_nothing_and_is_repaired(tmp_path: Path) -> None:
    """Fault 8: 1970, 2038, and three days off."""
    clock = Wandering()
    settings = replace(QUICK, housekeeping_s=0.0)
    with Journal.open(tmp_path / "diary.db", clock=clock, settings=settings) as journal:
        journal.begin(SESSION_ID, plan(), protocol())
        for t, wall_s in ((10.0, 2_145_916_800.0), (20.0, 259_200.0), (30.0, 0.0)):
            clock.go(10.0, wall_s)
            journal.record(SESSION_ID, [Mood(t, 3)]).result(PATIENCE_S)
        clock.go(10.0, 1_795_330_040.0)
        clock.stamp = replace(clock.stamp, synchronised=True)
        for _ in range(2):
            journal.sessions().result(PATIENCE_S)
        stored = journal.session(SESSION_ID).result(PATIENCE_S)
    assert [message.t for message in stored.messages] == [10.0, 20.0, 30.0]
    assert stored.begun == Timestamp("boot", 100.0, 1_795_330_000.0, synchronised=False, repaired=True)
    assert {at.stamp.wall_s - at.t for at in stored.stamps} == {1_795_330_000.0}


def test_a_log_left_by_another_process_is_synced_before_anything_new_is_called_saved(tmp_path: Path) -> None:
    path = tmp_path / "diary.db"
    statements: list[str] = []
    with Journal.open(path, settings=QUICK) as journal:
        journal._writer.ask(lambda on: on.set_trace_callback(statements.append)).result(PATIENCE_S)
        journal.begin(SESSION_ID, plan(), protocol()).result(PATIENCE_S)
    assert statements.index("PRAGMA wal_checkpoint(TRUNCATE)") < statements.index("COMMIT")


def test_the_file_is_the_owners_alone(tmp_path: Path) -> None:
    connect(tmp_path / "diary.db").close()
    assert (tmp_path / "diary.db").stat().st_mode & 0o777 == 0o600


def _fill(path: Path) -> None:
    """Write until the disk takes no more."""
    with path.open("wb", buffering=0) as content:
        try:
            while content.write(b"\0" * 4096):
                pass
        except OSError:
            return


def _until(true: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "it never became so"
        time.sleep(0.002)
