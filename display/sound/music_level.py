"""Bring music to one loudness before it is played, so that a duck always leaves the voice far above it.

Block by block, one block ahead: the gain of a loud block is reached before the block begins, and rises again slowly. A
block is never louder than `BLOCK_RMS`, whatever the file is; its peaks are bent at `PEAK`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from display.sound.tones import RATE_HZ

Music = npt.NDArray[np.float32]

BLOCK_SAMPLES: Final = RATE_HZ // 20
"""50 ms."""

BLOCK_RMS: Final = 0.14
"""Highest RMS of a block, of full scale (-17 dBFS): music as loud as the voice, where nothing ducks it."""

PEAK: Final = 0.4
MOST_GAIN: Final = 4.0
"""12 dB: quiet music is made louder by so much at most, so that its hiss is not."""

_RELEASE_S: Final = 3.0
_DECAY: Final = float(np.exp(-BLOCK_SAMPLES / RATE_HZ / _RELEASE_S))


class MusicLeveller:
    """Takes blocks of samples, and returns the block before, at one loudness."""

    def __init__(self) -> None:
        """Begin with a fade-in."""
        self._held: Music | None = None
        self._level = 0.0
        self._gain = self._from = 0.0

    def push(self, pcm: bytes) -> Music | None:
        """Take one block of 16-bit samples; return the one before, None for the first."""
        block: Music = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(32_768)
        self._level = max(float(np.mean(block * block)), self._level * _DECAY)
        gain = min(MOST_GAIN, BLOCK_RMS / max(float(np.sqrt(self._level)), 1e-6))
        before = self._release(min(self._gain, gain))
        self._held, self._gain = block, gain
        return before

    def flush(self) -> Music | None:
        """Return the block that is held, faded out, because no more comes; the next one fades in."""
        last = self._release(0.0)
        self._held, self._gain, self._from, self._level = None, 0.0, 0.0, 0.0
        return last

    def _release(self, to: float) -> Music | None:
        if self._held is None:
            self._from = 0.0
            return None
        ramp = np.linspace(self._from, to, self._held.size)
        self._from = to
        bent: Music = (PEAK * np.tanh(self._held * ramp / PEAK)).astype(np.float32)
        return bent
