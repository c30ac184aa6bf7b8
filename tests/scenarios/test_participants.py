"""Who trains, with the real coach as a process: added and given a PIN over its socket, let in by digits, kept."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from coach.kiosk.view import Button, ScreenId
from firmware.ipc.messages import TypeDigit
from tests.support.machine.machine import Machine, Watcher

PIN = "2580"
SLOW_ENOUGH_S = 120.0


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(speed=1.0) as machine:
        machine.start("coach")
        machine.watch().close()
        yield machine


def participants(machine: Machine, *words: str, line: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command beside the coach, as a therapist's script would."""
    places = ["--socket", str(machine.socket), "--diary", str(machine.diary), "--plans", str(machine.folder / "none")]
    command = [sys.executable, "-m", "firmware.cli", "participants", *places, *words]
    return subprocess.run(command, input=line, capture_output=True, text=True, timeout=SLOW_ENOUGH_S, check=False)


def type_digits(watcher: Watcher, digits: str) -> None:
    for digit in digits:
        watcher.link.say(TypeDigit(digit=int(digit)))


def choose(watcher: Watcher, name: str) -> None:
    """Choose by the nickname on the tile, and say that it is them."""
    watcher.until(lambda view: name in [one.name for one in view.choices])
    while True:
        view = watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        place = [one.name for one in view.choices].index(name)
        if view.selected == place:
            break
        before = view.selected
        watcher.press(Button.DOWN)
        watcher.until(lambda view, before=before: view.selected != before)  # type: ignore[misc]
    watcher.press(Button.START)
    assert watcher.until_face(ScreenId.CONFIRM).nickname == name
    watcher.press(Button.START)


def test_whoever_is_added_with_a_pin_is_let_in_by_it_also_after_a_restart(machine: Machine) -> None:
    added = participants(machine, "add", "--participant", "p1", "--nickname", "Fjell", "--hr-max", "185")
    assert (added.returncode, added.stderr) == (0, "")
    with_pin = participants(machine, "pin", "p1", line=f"{PIN}\n")
    assert (with_pin.returncode, with_pin.stdout) == (0, "p1 has a new PIN.\n")
    machine.send("coach", signal.SIGKILL)
    machine.start("coach")
    with machine.watch() as watcher:
        choose(watcher, "Fjell")
        watcher.until_face(ScreenId.PIN)
        type_digits(watcher, "0000")
        watcher.until(lambda view: view.pin is not None and view.pin.wrong == 1)
        watcher.until(lambda view: view.pin is not None and view.pin.wait_s == 0)
        type_digits(watcher, PIN)
        watcher.until(lambda view: view.face in (ScreenId.STRAP, ScreenId.READY))
        assert watcher.view is not None
        assert watcher.view.nickname == "Fjell"
    assert PIN not in machine.words()


def test_the_running_coach_is_asked_and_refuses_in_a_sentence(machine: Machine) -> None:
    assert participants(machine, "add", "--participant", "p1", "--hr-max", "185").returncode == 0
    again = participants(machine, "add", "--participant", "p1", "--hr-max", "185")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "P1 is known here already" in again.stderr or "p1 is known here already" in again.stderr
    told = participants(machine, "list").stdout
    assert "p1" in told
    assert "this machine" in told
    assert participants(machine, "remove", "p1").returncode == 0
    assert "p1" not in participants(machine, "list").stdout


def test_a_guest_is_asked_for_an_age_and_then_the_questions(machine: Machine) -> None:
    with machine.watch() as watcher:
        view = watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        assert view.choices[-1].guest
        watcher.press(Button.UP, Button.START)
        watcher.until_face(ScreenId.CONFIRM)
        watcher.press(Button.START)
        watcher.until_face(ScreenId.GUEST_AGE)
        type_digits(watcher, "62")
        watcher.until(lambda view: view.selected == 62)
        watcher.press(Button.START)
        assert watcher.until_face(ScreenId.QUESTIONS).question == "chest_pain"


def test_a_digit_that_is_none_is_refused_and_changes_nothing(machine: Machine) -> None:
    with machine.watch() as watcher:
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        watcher.link._connection.sendall(b'{"type":"digit","digit":12}\n')
        while not watcher.answers:
            watcher.receive(10.0)
        assert watcher.view is not None
        assert watcher.view.face is ScreenId.CHOOSE_PARTICIPANT
