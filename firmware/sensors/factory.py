"""Which pulse straps there are, by the name that `--strap` takes. A simulated one comes from its own module."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from coach.model.messages import AnyMessage
from firmware.config.schema import ADAPTER_FORM
from firmware.recordings.reader import SampleRecording, read
from firmware.sensors.strap import ReplayedStrap, SimulatedPersonInput, Strap
from firmware.system.clock import Clock
from firmware.system.errors import FirmwareError

if TYPE_CHECKING:
    from firmware.config.schema import Config
    from firmware.sensors.ble_treadmill import BluetoothTreadmill

StrapMaker = Callable[[Clock, Callable[[], SimulatedPersonInput], Callable[[AnyMessage], None]], Strap]
"""Makes a strap on the service's clock. Who is simulated sees the session by the second, and acts by the third."""

RECORDING, BLUETOOTH, ANT = "recording", "bluetooth", "ant"
BLUETOOTH_FORM, ANT_FORM, RECORDING_FORM = "«bluetooth[:ADAPTER]»", "«ant»", "«recording:FILE»"


class StrapError(FirmwareError, ValueError):
    """A strap that does not exist."""


class StrapKind(Struct, frozen=True):
    """A kind of strap that `strap_maker` makes besides its own.

    `forms`: how `--strap` names it, each in quotes. `make`: from the whole text of `--strap`. Raises StrapError.
    """

    name: str
    forms: tuple[str, ...]
    make: Callable[[str], StrapMaker]


def strap_maker(spec: str, *more: StrapKind) -> StrapMaker:
    """Return what `--strap` means. Raises StrapError, RecordingError with a sentence for the person who typed it."""
    name, _, rest = spec.partition(":")
    for kind in more:
        if kind.name == name:
            return kind.make(spec)
    if name == RECORDING:
        if not rest:
            raise StrapError("--strap recording needs a file: --strap recording:FILE")
        recording = read(Path(rest))
        return lambda clock, _look, _act: _replayed(recording, clock)
    if name == BLUETOOTH:
        return _bluetooth_maker(rest)
    if spec == ANT:
        return _ant_maker()
    forms = [BLUETOOTH_FORM, ANT_FORM, *(form for kind in more for form in kind.forms)]
    raise StrapError(f"There is no strap «{spec}» in this version. There are {', '.join(forms)} and {RECORDING_FORM}.")


def _bluetooth_maker(adapter: str) -> StrapMaker:
    if adapter and not re.fullmatch(ADAPTER_FORM, adapter):
        raise StrapError(f"«{adapter}» is no Bluetooth adapter. Write --strap bluetooth, or --strap bluetooth:hci0.")
    # Loaded at once, so that a missing package is told here: bleak comes with the extra «device».
    from firmware.sensors.adapter import BluetoothAdapter  # noqa: PLC0415 - see above
    from firmware.sensors.ble_strap import BluetoothStrap  # noqa: PLC0415 - see above
    from firmware.sensors.scanner import SharedScanner  # noqa: PLC0415 - see above

    def make(_clock: Clock, _look: Callable[[], SimulatedPersonInput], _act: Callable[[AnyMessage], None]) -> Strap:
        radio = BluetoothAdapter(adapter or None)
        return BluetoothStrap(radio, SharedScanner(radio))

    return make


def _ant_maker() -> StrapMaker:
    from firmware.sensors.ant_stick import AntStick  # noqa: PLC0415 - only where there is a stick
    from firmware.sensors.ant_strap import AntStrap  # noqa: PLC0415 - as above

    return lambda _clock, _look, _act: AntStrap(AntStick())


def treadmill_beside(strap: Strap, config: "Config") -> "BluetoothTreadmill":
    """Return the treadmill of the settings, on the strap's own radio where it has one."""
    from firmware.sensors.adapter import BluetoothAdapter  # noqa: PLC0415 - as above
    from firmware.sensors.ble_strap import BluetoothStrap  # noqa: PLC0415 - as above
    from firmware.sensors.ble_treadmill import BluetoothTreadmill  # noqa: PLC0415 - as above
    from firmware.sensors.scanner import SharedScanner  # noqa: PLC0415 - bleak comes with the extra «device»

    wanted, in_miles = config.treadmill.name, config.treadmill.units == "miles"
    if isinstance(strap, BluetoothStrap):
        radio, lookout, bluetooth = strap.radio, strap.lookout, strap
        return BluetoothTreadmill(
            radio, lookout, wanted=wanted, in_miles=in_miles, measuring=lambda: bluetooth.measuring
        )
    radio = BluetoothAdapter(config.strap.adapter or None)
    return BluetoothTreadmill(radio, SharedScanner(radio), wanted=wanted, in_miles=in_miles)


def _replayed(recording: SampleRecording, clock: Clock) -> Strap:
    return ReplayedStrap(recording, clock)
