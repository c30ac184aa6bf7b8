"""Machines that flood the broker, shut out by its access list for a minute: no queue of the broker's fills with them.

The collector gives up what one machine sends too much of (`server.collector.fair_queue`), yet everything passes through
its one connection first, and the others' messages wait behind. So the flood is stopped where it comes in. What the
machine sends then is refused, not lost: it sends again what has no receipt.
"""

import time
from pathlib import Path

from server.clinic_folder.name_times import read_name_times, write_name_times
from server.clinic_folder.settings import ClinicFolder

SHUT_OUT_S = 60.0


def shut_out(clinic: ClinicFolder, machine: str, now_s: float | None = None) -> None:
    """Note that a machine is shut out from now on for a minute."""
    now_s = time.time() if now_s is None else now_s
    write_name_times(_file(clinic), {**read_name_times(_file(clinic)), machine: now_s + SHUT_OUT_S})


def shut_out_now(clinic: ClinicFolder, now_s: float | None = None) -> set[str]:
    """Return the machines that are shut out."""
    now_s = time.time() if now_s is None else now_s
    return {machine for machine, until_s in read_name_times(_file(clinic)).items() if until_s > now_s}


def let_in_again(clinic: ClinicFolder, now_s: float | None = None) -> bool:
    """Forget those whose time is over. Return whether there was one, so that the access list must be written."""
    there, shut = read_name_times(_file(clinic)), shut_out_now(clinic, now_s)
    if set(there) == shut:
        return False
    write_name_times(_file(clinic), {machine: until_s for machine, until_s in there.items() if machine in shut})
    return True


def _file(clinic: ClinicFolder) -> Path:
    return clinic.places.broker / "flooding.json"
