"""The sync service's local side: sessions from the coach to the courier and receipts back; plans and commands in.

It holds nothing that must survive: killed at any moment, it fetches again what has no receipt. It is kept small, and
neither the screen's nor the plot's packages are loaded here.
"""

import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from coach.kiosk.view import ScreenId
from firmware.doctor.check import look_once
from firmware.doctor.checks.network import NetworkCheck
from firmware.doctor.environment import CheckContext
from firmware.enrolment.enrol import rescue_identity
from firmware.enrolment.renewal import Renewal
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import (
    AnyFromCoach,
    AnyToCoach,
    Done,
    GiveReceipt,
    Health,
    NextUndelivered,
    NothingUndelivered,
    Piece,
    RequestRefusal,
    Subscribe,
    ViewNow,
)
from firmware.services.server_commands import CommandExecutor
from firmware.system.delivery_status import forget_state, state_file, write_state
from firmware.system.errors import FirmwareError
from firmware.system.sd_notify import ServiceNotice
from firmware.system.timestamps import StampClock, SystemStampClock, Timestamp
from sync.delivery.fault_registry import Trouble
from sync.delivery.interface import Courier, KeepingCourier, SealedSession
from sync.delivery.live_snapshot import to_live
from sync.delivery.machine_identity import ACCOUNT, MachineIdentityError
from sync.delivery.mqtt import CourierSettings, MqttCourier
from sync.wire.messages import Clocks, Software, State

_log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
LOOK_AFTER_SESSION_EVERY_S = 1.0
TURN_S = 1.0
LIVE_EVERY_S = 1.0
STATE_EVERY_S = 5.0
RETRY_S = 2.0
AWAY_AFTER_S = 30.0
ANSWER_WITHIN_S = 60.0
NETWORK_EVERY_S = 60.0
NETWORK = NetworkCheck()


class IdentityUnusableError(FirmwareError):
    """The machine was enrolled, and its identity cannot be used."""


class SyncService:
    """Runs until told to stop. `look_every_s`: how often the coach is asked for something new.

    `state_file`: where people at the machine can read how it stands with the server. `until`: ends the service when it
    says so, asked now and then.
    """

    def __init__(
        self,
        socket: Path,
        courier: Courier,
        *,
        look_every_s: float = LOOK_EVERY_S,
        stamps: StampClock | None = None,
        state_file: Path | None = None,
        renewal: Renewal | None = None,
        until: Callable[[], bool] = lambda: False,
        notice: ServiceNotice | None = None,
    ) -> None:
        """Nothing is connected before `run`."""
        self._socket = socket
        self._courier = courier
        self._look_every_s = look_every_s
        self._stamps = stamps or SystemStampClock()
        self._state_file, self._renewal, self._until = state_file, renewal, until
        self._orders = CommandExecutor(courier, self._clocks)
        self._notice = notice or ServiceNotice({})
        self.place: CheckContext | None = None
        """Where to look for the network; nowhere by default."""
        self._coachs: dict[str, str] = {}
        self._looked_at_network_s = float("-inf")
        self._stopped = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._requests = 0
        self._said_waiting = False
        self._alone_since_s = time.monotonic()
        self._view: ViewNow | None = None
        self._look_at_s = 0.0
        self._said: State | None = None
        self._said_at_s = float("-inf")

    def stop(self) -> None:
        """End `run` soon. Takes no lock, so that a signal's handler may call it."""
        self._stopped = True
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Connect, for ever again, and serve."""
        while not self._stopped:
            try:
                with CoachLink(self._socket) as link:
                    _log.info("Connected with the coach.")
                    self._said_waiting = False
                    self._courier.clear(Trouble.COACH_AWAY)
                    self._serve(link)
            except NoCoachError as error:
                self._alone(error)
        self._courier.close()

    def _tell_alive(self) -> None:
        if self._courier.turns:
            self._notice.alive()

    def _alone(self, error: NoCoachError) -> None:
        self._tell_alive()
        now_s = time.monotonic()
        if not self._said_waiting:
            _log.info("Waiting for the coach: %s", error)
            self._said_waiting, self._alone_since_s = True, now_s
        if now_s - self._alone_since_s > AWAY_AFTER_S:
            self._courier.note(Trouble.COACH_AWAY, str(error))
        self._view = None
        self._now_and_then(now_s)
        select.select([self._wake], [], [], RETRY_S)

    def _serve(self, link: CoachLink) -> None:
        self._look_at_s = live_at_s = 0.0
        listens = [link.fileno(), self._wake]
        courier = self._courier.fileno()
        if courier is not None:
            listens.append(courier)
            link.say(Subscribe(views=True, health=True))
        while not self._stopped:
            self._tell_alive()
            self._bring_receipts(link)
            self._orders.carry_out(lambda message: self._ask(link, message), self._view)
            now_s = time.monotonic()
            if self._courier.wants_more and now_s >= self._look_at_s:
                self._look_at_s = now_s + self._look_again_after_s()
                parcel = self._fetch(link)
                if parcel is not None:
                    self._courier.hand_over(parcel)
                    self._look_at_s = 0.0
                    continue
            if self._view is not None and now_s >= live_at_s:
                live_at_s = now_s + LIVE_EVERY_S
                self._show(self._view, now_s)
            self._now_and_then(now_s)
            wait_s = min(TURN_S, self._look_every_s, self._orders.next_due_s(now_s))
            readable, _, _ = select.select(listens, [], [], wait_s)
            if link.fileno() in readable:
                self._heard(link.receive(0))

    def _look_again_after_s(self) -> float:
        """Soon after a session, whose participant may still be answering; else at leisure."""
        view = None if self._view is None else self._view.view
        after = (
            view is not None
            and view.saved == "saved"
            and view.face in (ScreenId.EXERTION, ScreenId.MOOD, ScreenId.ENDED, ScreenId.MY_TRAINING)
        )
        return min(LOOK_AFTER_SESSION_EVERY_S, self._look_every_s) if after else self._look_every_s

    def _bring_receipts(self, link: CoachLink) -> None:
        for receipt in self._courier.receipts():
            note = GiveReceipt(session_id=receipt.session_id, revision=receipt.revision, sha256=receipt.sha256)
            self._ask(link, note)

    def _show(self, now: ViewNow, now_s: float) -> None:
        """Send the picture. Between sessions nothing changes on it, so only during one does it grow old."""
        stage = None if now.view.snapshot is None else now.view.snapshot.stage
        age_s = now_s - now.made_s if stage in ("running", "paused") else 0.0
        live = to_live(now.view, self._clocks(), age_s=age_s, participant=now.participant, session_id=now.session_id)
        self._courier.show(live)

    def _heard(self, messages: list[AnyFromCoach]) -> list[AnyFromCoach]:
        """Keep the newest picture; give the rest."""
        rest: list[AnyFromCoach] = []
        for message in messages:
            if isinstance(message, ViewNow):
                if message.view.saved == "saved" and (self._view is None or self._view.view.saved != "saved"):
                    # A session has just been saved: it need not wait for the next look.
                    self._look_at_s = 0.0
                self._view = message
            elif isinstance(message, Health):
                self._coachs = {one.code: one.detail for one in message.findings}
                self._tell_machine()
            else:
                rest.append(message)
        return rest

    def _fetch(self, link: CoachLink) -> SealedSession | None:
        """Return the next session for the courier; None where there is none, or the coach cannot now."""
        self._requests += 1
        link.say(NextUndelivered(self._requests, held=self._courier.holds))
        document = bytearray()
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until_s and not self._stopped:
            self._tell_alive()
            for message in self._heard(link.receive(TURN_S)):
                match message:
                    case NothingUndelivered(request) if request == self._requests:
                        return None
                    case RequestRefusal(code=code, reason=reason, request=request) if request == self._requests:
                        _log.warning("The coach hands out nothing now (%s): %s", code, reason)
                        return None
                    case Piece(request=request) if request == self._requests:
                        document += message.content
                        if len(document) >= message.total:
                            return SealedSession(message.session_id, message.revision, message.sha256, bytes(document))
                    case _:
                        pass
        return None

    def _ask(self, link: CoachLink, message: AnyToCoach) -> Done | RequestRefusal | None:
        """Ask the coach for something; None where it did not answer in time."""
        self._requests += 1
        link.say(message.numbered(self._requests))
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while time.monotonic() < until_s and not self._stopped:
            self._tell_alive()
            for answer in self._heard(link.receive(TURN_S)):
                if isinstance(answer, Done | RequestRefusal) and answer.request == self._requests:
                    return answer
        return None

    def _now_and_then(self, now_s: float) -> None:
        if now_s - self._said_at_s < STATE_EVERY_S:
            return
        self._said_at_s = now_s
        if self._until():
            self.stop()
        if now_s - self._looked_at_network_s > NETWORK_EVERY_S:
            self._looked_at_network_s = now_s
            self._tell_machine()
        if self._renewal is not None:
            self._renewal.look(self._clocks())
        state = self._courier.state
        if state is not None and self._state_file is not None and _differs(state, self._said):
            self._said = state
            write_state(self._state_file, state)

    def _tell_machine(self) -> None:
        """Take what the coach found, and the network, which the coach is shut in without and cannot see."""
        found = dict(self._coachs)
        if self.place is not None:
            found |= {one.code: one.detail for one in look_once(NETWORK, self.place).findings}
        self._courier.tell_machine(found)

    def _clocks(self) -> Clocks:
        return clocks_of(self._stamps.now())


def clocks_of(stamp: Timestamp) -> Clocks:
    """Return a stamp as it goes over the wire."""
    return Clocks(stamp.boot_id, stamp.monotonic_s, stamp.wall_s, stamp.synchronised, stamp.repaired)


def _differs(state: State, said: State | None) -> bool:
    """Whether there is something new to say; that time has passed is not."""
    if said is None:
        return True
    return (state.online, state.findings, state.waiting) != (said.online, said.findings, said.waiting)


def own_software(version: str) -> Software:
    """Return what runs here."""
    system = "Linux"
    release = Path("/etc/os-release")
    if release.exists():
        names = dict(line.split("=", 1) for line in release.read_text(encoding="utf-8").splitlines() if "=" in line)
        system = names.get("PRETTY_NAME", system).strip('"')
    return Software(version, ".".join(str(part) for part in sys.version_info[:3]), system)


def _courier_of(identity: Path, version: str, clocks: Callable[[], Clocks]) -> MqttCourier:
    """Return the courier of a machine that is enrolled. Raises IdentityUnusableError."""
    try:
        return MqttCourier(CourierSettings(folder=identity, software=own_software(version)), clocks)
    except MachineIdentityError as error:
        raise IdentityUnusableError(str(error)) from error


def serve(socket: Path, identity: Path, version: str, *, server_is_here: bool = False) -> int:
    """Run the service until a signal says stop. Gives the exit status. Raises IdentityUnusableError.

    A machine that is not enrolled keeps its sessions, and begins to deliver them as soon as it is. `server_is_here`:
    the server runs on this computer, so both ends have the same clock, and certificates can be verified by it whether
    or not a time server has ever set it.
    """
    stop = threading.Event()
    running: list[SyncService] = []

    def end(_number: int, _frame: object) -> None:
        stop.set()
        for service in running:
            service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    stamps = SystemStampClock()

    def clocks() -> Clocks:
        now = clocks_of(stamps.now())
        return replace(now, synchronised=True) if server_is_here else now

    notice = ServiceNotice()
    notice.ready("Ready.")
    enrolled, told = (identity / ACCOUNT).exists, state_file(socket)
    forget_state(told)
    try:
        while not stop.is_set():
            rescue_identity(identity)
            if enrolled():
                courier = _courier_of(identity, version, clocks)
                renewal = Renewal(identity, courier)
                service = SyncService(socket, courier, stamps=stamps, state_file=told, renewal=renewal, notice=notice)
                service.place = CheckContext(diary=socket, identity=identity, socket=socket)
            else:
                _log.info("This machine is not enrolled with a server: its sessions stay here.")
                service = SyncService(socket, KeepingCourier(), stamps=stamps, until=enrolled, notice=notice)
            running[:] = [service]
            if stop.is_set():
                service.stop()
            service.run()
    finally:
        forget_state(told)
    notice.stopping()
    return 0
