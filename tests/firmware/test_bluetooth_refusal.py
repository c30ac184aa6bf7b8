"""Each refusal of BlueZ has a cause that a person can act on, its own words, and its own first rung."""

import tomllib
from pathlib import Path

import pytest
from bleak.exc import BleakCharacteristicNotFoundError, BleakDBusError, BleakDeviceNotFoundError, BleakError

from firmware.doctor.all_checks import CODES
from firmware.sensors.ble_strap import NOTED
from firmware.sensors.recovery import Ladder, Rung
from firmware.sensors.refusal import Refusal, refusal_of
from firmware.sensors.timings import StrapTimings

TEXTS = Path(__file__).parents[2] / "display" / "texts"


def bluez(name: str, text: str = "") -> BleakDBusError:
    return BleakDBusError(name if "." in name else f"org.bluez.Error.{name}", [text] if text else [])


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        # bleak 558 (Amazfit at StartNotify), and other ways to ask for pairing.
        (bluez("NotPermitted", "Read not permitted"), Refusal.PAIRING_WANTED),
        (bluez("NotAuthorized", "Not paired"), Refusal.PAIRING_WANTED),
        (bluez("AuthenticationFailed"), Refusal.PAIRING_WANTED),
        (bluez("AuthenticationCanceled"), Refusal.PAIRING_WANTED),
        (bluez("Failed", "Operation failed with ATT error: 0x05"), Refusal.PAIRING_WANTED),
        (bluez("Failed", "Operation failed with ATT error: 0x0f"), Refusal.PAIRING_WANTED),
        (bluez("Failed", "le-connection-key-missing"), Refusal.PAIRING_WANTED),
        (bluez("InProgress", "Operation already in progress"), Refusal.RADIO_BUSY),
        (bluez("Failed", "Operation already in progress"), Refusal.RADIO_BUSY),
        (bluez("NotReady", "Resource Not Ready"), Refusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-busy"), Refusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-concurrent-connection-limit"), Refusal.RADIO_BUSY),
        (BleakError("no available connection slot"), Refusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-timeout"), Refusal.TOO_FAR),
        (bluez("Failed", "br-connection-page-timeout"), Refusal.TOO_FAR),
        (bluez("Failed", "le-connection-abort-by-local"), Refusal.TOO_FAR),
        (bluez("Failed", "Software caused connection abort"), Refusal.TOO_FAR),
        (bluez("Failed", "Host is down"), Refusal.TOO_FAR),
        (bluez("org.freedesktop.DBus.Error.UnknownObject", "no such object"), Refusal.TOO_FAR),
        (BleakDeviceNotFoundError("A0:9E:1A:00:00:01"), Refusal.TOO_FAR),
        (TimeoutError(), Refusal.TOO_FAR),
        (bluez("Failed", "le-connection-refused"), Refusal.HELD_ELSEWHERE),
        (bluez("Failed", "Connection refused (111)"), Refusal.HELD_ELSEWHERE),
        (bluez("Failed", "le-connection-abort-by-remote"), Refusal.HELD_ELSEWHERE),
        # A Pi's own chip, when its firmware hiccups.
        (bluez("Failed", "Input/output error"), Refusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-memory-allocation"), Refusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-link-layer-protocol-error"), Refusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-unknown"), Refusal.RADIO_STUMBLED),
        (bluez("org.freedesktop.DBus.Error.NoReply", "Did not receive a reply"), Refusal.RADIO_STUMBLED),
        (BleakCharacteristicNotFoundError("2a37"), Refusal.NO_HEART_RATE),
        (bluez("NotSupported", "Operation is not supported"), Refusal.NO_HEART_RATE),
        (bluez("Failed", "Operation failed with ATT error: 0x0e"), Refusal.REFUSED),
        (bluez("Failed", "Not connected"), Refusal.REFUSED),
        (BleakError("something new"), Refusal.REFUSED),
        (EOFError(), Refusal.REFUSED),
    ],
    ids=lambda one: str(one)[:60],
)
def test_each_error_has_its_cause(error: Exception, cause: Refusal) -> None:
    assert refusal_of(error) is cause


def test_a_strap_that_is_connected_and_does_not_answer_is_not_too_far() -> None:
    assert refusal_of(TimeoutError(), connected=True) is Refusal.REFUSED


def rungs(cause: Refusal, times: int) -> list[Rung]:
    ladder = Ladder(StrapTimings(), lambda: 0.0)
    return [ladder.failed(cause) for _ in range(times)]


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (Refusal.PAIRING_WANTED, Rung.WAIT),
        (Refusal.NO_HEART_RATE, Rung.REMOVE_DEVICE),
        (Refusal.HELD_ELSEWHERE, Rung.RECONNECT),
        (Refusal.TOO_FAR, Rung.RECONNECT),
        (Refusal.RADIO_BUSY, Rung.PAUSE),
        (Refusal.RADIO_STUMBLED, Rung.POWER_CYCLE),
        (Refusal.REFUSED, Rung.RECONNECT),
    ],
)
def test_each_cause_has_its_first_rung(cause: Refusal, first: Rung) -> None:
    assert rungs(cause, 1) == [first]


@pytest.mark.parametrize("cause", [Refusal.PAIRING_WANTED, Refusal.NO_HEART_RATE, Refusal.HELD_ELSEWHERE])
def test_what_no_rung_can_mend_never_disturbs_the_radio(cause: Refusal) -> None:
    assert not {Rung.POWER_CYCLE, Rung.RESTART} & set(rungs(cause, 20))


def test_one_cause_takes_no_step_for_another() -> None:
    ladder = Ladder(StrapTimings(), lambda: 0.0)
    assert [ladder.failed(Refusal.RADIO_BUSY), ladder.failed(Refusal.RADIO_STUMBLED)] == [Rung.PAUSE, Rung.POWER_CYCLE]
    assert ladder.failed(Refusal.RADIO_BUSY) is Rung.RECONNECT
    ladder.heard()
    assert ladder.failed(Refusal.RADIO_BUSY) is Rung.PAUSE


@pytest.mark.parametrize("language", ["nb", "en"])
def test_each_cause_has_a_sentence_of_its_own_on_the_screen_and_in_the_doctor(language: str) -> None:
    texts = tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    for group in ("signal_reason", "strap_trouble"):
        said = [texts[group][cause] for cause in sorted(NOTED)]
        assert len(set(said)) == len(said)
    found = [texts["finding"][f"strap_{cause}"] for cause in sorted(NOTED)]
    assert len(set(found)) == len(found)
    assert {f"strap_{cause}" for cause in NOTED} <= set(CODES)
