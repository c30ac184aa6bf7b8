"""The lock files of requirements/: each package with its version, its marker and its hashes."""

import re
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements"
LOCKS = ("build", "desk", "dev", "device", "server", "vm", "web")

_ENTRY = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^\s;]+)(?: ; (?P<marker>[^\\]*[^\s\\]))?[ \\]*$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class LockedPackage:
    """One package of a lock. `hashes` holds the SHA-256 of every file that may be installed for it."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read_lock(lock: str) -> list[LockedPackage]:
    """Return the packages of `requirements/LOCK.txt`, in the file's order. Raises ValueError for any other line."""
    packages = []
    text = (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8")
    for entry in re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE):
        lines = [line for line in entry.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not lines:
            continue
        head = _ENTRY.match(lines[0])
        if head is None:
            raise ValueError(f"requirements/{lock}.txt: «{lines[0]}» pins no version.")
        hashes = tuple(_HASH.findall("\n".join(lines[1:])))
        packages.append(LockedPackage(head["name"], head["version"], head["marker"] or "", hashes))
    return packages
