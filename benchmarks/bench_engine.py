"""How fast the engine is: a 45-minute session at 1 Hz, each figure with its target beside it.

The 45 minutes are a 4×4 with a 15-minute warm-up (the field's longest). The rate is smooth and obeys the phases, so
that guidance has something to do. `with a view each second` also makes the snapshot that a display would be sent.
"""

import argparse
import statistics
import time

from msgspec.structs import replace

from coach.guidance.defaults import default_guidance
from coach.guidance.interface import GuidanceMaker
from coach.guidance.rules import rule_guidance
from coach.model.messages import AnyMessage, CommandName, HeartRate, SessionCommand, TreadmillSpeed
from coach.model.plan import Load, Plan
from coach.model.protocol import Protocol
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import begin
from firmware.participants.protocol_files import load

SESSION_S = 2700
PLAN = Plan(participant="bench", hr_max_bpm=185.0, age=35, start=Load(5.5, 5.0))


def protocol() -> Protocol:
    standard = load("4x4")
    warm_up = replace(standard.phases[0], length_s=standard.phases[0].length_s + SESSION_S - standard.length_s)
    return replace(standard, phases=(warm_up, *standard.phases[1:]))


def messages(training: Protocol) -> list[AnyMessage]:
    """Return a strap's notifications: each second the rate goes a fortieth of the way to what the phase asks for."""
    told: list[AnyMessage] = [
        HeartRate(0.0, 85.0),
        TreadmillSpeed(0.0, 4.0, 5.0),
        SessionCommand(0.0, CommandName.START),
    ]
    bpm, t = 85.0, 0
    for phase in training.phases:
        zone = phase.zone
        asked_bpm = 185.0 * ((zone.low_fraction + zone.high_fraction) / 2 if zone else 0.7)
        for _ in range(phase.length_s):
            t += 1
            bpm += (asked_bpm - bpm) / 40 + (t * 7919 % 5 - 2) * 0.3
            told.append(HeartRate(float(t), round(bpm), (60000 / round(bpm),)))
    return told


def run_ms(training: Protocol, told: list[AnyMessage], guidance: GuidanceMaker, *, viewed: bool) -> tuple[float, float]:
    """One whole session: its milliseconds, and those of its slowest step."""
    state = begin(PLAN, training, guidance)
    slowest = 0.0
    began = time.perf_counter()
    for message in told:
        before = time.perf_counter()
        state = step(state, message).state
        if viewed:
            snapshot(state)
        slowest = max(slowest, time.perf_counter() - before)
    took = time.perf_counter() - began
    if state.summary is None or not state.summary.completed:
        raise SystemExit("the session did not come to its end: nothing was measured")
    return took * 1000, slowest * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="sessions for each figure")
    runs = parser.parse_args().runs
    training = protocol()
    told = messages(training)
    for name, guidance, viewed, target_ms in (
        ("engine with rule guidance", rule_guidance, False, 60.0),
        ("engine with rule guidance and a view each second", rule_guidance, True, 60.0),
        ("engine with learned guidance", default_guidance, False, 500.0),
    ):
        took = [run_ms(training, told, guidance, viewed=viewed) for _ in range(runs)]
        median_ms = statistics.median(one[0] for one in took)
        times_real = SESSION_S * 1000 / median_ms
        verdict = "met" if median_ms <= target_ms else "missed"
        print(
            f"{name}: 45 min in {median_ms:.0f} ms (median of {runs}; {times_real:,.0f} × real time; "
            f"slowest {statistics.median(one[1] for one in took):.2f} ms) · target ≤ {target_ms:.0f} ms · {verdict}"
        )


if __name__ == "__main__":
    main()
