"""A recorded phrase: read from and written to WAV, measured, and made ready for a voice pack.

Made ready means: silence at both ends gone, one loudness for all phrases, no peak near full scale, both ends ramped.
"""

import math
import stat
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from display.errors import AudioFileError
from display.sound.tones import RATE_HZ, Samples, swell

LOUDNESS_LUFS = -21.0
"""Loudness of every phrase (ITU-R BS.1770-4): leaves some 18 dB of room for the peaks of speech."""

PEAK_LIMIT = 0.71
"""No sample of a prepared phrase goes beyond this share of full scale (-3 dBFS), so a tone may sound on top of it."""

MOST_BYTES = 32_000_000
"""More than a minute in stereo at 96 kHz; a phrase lasts six seconds."""

LOWEST_RATE_HZ, HIGHEST_RATE_HZ, MOST_CHANNELS = 4_000, 192_000, 8

_FULL_SCALE = 32_768
_SAMPLE_BYTES = 2
_FRAME_S = 0.02
_MARGIN_S = 0.03
_KNEE = 0.5
_RISE_S, _FALL_S = 0.015, 0.03
_BLOCK_S, _BLOCK_STEP_S = 0.4, 0.01
_ABSOLUTE_GATE_LUFS, _RELATIVE_GATE_LU = -70.0, -10.0
_LEVELLING_PASSES = 4
_JOINT_S, _JOINT_RAMP_S = 0.012, 0.006
"""Silence left at a joint on each side of it, and its ramps."""


@dataclass(frozen=True)
class AudioFile:
    """A sound as its file holds it; `samples` are mixed to mono, `channels` is what the file has."""

    samples: Samples
    rate_hz: int
    channels: int

    @property
    def length_s(self) -> float:
        """Length in seconds."""
        return self.samples.size / self.rate_hz


def read_wav(path: Path) -> AudioFile:
    """Read a 16-bit PCM WAV file.

    Raises:
        RecordingError: the file is missing, damaged, empty or of another format.

    """
    try:
        # A fifo would hold the reader for ever, and a header may promise gigabytes that are not there.
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise AudioFileError(
                f"{path.name} is no file of at most {MOST_BYTES // 1_000_000} MB, which a phrase is. Record it again."
            )
        with wave.open(str(path), "rb") as file:
            channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
            if not (LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ and 1 <= channels <= MOST_CHANNELS):
                raise AudioFileError(
                    f"{path.name} says {rate_hz} samples a second on {channels} channels, which no recorder writes. "
                    "Record it again."
                )
            raw = file.readframes(min(file.getnframes(), found.st_size // (channels * max(1, width))))
    except (OSError, EOFError, wave.Error) as error:
        raise AudioFileError(f"{path.name} cannot be read as a WAV file ({error}). Record it again as WAV.") from error
    if width != _SAMPLE_BYTES:
        raise AudioFileError(f"{path.name} has {8 * width} bits a sample and not 16. Export it as 16-bit PCM WAV.")
    frame_bytes = channels * _SAMPLE_BYTES
    frames = np.frombuffer(raw[: len(raw) // frame_bytes * frame_bytes], dtype="<i2").reshape(-1, channels)
    if not frames.size:
        raise AudioFileError(f"{path.name} holds no sound. Record it again.")
    return AudioFile(frames.mean(axis=1) / _FULL_SCALE, rate_hz, channels)


def write_wav(path: Path, samples: Samples, rate_hz: int = RATE_HZ) -> None:
    """Write mono 16-bit PCM in the place of an earlier file; a link there is replaced and not followed."""
    making = path.with_name(f".{path.name}.new")
    making.unlink(missing_ok=True)
    with making.open("xb") as target, wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_BYTES)
        file.setframerate(rate_hz)
        file.writeframes(to_pcm(samples))
    making.replace(path)


def to_pcm(samples: Samples) -> bytes:
    """Turn samples into 16-bit little-endian PCM; what lies beyond full scale is cut."""
    return _to_int16(samples).tobytes()


def _to_int16(samples: Samples) -> npt.NDArray[np.int16]:
    return np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """Change the rate of a whole sound through its spectrum, which adds no tones of its own."""
    if from_hz == to_hz:
        return samples
    size = round(samples.size * to_hz / from_hz)
    spectrum = np.fft.rfft(samples)
    bins = size // 2 + 1
    kept = np.zeros(bins, dtype=spectrum.dtype)
    kept[: min(bins, spectrum.size)] = spectrum[: min(bins, spectrum.size)]
    changed: Samples = np.fft.irfft(kept, n=size) * (size / samples.size)
    return changed


def loudness_lufs(samples: Samples, rate_hz: int = RATE_HZ) -> float:
    """Measure integrated loudness in LUFS; -inf for silence.

    ITU-R BS.1770-4: K-weighted power in blocks of 400 ms, gated at -70 LUFS and at 10 LU under the mean of the rest.
    Blocks begin every 10 ms and not every 100 ms, so that no end of a short word is left out. The standard does not
    define a sound shorter than a block: what is spoken of it is then one block.
    """
    size = 1 << max(samples.size - 1, 1).bit_length()
    weighted = np.fft.irfft(np.fft.rfft(samples, size) * _k_weighting(size, rate_hz), size)[: samples.size]
    block, step = round(_BLOCK_S * rate_hz), round(_BLOCK_STEP_S * rate_hz)
    if samples.size < block:
        start, end = spoken_span(samples, rate_hz)
        powers = np.array([np.mean(weighted[start:end] ** 2)])
    else:
        energy = np.concatenate([[0.0], np.cumsum(weighted**2)])
        starts = np.arange(0, samples.size - block + 1, step)
        powers = (energy[starts + block] - energy[starts]) / block
    sounding = powers[powers > _power(_ABSOLUTE_GATE_LUFS)]
    if not sounding.size:
        return float("-inf")
    return _lufs(float(sounding[sounding > sounding.mean() * 10 ** (_RELATIVE_GATE_LU / 10)].mean()))


def _lufs(power: float) -> float:
    return 10 * math.log10(power) - 0.691


def _power(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


@dataclass(frozen=True)
class SentencePart:
    """A phrase that is ready to be joined to others: trimmed close and ramped; `loudness` in LUFS.

    `samples` are 16-bit, a quarter of the memory: a voice holds dozens of them for as long as it speaks.
    """

    samples: npt.NDArray[np.int16]
    loudness: float
    peak: float


def sentence_part(samples: Samples) -> SentencePart:
    """Trim a phrase so that no pause is heard where it meets the next one."""
    margin = round(_JOINT_S * RATE_HZ)
    start, end = spoken_span(samples)
    trimmed = swell(samples[max(0, start - margin) : end + margin], _JOINT_RAMP_S, _JOINT_RAMP_S)
    return SentencePart(_to_int16(trimmed), loudness_lufs(trimmed), float(np.abs(trimmed).max()))


def joined(parts: Sequence[SentencePart]) -> Samples:
    """Put phrases together into one sentence: without pauses between them, and each as loud as the others."""
    heard = [part for part in parts if np.isfinite(part.loudness) and part.peak > 0]
    if not heard:
        return np.concatenate([part.samples / _FULL_SCALE for part in parts])
    # As loud as they are in the mean, or as the one with the highest peaks can be.
    room = [part.loudness + 20 * np.log10(PEAK_LIMIT / part.peak) for part in heard]
    level = min(float(np.mean([part.loudness for part in heard])), *room)
    gains = [10 ** ((level - part.loudness) / 20) if np.isfinite(part.loudness) else 1.0 for part in parts]
    return np.concatenate([part.samples * (gain / _FULL_SCALE) for part, gain in zip(parts, gains, strict=True)])


def _k_weighting(size: int, rate_hz: int) -> Samples:
    """Return the magnitudes of BS.1770's two filters (its 48 kHz coefficients) at a spectrum's frequencies."""
    hertz = np.minimum(np.fft.rfftfreq(size, 1 / rate_hz), 24_000.0)
    turn = np.exp(-2j * np.pi * hertz / 48_000)
    shelf = (1.53512485958697 - 2.69169618940638 * turn + 1.19839281085285 * turn**2) / (
        1 - 1.69065929318241 * turn + 0.73248077421585 * turn**2
    )
    high_pass = (1 - 2 * turn + turn**2) / (1 - 1.99004745483398 * turn + 0.99007225036621 * turn**2)
    magnitudes: Samples = np.abs(shelf * high_pass)
    return magnitudes


def spoken_span(samples: Samples, rate_hz: int = RATE_HZ) -> tuple[int, int]:
    """Find where the sound begins and ends, as sample numbers.

    Silence is 40 dB under the loudest frame, or 6 dB above the hum of the room, but never less than 20 dB under.
    """
    power = _frame_power(samples, rate_hz)
    loudest, hum = float(power.max()), float(np.quantile(power, 0.1))
    sounding = np.flatnonzero(power > min(max(loudest / 1e4, 4 * hum), loudest / 100))
    if not sounding.size:
        return 0, samples.size
    frame = _frame_size(rate_hz)
    return int(sounding[0]) * frame, min(samples.size, (int(sounding[-1]) + 1) * frame)


def clipped_samples(samples: Samples) -> int:
    """Count samples that sit at full scale together with their neighbour: the tops that the recorder cut off."""
    full = np.abs(samples) >= (_FULL_SCALE - 2) / _FULL_SCALE
    return int(np.count_nonzero(full[1:] & full[:-1]))


def prepare(recording: AudioFile) -> Samples:
    """Make a phrase ready for a pack: `RATE_HZ`, trimmed, `LOUDNESS_LUFS`, peaks at `PEAK_LIMIT`, both ends ramped."""
    samples = resample(recording.samples - recording.samples.mean(), recording.rate_hz, RATE_HZ)
    start, end = spoken_span(samples)
    margin = round(_MARGIN_S * RATE_HZ)
    samples = swell(samples[max(0, start - margin) : end + margin], _RISE_S, _FALL_S)
    # Limiting takes a little loudness away again, so further passes put it back.
    for _ in range(_LEVELLING_PASSES):
        loudness = loudness_lufs(samples)
        if np.isfinite(loudness):
            samples = _limited(samples * 10 ** ((LOUDNESS_LUFS - loudness) / 20))
    return samples


def _limited(samples: Samples) -> Samples:
    """Bend everything above the knee softly towards the limit."""
    size, room = np.abs(samples), PEAK_LIMIT - _KNEE
    bent = _KNEE + room * np.tanh((size - _KNEE) / room)
    limited: Samples = np.where(size > _KNEE, np.sign(samples) * bent, samples)
    return limited


def _frame_size(rate_hz: int) -> int:
    return max(1, round(_FRAME_S * rate_hz))


def _frame_power(samples: Samples, rate_hz: int) -> Samples:
    frame = _frame_size(rate_hz)
    whole = np.pad(samples, (0, -samples.size % frame)).reshape(-1, frame)
    power: Samples = (whole**2).mean(axis=1)
    return power
