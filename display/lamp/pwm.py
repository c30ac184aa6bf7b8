"""The lamp of real light: from a colour and a brightness to how strongly red, green and blue shine.

The eye takes a step of light the larger the darker it is, so both are bent by `GAMMA`: a slow breath then looks even,
and amber looks amber. The lamp may come and go: `show` raises while it is gone and tries again ever slower.
"""

import time
from collections.abc import Callable
from typing import Protocol

from display.lamp.pattern import LampState

GAMMA = 2.2
LEVELS = 255
"""Steps between dark and full: smaller changes nobody sees, and each costs a call of the driver."""

FIRST_RETRY_S, LONGEST_RETRY_S = 3.0, 60.0


class ThreeColours(Protocol):
    """What drives the three colours."""

    def shine(self, red: float, green: float, blue: float) -> None:
        """Shine so, each 0 to 1 of full light. Raises OSError where the lamp is gone."""
        ...

    def close(self) -> None:
        """Go dark and let go. Never raises."""
        ...


class LampLight:
    """A lamp that may come and go. `brightest`: share of full light that is never exceeded."""

    def __init__(
        self,
        opener: Callable[[], ThreeColours],
        *,
        brightest: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet: the first `show` does. `opener` raises OSError where there is no lamp."""
        self._opener, self._brightest, self._monotonic = opener, brightest, monotonic
        self._lamp: ThreeColours | None = None
        self._try_again_s = float("-inf")
        self._pause_s = FIRST_RETRY_S
        self._why: OSError | None = None

    def show(self, state: LampState, brightness: float) -> None:
        """Shine so, `brightness` from 0 to 1 as the eye takes it. Raises OSError while the lamp is gone."""
        lamp = self._opened()
        try:
            lamp.shine(*shares(state.colour, brightness, self._brightest))
        except OSError as error:
            self._lose(error)
            raise

    def close(self) -> None:
        """Go dark."""
        if self._lamp is not None:
            self._lamp.close()
            self._lamp = None

    def _opened(self) -> ThreeColours:
        if self._lamp is None:
            if self._why is not None and self._monotonic() < self._try_again_s:
                raise OSError(str(self._why))
            try:
                self._lamp = self._opener()
            except OSError as error:
                self._lose(error)
                raise
            self._why, self._pause_s = None, FIRST_RETRY_S
        return self._lamp

    def _lose(self, error: OSError) -> None:
        self.close()
        self._why = error
        self._try_again_s = self._monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)


def shares(colour: tuple[int, int, int], brightness: float, brightest: float = 1.0) -> tuple[float, float, float]:
    """How strongly red, green and blue shine, each 0 to 1 of full light."""
    red, green, blue = (
        round(((part / 255) * min(max(brightness, 0.0), 1.0)) ** GAMMA * brightest * LEVELS) / LEVELS for part in colour
    )
    return red, green, blue
