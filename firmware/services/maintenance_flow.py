"""What the keeper does where somebody looks after the machine: findings, the self-test's sounds, and its patience.

Theory of operation. Severe findings close the start of sessions and never touch one that runs. The self-test's tones
and sentence are cues like any other, due at moments of the clock. Whoever walks away is forgotten after a minute.
"""

from collections import deque
from collections.abc import Callable

from msgspec.structs import replace

from coach.kiosk.flow import KioskState, current_test
from coach.kiosk.view import TriedPart
from coach.model.cue import Cue, CueName

PATIENCE_S = 60.0
TONES_S = (0.4, 1.4, 2.4)
SENTENCE_S = 3.4
AGAIN_AFTER_S = 9.0
"""The voice comes again by itself, for whoever stood by the lamp."""


def not_done(_: dict[TriedPart, bool]) -> None:
    """Nobody keeps the answers."""


class MachinePage:
    """Findings of now, and the self-test's time. Seconds are the clock's; `speed` of them pass in a real one."""

    def __init__(self, speed: float = 1.0) -> None:
        """Nothing is wrong, and nobody is here."""
        self._speed = speed
        self.stops: tuple[str, ...] = ()
        self.attention: tuple[str, ...] = ()
        self.on_answers: Callable[[dict[TriedPart, bool]], None] = not_done
        self.on_look_again: Callable[[], None] = lambda: None
        self._sounds: deque[tuple[float, Cue]] = deque()
        self._until_s: float | None = None

    def pressed(self, desk: KioskState, now_s: float) -> None:
        """Somebody pressed a button: they are here, and what is tried now is sounded from the beginning."""
        self._sounds.clear()
        self._until_s = now_s + PATIENCE_S * self._speed if desk.machine or desk.tested is not None else None
        if current_test(desk) is TriedPart.VOICE:
            self._sound_from(now_s)

    def answered(self, desk: KioskState) -> KioskState:
        """End the self-test: its answers are kept, and the machine's page stands again."""
        if desk.tested is not None:
            self.on_answers(dict(zip(desk.parts, desk.tested, strict=False)))
        self._sounds.clear()
        return replace(desk, tested=None, machine=True)

    def next_due_clock_s(self) -> float | None:
        """When `due` must be asked again; None where nothing will happen by itself."""
        due = [at_s for at_s, _ in tuple(self._sounds)[:1]]
        return min([*due, *([] if self._until_s is None else [self._until_s])], default=None)

    def due(self, desk: KioskState, now_s: float) -> tuple[KioskState, tuple[tuple[float, Cue], ...]]:
        """Time has passed: the desk, without whoever has gone, and the cues that are due with their moments."""
        if self._until_s is not None and now_s >= self._until_s:
            self._until_s = None
            self._sounds.clear()
            return replace(desk, machine=False, tested=None), ()
        cues = []
        while self._sounds and self._sounds[0][0] <= now_s + 1e-3:
            cues.append(self._sounds.popleft())
        if cues and not self._sounds:
            self._sound_from(cues[-1][0] + (AGAIN_AFTER_S - SENTENCE_S) * self._speed)
        return desk, tuple(cues)

    def _sound_from(self, from_s: float) -> None:
        for number, after_s in zip((3, 2, 1), TONES_S, strict=True):
            self._sounds.append((from_s + after_s * self._speed, Cue(0.0, CueName.COUNTDOWN, number=number)))
        self._sounds.append((from_s + SENTENCE_S * self._speed, Cue(0.0, CueName.SELF_TEST)))
