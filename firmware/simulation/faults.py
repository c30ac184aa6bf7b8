"""What goes wrong with pulse straps, as it looks in the notifications: faults to be put upon a clean stream.

A fault is data: a start and a length in seconds of the stream. An `Injector` puts any number of them, in their order,
upon the notifications of each second. Rates: training.md «The strap»; faults.md rows 21 and 22.
"""

from dataclasses import dataclass, field
from math import exp
from typing import assert_never

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.model.messages import HeartRate

LOWEST_BPM, HIGHEST_BPM = 25.0, 254.0
DRY_FADES_FROM = 0.6
"""A strap that becomes wet loses its error over the last two fifths of the dry time."""


class SimulatedFault(Struct, frozen=True, kw_only=True):
    """Something is wrong from `start_s` for `length_s` seconds."""

    start_s: float
    length_s: float

    @property
    def end_s(self) -> float:
        """The first second that is right again."""
        return self.start_s + self.length_s


class Dropout(SimulatedFault, frozen=True):
    """Nothing comes."""


class Frozen(SimulatedFault, frozen=True):
    """The last notification comes again and again."""


class Doubled(SimulatedFault, frozen=True):
    """Each beat is counted twice (the T wave taken for a beat)."""


class Halved(SimulatedFault, frozen=True):
    """Every second beat is missed."""


class Offset(SimulatedFault, frozen=True):
    """The rate is wrong by a fixed number of beats a minute."""

    bpm: float


class DryStart(SimulatedFault, frozen=True):
    """A dry strap: smoothly wrong by about `bpm`, wandering, until the sweat comes and the error fades away."""

    bpm: float


class Reads(SimulatedFault, frozen=True):
    """The strap sends one value, without beats: 0 (it has lost the rate) or 255 (an overflow)."""

    bpm: float


class BurstAfterGap(SimulatedFault, frozen=True):
    """Nothing comes, and then all that was queued comes at once."""


AnyFault = Dropout | Frozen | Doubled | Halved | Offset | DryStart | Reads | BurstAfterGap


@dataclass(slots=True)
class _Memory:
    """What one fault remembers while it lasts."""

    last: HeartRate | None = None
    held: list[HeartRate] = field(default_factory=list)
    wander_bpm: float = 0.0


class Injector:
    """Puts faults upon a stream of notifications; seeded by the generator it is given."""

    def __init__(self, faults: tuple[AnyFault, ...], rng: np.random.Generator) -> None:
        """Take the faults; the first one acts first."""
        self._faults = [(fault, _Memory()) for fault in faults]
        self._rng = rng

    def second(self, t: float, messages: list[HeartRate]) -> list[HeartRate]:
        """Return what arrives at `t` in the place of `messages`, the clean notifications of this second."""
        for fault, memory in self._faults:
            messages = self._spoil(fault, memory, t, messages)
        return messages

    def _spoil(self, fault: AnyFault, memory: _Memory, t: float, messages: list[HeartRate]) -> list[HeartRate]:
        if not fault.start_s <= t < fault.end_s:
            if memory.held and t >= fault.end_s:
                queued = [replace(message, t=t) for message in memory.held]
                memory.held.clear()
                return queued + messages
            if messages:
                memory.last = messages[-1]
            return messages
        match fault:
            case Dropout():
                return []
            case BurstAfterGap():
                memory.held += messages
                return []
            case Frozen():
                memory.last = memory.last or (messages[-1] if messages else None)
                return [replace(memory.last, t=t)] if memory.last else []
            case Reads():
                return [replace(message, bpm=fault.bpm, rr_ms=()) for message in messages]
            case Doubled():
                return [_at_rate(message, 2 * message.bpm) for message in messages]
            case Halved():
                return [_at_rate(message, message.bpm / 2) for message in messages]
            case Offset():
                return [_at_rate(message, message.bpm + fault.bpm) for message in messages]
            case DryStart():
                memory.wander_bpm += -memory.wander_bpm / 90 + float(self._rng.normal(0, 0.4))
                share = (t - fault.start_s) / fault.length_s
                error = (fault.bpm + memory.wander_bpm) * (
                    1.0 if share < DRY_FADES_FROM else exp(-6 * (share - DRY_FADES_FROM))
                )
                return [_at_rate(message, message.bpm + error) for message in messages]
            case unreachable:
                assert_never(unreachable)


def _at_rate(message: HeartRate, bpm: float) -> HeartRate:
    """Return the notification as it would be if the strap believed in this rate: beats and rate agree."""
    if message.bpm <= 0:
        return message
    wrong = float(round(min(HIGHEST_BPM, max(LOWEST_BPM, bpm))))
    ratio = message.bpm / wrong
    beats = tuple(rr * ratio for rr in message.rr_ms)
    if bpm >= 1.8 * message.bpm:  # counted twice, so twice as many
        beats = tuple(rr for rr in beats for _ in range(2))
    elif bpm <= 0.55 * message.bpm:  # every second one missed
        beats = beats[::2]
    return replace(message, bpm=wrong, rr_ms=beats)


def draw_fault(rng: np.random.Generator, session_s: float) -> AnyFault:
    """Draw one fault of any kind somewhere in a session; a dry start begins with it and lasts 5–15 min."""
    start_s = float(round(rng.uniform(0, 0.9) * session_s))
    short_s, long_s = float(rng.integers(3, 60)), float(rng.integers(30, 240))
    sign = 1 if rng.integers(2) else -1
    match int(rng.integers(9)):
        case 0:
            return Dropout(start_s=start_s, length_s=short_s)
        case 1:
            return Frozen(start_s=start_s, length_s=long_s)
        case 2:
            return Doubled(start_s=start_s, length_s=long_s)
        case 3:
            return Halved(start_s=start_s, length_s=long_s)
        case 4:
            return Offset(start_s=start_s, length_s=long_s, bpm=sign * 40.0)
        case 5:
            return DryStart(start_s=0.0, length_s=float(rng.uniform(300, 900)), bpm=sign * float(rng.uniform(10, 50)))
        case 6:
            return Reads(start_s=start_s, length_s=short_s, bpm=0.0)
        case 7:
            return Reads(start_s=start_s, length_s=short_s, bpm=255.0)
        case _:
            return BurstAfterGap(start_s=start_s, length_s=short_s)
