"""Which pulse straps there are, by the name that `--strap` takes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from msgspec.structs import replace

from coach.messages import AnyMessage
from coach.plan import Plan
from firmware.clock import Clock
from firmware.errors import FirmwareError
from firmware.participant import Day, Kind, Participant, Population, draw_day, plan_for
from firmware.person import Person
from firmware.recording import Recording, read
from firmware.strap import ReplayedStrap, Sight, SimulatedStrap, Strap

if TYPE_CHECKING:
    from firmware.bluetooth_treadmill import BluetoothTreadmill
    from firmware.config import Config

StrapMaker = Callable[[Clock, Callable[[], Sight], Callable[[AnyMessage], None]], Strap]
"""Makes a strap on the service's clock; the others show a simulated person the screen, and take what they tell."""

KINDS: tuple[str, ...] = get_args(Kind)
SIMULATED, RECORDING, BLUETOOTH = "simulated", "recording", "bluetooth"
FORMS = f"«bluetooth[:ADAPTER]», «simulated», «simulated:KIND,SEED» (KIND: {', '.join(KINDS)}) and «recording:FILE»"
NICKNAMES = {"nb": "Rev", "en": "Fox"}


class StrapError(FirmwareError, ValueError):
    """A strap that does not exist."""


class Wearer:
    """A simulated participant, and the plan that a therapist would have made for them: the same for the same seed."""

    def __init__(self, kind: Kind = "ordinary", seed: int = 0) -> None:
        """Draw somebody."""
        rng = np.random.default_rng(seed)
        self.participant: Participant = Population().draw(rng, kind)
        self.day: Day = draw_day(rng)
        self._seed = seed

    def plan(self, protocol: str = "4x4", language: str = "nb") -> Plan:
        """What a therapist plans for them."""
        plan = plan_for(self.participant, np.random.default_rng(self._seed + 1), name="simulated", protocol=protocol)
        nickname = NICKNAMES["en" if language == "en" else "nb"]
        return replace(plan, language="en" if language == "en" else "nb", nickname=nickname)

    def person(self) -> Person:
        """Let them stand beside the treadmill."""
        return Person(self.participant, self.day, np.random.default_rng(self._seed + 2))


def strap_maker(spec: str) -> StrapMaker:
    """What `--strap` means. Raises StrapError, RecordingError with a sentence for the person who typed it."""
    name, _, rest = spec.partition(":")
    if name == SIMULATED:
        wearer = wearer_of(spec)
        return lambda clock, look, act: SimulatedStrap(wearer.person(), clock, look=look, act=act)
    if name == RECORDING:
        if not rest:
            raise StrapError("--strap recording needs a file: --strap recording:FILE")
        recording = read(Path(rest))
        return lambda clock, _look, _act: _replayed(recording, clock)
    if name == BLUETOOTH:
        return _bluetooth_maker(rest)
    raise StrapError(f"There is no strap «{spec}» in this version. There are {FORMS}.")


def _bluetooth_maker(adapter: str) -> StrapMaker:
    if adapter and not re.fullmatch(r"hci\d{1,2}", adapter):
        raise StrapError(f"«{adapter}» is no Bluetooth adapter. Write --strap bluetooth, or --strap bluetooth:hci0.")
    # Loaded at once, so that a missing package is told here: bleak comes with the extra «device».
    from firmware.bluetooth_lookout import Lookout  # noqa: PLC0415 - see above
    from firmware.bluetooth_radio import Radio  # noqa: PLC0415 - see above
    from firmware.bluetooth_strap import BluetoothStrap  # noqa: PLC0415 - see above

    def make(_clock: Clock, _look: Callable[[], Sight], _act: Callable[[AnyMessage], None]) -> Strap:
        radio = Radio(adapter or None)
        return BluetoothStrap(radio, Lookout(radio, adapter or None))

    return make


def treadmill_beside(strap: Strap, config: "Config") -> "BluetoothTreadmill":
    """The treadmill of the settings, on the strap's own radio where it has one."""
    from firmware.bluetooth_lookout import Lookout  # noqa: PLC0415 - bleak comes with the extra «device»
    from firmware.bluetooth_radio import Radio  # noqa: PLC0415 - as above
    from firmware.bluetooth_strap import BluetoothStrap  # noqa: PLC0415 - as above
    from firmware.bluetooth_treadmill import BluetoothTreadmill  # noqa: PLC0415 - as above

    wanted = config.treadmill.name
    if isinstance(strap, BluetoothStrap):
        return BluetoothTreadmill(strap.radio, strap.lookout, wanted=wanted, measuring=lambda: strap.measuring)
    adapter = config.strap.adapter or None
    radio = Radio(adapter)
    return BluetoothTreadmill(radio, Lookout(radio, adapter), wanted=wanted)


def _replayed(recording: Recording, clock: Clock) -> Strap:
    return ReplayedStrap(recording, clock)


def wearer_of(spec: str) -> Wearer:
    """Who wears a simulated strap. Raises StrapError."""
    _, _, rest = spec.partition(":")
    kind, _, seed = (rest or "ordinary,0").partition(",")
    if kind not in KINDS:
        raise StrapError(f"«{kind}» is no kind of simulated participant. There are {', '.join(KINDS)}.")
    if not (seed or "0").isdigit():
        raise StrapError(f"The seed «{seed}» is no whole number. Write --strap simulated:{kind},7 for example.")
    return Wearer(cast("Kind", kind), int(seed or "0"))


def is_simulated(spec: str) -> bool:
    """Whether nobody real wears this strap."""
    return spec.partition(":")[0] == SIMULATED
