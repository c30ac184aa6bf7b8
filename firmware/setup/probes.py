"""The parts of a machine as `interval-coach setup` finds and tries them: straps, sound cards, small screen, server."""

import asyncio
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct

from display.connectors import connectors_in, hdmi_connector
from display.sound.cards import alsa_name, cards_here
from display.sound.music_files import FoundMusic, find_music
from firmware.enrolment.enrol import enrol
from firmware.panel.keyboards import LISTING, KeyboardKind, devices_in
from firmware.sensors.ant_devices import ant_devices
from firmware.system.errors import FirmwareError
from sync.delivery.machine_identity import MachineIdentity, MachineIdentityError, read_account

if TYPE_CHECKING:
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData


_SOUND_WITHIN_S = 20
_SERVER_WITHIN_S = 5.0


class ProbeError(FirmwareError):
    """A part does not answer; the text says what it said instead."""


class FoundStrap(Struct, frozen=True):
    """A strap in reach. `signal_dbm`: nearer is higher (less negative)."""

    name: str
    signal_dbm: int


class FoundCard(Struct, frozen=True):
    """A sound card: ALSA's short name, its kind (hdmi, usb, i2s, other), and whether it can play."""

    name: str
    kind: str
    plays: bool = True


class FoundKeyboard(Struct, frozen=True):
    """A numeric keypad; not `certain`: it claims letters as well."""

    name: str
    certain: bool


class Parts(Protocol):
    """What setup can look at and try. Every method may raise PartError."""

    def straps(self, seconds: float) -> tuple[FoundStrap, ...]:
        """Straps that can be heard, the nearest first."""
        ...

    def adapters(self) -> tuple[str, ...]:
        """Bluetooth adapters, as in hci0."""
        ...

    def ant_sticks(self) -> tuple[str, ...]:
        """USB sticks that hear ANT+ straps."""
        ...

    def keyboards(self) -> tuple[FoundKeyboard, ...]:
        """Numeric keypads, and keyboards that may be one."""
        ...

    def cards(self) -> tuple[FoundCard, ...]:
        """Return the sound cards."""
        ...

    def speak(self, device: str, language: Literal["nb", "en"], connector: str = "") -> None:
        """Say something on a sound device, as the settings name it."""
        ...

    def music(self, folder: str) -> FoundMusic:
        """Return what music a folder holds."""
        ...

    def oled_addresses(self, port: int) -> tuple[int, ...]:
        """Where on an I²C bus something answers that may be a small screen."""
        ...

    def draw(self, chip: Literal["ssd1306", "sh1106"], port: int, address: int) -> None:
        """Show a picture on the small screen, and leave it there."""
        ...

    def screens(self) -> tuple[str, ...]:
        """Connectors with a display on them, as in HDMI-A-1."""
        ...

    def reach(self, host: str, port: int) -> None:
        """Connect with the server's enrolment service."""
        ...

    def account(self) -> MachineIdentity | None:
        """As what this machine is enrolled, if it is."""
        ...

    def enrol(self, server: str, code: str) -> MachineIdentity:
        """Enrol with a one-time code. Raises EnrolError too."""
        ...


class RealParts:
    """The parts of the machine that this runs on."""

    def __init__(self, identity: Path, root: Path = Path("/")) -> None:
        """`identity`: the folder of key and certificate. `root`: where /proc, /sys and /dev are."""
        self._identity, self._root = identity, root

    def straps(self, seconds: float) -> tuple[FoundStrap, ...]:
        """Look around as the coach does."""
        from firmware.sensors.adapter import BluetoothAdapter  # noqa: PLC0415 - as above
        from firmware.sensors.scanner import (  # noqa: PLC0415 - only where straps are looked for
            HEART_RATE_SERVICE,
            LINK_ERRORS,
            SharedScanner,
        )
        from firmware.sensors.strap_identity import identity  # noqa: PLC0415 - as above

        seen: dict[str, FoundStrap] = {}

        def on_seen(device: "BLEDevice", advertised: "AdvertisementData") -> None:
            if HEART_RATE_SERVICE in advertised.service_uuids:
                strap = identity(advertised.local_name or device.name, device.address)
                seen[strap.key] = FoundStrap(strap.name or device.address, advertised.rssi)

        async def look() -> None:
            radio = BluetoothAdapter()
            await radio.open()
            try:
                if radio.condition == "bluetooth_off":
                    await radio.power_on()
                async with SharedScanner(radio).subscribe(on_seen):
                    await asyncio.sleep(seconds)
            finally:
                await radio.close()

        try:
            asyncio.run(look())
        except LINK_ERRORS as error:
            raise ProbeError(str(error) or type(error).__name__) from error
        return tuple(sorted(seen.values(), key=lambda strap: -strap.signal_dbm))

    def adapters(self) -> tuple[str, ...]:
        """Ask the kernel."""
        folder = self._root / "sys/class/bluetooth"
        return tuple(sorted(one.name for one in folder.glob("hci*") if ":" not in one.name))

    def ant_sticks(self) -> tuple[str, ...]:
        """Ask the kernel."""
        return tuple(one.shown for one in ant_devices(self._root / "sys/bus/usb/devices"))

    def keyboards(self) -> tuple[FoundKeyboard, ...]:
        """Read the kernel's list."""
        try:
            listing = (self._root / LISTING.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        return tuple(
            FoundKeyboard(one.name, one.kind is KeyboardKind.KEYPAD)
            for one in devices_in(listing)
            if one.kind is not KeyboardKind.OTHER
        )

    def cards(self) -> tuple[FoundCard, ...]:
        """Read the kernel's list."""
        return tuple(FoundCard(card.name, card.kind, card.plays) for card in cards_here(self._root / "proc/asound"))

    def speak(self, device: str, language: Literal["nb", "en"], connector: str = "") -> None:
        """Play a phrase of the voice through ALSA, by the card that the settings mean."""
        connectors = connectors_in(self._root / "sys/class/drm")
        name = alsa_name(device, cards_here(self._root / "proc/asound"), hdmi_connector(connectors, connector))
        if name is None:
            raise ProbeError(f"No sound card of the kind «{device}» is there.")
        phrase = Path(__file__).parents[2] / "display" / "voices" / language / "hold.wav"
        words = ["aplay", "-q", "-D", name, str(phrase)]
        if not phrase.exists():
            words = ["speaker-test", "-D", name, "-t", "sine", "-f", "880", "-l", "1", "-s", "1"]
        try:
            played = subprocess.run(words, capture_output=True, text=True, timeout=_SOUND_WITHIN_S, check=False)  # noqa: S603 - fixed words, checked settings
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProbeError(str(error)) from error
        if played.returncode:
            raise ProbeError((played.stderr.strip() or f"status {played.returncode}").splitlines()[-1])

    def music(self, folder: str) -> FoundMusic:
        """Look through the folder."""
        return find_music((folder,))

    def oled_addresses(self, port: int) -> tuple[int, ...]:
        """Ask the bus at both addresses."""
        from smbus2 import SMBus  # noqa: PLC0415 - only where there is a bus

        from display.oled.device import ADDRESSES  # noqa: PLC0415 - as below

        if not (self._root / f"dev/i2c-{port}").exists():
            return ()
        answering = []
        try:
            with SMBus(port) as bus:
                for address in ADDRESSES:
                    try:
                        bus.read_byte(address)
                    except OSError:
                        continue
                    answering.append(address)
        except OSError as error:
            raise ProbeError(str(error)) from error
        return tuple(answering)

    def draw(self, chip: Literal["ssd1306", "sh1106"], port: int, address: int) -> None:
        """Draw a session as it will be seen."""
        from luma.core.error import Error as LumaError  # noqa: PLC0415 - only where there is a panel

        from coach.kiosk.view import DisplayState, ScreenId  # noqa: PLC0415 - as above
        from display.oled.renderer import open_oled, picture  # noqa: PLC0415 - as above

        try:
            open_oled(chip, port, address).display(picture(DisplayState(face=ScreenId.READY)))
        except (LumaError, OSError) as error:
            raise ProbeError(str(error)) from error

    def screens(self) -> tuple[str, ...]:
        """Ask the kernel."""
        return tuple(one.name for one in connectors_in(self._root / "sys/class/drm") if one.connected)

    def reach(self, host: str, port: int) -> None:
        """Connect, and say nothing."""
        try:
            socket.create_connection((host, port), _SERVER_WITHIN_S).close()
        except OSError as error:
            raise ProbeError(str(error)) from error

    def account(self) -> MachineIdentity | None:
        """Read the identity's folder."""
        try:
            return read_account(self._identity)
        except MachineIdentityError:
            return None

    def enrol(self, server: str, code: str) -> MachineIdentity:
        """As `interval-coach enrol`."""
        return enrol(server, code, self._identity)
