"""`hand-out-plans`, for whoever runs the server: after a broker lost its store, or a machine its disk."""

from server.accounts.commands import WHO
from server.accounts.models import Clinic
from server.audit.record import record
from server.errors import ServerError
from server.live.plan_outbox import hand_out_all, machines_of


def hand_out(code: str, machine: str | None = None) -> str:
    """Hand every plan that holds to all the clinic's machines, or to one. Raises ServerError."""
    clinic = Clinic.objects.filter(code=code).first()
    if clinic is None:
        raise ServerError(f"There is no clinic «{code}». «clinic list» shows which there are.")
    known = machines_of(clinic)
    if machine is not None and machine not in known:
        raise ServerError(f"No machine «{machine}» was ever heard at «{code}». «machines» shows which were.")
    rows = hand_out_all(clinic, None if machine is None else [machine])
    record(WHO, "plans_handed_out", clinic=clinic, machine=machine or "", plans=rows)
    where = f"«{machine}»" if machine is not None else f"{len(known)} machine(s)"
    return (
        f"{rows} plan(s) are on their way to {where} of «{code}»; «web» publishes them, and each participant's page "
        "shows which machine has taken which."
    )
