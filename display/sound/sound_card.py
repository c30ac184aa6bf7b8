"""The sound card that SDL plays on: named to it anew each time that cards or displays come and go."""

import os
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Final

from display.sound.cards import CARDS, alsa_name, cards_here
from display.sound.mixer import signs_of_a_card

NO_DRIVER: Final = "no such card"
"""No driver of SDL's: nothing may come out of another card than the chosen one, and ALSA's library, which would be
asked for a card in vain, writes to the log of its own accord."""


def signs_of(
    device: str,
    environment: MutableMapping[str, str] = os.environ,
    cards: Path = CARDS,
    connector: Callable[[], str | None] = lambda: None,
) -> Callable[[], tuple[str, ...]]:
    """Return what `MixerSound` looks at: whether cards have changed. Each look also names the chosen card to SDL.

    `connector`: where the display is plugged in, of whose HDMI sound comes.
    """

    def look() -> tuple[str, ...]:
        here = cards_here(cards.parent)
        name = alsa_name(device, here, connector())
        environment["SDL_AUDIODRIVER"] = NO_DRIVER if name is None else "alsa"
        environment["AUDIODEV"] = name or ""
        return (*signs_of_a_card(), environment["AUDIODEV"], *(card.name for card in here))

    return look
