"""The coach service: strap, session, journal and local socket in one process, on one loop that never waits for a disk.

Theory of operation. The loop sleeps exactly until the session's next due moment; then cues go out first, records are
handed to the journal's thread, and views are drawn up last, at most `VIEWS_PER_S` unless something changed that a
person should see at once. The loop's thread runs at real-time priority where that is permitted, the journal's at the
ordinary one. While a session runs there is no full garbage collection. Logging goes through a queue, so that no line of
it waits for a terminal or a full disk.
"""

import asyncio
import contextlib
import gc
import logging
import logging.handlers
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, assert_never

import msgspec
from msgspec import Struct, structs

from coach.errors import MessageRefused
from coach.kiosk.view import Button, ScreenId, TriedPart
from coach.model.cue import Cue
from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage, Mood
from firmware.config.loader import InForce
from firmware.config.schema import Config
from firmware.doctor.check import CheckFinding
from firmware.doctor.environment import CheckContext, settled
from firmware.ipc.messages import (
    FORMAT,
    AddParticipant,
    AnyToCoach,
    AskHealth,
    AskParticipants,
    AskSession,
    AskSessions,
    BeginSelfTest,
    CueNow,
    Devices,
    Done,
    ForgetReceipts,
    GivePlan,
    GiveReceipt,
    Happened,
    Hello,
    NextUndelivered,
    NothingUndelivered,
    OpenTraining,
    Press,
    RemoveParticipant,
    RequestRefusal,
    Saving,
    SetPin,
    ShowText,
    StopService,
    Subscribe,
    Tell,
    TypeDigit,
    ViewNow,
    WithdrawPlan,
    pieces,
)
from firmware.ipc.server import Client, LocalServer
from firmware.journal.errors import JournalError, UnknownSessionError
from firmware.journal.memory import open_journal
from firmware.journal.queries import PendingDelivery as SessionDelivery
from firmware.journal.writer import JournalSettings, SaveState
from firmware.panel.factory import Panels, load_beside, panels_of
from firmware.participants import last_strap
from firmware.participants.last_strap import StrapMemory
from firmware.participants.pins import PinError
from firmware.participants.plan_files import PlanFileError, PlanRepository
from firmware.participants.registry import ParticipantRegistry
from firmware.participants.treadmill_memory import TreadmillMemory, file_beside
from firmware.sensors.factory import StrapMaker, treadmill_beside
from firmware.sensors.strap import ChosenStrap, Delivery, Strap
from firmware.services.barrier import Barrier
from firmware.services.health_monitor import FindingsLog, MachineHealth, lesser, severe
from firmware.services.session_controller import SessionController
from firmware.services.strap_selection import StrapChoosing
from firmware.services.time_budget import StepBudget, stop_budget
from firmware.system.atomic_file import UnsafeNameError
from firmware.system.clock import DemoClock, ScaledClock
from firmware.system.paths import identity_folder
from firmware.system.scheduling import set_realtime_priority, set_switch_interval
from firmware.system.sd_notify import ServiceNotice
from firmware.system.timestamps import SystemStampClock
from firmware.system.version import own_version

_log = logging.getLogger(__name__)

VIEWS_PER_S = 4.0
FASTEST_VIEWS_PER_S = 30.0
LOOK_AT_DISK_EVERY_S = 5.0
CLOSE_WITHIN_S = 1.5
MOST_HELD = 10_000
MOST_OVERDUE_S = 2.0
WAKE_AGAIN_S = 0.5
"""A session whose due moment has passed for so long does not go on, whatever else the loop does."""
_GENERATIONS = (700, 10)
_NEVER = 1_000_000_000


AboutParticipants = (
    GivePlan | WithdrawPlan | AddParticipant | RemoveParticipant | SetPin | OpenTraining | AskParticipants
)


class CoachSettings(Struct, frozen=True, kw_only=True):
    """Where the service keeps things. `speed`: session seconds in each real one; other than 1 only in a demo.

    `in_force`: the machine's settings, which name its panel; None on a desk.
    """

    socket: Path
    diary: Path
    speed: float = 1.0
    free_floor_bytes: int = JournalSettings().free_floor_bytes
    in_force: InForce | None = None


class CoachService:
    """One running coach. `run` it once."""

    def __init__(
        self, settings: CoachSettings, plans: PlanRepository, make_strap: StrapMaker, place: CheckContext | None = None
    ) -> None:
        """Nothing is opened before `run`. `place`: where the machine looks at itself; this one, by default."""
        here = CheckContext(
            diary=settings.diary,
            identity=identity_folder(),
            socket=settings.socket,
            free_floor_bytes=settings.free_floor_bytes,
        )
        self._place = place or settled(here, settings.in_force)
        self._settings = settings
        self._plans = plans
        self._participants = ParticipantRegistry(settings.diary, plans)
        self._make_strap = make_strap
        self._disk = ThreadPoolExecutor(1, "straps")
        self._stop = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._view_timer: asyncio.TimerHandle | None = None
        self._alive_timer: asyncio.TimerHandle | None = None
        self._viewed_s = 0.0
        self._panels: Panels | None = None
        self._quiet_memory = False
        self._barrier = Barrier()
        self._log_of_findings = FindingsLog()
        self._notice = ServiceNotice()

    async def run(self) -> None:
        """Serve until a signal or a client says stop.

        Raises SocketError, JournalError; OSError or sqlite3.Error where the disk refuses.
        """
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop.set)
        speed = self._settings.speed
        self._clock = DemoClock(speed) if speed > 1 else ScaledClock(speed)
        stamps = SystemStampClock()
        self._server = LocalServer(
            self._settings.socket,
            Hello(FORMAT, own_version(), stamps.now().boot_id, os.getpid(), str(self._settings.diary.resolve())),
            self._heard,
        )
        self._server.open()
        try:
            in_force = self._settings.in_force
            journal_settings = JournalSettings(
                free_floor_bytes=self._settings.free_floor_bytes,
                keep_acknowledged_days=(Config() if in_force is None else in_force.config).diary.raw_kept_days,
            )
            self._journal = open_journal(
                self._settings.diary,
                self._settings.socket.parent,
                settings=journal_settings,
                on_state=self._saving_changed,
            )
        except BaseException:
            self._server.close()
            raise
        try:
            await self._serve(stamps)
        finally:
            self._server.close()
            self._participants.close()
            self._disk.shutdown(wait=False)
            if not self._journal.close(CLOSE_WITHIN_S):
                _log.error("The diary could not take everything before the end; what it has not is lost.")

    async def _serve(self, stamps: SystemStampClock) -> None:
        self._keeper = SessionController(
            plans=self._plans,
            journal=self._journal,
            clock=self._clock,
            stamps=stamps,
            outlet=self,
            speed=self._settings.speed,
            later=self._soon,
            check_pin=self._check_pin,
            budget=lambda: StepBudget(press_waits=self._press_waits),
            stop_budget=stop_budget,
            closures=self._participants.closures,
            courses=self._participants.courses,
            help_number=in_force.config.machine.help_number if (in_force := self._settings.in_force) else "",
        )
        strap = self._make_strap(self._clock, self._keeper.look, self._told_by_person)
        self._keeper.strap_name = strap.name
        if isinstance(strap, ChosenStrap):
            memory = StrapMemory(last_strap.folder_beside(self._settings.diary), self._disk.submit)
            self._keeper.choose_straps(StrapChoosing(strap, memory))
        self._health = self._look_after_machine(strap, stamps)
        self._tell_saving(self._journal.state)
        self._keeper.room = self._journal.no_room() is None
        set_switch_interval()
        set_realtime_priority()
        gc.collect()
        gc.freeze()
        _log.info("The coach is ready on %s.", self._settings.socket)
        self._notice.ready("Ready.")
        self._set_timer()
        self._tell_alive()
        tasks = [
            asyncio.create_task(self._run_strap(strap), name="strap"),
            asyncio.create_task(self._run_treadmill(strap), name="treadmill"),
            asyncio.create_task(self._watch_disk(), name="disk"),
            asyncio.create_task(self._health.run(), name="health"),
            asyncio.create_task(self._run_panels(), name="panels"),
        ]
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*tasks, stopped):
                task.cancel()
            for task in (*tasks, stopped):
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task
            self._notice.stopping()
            for timer in (self._timer, self._view_timer, self._alive_timer):
                if timer is not None:
                    timer.cancel()

    # The machine itself

    def _look_after_machine(self, strap: Strap, stamps: SystemStampClock) -> MachineHealth:
        health = MachineHealth(
            self._place,
            ask_diary=self._journal.ask,
            training=lambda: self._keeper.training,
            on_findings=self._machine_found,
        )
        health.strap = strap
        self._keeper.machine.on_look_again = health.look_again
        self._keeper.machine.on_answers = lambda answers: self._keep_answers(health, answers, stamps)
        return health

    def _machine_found(self, found: tuple[CheckFinding, ...], asked: bool) -> None:  # noqa: FBT001 - a callback
        for line in self._log_of_findings.news(found):
            _log.warning("%s", line)
        self._keeper.found(severe(found), lesser(found), show=asked)
        self._server.health(self._health.message())
        self._set_timer()

    def _keep_answers(self, health: MachineHealth, answers: dict[TriedPart, bool], stamps: SystemStampClock) -> None:
        try:
            health.answered(answers, stamps)
        except OSError as error:
            _log.warning("The self-test's answers could not be kept: %s", error)

    # The keeper's outlet

    def cue(self, cue: Cue, intervals: int, due_clock_s: float) -> None:
        """Say a cue to all who listen, at once."""
        due_s = self._clock.monotonic_s(due_clock_s)
        self._server.cue(CueNow(cue, intervals, due_s, time.monotonic()))

    def happened(self, events: tuple[AnyEvent, ...]) -> None:
        """Tell events to all who want them."""
        self._server.events(Happened(events))

    def changed(self, *, at_once: bool) -> None:
        """Show the new view soon, or in this very turn of the loop."""
        least_s = 1 / (FASTEST_VIEWS_PER_S if at_once else VIEWS_PER_S)
        due_s = max(self._loop.time(), self._viewed_s + least_s)
        if self._view_timer is not None:
            if self._view_timer.when() <= due_s:
                return
            self._view_timer.cancel()
        self._view_timer = self._loop.call_at(due_s, self._show)

    def _show(self) -> None:
        self._view_timer = None
        self._viewed_s = self._loop.time()
        if self._server.watched:
            self._barrier.run("view", lambda: self._server.view(self._view_now()), None)
        self._set_timer()

    def _view_now(self) -> ViewNow:
        view, in_force = self._keeper.view(), self._settings.in_force
        if view.face is ScreenId.MACHINE and in_force is not None and in_force.fault is not None:
            view = structs.replace(view, settings_fault=str(in_force.fault))
        return ViewNow(time.monotonic(), view, self._keeper.participant, self._keeper.session_id)

    # Time

    def _set_timer(self) -> None:
        """Sleep exactly until the session's next due moment."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_clock_s = self._keeper.next_due_clock_s()
        if due_clock_s is not None:
            # asyncio's loop counts by the monotonic clock, as the session does.
            self._timer = self._loop.call_at(self._clock.monotonic_s(due_clock_s), self._wake)
        self._mind_memory()

    def _wake(self) -> None:
        self._timer = None
        if self._barrier.run("time of the session", self._woke, otherwise=False):
            self._set_timer()
        else:
            # What failed may fail again at once: the loop must stay free for the buttons.
            self._timer = self._loop.call_later(WAKE_AGAIN_S, self._wake)

    def _woke(self) -> bool:
        self._keeper.wake()
        return True

    def _tell_alive(self) -> None:
        """Feed systemd's watchdog while this loop turns and the session's due moments are kept."""
        due_clock_s = self._keeper.next_due_clock_s()
        overdue_s = 0.0 if due_clock_s is None else (self._clock.now() - due_clock_s) / self._settings.speed
        if overdue_s <= MOST_OVERDUE_S:
            self._notice.alive()
        self._alive_timer = self._loop.call_later(self._notice.every_s, self._tell_alive)

    def _mind_memory(self) -> None:
        """No full collection while a session runs; one before it."""
        if self._keeper.training == self._quiet_memory:
            return
        self._quiet_memory = self._keeper.training
        gc.set_threshold(*_GENERATIONS, _NEVER if self._quiet_memory else 10)
        if not self._quiet_memory:
            gc.collect()

    # The strap

    async def _run_strap(self, strap: Strap) -> None:
        await strap.run(self._delivered)
        if isinstance(self._clock, DemoClock):
            self._clock.run_free()
        await asyncio.Event().wait()

    async def _run_treadmill(self, strap: Strap) -> None:
        """Read the treadmill where the settings say that it speaks FTMS; what fails there stops nothing else."""
        in_force = self._settings.in_force
        if in_force is not None and in_force.config.treadmill.ftms:
            treadmill = treadmill_beside(strap, in_force.config)
            self._health.treadmill = treadmill
            memory = TreadmillMemory(file_beside(self._settings.diary), self._disk.submit)
            judged = in_force.config.treadmill.units == "auto"

            def told(speed_kmh: float, incline_percent: float | None) -> None:
                before = memory.of(treadmill.address) if judged else "as_sent"
                said = self._barrier.run(
                    "treadmill", lambda: self._keeper.measured(speed_kmh, incline_percent, before), None
                )
                if judged and said is not None:
                    memory.keep(treadmill.address, said)
                self._set_timer()

            await treadmill.run(told)
        await asyncio.Event().wait()

    def _delivered(self, delivery: Delivery) -> None:
        self._barrier.run("machine health", self._health.strap_spoke, None)
        self._barrier.run("rate of the strap", lambda: self._keeper.deliver(delivery), None)
        self._set_timer()

    def _told_by_person(self, message: AnyMessage) -> None:
        # Mood and Borg of the whole session are asked on the panel.
        if not isinstance(message, Mood):
            with contextlib.suppress(MessageRefused):
                self._keeper.tell(message)
            self._set_timer()

    # Who trains

    def _about_participants(self, client: Client, message: AboutParticipants) -> None:
        match message:
            case GivePlan():
                kept = self._participants.give(message.plan, message.progress)
                self._keeper.refresh()
                self._when(kept, client, message, lambda _: client.answer(Done(message.request)))
            case WithdrawPlan():
                removed = self._participants.withdraw(message.participant)
                self._keeper.refresh()
                self._when(removed, client, message, lambda _: client.answer(Done(message.request)))
            case AskParticipants():
                self._give(client, message, self._participants.entries())
            case _:
                written, hold = self._participants.begin(message)
                self._when(written, client, message, lambda _: self._hold(client, message, hold))

    def _check_pin(self, participant: str, pin: str, then: Callable[[bool], None]) -> None:
        """Check a PIN outside the loop; the answer comes back to it."""

        def told(right: bool) -> None:  # noqa: FBT001 - the answer itself
            then(right)
            self._set_timer()

        self._participants.check_pin(participant, pin, lambda right: self._soon(lambda: told(right)))

    def _hold(self, client: Client, message: AnyToCoach, hold: Callable[[], None]) -> None:
        hold()
        self._keeper.refresh()
        client.answer(Done(message.request))

    # The panel

    async def _run_panels(self) -> None:
        in_force = self._settings.in_force
        if in_force is None:
            await asyncio.Event().wait()
            return
        await load_beside()
        self._panels = Panels(
            panels_of(in_force.config),
            press=self._pressed,
            type_digit=self._typed,
            on_stuck=self._health.stuck,
            on_states=self._health.panels,
        )
        await self._panels.run()

    def _press_waits(self) -> bool:
        """Whether a press of a button waits for the loop, which is busy with a step of the session just now."""
        return self._panels is not None and self._panels.press_waits

    def _pressed(self, button: Button) -> None:
        """Obey a button of the panel, in this very turn of the loop (hazard H6)."""
        self._barrier.run("press of a button", lambda: self._keeper.press(button), None)
        self._set_timer()

    def _typed(self, digit: int) -> None:
        self._barrier.run("digit", lambda: self._keeper.type_digit(digit), None)
        self._set_timer()

    # The disk

    async def _watch_disk(self) -> None:
        while True:
            if not self._keeper.training:
                room = await asyncio.to_thread(self._journal.no_room) is None
                if room != self._keeper.room:
                    self._keeper.room = room
                    self._keeper.refresh()
                self._keeper.save_again()
            self._server.look_after()
            await asyncio.sleep(LOOK_AT_DISK_EVERY_S)

    def _saving_changed(self, state: SaveState) -> None:
        """Take the word of the journal's thread that saving failed or works again."""
        self._soon(lambda: self._tell_saving(state))

    def _soon(self, act: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(act)

    def _tell_saving(self, state: SaveState) -> None:
        self._server.saving(Saving(state.status, state.reason))
        if hasattr(self, "_health"):
            self._health.saving(state.reason if state.status == "not_saved" else None)
        self.changed(at_once=True)

    # The socket

    def _heard(self, client: Client, message: AnyToCoach) -> None:
        if not hasattr(self, "_keeper"):
            client.answer(RequestRefusal("starting", "The coach is starting; ask again in a moment.", message.request))
            return
        try:
            self._answer(client, message)
        except (MessageRefused, PlanFileError, UnsafeNameError, PinError) as error:
            bad = "bad_pin" if isinstance(error, PinError) else "bad_plan"
            code = error.code if isinstance(error, MessageRefused) else bad
            client.answer(RequestRefusal(code, str(error), message.request))
        except JournalError as error:
            client.answer(RequestRefusal("journal", str(error), message.request))
        self._set_timer()

    def _answer(self, client: Client, message: AnyToCoach) -> None:
        match message:
            case Subscribe():
                if message.views:
                    client.answer(self._view_now())
                if message.saving:
                    state = self._journal.state
                    client.answer(Saving(state.status, state.reason))
                if message.health:
                    client.answer(self._health.message())
            case Press():
                refused = self._keeper.press(message.button)
                answer = Done(message.request) if refused is None else RequestRefusal("press", refused, message.request)
                client.answer(answer)
            case Tell():
                self._keeper.tell(message.message)
                client.answer(Done(message.request))
            case TypeDigit():
                refused = self._keeper.type_digit(message.digit)
                answer = Done(message.request) if refused is None else RequestRefusal("press", refused, message.request)
                client.answer(answer)
            case (
                GivePlan()
                | WithdrawPlan()
                | AddParticipant()
                | RemoveParticipant()
                | SetPin()
                | OpenTraining()
                | AskParticipants()
            ):
                self._about_participants(client, message)
            case ShowText():
                self._keeper.show_text(message.text, message.for_s)
                client.answer(Done(message.request))
            case NextUndelivered() | GiveReceipt() | ForgetReceipts():
                self._answer_courier(client, message)
            case AskSessions():
                page = self._journal.sessions(message.after, message.most or None)
                self._when(page, client, message, lambda lines: self._give(client, message, lines))
            case AskSession():
                asked = self._journal.session(message.session_id)
                self._when(asked, client, message, lambda record: self._give(client, message, record))
            case Devices() | AskHealth() | BeginSelfTest():
                self._answer_about_machine(client, message)
            case StopService():
                client.answer(Done(message.request))
                self._stop.set()
            case _ as unknown:
                assert_never(unknown)

    def _answer_courier(self, client: Client, message: NextUndelivered | GiveReceipt | ForgetReceipts) -> None:
        match message:
            case NextUndelivered():
                held = frozenset(message.held[:MOST_HELD])
                next_one = self._journal.next_undelivered(held)
                self._when(next_one, client, message, lambda found: self._hand_out(client, message, found))
                return
            case GiveReceipt():
                done = self._journal.acknowledge(message.session_id, message.revision, message.sha256)
            case ForgetReceipts():
                done = self._journal.forget_receipts(message.since_wall_s, message.until_wall_s)
        self._when(done, client, message, lambda found: client.answer(Done(message.request, found=found)))

    def _answer_about_machine(self, client: Client, message: Devices | AskHealth | BeginSelfTest) -> None:
        match message:
            case AskHealth():
                client.answer(self._health.message(message.request))
                return
            case Devices():
                self._health.devices(message)
                self._keeper.try_parts(self._health.parts)
            case BeginSelfTest():
                self._keeper.begin_self_test()
            case _ as unknown:
                assert_never(unknown)
        client.answer(Done(message.request))

    def _when(self, future: Future[Any], client: Client, message: AnyToCoach, act: Callable[[Any], None]) -> None:
        """Answer when the journal has, on the loop; a journal that cannot gives its reason."""

        # Takes the future as an argument: one that its own callback held would keep the answer until a full collection,
        # and there is none while a session runs.
        def finish(future: Future[Any]) -> None:
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or error is not None:
                code = "unknown_session" if isinstance(error, UnknownSessionError) else "journal"
                reason = str(error) if error is not None else "The diary is being closed."
                client.answer(RequestRefusal(code, reason, message.request))
            else:
                act(future.result())

        future.add_done_callback(lambda done: self._soon(lambda: finish(done)))

    def _hand_out(self, client: Client, message: AnyToCoach, delivery: SessionDelivery | None) -> None:
        if delivery is None:
            client.answer(NothingUndelivered(message.request))
            return
        receipt = delivery.receipt
        for piece in pieces(
            message.request,
            "delivery",
            delivery.document,
            session_id=receipt.session_id,
            revision=receipt.revision,
            sha256=receipt.sha256,
        ):
            client.answer(piece)

    def _give(self, client: Client, message: AnyToCoach, found: object) -> None:
        what: Literal["sessions", "session", "participants"] = "session"
        if isinstance(message, (AskSessions, AskParticipants)):
            what = "sessions" if isinstance(message, AskSessions) else "participants"
        for piece in pieces(message.request, what, msgspec.json.encode(found)):
            client.answer(piece)


@contextlib.contextmanager
def logging_apart(level: int = logging.INFO) -> Iterator[None]:
    """Log to standard error from a thread of its own, so that nobody waits for a terminal."""
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    out = logging.StreamHandler()
    out.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    listener = logging.handlers.QueueListener(lines, out)
    root = logging.getLogger()
    handler = logging.handlers.QueueHandler(lines)
    root.addHandler(handler)
    root.setLevel(level)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(handler)
        listener.stop()
