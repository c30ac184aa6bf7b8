"""A pulse strap on the air, as somebody who chooses theirs sees it (hazard H4)."""

from msgspec import Struct


class StrapSeen(Struct, frozen=True):
    """A pulse strap on the air. `key` tells it from all others; `printed` is what stands on it.

    `on_band`: whether `printed` truly stands on it. Of an unknown maker nothing printed is known, and its rate and
    signal are all there is to choose by.

    `signal_dbm`: how strongly it is heard, about −40 beside the machine and −90 across the hall. `bpm`: the rate that
    it tells to everyone (0: it is not worn); None where it tells none before it is connected.
    """

    key: str
    name: str
    printed: str
    signal_dbm: float = -127.0
    bpm: float | None = None
    on_band: bool = True
