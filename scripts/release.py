"""Build, sign and tag a release: `make release KEY=…` (docs/release.md).

The version is that of pyproject.toml, and the CHANGELOG begins with its dated section. Everything is built from the
commit that is checked out, never from other files. Into dist/release-VERSION/ go the wheel, the source archive, the
lists of parts, the given images, SHA256SUMS and its signature; then git gets the signed tag vVERSION.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

from scripts.parts import sbom, time_of_commit

ROOT = Path(__file__).resolve().parents[1]
SIGNERS = ROOT / "systemd" / "release-signers"
BUILT = ("display/voices/nb/hold.wav", "display/voices/en/hold.wav", "server/web/static/web/vendor/")
"""What a wheel lacks where espeak-ng or npm was missing when it was built."""


class ReleaseError(Exception):
    """A commit that cannot be released; the text says why and what to do."""


def main(words: list[str] | None = None) -> int:
    """Make a release. Return the exit status."""
    parser = argparse.ArgumentParser(prog="make release", description="Build, sign and tag a release.")
    parser.add_argument(
        "--key", type=Path, required=True, help="the private key, or the public key of one in the agent"
    )
    parser.add_argument("--image", type=Path, action="append", default=[], help="an SD card's image to sign as well")
    parser.add_argument("--server-archive", action="store_true", help="also build the server's self-contained archive")
    arguments = parser.parse_args(words)
    try:
        print(f"Released: {release(arguments.key, arguments.image, with_archive=arguments.server_archive)}")
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


def release(key: Path, images: list[Path], *, with_archive: bool = False) -> Path:
    """Make a release of the commit that is checked out. Return its folder. Raises ReleaseError."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    check_changelog((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    check_key(key, SIGNERS.read_text(encoding="utf-8"))
    for image in images:
        if not image.is_file():
            raise ReleaseError(f"there is no image {image}.")
    changed = _run("git", "status", "--porcelain")
    if changed:
        raise ReleaseError(f"there are changes that are not committed. Commit them, or take them away:\n{changed}")
    tagged = _run("git", "tag", "--list", f"v{version}")
    if tagged and _run("git", "rev-parse", f"v{version}^{{commit}}") != _run("git", "rev-parse", "HEAD"):
        raise ReleaseError(f"v{version} is the tag of another commit. Raise the version in pyproject.toml.")
    folder = ROOT / "dist" / f"release-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build(folder)
    if with_archive:
        [wheel] = folder.glob("*.whl")
        _run(sys.executable, "scripts/server_archive.py", "--wheel", str(wheel), "--out", str(folder))
    if sbom(folder) != 0:
        raise ReleaseError("the lists of parts could not be made.")
    for image in images:
        shutil.copyfile(image, folder / image.name)
    _run("scripts/sign-release.sh", str(key), str(folder))
    for file in sorted(folder.iterdir()):
        if not file.name.startswith("SHA256SUMS"):
            print(_run("systemd/verify-release.sh", str(file)))
    if not tagged:
        signing = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key.resolve()}"]
        _run("git", *signing, "tag", "--sign", "--message", f"interval-coach {version}", f"v{version}")
    return folder


def check_changelog(text: str, version: str) -> None:
    """Raise ReleaseError unless the first section is dated and is this version's."""
    found = re.search(r"^## +(.*)$", text, re.MULTILINE)
    first = found.group(1) if found else "missing"
    if not re.fullmatch(rf"{re.escape(version)} – \d{{4}}-\d{{2}}-\d{{2}}", first):
        raise ReleaseError(
            f"the first section of CHANGELOG.md is «{first}». Write «## {version} – YEAR-MONTH-DAY», and commit it."
        )


def check_key(key: Path, signers: str) -> None:
    """Raise ReleaseError unless machines will know the key by systemd/release-signers."""
    public = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    if not key.is_file() or not public.is_file():
        raise ReleaseError(
            f"the key {key} or its public part {public} is missing. Make one: ssh-keygen -t ed25519 -f {key}"
        )
    kind, material = public.read_text(encoding="utf-8").split()[:2]
    if not any(line.startswith("release ") and f"{kind} {material}" in line for line in signers.splitlines()):
        raise ReleaseError(
            "machines do not know this key. Add this line to systemd/release-signers, and commit it: "
            f"release {kind} {material}"
        )


def build(folder: Path) -> None:
    """Build the wheel and the source archive of the commit into the folder. Raises ReleaseError."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(int(time_of_commit().timestamp()))}
    with tempfile.TemporaryDirectory(prefix="interval-coach-release-") as work:
        source = Path(work) / "source"
        source.mkdir()
        archive = Path(work) / "source.tar"
        _run("git", "archive", "--format=tar", f"--output={archive}", "HEAD")
        shutil.unpack_archive(archive, source, filter="data")
        for target in ("sdist", "wheel"):
            _run(
                sys.executable,
                "-m",
                "hatchling",
                "build",
                "--target",
                target,
                "--directory",
                str(folder),
                cwd=source,
                env=environment,
            )
    [wheel] = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    missing = [part for part in BUILT if not any(name.startswith(part) for name in names)]
    if missing:
        raise ReleaseError(f"the wheel lacks {', '.join(missing)}. Install espeak-ng and the packages of make set-up.")


def _run(*words: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    finished = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise ReleaseError(f"«{' '.join(words[:3])} …» failed: {(finished.stderr or finished.stdout).strip()[-600:]}")
    return finished.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
