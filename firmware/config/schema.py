"""What this machine has and is: the settings of `/etc/interval-coach/config.toml`.

Every key has its meaning, unit and default here and nowhere else: `systemd/config.toml` and `docs/configuration.md` are
written from this file by `python -m firmware.config.writer`. An unknown key or a wrong value is refused with file, line
and reason. How the last good file stays in force is told in `firmware.config.loader`.
"""

import re
import zoneinfo
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.inspect import Metadata, type_info
from msgspec.structs import fields

from coach.errors import CoachError
from coach.model.toml_lines import TomlFault, TomlLines, read_toml
from firmware.system.errors import FirmwareError
from sync.wire.topics import ENROLMENT_PORT

HEADER_PINS = range(2, 28)
"""GPIO numbers (BCM) that a Raspberry Pi's 40-pin header brings out."""

I2S_PINS = frozenset({18, 19, 20, 21})
"""Taken by a sound card on I2S: bit clock, word clock, data in and out."""

I2C_PINS = {0: frozenset({0, 1}), 1: frozenset({2, 3})}
"""Taken by the I²C bus of the small screen."""

_Pin = Annotated[int, Meta(ge=2, le=27)]
ADAPTER_FORM = r"hci[0-9]{1,2}|([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}"
"""A Bluetooth adapter's name or address."""
_NAME = r"^[^\x00-\x1f\x7f]*\Z"


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which machine this is. Names are shown on the therapist's page and in `interval-coach doctor`."""

    clinic: Annotated[str, Meta(max_length=60, pattern=_NAME, description="The clinic's name, for people to read.")] = (
        ""
    )
    name: Annotated[
        str, Meta(max_length=60, pattern=_NAME, description="This machine's name or place, for people to read.")
    ] = ""
    language: Annotated[
        Literal["nb", "en"],
        Meta(
            description="Language until somebody is chosen: nb (bokmål) or en. Each participant's plan has their own."
        ),
    ] = "nb"
    help_number: Annotated[
        str,
        Meta(
            max_length=20,
            pattern=r"^[0-9+ ]*\Z",
            description="The clinic's own number for help, shown beside 113 where somebody is unwell; empty: none.",
        ),
    ] = ""
    timezone: Annotated[
        str, Meta(min_length=1, max_length=60, description="Time zone of dates that people read, as in Europe/Oslo.")
    ] = "Europe/Oslo"


class Protocols(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clinic's own training protocols (docs/protocols.md)."""

    folder: Annotated[
        str, Meta(pattern=r"^/", description="Folder of the clinic's own protocols, beside those built in, from / on.")
    ] = "/etc/interval-coach/protocols"


class Participants(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may train here."""

    plans: Annotated[
        str,
        Meta(pattern=r"^/", description="Folder of plans kept by hand, beside those that the server gives, from / on."),
    ] = "/etc/interval-coach/plans"
    guests: Annotated[bool, Meta(description="Whether somebody without a plan may train, by their age.")] = True


class StrapPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pulse strap."""

    source: Annotated[
        Literal["bluetooth", "ant", "simulated"],
        Meta(
            description="bluetooth: straps, and watches that broadcast their rate, over Bluetooth. ant: straps over "
            "ANT+, by a USB stick (docs/strap.md). simulated: a person who does not exist, to show the machine."
        ),
    ] = "bluetooth"
    adapter: Annotated[
        str,
        Meta(
            pattern=rf"^({ADAPTER_FORM})?\Z",
            description="Bluetooth adapter: its name, as in hci0, or its address, which stays where several adapters "
            "change their names. Empty: the first that can connect to straps and is switched on.",
        ),
    ] = ""


class TreadmillPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The treadmill, where it tells its speed over Bluetooth (FTMS). It is only read, never commanded."""

    ftms: Annotated[bool, Meta(description="Whether to read speed and incline from the treadmill.")] = False
    name: Annotated[
        str,
        Meta(
            max_length=60,
            pattern=_NAME,
            description="The treadmill's Bluetooth name or the beginning of it. Empty: the only one in reach.",
        ),
    ] = ""
    units: Annotated[
        Literal["auto", "km", "miles"],
        Meta(
            description="What its speed counts. auto: km/h, and the screen asks where that cannot be true. km: km/h, "
            "and nobody is asked. miles: miles an hour."
        ),
    ] = "auto"


class PanelPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The four buttons and the numeric keypad (docs/panel.md)."""

    buttons: Annotated[bool, Meta(description="Whether buttons are wired to the header.")] = True
    start_pin: Annotated[_Pin, Meta(description="Pin of the green button, BCM number.")] = 17
    up_pin: Annotated[_Pin, Meta(description="Pin of «up», BCM number.")] = 27
    down_pin: Annotated[_Pin, Meta(description="Pin of «down», BCM number.")] = 22
    stop_pin: Annotated[_Pin, Meta(description="Pin of the black button with the white ring, BCM number.")] = 23
    active_high: Annotated[
        bool, Meta(description="false: a pressed button joins its pin to ground. true: to 3.3 V.")
    ] = False
    debounce_ms: Annotated[
        int,
        Meta(ge=1, le=100, description="A contact that rings for so long is one press, in milliseconds, 1 to 100."),
    ] = 20
    stuck_after_s: Annotated[
        int, Meta(ge=10, le=300, description="A button held so long is told of as stuck, in seconds, 10 to 300.")
    ] = 30
    keypad: Annotated[bool, Meta(description="Whether a USB numeric keypad works as the panel does.")] = True
    keypad_device: Annotated[
        str,
        Meta(
            pattern=r"^(/dev/input/[\w./:+-]+)?\Z",
            description="The keypad's device below /dev/input. Empty: every keypad; with kms or none, also a device "
            "that claims letters, once a key of its number pad was pressed.",
        ),
    ] = ""


class LampPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The lamp of red, green and blue."""

    driver: Annotated[Literal["pwm", "none"], Meta(description="pwm: an RGB lamp on three pins. none: no lamp.")] = (
        "pwm"
    )
    red_pin: Annotated[_Pin, Meta(description="Pin of red, BCM number.")] = 5
    green_pin: Annotated[_Pin, Meta(description="Pin of green, BCM number.")] = 6
    blue_pin: Annotated[_Pin, Meta(description="Pin of blue, BCM number.")] = 13
    common_anode: Annotated[
        bool, Meta(description="true: the lamp's common leg is at 3.3 V. false: at ground, or behind transistors.")
    ] = False
    brightness: Annotated[
        float, Meta(ge=0.05, le=1.0, description="Brightest light, as a share of full, 0.05 to 1.")
    ] = 1.0


class BuzzerPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A buzzer, heard where there is no speaker."""

    driver: Annotated[
        Literal["none", "tonal", "plain"],
        Meta(description="tonal: a passive buzzer, which plays pitches. plain: one that only sounds. none: no buzzer."),
    ] = "none"
    pin: Annotated[_Pin, Meta(description="Pin of the buzzer, BCM number.")] = 16
    only_without_speaker: Annotated[bool, Meta(description="Whether it is silent while a sound card plays.")] = True


class OledPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The small screen of 128×64 on I²C."""

    driver: Annotated[
        Literal["none", "ssd1306", "sh1106"], Meta(description="Which chip drives it; none: no small screen.")
    ] = "none"
    i2c_port: Annotated[int, Meta(ge=0, le=22, description="Number of the I²C bus: 1 is /dev/i2c-1.")] = 1
    address: Annotated[int, Meta(ge=0x08, le=0x77, description="Its address on the bus, as in 0x3C.")] = 0x3C
    rotate: Annotated[Literal[0, 180], Meta(description="180 where it is mounted upside down, in degrees.")] = 0


class ScreenPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The participant's screen."""

    driver: Annotated[
        Literal["kms", "window", "none", "kmsdrm", "wayland"],
        Meta(
            description="kms: no desktop, straight to the display by the kernel. window: on a desktop. none: no "
            "screen; small screen, lamp and sound are enough to train by. kmsdrm and wayland, words of earlier "
            "versions, mean kms and window."
        ),
    ] = "kms"
    turned: Annotated[
        Literal["no", "left", "right"],
        Meta(description="Which way the display was turned to stand upright, seen from the front; no: it lies wide."),
    ] = "no"
    full_screen: Annotated[bool, Meta(description="Whether a window fills the whole display.")] = True
    display: Annotated[int, Meta(ge=0, le=9, description="Which display, counted from 0.")] = 0
    connector: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z]+(-[A-Za-z0-9]+)*-[0-9]{1,2})?\Z",
            description="With kms: the connector of the display, as in HDMI-A-2. Empty: by `display`. Without a "
            "display on it, another one is taken.",
        ),
    ] = ""
    exertion_words: Annotated[
        str,
        Meta(
            description="A file with a clinic's own words for the exertion scale "
            "(docs/adr/0018-words-of-the-exertion-scale.md). Empty: the project's own words."
        ),
    ] = ""


class SoundPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tones and voice."""

    device: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=80,
            description="hdmi: the card of the display's connector. usb or i2s: the first card of that kind that can "
            "play. none: silent. Else an ALSA name, as in plughw:CARD=Headphones.",
        ),
    ] = "hdmi"
    volume: Annotated[float, Meta(ge=0.0, le=1.0, description="Loudness, as a share of full, 0 to 1.")] = 0.8


class VoicePart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clinic's own voice (docs/voice-packs.md)."""

    packs: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^/")], ...],
        Meta(description="Folders of the clinic's voice packs, from / on; the first that has a phrase speaks it."),
    ] = ()


class MusicPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Music under the cues, in sessions only (docs/music.md). Cues come first: it is quiet while one sounds."""

    source: Annotated[
        Literal["none", "folder", "stick", "bluetooth"],
        Meta(
            description="none: no music. folder: the files of a folder. stick: those of a USB stick. bluetooth: what a "
            "telephone plays to this machine, where PipeWire is installed."
        ),
    ] = "none"
    folder: Annotated[
        str, Meta(pattern=r"^/", description="Folder of the music, from / on; not below /home, which is closed to it.")
    ] = "/srv/interval-coach/music"
    volume: Annotated[
        float,
        Meta(ge=0.0, le=1.0, description="Loudness between cues, 0 to 1; at 1 it is as loud as the voice."),
    ] = 0.5
    shuffle: Annotated[bool, Meta(description="Whether each session plays in another order; false: by name.")] = True


class ServerPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The clinic's server, for `interval-coach setup` and `doctor`. Enrolment keeps its own settings."""

    host: Annotated[
        str, Meta(max_length=253, pattern=r"^[\w.:-]*\Z", description="The server's name. Empty: there is none.")
    ] = ""
    port: Annotated[int, Meta(ge=1, le=65535, description="The port at which machines are enrolled.")] = ENROLMENT_PORT


class DiaryPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The training diary on this machine."""

    folder: Annotated[str, Meta(pattern=r"^/", description="Folder of the diary, from / on.")] = (
        "/var/lib/interval-coach"
    )
    raw_kept_days: Annotated[
        int,
        Meta(
            ge=1,
            le=30,
            description="Raw data leaves the machine so many days after the server's receipt, 1 to 30 (safety.md).",
        ),
    ] = 30
    free_floor_mb: Annotated[
        int,
        Meta(
            ge=16,
            le=100_000,
            description="With less room on the disk, delivered raw data is let go early, in megabytes.",
        ),
    ] = 64


class DoctorPart(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From where on `interval-coach doctor` finds fault."""

    free_disk_mb: Annotated[
        int, Meta(ge=64, le=1_000_000, description="Warn with less room on the disk, in megabytes.")
    ] = 500
    strap_battery_percent: Annotated[
        int, Meta(ge=1, le=100, description="Warn when the strap's battery has less, in percent.")
    ] = 20
    certificate_days: Annotated[
        int, Meta(ge=1, le=300, description="Warn when the machine's certificate ends within so many days.")
    ] = 30
    wifi_dbm: Annotated[int, Meta(ge=-95, le=-30, description="Warn when the wireless signal is weaker, in dBm.")] = -75
    temperature_c: Annotated[
        int, Meta(ge=40, le=90, description="Warn when the processor is warmer, in degrees Celsius.")
    ] = 80
    undelivered_days: Annotated[
        int, Meta(ge=1, le=60, description="Warn when a session has waited so long for the server, in days.")
    ] = 7


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. A file that says nothing is these."""

    machine: Machine = Machine()
    protocols: Protocols = Protocols()
    participants: Participants = Participants()
    strap: StrapPart = StrapPart()
    treadmill: TreadmillPart = TreadmillPart()
    panel: PanelPart = PanelPart()
    lamp: LampPart = LampPart()
    buzzer: BuzzerPart = BuzzerPart()
    oled: OledPart = OledPart()
    screen: ScreenPart = ScreenPart()
    sound: SoundPart = SoundPart()
    voice: VoicePart = VoicePart()
    music: MusicPart = MusicPart()
    server: ServerPart = ServerPart()
    diary: DiaryPart = DiaryPart()
    doctor: DoctorPart = DoctorPart()


class ConfigError(FirmwareError, ValueError):
    """A configuration that cannot be used. `line` is 1-based (0: the file as a whole)."""

    def __init__(self, file: str, line: int, reason: str) -> None:
        """Keep the place beside the reason, so that a screen can point at it."""
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class _WrongError(CoachError):
    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key, self.reason = key, reason


def read(text: str, file: str) -> Config:
    """Return the configuration in `text`; `file` is its name in messages. Raises ConfigError with line and reason."""
    try:
        config, lines = read_toml(text, Config)
    except TomlFault as fault:
        raise ConfigError(file, fault.line, _with_meaning(fault.reason)) from fault
    try:
        _check_machine(config)
        _check_sound(config)
        _check_pins(config, lines)
    except _WrongError as wrong:
        raise ConfigError(file, lines.of(f"$.{wrong.key}"), f"{wrong.key}: {wrong.reason}") from wrong
    return config


def meanings() -> dict[str, dict[str, str]]:
    """Return what each key means, with its unit, by section and key, in the file's order."""
    return {section.name: _described(section.type) for section in fields(Config)}


def _described(section: type[Struct]) -> dict[str, str]:
    told: dict[str, str] = {}
    for field in type_info(section).fields:  # type: ignore[attr-defined] # the type of a struct has fields
        kind = field.type
        told[field.name] = (kind.extra_json_schema or {}).get("description", "") if isinstance(kind, Metadata) else ""
    return told


def _with_meaning(reason: str) -> str:
    """Return the same, with what there is instead of an unknown key, and what the key of a wrong value means."""
    where, _, what = reason.partition(": ")
    known = meanings()
    if found := re.search(r"unknown field `(.*)`", what):
        names = known.get(where, known)
        return f"there is no setting «{found[1]}»{' here' if where in known else ''}; there are {', '.join(names)}"
    section, _, key = where.partition(".")
    meaning = known.get(section, {}).get(key.partition("[")[0])
    return f"{reason}. {meaning}" if meaning else reason


def _check_machine(config: Config) -> None:
    zone = config.machine.timezone
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _WrongError("machine.timezone", f"there is no time zone «{zone}»; write one as in Europe/Oslo") from error


def _check_sound(config: Config) -> None:
    device = config.sound.device
    known = device in ("hdmi", "usb", "i2s", "none", "default")
    if not known and not re.fullmatch(r"[\w-]+:[\w=,.:-]+", device):
        raise _WrongError(
            "sound.device",
            f"«{device}» is no sound device; write hdmi, usb, i2s, none, or an ALSA name as in plughw:1,0",
        )


def pins_in_use(config: Config) -> dict[str, int]:
    """Return the header's pins that the settings ask for, by key."""
    used: dict[str, int] = {}
    if config.panel.buttons:
        used |= {f"panel.{name}_pin": getattr(config.panel, f"{name}_pin") for name in ("start", "up", "down", "stop")}
    if config.lamp.driver != "none":
        used |= {f"lamp.{name}_pin": getattr(config.lamp, f"{name}_pin") for name in ("red", "green", "blue")}
    if config.buzzer.driver != "none":
        used["buzzer.pin"] = config.buzzer.pin
    return used


def _check_pins(config: Config, lines: TomlLines) -> None:
    """One thing on each pin. Of two keys that clash, the one that stands in the file is at fault."""
    taken: dict[int, str] = {}
    if config.sound.device == "i2s":
        taken |= dict.fromkeys(I2S_PINS, "the sound card (sound.device is i2s)")
    if config.oled.driver != "none":
        taken |= dict.fromkeys(I2C_PINS.get(config.oled.i2c_port, frozenset()), "the small screen's I²C bus")
    for key, pin in pins_in_use(config).items():
        if pin in taken:
            other = taken[pin]
            at_fault, by = (
                (key, other) if f"$.{key}" in lines.found or f"$.{other}" not in lines.found else (other, key)
            )
            raise _WrongError(at_fault, f"pin {pin} is already used by {by}; choose another")
        taken[pin] = key
