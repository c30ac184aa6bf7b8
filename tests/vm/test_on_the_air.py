"""A strap on the air, heard by the real bluetoothd and the kernel's own Bluetooth: found, confirmed, lost, got back."""

import time
from collections.abc import Iterator
from typing import Final

import pytest

from coach.kiosk.view import Button, DisplayState, ScreenId
from tests.support.machine.machine import Watcher
from tests.support.machine.virtual_machine import Guest

COACH: Final = "interval-coach-coach.service"
PATIENCE_S: Final = 300.0
CANCELS_AFTER_S: Final = 10.0
"""Linux cancels a connection whose coming it has not understood after 4 s."""

STRAP: Final = "vm-strap"
HEARD: Final = """
import array
content = open("/run/heard.wav", "rb").read()[44:]
samples = array.array("h", content[: len(content) // 2 * 2])
onset = next((at for at, one in enumerate(samples) if abs(one) > 1000), None)
print(max(map(abs, samples), default=0), None if onset is None else round(onset / 44.1), len(samples))
raise SystemExit(onset is None)
"""
"""Of what the other end of the sound card has recorded so far: loudest of 32767, when it begins in ms, and how much."""


def plug_in(guest: Guest) -> None:
    """Start the virtual controller with its strap; returns when the kernel has it."""
    guest.ask(f"systemctl reset-failed {STRAP} 2>/dev/null; rm -f /run/adapter")
    guest.ask(
        f"systemd-run --quiet --unit {STRAP} --collect -p StandardOutput=append:/run/adapter"
        " /opt/strap/bin/python -u /opt/inside/virtual_strap.py"
    )
    guest.until("grep -q adapter /run/adapter", 60)


def order(guest: Guest, words: str) -> None:
    """Let the strap do something, and wait until it is done."""
    done = f"grep -c 'did {words}$' /run/adapter"
    before = int(guest.ask(f"{done} || true"))
    guest.ask(f"echo '{words}' >/run/order && mv /run/order /run/strap-orders")
    guest.until(f'[ "$({done})" -gt {before} ]')


def heard(view: DisplayState) -> bool:
    """Whether a heart rate is shown as live."""
    return view.snapshot is not None and view.snapshot.bpm is not None


def silent(view: DisplayState) -> bool:
    """Whether none is."""
    return view.snapshot is not None and view.snapshot.bpm is None


@pytest.fixture(scope="module")
def machine(guest: Guest) -> Guest:
    """A machine whose adapter is there."""
    plug_in(guest)
    guest.until(f"systemctl is-active {COACH}")
    return guest


@pytest.fixture
def watcher(machine: Guest) -> Iterator[Watcher]:
    """A client of the coach."""
    with machine.watch() as one:
        yield one


def seconds_until(watcher: Watcher, holds: object) -> float:
    """Wait; gives how long it took."""
    began_s = time.monotonic()
    watcher.until(holds, PATIENCE_S)  # type: ignore[arg-type]
    return time.monotonic() - began_s


def test_a_strap_is_found_confirmed_and_measured(machine: Guest, watcher: Watcher) -> None:
    asks = (
        ScreenId.CHOOSE_PARTICIPANT,
        ScreenId.CONFIRM,
        ScreenId.GUEST_AGE,
        ScreenId.QUESTIONS,
        ScreenId.CHOOSE_STRAP,
    )
    view = watcher.until(lambda now: now.face in asks, PATIENCE_S)
    while view.face is not ScreenId.CHOOSE_STRAP:
        before = (view.face, view.question)
        watcher.press(Button.START)
        view = watcher.until(
            lambda now, before=before: now.face in asks and (now.face, now.question) != before, PATIENCE_S
        )
    view = watcher.until(lambda now: bool(now.straps), PATIENCE_S)
    assert [one.printed for one in view.straps] == ["8F3A2B1C"]
    watcher.press(Button.START)
    took_s = seconds_until(watcher, lambda now: now.face is ScreenId.READY)
    assert watcher.view is not None
    assert watcher.view.strap_name == "Polar H10 8F3A2B1C"
    # The other end takes what is played as it is: mono.
    machine.ask("(arecord -q -D hw:0,1,0 -f S16_LE -r 44100 -c 1 -d 60 /run/heard.wav >/run/arecord 2>&1 &); sleep 2")
    watcher.press(Button.START)
    view = watcher.until(lambda now: now.face is ScreenId.SESSION and heard(now), PATIENCE_S)
    assert view.snapshot is not None
    assert view.snapshot.bpm == 84
    print(f"\nconfirmed → connected and measured {took_s:.1f} s")  # noqa: T201 - a figure


def test_the_first_cue_was_heard_on_the_sound_card(machine: Guest, watcher: Watcher) -> None:
    watcher.until(heard, PATIENCE_S)
    machine.ask(f"cat >/run/heard.py <<'END'{HEARD}END")
    loudest, onset_ms, _ = machine.until("python3 /run/heard.py", 8).split()
    print(f"\nheard on the sound card, loudest {loudest} of 32767, {onset_ms} ms into the recording")  # noqa: T201 - a figure
    assert int(loudest) > 1000


def test_a_strap_out_of_reach_is_shown_as_gone_and_is_back_when_it_is(machine: Guest, watcher: Watcher) -> None:
    """Faults, row 21."""
    watcher.until(heard, PATIENCE_S)
    order(machine, "away")
    gone_s = seconds_until(watcher, silent)
    time.sleep(10)
    order(machine, "rate 96")
    order(machine, "back")
    back_s = seconds_until(watcher, lambda now: heard(now) and now.snapshot.bpm > 90)
    print(f"\nout of reach: shown as gone after {gone_s:.1f} s; back {back_s:.1f} s after its return")  # noqa: T201 - a figure


def test_a_strap_that_is_connected_and_silent_is_stale_and_connected_anew(machine: Guest, watcher: Watcher) -> None:
    """Faults, row 21."""
    watcher.until(heard, PATIENCE_S)
    order(machine, "silent")
    stale_s = seconds_until(watcher, silent)
    machine.until(f"journalctl -u {COACH} --no-pager | grep -q 'connected and silent'")
    order(machine, "tells")
    back_s = seconds_until(watcher, heard)
    print(f"\nsilent: stale after {stale_s:.1f} s; back {back_s:.1f} s after it tells again")  # noqa: T201 - a figure


def test_a_silent_strap_that_the_kernel_holds_on_to_is_freed_by_switching_the_adapter(
    machine: Guest, watcher: Watcher
) -> None:
    """The controller tells of the next connection as Linux does not expect it: `TrueController` says what follows."""
    watcher.until(heard, PATIENCE_S)
    switched = f"journalctl -u {COACH} --no-pager | grep -c 'adapter is switched off and on'"
    before = int(machine.ask(f"{switched} || true"))
    order(machine, "outdated")
    order(machine, "away")
    watcher.until(silent, PATIENCE_S)
    order(machine, "back")
    watcher.until(heard, PATIENCE_S)
    machine.until("hcitool con | grep -q F0:9E")
    time.sleep(CANCELS_AFTER_S)
    order(machine, "silent")
    watcher.until(silent, PATIENCE_S)
    machine.until(f'[ "$({switched})" -gt {before} ]')
    order(machine, "current")
    order(machine, "tells")
    back_s = seconds_until(watcher, heard)
    print(f"\nheld by the kernel: freed, and back {back_s:.1f} s after it tells again")  # noqa: T201 - a figure


def test_an_adapter_that_is_pulled_out_is_missed_and_used_again_when_it_is_back(
    machine: Guest, watcher: Watcher
) -> None:
    """Faults, row 21: the process that is the controller is killed."""
    watcher.until(heard, PATIENCE_S)
    machine.ask(f"systemctl kill -s KILL {STRAP}")
    watcher.until(silent, PATIENCE_S)
    missed_s = seconds_until(watcher, lambda now: now.strap_trouble == "no_adapter")
    plug_in(machine)
    back_s = seconds_until(watcher, heard)
    print(f"\nadapter: missed {missed_s:.1f} s after the silence; measured {back_s:.1f} s after its return")  # noqa: T201 - a figure
