"""Restores from a backup: what machines delivered between the backup and the restore is asked of them again."""

import time

from server.models import MachineState, Restoration
from sync.wire.messages import DeliverAgain
from sync.wire.ranges import YEAR_2200_S

ASKED_FOR_S = 60 * 86_400.0
"""A machine keeps raw data for 30 days after the receipt unless set otherwise; what is older is not asked for."""

MARGIN_S = 3_600.0
"""Machines date receipts by their own clocks, and a backup takes a while."""


def span_to_deliver_again(done_wall_s: float, now_s: float) -> DeliverAgain | None:
    """Return what to ask of a machine that has carried out all up to `done_wall_s`; None where there is nothing."""
    rows = Restoration.objects.filter(restored_wall_s__gt=max(done_wall_s, now_s - ASKED_FOR_S))
    found = list(rows.values_list("made_wall_s", "restored_wall_s"))
    if not found:
        return None
    since_s, until_s = min(made for made, _ in found), max(restored for _, restored in found)
    return DeliverAgain(receipted_since_wall_s=max(0.0, since_s - MARGIN_S), receipted_until_wall_s=until_s)


def owe_sessions(now_s: float | None = None) -> set[tuple[str, str]]:
    """Return the machines, by clinic and name, that have not said yet that they deliver again what may be lacking."""
    now_s = time.time() if now_s is None else now_s
    newest = Restoration.objects.filter(restored_wall_s__gt=now_s - ASKED_FOR_S).order_by("restored_wall_s").last()
    if newest is None:
        return set()
    return {
        (one.clinic, one.machine)
        for one in MachineState.objects.all()
        if _delivered_again_wall_s(one.state) < newest.restored_wall_s
    }


def _delivered_again_wall_s(state: object) -> float:
    """Return what a stored state says of itself; 0 where a damaged row says nothing that can be read."""
    said = state.get("delivered_again_wall_s") if isinstance(state, dict) else None
    return float(said) if isinstance(said, int | float) and abs(said) < YEAR_2200_S else 0.0
