"""Decode music in a process of its own: SDL's decoders, 16-bit mono samples to standard output, as fast as it is read.

    python -m display.sound.music_decoder --seed 7 --first 0 --status 3 FOLDER…

A damaged file, a stick that hangs, or a decoder that crashes ends or delays this process alone; cues sound in another.
The number of each track is written to the descriptor `--status` before it is opened, so that a process that is started
after this one can go on behind it. Without files it looks again every `LOOK_AGAIN_S`, and gives silence.
"""

import argparse
import contextlib
import os
import random
import resource
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from display.sound.music_files import find_music, open_track

RATE_HZ: Final = 44_100
LOOK_AGAIN_S: Final = 5.0
MOST_MEMORY_BYTES: Final = 400 * 2**20
"""Address space for data: a file that makes a decoder ask for more ends this process and not the machine."""

_BUFFER_SAMPLES: Final = 1024
_POLL_S: Final = 0.02
_LONGEST_OPENING_S: Final = 6.0
"""A decoder that looks for so long for a beginning in a file, or a stick that does not answer, ends this process."""

_SHORTEST_S: Final = 0.5
_FIRST_TO_DIE: Final = "900"


def track_order(files: int, seed: int) -> list[int]:
    """Return the order of the tracks: shuffled by the seed, in order of the names with seed 0."""
    order = list(range(files))
    if seed:
        random.Random(seed).shuffle(order)  # noqa: S311 - the order of songs is no secret
    return order


def _be_modest() -> None:
    """Take little, and be the first to go: the machine's sessions come before its music."""
    with contextlib.suppress(OSError, ValueError):
        os.nice(10)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_DIE, encoding="ascii")


def main(words: Sequence[str] | None = None) -> int:
    """Decode until the reader is gone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--status", type=int, default=2)
    asked = parser.parse_args(words)
    _be_modest()
    os.environ |= {
        "SDL_AUDIODRIVER": "disk",
        "SDL_DISKAUDIOFILE": "/dev/fd/1",
        "SDL_DISKAUDIODELAY": "0",
        "SDL_VIDEODRIVER": "dummy",
    }
    import pygame  # noqa: PLC0415 - reads the drivers above when it is loaded

    pygame.mixer.init(RATE_HZ, -16, 1, _BUFFER_SAMPLES, allowedchanges=0)
    parent, position = os.getppid(), asked.first
    while True:
        files = find_music(asked.folders).files
        order = track_order(len(files), asked.seed)
        played = False
        for _ in order:
            with contextlib.suppress(OSError):
                os.write(asked.status, f"{position}\n".encode("ascii"))
            began_s = time.monotonic()
            if not _play(files[order[position % len(order)]], parent):
                return 0
            played = played or time.monotonic() - began_s > _SHORTEST_S
            position += 1
        until_s = time.monotonic() + (0.0 if played else LOOK_AGAIN_S)
        while time.monotonic() < until_s:
            if os.getppid() != parent:
                return 0
            time.sleep(_POLL_S)


def _play(path: bytes, parent: int) -> bool:
    """Play a track to its end, and pass over one that cannot be played; false when the parent process is gone."""
    import pygame  # noqa: PLC0415 - as above

    too_long = threading.Timer(_LONGEST_OPENING_S, os._exit, (1,))
    too_long.daemon = True
    too_long.start()
    handle = -1
    try:
        handle = open_track(path)
        # By descriptor: SDL takes names in UTF-8 only, and finds out the format by the content.
        pygame.mixer.music.load(f"/proc/self/fd/{handle}")
        pygame.mixer.music.play()
    except (pygame.error, OSError, MemoryError, ValueError):
        return os.getppid() == parent
    finally:
        too_long.cancel()
        if handle >= 0:
            os.close(handle)
    while pygame.mixer.music.get_busy():
        if os.getppid() != parent:
            return False
        time.sleep(_POLL_S)
    pygame.mixer.music.unload()
    return True


if __name__ == "__main__":
    sys.exit(main())
