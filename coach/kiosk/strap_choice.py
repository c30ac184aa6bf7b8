"""Which pulse strap is whose: a list of those on the air, one of them chosen by the person's own press (hazard H4).

Theory of operation. The list is put in order once: the strap that this participant used last, then those that are
worn, the nearest first. Afterwards nothing moves under a thumb: a strap that comes later stands at the end, and the
highlight stays with the strap, not with the place. Where the highlighted one vanishes, nothing is highlighted, and
green does nothing until the person chooses again: they meant what they saw. Nothing is ever bound without a press, and
a session that has started keeps its strap.
"""

from msgspec import Struct
from msgspec.structs import replace

from coach.kiosk.view import Button
from coach.model.strap_advertisement import StrapSeen


class StrapScene(Struct, frozen=True):
    """What the strap's adapter tells: who is on the air, why nothing comes, and whether the battery is low.

    `trouble`: a key of the texts (`no_adapter`, `bluetooth_off`, `not_found`, …); None where all is well.
    """

    seen: tuple[StrapSeen, ...] = ()
    trouble: str | None = None
    battery_low: bool = False


class StrapChoice(Struct, frozen=True, kw_only=True):
    """How far the choice has come. `asked`: whether there is one to make at this machine. `last`: key of last time's.

    `rows`: as listed. `selected`: key of the highlighted one, which may have vanished from them. `chosen`: the
    confirmed one.
    """

    asked: bool = False
    last: str | None = None
    rows: tuple[StrapSeen, ...] = ()
    selected: str | None = None
    chosen: StrapSeen | None = None
    trouble: str | None = None
    battery_low: bool = False

    @property
    def open(self) -> bool:
        """Whether a strap is still to be chosen."""
        return self.asked and self.chosen is None

    @property
    def index(self) -> int:
        """Place of the highlighted row; −1 where there is none."""
        return next((place for place, row in enumerate(self.rows) if row.key == self.selected), -1)


def in_order(seen: tuple[StrapSeen, ...], last: str | None) -> tuple[StrapSeen, ...]:
    """Last time's first; then worn before not known to be worn before told not to be; the nearest first."""
    return tuple(sorted(seen, key=lambda strap: (strap.key != last, _worn(strap), -strap.signal_dbm, strap.key)))


def _worn(strap: StrapSeen) -> int:
    """0: it tells everyone a rate. 1: it tells nothing. 2: it tells that it has none, as in a bag."""
    return 1 if strap.bpm is None else 0 if strap.bpm > 0 else 2


def with_scene(choice: StrapChoice, scene: StrapScene) -> StrapChoice:
    """Return the choice after another look around."""
    choice = replace(choice, trouble=scene.trouble, battery_low=scene.battery_low)
    if not choice.open:
        return choice
    now = {strap.key: strap for strap in scene.seen}
    kept = tuple(now.pop(row.key) for row in choice.rows if row.key in now)
    rows = (*kept, *in_order(tuple(now.values()), choice.last))
    selected = rows[0].key if rows and choice.selected is None else choice.selected
    return replace(choice, rows=rows, selected=selected)


def press(choice: StrapChoice, button: Button) -> StrapChoice:
    """Up and down choose, start confirms what is highlighted. `chosen` of the result tells whether one is bound."""
    if not choice.rows:
        return choice
    at = choice.index
    if button is Button.START:
        return choice if at < 0 else replace(choice, chosen=choice.rows[at])
    change = 1 if button is Button.DOWN else -1 if at >= 0 else 0
    return replace(choice, selected=choice.rows[(at + change) % len(choice.rows)].key)


def chosen_again(choice: StrapChoice, strap: StrapSeen) -> StrapChoice:
    """Return the strap that the session was bound to before a restart."""
    return replace(choice, chosen=strap, selected=strap.key)


def reopened(choice: StrapChoice) -> StrapChoice:
    """Make the list again: the person wants another strap."""
    last = choice.last if choice.chosen is None else choice.chosen.key
    return StrapChoice(asked=choice.asked, last=last, trouble=choice.trouble)
