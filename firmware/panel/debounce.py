"""When a contact counts as pressed, and when it is stuck. Pure: edges and times in, presses out.

Theory of operation. A level counts once it has held for the debounce time, so that neither a ringing contact nor a
spike from the treadmill's motor makes a press. A contact that never comes to rest counts as pressed after
`LONGEST_RINGING_S` (hazard H6: a worn stop button stops too, within 200 ms). Only going down is a press: how long a
button is held changes nothing, save that one held for too long is told of as stuck until it is let go. A button that
is down when the panel is opened is stuck from the start, and is no press.
"""

from collections.abc import Mapping

from msgspec import Struct

from coach.kiosk.view import Button

LONGEST_RINGING_S = 0.1


class DebouncedPress(Struct, frozen=True):
    """A button went down."""

    button: Button


class Stuck(Struct, frozen=True):
    """These buttons have been down for too long; none: all are well again."""

    buttons: tuple[Button, ...]


class _Contact:
    def __init__(self) -> None:
        self.level = self.settled = False
        self.first_edge_s: float | None = None
        self.last_edge_s = 0.0
        self.down_since_s: float | None = None
        self.stuck = False


class Debouncer:
    """All buttons of one panel."""

    def __init__(self, *, debounce_s: float, stuck_after_s: float) -> None:
        """`debounce_s`: how long a level must hold."""
        self._debounce_s, self._stuck_after_s = debounce_s, stuck_after_s
        self._contacts: dict[Button, _Contact] = {}

    def __contains__(self, button: Button) -> bool:
        """Whether the panel has this button."""
        return button in self._contacts

    def begin(self, down: Mapping[Button, bool], now_s: float) -> Stuck | None:
        """Open the panel with these down already. Return whether that changes which are stuck."""
        before = self._stuck()
        self._contacts = {button: _Contact() for button in down}
        for button, contact in self._contacts.items():
            if down[button]:
                contact.level = contact.settled = contact.stuck = True
                contact.down_since_s = now_s
        return self._change(before)

    def edge(self, button: Button, now_s: float, *, down: bool) -> None:
        """Note that a contact has changed, or has been read again."""
        contact = self._contacts[button]
        if contact.level == down:
            return
        contact.level, contact.last_edge_s = down, now_s
        if contact.first_edge_s is None:
            contact.first_edge_s = now_s

    @property
    def unsettled(self) -> bool:
        """Whether a contact has changed, and has not held its level for long enough yet."""
        return any(contact.first_edge_s is not None for contact in self._contacts.values())

    @property
    def due_s(self) -> float | None:
        """When `settle` has something to say next."""
        due = [at_s for contact in self._contacts.values() if (at_s := self._due_s(contact)) is not None]
        return min(due, default=None)

    def settle(self, now_s: float) -> tuple[DebouncedPress | Stuck, ...]:
        """Return what has come of the edges by now."""
        before = self._stuck()
        said: list[DebouncedPress | Stuck] = []
        for button, contact in self._contacts.items():
            if contact.first_edge_s is not None and now_s >= self._settles_s(contact):
                rests = now_s >= contact.last_edge_s + self._debounce_s
                down = contact.level if rests else True
                contact.first_edge_s = None if rests else now_s
                if down and not contact.settled:
                    said.append(DebouncedPress(button))
                    contact.down_since_s = now_s
                if not down:
                    contact.down_since_s, contact.stuck = None, False
                contact.settled = down
            if contact.down_since_s is not None and now_s >= contact.down_since_s + self._stuck_after_s:
                contact.stuck = True
        change = self._change(before)
        return tuple(said) if change is None else (*said, change)

    def forget(self) -> Stuck | None:
        """Forget the panel, which is gone."""
        before = self._stuck()
        self._contacts = {}
        return self._change(before)

    def _due_s(self, contact: _Contact) -> float | None:
        due = []
        if contact.first_edge_s is not None:
            due.append(self._settles_s(contact))
        if contact.down_since_s is not None and not contact.stuck:
            due.append(contact.down_since_s + self._stuck_after_s)
        return min(due, default=None)

    def _settles_s(self, contact: _Contact) -> float:
        first_s = contact.last_edge_s if contact.first_edge_s is None else contact.first_edge_s
        return min(contact.last_edge_s + self._debounce_s, first_s + max(LONGEST_RINGING_S, self._debounce_s))

    def _stuck(self) -> tuple[Button, ...]:
        return tuple(button for button, contact in self._contacts.items() if contact.stuck)

    def _change(self, before: tuple[Button, ...]) -> Stuck | None:
        now = self._stuck()
        return None if now == before else Stuck(now)
