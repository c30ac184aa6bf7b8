"""The sound card: there, the chosen one, opened by the display, and not muted."""

import re
from typing import ClassVar

from display.connectors import connectors_in, hdmi_connector
from display.sound.cards import cards_here, chosen_card, passed_over
from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext

CARD = re.compile(r"^ *(\d+) \[(\S*) *\]: (.*)$", re.MULTILINE)
_MUTED = re.compile(r"\[off\]")
_HEARD = re.compile(r"\[on\]")
CONTROLS = ("Master", "PCM", "Speaker", "Headphone", "HDMI")


class SoundCheck:
    """ALSA's list of cards, the display's own word, and the mixer."""

    name: str = "sound"
    codes: ClassVar[Codes] = {
        "sound_missing": Severity.ATTENTION,
        "sound_card_gone": Severity.ATTENTION,
        "sound_silent": Severity.ATTENTION,
        "sound_muted": Severity.ATTENTION,
    }

    def look(self, place: CheckContext) -> Outcome:
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
        chosen, others = self._chosen(place)
        kind = place.fittings.sound_kind
        if kind is not None and chosen is None and others and told == "missing":
            return Outcome(
                (make_finding(self, "sound_missing", f"no {kind} card can play"),), names, passed_over=others
            )
        if told == "missing" or not devices:
            if not cards:
                return Outcome((make_finding(self, "sound_missing"),))
            if chosen is not None and chosen not in (*cards, *cards.values()):
                return Outcome((make_finding(self, "sound_card_gone", f"{chosen}; there are {names}"),), names)
            if told == "missing":
                return Outcome((make_finding(self, "sound_silent", names),), names, passed_over=others)
        numbers = [cards.get(chosen, chosen)] if chosen is not None else list(cards.values())
        muted = [number for number in numbers if self._is_muted(place, number)]
        findings = (make_finding(self, "sound_muted", names),) if muted and len(muted) == len(numbers) else ()
        return Outcome(findings, names if kind is None or chosen is None else chosen, passed_over=others)

    def _chosen(self, place: CheckContext) -> tuple[str | None, tuple[str, ...]]:
        """Return the card that the settings mean, and those of its kind that are passed over."""
        fittings = place.fittings
        kind = fittings.sound_kind
        if kind is None:
            return fittings.sound_card, ()
        connectors = connectors_in(place.at("/sys/class/drm"))
        cards = cards_here(place.at("/proc/asound"))
        at = hdmi_connector(connectors, fittings.connector, fittings.display)
        card = chosen_card(kind, cards, at)
        others = tuple(
            f"{one.card.name} ({one.card.title}): {one.reason}. Choose by sound.device"
            for one in passed_over(kind, cards, at)
        )
        return (None if card is None else card.name), others

    def _is_muted(self, place: CheckContext, card: str) -> bool:
        """Whether a control of the card has a switch and is off; a card without one cannot be muted."""
        if place.run is None:
            return False
        for control in CONTROLS:
            ran = place.run(("amixer", "-c", card, "sget", control))
            if ran is not None and ran.status == 0 and _MUTED.search(ran.output) and not _HEARD.search(ran.output):
                return True
        return False
