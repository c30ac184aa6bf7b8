"""The sound card: there, the chosen one, opened by the display, and not muted."""

import re
from typing import ClassVar

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, found
from firmware.doctor.environment import Place

CARD = re.compile(r"^ *(\d+) \[(\S*) *\]: (.*)$", re.MULTILINE)
_MUTED = re.compile(r"\[off\]")
_HEARD = re.compile(r"\[on\]")
CONTROLS = ("Master", "PCM", "Speaker", "Headphone", "HDMI")


class Sound:
    """ALSA's list of cards, the display's own word, and the mixer."""

    name: str = "sound"
    codes: ClassVar[Codes] = {
        "sound_missing": Severity.ATTENTION,
        "sound_card_gone": Severity.ATTENTION,
        "sound_silent": Severity.ATTENTION,
        "sound_muted": Severity.ATTENTION,
    }

    def look(self, place: Place) -> Outcome:
        """One part is enough to train by, so that missing sound alone stops nobody (hazard H8)."""
        devices = place.told.devices
        told = None if devices is None else devices.sound
        if place.fittings.sound is False or told == "off" or (place.fittings.sound is None and told is None):
            return NOT_IN_USE
        listed = place.text("/proc/asound/cards") or ""
        cards = {short: number for number, short, _ in CARD.findall(listed)}
        if not cards and listed and "no soundcards" not in listed:
            raise ValueError(f"/proc/asound/cards: {listed[:100]}")
        names = ", ".join(cards)
        chosen = place.fittings.sound_card
        if told == "missing" or not devices:
            if not cards:
                return Outcome((found(self, "sound_missing"),))
            if chosen is not None and chosen not in (*cards, *cards.values()):
                return Outcome((found(self, "sound_card_gone", f"{chosen}; there are {names}"),), names)
            if told == "missing":
                return Outcome((found(self, "sound_silent", names),), names)
        numbers = [cards.get(chosen, chosen)] if chosen is not None else list(cards.values())
        muted = [number for number in numbers if self._is_muted(place, number)]
        return Outcome((found(self, "sound_muted", names),) if muted and len(muted) == len(numbers) else (), names)

    def _is_muted(self, place: Place, card: str) -> bool:
        """Whether a control of the card has a switch and is off; a card without one cannot be muted."""
        if place.run is None:
            return False
        for control in CONTROLS:
            ran = place.run(("amixer", "-c", card, "sget", control))
            if ran is not None and ran.status == 0 and _MUTED.search(ran.output) and not _HEARD.search(ran.output):
                return True
        return False
