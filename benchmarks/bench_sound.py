"""How soon a cue is heard: from `play` to the first sample that is not silence in the sound device's hands.

SDL's disk driver stands in for the card: it takes a buffer every 11 ms as a card would, and writes it into a terminal
whose other end stamps the moment (C's stream hoards four buffers before a pipe, but writes on to a terminal). Measured
at rest and with every core busy; the hop over the local socket comes on top.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tty
import wave
from pathlib import Path

HEARD_MS = 30.0
COLD_START_MS = 1000.0
MEMORY_MB = 30.0
QUIET_S = 0.12


class Ear(threading.Thread):
    """The other end of the terminal: notes when sound begins, and when it was last heard."""

    def __init__(self, listening: int) -> None:
        """Listen at a file descriptor."""
        super().__init__(name="ear", daemon=True)
        self._listening = listening
        self.began = threading.Event()
        self.began_s = 0.0
        self.last_s = 0.0

    def run(self) -> None:
        """Listen as long as the program runs."""
        while piece := os.read(self._listening, 4096):
            now_s = time.monotonic()
            if piece.count(0) < len(piece):
                self.last_s = now_s
                if not self.began.is_set():
                    self.began_s = now_s
                    self.began.set()


def resident_mb() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def silent_music(folder: Path) -> None:
    """Write a file of digital silence: decoded, levelled and mixed as music is, and a cue's onset is still seen."""
    with wave.open(str(folder / "silence.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(bytes(4 * 44_100 * 300))


def measure(rounds: int, *, busy: bool, music: bool = False) -> tuple[list[float], float, float]:
    """Give the delays in ms, the cold start in ms and the memory that the sound took in MB."""
    from coach.model.cue import Cue, CueName  # noqa: PLC0415 - the import is part of the cold start
    from display.sound.mixer import MixerSound  # noqa: PLC0415 - as above
    from display.sound.music import MusicPlayer  # noqa: PLC0415 - as above
    from display.sound.music_source import files_source  # noqa: PLC0415 - as above

    chance = random.Random(1)
    listening, speaking = os.openpty()
    tty.setraw(speaking)
    os.environ["SDL_AUDIODRIVER"], os.environ["SDL_DISKAUDIOFILE"] = "disk", os.ttyname(speaking)
    ear = Ear(listening)
    ear.start()
    before_mb, began_s = resident_mb(), time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="music"))
    silent_music(folder)
    player = MusicPlayer(lambda: files_source((str(folder),), shuffle=False)) if music else None
    sound = MixerSound(music=player)
    if player is not None:
        player.want("play")
    sound.wait_until_ready(30)
    start_ms, memory_mb = (time.monotonic() - began_s) * 1000, resident_mb() - before_mb
    burners = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range((os.cpu_count() or 1) * busy)
    ]
    delays: list[float] = []
    try:
        for _ in range(rounds):
            sound.silence()
            while time.monotonic() - ear.last_s < QUIET_S:
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.012))
            ear.began.clear()
            asked_s = time.monotonic()
            sound.play(Cue(0.0, chance.choice(list(CueName)), number=chance.randint(0, 4)), 4)
            heard = ear.began.wait(2)
            delays.append((ear.began_s - asked_s) * 1000 if heard else float("inf"))
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()
        sound.close()
        shutil.rmtree(folder)
    return delays, start_ms, memory_mb


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=150)
    rounds = parser.parse_args().rounds
    missed = 0
    figures: dict[str, float] = {}
    for busy, music in ((False, False), (True, False), (False, True), (True, True)):
        delays, start_ms, memory_mb = measure(rounds, busy=busy, music=music)
        when = ("every core busy" if busy else "at rest") + (", with music" if music else "")
        p99 = percentile(delays, 0.99)
        print(
            f"cue heard, {when}: p50 {statistics.median(delays):.1f} ms, p99 {p99:.1f} ms, worst {max(delays):.1f} ms"
            f" (target p99 <= {HEARD_MS:.0f} ms; {rounds} cues)"
        )
        missed += p99 > HEARD_MS
        figures[f"heard_p99_ms_{'busy' if busy else 'rest'}{'_music' if music else ''}"] = p99
        if not busy and not music:
            print(f"sound ready, all phrases loaded: {start_ms:.0f} ms (target <= {COLD_START_MS:.0f} ms)")
            print(f"memory of the sound: {memory_mb:.1f} MB (target <= {MEMORY_MB:.0f} MB)")
            missed += (start_ms > COLD_START_MS) + (memory_mb > MEMORY_MB)
            figures |= {"sound_ready_ms": start_ms, "sound_memory_mb": memory_mb}
    results = Path(__file__).with_name("results")
    results.mkdir(exist_ok=True)
    (results / "sound.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
