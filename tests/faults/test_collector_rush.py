"""Fault 20: many machines reconnect at once, with the courier's own jitter, and each tells its state."""

import asyncio
import random
import ssl
import time
from pathlib import Path

import pytest

from server.clinic_folder.settings import ClinicFolder
from sync.delivery.backoff import Backoff, Ended
from sync.wire.codec import encode
from sync.wire.messages import Software, State
from tests.support.broker.low_cost_machines import LightMachine
from tests.support.clinic.local_clinic import collector, files_of, make, mosquitto, sql, until


def state(clinic: ClinicFolder, machine: str) -> bytes:
    return encode(
        State(
            online=True,
            connection=1,
            clinic=clinic.settings.clinic,
            machine=machine,
            software=Software("0.1.0", "3.11", "Debian"),
        )
    )


async def rush(clinic: ClinicFolder, contexts: dict[str, ssl.SSLContext], seed: int) -> float:
    """All have just lost their connection. Gives when the last had told its state and had it acknowledged."""
    began_s = time.monotonic()

    async def one(name: str, number: int) -> None:
        backoff = Backoff(random.Random(seed * 100_000 + number))
        ended: tuple[Ended, float | None] = (Ended.LOST, 120.0)
        while True:
            await asyncio.sleep(backoff.wait_s(*ended))
            done = asyncio.Event()
            machine = LightMachine(name, acknowledged=lambda *_, done=done: done.set())
            try:
                await asyncio.wait_for(machine.connect(clinic.settings.broker_port, contexts[name]), 20)
                machine.publish(f"ic/1/{clinic.settings.clinic}/{name}/state", state(clinic, name))
                await asyncio.wait_for(done.wait(), 60)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                ended = (Ended.UNREACHABLE, None)
                await machine.close()
                continue
            machines.append(machine)
            return

    machines: list[LightMachine] = []
    await asyncio.gather(*(one(name, number) for number, name in enumerate(contexts)))
    took_s = time.monotonic() - began_s
    for machine in machines:
        await machine.close()
    return took_s


def all_back(folder: Path, machines: int) -> float:
    """Seconds until all of them are connected, and known to the server."""
    clinic = make(folder)
    contexts = {f"machine-{number}": files_of(clinic, f"machine-{number}").tls for number in range(machines)}
    with mosquitto(clinic), collector(clinic):
        began_s = time.monotonic()
        asyncio.run(rush(clinic, contexts, 1))
        until(lambda: sql(clinic, "SELECT count(*) FROM server_machinestate")[0][0] == machines, 60)
        return time.monotonic() - began_s


def test_two_hundred_machines_that_reconnect_at_once_are_back_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took_s = all_back(tmp_path / "clinic", 200)
    with capsys.disabled():
        print(f"\nfault 20: 200 machines back in {took_s:.1f} s (target 120 s)")  # noqa: T201
    assert took_s <= 120


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_thousand_machines_that_reconnect_at_once_are_back_within_two_minutes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    took_s = all_back(tmp_path / "clinic", 2000)
    with capsys.disabled():
        print(f"\nfault 20: 2,000 machines back in {took_s:.1f} s (target 120 s)")  # noqa: T201
    assert took_s <= 120
