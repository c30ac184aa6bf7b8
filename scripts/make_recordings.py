"""Make the recordings of `tests/data/recordings` again: a simulated person's 4×4, as three devices would write it.

    python -m scripts.make_recordings [FOLDER]

Nobody real was recorded. The files hold what the simulated strap sent: rates each second, intervals between beats, and
the same intervals as they arrive over a radio that loses some and is silent for a while.
"""

import sys
from pathlib import Path

import numpy as np

from coach.model.events import SessionStarted
from coach.model.messages import HeartRate
from firmware.participants.protocol_files import load
from firmware.simulation.session import simulate_session
from firmware.simulation.strap import Wearer

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "recordings"
WEARER_SEED, RADIO_SEED = 20, 1
LOST_FRACTION = 0.003
SILENCES_S = ((700.0, 3.5), (1500.0, 4.9))
"""Beginnings and lengths of what the radio does not bring, as in a real log over Bluetooth."""


def beats() -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Return the rates (second, bpm) and the intervals (time of the beat in s, length in ms) of the session."""
    wearer = Wearer("ordinary", WEARER_SEED)
    led = simulate_session(wearer.plan(), load("4x4"), wearer.person())
    sent = [one for one in led.messages if isinstance(one, HeartRate)]
    start_s = next(one.t for one in led.events if isinstance(one, SessionStarted))
    rates = [(one.t - start_s, one.bpm) for one in sent if one.bpm is not None and one.t >= start_s]
    lengths = [length for one in sent if one.t >= start_s for length in one.rr_ms]
    ends_s = np.cumsum(lengths) / 1000
    return rates, list(zip((float(at) for at in ends_s), lengths, strict=True))


def over_the_air(intervals: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the intervals with the second at which each arrives, without those that are lost."""
    rng = np.random.default_rng(RADIO_SEED)
    arrived = []
    for at_s, length in intervals:
        silent = any(begin <= at_s < begin + lasts for begin, lasts in SILENCES_S)
        if not silent and rng.random() >= LOST_FRACTION:
            arrived.append((round(at_s + float(rng.uniform(0.02, 0.12)), 3), length))
    return sorted(arrived)


def write(file: Path, heading: str, rows: list[tuple[float, float]], form: str) -> None:
    """Write a table of two columns."""
    lines = [heading, *(form.format(*row) for row in rows)]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def main() -> int:
    """Write the three files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    rates, intervals = beats()
    write(folder / "made_4x4.csv", "t_s,hr_bpm", rates, "{:.1f},{:.0f}")
    write(folder / "made_4x4.rr.csv", "t_cum_s,rr_ms", intervals, "{:.3f},{:.0f}")
    write(folder / "made_over_bluetooth.csv", "t_rx_s,rr_ms", over_the_air(intervals), "{:.3f},{:.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
