"""What a panel reports of itself. Apart from the panels, so that sync, which has none, need not load `asyncio`."""

from msgspec import Struct

BUTTONS, KEYPAD = "The buttons", "The keypad"
"""What the two kinds of panel are called in the log and in what they report of themselves."""


class PanelState(Struct, frozen=True):
    """Whether a panel reads its buttons now, and why not where it does not."""

    reads: bool
    why: str = ""
