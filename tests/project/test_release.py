"""What leaves the house: lists of parts, signatures, and the refusal of what does not verify."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from firmware.commands import machine
from firmware.commands.machine import UnverifiedError, copy_package, run_upgrade, verify_package
from scripts import parts, release
from scripts.lock_files import read_lock
from scripts.release import ReleaseError

ROOT = Path(__file__).resolve().parents[2]
SIGN = ROOT / "scripts" / "sign-release.sh"
VERIFY = ROOT / "systemd" / "verify-release.sh"
PACKAGE = "interval_coach-9.0-py3-none-any.whl"

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen: no signature can be made")


# --- lists of parts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["device", "server", "pages"])
def test_a_list_of_parts_is_strictly_valid_and_says_licence_hash_and_time(name: str, tmp_path: Path) -> None:
    assert parts.sbom(tmp_path) == 0
    text = (tmp_path / f"{name}.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    assert datetime.fromisoformat(bill["metadata"]["timestamp"]).tzinfo is not None
    choices = {one["name"]: one["licenses"] for one in bill["components"]}
    named = [
        choice.get("expression") or choice["license"].get("id") or choice["license"]["name"]
        for [choice] in choices.values()
    ]
    assert [one for one in named if not one.strip()] == []
    assert [one["name"] for one in bill["components"] if not one["hashes"]] == []


@pytest.mark.parametrize("lock", ["device", "server"])
def test_a_list_of_parts_holds_every_locked_package_with_the_locks_hashes(lock: str) -> None:
    listed = {
        (one["name"], one["version"], tuple(two["content"] for two in one["hashes"]))
        for one in parts.python_list(lock)["components"]
    }
    assert listed == {(one.name, one.version, one.hashes) for one in read_lock(lock)}


def test_the_same_commit_gives_the_same_list() -> None:
    assert parts.python_list("device") == parts.python_list("device")


@pytest.mark.parametrize("declared", ["", "BSD", "see the file", "unlicense.org"])
def test_a_text_that_is_no_licence_is_refused(declared: str) -> None:
    with pytest.raises(ValueError, match="no SPDX licence"):
        parts.spdx(declared)


# --- signatures ------------------------------------------------------------------------------------------------------


def make_key(place: Path) -> str:
    """Make a key without passphrase; return its public part."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place)], check=True)
    return " ".join(place.with_name(f"{place.name}.pub").read_text().split()[:2])


def make_package(place: Path) -> None:
    """Write a package whose installer prints its words."""
    with zipfile.ZipFile(place, "w") as archive:
        inside = "interval_coach-9.0.data/data/share/interval-coach/systemd/install.sh"
        archive.writestr(inside, '#!/bin/sh\nprintf "%s\\n" "$*" >"$INSTALLED"\n')


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a signed package, whose key this machine trusts."""
    folder = tmp_path / "release"
    folder.mkdir()
    make_package(folder / PACKAGE)
    public = make_key(tmp_path / "key")
    subprocess.run([str(SIGN), str(tmp_path / "key"), str(folder)], check=True)
    (tmp_path / "signers").write_text(f"# the clinic's own\nrelease {public}")
    monkeypatch.setenv("INTERVAL_COACH_SIGNERS", str(tmp_path / "signers"))
    return folder


def verify(file: Path) -> tuple[int, str]:
    """Run the verifier; return its status and what it printed."""
    finished = subprocess.run([str(VERIFY), str(file)], capture_output=True, text=True, check=False)
    return finished.returncode, finished.stdout + finished.stderr


def test_a_signed_file_is_verified_and_the_signer_is_named(released: Path) -> None:
    status, said = verify(released / PACKAGE)
    assert status == 0
    assert re.match(rf"{PACKAGE}: verified\. Good .* signature for release with ED25519 key SHA256:", said)


def change_file(released: Path) -> None:
    with (released / PACKAGE).open("ab") as package:
        package.write(b"x")


def change_list_too(released: Path) -> None:
    change_file(released)
    listed = subprocess.run(["sha256sum", PACKAGE], cwd=released, capture_output=True, text=True, check=True)
    (released / "SHA256SUMS").write_text(listed.stdout)


def sign_with_another_key(released: Path) -> None:
    make_key(released.parent / "other")
    subprocess.run([str(SIGN), str(released.parent / "other"), str(released)], check=True)


def sign_for_another_purpose(released: Path) -> None:
    (released / "SHA256SUMS.sig").unlink()
    words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(released.parent / "key"), "-n", "file"]
    subprocess.run([*words, str(released / "SHA256SUMS")], check=True)


def remove_signature(released: Path) -> None:
    (released / "SHA256SUMS.sig").unlink()


def remove_list(released: Path) -> None:
    (released / "SHA256SUMS").unlink()


def leave_out_of_list(released: Path) -> None:
    (released / PACKAGE).rename(released / "aside")
    subprocess.run([str(SIGN), str(released.parent / "key"), str(released)], check=True)
    (released / "aside").rename(released / PACKAGE)


def forget_signers(released: Path) -> None:
    (released.parent / "signers").write_text("# none yet\n")


FAULTS = [
    (change_file, "is not the file that was signed"),
    (change_list_too, "the signature of .* is not valid"),
    (sign_with_another_key, "the signature of .* is not valid"),
    (sign_for_another_purpose, "the signature of .* is not valid"),
    (remove_signature, "SHA256SUMS.sig is missing"),
    (remove_list, "SHA256SUMS is missing"),
    (leave_out_of_list, "is not in the signed list"),
    (forget_signers, "knows no key that may sign a release"),
]


@pytest.mark.parametrize(("spoil", "said"), FAULTS, ids=[one.__name__ for one, _ in FAULTS])
def test_what_does_not_verify_is_refused_and_its_installer_never_runs(
    released: Path, spoil: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(spoil)
    spoil(released)
    status, told = verify(released / PACKAGE)
    assert status == 1
    assert re.search(said, told)
    monkeypatch.setattr(machine, "_require_root", lambda *_: None)
    monkeypatch.setenv("INSTALLED", str(tmp_path / "installed"))
    with pytest.raises(UnverifiedError, match=said) as refused:
        run_upgrade(argparse.Namespace(source=released / PACKAGE, unverified=False))
    assert "Nothing was changed" in str(refused.value)
    assert "/interval-coach-" not in str(refused.value)
    assert not (tmp_path / "installed").exists()


@pytest.mark.parametrize("signed", ["signed", "unsigned"])
def test_an_upgrade_installs_what_verifies_and_on_demand_what_does_not(
    released: Path, signed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if signed == "unsigned":
        remove_signature(released)
    monkeypatch.setattr(machine, "_require_root", lambda *_: None)
    monkeypatch.setenv("INSTALLED", str(tmp_path / "installed"))
    assert run_upgrade(argparse.Namespace(source=released / PACKAGE, unverified=signed == "unsigned")) == 0
    # The old version has verified it by the signers that it knows; the new one does not judge itself.
    words = (tmp_path / "installed").read_text().split()
    assert (words[0], Path(words[1]).name, words[2]) == ("--wheel", PACKAGE, "--unverified")


def test_what_was_verified_is_what_is_installed(released: Path, tmp_path: Path) -> None:
    """The package is copied before it is verified, so that no other account can change it between the two."""
    private = tmp_path / "private"
    private.mkdir()
    copy = copy_package(released / PACKAGE, private)
    verify_package(copy)
    change_file(released)
    verify_package(copy)


def test_the_installer_refuses_an_unsigned_package_before_anything_is_installed() -> None:
    """The order in the installer; `make test-install` runs it."""
    text = (ROOT / "systemd" / "install.sh").read_text(encoding="utf-8")
    body = text[text.index("install_all() {") :]
    assert body.index("verify_wheel") < body.index("name_version") < body.index("install_version")


# --- a release -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["9.0 – not yet released", "9.1 – 2026-11-30", "9.0 - 2026-11-30", "9.0"])
def test_a_changelog_without_the_dated_section_of_the_version_is_refused(first: str) -> None:
    with pytest.raises(ReleaseError, match=r"«.*».* Write «## 9\.0 – YEAR-MONTH-DAY»"):
        release.check_changelog(f"# Changelog\n\n## {first}\n\n- One.\n", "9.0")


def test_the_dated_section_of_the_version_is_accepted() -> None:
    release.check_changelog("# Changelog\n\n## 9.0 – 2026-11-30\n\n- One.\n\n## 8.0 – 2026-01-01\n", "9.0")


def test_a_key_that_machines_do_not_know_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    public = make_key(tmp_path / "key")
    with pytest.raises(ReleaseError, match=re.escape(f"release {public}")):
        release.check_key(tmp_path / "key", "# none yet\n")
    release.check_key(tmp_path / "key", f"release {public} 2026\n")
    release.check_key(tmp_path / "key.pub", f"release {public}\n")


def test_a_release_is_built_signed_and_tagged_from_the_commit(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists() or shutil.which("espeak-ng") is None:
        pytest.skip("without git and espeak-ng no release can be built")
    checkout = tmp_path / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0"):
        if name and not name.startswith(("tests/", "docs/", "benchmarks/")) and (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    public = make_key(tmp_path / "key")
    signers = checkout / "systemd" / "release-signers"
    signers.write_text(f"{signers.read_text()}release {public}\n")
    changelog = checkout / "CHANGELOG.md"
    version = re.search(r'^version = "(.*)"', (checkout / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    changelog.write_text(f"# Changelog\n\n## {version[1]} – 2026-11-30\n\n- One.\n")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "release", f"GIT_{who}_EMAIL": "release@example.org"}

    def git(*words: str) -> str:
        finished = subprocess.run(
            ["git", *words], cwd=checkout, env=environment, capture_output=True, text=True, check=True
        )
        return finished.stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "release: date the changelog")
    # Not in the commit, so not in the release, though git ignores it and the build looks into this folder.
    stray = checkout / "display" / "voices" / "nb" / "stray.wav"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"")
    made = subprocess.run(
        [sys.executable, "-m", "scripts.release", "--key", str(tmp_path / "key")],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    folder = checkout / "dist" / f"release-{version[1]}"
    names = {one.name for one in folder.iterdir()}
    wheel, archive = f"interval_coach-{version[1]}-py3-none-any.whl", f"interval_coach-{version[1]}.tar.gz"
    assert names == {
        *(wheel, archive, "SHA256SUMS", "SHA256SUMS.sig"),
        *(f"{name}.cdx.json" for name in ("device", "server", "pages")),
    }
    assert not any(name.endswith("stray.wav") for name in zipfile.ZipFile(folder / wheel).namelist())
    # A machine that runs this version trusts the list that came with it.
    trusted = subprocess.run(
        [str(checkout / "systemd" / "verify-release.sh"), str(folder / wheel)],
        env={**environment, "INTERVAL_COACH_SIGNERS": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (trusted.returncode, trusted.stderr) == (0, "")
    (tmp_path / "allowed").write_text(f"release {public}\n")
    git("-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}", "verify-tag", f"v{version[1]}")
    assert git("rev-parse", f"v{version[1]}^{{commit}}") == git("rev-parse", "HEAD")
