"""The locks: every package by hash, no address, and each machine gets only what is its own."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("build", "desk", "dev", "device", "server", "vm", "web")
APART = ("vm",)
"""Installed into a virtual machine alone."""

# Names that a lock must not hold: what touches the participant's hardware, and what only a server runs.
HARDWARE = {
    "bleak",
    "cbor2",
    "gpiozero",
    "lgpio",
    "luma-core",
    "luma-emulator",
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
    for name, version in re.findall(
        r"^([a-z0-9.-]+)==([^\s;]+)", (ROOT / f"requirements/{lock}.txt").read_text(), re.MULTILINE
    ):
        found.setdefault(name, version)
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
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [one.splitlines()[0] for one in entries if "--hash=sha256:" not in one] == []


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
