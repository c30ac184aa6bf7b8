"""The collector's own two stages, reading and committing, fed from memory instead of a broker."""

import time
from collections.abc import Sequence

from server.broker.mqtt_client import LinkSettings, Received
from server.clinic_folder.settings import ClinicFolder
from server.collector.service import Collector, CollectorSettings, Step


class IntakeAlone:
    """One collector without a connection: what it would acknowledge and receipt goes nowhere."""

    def __init__(self, clinic: ClinicFolder) -> None:
        """Made as `server.collector.factory` makes it."""
        self._clinic = clinic.settings.clinic
        self._batches = 0
        link = LinkSettings(
            host="localhost",
            port=1,
            name="collector-1",
            tls=None,
            subscriptions=(),
            receive_maximum=clinic.settings.receive_maximum,
            session_expiry_s=60,
        )
        self._collector = Collector(
            CollectorSettings(link=link, batch=clinic.settings.batch, committers=2), at=self._at
        )
        self._size = clinic.settings.batch

    def _at(self, step: Step) -> None:
        if step == "receipted":
            self._batches += 1

    def take(self, rows: Sequence[tuple[str, bytes]]) -> float:
        """Seconds from the first message to the last one's receipt."""
        messages = [
            # As many machines as keep below their budgets: each is fair to the others.
            Received(f"ic/1/{self._clinic}/machine-{number % 1000}/session/{identity}", payload, 0, 0, 0)
            for number, (identity, payload) in enumerate(rows)
        ]
        for message in messages:
            self._collector._waiting.put(message)
        wanted = -(-len(rows) // self._size)
        began_s = time.perf_counter()
        self._collector._reading.start()
        for thread in self._collector._committing:
            thread.start()
        while self._batches < wanted:
            time.sleep(0.001)
        took_s = time.perf_counter() - began_s
        self._collector._stopping.set()
        for thread in self._collector._committing:
            thread.join(10)
        self._collector._reading.join(10)
        return took_s
