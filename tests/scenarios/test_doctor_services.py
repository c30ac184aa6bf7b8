"""The doctor and the self-test beside the real services."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from coach.kiosk.view import Button, ScreenId
from firmware.doctor.self_test import read
from tests.support.machine.machine import PATIENCE_S, Machine


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine() as machine:
        yield machine


def said_by(machine: Machine, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "firmware.cli", *words, "--socket", str(machine.socket)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
        cwd=Path(__file__).parents[2],
    )


def test_a_no_at_the_self_test_is_kept_and_found_by_the_doctor(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        tested = said_by(machine, "self-test", "--language", "en", typed="y\nno\ny\n")
        assert (tested.returncode, tested.stderr) == (1, "")
        assert "Does the lamp change colour?" in tested.stdout
        kept = read(machine.diary)
        assert kept is not None
        assert (kept.screen, kept.lamp, kept.voice) == (True, False, True)
        watcher.until(lambda view: "lamp_not_seen" in view.attention)
        names = ("--diary", str(machine.diary), "--identity", str(machine.folder / "none"))
        looked = json.loads(said_by(machine, "doctor", "self_test", "--json", *names).stdout)
        assert [one["code"] for one in looked["checks"][0]["findings"]] == ["lamp_not_seen"]
        watcher.press(Button.STOP)
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)


def test_the_self_test_begins_for_nobody_while_somebody_trains(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        tested = said_by(machine, "self-test")
        assert tested.returncode == 2
        assert "somebody is at the machine" in tested.stderr
        watcher.until_face(ScreenId.SESSION)


def test_without_a_coach_the_self_test_says_so(machine: Machine) -> None:
    tested = said_by(machine, "self-test")
    assert (tested.returncode, "No coach answers" in tested.stderr) == (2, True)
