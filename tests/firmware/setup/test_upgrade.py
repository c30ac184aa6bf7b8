"""Versions beside each other: what a good one, a bad one and a power cut lead to. Real coaches, guard and links."""

import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from firmware.journal.journal import Journal
from firmware.journal.reader import LocalDiary
from firmware.setup.diary_copy import CopyError, keep_copy, put_back
from firmware.setup.versions import VersionFolder, VersionsError
from firmware.upgrade import Services, UpgradeError, UpgradeTarget, go_back, try_version, watch

ROOT = Path(__file__).resolve().parents[3]
GUARD = ROOT / "systemd" / "version-guard.sh"
PATIENCE_S = 90.0

GOOD = ""
DIES_AT_ONCE = "import sys\nif 'coach' in sys.argv[1:2]: sys.exit(1)\n"
CHANGES_THE_DIARY_AND_DIES = """
import sqlite3, sys
if 'coach' in sys.argv[1:2]:
    database = sqlite3.connect(sys.argv[sys.argv.index('--diary') + 1])
    database.execute('PRAGMA user_version = 99')
    database.execute('UPDATE version SET version = 99')
    database.execute('CREATE TABLE IF NOT EXISTS newer (word TEXT)')
    database.commit()
    database.close()
    sys.exit(1)
"""
DIES_AFTER_A_WHILE = """
import os, sys, threading
if 'coach' in sys.argv[1:2]: threading.Timer(1.5, lambda: os._exit(1)).start()
"""
CANNOT_READ_THE_DIARY = "import sys\nif 'sessions' in sys.argv[1:2]: sys.exit('no such column: pulse')\n"
DOES_NOT_RUN = "import no_such_module_anywhere\n"


class _OneServiceBoot(Services):
    """In systemd's place: runs the guard and the current version's coach, again and again, until stopped."""

    def __init__(self, folder: Path, socket: Path, diary: Path) -> None:
        super().__init__()
        self._folder, self._words = folder, ["coach", "--socket", str(socket), "--diary", str(diary)]
        self._words += ["--strap", "simulated", "--plans", str(folder / "none"), "--config", str(folder / "empty.toml")]
        self._process: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._thread: threading.Thread | None = None
        (folder / "empty.toml").touch()
        systemctl = folder / "bin" / "systemctl"
        systemctl.parent.mkdir()
        systemctl.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        systemctl.chmod(0o755)
        self._environment = {**os.environ, "INTERVAL_COACH_VERSIONS": str(folder), "XDG_STATE_HOME": str(folder)}
        self._environment["INTERVAL_COACH_DIARY"] = str(diary)
        self._environment["INTERVAL_COACH_COPIES"] = str(folder / "copies")
        self._environment["PATH"] = f"{folder / 'bin'}:{os.environ['PATH']}"
        self.starts = 0

    def start(self) -> None:
        if self._thread is None:
            self._wanted = True
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        self._wanted = False
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
            self._thread = None

    def start_others_again(self) -> None:
        """There are none."""

    def others_run(self) -> bool:
        return True

    def _run(self) -> None:
        while self._wanted:
            subprocess.run([str(GUARD)], env=self._environment, check=True, capture_output=True)
            program = str(self._folder / "current" / "bin" / "interval-coach")
            self.starts += 1
            process = subprocess.Popen([program, *self._words], env=self._environment, stderr=subprocess.DEVNULL)
            while process.poll() is None and self._wanted:
                time.sleep(0.02)
            process.terminate()
            process.wait()


class _Place:
    """A folder of versions and a diary, with somebody who has trained."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.versions = VersionFolder(folder)
        self.socket, self.diary = folder / "coach.sock", folder / "diary" / "diary.db"
        self.copies = folder / "copies"
        self.diary.parent.mkdir()
        Journal.open(self.diary).close()
        self.services = _OneServiceBoot(folder, self.socket, self.diary)
        self.said: list[str] = []
        self.machine = UpgradeTarget(
            versions=self.versions,
            services=self.services,
            socket=self.socket,
            diary=self.diary,
            copies=self.copies,
            say=self.said.append,
            healthy_within_s=PATIENCE_S,
            steady_for_s=3.0,
            look_every_s=0.1,
        )

    def add(self, name: str, does: str = GOOD) -> None:
        """Install a version that runs this checkout, and first does what is told."""
        version = self.versions.path(name)
        (version / "bin").mkdir(parents=True)
        prefix = Path(sys.prefix)
        (version / "bin" / "python").symlink_to(sys.executable)
        (version / "lib").symlink_to(prefix / "lib")
        (version / "pyvenv.cfg").write_bytes((prefix / "pyvenv.cfg").read_bytes())
        program = version / "bin" / "interval-coach"
        begins = f"open({str(self.folder / name)!r}, 'a').write(' '.join(__import__('sys').argv[1:2]) + chr(10))"
        program.write_text(
            f"#!{version}/bin/python\n{begins}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n{does}\n"
            "from firmware.entry_point import main\nsys.exit(main())\n",
            encoding="utf-8",
        )
        program.chmod(0o755)
        (version / "complete").touch()

    def coach_starts(self, name: str) -> int:
        """How often a version's coach was started."""
        started = self.folder / name
        return started.read_text(encoding="utf-8").splitlines().count("coach") if started.exists() else 0

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something."""
        until_s = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < until_s, self.said
            time.sleep(0.05)

    def diary_format(self) -> int:
        """What the diary's header says, while no coach runs."""
        with closing(sqlite3.connect(self.diary)) as connection:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[_Place]:
    place = _Place(tmp_path)
    place.add("old")
    place.versions.begin("old")
    try:
        yield place
    finally:
        place.services.stop()


def test_a_good_version_is_put_in_force_and_the_one_before_it_is_kept(place: _Place) -> None:
    place.add("older")
    place.services.start()
    place.until(place.socket.exists)
    place.add("new")
    assert try_version(place.machine, "new")
    assert (place.versions.current, place.versions.steady, place.versions.on_trial) == ("new", "new", False)
    assert place.versions.names() == ("new", "old")
    assert (place.coach_starts("old"), place.coach_starts("new")) == (1, 1)
    assert place.said[-1] == "Version new is healthy and stays."


@pytest.mark.parametrize("does", [DIES_AT_ONCE, DIES_AFTER_A_WHILE, CHANGES_THE_DIARY_AND_DIES])
def test_a_version_that_does_not_come_up_gets_two_starts_and_the_old_one_runs_again_with_its_diary(
    place: _Place, does: str
) -> None:
    before = place.diary_format()
    place.services.start()
    place.until(place.socket.exists)
    place.add("new", does)
    assert not try_version(place.machine, "new")
    assert (place.versions.current, place.versions.steady, place.versions.starts) == ("old", "old", 0)
    assert place.coach_starts("new") == 2
    place.until(lambda: place.coach_starts("old") == 2 and place.socket.exists())
    place.services.stop()
    assert place.diary_format() == before
    with LocalDiary(place.diary) as diary:
        assert diary.sessions() == ()
    set_aside = [path.name for path in place.diary.parent.glob("diary.newer-*")]
    assert set_aside == (["diary.newer-1.db"] if does is CHANGES_THE_DIARY_AND_DIES else [])


@pytest.mark.parametrize(
    ("does", "reason"),
    [(DOES_NOT_RUN, "no_such_module_anywhere"), (CANNOT_READ_THE_DIARY, "no such column: pulse")],
)
def test_what_can_be_seen_beforehand_costs_not_one_start(place: _Place, does: str, reason: str) -> None:
    place.services.start()
    place.until(place.socket.exists)
    place.add("new", does)
    with pytest.raises(UpgradeError, match=reason):
        try_version(place.machine, "new")
    assert (place.versions.current, place.coach_starts("new")) == ("old", 0)
    place.until(place.socket.exists)


def test_a_version_that_was_not_installed_to_the_end_is_not_tried_and_is_cleared_away(place: _Place) -> None:
    place.add("new")
    (place.versions.path("new") / "complete").unlink()
    with pytest.raises(VersionsError, match="not installed whole"):
        place.versions.begin_trial("new")
    place.versions.prune()
    assert place.versions.names() == ("old",)


def test_after_a_power_cut_amid_the_trial_a_good_version_is_confirmed(place: _Place) -> None:
    place.add("new")
    keep_copy(place.diary, place.copies)
    place.versions.begin_trial("new")
    place.services.start()
    assert watch(place.machine)
    assert (place.versions.current, place.versions.steady) == ("new", "new")


def test_after_power_cuts_amid_the_trial_a_bad_version_is_given_up_by_the_guard_alone(place: _Place) -> None:
    """Nobody watches: each round is a boot whose coach dies, and the third starts the old version."""
    place.add("new", DIES_AT_ONCE)
    keep_copy(place.diary, place.copies)
    place.versions.begin_trial("new")
    place.services.start()
    place.until(lambda: place.coach_starts("old") == 1 and place.socket.exists())
    assert (place.coach_starts("new"), place.versions.current, place.versions.on_trial) == (2, "old", False)


def test_a_count_that_a_power_cut_tore_gives_one_start_more_and_not_for_ever(place: _Place) -> None:
    place.add("new", DIES_AT_ONCE)
    place.versions.begin_trial("new")
    (place.folder / "starts").write_text("", encoding="ascii")
    place.services.start()
    place.until(lambda: place.coach_starts("old") == 1)
    assert place.coach_starts("new") <= 2


def test_the_guard_says_nothing_and_starts_no_program_while_nothing_is_on_trial(place: _Place) -> None:
    finished = subprocess.run(
        [str(GUARD)],
        env={"INTERVAL_COACH_VERSIONS": str(place.folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
    )
    assert (finished.stdout, finished.stderr, place.versions.starts) == (b"", b"", 0)


def test_without_a_usable_old_version_the_guard_still_moves_the_link(place: _Place) -> None:
    place.add("new", DIES_AT_ONCE)
    place.versions.begin_trial("new")
    (place.versions.path("old") / "bin" / "python").unlink()
    for _ in range(3):
        subprocess.run([str(GUARD)], env={**os.environ, "INTERVAL_COACH_VERSIONS": str(place.folder)}, check=True)
    assert (place.versions.current, place.versions.on_trial) == ("old", False)


@pytest.mark.parametrize("cut_after", ["aside", "copied"])
def test_a_power_cut_while_the_diary_is_put_back_leaves_it_to_be_put_back_again(place: _Place, cut_after: str) -> None:
    keep_copy(place.diary, place.copies)
    with closing(sqlite3.connect(place.diary)) as connection:
        connection.execute("PRAGMA user_version = 99")
    if cut_after == "aside":
        place.diary.rename(place.diary.with_name("diary.newer-1.db"))
    else:
        put_back(place.diary, place.copies)
    place.add("new")
    place.versions.begin_trial("new")
    go_back(place.machine)
    assert (place.diary_format() < 99, place.versions.current) == (True, "old")


def test_a_diary_that_somebody_else_has_open_is_not_copied_and_not_waited_for(place: _Place) -> None:
    journal = Journal.open(place.diary)
    with pytest.raises(CopyError, match="Another process has the diary"):
        keep_copy(place.diary, place.copies)
    journal.close()
    assert not place.copies.exists()


def test_a_diary_that_the_old_version_can_read_keeps_what_was_recorded_during_the_trial(place: _Place) -> None:
    keep_copy(place.diary, place.copies)
    with closing(sqlite3.connect(place.diary)) as connection:
        connection.execute("CREATE TABLE recorded (word TEXT)")
        connection.commit()
    assert put_back(place.diary, place.copies) is None
    with closing(sqlite3.connect(place.diary)) as connection:
        assert connection.execute("SELECT count(*) FROM recorded").fetchone() == (0,)
