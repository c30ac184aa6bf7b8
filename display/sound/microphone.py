"""Recording and playback through the programs of ALSA or PulseAudio, with limits on time and size.

Both kinds of program deliver or take 16-bit mono at `RATE_HZ`, whatever the device itself has.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np

from display.errors import DisplayError
from display.sound.tones import RATE_HZ
from display.sound.wav import AudioFile

LONGEST_TAKE_S = 30.0
"""A recording ends by itself after so long: the person may have forgotten it."""

_BYTES_A_SECOND = RATE_HZ * 2
_CHUNK = 8192
_MOST_WORDS = 4096
_ENDS_WITHIN_S = 3.0
_PLAYS_WITHIN_S = 60.0
_FULL_SCALE = 32_768

_RECORDERS = {
    "arecord": ("-q", "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(RATE_HZ)),
    "parecord": ("--raw", "--format=s16le", "--channels=1", f"--rate={RATE_HZ}"),
}
_PLAYERS = {"aplay": ("-q",), "paplay": ()}
_DEVICE_OPTION = {"arecord": "-D", "parecord": "-d", "aplay": "-D", "paplay": "-d"}


class MicrophoneError(DisplayError, OSError):
    """Sound could not be recorded or played; the text says why and what to do."""


def record(wait_for_end: Callable[[], object], device: str | None = None) -> AudioFile:
    """Record from the microphone until `wait_for_end` returns, at most `LONGEST_TAKE_S`.

    Raises:
        MicrophoneError: no recorder is installed, or no microphone could be opened.

    """
    command = _command(_RECORDERS, "Install one: apt-get install alsa-utils.", device)
    try:
        # A program of the system's, with fixed options; the device's name is one word, and no shell reads it.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)  # noqa: S603
    except OSError as error:
        raise MicrophoneError(f"{command[0]} cannot be started: {error}.") from error
    taken, said = bytearray(), bytearray()
    with process:
        readers = [
            threading.Thread(
                target=_read, args=(process, process.stdout, taken, round(LONGEST_TAKE_S * _BYTES_A_SECOND))
            ),
            threading.Thread(target=_read, args=(process, process.stderr, said, _MOST_WORDS)),
        ]
        for reader in readers:
            reader.start()
        try:
            wait_for_end()
        finally:
            _end(process)
            for reader in readers:
                reader.join()
    if len(taken) < 2:  # noqa: PLR2004 - one sample
        why = " ".join(said.decode("utf-8", "replace").split()) or "it ended without a sound"
        raise MicrophoneError(
            f"No microphone could be opened ({Path(command[0]).name}: {why[:200]}). Plug one in; arecord -l lists"
            " those that the machine has, and --device plughw:CARD=NAME chooses one."
        )
    samples = np.frombuffer(bytes(taken[: len(taken) // 2 * 2]), dtype="<i2") / _FULL_SCALE
    return AudioFile(samples, RATE_HZ, 1)


def play(path: Path, device: str | None = None) -> None:
    """Play a WAV file to its end.

    Raises:
        MicrophoneError: no player is installed, or the sound card could not be opened.

    """
    command = _command(_PLAYERS, "Install one: apt-get install alsa-utils.", device)
    try:
        # As above: fixed options and the recording's own path.
        subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=_PLAYS_WITHIN_S)  # noqa: S603
    except subprocess.CalledProcessError as error:
        why = " ".join(error.stderr.decode("utf-8", "replace").split())[-200:] or f"it ended with {error.returncode}"
        raise MicrophoneError(f"{Path(command[0]).name} could not play it ({why})") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise MicrophoneError(f"{Path(command[0]).name} could not play it ({error})") from error


def _command(programs: dict[str, tuple[str, ...]], otherwise: str, device: str | None) -> list[str]:
    for name, options in programs.items():
        found = shutil.which(name)
        if found is not None:
            return [found, *options, *([] if device is None else [_DEVICE_OPTION[name], device])]
    raise MicrophoneError(f"Neither {' nor '.join(programs)} is installed. {otherwise}")


def _read(process: "subprocess.Popen[bytes]", stream: IO[bytes] | None, into: bytearray, most: int) -> None:
    """Read a stream to its end; a program that says more than it may is ended."""
    while stream is not None and (read := os.read(stream.fileno(), _CHUNK)):
        into += read[: most - len(into)]
        if len(into) >= most:
            _signal(process, signal.SIGTERM)
            return


def _end(process: "subprocess.Popen[bytes]") -> None:
    _signal(process, signal.SIGTERM)
    try:
        process.wait(_ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Signal the recorder with what it has started: a wrapper's child would hold the pipe open."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
