"""The guidance's time budget on a slow or busy machine: how long its calls take, and how many are ended falsely.

    python -m benchmarks.bench_time_budget [--sessions N]

To make a slow machine of this one, give the process a fifth of a core before (as root, cgroup v1 or v2):

    mkdir /sys/fs/cgroup/cpu/slow; echo 20000 > /sys/fs/cgroup/cpu/slow/cpu.cfs_quota_us
    sh -c 'echo $$ > /sys/fs/cgroup/cpu/slow/tasks; exec python -m benchmarks.bench_time_budget'
    systemd-run --scope -p CPUQuota=20% python -m benchmarks.bench_time_budget
"""

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np

from coach.guidance.learned import learned_guidance
from coach.session.engine import guidance_off, step
from coach.session.state import begin
from firmware.services.time_budget import GUIDANCE_BUDGET_S, StepBudget, T, waited_s
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import simulate_session
from tests.support.guidance.trial import PROTOCOL, draw_case


def main() -> int:
    """Live through whole sessions, each call of the guidance inside its budget, and print the longest calls."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=2)
    many = parser.parse_args().sessions
    wall_s: list[float] = []
    own_s: list[float] = []
    off = 0

    def measured() -> Callable[[Callable[[], T]], T]:
        budget = StepBudget()

        def run(call: Callable[[], T], /) -> T:
            began_s, waited = time.monotonic(), waited_s()
            try:
                return budget(call)
            finally:
                wall_s.append(time.monotonic() - began_s)
                own_s.append(wall_s[-1] - (waited_s() - waited))

        return run

    for seed in range(many):
        case = draw_case(seed, "ordinary")
        heart = np.random.default_rng(seed)
        person = SimulatedPerson(case.participant, case.days[0], heart, model=case.model, habits=case.habits)
        messages = simulate_session(case.plan, PROTOCOL, person, guidance=learned_guidance).messages
        state = begin(case.plan, PROTOCOL, learned_guidance)
        for message in messages:
            stepped = step(state, message, measured())
            state, off = stepped.state, off + (guidance_off(stepped.events) is not None)
    over = sum(one > GUIDANCE_BUDGET_S for one in wall_s)
    print(f"{many} sessions, {len(wall_s)} calls of the guidance; budget {GUIDANCE_BUDGET_S * 1000:.0f} ms")
    for name, took_s in (("with waiting for a processor", wall_s), ("of its own", own_s)):
        high_s = float(np.quantile(took_s, 0.999))
        print(f"longest call {name}: {max(took_s) * 1000:.1f} ms (99.9 % under {high_s * 1000:.1f} ms)")
    print(f"calls longer than the budget, waiting counted: {over}")
    print(f"guidance put out of action: {off}; target 0, {'missed' if off else 'met'}")
    return 1 if off else 0


if __name__ == "__main__":
    sys.exit(main())
