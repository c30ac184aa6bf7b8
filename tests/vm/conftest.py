"""The virtual machine's tests run only when they are asked for (`make test-vm`), and never in the suite.

Where the machine cannot run, they are skipped with the reason: nothing that was not seen counts as passed.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine.virtual_machine import Guest, acceleration

ROOT = Path(__file__).resolve().parents[2]
CANNOT_RUN = 77
ASKED = os.environ.get("INTERVAL_COACH_VM_TESTS") == "yes"

collect_ignore_glob = [] if ASKED else ["test_*.py"]


@pytest.fixture(scope="session")
def image() -> Path:
    """The disk, kernel and first file system, made where they are not; `INTERVAL_COACH_VM_IMAGE` names others."""
    if given := os.environ.get("INTERVAL_COACH_VM_IMAGE"):
        return Path(given)
    made = subprocess.run([ROOT / "scripts/vm-image.sh"], stdout=subprocess.PIPE, stderr=None, text=True, check=False)
    if made.returncode == CANNOT_RUN:
        pytest.skip("the virtual machine cannot be made here; scripts/vm-image.sh says why")
    assert made.returncode == 0, "scripts/vm-image.sh failed"
    return Path(made.stdout.strip())


@pytest.fixture(scope="session")
def accelerated(image: Path) -> tuple[str, ...]:
    """How qemu runs the machine here."""
    return acceleration(image)


@pytest.fixture(scope="session")
def guest(image: Path, accelerated: tuple[str, ...]) -> Iterator[Guest]:
    """A machine that has booted: one for all files, in their order; the last one cuts its power."""
    with Guest(image, accelerated) as one:
        one.boot()
        print(f"\nbooted in {one.booted_s:.0f} s with {accelerated[1]}")  # noqa: T201 - a figure
        yield one
