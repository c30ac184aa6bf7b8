"""The coach's right to a USB stick for ANT+: a drop-in of its unit, there while the settings use ANT.

The installer runs this module as a program with the path of the settings; the setup calls `grant_ant_access`.
"""

import sys
from pathlib import Path

from firmware.config.loader import read_config
from firmware.config.schema import ConfigError
from firmware.system.atomic_file import atomic_write
from firmware.system.paths import NAME

UNITS = Path("/etc/systemd/system")


def drop_in(units: Path = UNITS) -> Path:
    """Return where the drop-in is."""
    return units / f"{NAME}-coach.service.d" / "ant.conf"


def shared_folder() -> Path:
    """Return the folder of units and scripts: of the checkout, or of the installed version."""
    checkout = Path(__file__).resolve().parents[2] / "systemd"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / NAME / "systemd"


def grant_ant_access(source: str, units: Path = UNITS) -> str:
    """Write the drop-in where straps come from `"ant"`, else remove it. Return what was done. Raises OSError.

    systemd reads it at its next `daemon-reload`.
    """
    place = drop_in(units)
    if source == "ant":
        content = (shared_folder() / "optional" / "ant.conf").read_bytes()
        if place.is_file() and place.read_bytes() == content:
            return ""
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(place, content, 0o644)
        return f"wrote {place}"
    if not place.exists():
        return ""
    place.unlink()
    if not any(place.parent.iterdir()):
        place.parent.rmdir()
    return f"removed {place}"


def main(config: str, units: str = str(UNITS)) -> None:
    """Follow the settings in `config`, and print what was done; settings that cannot be read change nothing."""
    try:
        source = read_config(Path(config)).strap.source
    except ConfigError:
        return
    if done := grant_ant_access(source, Path(units)):
        sys.stdout.write(f"{done}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
