"""The local side of sync, beside a coach that only knows how to hand out sessions."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import pytest

from firmware.ipc.messages import (
    FORMAT,
    AnyToCoach,
    Done,
    Found,
    GiveReceipt,
    Health,
    Hello,
    NextUndelivered,
    NothingUndelivered,
    RequestRefusal,
    Subscribe,
    pieces,
)
from firmware.ipc.server import Client, LocalServer
from firmware.services.sync_service import SyncService
from sync.delivery.interface import CommittedVersion, KeepingCourier, SealedSession
from tests.support.machine.recorded_machine import machine

DOCUMENTS = {f"session-{number}": bytes([number]) * (100_000 * number) for number in (1, 2, 3)}


def sha256_of(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


class _Coach:
    """Hands out what it has, until a receipt names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.undelivered = dict(DOCUMENTS)
        self.refuses = False
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        server = LocalServer(self.path, Hello(FORMAT, "1", "boot", 1, "/d"), self._heard)
        server.open()
        self._ready.set()
        while not self._stop.is_set():  # noqa: ASYNC110 - another thread's event
            await asyncio.sleep(0.005)
        server.close()

    def _heard(self, client: Client, message: AnyToCoach) -> None:
        match message:
            case Subscribe():
                client.answer(Health((Found("too_hot", "attention", "83 °C"),)))
            case NextUndelivered(held=held):
                if self.refuses:
                    client.answer(RequestRefusal("journal", "The disk is away.", message.request))
                    return
                left = [name for name in self.undelivered if name not in held]
                if not left:
                    client.answer(NothingUndelivered(message.request))
                for name in left[:1]:
                    document = self.undelivered[name]
                    sha256 = sha256_of(document)
                    for piece in pieces(
                        message.request, "delivery", document, session_id=name, revision=1, sha256=sha256
                    ):
                        client.answer(piece)
            case GiveReceipt():
                found = sha256_of(self.undelivered.get(message.session_id, b"")) == message.sha256
                if found:
                    del self.undelivered[message.session_id]
                client.answer(Done(message.request, found=found))
            case _:
                raise AssertionError(message)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


class _Acknowledging(KeepingCourier):
    """A courier whose server commits at once."""

    def __init__(self, most: int = 10) -> None:
        super().__init__()
        self.parcels: list[SealedSession] = []
        self.closed = False
        self._most = most
        self._receipts: list[CommittedVersion] = []

    @property
    def holds(self) -> tuple[str, ...]:
        return tuple(parcel.session_id for parcel in self.parcels)

    @property
    def wants_more(self) -> bool:
        return len(self.parcels) < self._most

    def hand_over(self, parcel: SealedSession) -> None:
        self.parcels.append(parcel)
        self._receipts.append(CommittedVersion(parcel.session_id, parcel.revision, parcel.sha256))

    def receipts(self) -> tuple[CommittedVersion, ...]:
        receipts, self._receipts = tuple(self._receipts), []
        return receipts

    def close(self) -> None:
        self.closed = True


def run_until(service: SyncService, holds: object) -> None:
    """Run the service beside the test until something holds."""
    thread = threading.Thread(target=service.run)
    thread.start()
    until_s = time.monotonic() + 60
    while not holds() and time.monotonic() < until_s:  # type: ignore[operator]
        time.sleep(0.002)
    service.stop()
    thread.join()


def test_every_session_is_carried_byte_for_byte_and_its_receipt_brought_back(tmp_path: Path) -> None:
    courier = _Acknowledging()
    with _Coach(tmp_path / "s") as coach:
        run_until(SyncService(tmp_path / "s", courier, look_every_s=0.02), lambda: not coach.undelivered)
    assert {parcel.session_id: parcel.document for parcel in courier.parcels} == DOCUMENTS
    assert all(parcel.sha256 == sha256_of(parcel.document) for parcel in courier.parcels)
    assert (coach.undelivered, courier.closed) == ({}, True)


class _Hearing(KeepingCourier):
    """A courier that is told how the machine is."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, str]] = []

    def fileno(self) -> int:
        return self._end

    def __enter__(self) -> Self:
        self._end, self._other_end = os.pipe()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)
        os.close(self._other_end)

    def tell_machine(self, found: Mapping[str, str]) -> None:
        self.told.append(dict(found))


def test_what_the_coach_finds_and_the_network_that_it_cannot_see_go_to_the_server(tmp_path: Path) -> None:
    place = machine(tmp_path)
    (tmp_path / "root/sys/class/net/wlan0/operstate").write_text("down")
    with _Coach(tmp_path / "s"), _Hearing() as courier:
        service = SyncService(tmp_path / "s", courier, look_every_s=0.02)
        service.place = place
        run_until(service, lambda: courier.told and "too_hot" in courier.told[-1])
    assert courier.told[-1] == {"too_hot": "83 °C", "network_away": "eth0, wlan0"}


def test_a_machine_without_a_server_acknowledges_nothing(tmp_path: Path) -> None:
    courier = KeepingCourier()
    with _Coach(tmp_path / "s") as coach:
        run_until(SyncService(tmp_path / "s", courier, look_every_s=0.02), lambda: len(courier.holds) == 3)
    assert courier.holds == tuple(DOCUMENTS)
    assert coach.undelivered == DOCUMENTS


def test_a_courier_that_has_enough_is_handed_no_more(tmp_path: Path) -> None:
    courier = _Acknowledging(most=1)
    with _Coach(tmp_path / "s") as coach:
        run_until(SyncService(tmp_path / "s", courier, look_every_s=0.02), lambda: len(coach.undelivered) == 2)
    assert len(courier.parcels) == 1


def test_it_waits_for_the_coach_and_goes_on_when_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.services.sync_service.RETRY_S", 0.01)
    courier = KeepingCourier()
    service = SyncService(tmp_path / "s", courier, look_every_s=0.02)
    thread = threading.Thread(target=service.run)
    thread.start()
    for _ in range(2):
        with _Coach(tmp_path / "s"):
            until_s = time.monotonic() + 60
            while len(courier.holds) < 3 and time.monotonic() < until_s:
                time.sleep(0.002)
        assert len(courier.holds) == 3
    service.stop()
    thread.join()


def test_a_coach_that_cannot_hand_out_now_is_asked_again(tmp_path: Path) -> None:
    courier = KeepingCourier()
    with _Coach(tmp_path / "s") as coach:
        coach.refuses = True

        def later() -> bool:
            coach.refuses = False
            return bool(courier.holds)

        run_until(SyncService(tmp_path / "s", courier, look_every_s=0.02), later)
    assert courier.holds
