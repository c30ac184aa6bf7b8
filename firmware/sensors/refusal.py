"""Why a strap or the radio refused: from what bleak and BlueZ say to a cause that a person can act on.

BlueZ answers with a name (`org.bluez.Error.NotPermitted`) and a text (`le-connection-refused`, or the kernel's own
«Input/output error»). The texts are those of BlueZ's `src/error.c` and of Linux; which of them pass by themselves was
compared with bleak-retry-connector (docs/adr/0014). Each cause has its own sentence on the screen and in the doctor,
and its own first rung of the ladder.
"""

from enum import StrEnum

from bleak.exc import BleakCharacteristicNotFoundError, BleakDeviceNotFoundError


class ConnectionRefusal(StrEnum):
    """The cause; its value is the key of its words."""

    PAIRING_WANTED = "pairing_wanted"
    HELD_ELSEWHERE = "held_elsewhere"
    TOO_FAR = "too_far"
    RADIO_BUSY = "radio_busy"
    RADIO_STUMBLED = "radio_stumbled"
    NO_HEART_RATE = "no_heart_rate"
    REFUSED = "refused"
    """None of the above: whatever it was, it is tried again."""

    @property
    def certain(self) -> bool:
        """Whether one refusal is enough to say so: trying again would be answered alike."""
        return self in (ConnectionRefusal.PAIRING_WANTED, ConnectionRefusal.NO_HEART_RATE)


_SIGNS: tuple[tuple[ConnectionRefusal, tuple[str, ...]], ...] = (
    (
        ConnectionRefusal.PAIRING_WANTED,
        (
            "error.notpermitted",
            "error.notauthorized",
            "error.authentication",
            "insufficient authentication",
            "insufficient encryption",
            "insufficient authorization",
            "att error: 0x05",
            "att error: 0x08",
            "att error: 0x0c",
            "att error: 0x0f",
            "key-missing",
            "invalid exchange",
            "not paired",
        ),
    ),
    (
        ConnectionRefusal.RADIO_BUSY,
        (
            "error.inprogress",
            "error.notready",
            "in progress",
            "connection-busy",
            "concurrent-connection-limit",
            "available connection",
            "connection slot",
            "too many",
            "device or resource busy",
            "resource temporarily unavailable",
        ),
    ),
    (
        ConnectionRefusal.RADIO_STUMBLED,
        (
            "input/output error",
            "memory-allocation",
            "bad-socket",
            "create-socket",
            "link-layer-protocol-error",
            "lmp-protocol-error",
            "protocol error",
            "cannot allocate memory",
            "connection-unknown",
            "error.noreply",
            "dbus.error.timeout",
            "adapter-not-powered",
            "error.nosuchadapter",
            "no bluetooth adapters",
            "turned off",
            "error.serviceunknown",
            "error.namehasnoowner",
            "no such device",
            "network is down",
            "protocol not available",
        ),
    ),
    (
        # The last two: a watch or a telephone that was sought by classic Bluetooth, which has no heart rate.
        ConnectionRefusal.NO_HEART_RATE,
        (
            "gatt-browsing",
            "error.notsupported",
            "connection-not-supported",
            "profile-unavailable",
            "sdp-search",
        ),
    ),
    (
        ConnectionRefusal.HELD_ELSEWHERE,
        (
            "connection-refused",
            "connection refused",
            "connection reset",
            "abort-by-remote",
            "aborted-by-remote",
            "already-connected",
            "error.alreadyconnected",
        ),
    ),
    (
        ConnectionRefusal.TOO_FAR,
        (
            "connection-timeout",
            "page-timeout",
            "abort-by-local",
            "aborted-by-local",
            "connection-canceled",
            "operation canceled",
            "host is down",
            "connection timed out",
            "connection abort",
            "connectionattemptfailed",
            "no route to host",
            "error.unknownobject",
            "error.unknownmethod",
            "error.doesnotexist",
        ),
    ),
)


def refusal_of(error: BaseException, *, connected: bool = False) -> ConnectionRefusal:
    """Return the cause of an error. `connected`: it came after the connection stood."""
    if isinstance(error, BleakCharacteristicNotFoundError):
        return ConnectionRefusal.NO_HEART_RATE
    if isinstance(error, BleakDeviceNotFoundError):
        return ConnectionRefusal.TOO_FAR
    said = " ".join((words_of(error), *map(str, error.args))).casefold()
    for cause, signs in _SIGNS:
        if any(sign in said for sign in signs):
            return cause
    if isinstance(error, TimeoutError) and not connected:
        return ConnectionRefusal.TOO_FAR
    return ConnectionRefusal.REFUSED


def words_of(error: BaseException) -> str:
    """Return what an error says, for the log and the doctor.

    bleak's own text raises where an ATT error's number is followed by more text.
    """
    try:
        return str(error) or type(error).__name__
    except (ValueError, IndexError, TypeError):
        return " ".join(map(str, error.args)) or type(error).__name__
