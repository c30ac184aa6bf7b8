"""`interval-coach participants list | show | add | remove | pin | open`: who may train at this machine.

The running coach is asked, since it owns the participants' files; where none runs, the files are changed here under the
diary's lock, so that there are never two writers. What decides over safety (HRmax, ceiling) is typed twice when a
person types it (hazard H7). A PIN is hashed here: its digits go nowhere.
"""

import argparse
import contextlib
import getpass
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec
from rich.console import Console
from rich.table import Table

from coach.errors import CoachError
from coach.model.plan import Load, Plan
from firmware.ipc.client import CoachLink, NoCoachError
from firmware.ipc.messages import (
    AddParticipant,
    AskParticipants,
    Done,
    Hello,
    OpenTraining,
    Piece,
    RemoveParticipant,
    RequestRefusal,
    SetPin,
)
from firmware.journal.errors import JournalInUseError
from firmware.journal.file import JournalLock
from firmware.participants.pins import hashed
from firmware.participants.plan_files import end_of_day_s, read_plan, ready
from firmware.participants.registry import Change, ParticipantRegistry, RegisteredParticipant
from firmware.system.errors import FirmwareError
from firmware.system.paths import diary_path, plans_folder

ANSWER_WITHIN_S = 20.0
_PIPED_WIDTH = 160
_entries = msgspec.json.Decoder(tuple[RegisteredParticipant, ...])


class ParticipantsError(FirmwareError, ValueError):
    """What was asked for cannot be; the text says why and what to do."""


class Owner(Protocol):
    """Whoever owns the participants' files now."""

    def entries(self) -> tuple[RegisteredParticipant, ...]:
        """Everybody, in the order of the tiles."""
        ...

    def carry_out(self, change: Change) -> None:
        """Make a change, or raise why not."""
        ...


@dataclass(frozen=True, slots=True)
class Typist:
    """Whoever sits at the command line. `present`: a person, who can be asked; else a script, which is not."""

    present: bool
    ask: Callable[[str], str] = input
    ask_secretly: Callable[[str], str] = getpass.getpass
    read_line: Callable[[], str] = sys.stdin.readline


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the command to the command line."""
    parser = subparsers.add_parser("participants", help="list, add and remove those who may train here; set a PIN")
    parser.add_argument("--diary", type=Path, metavar="FILE", help=f"the diary beside them (default: {diary_path()})")
    parser.add_argument("--plans", type=Path, metavar="FOLDER", help=f"the clinic's plans (default: {plans_folder()})")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|show|add|remove|pin|open")
    actions.add_parser("list", help="list everybody, in the order of the tiles")
    show = actions.add_parser("show", help="show one participant's plan")
    show.add_argument("participant", metavar="PSEUDONYM")
    remove = actions.add_parser("remove", help="let somebody train here no longer; their sessions stay in the diary")
    remove.add_argument("participant", metavar="PSEUDONYM")
    pin = actions.add_parser("pin", help="set a PIN of four digits: asked for twice, or one line on the input")
    pin.add_argument("participant", metavar="PSEUDONYM")
    pin.add_argument("--remove", action="store_true", help="ask for no PIN any more")
    opened = actions.add_parser("open", help="let somebody train again whom a yes before the start has closed out here")
    opened.add_argument("participant", metavar="PSEUDONYM", help="or guest, for all guests")
    _add_arguments(actions.add_parser("add", help="let somebody train here: by a TOML file, by options, or asked"))
    return parser


def _add_arguments(add: argparse.ArgumentParser) -> None:
    add.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a plan in TOML (docs/participants.md)")
    add.add_argument("--participant", metavar="PSEUDONYM", help="1–64 letters, digits, hyphens, underscores; no name")
    add.add_argument("--nickname", metavar="WORD", help="what the tile says, as the person chose")
    add.add_argument("--picture", metavar="KEY", help="what the tile shows: boat, fox, mountain, …")
    add.add_argument("--hr-max", type=float, metavar="BPM")
    add.add_argument("--hr-max-source", metavar="SOURCE", help="measured (default), highest_seen or formula")
    add.add_argument("--ceiling", type=float, metavar="BPM", help="the personal ceiling; without it HRmax is")
    add.add_argument("--age", type=int, metavar="YEARS")
    add.add_argument("--protocol", metavar="NAME", help="4x4 (default), 3x3-mit, steady, tabata-x5, or the clinic's")
    add.add_argument("--mode", choices=("heart_rate", "exertion"), help="exertion: by feeling, HRmax is not needed")
    add.add_argument("--language", choices=("nb", "en"))
    add.add_argument("--start-speed", type=float, metavar="KMH", help="of the first interval")
    add.add_argument("--start-incline", type=float, metavar="PERCENT", help="of the first interval")
    add.add_argument("--weekly-cap", type=int, metavar="SESSIONS", help="in 7 days")
    add.add_argument("--rest-hours", type=float, metavar="HOURS", help="between sessions")
    add.add_argument("--question", action="append", metavar="KEY", help="asked before each start: chest_pain, fever, …")
    add.add_argument("--closed-after-yes", type=float, metavar="HOURS", help="after a yes to chest pain, fever, …; 24")
    add.add_argument("--valid-until", type=_day, metavar="YYYY-MM-DD", help="the last day of training by this plan")
    add.add_argument("--replace", action="store_true", help="in the place of the plan that was added here before")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"«{text}» is no day; write it as 2027-01-31") from error


def run(
    arguments: argparse.Namespace,
    *,
    typist: Typist | None = None,
    output: Console | None = None,
    errors: Console | None = None,
) -> int:
    """Do what was asked. Gives 0, or 2 after a sentence on what went wrong."""
    typist = typist or Typist(sys.stdin.isatty())
    output = output or Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    errors = errors or Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        _act(arguments, typist, output)
    except FirmwareError as error:
        errors.print(f"interval-coach: {error}", markup=False)
        return 2
    except CoachError as error:
        errors.print(f"interval-coach: {_sentence(str(error))}", markup=False)
        return 2
    except EOFError:
        errors.print("interval-coach: The input ended before everything was answered; nothing has changed.")
        return 2
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        errors.print(f"interval-coach: {place}{error.strerror or error}.", markup=False)
        return 2
    return 0


def _act(arguments: argparse.Namespace, typist: Typist, output: Console) -> None:
    # Whatever a person is asked is asked before the owner is: nobody holds a lock while somebody thinks.
    change: Change | None = None
    match arguments.action:
        case "add":
            change = AddParticipant(plan=plan_from(arguments, typist), replace=arguments.replace)
        case "remove":
            change = RemoveParticipant(participant=arguments.participant)
        case "pin":
            pin = None if arguments.remove else hashed(_new_pin(typist))
            change = SetPin(participant=arguments.participant, pin=pin)
        case "open":
            change = OpenTraining(participant=arguments.participant)
        case _:
            pass
    with owner_of(
        arguments.diary, arguments.plans or plans_folder(), arguments.socket, changes=change is not None
    ) as owner:
        if change is not None:
            owner.carry_out(change)
            output.print(_done(change), markup=False)
            return
        entries = owner.entries()
    if arguments.action == "list":
        _list(entries, output)
    else:
        _show(entries, arguments.participant, output)


# Who owns the files


class RunningCoach:
    """The coach on a local socket."""

    def __init__(self, link: CoachLink) -> None:
        """Ask over this link."""
        self._link = link

    def entries(self) -> tuple[RegisteredParticipant, ...]:
        """Everybody. Raises NoCoachError."""
        self._link.say(AskParticipants(1))
        document = bytearray()
        for message in self._heard():
            if isinstance(message, Piece) and message.what == "participants":
                document += message.content
                if len(document) >= message.total:
                    return _entries.decode(bytes(document))
        raise _silent()

    def carry_out(self, change: Change) -> None:
        """Ask for a change. Raises ParticipantsError with the coach's reason, NoCoachError."""
        self._link.say(change.numbered(1))
        for message in self._heard():
            if isinstance(message, RequestRefusal):
                raise ParticipantsError(_sentence(message.reason))
            if isinstance(message, Done):
                return
        raise _silent()

    def _heard(self) -> Iterator[object]:
        until_s = time.monotonic() + ANSWER_WITHIN_S
        while (left_s := until_s - time.monotonic()) > 0:
            yield from self._link.receive(left_s)


def _silent() -> NoCoachError:
    return NoCoachError(f"The coach did not answer within {ANSWER_WITHIN_S:g} s. Is its disk in trouble?")


@contextmanager
def owner_of(diary: Path | None, plans: Path, socket: Path, *, changes: bool) -> Iterator[Owner]:
    """Whoever owns the participants' files: the coach that runs, else this process for as long as this lasts.

    Raises ParticipantsError where the coach on the socket keeps another diary, or another process has this one.
    """
    with contextlib.ExitStack() as stack:
        link: CoachLink | None = None
        with contextlib.suppress(NoCoachError):
            link = stack.enter_context(CoachLink(socket))
        if link is not None:
            kept = _find_plan_folder(link)
            if diary is None or kept == diary.resolve():
                yield RunningCoach(link)
                return
        yield stack.enter_context(_here(diary or diary_path(), plans, socket, changes=changes))


@contextmanager
def _here(diary: Path, plans: Path, socket: Path, *, changes: bool) -> Iterator[Owner]:
    if changes:
        diary.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock: JournalLock | None = None
    if diary.parent.is_dir():
        try:
            lock = JournalLock(diary)
        except JournalInUseError as error:
            raise ParticipantsError(
                f"A coach has {diary} open, but none answers on {socket}. Name its socket with --socket, or stop it."
            ) from error
    participants, _ = ParticipantRegistry.beside(diary, plans)
    try:
        yield participants
    finally:
        participants.close()
        if lock is not None:
            lock.release()


def _find_plan_folder(link: CoachLink) -> Path:
    until_s = time.monotonic() + ANSWER_WITHIN_S
    while (left_s := until_s - time.monotonic()) > 0:
        for message in link.receive(left_s):
            if isinstance(message, Hello):
                return Path(message.diary)
    raise _silent()


# What is added


def plan_from(arguments: argparse.Namespace, typist: Typist) -> Plan:
    """Return the plan that was meant: a file's, the options', or what a person answers.

    Raises PlanFileError with file, line and reason; ParticipantsError.
    """
    if arguments.file is not None:
        if given := [name for name in _OPTIONS if getattr(arguments, name) is not None]:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ParticipantsError(f"A file and options do not go together: write {named} into {arguments.file}.")
        return read_plan(arguments.file).plan
    if arguments.participant is None:
        if not typist.present:
            raise ParticipantsError("Name a plan's file, or give at least --participant and --hr-max.")
        arguments = _ask_missing(arguments, typist)
    elif typist.present:
        for name, what in (("hr_max", "HRmax"), ("ceiling", "ceiling")):
            _same_again(what, getattr(arguments, name), typist)
    return ready(_plan(arguments), f"the plan for {arguments.participant}").plan


_OPTIONS = (
    "participant", "nickname", "picture", "hr_max", "hr_max_source", "ceiling", "age", "protocol", "mode", "language",
    "start_speed", "start_incline", "weekly_cap", "rest_hours", "question", "closed_after_yes", "valid_until",
)  # fmt: skip


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.start_incline is not None and arguments.start_speed is None:
        raise ParticipantsError("--start-incline needs --start-speed beside it.")
    start = None
    if arguments.start_speed is not None:
        start = Load(arguments.start_speed, arguments.start_incline or 0.0)
    source = arguments.hr_max_source or "measured"
    said = {
        "nickname": arguments.nickname,
        "picture": arguments.picture,
        "hr_max_bpm": arguments.hr_max,
        "hr_max_source": None if arguments.hr_max is None else source,
        "ceiling_bpm": arguments.ceiling,
        "age": arguments.age,
        "protocol": arguments.protocol,
        "mode": arguments.mode,
        "language": arguments.language,
        "start": start,
        "weekly_cap": arguments.weekly_cap,
        "rest_hours": arguments.rest_hours,
        "questions": None if arguments.question is None else tuple(arguments.question),
        "closed_after_yes_h": arguments.closed_after_yes,
        "valid_until_wall_s": None if arguments.valid_until is None else end_of_day_s(arguments.valid_until),
    }
    return Plan(participant=arguments.participant, **{name: value for name, value in said.items() if value is not None})


def _ask_missing(arguments: argparse.Namespace, typist: Typist) -> argparse.Namespace:
    """Ask for what matters; an empty answer leaves out what may be left out."""
    answers = argparse.Namespace(**vars(arguments))
    answers.participant = typist.ask("Pseudonym (no name): ").strip()
    answers.nickname = arguments.nickname or typist.ask("Nickname on the tile (empty: the pseudonym): ").strip() or None
    answers.picture = (
        arguments.picture or typist.ask("Picture (boat, fox, …; empty: by the nickname): ").strip() or None
    )
    answers.hr_max = _number("HRmax in beats a minute: ", typist)
    _same_again("HRmax", answers.hr_max, typist)
    answers.ceiling = _number("Ceiling in beats a minute (empty: HRmax): ", typist)
    _same_again("ceiling", answers.ceiling, typist)
    return answers


def _number(question: str, typist: Typist) -> float | None:
    answer = typist.ask(question).strip().replace(",", ".")
    if not answer:
        return None
    try:
        return float(answer)
    except ValueError as error:
        raise ParticipantsError(f"«{answer}» is no number; nothing has changed.") from error


def _same_again(what: str, value: float | None, typist: Typist) -> None:
    """Hazard H7: a slip of the hand is found by typing twice."""
    if value is None:
        return
    if _number(f"Type the {what} once more: ", typist) != value:
        raise ParticipantsError(f"The two entries of the {what} differ; nothing has changed. Begin again.")


def _new_pin(typist: Typist) -> str:
    if not typist.present:
        return typist.read_line().strip()
    pin = typist.ask_secretly("New PIN, four digits: ").strip()
    if typist.ask_secretly("Once more: ").strip() != pin:
        raise ParticipantsError("The two PINs differ; nothing has changed. Begin again.")
    return pin


# What is told


def _done(change: Change) -> str:
    match change:
        case AddParticipant():
            name = change.plan.nickname or change.plan.participant
            return f"{change.plan.participant} may train here, as «{name}»."
        case RemoveParticipant():
            return f"{change.participant} may train here no longer. Earlier sessions stay in the diary."
        case SetPin():
            return f"{change.participant} has {'no PIN any more' if change.pin is None else 'a new PIN'}."
        case OpenTraining():
            return f"{change.participant} may train here again. Talk first about the answer that closed training."


def _list(entries: tuple[RegisteredParticipant, ...], output: Console) -> None:
    if not entries:
        output.print("Nobody is known here yet. Add somebody with: interval-coach participants add")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Pseudonym", "Nickname", "Picture", "Protocol", "HRmax", "Ceiling", "PIN", "Valid until", "From"):
        table.add_column(heading, no_wrap=True)
    for entry in entries:
        plan = entry.plan
        table.add_row(
            plan.participant,
            plan.nickname or "–",
            plan.picture or "–",
            plan.protocol,
            _bpm(plan.hr_max_bpm),
            _bpm(plan.ceiling_bpm),
            "yes" if entry.has_pin else "no",
            _until(entry),
            _FROM[entry.source],
        )
    output.print(table, markup=False)


def _show(entries: tuple[RegisteredParticipant, ...], participant: str, output: Console) -> None:
    entry = next((one for one in entries if one.plan.participant == participant), None)
    if entry is None:
        raise ParticipantsError(f"Nobody here is {participant}. See who there is: interval-coach participants list")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in msgspec.structs.asdict(entry.plan).items():
        if name not in ("response", "valid_until_wall_s") and value not in (None, ()):
            table.add_row(name, _format_answer(value))
    table.add_row("PIN", "yes" if entry.has_pin else "no")
    table.add_row("valid until", _until(entry))
    table.add_row("from", _FROM[entry.source])
    output.print(table, markup=False)


_FROM: dict[Literal["file", "added", "server"], str] = {
    "file": "the clinic's file",
    "added": "this machine",
    "server": "the server",
}


def _format_answer(value: object) -> str:
    if isinstance(value, Load):
        return f"{value.speed_kmh:g} km/h, {value.incline_percent:g} %"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _until(entry: RegisteredParticipant) -> str:
    until_s = entry.plan.valid_until_wall_s
    if until_s is None:
        return "–"
    # The plan holds to the very end of its last day.
    last = datetime.fromtimestamp(until_s - 1.0, UTC).astimezone()
    return f"{last:%Y-%m-%d}{' (expired)' if entry.expired else ''}"


def _bpm(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _sentence(reason: str) -> str:
    sentence = f"{reason[0].upper()}{reason[1:]}" if reason else "The coach refused without a reason"
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."
