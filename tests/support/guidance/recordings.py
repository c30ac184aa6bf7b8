"""Prediction of an interval's end rate on real recordings, through the whole engine.

Each recording is led through a protocol made of its own bouts, without any treadmill data, as the coach would see it
live.
No number in the coach was fitted to these files; the band's width is checked leaving each whole file out.
"""

from pathlib import Path

import numpy as np
from msgspec import Struct

from coach.guidance.interface import GuidanceMaker
from coach.model.plan import Plan
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from firmware.recordings.reader import read
from firmware.simulation.session import Recorded, seconds

RECORDINGS = Path(__file__).parents[4] / "shared" / "recordings"
LONGEST_S = 240
"""Longer bouts are scored at four minutes, the coach's own interval."""
AT_S = (30, 60, 90, 120)
BOUTS: dict[str, tuple[float, tuple[tuple[int, int], ...]]] = {
    "hiit_4x4_polar_h10.csv": (160.0, ((300, 540), (720, 960), (1145, 1385), (1655, 1895))),
    "row_4x200s.csv": (185.0, ((0, 195), (497, 694), (995, 1193), (1493, 1640))),
    "bike_2x10min.csv": (185.0, ((377, 978), (1349, 1950))),
    "bike_mixed.csv": (190.0, ((700, 835),)),
    "zakynthinaki2015_ex2_on.csv": (185.0, ((0, 400),)),
    "zakynthinaki2015_ex3_on.csv": (185.0, ((0, 370),)),
    "zakynthinaki2015_ex4_on.csv": (185.0, ((0, 350),)),
    "zakynthinaki2015_ex5_on.csv": (190.0, ((0, 320),)),
}
"""Recording → (HRmax put in the plan, bouts in seconds): laps where there are some, else read off the trace."""


class Foretold(Struct, frozen=True):
    """One prediction: from which second of which bout, what it said, what came, and the rate at the time."""

    file: str
    bout: int
    second: int
    end_bpm: float
    low_bpm: float
    high_bpm: float
    came_bpm: float
    now_bpm: float


def foretold(name: str, maker: GuidanceMaker) -> list[Foretold]:
    """Every prediction for one recording."""
    hr_max, bouts = BOUTS[name]
    phases = []
    at = 0
    for number, (start, end) in enumerate(bouts, 1):
        if start > at:
            kind = PhaseKind.WARM_UP if number == 1 else PhaseKind.RECOVERY
            phases.append(Phase(kind, start - at, Zone(0.60, 0.75)))
        length = min(end - start, LONGEST_S)
        phases.append(Phase(PhaseKind.INTERVAL, length, Zone(0.85, 0.95), interval=number))
        at = start + length
    phases.append(Phase(PhaseKind.COOL_DOWN, 60, Zone(0.5, 0.65)))
    protocol = Protocol("bouts", {"en": "bouts"}, tuple(phases))
    plan = Plan(participant="recorded", hr_max_bpm=hr_max, hr_max_source="measured", age=40)
    found: list[Foretold] = []
    waiting: list[tuple[int, int, float, float, float, float]] = []
    recent: list[float] = []
    for one in seconds(plan, protocol, Recorded(read(RECORDINGS / name)), guidance=maker):
        state = one.state
        if one.true_bpm is not None:
            recent = [*recent, one.true_bpm][-5:]
        if state.stage != "running":
            continue
        if state.phase.kind is not PhaseKind.INTERVAL:
            came = float(np.mean(recent))
            found += [Foretold(name, bout, s, end, low, high, came, now) for bout, s, end, low, high, now in waiting]
            waiting = []
        elif state.second in AT_S and state.guidance.prediction is not None:
            told = state.guidance.prediction
            row = (state.phase.interval, state.second, told.end_bpm, told.end_low_bpm, told.end_high_bpm)
            waiting.append((*row, float(np.mean(recent))))
    return found
