"""Take the wheels that a 64-bit Raspberry Pi installs, on a computer of another kind.

    python -m scripts.pi_wheels 3.11 FOLDER

pip evaluates a lock's markers for the computer that it runs on, whatever platform it is told; here they are the Pi's.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from packaging.markers import Marker

from scripts.lock_files import REQUIREMENTS, LockedPackage, read_lock

LOCKED = REQUIREMENTS.parent / "systemd" / "locked-packages.sh"
MANYLINUX = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 37)))


def needed(packages: Sequence[LockedPackage], python: str) -> list[LockedPackage]:
    """Return the packages whose marker holds on a 64-bit Raspberry Pi with this Python."""
    pi = {
        "platform_machine": "aarch64",
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
    }
    return [one for one in packages if not one.marker or Marker(one.marker).evaluate(pi)]


def download(python: str, folder: Path) -> None:
    """Download them, each by its hash. Raises CalledProcessError where one cannot be had; pip's words are on stderr."""
    folder.mkdir(parents=True, exist_ok=True)
    platforms = [f"--platform={one}_aarch64" for one in MANYLINUX]
    for lock in ("device", "build"):
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            for one in needed(read_lock(lock), python):
                hashes = "".join(f" \\\n    --hash=sha256:{value}" for value in one.hashes)
                file.write(f"{one.name}=={one.version}{hashes}\n")
            file.flush()
            subprocess.run(
                [
                    *(LOCKED, "download", sys.executable, f"--dest={folder}", *platforms),
                    *(f"--python-version={python}", "--implementation=cp", file.name),
                ],
                check=True,
            )


if __name__ == "__main__":
    download(sys.argv[1], Path(sys.argv[2]))
