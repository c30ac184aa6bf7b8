"""The locks: every package by hash, no address, and each machine gets only what is its own."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

from scripts.lock_files import LOCKS, read_lock

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PROCESSORS = ("x86_64", "aarch64")
APART = ("vm",)
"""Installed into a virtual machine alone."""

# Names that a lock must not hold: what touches the participant's hardware, and what only a server runs.
HARDWARE = {
    "bleak",
    "cbor2",
    "gpiozero",
    "lgpio",
    "luma-core",
    "luma-oled",
    "pygame",
    "rpi-gpio",
    "smbus2",
}
SERVER_ONLY = {"argon2-cffi", "asgiref", "django", "gunicorn", "psycopg", "psycopg-binary", "uvicorn", "whitenoise"}


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(lock: str) -> dict[str, str]:
    """Each package of a lock with its version; where Python versions differ, that for the oldest."""
    found: dict[str, str] = {}
    for package in read_lock(lock):
        found.setdefault(package.name, package.version)
    return found


def normal(requirement: str) -> str:
    """The name of a requirement as registries compare them (PEP 503)."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def direct_dependencies() -> set[str]:
    content = project()
    requirements = [
        *content["project"]["dependencies"],
        *(one for extra in content["project"]["optional-dependencies"].values() for one in extra),
        *(one for group in content["dependency-groups"].values() for one in group),
    ]
    return {normal(one) for one in requirements} - {"interval-coach"}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    packages = read_lock(lock)
    assert packages
    assert [one.name for one in packages if not one.hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    assert re.findall(r".*(?:://|--(?:extra-)?index|--find-links|--trusted-host).*", text) == []


def test_dev_holds_every_other_lock_in_the_same_version() -> None:
    dev = locked("dev")
    for lock in set(LOCKS) - set(APART):
        assert {name: dev.get(name) for name in locked(lock)} == locked(lock)


def test_every_direct_dependency_is_locked() -> None:
    assert direct_dependencies() - locked("dev").keys() - locked("vm").keys() == set()


def test_a_server_gets_no_hardware_package() -> None:
    assert locked("server").keys() & HARDWARE == set()


@pytest.mark.parametrize("lock", ["device", "desk"])
def test_a_machine_beside_a_treadmill_gets_no_server_package(lock: str) -> None:
    assert locked(lock).keys() & SERVER_ONLY == set()


def test_what_only_the_server_extra_asks_for_is_not_in_the_device_lock() -> None:
    extras = project()["project"]["optional-dependencies"]
    shared = {normal(one) for extra in ("device", "screen", "diary") for one in extras[extra]}
    asked_by_server_alone = {normal(one) for one in extras["server"]} - shared - {"interval-coach"}
    assert asked_by_server_alone & locked("device").keys() == set()


def test_each_direct_dependency_is_described_with_the_version_that_is_locked() -> None:
    rows = re.findall(r"^\| ([a-z][\w.-]*) \| (\d[^ |]*) \|", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE)
    described = {normal(name): version for name, version in rows}
    dev = locked("vm") | locked("dev")
    assert described == {name: dev[name] for name in direct_dependencies()}


def roots(lock: str) -> list[Requirement]:
    """What a lock is made for: the requirements of its extras or dependency groups."""
    content = project()
    extras, groups = content["project"]["optional-dependencies"], content["dependency-groups"]
    if lock in extras:
        asked = [*content["project"]["dependencies"], f"interval-coach[{lock}]"]
    elif lock == "dev":
        asked = [*content["project"]["dependencies"], *(f"interval-coach[{extra}]" for extra in extras)]
        asked += [one for group in ("dev", "build", "web") for one in groups[group]]
    else:
        asked = groups[lock]
    return [Requirement(one) for one in asked]


def requirements_of(name: str, extra: str) -> list[Requirement] | None:
    """What a package requires, by its installed metadata; None where it is not installed here."""
    if name == "interval-coach":
        return [Requirement(one) for one in project()["project"]["optional-dependencies"].get(extra, [])]
    try:
        return [Requirement(one) for one in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return None


def missing_from(lock: str, environment: dict[str, str]) -> tuple[list[str], set[str]]:
    """What a lock lacks on one Python and processor, and the packages whose own requirements are not known here."""
    packages = {one.name: one for one in read_lock(lock) if not one.marker or Marker(one.marker).evaluate(environment)}
    missing, unknown, seen = [], set(), set()
    waiting = [(one, "") for one in roots(lock)]
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker and not requirement.marker.evaluate({**environment, "extra": extra}):
            continue
        name = normal(requirement.name)
        locked_one = packages.get(name)
        if name != "interval-coach" and (
            locked_one is None or not requirement.specifier.contains(locked_one.version, prereleases=True)
        ):
            missing.append(f"{requirement} (locked: {locked_one and locked_one.version})")
            continue
        for wanted in {"", *requirement.extras} - {done for one, done in seen if one == name}:
            seen.add((name, wanted))
            required = requirements_of(name, wanted)
            if required is None:
                unknown.add(name)
            else:
                waiting += [(one, wanted) for one in required]
    return missing, unknown


@pytest.mark.parametrize("processor", PROCESSORS)
@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_holds_everything_that_its_packages_require(python: str, processor: str) -> None:
    """Locks are installed without resolving, so what is missing from a lock would be missing from the installation."""
    environment = {
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": processor,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_version": f"{python}.0",
    }
    found = {lock: missing_from(lock, environment) for lock in LOCKS}
    assert {lock: missing for lock, (missing, _) in found.items()} == {lock: [] for lock in LOCKS}
    # Not installed here: what another Python gets, and what was locked after this environment was set up. `make lock`
    # asks the index for the requirements of these. An environment without most packages would prove nothing.
    judged = {
        lock: 1 - len(unknown) / len(read_lock(lock)) for lock, (_, unknown) in found.items() if lock not in APART
    }
    assert {lock: part for lock, part in judged.items() if part < 0.9} == {}


def test_every_place_that_names_the_pythons_names_the_same() -> None:
    content = project()["project"]
    after = PYTHONS[-1].replace("14", "15")
    assert content["requires-python"] == f">={PYTHONS[0]},<{after}"
    classified = [
        one.rpartition(" ")[2]
        for one in content["classifiers"]
        if one.startswith("Programming Language :: Python :: 3.")
    ]
    assert classified == list(PYTHONS)
    spoken = f"{', '.join(PYTHONS[:-1])} or {PYTHONS[-1]}"
    named = {
        "scripts/lock.sh": f"for python in {' '.join(PYTHONS)}; do",
        "scripts/set-up.sh": f"Python {spoken} with venv",
        "systemd/install.sh": f"{' | '.join(PYTHONS)}) ;;",
        "README.md": f"Python {PYTHONS[0]}–{PYTHONS[-1]}",
        "docs/dependencies.md": f"Python {spoken}",
    }
    assert [file for file, words in named.items() if words not in (ROOT / file).read_text()] == []
    set_up = (ROOT / "scripts/set-up.sh").read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 14)" in set_up
