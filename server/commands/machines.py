"""What each machine last said of itself, as lines for a person."""

import time

from server.accounts.message_sequences import doubled_machines, missing_messages
from server.accounts.restorations import owe_sessions
from server.models import Certificate, MachineState

SOON_S = 30 * 86_400.0


def lines() -> list[str]:
    """One line a machine: connected or since when not, what waits there, its findings, its certificate."""
    told = []
    now_s = time.time()
    missing, doubled, owing = missing_messages(), doubled_machines(), owe_sessions()
    until = {
        one.name: one.until_wall_s for one in Certificate.objects.filter(revoked_wall_s=None).order_by("until_wall_s")
    }
    for one in MachineState.objects.order_by("clinic", "machine"):
        found = {str(finding["code"]) for finding in one.state.get("findings", ())}
        if (gone := missing.get((one.clinic, one.machine))) is not None:
            found.add(f"messages_missing ({gone.missing} of {gone.sent})")
        if (one.clinic, one.machine) in doubled:
            found.add("identity_twice")
        if (one.clinic, one.machine) in owing:
            found.add("not_delivered_again")
        codes = ", ".join(sorted(found)) or "no findings"
        left = until.get(one.machine)
        ends = "no certificate" if left is None else f"certificate until {_moment(left)}"
        soon = " (soon)" if left is not None and left - now_s < SOON_S else ""
        state = f"{'connected' if one.online else 'away'} since {_moment(one.heard_wall_s)}"
        told.append(f"{one.clinic}/{one.machine}\t{state}\t{one.waiting} waiting\t{codes}\t{ends}{soon}")
    return told or ["No machine has said anything yet."]


def _moment(wall_s: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(wall_s))
