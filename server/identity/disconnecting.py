"""End a machine's connection at the broker, by taking it over.

A broker keeps a connection whose certificate was revoked: mosquitto reads the list at the next handshake only. But a
client id has one connection (MQTT 5, 3.1.4), and a machine's client id is its certificate's name at every broker that
docs/brokers.md allows. So the server connects once under that name, with a certificate that it makes for the moment,
and the broker ends the other connection. What the broker kept for the machine is dropped with it.
"""

import logging
import ssl
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from server.broker.mqtt_client import tls_context
from server.clinic_folder.settings import ClinicFolder
from server.errors import ServerError
from server.identity.certificate_authority import Authority
from server.json_logging import log_fields

_log = logging.getLogger(__name__)

LISTS_READ_S = 0.2
"""mosquitto reads its lists between two turns of its loop, some milliseconds after the signal."""

HELD_S = 0.6
"""So long the connection is held: a machine that comes back at once, before the lists were read, shows itself."""

TRIES = 5
CONNECTED_WITHIN_S = 3.0

BROKER_BACK_WITHIN_S = 6.0
"""A broker that died of reading its lists is started again within so long (`server.broker.process.run_broker`)."""


def end_connection(clinic: ClinicFolder, machine: str, *, held_s: float = HELD_S, tries: int = TRIES) -> bool:
    """End the machine's open connection, if it has one. Return whether it has none now.

    False where the broker cannot be reached, or the machine came back each time: then its certificate still counts.
    """
    time.sleep(LISTS_READ_S)
    try:
        tls = _tls_as(clinic, machine)
    except (OSError, ServerError, ValueError) as error:
        _log.warning("no connection could be ended", extra=log_fields(machine=machine, why=type(error).__name__))
        return False
    for _ in range(tries):
        taken = _taken_over(clinic, machine, tls)
        if taken is None:
            return False
        if not taken.is_lost_within(held_s):
            taken.close()
            return True
    return False


def end_connection_later(clinic: ClinicFolder, machine: str) -> None:
    """End the connection of an earlier certificate, in a thread: the caller waits for an answer at the same time.

    The newly enrolled machine may connect at any time under the same name, so nothing is held.
    """
    threading.Thread(
        target=end_connection, args=(clinic, machine), kwargs={"held_s": 0.0, "tries": 1}, name="disconnecting"
    ).start()


def _tls_as(clinic: ClinicFolder, machine: str) -> ssl.SSLContext:
    places = clinic.places
    certificate, key = Authority.read(clinic.settings.clinic, places).give_for_moment(machine, datetime.now(UTC))
    # ssl reads certificates from files alone.
    with tempfile.TemporaryDirectory(prefix="interval-coach-") as folder:
        files = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        for file, content in zip(files, (certificate, key), strict=True):
            file.touch(0o600)
            file.write_bytes(content)
        return tls_context(str(places.authority), str(files[0]), str(files[1]))


def _taken_over(clinic: ClinicFolder, machine: str, tls: ssl.SSLContext) -> "_TakenOver | None":
    """Return a connection under the machine's name; None where no broker answers for a while."""
    until_s = time.monotonic() + BROKER_BACK_WITHIN_S
    while True:
        taken = _TakenOver(clinic, machine, tls)
        if taken.connect():
            return taken
        if time.monotonic() > until_s:
            return None
        time.sleep(LISTS_READ_S)


class _TakenOver:
    """One connection under another's name."""

    def __init__(self, clinic: ClinicFolder, machine: str, tls: ssl.SSLContext) -> None:
        self._clinic = clinic
        self._connected, self._lost = threading.Event(), threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2, machine, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False
        )
        self._client.tls_set_context(tls)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect

    def connect(self) -> bool:
        """Connect; return whether the broker took it."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        settings = self._clinic.settings
        try:
            self._client.connect(
                settings.broker_host, settings.broker_port, keepalive=10, clean_start=True, properties=properties
            )
        except (OSError, ValueError) as error:
            _log.warning("the broker cannot be reached", extra=log_fields(why=type(error).__name__))
            return False
        self._client.loop_start()
        if not self._connected.wait(CONNECTED_WITHIN_S):
            self.close()
            return False
        return True

    def is_lost_within(self, seconds: float) -> bool:
        """Return whether somebody took the name back within this time."""
        return self._lost.wait(seconds)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(
        self, _client: Client, _userdata: object, _flags: ConnectFlags, reason: ReasonCode, _properties: object
    ) -> None:
        if not reason.is_failure:
            self._connected.set()

    def _on_disconnect(
        self, _client: Client, _userdata: object, _flags: DisconnectFlags, _reason: ReasonCode, _properties: object
    ) -> None:
        self._lost.set()
