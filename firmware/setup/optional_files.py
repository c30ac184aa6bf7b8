"""Files of the system that the machine has only while its settings ask for them: rights of units, rules, services.

The installer runs this module as a program with the path of the settings; the setup calls `follow_settings`.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from firmware.config.loader import read_config
from firmware.config.schema import Config, ConfigError
from firmware.system.atomic_file import atomic_write
from firmware.system.paths import NAME

ETC = Path("/etc")


class OptionalFile(Struct, frozen=True):
    """A file of the folder `systemd/optional`, its place below /etc, and which settings want it."""

    name: str
    place: str
    wanted: Callable[[Config], bool]


def _by_telephone(config: Config) -> bool:
    return config.music.source == "bluetooth"


_PIPEWIRE = f"{NAME}/pipewire/wireplumber"

OPTIONAL_FILES: Final = (
    OptionalFile("ant.conf", f"systemd/system/{NAME}-coach.service.d/ant.conf", lambda one: one.strap.source == "ant"),
    OptionalFile("music-stick.rules", f"udev/rules.d/61-{NAME}-music.rules", lambda one: one.music.source == "stick"),
    OptionalFile("music.service", f"systemd/system/{NAME}-music.service", _by_telephone),
    OptionalFile("music.conf", f"systemd/system/{NAME}-display.service.d/music.conf", _by_telephone),
    OptionalFile("music-wireplumber.conf", f"{_PIPEWIRE}/wireplumber.conf.d/50-{NAME}.conf", _by_telephone),
    OptionalFile("music-wireplumber.lua", f"{_PIPEWIRE}/main.lua.d/50-{NAME}.lua", _by_telephone),
    OptionalFile("music-bluetooth.lua", f"{_PIPEWIRE}/bluetooth.lua.d/50-{NAME}.lua", _by_telephone),
)


def shared_folder() -> Path:
    """Return the folder of units and scripts: of the checkout, or of the installed version."""
    checkout = Path(__file__).resolve().parents[2] / "systemd"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / NAME / "systemd"


def follow_settings(config: Config, etc: Path = ETC) -> tuple[str, ...]:
    """Write the files that the settings ask for, and remove the others. Return what was done. Raises OSError.

    systemd and udev read them at their next reload.
    """
    return tuple(done for one in OPTIONAL_FILES if (done := _follow(one, etc, wanted=one.wanted(config))))


def _follow(one: OptionalFile, etc: Path, *, wanted: bool) -> str:
    place = etc / one.place
    if wanted:
        content = (shared_folder() / "optional" / one.name).read_bytes()
        if place.is_file() and place.read_bytes() == content:
            return ""
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(place, content, 0o644)
        return f"wrote {place}"
    if not place.exists():
        return ""
    place.unlink()
    # A folder that was made for this file goes with it; the others are the system's.
    if NAME in str(Path(one.place).parent) and not any(place.parent.iterdir()):
        place.parent.rmdir()
    return f"removed {place}"


def main(config: str, etc: str = str(ETC)) -> None:
    """Follow the settings in `config`, and print what was done; settings that cannot be read change nothing."""
    try:
        settings = read_config(Path(config))
    except ConfigError:
        return
    for done in follow_settings(settings, Path(etc)):
        sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
