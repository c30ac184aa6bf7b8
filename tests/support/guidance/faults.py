"""«Faster» while the strap lies: sessions with injected strap faults, and every urging that came while one held."""

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker, asks_for_more_effort
from coach.model.events import AdviceGiven, Signal
from firmware.simulation.faults import AnyFault, DryStart, Frozen, draw_fault
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds
from tests.support.guidance.trial import PROTOCOL, draw_case

FAULTS_IN_A_SESSION = 6
NOTICED_AFTER_S = 3.0
"""A silent or mad strap can't be told from a sound one within so many seconds of its last sound notification."""
FROZEN_AFTER_S = 9.0
"""A rate may stand still for 8 s before urging stops."""
STRUCK_BPM = 10.0


class FaultRun(Struct, frozen=True):
    """Faults that held in one session, those that held while an advice urged, and what they were.

    `names`: kinds of faults; `low` is a dry start that read too low, which is the dangerous way.
    """

    faults: int
    wrong: int
    urged_on_doubt: int
    names: tuple[str, ...]


def draw_faults(rng: np.random.Generator) -> tuple[AnyFault, ...]:
    """One dry start, or several other faults that do not overlap: two at once would spoil each other."""
    chosen: list[AnyFault] = []
    for _ in range(3 * FAULTS_IN_A_SESSION):
        fault = draw_fault(rng, PROTOCOL.length_s)
        if isinstance(fault, DryStart):
            return (*chosen, fault) if not chosen else tuple(chosen)
        apart = all(fault.start_s > other.end_s + 60 or fault.end_s + 60 < other.start_s for other in chosen)
        if apart and len(chosen) < FAULTS_IN_A_SESSION:
            chosen.append(fault)
    return tuple(chosen)


def run_faults(seed: int, maker: GuidanceMaker) -> FaultRun:
    """One ordinary participant, one session, several faults."""
    case = draw_case(seed, "ordinary")
    rng = np.random.default_rng((seed, 77))
    faults = draw_faults(rng)
    person = SimulatedPerson(
        case.participant, case.days[0], np.random.default_rng((seed, 5)), model=case.model, habits=case.habits
    )
    plan = replace(case.plan, speed_step_kmh=0.2)
    wrong: list[str] = []
    on_doubt = 0
    clean_bpm = 0.0
    was_live = True
    for one in seconds(plan, PROTOCOL, person, faults=faults, rng=rng, guidance=maker):
        clean_bpm = person.rate_bpm
        for event in one.events:
            if isinstance(event, AdviceGiven):
                state = one.state
                if not asks_for_more_effort(event.advice, state.speed_kmh, state.incline_percent):
                    continue
                # Within one second an advice may come before the notification that spoils the signal.
                on_doubt += state.source.signal is not Signal.LIVE and not was_live
                sent = state.source.bpm
                for fault in faults:
                    begins = fault.start_s + (FROZEN_AFTER_S if isinstance(fault, Frozen) else NOTICED_AFTER_S)
                    harmless = sent is not None and abs(sent - clean_bpm) < STRUCK_BPM and not isinstance(fault, Frozen)
                    if begins <= event.t < fault.end_s and not harmless:
                        low = isinstance(fault, DryStart) and sent is not None and sent < clean_bpm
                        wrong.append("low" if low else type(fault).__name__)
        was_live = one.state.source.signal is Signal.LIVE
    return FaultRun(len(faults), len(wrong), on_doubt, tuple(wrong))
