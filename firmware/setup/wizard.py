"""`interval-coach setup`: walks through clinic, language, parts and server, tries each, and writes the settings.

Theory of operation. Each step asks, tries what can be tried, and notes a changed value. At the end all changes are
shown, checked as a whole by the settings' own rules, and written in one step. Meanwhile the services are stopped, since
they hold the parts; however this ends, they are started again.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Protocol, cast

from msgspec import Struct
from rich.console import Console
from rich.table import Table

from firmware.config.loader import read_config
from firmware.config.schema import Config, ConfigError, read
from firmware.config.writer import Value, as_toml, commented, with_values
from firmware.setup.optional_files import follow_settings
from firmware.setup.probes import Parts, ProbeError
from firmware.setup.reasons import explain
from firmware.setup.texts import Language, SetupTexts, setup_texts
from firmware.system.atomic_file import atomic_write
from firmware.system.errors import FirmwareError

LOOK_FOR_STRAPS_S = 10.0
_ASK_LANGUAGE = "Språk / language: nb, en"


class SetupError(FirmwareError):
    """The setup cannot be done now; the text says why."""


class Stoppable(Protocol):
    """The machine's services."""

    def stop(self) -> None:
        """End them all."""
        ...

    def start(self) -> None:
        """Start them all."""
        ...


class SetupSettings(Struct, frozen=True, kw_only=True):
    """`file`: what is written. `services` None: none run here. `trains`: whether somebody uses the machine now.

    `etc`: the system's settings, so that it gets the rights and services that the settings need; None: left alone.
    """

    file: Path
    parts: Parts
    services: Stoppable | None = None
    etc: Path | None = None
    trains: Callable[[], bool] = lambda: False


class Setup:
    """One walk through the settings."""

    def __init__(self, settings: SetupSettings, console: Console, ask: Callable[[str], str] | None = None) -> None:
        """`ask` gives a person's answer to a prompt; the console's keyboard unless given."""
        self._file, self._parts = settings.file, settings.parts
        self._settings = settings
        self._console = console
        self._ask_person = ask or (lambda prompt: console.input(prompt, markup=False))
        self._text = settings.file.read_text("utf-8") if settings.file.exists() else commented()
        self._now: Config = read(self._text, str(settings.file))
        self._wanted: dict[str, Value] = {}
        self._say: SetupTexts = setup_texts(self._now.machine.language)

    def run(self) -> bool:
        """Ask and try everything; gives whether something was written. Raises SetupError."""
        self._ask_language()
        say = self._say
        self._console.rule(say("title"))
        if self._settings.trains():
            raise SetupError(say("in_use"))
        self._tell(say("begin"))
        services = self._settings.services
        if services is not None:
            self._tell(say("services_stop"))
            services.stop()
        try:
            for step in (
                self._place,
                self._strap,
                self._screen,
                self._sound,
                self._music,
                self._oled,
                self._panel,
                self._server,
            ):
                step()
            written = self._finish()
            if self._settings.etc is not None and self._file.exists():
                # systemd reads it when the services start again.
                follow_settings(read_config(self._file), self._settings.etc)
        finally:
            if services is not None:
                services.start()
        if services is not None:
            self._tell(say("services_start"))
        self._tell(say("done"))
        return written

    # The steps

    def _ask_language(self) -> None:
        language = cast("Language", self._choose(_ASK_LANGUAGE, self._value("machine.language"), ("nb", "en")))
        self._want("machine.language", language)
        self._say = setup_texts(language)

    def _place(self) -> None:
        self._step("step_place")
        for key, label in (("clinic", "clinic"), ("name", "machine"), ("timezone", "timezone")):
            self._ask_for(f"machine.{key}", label)

    def _strap(self) -> None:
        self._step("step_strap")
        say = self._say
        if not self._yes(say("strap_real"), before=self._value("strap.source") != "simulated"):
            self._want("strap.source", "simulated")
            return
        sticks = self._parts.ant_sticks()
        if sticks and self._yes(say("strap_ant", names=", ".join(sticks)), before=self._value("strap.source") == "ant"):
            self._want("strap.source", "ant")
            self._tell(say("strap_ant_how"))
            return
        self._want("strap.source", "bluetooth")
        self._adapter()
        while True:
            self._tell(say("strap_wear", seconds=f"{LOOK_FOR_STRAPS_S:g}"))
            try:
                straps = self._parts.straps(LOOK_FOR_STRAPS_S)
            except ProbeError as error:
                self._wrong(say("strap_no_radio", reason=explain(error, say)))
                straps = ()
            else:
                if straps:
                    self._table(
                        (say("strap_found"), say("strap_signal")), [(s.name, str(s.signal_dbm)) for s in straps]
                    )
                    self._tell(say("strap_ok", count=len(straps)))
                    return
                self._wrong(say("strap_none"))
            if not self._yes(say("again"), before=False):
                return

    def _adapter(self) -> None:
        """Ask which Bluetooth adapter, where there are several."""
        adapters = self._parts.adapters()
        if len(adapters) > 1:
            self._tell(self._say("adapters_found", names=", ".join(adapters)))
            self._ask_for("strap.adapter", "adapter")

    def _sound(self) -> None:
        self._step("step_sound")
        say = self._say
        cards = self._parts.cards()
        if cards:
            self._table(
                (say("sound_cards"), say("sound_kind"), ""),
                [(card.name, card.kind, "" if card.plays else say("sound_cannot_play")) for card in cards],
            )
        else:
            self._wrong(say("sound_none_found"))
        while True:
            device = str(self._ask_for("sound.device", "sound_device"))
            if device == "none":
                return
            self._tell(say("sound_trying"))
            connector = str(self._value("screen.connector"))
            spoken = self._tried(lambda: self._parts.speak(device, self._language, connector), "sound_failed")  # noqa: B023 - called at once
            if spoken and self._yes(say("sound_heard"), before=True):
                return
            if not self._yes(say("again"), before=False):
                return

    def _music(self) -> None:
        self._step("step_music")
        say = self._say
        while True:
            usual = str(self._value("music.source"))
            source = self._choose(say("music_source"), usual, ("none", "folder", "stick", "bluetooth"))
            self._want("music.source", source)
            if source == "none":
                return
            self._ask_for("music.volume", "music_volume")
            if source == "folder":
                self._music_folder()
            else:
                self._tell(say(f"music_{source}"))
            self._tell(say("music_licence"))
            if source != "folder" or not self._yes(say("again"), before=False):
                return

    def _music_folder(self) -> None:
        """Ask which folder, and say what it holds."""
        say = self._say
        found = self._parts.music(str(self._ask_for("music.folder", "music_folder")))
        if found.files:
            self._tell(say("music_found", count=len(found.files)))
        else:
            self._wrong(say("music_none"))
        if found.left_out:
            self._wrong(
                say("music_left_out", count=sum(found.left_out.values()), kinds=", ".join(sorted(found.left_out)))
            )

    def _oled(self) -> None:
        self._step("step_oled")
        say = self._say
        port = self._now.oled.i2c_port
        try:
            places = self._parts.oled_addresses(port)
        except ProbeError as error:
            self._wrong(say("oled_failed", reason=explain(error, say)))
            places = ()
        if places:
            self._tell(say("oled_found", places=", ".join(hex(place) for place in places)))
        else:
            self._wrong(say("oled_none", port=port))
        while True:
            usual = str(self._value("oled.driver"))
            driver = self._choose(say("oled_driver"), usual, ("none", "ssd1306", "sh1106"))
            self._want("oled.driver", driver)
            if driver == "none":
                return
            address = self._oled_address(places)
            chip: Literal["ssd1306", "sh1106"] = "sh1106" if driver == "sh1106" else "ssd1306"
            drawn = self._tried(lambda: self._parts.draw(chip, port, address), "oled_failed")  # noqa: B023 - called at once
            if drawn and self._yes(say("oled_seen"), before=True):
                return
            if not self._yes(say("again"), before=False):
                return

    def _oled_address(self, places: tuple[int, ...]) -> int:
        """Return the address of the small screen: the only one that answers, else the one that the person names."""
        now = self._now.oled.address
        address = now if now in places or not places else places[0]
        if len(places) > 1:
            names = tuple(f"{place:#x}" for place in places)
            address = int(self._choose(self._say("oled_address"), f"{address:#x}", names), 16)
        self._want("oled.address", address)
        return address

    def _screen(self) -> None:
        self._step("step_screen")
        say = self._say
        screens = self._parts.screens()
        if screens:
            self._tell(say("screen_found", names=", ".join(screens)))
        else:
            self._wrong(say("screen_none"))
        usual = {"kmsdrm": "kms", "wayland": "window"}.get(was := str(self._value("screen.driver")), was)
        self._want("screen.driver", self._choose(say("screen_driver"), usual, ("kms", "window", "none")))
        if len(screens) > 1 and self._value("screen.driver") == "kms":
            self._want(
                "screen.connector",
                self._choose(say("screen_connector"), str(self._value("screen.connector")) or screens[0], screens),
            )

    def _panel(self) -> None:
        self._step("step_panel")
        self._want("panel.buttons", self._yes(self._say("buttons"), before=bool(self._value("panel.buttons"))))
        lamp = self._yes(self._say("lamp"), before=self._value("lamp.driver") != "none")
        self._want("lamp.driver", "pwm" if lamp else "none")
        for keyboard in self._parts.keyboards():
            self._tell(self._say("keypad_found" if keyboard.certain else "keypad_perhaps", name=keyboard.name))

    def _server(self) -> None:
        self._step("step_server")
        say = self._say
        while True:
            host = str(self._ask_for("server.host", "server"))
            if not host:
                return
            port = cast("int", self._ask_for("server.port", "server_port"))
            if self._tried(lambda: self._parts.reach(host, port), "server_silent"):  # noqa: B023 - called at once
                self._tell(say("server_reached"))
                break
            if not self._yes(say("again"), before=False):
                return
        account = self._parts.account()
        if account is not None:
            self._tell(say("enrolled", machine=account.machine, clinic=account.clinic))
            if not self._yes(say("enrol_again"), before=False):
                return
        while code := self._ask_person(f"{say('code')}: ").strip():
            try:
                account = self._parts.enrol(f"{host}:{port}", code)
            except FirmwareError as error:
                self._wrong(say("enrol_failed", reason=explain(error, say)))
                continue
            self._tell(say("enrolled", machine=account.machine, clinic=account.clinic))
            return

    def _finish(self) -> bool:
        say = self._say
        changed = {key: value for key, value in self._wanted.items() if value != self._of_file(key)}
        if not changed and self._file.exists():
            self._tell(say("nothing"))
            return False
        try:
            text = with_values(self._text, changed, str(self._file))
        except ConfigError as error:
            self._wrong(say("refused", reason=error))
            return False
        self._tell(say("summary", file=self._file))
        rows = [(key, as_toml(self._of_file(key)), as_toml(value)) for key, value in changed.items()]
        self._table((say("setting"), say("before"), say("after")), rows)
        if not self._yes(say("write"), before=True):
            self._tell(say("not_written"))
            return False
        write_settings(self._file, text)
        self._tell(say("written", file=self._file))
        return True

    # Asking

    @property
    def _language(self) -> Language:
        return "en" if self._value("machine.language") == "en" else "nb"

    def _of_file(self, key: str) -> Value:
        section, _, name = key.partition(".")
        value: Value = getattr(getattr(self._now, section), name)
        return value

    def _value(self, key: str) -> Value:
        return self._wanted.get(key, self._of_file(key))

    def _want(self, key: str, value: Value) -> None:
        self._wanted[key] = value

    def _ask_for(self, key: str, label: str) -> Value:
        """Ask until the settings' own rules take the answer."""
        usual = self._value(key)
        while True:
            answer = self._ask(self._say(label), str(usual))
            value: Value = answer
            if isinstance(usual, int):
                value = int(answer) if answer.isdecimal() else answer
            elif isinstance(usual, float):
                value = _number(answer)
            try:
                with_values(self._text, {**self._wanted, key: value}, str(self._file))
            except ConfigError as error:
                self._wrong(error.reason)
                continue
            self._want(key, value)
            return value

    def _ask(self, prompt: str, usual: str) -> str:
        shown = f"{prompt} [{usual}]: " if usual else f"{prompt}: "
        answer = self._ask_person(shown).strip()
        # A single minus empties what stood there.
        return "" if answer == "-" else answer or usual

    def _choose(self, prompt: str, usual: Value, choices: tuple[str, ...]) -> str:
        while True:
            answer = self._ask(prompt, str(usual)).lower()
            for choice in choices:
                if answer == choice.lower():
                    return choice
            self._wrong(self._say("not_a_choice", choices=", ".join(choices)))

    def _yes(self, question: str, *, before: bool) -> bool:
        letter = self._say("yes_letter")
        usual = letter if before else "n"
        while True:
            answer = self._ask(question, usual).lower()[:1]
            if answer in (letter, "j", "y", "n"):
                return answer != "n"
            self._wrong(self._say("yes_or_no"))

    def _tried(self, act: Callable[[], None], failed: str) -> bool:
        try:
            act()
        except ProbeError as error:
            self._wrong(self._say(failed, reason=explain(error, self._say)))
            return False
        return True

    # Telling

    def _step(self, key: str) -> None:
        self._console.print()
        self._console.rule(self._say(key), align="left")

    def _tell(self, sentence: str) -> None:
        self._console.print(sentence, markup=False)

    def _wrong(self, sentence: str) -> None:
        self._console.print(sentence, style="yellow", markup=False)

    def _table(self, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
        table = Table(*heads)
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def _number(answer: str) -> Value:
    """Return a number with a point or a comma; what is none, as it is, for the settings to refuse."""
    try:
        return float(answer.replace(",", "."))
    except ValueError:
        return answer


def write_settings(path: Path, text: str) -> None:
    """Write the settings whole or not at all; who could read the old ones can read the new ones."""
    mode = path.stat().st_mode & 0o777 if path.is_file() else 0o644
    atomic_write(path, text.encode("utf-8"), mode)
