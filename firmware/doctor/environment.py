"""Where the checks look: the file tree, programs, clocks, and what the machine's services have told.

Everything outside is reached through one `CheckContext`. In a test its root is a recorded tree, its programs are
recorded answers and its clocks stand still.
"""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from msgspec import Struct, structs

from coach.kiosk.view import Button
from display.sound.cards import KINDS
from display.sound.music_files import FoundMusic
from firmware.config.schema import Config, DoctorPart
from firmware.ipc.messages import Devices
from firmware.panel.panel_state import PanelState
from firmware.system.folder_owner import read_plain
from firmware.system.timestamps import wall_clock_synchronised

if TYPE_CHECKING:
    from firmware.config.loader import InForce

Answer = TypeVar("Answer")

PROGRAM_WITHIN_S = 5.0
_ABSENT = (FileNotFoundError, NotADirectoryError)


def is_there(path: Path) -> bool:
    """Return whether a path exists. Raises PermissionError where this account may not look.

    `Path.exists` returns False for that from Python 3.14 on, and a check must not take it for «not there».
    """
    try:
        path.stat()
    except _ABSENT:
        return False
    return True


class CompletedCommand(Struct, frozen=True):
    """How a program ended, and what it said."""

    status: int
    output: str


Runner = Callable[[Sequence[str]], CompletedCommand | None]
"""Runs a program; None where it is not installed. May raise TimeoutError, OSError."""


class ExpectedHardware(Struct, frozen=True, kw_only=True):
    """What this machine is meant to have, by its settings; a part that is not meant to be there is not missed.

    `bluetooth`: the strap is a real one. `screen`, `sound`, `oled`, `panel`: true, false, or None for «where there is
    one». `sound_card`: its name or number as ALSA knows it; `sound_kind`: hdmi, usb or i2s, where the settings name a
    kind. `connector`, `display`: which display the settings choose. `keypad`: as `panel`; `keypad_device`: its file,
    where the settings name one. `adapter`: the settings' Bluetooth adapter. `ant`: the strap is heard by an ANT stick.
    `expects_display`: a display service belongs here. `music`: where it comes from; `music_folder`: its files.
    """

    bluetooth: bool = False
    screen: bool | None = None
    sound: bool | None = None
    sound_card: str | None = None
    sound_kind: str | None = None
    connector: str = ""
    display: int = 0
    oled: bool | None = None
    i2c_bus: int = 1
    oled_address: int = 0x3C
    panel: bool | None = None
    keypad: bool | None = None
    keypad_device: str = ""
    adapter: str = ""
    ant: bool = False
    expects_display: bool = False
    music: str = "none"
    music_folder: str = ""


def fittings_of(config: Config) -> ExpectedHardware:
    """Return what a machine with these settings has."""
    device = config.sound.device
    named = re.search(r"CARD=(?P<name>\w+)|:(?P<number>\w+)(?:,|$)", device)
    return ExpectedHardware(
        bluetooth=config.strap.source == "bluetooth",
        screen=config.screen.driver != "none",
        sound=device != "none",
        sound_card=(named["name"] or named["number"]) if named else None,
        sound_kind=device if device in KINDS else None,
        connector=config.screen.connector,
        display=config.screen.display,
        oled=config.oled.driver != "none",
        i2c_bus=config.oled.i2c_port,
        oled_address=config.oled.address,
        panel=config.panel.buttons,
        keypad=config.panel.keypad,
        keypad_device=config.panel.keypad_device,
        adapter=config.strap.adapter,
        ant=config.strap.source == "ant",
        expects_display=True,
        music=config.music.source,
        music_folder=config.music.folder if config.music.source == "folder" else "",
    )


class StrapReport(Struct, frozen=True):
    """The strap as the coach knows it. `ago_s`: since its last word; None: none since the coach started.

    `noted`: what its adapter found, as codes of findings with their detail.
    """

    name: str = ""
    ago_s: float | None = None
    running_s: float = 0.0
    battery_percent: int | None = None
    noted: tuple[tuple[str, str], ...] = ()


class ServiceReports(Struct, frozen=True, kw_only=True):
    """What the running services say of themselves.

    `devices`: the display's last report; `display_away_s`: how long it has been gone, None while it is there.
    `not_saved`: why the journal cannot save now.
    `stuck`: buttons that the panel finds held down for too long. `panels`: by name whether each panel reads its
    buttons; None: not known yet, or not to this process.
    `config_refused`: why the settings on the disk are not in force. `coach_runs`: whether a coach runs at all.
    `treadmill`: what the treadmill's adapter found, None where no treadmill is read.
    `codes`: what a coach found that only it can see, for a doctor in another process.
    """

    devices: Devices | None = None
    display_away_s: float | None = None
    strap: StrapReport | None = None
    treadmill: tuple[tuple[str, str], ...] | None = None
    stuck: tuple[Button, ...] = ()
    config_refused: str | None = None
    panels: dict[str, PanelState] | None = None
    not_saved: str | None = None
    coach_runs: bool = True
    codes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckContext:
    """One moment of the world outside. `run` None: programs are not asked now, since they take time.

    `find_music` None: files of music are not looked for, since a stick that fails would hold the coach up.
    """

    diary: Path
    identity: Path
    socket: Path
    root: Path = Path("/")
    fittings: ExpectedHardware = field(default_factory=ExpectedHardware)
    limits: DoctorPart = field(default_factory=DoctorPart)
    protocols: Path | None = None
    told: ServiceReports = field(default_factory=ServiceReports)
    free_floor_bytes: int = 64 * 2**20
    run: Runner | None = None
    ask_diary: Callable[[Callable[[sqlite3.Connection], object]], object] | None = None
    reach: Callable[[Path], str | None] | None = None
    find_music: Callable[[Sequence[str], float], FoundMusic] | None = None
    wall_s: Callable[[], float] = time.time
    synchronised: Callable[[], bool] = wall_clock_synchronised
    access: Callable[[Path, int], bool] = os.access
    free_bytes: Callable[[Path], int] | None = None

    def at(self, path: str) -> Path:
        """Return a place in the tree."""
        return self.root / path.lstrip("/")

    def text(self, path: str | Path) -> str | None:
        """Return what a file says, without the white space around; None where there is none. Raises OSError."""
        try:
            return read_plain(self.at(path) if isinstance(path, str) else path).decode("utf-8", "replace").strip()
        except _ABSENT:
            return None

    def number(self, path: str | Path, base: int = 10) -> int | None:
        """Return the whole number in a file; None where there is no file. Raises OSError, ValueError."""
        said = self.text(path)
        return None if said is None else int(said, base)

    def those(self, folder: str, pattern: str) -> tuple[Path, ...]:
        """Return what in a folder has such a name, in order; nothing where there is no folder."""
        try:
            return tuple(sorted(self.at(folder).glob(pattern)))
        except _ABSENT:
            return ()

    def has(self, path: str) -> bool:
        """Whether it is there."""
        return is_there(self.at(path))

    def may_use(self, path: str) -> bool:
        """Whether this process may read and write it."""
        return self.access(self.at(path), os.R_OK | os.W_OK)


def settled(place: CheckContext, now: "InForce | None", refused: str | None = None) -> CheckContext:
    """Return the place with what the settings say; a desk's computer where there are none. `refused`: what is wrong."""
    if now is None:
        return replace(place, told=structs.replace(place.told, config_refused=refused))
    config = now.config
    fault = refused if now.fault is None else str(now.fault)
    return replace(
        place,
        fittings=fittings_of(config),
        limits=config.doctor,
        protocols=Path(config.protocols.folder),
        free_floor_bytes=config.diary.free_floor_mb * 2**20,
        told=structs.replace(place.told, config_refused=fault),
    )


def run_program(words: Sequence[str]) -> CompletedCommand | None:
    """Run a program of the system, in English; None where it is not installed. Raises TimeoutError, OSError."""
    try:
        ran = subprocess.run(  # noqa: S603 - fixed words of the checks; nothing a person wrote
            list(words),
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROGRAM_WITHIN_S,
            env={**os.environ, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return None
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"{words[0]} did not answer within {PROGRAM_WITHIN_S:g} s") from error
    return CompletedCommand(ran.returncode, ran.stdout.decode("utf-8", errors="replace"))
