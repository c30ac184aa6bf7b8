"""A web worker's own connection with the machines: it hears all rooms, sends commands, and publishes plans.

Each worker process has one hub, with a certificate that no other process uses meanwhile: `web-1`, `web-2`, …. It is
taken by a lock on its key's file, which ends with the process however that ends.
"""

import fcntl
import logging
import os
import threading
import time
from pathlib import Path

from msgspec import Struct

from server.broker.mqtt_client import BrokerLink, LinkSettings, Received, tls_context
from server.clinic_folder.settings import ClinicFolder, folder_from_environment, read_clinic
from server.errors import SettingsError
from server.json_logging import log_fields
from server.live.feed import Feed
from server.live.outbox_publisher import Publisher
from server.live.persistence import Remembering
from sync.errors import TopicError
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Command, CommandResult, Live, State
from sync.wire.topics import Kind, Topic, build, parse, subscription

_log = logging.getLogger(__name__)

RECEIVE_MAXIMUM = 100
CLAIM_EVERY_S = 2.0
MOST_FEEDS = 2_000


class HeldCertificate(Struct, frozen=True):
    """A certificate taken by this process; `held`: the file that is locked as long as it is open."""

    name: str
    held: int


class Hub:
    """Runs from `start` to `stop`."""

    def __init__(self, clinic: ClinicFolder) -> None:
        """Nothing is connected before `start`."""
        self._clinic = clinic
        # Ages must not jump when the server's clock is set.
        self._epoch_s = time.time() - time.monotonic()
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()
        self._up = False
        self._link: BrokerLink | None = None
        self._identity: HeldCertificate | None = None
        self._stopping = threading.Event()
        self._beginning = threading.Thread(target=self._begin, name="hub", daemon=True)
        self._remembering = Remembering(self._all_feeds)
        self._publisher: Publisher | None = None

    def now_s(self) -> float:
        """Seconds since 1970, by a clock that never jumps."""
        return self._epoch_s + time.monotonic()

    def start(self) -> None:
        """Take a certificate, connect, and hear the machines."""
        self._remembering.start()
        self._beginning.start()

    def stop(self) -> None:
        """Say goodbye, and give the certificate back."""
        self._stopping.set()
        if self._beginning.ident is None:
            return
        self._beginning.join(5.0)
        if self._publisher is not None:
            self._publisher.stop()
        if self._link is not None:
            self._link.stop()
        self._remembering.stop()
        if self._identity is not None:
            os.close(self._identity.held)

    @property
    def name(self) -> str | None:
        """The certificate that this process uses; None where it has none yet."""
        return self._identity.name if self._identity else None

    @property
    def up(self) -> bool:
        """Whether the machines are heard."""
        return self._up

    def feed(self, code: str) -> Feed:
        """Return a clinic's room."""
        with self._lock:
            feed = self._feeds.get(code)
            if feed is None:
                feed = self._feeds[code] = Feed(code, self.now_s)
                feed.broker(self._up)
            return feed

    def send(self, clinic: str, machine: str, command: Command) -> bool:
        """Hand a command to the broker. Gives False, and sends nothing later, while there is no connection."""
        link = self._link
        return link is not None and link.publish(build(Topic(clinic, machine, Kind.COMMAND)), encode(command))

    def _all_feeds(self) -> tuple[Feed, ...]:
        with self._lock:
            return tuple(self._feeds.values())

    def _begin(self) -> None:
        told = False
        while not self._stopping.is_set():
            try:
                identity = claim(self._clinic)
                link = self._made(identity)
            except (SettingsError, OSError, ValueError) as error:
                if not told:
                    _log.error("this web worker hears no machines", extra=log_fields(why=str(error)))
                told = True
                self._stopping.wait(CLAIM_EVERY_S)
                continue
            self._identity, self._link = identity, link
            self._publisher = Publisher(identity.name, link.publish_retained)
            self._publisher.start()
            link.start()
            return

    def _made(self, identity: HeldCertificate) -> BrokerLink:
        places, settings = self._clinic.places, self._clinic.settings
        whose = settings.clinic if settings.accepts == "own" else "+"
        return BrokerLink(
            LinkSettings(
                host=settings.broker_host,
                port=settings.broker_port,
                name=identity.name,
                tls=tls_context(
                    str(places.authority), str(places.certificate(identity.name)), str(places.key(identity.name))
                ),
                subscriptions=(
                    (subscription(Kind.STATE, whose), 1),
                    (subscription(Kind.RESULT, whose), 1),
                    (subscription(Kind.LIVE, whose), 0),
                ),
                receive_maximum=RECEIVE_MAXIMUM,
                # A picture that waited for an absent worker would be an old one.
                session_expiry_s=0,
            ),
            self._received,
            self._changed,
            confirmed=self._confirmed,
        )

    def _changed(self, up: bool) -> None:  # noqa: FBT001 - a callback with one truth to tell
        was_up, self._up = self._up, up
        for feed in self._all_feeds():
            feed.broker(up)
        if self._publisher is None:
            return
        if up:
            self._publisher.broker_back()
        elif was_up:
            self._publisher.broker_gone()

    def _confirmed(self, number: int, taken: bool) -> None:  # noqa: FBT001 - as above
        if self._publisher is not None:
            self._publisher.confirmed(number, taken)

    def _received(self, message: Received) -> None:
        if self._link is not None:
            self._link.acknowledge(message)
        try:
            topic = parse(message.topic)
        except TopicError:
            return
        if topic.clinic not in self._feeds and len(self._feeds) >= MOST_FEEDS:
            return
        match topic.kind:
            case Kind.LIVE:
                self._heard_live(topic, read(message.payload, Live))
            case Kind.STATE:
                self._heard_state(topic, read(message.payload, State))
            case Kind.RESULT:
                result = read(message.payload, CommandResult)
                if not isinstance(result, Unreadable):
                    self.feed(topic.clinic).hear_result(topic.machine, result)
            case _:
                return

    def _heard_live(self, topic: Topic, live: Live | Unreadable) -> None:
        if isinstance(live, Unreadable):
            return
        heard = self.feed(topic.clinic).hear_live(topic.machine, live)
        if heard is None:
            return
        self._remembering.heard(topic.clinic, topic.machine)
        for notice in heard.raised:
            self._remembering.raised(topic.clinic, topic.machine, live.participant, notice)
        for key, lasted_s in heard.ended:
            self._remembering.ended(topic.clinic, topic.machine, key, lasted_s)

    def _heard_state(self, topic: Topic, state: State | Unreadable) -> None:
        if isinstance(state, Unreadable) or (state.clinic, state.machine) != (topic.clinic, topic.machine):
            return
        self.feed(topic.clinic).hear_state(topic.machine, state)
        self._remembering.heard(topic.clinic, topic.machine)


def claim(clinic: ClinicFolder) -> HeldCertificate:
    """Take a certificate of a web worker that no other process holds. Raises SettingsError where there is none."""
    keys = sorted(clinic.places.key("server").parent.glob("web-*.key"), key=_number)
    for key in keys:
        held = os.open(key, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(held)
            continue
        return HeldCertificate(key.stem, held)
    raise SettingsError(
        f"All {len(keys)} certificates of web workers are in use. Run «interval-coach-server init» again with "
        "--web-workers and a higher number, or start fewer workers."
    )


def _number(key: Path) -> tuple[int, str]:
    """In the order of their numbers."""
    last = key.stem.rpartition("-")[2]
    return (int(last) if last.isdigit() else 0, key.stem)


_the_hub: Hub | None = None
_once = threading.Lock()


def hub() -> Hub:
    """Give this process's hub; it hears nobody before it is started. Raises SettingsError where there is no clinic."""
    global _the_hub  # noqa: PLW0603 - one connection a process, which each request finds
    with _once:
        if _the_hub is None:
            folder = folder_from_environment()
            if folder is None:
                raise SettingsError("There is no clinic's folder: name it in INTERVAL_COACH_SERVER.")
            _the_hub = Hub(read_clinic(folder))
        return _the_hub


def stop_hub() -> None:
    """End this process's hub where there is one."""
    global _the_hub  # noqa: PLW0603 - see hub
    with _once:
        if _the_hub is not None:
            _the_hub.stop()
            _the_hub = None
