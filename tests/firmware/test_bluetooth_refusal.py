"""Each refusal of BlueZ has a cause that a person can act on, its own words, and its own first rung."""

import tomllib
from pathlib import Path

import pytest
from bleak.exc import BleakCharacteristicNotFoundError, BleakDBusError, BleakDeviceNotFoundError, BleakError

from firmware.doctor.all_checks import CODES
from firmware.sensors.recovery import RecoveryEscalation, RecoveryStep
from firmware.sensors.refusal import ConnectionRefusal, refusal_of, words_of
from firmware.sensors.strap_link.status import NOTED
from firmware.sensors.timings import StrapTimings

TEXTS = Path(__file__).parents[2] / "display" / "texts"


def bluez(name: str, text: str = "") -> BleakDBusError:
    return BleakDBusError(name if "." in name else f"org.bluez.Error.{name}", [text] if text else [])


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        # bleak 558 (Amazfit at StartNotify), and other ways to ask for pairing.
        (bluez("NotPermitted", "Read not permitted"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("NotAuthorized", "Not paired"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("AuthenticationFailed"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("AuthenticationCanceled"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("Failed", "Operation failed with ATT error: 0x05"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("Failed", "Operation failed with ATT error: 0x0f"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("Failed", "le-connection-key-missing"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("InProgress", "Operation already in progress"), ConnectionRefusal.RADIO_BUSY),
        (bluez("Failed", "Operation already in progress"), ConnectionRefusal.RADIO_BUSY),
        (bluez("NotReady", "Resource Not Ready"), ConnectionRefusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-busy"), ConnectionRefusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-concurrent-connection-limit"), ConnectionRefusal.RADIO_BUSY),
        (BleakError("no available connection slot"), ConnectionRefusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-timeout"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "br-connection-page-timeout"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "le-connection-abort-by-local"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "Software caused connection abort"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "Host is down"), ConnectionRefusal.TOO_FAR),
        (bluez("org.freedesktop.DBus.Error.UnknownObject", "no such object"), ConnectionRefusal.TOO_FAR),
        (BleakDeviceNotFoundError("A0:9E:1A:00:00:01"), ConnectionRefusal.TOO_FAR),
        (TimeoutError(), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "le-connection-refused"), ConnectionRefusal.HELD_ELSEWHERE),
        (bluez("Failed", "Connection refused (111)"), ConnectionRefusal.HELD_ELSEWHERE),
        (bluez("Failed", "le-connection-abort-by-remote"), ConnectionRefusal.HELD_ELSEWHERE),
        # A Pi's own chip, when its firmware hiccups.
        (bluez("Failed", "Input/output error"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-memory-allocation"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-link-layer-protocol-error"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-unknown"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("org.freedesktop.DBus.Error.NoReply", "Did not receive a reply"), ConnectionRefusal.RADIO_STUMBLED),
        (BleakCharacteristicNotFoundError("2a37"), ConnectionRefusal.NO_HEART_RATE),
        (bluez("NotSupported", "Operation is not supported"), ConnectionRefusal.NO_HEART_RATE),
        (bluez("Failed", "Operation failed with ATT error: 0x0e"), ConnectionRefusal.REFUSED),
        (bluez("Failed", "Not connected"), ConnectionRefusal.REFUSED),
        # Further texts of BlueZ 5.66–5.82 (src/error.c) and of the kernel.
        (bluez("Failed", "Invalid exchange"), ConnectionRefusal.PAIRING_WANTED),
        (bluez("Failed", "Resource temporarily unavailable"), ConnectionRefusal.RADIO_BUSY),
        (bluez("Failed", "le-connection-create-socket"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "br-connection-lmp-protocol-error"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "Protocol error"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "Cannot allocate memory"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("Failed", "le-connection-adapter-not-powered"), ConnectionRefusal.RADIO_STUMBLED),
        (bluez("NoSuchAdapter", "No such adapter"), ConnectionRefusal.RADIO_STUMBLED),
        (BleakError("No Bluetooth adapters found."), ConnectionRefusal.RADIO_STUMBLED),
        (
            bluez("org.freedesktop.DBus.Error.ServiceUnknown", "The name is not activatable"),
            ConnectionRefusal.RADIO_STUMBLED,
        ),
        (bluez("Failed", "br-connection-profile-unavailable"), ConnectionRefusal.NO_HEART_RATE),
        (bluez("Failed", "br-connection-sdp-search"), ConnectionRefusal.NO_HEART_RATE),
        (bluez("Failed", "br-connection-aborted-by-remote"), ConnectionRefusal.HELD_ELSEWHERE),
        (bluez("Failed", "Connection reset by peer"), ConnectionRefusal.HELD_ELSEWHERE),
        (bluez("AlreadyConnected", "Already Connected"), ConnectionRefusal.HELD_ELSEWHERE),
        (bluez("Failed", "br-connection-aborted-by-local"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "Operation canceled"), ConnectionRefusal.TOO_FAR),
        (bluez("ConnectionAttemptFailed", "Page Timeout"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "No route to host"), ConnectionRefusal.TOO_FAR),
        (bluez("org.freedesktop.DBus.Error.UnknownMethod", "Method Connect does not exist"), ConnectionRefusal.TOO_FAR),
        (bluez("Failed", "Operation failed with ATT error: 0x80"), ConnectionRefusal.REFUSED),
        (BleakError("something new"), ConnectionRefusal.REFUSED),
        (EOFError(), ConnectionRefusal.REFUSED),
    ],
    ids=lambda one: words_of(one)[:60] if isinstance(one, BaseException) else one,
)
def test_each_error_has_its_cause(error: Exception, cause: ConnectionRefusal) -> None:
    assert refusal_of(error) is cause


def test_an_error_whose_own_text_fails_still_has_a_cause_and_words() -> None:
    """An ATT error that is followed by more than its number makes the text of bleak raise."""
    error = bluez("Failed", "Operation failed with ATT error: 0x05 (Insufficient Authentication)")
    with pytest.raises(ValueError, match="invalid literal"):
        str(error)
    assert refusal_of(error) is ConnectionRefusal.PAIRING_WANTED
    assert words_of(error).endswith("0x05 (Insufficient Authentication)")


def test_a_strap_that_is_connected_and_does_not_answer_is_not_too_far() -> None:
    assert refusal_of(TimeoutError(), connected=True) is ConnectionRefusal.REFUSED


def rungs(cause: ConnectionRefusal, times: int) -> list[RecoveryStep]:
    ladder = RecoveryEscalation(StrapTimings(), lambda: 0.0)
    return [ladder.failed(cause) for _ in range(times)]


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (ConnectionRefusal.PAIRING_WANTED, RecoveryStep.WAIT),
        (ConnectionRefusal.NO_HEART_RATE, RecoveryStep.REMOVE_DEVICE),
        (ConnectionRefusal.HELD_ELSEWHERE, RecoveryStep.RECONNECT),
        (ConnectionRefusal.TOO_FAR, RecoveryStep.RECONNECT),
        (ConnectionRefusal.RADIO_BUSY, RecoveryStep.PAUSE),
        (ConnectionRefusal.RADIO_STUMBLED, RecoveryStep.POWER_CYCLE),
        (ConnectionRefusal.REFUSED, RecoveryStep.RECONNECT),
    ],
)
def test_each_cause_has_its_first_rung(cause: ConnectionRefusal, first: RecoveryStep) -> None:
    assert rungs(cause, 1) == [first]


@pytest.mark.parametrize(
    "cause", [ConnectionRefusal.PAIRING_WANTED, ConnectionRefusal.NO_HEART_RATE, ConnectionRefusal.HELD_ELSEWHERE]
)
def test_what_no_rung_can_mend_never_disturbs_the_radio(cause: ConnectionRefusal) -> None:
    assert not {RecoveryStep.POWER_CYCLE, RecoveryStep.RESTART} & set(rungs(cause, 20))


def test_one_cause_takes_no_step_for_another() -> None:
    ladder = RecoveryEscalation(StrapTimings(), lambda: 0.0)
    assert [ladder.failed(ConnectionRefusal.RADIO_BUSY), ladder.failed(ConnectionRefusal.RADIO_STUMBLED)] == [
        RecoveryStep.PAUSE,
        RecoveryStep.POWER_CYCLE,
    ]
    assert ladder.failed(ConnectionRefusal.RADIO_BUSY) is RecoveryStep.RECONNECT
    ladder.heard()
    assert ladder.failed(ConnectionRefusal.RADIO_BUSY) is RecoveryStep.PAUSE


@pytest.mark.parametrize("language", ["nb", "en"])
def test_each_cause_has_a_sentence_of_its_own_on_the_screen_and_in_the_doctor(language: str) -> None:
    texts = tomllib.loads((TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    for group in ("signal_reason", "strap_trouble"):
        said = [texts[group][cause] for cause in sorted(NOTED)]
        assert len(set(said)) == len(said)
    found = [texts["finding"][f"strap_{cause}"] for cause in sorted(NOTED)]
    assert len(set(found)) == len(found)
    assert {f"strap_{cause}" for cause in NOTED} <= set(CODES)
