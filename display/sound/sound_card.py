"""Which sound card is meant by «hdmi», «usb» or «i2s», from the kernel's list of cards, each time that it changes.

    0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                         vc4-hdmi-0
    1 [Device         ]: USB-Audio - USB Audio Device
                         C-Media Electronics Inc. USB Audio Device at usb-3f980000.usb-1.2, full speed
    2 [MAX98357A      ]: simple-card - MAX98357A

HDMI goes through ALSA's `default` of the card, which packs the samples as HDMI wants them (the card takes no others);
the others through `plughw`, which changes rate and channels where the card cannot.
"""

import os
import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from display.sound.mixer import signs_of_a_card

CARDS: Final = Path("/proc/asound/cards")
NO_DRIVER: Final = "no such card"
"""No driver of SDL's: nothing may come out of another card than the chosen one, and ALSA's library, which would be
asked for a card in vain, writes to the log of its own accord."""

_LINE: Final = re.compile(r"^ *\d+ \[(\S+) *\]: (\S+) - ", re.MULTILINE)
_BOARD: Final = re.compile(r"^(bcm2835|Loopback|Dummy|HDA-Intel|ac97)", re.IGNORECASE)
"""Cards of the board itself, or of nothing: the Pi's own jack, and what is there for tests."""


class Card(Struct, frozen=True):
    """A sound card: its short name, by which ALSA finds it, and what kind it is."""

    name: str
    kind: Literal["hdmi", "usb", "i2s", "other"]


def cards_in(text: str) -> tuple[Card, ...]:
    """The cards of the kernel's list, in order."""
    return tuple(Card(name, _kind(name, driver)) for name, driver in _LINE.findall(text))


def _kind(name: str, driver: str) -> Literal["hdmi", "usb", "i2s", "other"]:
    if "hdmi" in driver.lower() or "hdmi" in name.lower():
        return "hdmi"
    if driver.lower().startswith("usb"):
        return "usb"
    return "other" if _BOARD.match(driver) else "i2s"


def alsa_name(device: str, cards: tuple[Card, ...]) -> str | None:
    """ALSA's name for what the settings call the device; None where no card of that kind is there."""
    if device not in ("hdmi", "usb", "i2s"):
        return device
    found = next((card for card in cards if card.kind == device), None)
    if found is None:
        return None
    return f"default:CARD={found.name}" if device == "hdmi" else f"plughw:CARD={found.name}"


def signs_of(
    device: str, environment: MutableMapping[str, str] = os.environ, cards: Path = CARDS
) -> Callable[[], tuple[str, ...]]:
    """What `MixerSound` looks at: whether cards have changed. Each look also names the chosen card to SDL."""

    def look() -> tuple[str, ...]:
        try:
            text = cards.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        name = alsa_name(device, cards_in(text))
        environment["SDL_AUDIODRIVER"] = NO_DRIVER if name is None else "alsa"
        environment["AUDIODEV"] = name or ""
        return (*signs_of_a_card(), environment["AUDIODEV"], text)

    return look
