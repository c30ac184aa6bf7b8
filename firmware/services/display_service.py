"""The display service: shows what the coach streams on screen, small screen and lamp, and sounds its cues.

Theory of operation. Three threads, so that no picture and no driver delays a sound: the link's receives, sounds cues at
once and keeps the newest view; the main one draws the screen and reads its keys, as SDL wants it; the third sends to
the small screen and the lamp. A part that fails is told of once, tried again, and hurts no other. Without a coach the
link connects again for ever. What a session showed last is marked as old by the screen itself; after
`COACH_SILENT_S` without a word of the coach, screen, small screen, lamp and sound say by themselves what to do (H8).
"""

import contextlib
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from coach.kiosk.view import Button, DisplayState, ScreenId
from coach.model.cue import Cue, CueName
from display.texts import AnchorFileError, load_anchors
from firmware.config.schema import Config
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import CueNow, Press, Subscribe, TypeDigit, ViewNow
from firmware.services.display_hardware import (
    Connectors,
    buzzer_of,
    connectors_of,
    lamp_of,
    music_of,
    oled_of,
    prepare_environment,
    shown_through,
    sound_signs,
)
from firmware.services.output_health import DisplayParts
from firmware.system.errors import FirmwareError
from firmware.system.retry import LossLogger, RetryDelay
from firmware.system.scheduling import nicer, set_realtime_priority, set_switch_interval
from firmware.system.sd_notify import ServiceNotice

if TYPE_CHECKING:
    from display.lamp.pattern import LampState
    from display.oled.renderer import Oled
    from display.output.window import Window
    from display.sound.buzzer import Buzzer
    from display.sound.mixer import CuePlayer

_log = logging.getLogger(__name__)

CUE_IS_OLD_S = 2.0
RETRY_LINK_S = 0.25
RETRY_PART_S, LONGEST_RETRY_S = 3.0, 30.0
PATIENCE_S = 3.0
"""So long without a coach the screen waits quietly: it is starting, or being started again."""

COACH_SILENT_S = 20.0
"""So long without a coach in a session, and the display says by itself what to do. systemd starts one again in 10 s."""

LINK_TURNS_WITHIN_S = 20.0
"""The link's thread turns every second or two; one that has not for so long sounds no cue any more."""

SMALL_EVERY_S = 0.25
LAMP_EVERY_S = 0.05
NO_COACH = DisplayState(face=ScreenId.SELF_TEST_FAILED, findings=("coach",))
SILENT_COACH = DisplayState(face=ScreenId.SELF_TEST_FAILED, findings=("coach_silent",))

ScreenKind = Literal["auto", "window", "full_screen", "headless"]
OledKind = Literal["auto", "none", "emulated", "ssd1306", "sh1106"]


class DisplayRequestError(FirmwareError):
    """What the display service was asked for cannot be."""


class DisplaySettings(Struct, frozen=True, kw_only=True):
    """How to show. `size` in pixels; None: the usual one, or the whole display where it is full.

    `no_screen`: this machine is meant to have none, so that nobody misses it. `config`: the machine's settings, which
    name its real parts; None on a desk.
    """

    socket: Path
    screen: ScreenKind = "auto"
    size: tuple[int, int] | None = None
    language: Literal["nb", "en"] = "nb"
    sound: bool = True
    voices: tuple[Path, ...] = ()
    oled: OledKind = "auto"
    no_screen: bool = False
    config: Config | None = None


class Light(Protocol):
    """A lamp of real light."""

    def show(self, state: "LampState", brightness: float) -> None:
        """Shine so, 0 to 1. Raises OSError where the lamp is gone."""
        ...

    def close(self) -> None:
        """Go dark. Never raises."""
        ...


def _load_words(config: Config | None) -> None:
    """Load a clinic's own words for the exertion scale, where the settings name a file; a bad one is logged."""
    if config is None or not config.screen.exertion_words:
        return
    try:
        load_anchors(Path(config.screen.exertion_words))
    except AnchorFileError as error:
        _log.warning("The exertion scale keeps its own words: %s", error)


class LatestValue:
    """The newest view, for threads that want it. `fileno` can be waited for by one of them."""

    def __init__(self) -> None:
        """Nothing has been shown yet."""
        self.view: DisplayState | None = None
        self.alone_since_s: float | None = time.monotonic()
        self._renewed_s = time.monotonic()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """For `select`."""
        return self._wake

    def put(self, view: DisplayState) -> None:
        """Show this now."""
        self.view = view
        self._renewed_s = time.monotonic()
        self.alone_since_s = None
        self.wake()

    def alone(self) -> None:
        """Note that the coach has gone."""
        if self.alone_since_s is None:
            self.alone_since_s = time.monotonic()
        self.wake()

    def wake(self) -> None:
        """Let the one who waits look again."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._wake, 1)

    def seen(self) -> None:
        """Note that the one who waited has looked."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)

    def silent(self, now_s: float) -> bool:
        """Return whether a person may be on the belt, and no coach has said anything for `COACH_SILENT_S`.

        While a session runs each second brings a view, so that a coach that hangs is noticed like one that is gone.
        """
        view = self.view
        if view is None or view.face not in (ScreenId.SESSION, ScreenId.GO_ON):
            return False
        runs = view.snapshot is not None and view.snapshot.stage == "running" and view.face is ScreenId.SESSION
        since_s = self._renewed_s if runs else self.alone_since_s
        return since_s is not None and now_s - since_s >= COACH_SILENT_S

    def to_show(self, now_s: float) -> DisplayState | None:
        """Return what to show: the coach's view, or that it is not there; None while there is nothing to say."""
        view, since_s = self.view, self.alone_since_s
        if view is not None and self.silent(now_s):
            return replace(SILENT_COACH, language=view.language)
        if since_s is None or (view is not None and view.face in (ScreenId.SESSION, ScreenId.GO_ON)):
            return view
        if now_s - since_s < PATIENCE_S:
            return view
        return NO_COACH if view is None else replace(NO_COACH, language=view.language)


class DisplayService:
    """Shows and sounds until told to stop. `run` must be called by the main thread."""

    def __init__(
        self,
        settings: DisplaySettings,
        *,
        lights: tuple[Light, ...] = (),
        buzzer: "Buzzer | None" = None,
        connectors: Connectors | None = None,
        on_drawn: Callable[[DisplayState], None] | None = None,
    ) -> None:
        """Nothing is opened before `run`.

        `connectors`: tells of displays that come and go where no desktop does. `on_drawn` is told each view that has
        reached the screen.
        """
        self._settings = settings
        self._lights = lights
        self._buzzer = buzzer
        self._connectors = connectors
        self._on_drawn = on_drawn
        self._newest = LatestValue()
        self._stopping = False
        self._shown = False
        self._stop = threading.Event()
        self._small = threading.Event()
        self._link: CoachLink | None = None
        self._sound: CuePlayer | None = None
        self._small_thread: threading.Thread | None = None
        self._parts = DisplayParts()
        self._notice = ServiceNotice()
        self._link_turned_s = time.monotonic()
        self._said_silent = False

    def stop(self) -> None:
        """End `run` soon. Takes no lock, so that a signal's handler may call it."""
        self._stopping = True
        self._newest.wake()

    def run(self) -> None:
        """Show until `stop`, or until the window is closed."""
        link = threading.Thread(target=self._receive, name="link", daemon=True)
        link.start()
        oled = self._oled()
        if oled is None:
            self._parts.note("oled", "off")
        if not self._lights:
            self._parts.note("lamp", "off")
        if oled is not None or self._lights:
            self._small_thread = threading.Thread(target=self._show_small, args=(oled,), name="small", daemon=True)
            self._small_thread.start()
        try:
            self._show_screen()
        finally:
            self._notice.stopping()
            self._stop.set()
            self._small.set()
            if self._sound is not None:
                self._sound.close()
            if self._buzzer is not None:
                self._buzzer.close()
            if self._small_thread is not None:
                # The lamp goes dark and the small screen too, unless its bus hangs.
                self._small_thread.join(timeout=1.0)

    # The link's thread

    def _receive(self) -> None:
        set_realtime_priority()
        said = LossLogger("The coach")
        while not self._stop.is_set():
            try:
                with CoachLink(self._settings.socket) as link:
                    link.say(Subscribe(views=True, cues=True))
                    self._link = link
                    self._parts.forget()
                    said.back()
                    while not self._stop.is_set():
                        self._link_turned_s = time.monotonic()
                        self._take(link)
                        self._sound_silence()
                        self._tell_parts(link)
            except NoCoachError as error:
                said.lost(error)
            finally:
                self._link = None
            self._link_turned_s = time.monotonic()
            self._newest.alone()
            self._sound_silence()
            self._stop.wait(RETRY_LINK_S)

    def _take(self, link: CoachLink) -> None:
        """Sound every cue at once; keep the newest view only."""
        newest: DisplayState | None = None
        for message in link.receive(1.0):
            match message:
                case CueNow():
                    self._play(message)
                case ViewNow():
                    newest = message.view
                case _:
                    pass
        if newest is not None:
            if self._sound is not None:
                self._sound.speak(newest.language)
                now = newest.snapshot
                if now is not None and any(limit.name == "no_faster" for limit in now.limits):
                    self._sound.drop_urging()
            self._newest.put(newest)
            self._small.set()

    def _tell_parts(self, link: CoachLink) -> None:
        """Send the heartbeat: which parts work."""
        sound = self._sound
        if sound is not None and not self._settings.sound:
            self._parts.note("sound", "off")
        elif sound is not None and (sound.alive or sound.wait_until_ready(0)):
            self._parts.note_working("sound", works=sound.alive)
        devices = self._parts.to_say(time.monotonic())
        if devices is not None:
            link.say(devices)

    def _play(self, now: CueNow) -> None:
        if time.monotonic() - now.said_s > CUE_IS_OLD_S:
            return
        self._sound_cue(now.cue, now.intervals)

    def _sound_cue(self, cue: Cue, intervals: int) -> None:
        if self._sound is not None:
            self._sound.play(cue, intervals)
        if self._buzzer is not None and self._buzzes():
            self._buzzer.play(cue)

    def _sound_silence(self) -> None:
        """Say once, with a tone, that no coach answers in a session. Music ends as soon as none is connected."""
        silent = self._newest.silent(time.monotonic())
        if self._sound is not None:
            self._sound.follow(None if silent or self._link is None else self._newest.view)
        if silent and not self._said_silent:
            _log.warning("The coach is silent for %g s in a session: the display says what to do.", COACH_SILENT_S)
            self._sound_cue(Cue(0.0, CueName.MACHINE_SILENT), 0)
            self._newest.wake()
            self._small.set()
        self._said_silent = silent

    def _buzzes(self) -> bool:
        """Whether the buzzer is heard too: where no speaker is, or where the settings want both."""
        config, sound = self._settings.config, self._sound
        return (config is not None and not config.buzzer.only_without_speaker) or sound is None or not sound.alive

    def _press(self, buttons: tuple[Button | int, ...]) -> None:
        link = self._link
        for button in buttons:
            if link is not None:
                with contextlib.suppress(NoCoachError, ValueError):
                    link.say(Press(button=button) if isinstance(button, Button) else TypeDigit(digit=button))

    # The main thread

    def _show_screen(self) -> None:
        said, backoff = LossLogger("The screen"), RetryDelay(RETRY_PART_S, LONGEST_RETRY_S)
        window: Window | None = None
        retry_at_s = 0.0
        # The sound's package is the screen's too: both are loaded once the link is on its way.
        self._sound = self._open_sound()
        self._notice.ready("Ready.")
        while not self._stopping:
            now_s = time.monotonic()
            if now_s - self._link_turned_s <= LINK_TURNS_WITHIN_S:
                self._notice.alive()
            try:
                if self._connectors is not None and self._connectors.changed(now_s):
                    if window is not None:
                        said.lost("a display was plugged in or out")
                        window.close()
                    window, retry_at_s = None, now_s
                if window is None and now_s >= retry_at_s:
                    window = self._open_window(said)
                    backoff.works()
                wait_s = RETRY_PART_S if window is None else self._draw(window)
                self._note_screen(window)
            except Exception as error:  # noqa: BLE001 - whatever the driver does, sound and lamp must go on
                said.lost(error)
                if window is not None:
                    with contextlib.suppress(Exception):
                        window.close()
                self._note_screen(None)
                window, retry_at_s, wait_s = None, time.monotonic() + backoff.pause_s(), RETRY_PART_S
            if window is not None and window.closed:
                break
            select.select([self._newest], [], [], min(wait_s, self._notice.every_s))
            self._newest.seen()
        if window is not None:
            window.close()

    def _note_screen(self, window: "Window | None") -> None:
        """Count a picture that no person can see as no screen, save where it was asked for: another shows it then."""
        if self._settings.no_screen:
            self._parts.note("screen", "off")
        else:
            hidden = window is not None and window.kind == "headless" and self._settings.screen == "auto"
            self._parts.note_working("screen", works=window is not None and not hidden)

    def _draw(self, window: "Window") -> float:
        self._press(window.buttons())
        now_s = time.monotonic()
        view = self._newest.to_show(now_s)
        if view is not None:
            changed = window.show(view, now_s)
            if changed and not self._shown:
                self._shown = True
                _log.info("The first picture is shown.")
            if changed and self._on_drawn is not None:
                self._on_drawn(view)
        return window.wait_s

    def _open_window(self, said: LossLogger) -> "Window":
        from display.output.window import Window  # noqa: PLC0415 - loaded beside the link's first words

        kind, config = screen_kind(self._settings.screen), self._settings.config
        _load_words(config)
        if config is None:
            window = Window(kind, self._settings.size, self._settings.language)
        else:
            window = Window(
                kind,
                self._settings.size,
                self._settings.language,
                turned=config.screen.turned,
                display=config.screen.display,
                connector=config.screen.connector,
                through=shown_through(config) if kind == "full_screen" else "surface",
            )
        said.back()
        return window

    def _open_sound(self) -> "CuePlayer":
        from display.sound.mixer import MixerSound, SilentSound  # noqa: PLC0415 - as above

        if not self._settings.sound:
            return SilentSound(self._settings.language)
        config = self._settings.config
        if config is None:
            return MixerSound(self._settings.voices, self._settings.language)
        return MixerSound(
            self._settings.voices,
            self._settings.language,
            config.sound.volume,
            signs=sound_signs(config),
            music=music_of(config),
        )

    # The small screen's and the lamp's thread

    def _oled(self) -> "Oled | None":
        kind, config = self._settings.oled, self._settings.config
        if config is not None and kind == config.oled.driver:
            return oled_of(config)
        if kind == "none" or (kind == "auto" and not Path("/dev/i2c-1").exists()):
            return None
        from display.oled.device import OledPanel  # noqa: PLC0415 - as above
        from display.oled.renderer import Oled, open_emulated  # noqa: PLC0415 - only where there is a small screen

        if kind == "emulated":
            return Oled(open_emulated)
        return Oled(OledPanel("sh1106" if kind == "sh1106" else "ssd1306").open)

    def _show_small(self, oled: "Oled | None") -> None:
        said_oled, said_lamp = LossLogger("The small screen"), LossLogger("The lamp")
        next_picture_s = 0.0
        while not self._stop.is_set():
            self._small.wait(LAMP_EVERY_S if self._lights else 1.0)
            self._small.clear()
            now_s = time.monotonic()
            view = self._newest.to_show(now_s)
            if view is None:
                continue
            if oled is not None and now_s >= next_picture_s:
                next_picture_s = now_s + SMALL_EVERY_S
                try:
                    oled.draw(view)
                except Exception as error:  # noqa: BLE001 - whatever the driver does, the rest must go on
                    said_oled.lost(error)
                    self._note_oled(works=False)
                else:
                    self._parts.oled_at = oled.answering
                    self._note_oled(works=oled.alive)
                    if oled.alive:
                        said_oled.back()
                    else:
                        said_oled.lost("no panel answers")
            self._shine(view, now_s, said_lamp)
        if oled is not None:
            oled.close()
        for light in self._lights:
            light.close()

    def _note_oled(self, *, works: bool) -> None:
        """Where it was only looked for, nobody misses it."""
        if works or self._settings.oled != "auto":
            self._parts.note_working("oled", works=works)
        else:
            self._parts.note("oled", "off")

    def _shine(self, view: DisplayState, now_s: float, said: LossLogger) -> None:
        if not self._lights:
            return
        from display.lamp.pattern import brightness_at, lamp  # noqa: PLC0415 - only where there is a lamp

        state = lamp(view, now_s)
        try:
            for light in self._lights:
                light.show(state, brightness_at(state, now_s))
        except Exception as error:  # noqa: BLE001 - as above
            said.lost(error)
            self._parts.note_working("lamp", works=False)
        else:
            said.back()
            self._parts.note_working("lamp", works=True)


def screen_kind(
    wanted: ScreenKind, environment: Mapping[str, str] = os.environ
) -> Literal["window", "full_screen", "headless"]:
    """Return what to open: a window where there is a desktop, else a picture that nobody sees."""
    if wanted != "auto":
        return wanted
    if environment.get("SDL_VIDEODRIVER") == "dummy":
        return "headless"
    return "window" if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY") else "headless"


def view_now(socket: Path, timeout_s: float = 3.0) -> DisplayState:
    """Ask the coach what is shown now. Raises NoCoachError, with a sentence for the person who asked."""
    with CoachLink(socket) as link:
        link.say(Subscribe(views=True))
        until_s = time.monotonic() + timeout_s
        while (left_s := until_s - time.monotonic()) > 0:
            for message in link.receive(left_s):
                if isinstance(message, ViewNow):
                    return message.view
    raise NoCoachError(f"The coach on {socket} did not answer within {timeout_s:g} s.")


def save_png(view: DisplayState, path: Path, size: tuple[int, int] = (1280, 720)) -> None:
    """Draw a view as the screen shows it. Raises DisplayError where the file cannot be written."""
    import pygame  # noqa: PLC0415 - as above

    from display.renderer import ScreenRenderer  # noqa: PLC0415 - pictures are drawn only when somebody wants one

    pygame.font.init()
    screen = ScreenRenderer(size, view.language)
    screen.draw(view, time.monotonic())
    try:
        screen.save_png(path)
    except (OSError, pygame.error) as error:
        raise DisplayRequestError(f"{path} could not be written: {error}. Name another place.") from error


def serve(settings: DisplaySettings) -> int:
    """Run the service until a signal says stop. Gives the exit status."""
    set_switch_interval()
    nicer()
    config = settings.config
    if config is None:
        service = DisplayService(settings)
    else:
        prepare_environment(config)
        lamp = lamp_of(config)
        service = DisplayService(
            settings,
            lights=() if lamp is None else (lamp,),
            buzzer=buzzer_of(config),
            connectors=connectors_of(config),
        )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: service.stop())
    service.run()
    return 0
