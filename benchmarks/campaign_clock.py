"""Wrong refusals by a clock that is not set: 1,000 weeks of machines without a network, unplugged each night.

    python -m benchmarks.campaign_clock [--weeks 1000] [--seed 1]

A refusal is wrong where the rest is over, the cap is not reached, no answer closes training any more and the plan
holds, all by the simulation's own clock. The control believes the wall clock as it is, and must refuse wrongly.
"""

import argparse

from tests.support.figures import Figures
from tests.support.machine.unplugged_weeks import as_if_set, live_through

WEEKS, TARGET = 1000, 0


def main() -> int:
    """Live through the weeks and print the figures. Return 1 where a person was refused wrongly."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weeks", type=int, default=WEEKS, help="machine-weeks to live through")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    figures = Figures("campaign_clock")
    found = live_through(given.weeks, given.seed)
    figures.tell("wrong refusals by an unset clock", found.wrongly_refused, "", TARGET, f"of {found.tries} arrivals")
    figures.tell("sessions begun before the rest was over", found.rest_broken, "", TARGET, f"of {found.begun} begun")
    figures.tell("sessions begun beyond the weekly cap", found.over_the_cap, "", TARGET)
    figures.tell("sessions begun while an answer closed training", found.closure_broken, "", TARGET)
    print(f"  a question about the clock was asked {found.asked} times; {found.rightly_refused} refusals were right")
    control = live_through(min(given.weeks, 100), given.seed, as_if_set)
    print(f"  control, which believes the clock: {control.wrongly_refused} wrong of {control.tries}")
    if given.weeks >= WEEKS:
        figures.keep()
    return int(found.wrongly_refused > TARGET or control.wrongly_refused == 0)


if __name__ == "__main__":
    raise SystemExit(main())
