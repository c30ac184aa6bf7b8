"""The display's real parts as the settings name them: which driver SDL takes, which card sounds, which pins shine.

Nothing is opened here: each part opens itself, and again when it was lost.
"""

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from display.connectors import CONNECTORS, DisplayConnector, connectors_in, hdmi_connector
from firmware.config.schema import BuzzerPart, Config, LampPart
from firmware.panel.gpio import GpioBuzzer, GpioLamp, open_chip
from firmware.system.paths import MUSIC_PIPEWIRE, MUSIC_STICK

if TYPE_CHECKING:
    from display.lamp.pwm import LampLight
    from display.oled.renderer import Oled
    from display.sound.buzzer import Buzzer
    from display.sound.music import MusicPlayer

LOOK_AT_CONNECTORS_EVERY_S = 3.0

WITHOUT_DESKTOP = ("kms", "kmsdrm")
"""`kmsdrm` is the word of earlier versions, which a machine in the field may still have in its file."""


def prepare_environment(config: Config, environment: MutableMapping[str, str] = os.environ) -> None:
    """Tell SDL which drivers to take. Must come before pygame is loaded; what somebody has set already stays."""
    match config.screen.driver:
        case "kms" | "kmsdrm" | "none":
            environment.setdefault("SDL_VIDEODRIVER", "dummy")
        case "window" | "wayland":
            pass
    environment.setdefault("SDL_VIDEO_ALLOW_SCREENSAVER", "0")


def shown_through(config: Config) -> Literal["surface", "kms"]:
    """Return how the picture is shown: by the kernel without a desktop, else in a window (docs/adr/0012)."""
    return "kms" if config.screen.driver in WITHOUT_DESKTOP else "surface"


class Connectors:
    """Whether a display was plugged in or out, where there is no desktop that would tell."""

    def __init__(self, folder: Path = CONNECTORS) -> None:
        """Look for the first time."""
        self._folder = folder
        self._seen = self._look()
        self._looked_s = float("-inf")

    def changed(self, now_s: float) -> bool:
        """Whether it has changed since the last look; looks now and then only."""
        if now_s - self._looked_s < LOOK_AT_CONNECTORS_EVERY_S:
            return False
        self._looked_s = now_s
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> tuple[DisplayConnector, ...]:
        return connectors_in(self._folder)


def connectors_of(config: Config) -> Connectors | None:
    """Return what tells of displays that come and go; None where a desktop does."""
    return Connectors() if config.screen.driver in WITHOUT_DESKTOP else None


def sound_signs(config: Config) -> Callable[[], tuple[str, ...]]:
    """Return what tells of sound cards that come and go, and names the chosen one to SDL."""
    from display.sound.sound_card import signs_of  # noqa: PLC0415 - loads SDL, which must be told its drivers first

    return signs_of(config.sound.device, connector=lambda: hdmi_of(config))


def music_folder(config: Config) -> str | None:
    """Return where the files of the music are; None where there is none, or a telephone plays it."""
    match config.music.source:
        case "folder":
            return config.music.folder
        case "stick":
            return str(MUSIC_STICK)
        case "none" | "bluetooth":
            return None


def music_of(config: Config) -> "MusicPlayer | None":
    """Return the music under the cues; None where the settings want none."""
    if config.music.source == "none":
        return None
    from display.sound.music import MusicPlayer  # noqa: PLC0415 - only where there is music
    from display.sound.music_source import bluetooth_source, files_source  # noqa: PLC0415 - as above

    folder, shuffle = music_folder(config), config.music.shuffle
    if folder is None:
        place = {"XDG_RUNTIME_DIR": str(MUSIC_PIPEWIRE), "PIPEWIRE_RUNTIME_DIR": str(MUSIC_PIPEWIRE)}
        return MusicPlayer(lambda: bluetooth_source(place), config.music.volume)
    return MusicPlayer(lambda: files_source((folder,), shuffle=shuffle), config.music.volume)


def hdmi_of(config: Config, folder: Path = CONNECTORS) -> str | None:
    """Return the HDMI connector whose card should sound: the one of the display that is used."""
    return hdmi_connector(connectors_in(folder), config.screen.connector, config.screen.display)


def lamp_of(config: Config) -> "LampLight | None":
    """Return the lamp; None where the settings say that there is none."""
    if config.lamp.driver == "none":
        return None
    from display.lamp.pwm import LampLight  # noqa: PLC0415 - only where there is a lamp

    return LampLight(lambda: _open_lamp(config.lamp), brightest=config.lamp.brightness)


def _open_lamp(part: LampPart) -> GpioLamp:
    return GpioLamp(part, open_chip(), closes_chip=True)


def buzzer_of(config: Config) -> "Buzzer | None":
    """Return the buzzer; None where the settings say that there is none."""
    if config.buzzer.driver == "none":
        return None
    from display.sound.buzzer import Buzzer  # noqa: PLC0415 - only where there is a buzzer

    return Buzzer(lambda: _open_buzzer(config.buzzer))


def _open_buzzer(part: BuzzerPart) -> GpioBuzzer:
    return GpioBuzzer(part, open_chip(), closes_chip=True)


def oled_of(config: Config) -> "Oled | None":
    """Return the small screen; None where the settings say that there is none."""
    part = config.oled
    if part.driver == "none":
        return None
    from display.oled.device import OledPanel  # noqa: PLC0415 - as above
    from display.oled.renderer import Oled  # noqa: PLC0415 - only where there is a small screen

    return Oled(OledPanel(part.driver, part.i2c_port, part.address, upside_down=part.rotate != 0).open)
