"""Make the server's self-contained archive: the package, every locked package as a wheel, an installer, checksums.

    scripts/server_archive.py --wheel WHEEL [--python 3.11 --python 3.13] [--out dist]

A server without a way to a package index is installed from it. pip fetches each wheel by its hash, from wherever this
computer's own pip takes packages. Next to the archive stands its SHA-256; a release signs both.
"""

import argparse
import hashlib
import platform
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
INSTALLER = ROOT / "server" / "installation" / "install-archive.sh"
CONTAINER = INSTALLER.with_name("container")
LOCK = "share/interval-coach/server.txt"


def main() -> int:
    """Make the archive. Return 0, or 1 where a wheel cannot be had."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--python", action="append", metavar="3.X", help="for these Pythons (3.11 and 3.13)")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    given = parser.parse_args()
    version = given.wheel.name.split("-")[1]
    name = f"interval-coach-server-{version}-{platform.machine()}"
    archive = given.out / f"{name}.tar.gz"
    with tempfile.TemporaryDirectory(prefix="interval-coach-archive-") as place:
        folder = Path(place) / name
        wheels = folder / "wheels"
        wheels.mkdir(parents=True)
        with zipfile.ZipFile(given.wheel) as package:
            [lock] = [one for one in package.namelist() if one.endswith(LOCK)]
            (folder / "server.txt").write_bytes(package.read(lock))
        for python in given.python or ("3.11", "3.13"):
            # --no-deps: the lock is complete, and an old pip would look for newer releases of extras.
            pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]
            pip += ["--only-binary=:all:", "--require-hashes", "--python-version", python, "--implementation", "cp"]
            # Newest first, as pip asks for: the C library of Debian 12, and what it also runs.
            for glibc in (*range(36, 16, -1), None):
                tag = f"manylinux_2_{glibc}" if glibc else "manylinux2014"
                pip += ["--platform", f"{tag}_{platform.machine()}"]
            if subprocess.run([*pip, "--dest", str(wheels), "-r", str(folder / "server.txt")], check=False).returncode:
                print(f"The wheels for Python {python} could not be fetched; pip says why above.", file=sys.stderr)
                return 1
        (folder / given.wheel.name).write_bytes(given.wheel.read_bytes())
        for file in (INSTALLER, *sorted(CONTAINER.iterdir())):
            name_inside = "install.sh" if file == INSTALLER else file.name
            (folder / name_inside).write_bytes(file.read_bytes())
            (folder / name_inside).chmod(0o755 if file == INSTALLER else 0o644)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        sums = "".join(f"{digest(path)}  {path.relative_to(folder)}\n" for path in files)
        (folder / "SHA256SUMS").write_text(sums, encoding="utf-8")
        given.out.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
            packed.add(folder, name, filter=as_root)
    archive.with_name(f"{archive.name}.sha256").write_text(f"{digest(archive)}  {archive.name}\n", encoding="utf-8")
    print(f"{archive}: {archive.stat().st_size / 1e6:.0f} MB, {len(files)} files")
    return 0


def as_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the member as root's own, so that unpacking as root gives files to no other account."""
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def digest(path: Path) -> str:
    """Return the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main())
