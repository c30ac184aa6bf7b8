"""One collector after the other, each killed (-9) at a step of its work, chosen in turn.

python -m tests.support.broker.collector_crash FOLDER RUNS SEED

Everything is loaded once, and each collector is a fork of that, so that a thousand deaths take minutes.
"""

import os
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import get_args

from server.clinic_folder.database import prepare
from server.clinic_folder.settings import read_clinic

LONGEST_LIFE_S = 5.0


def main() -> int:
    """Run; a line for each death."""
    folder, runs, chance = Path(sys.argv[1]), int(sys.argv[2]), Random(int(sys.argv[3]))
    clinic = read_clinic(folder)
    prepare(clinic)
    from server.collector.factory import collector_for  # noqa: PLC0415 - models need their folder first
    from server.collector.service import Step  # noqa: PLC0415

    steps = get_args(Step)
    for run in range(runs):
        step, after = steps[run % len(steps)], chance.randrange(3)
        child = os.fork()
        if child == 0:
            left = [after]

            def at(now: Step, step: str = step, left: list[int] = left) -> None:
                if now == step:
                    left[0] -= 1
                    if left[0] < 0:
                        os.kill(os.getpid(), signal.SIGKILL)

            collector_for(clinic, "collector-1", at).start()
            time.sleep(LONGEST_LIFE_S)
            os.kill(os.getpid(), signal.SIGKILL)
        began_s = time.monotonic()
        os.waitpid(child, 0)
        at_step = time.monotonic() - began_s < LONGEST_LIFE_S
        sys.stdout.write(f"{run} {step} {'there' if at_step else 'idle'}\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
