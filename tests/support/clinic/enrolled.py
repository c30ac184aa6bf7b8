"""A machine enrolled by the clinic's own service, by a one-time code, as a machine does it."""

import subprocess
import sys
from pathlib import Path

from server.clinic_folder.settings import ClinicFolder
from sync.delivery.machine_identity import AUTHORITY_PEM, MACHINE_PEM
from tests.support.clinic.local_clinic import Files, code_for, environment


def enrolled(clinic: ClinicFolder, machine: str, folder: Path, database: str | None = None) -> Files:
    """Enrol a machine whose identity lies in `folder`; return its files."""
    words = ["enrol", "--server", f"localhost:{clinic.settings.enrolment_port}", "--identity", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "firmware.cli", *words],
        input=code_for(clinic, machine, database) + "\n",
        text=True,
        capture_output=True,
        env=environment(),
        check=True,
    )
    return Files(folder / AUTHORITY_PEM, folder / MACHINE_PEM, folder / MACHINE_PEM)
