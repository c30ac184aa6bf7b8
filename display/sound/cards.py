"""The kernel's sound cards, what each can do, and which one is meant by «hdmi», «usb» or «i2s».

    0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                         vc4-hdmi-0
    1 [Device         ]: USB-Audio - USB Audio Device
                         C-Media Electronics Inc. USB Audio Device at usb-3f980000.usb-1.2, full speed
    2 [MAX98357A      ]: simple-card - MAX98357A

A card is chosen by what it can do: one without playback, as a webcam's microphone, is passed over, and of several HDMI
cards the one of the connector that has the display. HDMI goes through ALSA's `default` of the card, which packs the
samples as HDMI wants them (the card takes no others); the others through `plughw`, which changes rate and channels
where the card cannot.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

ASOUND: Final = Path("/proc/asound")
CARDS: Final = ASOUND / "cards"
KINDS: Final = ("hdmi", "usb", "i2s")

_LINE: Final = re.compile(r"^ *(\d+) \[(\S+) *\]: (\S+) - (.*)$", re.MULTILINE)
_BOARD: Final = re.compile(r"^(bcm2835|Loopback|Dummy|HDA-Intel|sof-|ac97|UAC\d?_Gadget|MergingRavenna)", re.IGNORECASE)
"""Cards of the board itself, or of nothing: the Pi's own jack, what is there for tests, and the way to a computer or a
network that takes the machine for a sound card."""
_PORT: Final = re.compile(r"hdmi-?(\d)$", re.IGNORECASE)


class Card(Struct, frozen=True):
    """A sound card: its short name, by which ALSA finds it, and what it can do.

    `plays`: whether sound can come out of it. `port`: of an HDMI card, its connector's number from 0; None where there
    is only one. `title`: what its maker calls it.
    """

    name: str
    kind: Literal["hdmi", "usb", "i2s", "other"]
    plays: bool = True
    port: int | None = None
    title: str = ""


class PassedOver(Struct, frozen=True):
    """A card of the wanted kind that is not used, and why."""

    card: Card
    reason: str


def cards_in(text: str, plays: Callable[[int], bool] = lambda _: True) -> tuple[Card, ...]:
    """Return the cards of the kernel's list, in order. `plays`: whether the card of a number has a playback device."""
    return tuple(
        Card(name, _kind(name, driver), plays(int(number)), _port(name, driver, title), title.strip())
        for number, name, driver, title in _LINE.findall(text)
    )


def cards_here(folder: Path = ASOUND) -> tuple[Card, ...]:
    """Return the cards of this machine, with what each can do."""
    try:
        text = (folder / "cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ()

    def plays(number: int) -> bool:
        card = folder / f"card{number}"
        # Where there is no folder, nothing is known of what the card can do.
        return not card.is_dir() or any(card.glob("pcm*p"))

    return cards_in(text, plays)


def _kind(name: str, driver: str) -> Literal["hdmi", "usb", "i2s", "other"]:
    if "hdmi" in driver.lower() or "hdmi" in name.lower():
        return "hdmi"
    if driver.lower().startswith("usb"):
        return "usb"
    return "other" if _BOARD.match(driver) else "i2s"


def _port(name: str, driver: str, title: str) -> int | None:
    if _kind(name, driver) != "hdmi":
        return None
    # The firmware's own driver counts from 1, and says so in the title alone: b2 is bcm2835 HDMI 2.
    if found := re.fullmatch(r"bcm2835 HDMI (\d)", title.strip()):
        return int(found[1]) - 1
    found = _PORT.search(name)
    return None if found is None else int(found[1])


def chosen_card(device: str, cards: Sequence[Card], connector: str | None = None) -> Card | None:
    """Return the card that is meant by a kind; None where no card of that kind can play.

    `connector`: where the display is plugged in, as in HDMI-A-2; None where that is not known.
    """
    able = [card for card in cards if card.kind == device and card.plays]
    return next((card for card in able if _is_at(card, connector)), able[0] if able else None)


def passed_over(device: str, cards: Sequence[Card], connector: str | None = None) -> tuple[PassedOver, ...]:
    """Return the cards of the wanted kind that are not used, with the reason for each."""
    chosen = chosen_card(device, cards, connector)
    return tuple(
        PassedOver(card, _why(card, connector)) for card in cards if card.kind == device and card is not chosen
    )


def _why(card: Card, connector: str | None) -> str:
    if not card.plays:
        return "it cannot play"
    if card.port is not None and connector is not None:
        return f"the display is on {connector}"
    return "another one comes first"


def _is_at(card: Card, connector: str | None) -> bool:
    """Whether an HDMI card belongs to a connector: the cards are counted from 0, the connectors from 1."""
    return card.port is not None and connector == f"HDMI-A-{card.port + 1}"


def alsa_name(device: str, cards: Sequence[Card], connector: str | None = None) -> str | None:
    """Return ALSA's name for what the settings call the device; None where no card of that kind can play."""
    if device not in KINDS:
        return device
    card = chosen_card(device, cards, connector)
    if card is None:
        return None
    return f"default:CARD={card.name}" if device == "hdmi" else f"plughw:CARD={card.name}"
