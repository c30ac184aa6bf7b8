"""One machine's courier with a journal in memory: what the sync service does around it, without the coach."""

import random
import time
from functools import cache
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from firmware.journal.record import SessionDocument, SessionRecord, encode_document, sha256_of
from firmware.system.session_id import new_session_id
from sync.delivery.interface import SealedSession
from sync.delivery.mqtt import CourierSettings, MqttCourier
from sync.wire.messages import Clocks, Software
from tests.support.broker.broker import until
from tests.support.machine import session_factory

SOFTWARE = Software("0.1.0", "3.11", "Debian 12")


@cache
def _record() -> SessionRecord:
    return session_factory.record()


def parcel(seed: int, *, messages: int | None = None) -> SealedSession:
    """A finished session as the journal hands it out; each seed its own id."""
    made = _record()
    chance = random.Random(seed)
    session_id = new_session_id(1_795_330_000.0 + seed, chance.randbytes)
    kept = made.messages if messages is None else made.messages[:messages]
    document = encode_document(
        SessionDocument(
            session_id=session_id,
            revision=1,
            plan=replace(made.plan, nickname="Ola"),
            protocol=made.protocol,
            begun=made.begun,
            stamps=made.stamps,
            summary=made.summary,
            messages=kept,
            events=made.events if messages is None else (),
        )
    )
    return SealedSession(session_id, 1, sha256_of(document), document)


def clocks(*, synchronised: bool = True) -> Clocks:
    """The clocks of the machine that runs the test."""
    return Clocks("0b1c", time.monotonic(), time.time(), synchronised)


class SendingMachine:
    """A courier, and a journal that forgets only on a receipt. `pump` is what the sync service's loop does."""

    def __init__(
        self,
        folder: Path,
        parcels: list[SealedSession] | None = None,
        *,
        speed: float = 1.0,
        seed: int = 1,
        keepalive_s: int = 15,
        synchronised: bool = True,
    ) -> None:
        """Start the courier."""
        self.journal = {one.session_id: one for one in parcels or []}
        self.acknowledged: list[str] = []
        self.synchronised = synchronised
        self._settings = CourierSettings(folder=folder, software=SOFTWARE, speed=speed, keepalive_s=keepalive_s)
        self._seed = seed
        self.courier = self._make()

    def _make(self) -> MqttCourier:
        return MqttCourier(self._settings, lambda: clocks(synchronised=self.synchronised), random.Random(self._seed))

    def restart(self) -> None:
        """The process is gone and comes again; only the journal is left."""
        self.courier.close()
        self.courier = self._make()

    def pump(self) -> None:
        """Hand over what the courier would take, and take its receipts."""
        for receipt in self.courier.receipts():
            known = self.journal.get(receipt.session_id)
            if known is not None and (known.revision, known.sha256) == (receipt.revision, receipt.sha256):
                del self.journal[receipt.session_id]
                self.acknowledged.append(receipt.session_id)
        while self.courier.wants_more:
            held = set(self.courier.holds)
            following = next((one for name, one in self.journal.items() if name not in held), None)
            if following is None:
                return
            self.courier.hand_over(following)

    def pump_until_empty(self, within_s: float = 30.0) -> None:
        """Deliver everything."""
        until(lambda: (self.pump(), not self.journal)[1], within_s, "the journal is empty")

    @property
    def findings(self) -> set[str]:
        """Codes of what is wrong now."""
        return {finding.code for finding in self.courier.state.findings}

    @property
    def online(self) -> bool:
        """Whether the line stands."""
        return self.courier.state.online

    def __enter__(self) -> Self:
        """Give it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the courier."""
        self.courier.close()
