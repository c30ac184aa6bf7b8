"""The demo's whole chain: a real broker, collector and database on this computer, and a machine that enrols."""

import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from firmware.demo import clinic as demo_clinic
from firmware.demo.clinic import DemoClinic, Stage
from firmware.journal.reader import LocalDiary
from tests.support.clinic.local_clinic import environment, program

pytestmark = pytest.mark.timeout(120)

SHORT = """\
name = "short"
title = { nb = "Kort", en = "Short" }

[[block]]
  [[block.phase]]
  kind = "warm_up"
  length_s = 120
  zone = { low_fraction = 0.60, high_fraction = 0.75 }
  borg = { low = 9, high = 13 }

[[block]]
  [[block.phase]]
  kind = "interval"
  length_s = 60
  zone = { low_fraction = 0.65, high_fraction = 0.75 }
  borg = { low = 11, high = 14 }

[[block]]
  [[block.phase]]
  kind = "cool_down"
  length_s = 60
  zone = { low_fraction = 0.50, high_fraction = 0.65 }
  borg = { low = 7, high = 11 }
"""


def start(folder: Path, speed: int = 100) -> "subprocess.Popen[str]":
    """A newcomer's demo of a short session, without a terminal."""
    (folder / "short.toml").write_text(SHORT)
    words = ["demo", "--headless", "--no-sound", "--speed", str(speed), "--protocol", str(folder / "short.toml")]
    return subprocess.Popen(
        [sys.executable, "-m", "firmware.cli", *words, "--output", str(folder / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A clinic that people use, if the environment names one: the demo has nothing to do with it.
        env={**environment(), "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/no-such"},
    )


def rows_of(folder: Path) -> list[tuple[str, int, str]]:
    """Id, revision and SHA-256 of what the demo's server stored."""
    with closing(sqlite3.connect(f"file:{folder / 'out/clinic/diary.sqlite3'}?mode=ro", uri=True)) as database:
        found = database.execute("SELECT session_id, revision, sha256 FROM server_session").fetchall()
    return [(str(one).replace("-", ""), revision, sha256) for one, revision, sha256 in found]


def families() -> dict[int, int]:
    """The parent of each process."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        found[int(stat.parent.name)] = int(text[text.rindex(")") + 2 :].split()[1])
    return found


def below(pid: int) -> set[int]:
    """Every process that descends from this one now."""
    parents, found = families(), {pid}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


def test_a_demos_session_is_stored_by_its_server_as_the_diary_has_it(tmp_path: Path) -> None:
    program("mosquitto")
    for times in (1, 2):
        running = start(tmp_path)
        told, errors = running.communicate(timeout=90)
        assert (running.returncode, errors) == (0, "")
        assert "the same SHA-256 as in the diary" in told
        with LocalDiary(tmp_path / "out/diary.db") as diary:
            records = [diary.session(line.session_id) for line in diary.sessions()]
        assert [record.delivered for record in records] == [True] * times
        in_diary = {(record.session_id.replace("-", ""), record.revision, record.sha256) for record in records}
        assert in_diary <= set(rows_of(tmp_path))
        assert records[-1].session_id in told
    logs = [(tmp_path / "out" / name).read_text() for name in ("server.log", "services.log")]
    assert [re.findall(r"(?:[A-Z2-7]{4}-){4,}|PRIVATE KEY", log) for log in logs] == [[], []]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_ends_at_any_moment_leaves_no_process_of_its_clinic(tmp_path: Path, number: signal.Signals) -> None:
    program("mosquitto")
    log = tmp_path / "out/server.log"
    seen: set[int] = set()
    until_s = time.monotonic() + 60
    with start(tmp_path, speed=10) as running:
        while "a machine was enrolled" not in (log.read_text() if log.exists() else ""):
            assert running.poll() is None
            assert time.monotonic() < until_s
            seen |= below(running.pid)
            time.sleep(0.02)
        seen |= below(running.pid)
        running.send_signal(number)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == (130 if number is signal.SIGINT else -number)
    assert ("The demo's clinic is kept in" in errors) == (number is signal.SIGINT)
    assert "Traceback" not in errors
    while (left := {pid for pid in seen if (Path("/proc") / str(pid)).exists()}) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert left == set()


def test_without_a_broker_it_says_so_and_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_clinic.shutil, "which", lambda *_, **__: None)
    clinic = DemoClinic(tmp_path / "clinic", tmp_path / "identity", tmp_path / "log")
    clinic.start()
    clinic.look_after()
    assert (clinic.stage, clinic.made) == (Stage.AWAY, False)
    assert clinic.trouble == (
        "The broker is not installed (apt-get install mosquitto), so the session stays in the diary and is delivered "
        "to nobody."
    )


def test_a_clinic_that_is_not_the_demos_is_left_as_it_is(tmp_path: Path) -> None:
    program("mosquitto")
    folder = tmp_path / "clinic"
    folder.mkdir()
    (folder / "clinic.toml").write_text('clinic = "demo"\nhost = "coach.example"\nbroker_port = 8883\n')
    clinic = DemoClinic(folder, tmp_path / "identity", tmp_path / "log")
    clinic.start()
    assert "is not the demo's. Name another folder with --output" in clinic.trouble
    assert [path.name for path in folder.iterdir()] == ["clinic.toml"]
    assert "broker_port = 8883" in (folder / "clinic.toml").read_text()
