"""What services say to systemd, with a test in systemd's place: a socket, and a watchdog's limit."""

import os
import selectors
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.system.sd_notify import NO_WATCHDOG_S, ServiceNotice
from tests.support.machine.machine import Machine

LIMIT_S = 0.4
PATIENCE_S = 60.0
SILENT_S = 5 * LIMIT_S


class _Listener:
    """Where services' words arrive."""

    def __init__(self, address: str) -> None:
        self.name = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def words(self, timeout_s: float) -> list[str]:
        """What comes next, line by line; nothing where nothing comes in time."""
        self.socket.settimeout(timeout_s)
        try:
            return self.socket.recv(4096).decode().splitlines()
        except TimeoutError:
            return []

    def drain(self) -> None:
        while self.words(0.001):
            pass

    def until(self, word: str) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while word not in self.words(1.0):
            assert time.monotonic() < until_s, f"«{word}» was not said"

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.name, "WATCHDOG_USEC": str(int(LIMIT_S * 1e6))}


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Listener]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@interval-coach-test-{os.getpid()}"
    one = _Listener(name)
    yield one
    one.socket.close()


def test_it_says_that_it_is_ready_how_it_stands_lives_and_ends(listener: _Listener) -> None:
    notice = ServiceNotice(listener.environment)
    notice.ready("Ready.")
    notice.alive()
    notice.status("Nobody trains.")
    notice.stopping()
    said = [listener.words(1.0) for _ in range(4)]
    assert said == [["READY=1", "STATUS=Ready."], ["WATCHDOG=1"], ["STATUS=Nobody trains."], ["STOPPING=1"]]


def test_alive_is_said_several_times_within_the_limit_and_not_at_every_call(listener: _Listener) -> None:
    notice = ServiceNotice(listener.environment)
    assert notice.every_s == LIMIT_S / 4
    for _ in range(1000):
        notice.alive()
    said = 0
    while listener.words(0.001):
        said += 1
    assert 1 <= said < 1000


def test_a_watchdog_that_is_meant_for_another_process_is_not_fed(listener: _Listener) -> None:
    notice = ServiceNotice({**listener.environment, "WATCHDOG_PID": str(os.getpid() + 1)})
    notice.alive()
    assert (notice.every_s, listener.words(0.05)) == (NO_WATCHDOG_S, [])


def test_without_systemd_nothing_is_said_and_nobody_is_hurt() -> None:
    notice = ServiceNotice({})
    notice.ready("Ready.")
    notice.alive()
    notice.stopping()
    assert notice.every_s == NO_WATCHDOG_S


def test_systemd_gone_or_deaf_hurts_nobody(tmp_path: Path) -> None:
    notice = ServiceNotice({"NOTIFY_SOCKET": str(tmp_path / "none"), "WATCHDOG_USEC": "1000"})
    notice.ready("Ready.")
    deaf = _Listener(str(tmp_path / "deaf"))
    notice = ServiceNotice(deaf.environment)
    for number in range(10_000):
        notice.status(str(number))
    deaf.socket.close()


@pytest.mark.parametrize(
    ("service", "arguments"),
    [("coach", ()), ("display", ("--screen", "headless", "--no-sound", "--oled", "none")), ("sync", ())],
)
def test_a_service_feeds_the_watchdog_while_its_loop_turns_and_not_while_it_is_frozen(
    service: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    listener = _Listener(str(tmp_path / "notify"))
    with Machine() as machine:
        if service == "sync":
            arguments = ("--identity", str(tmp_path / "not-enrolled"))
        machine.start(service, arguments, environment=listener.environment)
        listener.until("READY=1")
        for _ in range(3):
            listener.until("WATCHDOG=1")
        machine.send(service, signal.SIGSTOP)
        # What it said before it froze may still lie in the socket.
        _wait_until_stopped(machine.pid(service))
        listener.drain()
        assert listener.words(SILENT_S) == []
        machine.send(service, signal.SIGCONT)
        listener.until("WATCHDOG=1")
        machine.send(service, signal.SIGTERM)
        listener.until("STOPPING=1")
    listener.socket.close()


def test_a_coach_frozen_for_good_is_found_by_its_silence_and_the_next_one_offers_the_session_again(
    tmp_path: Path,
) -> None:
    """Row 6 of the faults, with this test in systemd's place: limit, kill, start."""
    listener = _Listener(str(tmp_path / "notify"))
    with Machine(speed=60.0) as machine:
        machine.start("coach", environment=listener.environment)
        with machine.watch() as watcher:
            watcher.begin()
            watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 60)
        listener.until("WATCHDOG=1")
        machine.send("coach", signal.SIGSTOP)
        _wait_until_stopped(machine.pid("coach"))
        listener.drain()
        while listener.words(LIMIT_S):
            pass
        machine.send("coach", signal.SIGKILL)
        machine.start("coach", environment=listener.environment)
        listener.until("READY=1")
        with machine.watch() as watcher:
            watcher.until(lambda view: view.face.value == "go_on")
    listener.socket.close()


def _wait_until_stopped(process_id: int) -> None:
    """Until the kernel says that it stands still."""
    until_s = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(") ")[2][0] != "T":
        assert time.monotonic() < until_s
        selectors.DefaultSelector().select(0.01)
