"""A collector's or a web worker's connection with the broker: MQTT 5, acknowledgement by hand.

paho's own reconnecting has no jitter, and an exception in one of its callbacks would end its thread in silence; so this
link connects by itself, and no callback lets anything out. One thread alone reads and writes the socket.
"""

import logging
import random
import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from msgspec import Struct
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from server.json_logging import log_fields
from sync.wire.topics import NUMBER_PROPERTY

_log = logging.getLogger(__name__)

KEEP_ALIVE_S = 30
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
TURN_S = 1.0
LARGEST_PACKET_BYTES = 1024 * 1024
_REFUSED = 0x80


class Received(Struct, frozen=True):
    """A message as it came. `connection` and `number` are what its acknowledgement must name; `qos` 0 needs none.

    `retained`: the sender had the broker keep it. `sequence`: the machine's own number of it (`NUMBER_PROPERTY`), empty
    where it has none.
    """

    topic: str
    payload: bytes
    connection: int
    number: int
    qos: int
    retained: bool = False
    sequence: str = ""


class LinkSettings(Struct, frozen=True, kw_only=True):
    """Where to and as whom. `tls` is None only against a broker on the same machine, in a test.

    `left`: subscriptions of an earlier version, which the broker may still keep with the session.
    """

    host: str
    port: int
    name: str
    tls: ssl.SSLContext | None
    subscriptions: tuple[tuple[str, int], ...]
    receive_maximum: int
    session_expiry_s: int
    left: tuple[str, ...] = ()


class BrokerLink:
    """Connected, or on its way to be, from `start` to `stop`.

    `received` is called from the network's thread for each message, and must not wait. `changed` is told True after
    each connection and False when it is lost.
    """

    def __init__(
        self,
        settings: LinkSettings,
        received: Callable[[Received], None],
        changed: Callable[[bool], None] = lambda _: None,
        refused: Callable[[], None] = lambda: None,
        chance: random.Random | None = None,
        confirmed: Callable[[int, bool], None] = lambda _number, _taken: None,
    ) -> None:
        """Nothing is connected before `start`. `confirmed`: a publish's number, and whether the broker took it."""
        self._settings = settings
        self._received = received
        self._changed = changed
        self._refused = refused
        self._confirmed = confirmed
        # Jitter, no secret.
        self._chance = chance or random.Random()  # noqa: S311
        self._connection = 0
        self._stopping = threading.Event()
        self._waker: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._client = self._make()

    @property
    def connection(self) -> int:
        """Which connection this is, from 1; what was received on an earlier one comes again, unacknowledged."""
        return self._connection

    def start(self) -> None:
        """Connect, and from then on again and again."""
        self._thread.start()

    def stop(self, within_s: float = 5.0) -> None:
        """Say goodbye; the broker keeps the session and what is not acknowledged."""
        self._stopping.set()
        self._client.disconnect()
        self._thread.join(within_s)

    def publish(self, topic: str, payload: bytes) -> bool:
        """Hand a message to the broker, QoS 1. Gives False, and keeps nothing, while there is no connection."""
        if not self._client.is_connected():
            return False
        return self._client.publish(topic, payload, qos=1).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def publish_retained(self, topic: str, payload: bytes) -> int | None:
        """Hand over a message that the broker keeps. Gives its number, None while there is no connection.

        `confirmed` may be told of the number before this returns; it must not wait for whoever called this.
        """
        if not self._client.is_connected():
            return None
        done = self._client.publish(topic, payload, qos=1, retain=True)
        return done.mid if done.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    @property
    def up(self) -> bool:
        """Whether it is connected, as far as is known."""
        return self._client.is_connected()

    def acknowledge(self, message: Received) -> None:
        """Tell the broker that it need not send this again. Nothing where it came on an earlier connection."""
        if message.qos and message.connection == self._connection:
            self._client.ack(message.number, message.qos)

    def _make(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.name,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        if self._settings.tls is not None:
            client.tls_set_context(self._settings.tls)
        # Receipts of a whole batch go out at once; the broker takes as many as its own limit says.
        client.max_inflight_messages_set(500)
        client.suppress_exceptions = True
        # Without this, each thread that publishes or acknowledges writes to the socket itself, two at a time, and the
        # broker reads torn packets. With it they only queue, and the network's thread writes.
        client.on_socket_register_write = lambda *_: self._wake()
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _run(self) -> None:
        woken, self._waker = socket.socketpair()
        with woken, self._waker:
            woken.settimeout(0)
            self._waker.settimeout(0)
            self._connect_again_and_again(woken)

    def _connect_again_and_again(self, woken: socket.socket) -> None:
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            before = self._connection
            self._connect_and_stay(woken)
            if self._connection != before:
                wait_s = FIRST_WAIT_S
            self._stopping.wait(self._chance.uniform(wait_s / 2, wait_s))
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)

    def _connect_and_stay(self, woken: socket.socket) -> None:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.ReceiveMaximum = self._settings.receive_maximum
        properties.MaximumPacketSize = LARGEST_PACKET_BYTES
        try:
            self._client.connect(
                self._settings.host,
                self._settings.port,
                keepalive=KEEP_ALIVE_S,
                clean_start=False,
                properties=properties,
            )
            while (sock := self._client.socket()) is not None and self._turn(sock, woken):
                pass
        except Exception as error:  # noqa: BLE001 - whatever it was, this thread must go on and connect again
            _log.warning("no connection with the broker", extra=log_fields(why=type(error).__name__))

    def _turn(self, sock: Any, woken: socket.socket) -> bool:  # noqa: ANN401 - paho's socket, with TLS or without
        """Read and write what there is, waiting a second for it at most. Return whether the connection stands."""
        pending = getattr(sock, "pending", lambda: 0)
        poll = select.poll()
        poll.register(woken, select.POLLIN)
        poll.register(sock, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        ready = dict(poll.poll(0 if pending() else 1000 * TURN_S))
        if woken.fileno() in ready:
            with suppress(BlockingIOError):
                woken.recv(4096)
        now = ready.get(sock.fileno(), 0)
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        if now & ~select.POLLOUT or pending():
            result = self._client.loop_read()
        if result == MQTTErrorCode.MQTT_ERR_SUCCESS and self._client.want_write():
            result = self._client.loop_write()
        if result == MQTTErrorCode.MQTT_ERR_SUCCESS:
            result = self._client.loop_misc()
        return result == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _wake(self) -> None:
        # A full buffer wakes as well; a closed one has no one to wake.
        if self._waker is not None:
            with suppress(OSError):
                self._waker.send(b"!")

    def _on_connect(
        self, client: Client, _userdata: object, flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.warning("the broker refuses the connection", extra=log_fields(why=str(reason)))
            return
        self._connection += 1
        _log.info("connected with the broker", extra=log_fields(session_kept=flags.session_present))
        if self._settings.left and flags.session_present:
            client.unsubscribe(list(self._settings.left))
        # `retainAsPublished`: what a machine has the broker keep is told from what it sends once.
        client.subscribe(
            [(topic, SubscribeOptions(qos, retainAsPublished=True)) for topic, qos in self._settings.subscriptions]
        )
        self._tell(up=True)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._stopping.is_set():
            _log.warning("the connection with the broker is lost", extra=log_fields(why=str(reason)))
        self._tell(up=False)

    def _tell(self, *, up: bool) -> None:
        try:
            self._changed(up)
        except Exception:  # noqa: BLE001 - see the top
            _log.exception("a listener of the connection failed")

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "?"
        try:
            payload = bytes(message.payload)
            self._received(
                Received(
                    topic,
                    payload,
                    self._connection,
                    message.mid,
                    message.qos,
                    retained=message.retain,
                    sequence=_sequence_of(message),
                )
            )
        except Exception:  # noqa: BLE001 - see the top
            _log.exception("a message could not be taken; it comes again")

    def _on_publish(
        self, _client: Client, _userdata: object, number: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        taken = reason.value < _REFUSED
        try:
            self._confirmed(number, taken)
        except Exception:  # noqa: BLE001 - see the top
            _log.exception("a listener of confirmations failed")
        if not taken:
            self._refused()
            _log.error("the broker refused a publish", extra=log_fields(why=str(reason)))


def _sequence_of(message: MQTTMessage) -> str:
    pairs = getattr(message.properties, "UserProperty", None) or ()
    return next((str(value)[:40] for name, value in pairs if name == NUMBER_PROPERTY), "")


def tls_context(authority: str, certificate: str, key: str) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate of one's own, trusting this authority alone; names and dates are verified."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(authority)
    context.load_cert_chain(certificate, key)
    return context
