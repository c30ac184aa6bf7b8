"""Which parts of the display work now, as its threads find, for the heartbeat that the coach hears (hazard H8)."""

from typing import Literal, get_args

from firmware.ipc.messages import Devices, PartState
from firmware.system.version import own_version

PartName = Literal["screen", "sound", "oled", "lamp"]
HEARTBEAT_S = 5.0


class DisplayParts:
    """Each thread notes its own part; nothing is told before every part has been tried once."""

    def __init__(self) -> None:
        """Nothing has been tried."""
        self._states: dict[PartName, PartState] = {}
        self._version = own_version()
        self.oled_at: tuple[int, ...] = ()
        """Addresses at which a small screen answers, the one in use first."""
        self._said: Devices | None = None
        self._said_at_s = float("-inf")

    def note(self, part: PartName, state: PartState) -> None:
        """Note how a part is now."""
        self._states[part] = state

    def note_working(self, part: PartName, *, works: bool) -> None:
        """Note that a part works now, or is missed."""
        self._states[part] = "works" if works else "missing"

    def to_say(self, now_s: float) -> Devices | None:
        """Return what to tell the coach now; None where it is not time yet, and nothing has changed."""
        states = dict(self._states)
        if len(states) < len(get_args(PartName)):
            return None
        devices = Devices(
            screen=states["screen"],
            sound=states["sound"],
            oled=states["oled"],
            lamp=states["lamp"],
            version=self._version,
            oled_at=self.oled_at,
        )
        if devices == self._said and now_s - self._said_at_s < HEARTBEAT_S:
            return None
        self._said, self._said_at_s = devices, now_s
        return devices

    def forget(self) -> None:
        """Say it all again to the coach, which is another one."""
        self._said = None
