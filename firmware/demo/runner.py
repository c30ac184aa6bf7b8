"""`interval-coach demo`: a whole session with a simulated participant, through the same services as on the machine.

The demo is one more client on the coach's socket: it presses the buttons as a person would, shows the session in the
terminal, saves pictures of the screen, and ends what it started, whenever it is interrupted. A clinic's server of its
own (demo_clinic.py) receives the session at the end.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Literal

from msgspec import Struct
from rich.console import Console, RenderableType
from rich.live import Live

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.cue import Cue
from coach.model.summary import Summary
from firmware.commands.remote_diary import RemoteDiary
from firmware.commands.replay import show
from firmware.commands.terminal_view import TerminalFrame, clock, phase_name, terminal_view
from firmware.demo.clinic import DemoClinic, Stage, StoredByServer
from firmware.demo.person import DemoTrainee
from firmware.demo.pictures import DemoPictures
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import CueNow, Press, Subscribe, ViewNow
from firmware.journal.errors import JournalInUseError, JournalPlaceError
from firmware.journal.file import JournalLock
from firmware.journal.record import SessionRecord
from firmware.participants import protocol_files
from firmware.services.display_service import screen_kind
from firmware.services.session_controller import NO_ROOM
from firmware.simulation.strap import wearer_of
from firmware.system.errors import FirmwareError
from firmware.system.supervisor import Service, Supervisor

HEARD_UP_TO_SPEED = 3.0
"""Faster than this, phrases would run into each other: the demo is then silent."""

COACH_WITHIN_S = 15.0
SAVED_WITHIN_S = 30.0
READY_WITHIN_S = 5.0
DELIVERED_WITHIN_S = 20.0
LOOKS_FOR_RECEIPT_EVERY_S = 0.2
LAST_LOOK_S = 1.5

FRAMES_PER_S = 8.0


class DemoError(FirmwareError):
    """The demo could not be run to its end."""


class MachineDemoSettings(Struct, frozen=True, kw_only=True):
    """What is shown, and how. `participant` is KIND,SEED."""

    speed: float = 30.0
    output: Path = Path("demo-output")
    protocol: str = "4x4"
    participant: str = "ordinary,20"
    language: Literal["nb", "en"] = "nb"
    headless: bool = False
    sound: bool = True
    server: bool = True


class Demo:
    """One demonstration. `run` it once."""

    def __init__(self, settings: MachineDemoSettings) -> None:
        """Nothing is started before `run`."""
        self._settings = settings
        self._console = Console(highlight=False)
        self._told = Console(stderr=True, highlight=False)
        self._output = settings.output
        self._diary = settings.output / "diary.db"
        self._log = settings.output / "services.log"
        self._clinic: DemoClinic | None = None
        self._clinic_said = ""
        self._kept: SessionRecord | None = None
        self._stored: StoredByServer | None = None
        self._view: DisplayState | None = None
        self._said = ""
        self._pictures = DemoPictures(settings.output / "screens")
        self._person = DemoTrainee()
        self._training_began = False
        self._summary: Summary | None = None
        self._elapsed_s = 0.0

    def run(self) -> int:
        """Run to the end, or to Ctrl-C. Gives the exit status. Raises FirmwareError."""
        protocol_files.load(self._settings.protocol)
        strap = f"simulated:{self._settings.participant}"
        wearer_of(strap)
        self._prepare()
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        folder = Path(tempfile.mkdtemp(prefix="interval-coach-"))
        try:
            return self._run(folder, strap)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self) -> None:
        try:
            self._output.mkdir(parents=True, exist_ok=True)
            # Before anything of an earlier demo is removed: that one may still be running.
            JournalLock(self._diary).release()
            self._pictures.prepare()
            self._log.write_bytes(b"")
        except JournalInUseError as error:
            raise DemoError(
                f"{self._output}: another demo is running there. Let it end, or name another folder with --output."
            ) from error
        except JournalPlaceError as error:
            raise DemoError(
                f"{self._output}: the demo's folder cannot be written. Name another with --output."
            ) from error
        except OSError as error:
            raise DemoError(
                f"{self._output}: the demo's folder cannot be written ({error.strerror}). Name another with --output."
            ) from error

    def _run(self, folder: Path, strap: str) -> int:
        socket = folder / "coach.sock"
        summary: Summary | None = None
        plotted = False
        if self._settings.server:
            self._clinic = DemoClinic(self._output / "clinic", folder / "identity", self._output / "server.log")
        with self._log.open("ab") as log:
            supervisor = Supervisor(self._services(socket, folder, strap, log.fileno()))
            try:
                if self._clinic is not None:
                    self._clinic.start()
                supervisor.start()
                with self._shown() as live:
                    summary = self._lead(socket, supervisor, live)
                with self._console.status("The plot is being drawn, and the session delivered …"):
                    plotted = self._plot(socket)
                    self._deliver(socket)
            except KeyboardInterrupt:
                self._end(supervisor)
                self._tell_interrupted(summary)
                return 130
            finally:
                self._end(supervisor)
        self._tell_end(summary, plotted=plotted)
        return 0

    def _end(self, supervisor: Supervisor) -> None:
        """End all that was started, the machine before its server."""
        with _undisturbed():
            supervisor.end()
            if self._clinic is not None:
                self._clinic.end()

    def _services(self, socket: Path, folder: Path, strap: str, log: int) -> list[Service]:
        settings = self._settings
        silent = not settings.sound or settings.speed > HEARD_UP_TO_SPEED
        coach = ["coach", "--socket", str(socket), "--diary", str(self._diary), "--strap", strap]
        coach += ["--protocol", settings.protocol, "--language", settings.language, "--plans", str(folder / "none")]
        coach += ["--speed", f"{settings.speed:g}", "--free-floor-mb", "8"]
        display = ["display", "--socket", str(socket), "--language", settings.language, "--oled", "none"]
        # The terminal shows it where there is no desktop: a picture that nobody sees is then no fault.
        display += ["--screen", "headless" if settings.headless else screen_kind("auto").replace("_", "-")]
        display += ["--no-sound"] if silent else []
        sync = ["sync", "--socket", str(socket), "--identity", str(folder / "identity")]
        return [
            Service("coach", coach, log),
            Service("display", display, log),
            # Never with this computer's own identity: a demo's session is nothing for a real clinic.
            Service("sync", [*sync, "--server-is-here"], log),
        ]

    # While it runs

    @contextlib.contextmanager
    def _shown(self) -> Iterator[Live | None]:
        """Show the live view in a terminal; elsewhere plain lines are printed instead."""
        window = not self._settings.headless and screen_kind("auto") == "window"
        where = "The screen is in its own window." if window else "There is no desktop here: the terminal shows it."
        self._console.print(
            f"A whole session with a simulated participant, {self._settings.speed:g} times as fast. {where} "
            "Ctrl-C ends it.",
            soft_wrap=True,
        )
        if not self._console.is_terminal:
            yield None
            return
        with Live(
            self._picture(), console=self._console, refresh_per_second=FRAMES_PER_S, auto_refresh=False, transient=True
        ) as live:
            yield live

    def _picture(self) -> RenderableType:
        settings = self._settings
        who = self._view.nickname if self._view is not None and self._view.nickname else settings.participant
        title = f"{settings.protocol} · {who}"
        return terminal_view(
            self._view, TerminalFrame(title, settings.speed, self._said, self._pictures.count, self._clinic_said)
        )

    def _lead(self, socket: Path, supervisor: Supervisor, live: Live | None) -> Summary | None:
        """Press what a person would press, until the session is saved. Raises DemoError where the services fail."""
        link = self._connect(socket, supervisor)
        shown_s, not_saved_since_s, not_ready_since_s = 0.0, None, None
        try:
            while True:
                self._look_after(supervisor)
                self._look_after_clinic(live)
                try:
                    messages = link.receive(1 / FRAMES_PER_S)
                except NoCoachError:
                    link.close()
                    link = self._connect(socket, supervisor)
                    continue
                for message in messages:
                    if isinstance(message, CueNow):
                        self._hear(message.cue, message.intervals, live)
                    elif isinstance(message, ViewNow):
                        self._see(message.view, live)
                now_s = time.monotonic()
                if live is not None and now_s - shown_s >= 1 / FRAMES_PER_S:
                    shown_s = now_s
                    live.update(self._picture(), refresh=True)
                if self._view is None:
                    continue
                if self._training_began and self._view.face is ScreenId.CHOOSE_PARTICIPANT:
                    # Signed out already: the session is over, and another one is not what was asked for.
                    return self._summary
                if self._view.face is not ScreenId.SELF_TEST_FAILED:
                    not_ready_since_s = None
                elif now_s - (not_ready_since_s := not_ready_since_s or now_s) > READY_WITHIN_S:
                    raise DemoError(self._not_ready())
                for button in self._person.presses(self._view, now_s):
                    link.say(Press(button=button))
                if self._person.finished(self._view):
                    if self._view.saved == "saved":
                        return self._last_look(link, live)
                    not_saved_since_s = not_saved_since_s or now_s
                    if now_s - not_saved_since_s > SAVED_WITHIN_S:
                        raise DemoError(
                            f"The session was not saved within {SAVED_WITHIN_S:g} s: is the disk of {self._output} "
                            f"full? What the services said is in {self._log}."
                        )
        finally:
            link.close()

    def _last_look(self, link: CoachLink, live: Live | None) -> Summary | None:
        """Let the person see the end before the window goes."""
        view = self._view
        assert view is not None  # noqa: S101 - the session has ended in front of us
        self._pictures.save(view, "ended")
        if live is not None:
            live.update(self._picture(), refresh=True)
        with contextlib.suppress(NoCoachError):
            link.receive(LAST_LOOK_S)
        return None if view.snapshot is None else view.snapshot.summary

    def _connect(self, socket: Path, supervisor: Supervisor) -> CoachLink:
        until_s = time.monotonic() + COACH_WITHIN_S
        while True:
            self._look_after(supervisor)
            try:
                link = CoachLink(socket)
                link.say(Subscribe(views=True, cues=True))
            except NoCoachError:
                if time.monotonic() > until_s:
                    raise DemoError(
                        f"The coach did not start within {COACH_WITHIN_S:g} s. {self._last_words()}"
                    ) from None
                time.sleep(0.05)
            else:
                return link

    def _look_after(self, supervisor: Supervisor) -> None:
        gone = supervisor.look_after()
        if gone is not None and gone[0].name == "coach":
            raise DemoError(f"The coach ended. {self._last_words()}")
        if gone is not None and gone[0].name == "display" and gone[1] == 0:
            # The window was closed: that is how somebody says «enough».
            raise KeyboardInterrupt

    def _look_after_clinic(self, live: Live | None) -> None:
        """Let the clinic take its next step; without a terminal, say when it stands and why it does not."""
        if self._clinic is None:
            return
        self._clinic.look_after()
        if self._clinic.said != self._clinic_said:
            self._clinic_said = self._clinic.said
            if live is None and (self._clinic.trouble or self._clinic.stage is Stage.READY):
                self._console.print(f"        {self._clinic_said}", markup=False, soft_wrap=True)

    def _not_ready(self) -> str:
        """Why no session can be begun."""
        assert self._view is not None  # noqa: S101 - its face said that the self-test failed
        if NO_ROOM in self._view.findings:
            return (
                f"The disk of {self._output} is too full for a session to be kept. Name another folder with --output."
            )
        return f"The machine's self-test failed ({', '.join(self._view.findings)}). {self._last_words()}"

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"Its last words: {lines[-1]}" if lines else f"See {self._log}."

    def _see(self, view: DisplayState, live: Live | None) -> None:
        before = self._view
        self._view = view
        snapshot = view.snapshot
        if snapshot is not None and view.face is ScreenId.SESSION:
            self._training_began = True
            self._elapsed_s = snapshot.session_elapsed_s
        if snapshot is not None and snapshot.summary is not None:
            self._summary = snapshot.summary
        self._pictures.look(view)
        if live is None:
            self._print_change(before, view)

    def _print_change(self, before: DisplayState | None, view: DisplayState) -> None:
        """Without a terminal: one line for each new face and phase."""
        snapshot, was = view.snapshot, None if before is None else before.snapshot
        if view.face is ScreenId.SESSION and snapshot is not None:
            known = before is not None and before.face is ScreenId.SESSION and was is not None
            if not (known and was is not None and was.phase_index == snapshot.phase_index):
                rate = "–" if snapshot.bpm is None else f"{snapshot.bpm:.0f} bpm"
                self._console.print(f"{clock(snapshot.session_elapsed_s):>6}  {phase_name(snapshot)} ({rate})")
        elif before is None or before.face is not view.face:
            self._console.print(f"        {view.face.value.replace('_', ' ')}")

    def _hear(self, cue: Cue, intervals: int, live: Live | None) -> None:
        from display.sound.phrases import catalogue, phrase_keys  # noqa: PLC0415 - needed once there is something to hear

        keys = phrase_keys(cue, intervals)
        if not keys:
            return
        self._said = catalogue(self._settings.language).sentence(keys)
        if live is None:
            self._console.print(f"        «{self._said}»", markup=False)

    # Afterwards

    def _plot(self, socket: Path) -> bool:
        """Draw the plot of the session that has just been saved."""
        from firmware.commands.session_plot import draw  # noqa: PLC0415 - matplotlib takes a second, and is needed only now

        diary = RemoteDiary(socket)
        with contextlib.closing(diary):
            lines = diary.sessions()
            record = diary.session(lines[-1].session_id)
        draw(record, self._output / "session.png", self._settings.language)
        return True

    def _deliver(self, socket: Path) -> None:
        """Wait until the machine's diary has the server's receipt, and ask the server what it stored."""
        clinic = self._clinic
        if clinic is None:
            return
        ready_s: float | None = None
        with contextlib.closing(RemoteDiary(socket)) as diary:
            while not clinic.trouble:
                clinic.look_after()
                line = diary.sessions()[-1]
                if line.delivered:
                    self._kept = diary.session(line.session_id)
                    self._stored = clinic.stored(line.session_id)
                    return
                if clinic.stage is Stage.READY:
                    ready_s = ready_s or time.monotonic()
                    if time.monotonic() - ready_s > DELIVERED_WITHIN_S:
                        return
                time.sleep(LOOKS_FOR_RECEIPT_EVERY_S)

    def _tell_end(self, summary: Summary | None, *, plotted: bool) -> None:
        if summary is not None:
            self._console.print()
            show(summary, self._console)
        self._console.print()
        self._tell_delivery()
        self._say("Diary", self._diary)
        if self._clinic is not None and self._clinic.made:
            self._say("Clinic", f"{self._output / 'clinic'}{os.sep}")
        self._say("Screen", f"{self._pictures.folder}{os.sep} ({self._pictures.count} pictures)")
        if plotted:
            self._say("Plot", self._output / "session.png")
        self._console.print()
        self._console.print("Go on:")
        own, server = _typed("interval-coach"), _typed("interval-coach-server")
        ways = [
            (f"{own} sessions --diary {self._diary} show last", "the session, interval by interval"),
            (f"{own} sessions --diary {self._diary} export last --format fit", "for other programs"),
            (f"{own} run", "the machine itself, at real speed: press Enter to begin"),
        ]
        if self._stored is not None:
            what = "what the clinic's server has stored, from every demo"
            ways.insert(2, (f"{server} sessions --dir {self._output / 'clinic'}", what))
        for command, what in ways:
            self._console.print(f"  {command}", style="bold", markup=False, soft_wrap=True)
            self._console.print(f"      {what}", style="bright_black", markup=False, soft_wrap=True)

    def _tell_delivery(self) -> None:
        """Say the session as the server has it, and what the diary says."""
        if self._clinic is None:
            return
        kept, stored = self._kept, self._stored
        if kept is None or stored is None:
            why = self._clinic.trouble or (
                "The session was not delivered in time; it stays in the diary. What the server said is in "
                f"{self._output / 'server.log'}."
            )
            self._console.print(why, markup=False, soft_wrap=True)
            self._console.print()
            return
        same = kept.sha256 == stored.sha256 and kept.revision == stored.revision
        receipt = "the same SHA-256 as in the diary" if same else "NOT THE SAME SHA-256 AS IN THE DIARY"
        when = datetime.fromtimestamp(stored.stored_wall_s).astimezone()
        self._console.print("Stored by the clinic's server", style="bold")
        for name, value in (
            ("Session", stored.session_id),
            ("Revision", stored.revision),
            ("Stored at", f"{when:%Y-%m-%d %H:%M:%S}"),
            ("Receipt", f"{stored.sha256[:16]}…, {receipt}"),
        ):
            self._console.print(f"  {name:10} {value}", markup=False, soft_wrap=True)
        self._console.print()

    def _tell_interrupted(self, summary: Summary | None) -> None:
        told = self._told
        told.print("\nEnded.", style="bold")
        if summary is not None:
            told.print(f"The session is complete and saved in {self._diary}.", soft_wrap=True)
        elif self._training_began:
            told.print(
                f"The session so far ({clock(self._elapsed_s)}) is kept in {self._diary}, as unfinished.",
                soft_wrap=True,
            )
        else:
            told.print("No session had begun, so there is none to keep.")
        if self._clinic is not None and self._clinic.made:
            told.print(f"The demo's clinic is kept in {self._output / 'clinic'}.", markup=False, soft_wrap=True)
        if not (summary is not None or self._training_began):
            return
        see = f"{_typed('interval-coach')} sessions --diary {self._diary} show last"
        told.print(f"See it: {see}", markup=False, soft_wrap=True)

    def _say(self, name: str, value: object) -> None:
        self._console.print(f"{name + ':':9}{value}", markup=False, soft_wrap=True)


def _typed(name: str) -> str:
    """How a person must type this command here: its name alone where it is on the path, else with its folder."""
    own = Path(sys.executable).with_name(name)
    if shutil.which(name) == str(own) or not own.exists():
        return name
    return str(own.relative_to(Path.cwd())) if own.is_relative_to(Path.cwd()) else str(own)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C stop the closing, which takes some seconds at most."""
    before = [(number, signal.signal(number, signal.SIG_IGN)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
