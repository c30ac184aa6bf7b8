"""The commands `interval-coach doctor` and `interval-coach self-test`, for whoever stands beside the machine."""

import argparse
import os
import select
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from coach.kiosk.view import Button, DisplayState, ScreenId, TriedPart
from firmware.doctor.all_checks import NAMES
from firmware.ipc.client import CoachLink
from firmware.ipc.messages import BeginSelfTest, Press, RequestRefusal, Subscribe, ViewNow
from firmware.system.errors import FirmwareError
from firmware.system.paths import diary_path, identity_folder, socket_path

if TYPE_CHECKING:
    from display.texts import Language

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

WELL, NEEDS_A_PERSON = 0, 1
PATIENCE_S = 75.0
"""A little longer than the machine's own patience with somebody who has gone."""

YES, NO, AGAIN = ("j", "ja", "y", "yes"), ("n", "nei", "no"), ("o", "igjen", "again")


class SelfTestError(FirmwareError):
    """The self-test could not be carried out."""


def add_parsers(subparsers: "Subparsers") -> None:
    """Add both commands."""
    parser = subparsers.add_parser(
        "doctor",
        help="look the machine over, and say what to do: ends with 0 where all is well, 1 where it needs a person",
    )
    parser.add_argument(
        "names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"only these: {', '.join(NAMES)}"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document (docs/doctor.schema.json)")
    parser.add_argument("--diary", type=Path, metavar="FILE", help="the diary (by the settings)")
    parser.add_argument("--identity", type=Path, metavar="FOLDER", default=identity_folder(), help="key (%(default)s)")
    _add_place(parser)
    parser.set_defaults(run=run_doctor)
    test = subparsers.add_parser("self-test", help="try screen, lamp and voice, and answer what was seen and heard")
    _add_place(test)
    test.set_defaults(run=run_self_test)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--socket", type=Path, metavar="PATH", default=socket_path(), help="the coach's local socket (%(default)s)"
    )
    parser.add_argument("--config", "--settings", dest="settings", type=Path, metavar="FILE", help="the settings' file")
    parser.add_argument("--language", choices=("nb", "en"), help="of the words (by the settings, else bokmål)")


def run_doctor(arguments: argparse.Namespace) -> int:
    """Look, and say what is wrong. Gives 0 where all is well, 1 where something needs a person."""
    from rich.console import Console  # noqa: PLC0415 - only where somebody reads

    from firmware.doctor import local_context, report  # noqa: PLC0415 - as above
    from firmware.doctor.environment import CheckContext, settled  # noqa: PLC0415 - as above
    from firmware.doctor.runner import look  # noqa: PLC0415 - as above
    from firmware.system.version import own_version  # noqa: PLC0415 - as above

    now, refused = local_context.settings_here(arguments.settings)
    diary = arguments.diary or (diary_path() if now is None else Path(now.config.diary.folder) / "diary.db")
    place = settled(CheckContext(diary=diary, identity=arguments.identity, socket=arguments.socket), now, refused)
    place, health = local_context.asked_of_coach(local_context.whole(place))
    looked = local_context.with_coachs(look(place, arguments.names), health)
    looked = local_context.without_answer(looked, place)
    language = cast("Language", arguments.language or ("nb" if now is None else now.config.machine.language))
    told = report.report(looked, language, version=own_version(), coach_runs=place.told.coach_runs)
    if arguments.json:
        sys.stdout.write(report.to_json(told) + "\n")
    else:
        report.show(told, Console())
    return WELL if told.well else NEEDS_A_PERSON


def run_self_test(arguments: argparse.Namespace) -> int:
    """Lead somebody through the self-test. Gives 0 where all was seen and heard, 1 where not. Raises SelfTestError."""
    from display.texts import texts_in  # noqa: PLC0415 - only where somebody reads
    from firmware.doctor import local_context  # noqa: PLC0415 - as above

    now, _ = local_context.settings_here(arguments.settings)
    texts = texts_in(arguments.language or ("nb" if now is None else now.config.machine.language))
    with CoachLink(arguments.socket) as link:
        link.say(Subscribe(views=True))
        link.say(BeginSelfTest(request=1))
        answers = _ask_questions(link, texts.group("self_test"), sys.stdin)
    sys.stdout.write(texts.say("self_test.thanks") + "\n")
    return WELL if all(answers.values()) else NEEDS_A_PERSON


def _ask_questions(link: CoachLink, words: dict[str, str], keys: TextIO) -> dict[TriedPart, bool]:
    """Ask for each part as it is tried, and give what was typed here; an answer on the panel counts for the machine."""
    answers: dict[TriedPart, bool] = {}
    asking: TriedPart | None = None
    began = False
    typed = b""
    while True:
        if asking is not None and asking not in answers and b"\n" in typed:
            line, _, typed = typed.partition(b"\n")
            button = _button(line.decode(errors="replace").strip().lower())
            if button in (Button.START, Button.STOP):
                answers[asking] = button is Button.START
            if button is not None:
                link.say(Press(button=button))
            continue
        waits = [link.fileno(), keys.fileno()] if asking not in answers and asking else [link.fileno()]
        readable, _, _ = select.select(waits, [], [], PATIENCE_S)
        if not readable:
            raise SelfTestError("The machine says nothing more. Look whether it runs: interval-coach doctor.")
        if keys.fileno() in readable:
            # Not through the file's own buffer, of which `select` knows nothing.
            came = os.read(keys.fileno(), 4096)
            if not came:
                raise SelfTestError("There is nobody to answer here. Carry it out on the machine's own buttons.")
            typed += came
        for message in link.receive(0) if link.fileno() in readable else ():
            if isinstance(message, RequestRefusal):
                raise SelfTestError(f"The self-test cannot begin now: {message.reason}.")
            if isinstance(message, ViewNow):
                view: DisplayState = message.view
                began = began or view.face is ScreenId.SELF_TEST
                if began and view.face is ScreenId.MACHINE:
                    return answers
                if began and view.face is not ScreenId.SELF_TEST:
                    raise SelfTestError("Nobody answered, so nothing was kept. Begin again beside the machine.")
                if view.tried is not None and view.tried is not asking:
                    asking = view.tried
                    question = f"{words[asking]} {words[f'{asking}_how']}"
                    sys.stdout.write(words["ask"].format(question=question))
                    sys.stdout.flush()


def _button(answer: str) -> Button | None:
    if answer in YES:
        return Button.START
    if answer in NO:
        return Button.STOP
    return Button.UP if answer in AGAIN else None
