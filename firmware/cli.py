"""The command `interval-coach`: one place that wires everything together, and loads only what the subcommand needs."""

import argparse
import contextlib
import logging
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from coach.errors import CoachError
from firmware.system.errors import FirmwareError
from firmware.system.paths import diary_path, identity_folder, plans_folder, socket_path

if TYPE_CHECKING:
    from firmware.participants.plan_files import PlanRepository
    from firmware.sensors.factory import StrapMaker

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

REFUSED = 2
DIMENSIONS = 2
SMALLEST_PIXELS, LARGEST_PIXELS = 200, 8000
EPILOG = "Try it without hardware: interval-coach demo. For one subcommand: interval-coach SUBCOMMAND --help."


class CommandLineError(FirmwareError, ValueError):
    """Something on the command line that cannot be."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Gives 0, or 2 after one sentence on standard error."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = _parser(words).parse_args(words)
        if hasattr(parsed, "config"):
            parsed = _configured(words, parsed)
        run: Callable[[argparse.Namespace], int] = parsed.run
        return run(parsed)
    except (FirmwareError, CoachError) as error:
        return _refuse(str(error))
    except ModuleNotFoundError as error:
        from sync.missing_package import what_to_install  # noqa: PLC0415 - only here

        return _refuse(what_to_install(error, otherwise="device"))
    except sqlite3.Error as error:
        return _refuse(f"The diary cannot be opened ({error}). Is its disk full? Name another with --diary.")
    except BrokenPipeError:
        # Whoever read our output has gone, which is no fault: `interval-coach sessions list | head`.
        sys.stderr.close()
        return 0
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{place}{error.strerror or error}.")
    except KeyboardInterrupt:
        return 130


def _refuse(sentence: str) -> int:
    try:
        sys.stderr.write(f"interval-coach: {sentence}\n")
        sys.stderr.flush()
    except OSError:
        # Standard error may be a file on the very disk that is full. From Python 3.14 on, what is left to write at the
        # end would change the exit status.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return REFUSED


def _configured(words: Sequence[str], parsed: argparse.Namespace) -> argparse.Namespace:
    """Return what was asked for, the configuration's values where the command line is silent. Raises ConfigError."""
    from firmware.config.cli_defaults import configured  # noqa: PLC0415 - only the services have a configuration

    settled = configured(parsed.config)
    return _parser(words, settled).parse_args(words) if settled else parsed


def _parser(words: Sequence[str], settled: Mapping[str, object] | None = None) -> argparse.ArgumentParser:
    """`settled`: values that hold for the subcommand where the command line says nothing else."""
    parser = argparse.ArgumentParser(
        prog="interval-coach", description="Lead a person through 4×4 interval training.", epilog=EPILOG
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="tell the version and end")
    subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
    _add_run(subparsers)
    _add_coach(subparsers)
    _add_display(subparsers)
    _add_sync(subparsers)
    _add_enrol(subparsers)
    _add_demo(subparsers)
    _add_protocols(subparsers)
    _add_config(subparsers)
    # These three bring their own arguments; their modules are loaded only where they, or all help, are asked for.
    wanted = next((word for word in words if not word.startswith("-")), None)
    if wanted in ("sessions", None):
        _add_sessions(subparsers)
    if wanted in ("participants", None):
        _add_participants(subparsers)
    if wanted in ("replay", None):
        _add_replay(subparsers)
    if wanted in ("engine", None):
        _add_engine(subparsers)
    if wanted in ("doctor", "self-test", None):
        _add_doctor(subparsers)
    if wanted in ("setup", "upgrade", None):
        _add_machine_commands(subparsers)
    if wanted in ("voice", None):
        _add_voice(subparsers)
    if settled and wanted in subparsers.choices:
        subparsers.choices[wanted].set_defaults(**settled)
    return parser


class _Version(argparse.Action):
    """Tells the version, looked up only when somebody asks: the look-up takes as long as the rest of the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Tell it and end."""
        from firmware.system.version import own_version  # noqa: PLC0415 - see above

        sys.stdout.write(f"interval-coach {own_version()}\n")
        parser.exit()


# The services


def _add_socket(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", default=socket_path(), help="the coach's local socket (%(default)s)"
    )


def _add_config_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the machine's settings (/etc/interval-coach/config.toml where there is one)",
    )
    parser.set_defaults(in_force=None)


def _add_session_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--diary", type=Path, metavar="FILE", default=diary_path(), help="the diary (%(default)s)")
    parser.add_argument(
        "--strap",
        default="simulated",
        metavar="STRAP",
        help="bluetooth[:ADAPTER], simulated[:KIND,SEED] or recording:FILE (%(default)s)",
    )
    parser.add_argument(
        "--plans", type=Path, metavar="FOLDER", default=plans_folder(), help="the participants' plans (%(default)s)"
    )
    parser.add_argument("--plan", type=Path, metavar="FILE", action="append", default=[], help="one participant's plan")
    parser.add_argument("--no-guests", action="store_true", help="only who has a plan may train")
    parser.add_argument("--hr-max", type=float, metavar="BPM", help="a guest's measured HRmax")
    parser.add_argument("--age", type=int, metavar="YEARS", help="a guest's age, where HRmax was not measured")
    parser.add_argument("--protocol", default="4x4", metavar="NAME", help="a guest's protocol (%(default)s)")
    parser.add_argument("--language", choices=("nb", "en"), default="nb", help="a guest's language (%(default)s)")
    parser.add_argument("--speed", type=float, default=1.0, metavar="TIMES", help=argparse.SUPPRESS)
    parser.add_argument("--free-floor-mb", type=int, default=64, metavar="MB", help=argparse.SUPPRESS)


def _add_display_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--screen",
        choices=("auto", "window", "full-screen", "headless"),
        default="auto",
        help="auto: a window where there is a desktop, else a picture that nobody sees",
    )
    parser.add_argument("--size", type=_size, metavar="WIDTHxHEIGHT", help="of the picture, in pixels")
    parser.add_argument("--no-sound", action="store_true", help="be silent")
    parser.add_argument("--voices", type=Path, action="append", default=[], metavar="FOLDER", help="the clinic's voice")
    parser.add_argument(
        "--oled",
        choices=("auto", "none", "emulated", "ssd1306", "sh1106"),
        default="auto",
        help="the small screen; auto: an SSD1306 where there is an I²C bus",
    )


def _add_run(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("run", help="run coach, display and sync together, each in its own process")
    _add_config_argument(parser)
    _add_socket(parser)
    _add_session_arguments(parser)
    _add_display_arguments(parser)
    parser.set_defaults(run=_run_all)


def _add_coach(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("coach", help="run the coach alone: strap, session, diary and local socket")
    _add_config_argument(parser)
    _add_socket(parser)
    _add_session_arguments(parser)
    parser.set_defaults(run=_run_coach)


def _add_display(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("display", help="run the display alone, or save what is shown now as a picture")
    _add_config_argument(parser)
    _add_socket(parser)
    _add_display_arguments(parser)
    parser.add_argument("--language", choices=("nb", "en"), default="nb", help="until somebody is chosen (%(default)s)")
    parser.add_argument("--png", type=Path, metavar="FILE", help="save what the running coach shows now, and end")
    parser.set_defaults(run=_run_display)


def _add_sync(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("sync", help="run the courier alone: fetches finished sessions from the coach")
    _add_config_argument(parser)
    _add_socket(parser)
    _add_identity(parser)
    parser.add_argument("--server-is-here", action="store_true", help="the server runs on this computer: one clock")
    parser.add_argument("--state", action="store_true", help="tell how it stands with the server, and end")
    parser.set_defaults(run=_run_sync)


def _add_identity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--identity", type=Path, metavar="FOLDER", default=identity_folder(), help="key and certificate (%(default)s)"
    )


def _add_enrol(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser(
        "enrol",
        help="let the clinic's server know this machine; asks for the one-time code, or reads it from its input",
    )
    parser.add_argument("--server", required=True, metavar="HOST[:PORT]", help="the clinic's server")
    _add_identity(parser)
    parser.set_defaults(run=_run_enrol)


def _add_demo(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("demo", help="run a whole session with a simulated participant")
    parser.add_argument("--speed", type=float, default=30.0, metavar="TIMES", help="times real time (%(default)g)")
    parser.add_argument(
        "--output", type=Path, default=Path("demo-output"), metavar="DIR", help="diary and pictures (%(default)s)"
    )
    parser.add_argument("--protocol", default="4x4", metavar="NAME", help="which protocol (%(default)s)")
    parser.add_argument("--participant", default="ordinary,20", metavar="KIND,SEED", help="who trains (%(default)s)")
    parser.add_argument("--language", choices=("nb", "en"), default="nb", help="of screen and voice (%(default)s)")
    parser.add_argument("--no-server", action="store_true", help="no clinic's server: the session ends in the diary")
    parser.add_argument("--headless", action="store_true", help="no window, also where there is a desktop")
    parser.add_argument("--no-sound", action="store_true", help="be silent")
    parser.set_defaults(run=_run_demo)


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) == DIMENSIONS and all(part.isdigit() for part in parts):
        width, height = int(parts[0]), int(parts[1])
        if all(SMALLEST_PIXELS <= pixels <= LARGEST_PIXELS for pixels in (width, height)):
            return width, height
    raise argparse.ArgumentTypeError(
        f"«{text}» is no size; write WIDTHxHEIGHT in pixels ({SMALLEST_PIXELS}–{LARGEST_PIXELS}), for example 1280x720"
    )


def _run_coach(arguments: argparse.Namespace) -> int:
    import asyncio  # noqa: PLC0415 - only the coach has a loop

    from firmware.services.coach_service import CoachService, CoachSettings, logging_apart  # noqa: PLC0415 - as above
    from firmware.system.supervisor import end_with_parent  # noqa: PLC0415 - as above

    end_with_parent()
    _check_speed(arguments.speed)
    settings = CoachSettings(
        socket=arguments.socket,
        diary=arguments.diary,
        speed=arguments.speed,
        free_floor_bytes=arguments.free_floor_mb * 2**20,
        in_force=arguments.in_force,
    )
    maker = _strap_maker(arguments.strap)
    shelf = _plans(arguments)

    async def serve() -> None:
        await CoachService(settings, shelf, maker).run()

    with logging_apart():
        asyncio.run(serve())
    return 0


def _strap_maker(spec: str) -> "StrapMaker":
    """Return what `--strap` means: the services know real straps only, so the simulated one is added here."""
    from firmware.sensors.factory import strap_maker  # noqa: PLC0415 - as above
    from firmware.simulation.strap import SIMULATED_STRAP  # noqa: PLC0415 - only the coach has a strap

    return strap_maker(spec, SIMULATED_STRAP)


def _check_speed(speed: float) -> None:
    if not 0 < speed <= 1000:  # noqa: PLR2004 - beyond this a machine cannot follow
        raise CommandLineError(f"--speed is {speed:g}; it must be above 0 and at most 1000.")


def _plans(arguments: argparse.Namespace) -> "PlanRepository":
    """Return the plans named on the command line, those of the folder, and a guest's. Raises PlanFileError."""
    from firmware.participants import plan_files, registry  # noqa: PLC0415 - only the coach has plans
    from firmware.simulation.strap import is_simulated, wearer_of  # noqa: PLC0415 - as above

    guests = None if arguments.no_guests else plan_files.GuestTerms(arguments.protocol, arguments.language)
    shelf = plan_files.PlanRepository(guests=guests)
    for path in arguments.plan:
        shelf.put(plan_files.read_plan(path))
    for reason in registry.load(shelf, arguments.diary, arguments.plans):
        sys.stderr.write(f"interval-coach: {reason}\n")
    if arguments.hr_max is not None or arguments.age is not None:
        shelf.put(
            plan_files.guest_plan(
                age=arguments.age,
                hr_max_bpm=arguments.hr_max,
                protocol=arguments.protocol,
                language=arguments.language,
            )
        )
    elif not shelf.names and is_simulated(arguments.strap):
        wearer = wearer_of(arguments.strap)
        shelf.put(
            plan_files.ready(wearer.plan(arguments.protocol, arguments.language), "the simulated participant's plan")
        )
    if not shelf.names:
        sys.stderr.write(
            "interval-coach: Nobody is known at this machine yet. Add somebody with «interval-coach participants add», "
            f"or put a plan in {arguments.plans}.{'' if guests is None else ' A guest may train by age.'}\n"
        )
    return shelf


def _run_display(arguments: argparse.Namespace) -> int:
    from firmware.services import display_service  # noqa: PLC0415 - only the display shows
    from firmware.system.supervisor import end_with_parent  # noqa: PLC0415 - as above

    if arguments.png is not None:
        view = display_service.view_now(arguments.socket)
        display_service.save_png(view, arguments.png, arguments.size or (1280, 720))
        sys.stdout.write(f"{arguments.png}\n")
        return 0
    end_with_parent()
    _log_here()
    in_force = arguments.in_force
    return display_service.serve(
        display_service.DisplaySettings(
            socket=arguments.socket,
            screen=arguments.screen.replace("-", "_"),
            size=arguments.size,
            language=arguments.language,
            sound=not arguments.no_sound,
            voices=tuple(arguments.voices),
            oled=arguments.oled,
            no_screen=in_force is not None and in_force.config.screen.driver == "none",
            config=None if in_force is None else in_force.config,
        )
    )


def _run_sync(arguments: argparse.Namespace) -> int:
    from firmware.services.sync_service import serve  # noqa: PLC0415 - only sync carries
    from firmware.system.delivery_status import state_file, state_in_words  # noqa: PLC0415 - as above
    from firmware.system.supervisor import end_with_parent  # noqa: PLC0415 - only a service has a parent
    from firmware.system.version import own_version  # noqa: PLC0415 - see below

    if arguments.state:
        sys.stdout.write(state_in_words(state_file(arguments.socket)) + "\n")
        return 0

    end_with_parent()
    _log_here()
    return serve(arguments.socket, arguments.identity, own_version(), server_is_here=arguments.server_is_here)


def _run_enrol(arguments: argparse.Namespace) -> int:
    import getpass  # noqa: PLC0415 - only here

    from firmware.enrolment.enrol import address_of, enrol  # noqa: PLC0415 - only here

    address_of(arguments.server)
    asks = sys.stdin.isatty()
    code = getpass.getpass("One-time code: ") if asks else sys.stdin.readline()
    account = enrol(arguments.server, code.strip(), arguments.identity)
    sys.stdout.write(
        f"This machine is {account.machine} of {account.clinic}. It delivers to {account.broker_host}:"
        f"{account.broker_port} from now on; its key is in {arguments.identity}.\n"
    )
    return 0


def _log_here() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")


def _run_all(arguments: argparse.Namespace) -> int:
    from firmware.system.supervisor import Service, Supervisor  # noqa: PLC0415 - only here
    from sync.missing_package import require_packages  # noqa: PLC0415 - only here

    _check_speed(arguments.speed)
    _strap_maker(arguments.strap)  # refuses at once what the coach would refuse
    # Asked for before the services start: each of them would refuse by itself, and the others would run on.
    require_packages("pygame", "paho")
    _log_here()
    ended = False

    def end(_number: int, _frame: FrameType | None) -> None:
        nonlocal ended
        ended = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    services = [
        Service("coach", _coach_words(arguments)),
        Service("display", _display_words(arguments)),
        Service("sync", ["sync", *_config_words(arguments), "--socket", str(arguments.socket)]),
    ]
    with Supervisor(services) as supervisor:
        while not ended:
            gone = supervisor.look_after()
            if gone is not None:
                return gone[1]
            time.sleep(0.2)
    return 0


def _config_words(arguments: argparse.Namespace) -> list[str]:
    return [] if arguments.config is None else ["--config", str(arguments.config)]


def _coach_words(arguments: argparse.Namespace) -> list[str]:
    words = [
        "coach",
        *_config_words(arguments),
        "--socket",
        str(arguments.socket),
        "--diary",
        str(arguments.diary),
        "--strap",
        arguments.strap,
    ]
    words += ["--plans", str(arguments.plans), "--protocol", arguments.protocol, "--language", arguments.language]
    words += ["--speed", f"{arguments.speed:g}", "--free-floor-mb", str(arguments.free_floor_mb)]
    for plan in arguments.plan:
        words += ["--plan", str(plan)]
    if arguments.hr_max is not None:
        words += ["--hr-max", f"{arguments.hr_max:g}"]
    if arguments.age is not None:
        words += ["--age", str(arguments.age)]
    if arguments.no_guests:
        words.append("--no-guests")
    return words


def _display_words(arguments: argparse.Namespace) -> list[str]:
    words = [
        "display",
        *_config_words(arguments),
        "--socket",
        str(arguments.socket),
        "--screen",
        arguments.screen,
        "--oled",
        arguments.oled,
    ]
    words += ["--language", arguments.language]
    if arguments.size is not None:
        words += ["--size", f"{arguments.size[0]}x{arguments.size[1]}"]
    if arguments.no_sound:
        words.append("--no-sound")
    for folder in arguments.voices:
        words += ["--voices", str(folder)]
    return words


def _run_demo(arguments: argparse.Namespace) -> int:
    from firmware.demo.runner import Demo, MachineDemoSettings  # noqa: PLC0415 - only the demo needs a terminal's picture
    from sync.missing_package import require_packages  # noqa: PLC0415 - only here

    require_packages("pygame")
    _check_speed(arguments.speed)
    return Demo(
        MachineDemoSettings(
            speed=arguments.speed,
            output=arguments.output,
            protocol=arguments.protocol,
            participant=arguments.participant,
            language=arguments.language,
            headless=arguments.headless,
            sound=not arguments.no_sound,
            server=not arguments.no_server,
        )
    ).run()


# Protocols, and what others bring


def _add_protocols(subparsers: "Subparsers") -> None:
    parser = subparsers.add_parser("protocols", help="list the training protocols, or check a clinic's own file")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|check")
    listing = actions.add_parser("list", help="list those that come with the package, and the clinic's own")
    listing.set_defaults(run=_list_protocols)
    check = actions.add_parser("check", help="read one file and say what is wrong with it")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=_check_protocol)


def _list_protocols(_: argparse.Namespace) -> int:
    from firmware.participants import protocol_files as store  # noqa: PLC0415 - only here

    own = sorted(path.stem for path in store.clinic_folder().glob("*.toml"))
    for name in sorted({*store.builtin_names(), *own}):
        try:
            protocol = store.load(name)
        except CoachError as error:
            sys.stdout.write(f"{name:12} cannot be used: {error}\n")
            continue
        title = protocol.titles.get("en", name)
        sys.stdout.write(f"{name:12} {protocol.length_s // 60:3d} min  {title}\n")
    return 0


def _check_protocol(arguments: argparse.Namespace) -> int:
    from firmware.participants import protocol_files as store  # noqa: PLC0415 - only here

    protocol = store.read_file(arguments.file)
    phases = len(protocol.phases)
    sys.stdout.write(
        f"{arguments.file} is in order: {protocol.name}, {phases} phases, {protocol.intervals} intervals, "
        f"{protocol.length_s // 60} min {protocol.length_s % 60} s\n"
    )
    return 0


def _add_config(subparsers: "Subparsers") -> None:
    from firmware.config.cli_defaults import CONFIG  # noqa: PLC0415 - as in `_configured`

    parser = subparsers.add_parser("config", help="check the machine's settings, or show those that hold")
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|show")
    for action, text, run in (
        ("check", "read a file and say what is wrong with it", _check_config),
        ("show", "show every setting that holds", _show_config),
    ):
        one = actions.add_parser(action, help=text)
        one.add_argument("file", type=Path, metavar="FILE", nargs="?", default=CONFIG, help="(%(default)s)")
        one.set_defaults(run=run)


def _check_config(arguments: argparse.Namespace) -> int:
    from firmware.config.loader import check_config, kept_copy  # noqa: PLC0415 - only here

    sys.stdout.write(f"{check_config(arguments.file, kept_copy())}\n")
    return 0


def _show_config(arguments: argparse.Namespace) -> int:
    from firmware.config.loader import in_force, kept_copy  # noqa: PLC0415 - only here
    from firmware.config.writer import format_config  # noqa: PLC0415 - as above

    now = in_force(arguments.file, kept_copy(), keep=False)
    if now.fault is not None:
        sys.stdout.write(f"# {now.fault}\n# These are the last good settings, which are in force instead.\n")
    sys.stdout.write(format_config(now.config))
    return 0


def _add_sessions(subparsers: "Subparsers") -> None:
    from firmware.commands import sessions  # noqa: PLC0415 - see `_parser`

    parser = sessions.add_parser(subparsers)
    _add_socket(parser)
    parser.set_defaults(run=_run_sessions)


def _run_sessions(arguments: argparse.Namespace) -> int:
    from firmware.commands import sessions  # noqa: PLC0415 - only here
    from firmware.commands.remote_diary import open_diary  # noqa: PLC0415 - as above

    return sessions.run(arguments, open_diary=lambda path: open_diary(path, arguments.socket))


def _add_participants(subparsers: "Subparsers") -> None:
    from firmware.commands import participants as participants_command  # noqa: PLC0415 - see `_parser`

    parser = participants_command.add_parser(subparsers)
    _add_socket(parser)
    _add_config_argument(parser)
    parser.set_defaults(run=participants_command.run)


def _add_doctor(subparsers: "Subparsers") -> None:
    from firmware.doctor import command  # noqa: PLC0415 - see `_parser`

    command.add_parsers(subparsers)


def _add_replay(subparsers: "Subparsers") -> None:
    from firmware.commands import replay  # noqa: PLC0415 - see `_parser`

    replay.add_parser(subparsers)


def _add_machine_commands(subparsers: "Subparsers") -> None:
    from firmware.commands import machine  # noqa: PLC0415 - see `_parser`

    machine.add_parsers(subparsers)


def _add_voice(subparsers: "Subparsers") -> None:
    from display.sound import voice_command  # noqa: PLC0415 - see `_parser`

    voice_command.add_parser(subparsers)


def _add_engine(subparsers: "Subparsers") -> None:
    from firmware.commands import engine_stdio  # noqa: PLC0415 - see `_parser`

    engine_stdio.add_parser(subparsers)


if __name__ == "__main__":
    sys.exit(main())
