"""The product's own SD card on an emulated Raspberry Pi 3B: the Pi's drivers for card, pins, USB and buses."""

import os
from pathlib import Path

import pytest

from coach.kiosk.view import DisplayState, ScreenId
from tests.support.machine.emulated_pi import Pi

LOST_AT_MOST_S = 15.0
"""Of a session at a power cut: the diary's five seconds, and what was lived between the question and the cut."""
SERVICES = ("coach", "display", "sync")
BOOTS = int(os.environ.get("INTERVAL_COACH_PI_BOOTS", "5"))
"""So many cards that were never used are booted: the figure of the test."""
INPUTS, OUTPUTS = (17, 22, 23, 27), (5, 6, 13)
CONFIG = "/etc/interval-coach/config.toml"
WITH_KEYPAD = """
[panel]
active_high = true
keypad_device = "/dev/input/event0"

[strap]
source = "simulated"
"""
NOT_HERE = {
    "a pin's level from outside": "qemu's pins have outputs alone: no pull, no edge",
    "the picture by kernel mode-setting": "qemu has no HVS and no HDMI: make test-vm has a display",
    "the watchdog": "qemu resets the machine as soon as the kernel arms bcm2835_wdt",
    "Bluetooth and Wi-Fi": "the BCM43438 is not there; this kernel has no hci_vhci: make test-vm has Bluetooth",
    "sound": "VideoCore is not there: make test-vm has a sound card",
    "a chip on the I²C bus": "qemu's raspi3b takes none on its command line: make test-vm has the small screen",
}


@pytest.mark.parametrize("part", NOT_HERE)
def test_a_part_that_the_emulator_does_not_have(part: str) -> None:
    pytest.skip(NOT_HERE[part])


def states(pi: Pi) -> dict[str, tuple[str, str]]:
    """Return each service's state, and how often systemd had to start it again."""
    found = {}
    for name in SERVICES:
        said = pi.ask(f"systemctl show -p ActiveState -p NRestarts --value interval-coach-{name}.service")
        state, restarts = sorted(said.split(), reverse=True)
        found[name] = (state, restarts)
    return found


def until_active(pi: Pi) -> None:
    """Wait until all services are."""
    for name in SERVICES:
        pi.until(f"systemctl is-active interval-coach-{name}.service", 60.0)


@pytest.mark.parametrize("number", range(1, BOOTS))
def test_every_card_that_was_never_used_boots_to_all_services_and_none_is_started_twice(
    image: Path, number: int
) -> None:
    with Pi(image) as one:
        one.boot()
        until_active(one)
        assert states(one) == dict.fromkeys(SERVICES, ("active", "0")), f"boot {number + 1} of {BOOTS}"


def test_the_first_boot_has_all_services_active_none_started_twice_and_no_unit_failed(pi: Pi) -> None:
    until_active(pi)
    assert states(pi) == dict.fromkeys(SERVICES, ("active", "0"))
    failed = pi.ask("systemctl list-units --failed --plain --no-legend || true")
    assert [line for line in failed.splitlines() if "interval-coach" in line] == []


def test_each_card_has_a_machine_id_of_its_own_and_no_diary_of_another(pi: Pi) -> None:
    assert len(pi.ask("cat /etc/machine-id")) == 32
    assert pi.ask("find /var/lib/interval-coach/identity -type f | wc -l") == "0"


def test_the_pins_are_held_by_the_pi_s_own_driver_with_their_bias(pi: Pi) -> None:
    until_active(pi)
    assert "pinctrl-bcm2835" in pi.ask("gpiodetect")
    # A service is ready before its panel is: pins are opened in a thread of their own.
    pi.until("gpioinfo gpiochip0 | grep -E 'line +(17|13):' | grep -c used | grep -qx 2")
    lines = {int(words[1].rstrip(":")): line for line in pi.ask("gpioinfo gpiochip0").splitlines()
             if len(words := line.split()) > 3 and words[0] == "line"}  # fmt: skip
    print("\n".join(lines[one] for one in (*INPUTS, *OUTPUTS)))  # noqa: T201 - what was seen
    assert all("input" in lines[one] and "pull-up" in lines[one] for one in INPUTS)
    assert all("output" in lines[one] for one in OUTPUTS)


def test_the_buses_and_the_card_are_the_pi_s(pi: Pi) -> None:
    assert {"i2c-0", "i2c-1", "i2c-2"} & set(pi.ask("ls /dev").split())
    assert "sdhost" in pi.ask("readlink -f /sys/block/mmcblk0/device/../.. ; dmesg | grep -i sdhost || true").lower()


def test_buttons_that_are_all_held_close_the_start_and_the_doctor_says_so(pi: Pi) -> None:
    """The emulated inputs read 0, as pressed buttons do: a stop button that is stuck closes the start."""
    until_active(pi)
    view = pi.until_shown(lambda view: "stop_button_stuck" in view.findings, "the stuck stop button")
    assert view.face is ScreenId.SELF_TEST_FAILED
    report = doctor(pi)
    assert "stop_button_stuck" in report, report


def doctor(pi: Pi) -> str:
    """Return what the doctor says, as JSON; it ends with another status than 0 where a finding is grave."""
    return pi.run("interval-coach doctor --json", 120.0).output


def test_without_a_clock_chip_the_clock_is_told_as_not_set(pi: Pi) -> None:
    assert "rtc" not in pi.ask("ls /dev")
    assert "clock" in doctor(pi)


def test_a_session_by_a_usb_keypad_is_offered_again_from_the_card_after_a_power_cut(pi: Pi) -> None:
    """Keys go through dwc2, usbhid and evdev; what is kept goes through sdhost. The power is cut twice."""
    until_active(pi)
    pi.ask(f"cat >{CONFIG} <<'END'\n{WITH_KEYPAD}END")
    pi.ask("systemctl restart interval-coach-coach.service", 120.0)
    pi.until_shown(lambda view: view.face is ScreenId.CHOOSE_PARTICIPANT, "the participants")
    for presses in range(1, 9):
        before = pi.view().face
        if before is ScreenId.SESSION:
            break
        pi.press("kp_enter")
        pi.until_shown(lambda view, before=before: view.face is not before, f"what follows {before} by key {presses}")
    assert pi.view().face is ScreenId.SESSION
    began = running_s(pi)
    pi.until_shown(lambda view: elapsed(view) > began + 60, "a minute of the session", 120.0)
    kept_s = began
    for _ in range(2):
        before_s = running_s(pi)
        pi.cut_power()
        pi.boot()
        until_active(pi)
        view = pi.until_shown(lambda view: view.face is ScreenId.GO_ON, "the offer to go on")
        kept_s = elapsed(view)
        print(f"\nafter {before_s:.0f} s the power was cut; {kept_s:.0f} s are there")  # noqa: T201 - a figure
        assert kept_s >= before_s - LOST_AT_MOST_S
        pi.press("kp_enter")
        pi.until_shown(lambda view: view.face is ScreenId.SESSION, "the session")
    assert running_s(pi) >= kept_s


def running_s(pi: Pi) -> float:
    """Return the session's second."""
    return elapsed(pi.view())


def elapsed(view: DisplayState) -> float:
    """Return the seconds of training that are shown."""
    assert view.snapshot is not None
    return view.snapshot.session_elapsed_s
