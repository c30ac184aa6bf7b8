"""Make stub wheels that look as if every locked package had a newer release.

    python -m scripts.newer_releases FOLDER     for PIP_FIND_LINKS: what pip sees some months after `make lock`

A stub holds metadata alone. It requires what the installed package requires, extras included, since a requirement
with an extra is what makes pip < 23.3 look for newer releases.
"""

import hashlib
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from scripts.lock_files import LOCKS, read_lock

NEWER = "99999.0"


def write_stub(folder: Path, name: str, version: str) -> str:
    """Write a stub wheel of this name and version into the folder. Return its SHA-256."""
    info = f"{name.replace('-', '_').replace('.', '_')}-{version}"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in required_by(name)]
    file = folder / f"{info}-py3-none-any.whl"
    files = {
        "METADATA": "\n".join(lines) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: stub\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(file, "w") as archive:
        for inside, text in files.items():
            # Without a date of its own, so that the same stub has the same hash whenever it is written.
            archive.writestr(zipfile.ZipInfo(f"{info}.dist-info/{inside}"), text)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def required_by(name: str) -> list[str]:
    """Return the requirements of an installed package; none for a package that is not installed here."""
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []


def write_newer_releases(folder: Path) -> int:
    """Write a stub of a newer release of every locked package. Return how many there are."""
    names = {package.name for lock in LOCKS for package in read_lock(lock)}
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_stub(folder, name, NEWER)
    return len(names)


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one folder
        sys.exit("usage: python -m scripts.newer_releases FOLDER")
    print(f"{write_newer_releases(Path(sys.argv[1]))} newer releases in {sys.argv[1]}")
