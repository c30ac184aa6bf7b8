"""One connection to the broker, from its first packet to its end. A new one is made for each attempt.

Theory of operation. paho-mqtt is driven from the caller's thread by its own functions for that (`loop_read`,
`loop_write`, `loop_misc`), so it has no thread that could die unseen. Its callbacks only note what came; whoever turns
the line reads the notes. With a new client for each connection there is no queue of paho's that outlives it: what is
not delivered lies in the journal. MQTT 5 and the second callback interface are asked for by name, since reason codes
of 0x80 and more arrive only there.
"""

import contextlib
import select
import ssl
import time
from collections import deque
from typing import Any

from msgspec import Struct
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from sync.errors import SyncError
from sync.wire.topics import NUMBER_PROPERTY

KEEPALIVE_S = 15
SILENT_SLACK_S = 10.0
"""The broker answers a ping at least every `KEEPALIVE_S`. Silent for twice that and this, the line is dead, whatever
TCP says: 40 s, well within the minute after which a machine must know that it is offline."""

CONNECT_WITHIN_S = 10.0
MOST_IN_BYTES = 256 * 1024
"""The broker is asked to send no larger message than this: no plan or command comes near."""

NO_DELAY = (6, 1)
"""IPPROTO_TCP and TCP_NODELAY: small packets go at once, instead of waiting 40 ms for the other side's word."""

FAILED = 0x80
"""MQTT 5: reason codes from here on say no."""

SESSION_TAKEN_OVER = 0x8E
PACKET_TOO_LARGE = 0x95
PROTOCOL_ERROR = 0x82
UNLIMITED_BYTES = 256 * 1024 * 1024
_TOPIC_AND_HEAD_BYTES = 512
_LEAST_MESSAGE_BYTES = 1024


class NoLineError(SyncError, ConnectionError):
    """The line could not be made. `trusted` is False where the broker's certificate was at fault."""

    def __init__(self, reason: str, *, trusted: bool = True) -> None:
        """Keep whether it was a matter of trust."""
        super().__init__(reason)
        self.trusted = trusted


class Will(Struct, frozen=True):
    """What the broker says, retained, when this machine is gone without a word."""

    topic: str
    payload: bytes


class Answered(Struct, frozen=True):
    """The broker's answer to a message: `code` below 0x80 is a yes."""

    message: int
    code: int
    reason: str


class SubscriptionRefused(Struct, frozen=True):
    """The broker refused a subscription."""

    topic: str
    reason: str


class Ending(Struct, frozen=True):
    """How the line ended: MQTT 5's reason code (0: none), words for it, and whether it was the broker that said so."""

    code: int
    reason: str
    said_by_broker: bool = False


class MqttConnection:
    """Make it, `turn` it until `ending` is there, read its notes in between."""

    def __init__(
        self,
        name: str,
        context: ssl.SSLContext,
        will: Will,
        subscriptions: tuple[str, ...],
        *,
        keepalive_s: int = KEEPALIVE_S,
    ) -> None:
        """Nothing is sent before `connect`."""
        self._keepalive_s = keepalive_s
        self.connected_s: float | None = None
        self.ending: Ending | None = None
        self.most_message_bytes = UNLIMITED_BYTES
        self.messages: deque[tuple[str, bytes]] = deque()
        self.answers: deque[Answered] = deque()
        self.refused: deque[SubscriptionRefused] = deque()
        self._heard_s = time.monotonic()
        self._subscriptions = subscriptions
        self._asked: dict[int, str] = {}
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTv5, reconnect_on_failure=False)
        client.connect_timeout = CONNECT_WITHIN_S
        client.tls_set_context(context)
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        self._client = client

    def connect(self, host: str, port: int) -> None:
        """Connect, with TLS, and ask the broker in. Raises NoLineError."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho gives it no types
        properties.MaximumPacketSize = MOST_IN_BYTES
        properties.SessionExpiryInterval = 0
        try:
            self._client.connect(host, port, keepalive=self._keepalive_s, clean_start=True, properties=properties)
        except ssl.SSLCertVerificationError as error:
            self._drop()
            reason = f"The broker's certificate does not hold: {error.verify_message}."
            raise NoLineError(reason, trusted=False) from error
        except (OSError, ValueError) as error:
            self._drop()
            raise NoLineError(f"The broker at {host}:{port} cannot be reached: {error}.") from error
        sock: Any = self._client.socket()
        if sock is not None:
            sock.setsockopt(*NO_DELAY, 1)
        self._heard_s = time.monotonic()

    def turn(self, timeout_s: float, also: int) -> None:
        """Read and write what there is, waiting for it at most `timeout_s`, or until `also` can be read."""
        sock: Any = self._client.socket()
        if sock is None:
            self._end(0, "The connection is gone.")
            return
        pending = getattr(sock, "pending", lambda: 0)
        if pending():
            timeout_s = 0.0
        try:
            readable, writable, _ = select.select(
                [sock, also], [sock] if self._client.want_write() else [], [], timeout_s
            )
        except (OSError, ValueError):
            self._end(0, "The connection is gone.")
            return
        if sock in readable or pending():
            self._heard_s = time.monotonic()
            self._check(self._client.loop_read())
            while self.ending is None and self._client.socket() is sock and pending():
                self._check(self._client.loop_read())
        if self.ending is None and sock in writable:
            self._check(self._client.loop_write())
        if self.ending is None:
            self._check(self._client.loop_misc())
        silent_s = time.monotonic() - self._heard_s
        if self.ending is None and silent_s > 2 * self._keepalive_s + SILENT_SLACK_S:
            self._end(0, f"Nothing has come for {silent_s:.0f} s.")
            self._drop()

    @property
    def behind(self) -> bool:
        """Whether earlier packets still wait for the network."""
        return self._client.want_write()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False, number: str | None = None) -> int:
        """Publish on a line that stands; gives the number that its answer will name. `number`: NUMBER_PROPERTY."""
        properties = None
        if number is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = (NUMBER_PROPERTY, number)
        published = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if published.rc not in (MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN):
            self._end(0, f"The connection is gone ({published.rc.name}).")
        return published.mid

    def close(self) -> None:
        """Say good-bye, so that the broker keeps the will to itself, and let go."""
        if self.ending is None:
            with contextlib.suppress(OSError, ValueError):
                self._client.disconnect()
                for _ in range(20):
                    sock = self._client.socket()
                    if sock is None or not self._client.want_write():
                        break
                    select.select([], [sock], [], 0.1)
                    self._client.loop_write()
        self._drop()

    def _drop(self) -> None:
        """Let the socket go without a word."""
        sock = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.close()

    def _check(self, code: MQTTErrorCode) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._end(0, f"The connection was lost ({code.name}).")

    def _end(self, code: int, reason: str, *, said_by_broker: bool = False) -> None:
        if self.ending is None:
            self.ending = Ending(code, reason, said_by_broker)

    # paho's callbacks: they note, and nothing else, for an exception in one would be lost or end the turn.

    def _on_connect(
        self, client: Client, _data: object, _flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._end(code.value, f"The broker refused the connection: {code}.", said_by_broker=True)
            return
        self.connected_s = time.monotonic()
        most = getattr(properties, "MaximumPacketSize", None)
        if isinstance(most, int):
            self.most_message_bytes = max(_LEAST_MESSAGE_BYTES, most - _TOPIC_AND_HEAD_BYTES)
        for topic in self._subscriptions:
            _, number = client.subscribe(topic, options=SubscribeOptions(qos=1, noLocal=True))
            if number is not None:
                self._asked[number] = topic

    def _on_disconnect(
        self, _client: Client, _data: object, flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        said = flags.is_disconnect_packet_from_server
        self._end(code.value, f"{'The broker ended it' if said else 'Lost'}: {code}.", said_by_broker=said)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.messages.append((message.topic, bytes(message.payload)))

    def _on_publish(
        self, _client: Client, _data: object, number: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self.answers.append(Answered(number, code.value, str(code)))

    def _on_subscribe(
        self, _client: Client, _data: object, number: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        topic = self._asked.pop(number, "?")
        self.refused.extend(SubscriptionRefused(topic, str(code)) for code in codes if code.value >= FAILED)
