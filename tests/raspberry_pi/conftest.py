"""The emulated Raspberry Pi's tests run only when they are asked for (`make test-pi`), and never in the suite.

Where it cannot run, they are skipped with the reason: nothing that was not seen counts as passed.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine.emulated_pi import Pi

ROOT = Path(__file__).resolve().parents[2]
CANNOT_RUN = 77
ASKED = os.environ.get("INTERVAL_COACH_PI_TESTS") == "yes"
SUITE = os.environ.get("INTERVAL_COACH_PI_SUITE", "bookworm")

collect_ignore_glob = [] if ASKED else ["test_*.py"]


@pytest.fixture(scope="session")
def image() -> Path:
    """Card, kernel and the Pi's description, made where they are not; `INTERVAL_COACH_PI_IMAGE` names others."""
    if given := os.environ.get("INTERVAL_COACH_PI_IMAGE"):
        return Path(given)
    made = subprocess.run(
        [ROOT / "scripts/pi-image.sh", SUITE], stdout=subprocess.PIPE, stderr=None, text=True, check=False
    )
    if made.returncode == CANNOT_RUN:
        pytest.skip("the emulated Raspberry Pi cannot be made here; scripts/pi-image.sh says why")
    assert made.returncode == 0, "scripts/pi-image.sh failed"
    return Path(made.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="session")
def emulator() -> str:
    """Return what qemu says of the Pis that it knows."""
    found = shutil.which("qemu-system-aarch64")
    if found is None:
        pytest.skip("qemu-system-aarch64 is missing: apt-get install qemu-system-arm")
    return subprocess.run([found, "-M", "help"], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def pi(image: Path) -> Iterator[Pi]:
    """A Pi that has booted from a card that was never used."""
    with Pi(image) as one:
        one.boot()
        print(f"\nbooted in {one.booted_s:.0f} s")  # noqa: T201 - a figure
        yield one
