"""The kernel's display connectors, and which one shows the picture (`/sys/class/drm`).

Several displays are told apart by the name of their connector, as in HDMI-A-2. On a Pi 4 or 5, HDMI-A-1 is the one
next to the power plug.
"""

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

CONNECTORS = Path("/sys/class/drm")
CONNECTED = "connected"
UNKNOWN_ORDER = 1 << 16


class DisplayConnector(Struct, frozen=True):
    """One place where a display can be plugged in. `card`: the kernel's device, as in card1; `status`: its own word."""

    card: str
    name: str
    status: str

    @property
    def connected(self) -> bool:
        """Whether a display is plugged in."""
        return self.status == CONNECTED


def connectors_in(folder: Path = CONNECTORS) -> tuple[DisplayConnector, ...]:
    """Return the connectors in the kernel's order. One that cannot be read is `unknown`."""
    found = []
    for file in sorted(folder.glob("card*-*/status")):
        card, _, name = file.parent.name.partition("-")
        found.append((card, _order(file.parent), DisplayConnector(card, name, _text(file) or "unknown")))
    return tuple(connector for *_, connector in sorted(found, key=lambda one: one[:2]))


def used_connector(
    connectors: Sequence[DisplayConnector], wanted: str = "", display: int = 0
) -> DisplayConnector | None:
    """Return the connector whose display shows the picture; None where no display is plugged in.

    `wanted`: the settings' name for it; `display`: its place among those that have a display. Another one is better
    than none, so that a name whose connector is empty chooses by place.
    """
    plugged = [one for one in connectors if one.connected]
    for one in plugged:
        if one.name == wanted:
            return one
    first = [one for one in plugged if one.card == plugged[0].card]
    return first[min(display, len(first) - 1)] if first else None


def hdmi_connector(connectors: Sequence[DisplayConnector], wanted: str = "", display: int = 0) -> str | None:
    """Return the HDMI connector that sound should go to: the picture's, else the first with a display."""
    used = used_connector(connectors, wanted, display)
    if used is not None and used.name.startswith("HDMI"):
        return used.name
    return next((one.name for one in connectors if one.connected and one.name.startswith("HDMI")), None)


def _order(folder: Path) -> int:
    """Return the kernel's number of a connector, by which it lists them to programs; newer kernels say it."""
    said = _text(folder / "connector_id")
    return int(said) if said.isdecimal() else UNKNOWN_ORDER


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
