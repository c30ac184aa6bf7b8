"""How much of the intervals was good work, as the person is told after the session.

Minutes in the zone punish those whose HRmax turned out to be lower than planned: they did what was asked, and the clock
stood still. So each interval is counted again with the zone that was found right; without a zone, by exertion.
The summary's own figures stay as they were counted; the diary and the exports use those.
"""

from typing import Literal

from msgspec import Struct

from coach.model.protocol import BorgRange, Phase, PhaseKind
from coach.session.state import SessionState
from coach.session.statistics import IntervalTally

LEAST_SHOWN_S = 60.0
"""Less good work than this is no figure to show to somebody who trained."""
BORG_SLACK = 1
"""A person says one number for a whole interval; one step under the target is still what was asked for."""


class GoodWork(Struct, frozen=True, kw_only=True):
    """Seconds of good work of those planned, over all intervals and in each that was begun."""

    planned_s: float
    done_s: float
    by: Literal["zone", "exertion"]
    intervals_s: tuple[float, ...]


def good_work(state: SessionState) -> GoodWork | None:
    """Return the good work of a session that has ended; None where its protocol has no intervals."""
    planned = [phase for phase in state.protocol.phases if phase.kind is PhaseKind.INTERVAL]
    if not planned:
        return None
    tally = state.tally
    begun = tally.done if tally.current is None else (*tally.done, tally.current)
    by_exertion = state.by_exertion or not any(phase.zone for phase in planned)
    seconds = tuple(
        _by_exertion(one, _phase(planned, one).borg, state.borg) if by_exertion else _in_zone(one, state, planned)
        for one in begun
    )
    return GoodWork(
        planned_s=float(sum(phase.length_s for phase in planned)),
        done_s=sum(seconds),
        by="exertion" if by_exertion else "zone",
        intervals_s=seconds,
    )


def _phase(planned: list[Phase], one: IntervalTally) -> Phase:
    return planned[min(max(one.index, 1), len(planned)) - 1]


def _in_zone(one: IntervalTally, state: SessionState, planned: list[Phase]) -> float:
    """Return the seconds in the zone as it was then, or as it is known to be now, whichever is more."""
    bounds = state.bounds_bpm(_phase(planned, one).zone)
    if bounds is None:
        return float(one.in_zone_s)
    again = sum(seconds for bpm, seconds in one.shown_s if bounds[0] <= bpm <= bounds[1])
    return float(max(one.in_zone_s, again))


def _by_exertion(one: IntervalTally, target: BorgRange | None, session_borg: int | None) -> float:
    """Return the whole interval, unless the person said that it was easier than asked."""
    borg = one.borg if one.borg is not None else session_borg
    too_easy = borg is not None and target is not None and borg < target.low - BORG_SLACK
    return 0.0 if too_easy else float(one.seconds)
