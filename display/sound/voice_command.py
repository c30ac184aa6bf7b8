"""`interval-coach voice`: make, record and check voice packs.

    interval-coach voice build DIR             synthesise the default packs (nb, en) with espeak-ng
    interval-coach voice record PACK           record a pack at the machine, phrase by phrase
    interval-coach voice make PACK --piper M   synthesise a pack with a Piper voice model
    interval-coach voice prepare RAW PACK      trim and level recordings, whatever their rate and loudness
    interval-coach voice check PACK            say in plain sentences what is missing or wrong
    interval-coach voice script LANGUAGE       print what to read aloud, and the file for each phrase

`python -m display.sound.voice_command` is the same, for building the package.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from display.errors import DisplayError
from display.sound.phrases import LANGUAGES, catalogue
from display.sound.voice_pack import PackMetadata, build, check, make, prepare

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse gives it no public name

OWN_CLINIC = "Only for our own clinic"


def add_parser(subparsers: "Subparsers") -> None:
    """Add the command and its actions."""
    add_actions(subparsers.add_parser("voice", help="make, record and check voice packs"))


def add_actions(parser: argparse.ArgumentParser) -> None:
    """Add the actions to a parser; each sets `run`, which takes the arguments and returns the exit status."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="record|make|prepare|check|script|build")

    def action(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text)
        added.set_defaults(run=lambda asked: _refusing(run, asked))
        return added

    one = action("record", _record, "record a pack at the machine, phrase by phrase; can be resumed")
    _add_about(one)
    one.add_argument("--phrase", action="append", default=[], metavar="KEY", help="record this phrase again")
    one.add_argument("--device", help="the microphone, as ALSA names it: plughw:CARD=NAME")
    one.add_argument("--output", help="the loudspeaker, as ALSA names it")
    one = action("make", _make, "synthesise a pack with a voice model of Piper's")
    _add_about(one)
    one.add_argument("--piper", type=Path, required=True, metavar="MODEL.onnx", help="the model; its .json next to it")
    one = action("prepare", _prepare, "trim and level recordings into a pack")
    one.add_argument("raw", type=Path)
    one.add_argument("folder", type=Path)
    action("check", _check, "say what is missing or wrong in a pack").add_argument("folder", type=Path)
    action("script", _script, "print what to read aloud").add_argument("language", choices=LANGUAGES)
    action("build", _build, "synthesise the default packs with espeak-ng").add_argument("folder", type=Path)


def _add_about(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="PACK", help="the pack's folder")
    parser.add_argument("--language", choices=LANGUAGES, default="nb")
    parser.add_argument("--name", required=True, help="the pack's name, such as Kari, sal 1")
    parser.add_argument("--speaker", required=True, help="whose voice it is, and with which consent")
    parser.add_argument("--licence", default=OWN_CLINIC, help=f"who may use it ({OWN_CLINIC})")


def _about(asked: argparse.Namespace) -> PackMetadata:
    return PackMetadata(asked.name, asked.language, asked.licence, asked.speaker)


def _refusing(run: Callable[[argparse.Namespace], int], asked: argparse.Namespace) -> int:
    try:
        return run(asked)
    except DisplayError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _record(asked: argparse.Namespace) -> int:
    from display.sound.voice_recorder import StoppedError, VoiceRecorder  # noqa: PLC0415 - only where one records

    def ask(question: str) -> str:
        try:
            return input(question)
        except EOFError as error:
            raise StoppedError from error

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    recorder = VoiceRecorder(asked.folder, _about(asked), ask, tell, asked.device, asked.output)
    return 0 if recorder.run(asked.phrase) else 1


def _make(asked: argparse.Namespace) -> int:
    from display.sound.synthesis import piper  # noqa: PLC0415 - only where there is a model

    make(asked.folder, _about(asked), piper(asked.piper, asked.language))
    sys.stdout.write(f"{asked.folder}: {len(catalogue(asked.language).keys)} phrases\n")
    return 0


def _prepare(asked: argparse.Namespace) -> int:
    sys.stdout.write(f"{asked.folder}: {len(prepare(asked.raw, asked.folder))} phrases made ready\n")
    return 0


def _check(asked: argparse.Namespace) -> int:
    flaws = check(asked.folder)
    sys.stdout.writelines(f"{flaw.sentence}\n" for flaw in flaws)
    found = f"{len(flaws)} thing{'s' * (len(flaws) > 1)} to put right" if flaws else "complete and sound"
    sys.stdout.write(f"{asked.folder}: {found}\n")
    return 1 if flaws else 0


def _script(asked: argparse.Namespace) -> int:
    words = catalogue(asked.language)
    sys.stdout.writelines(f"{key + '.wav':<24}{words.spoken(key)}\n" for key in words.keys)
    return 0


def _build(asked: argparse.Namespace) -> int:
    for pack in build(asked.folder):
        sys.stdout.write(f"{pack.folder}: {len(catalogue(pack.about.language).keys)} phrases\n")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the actions; 0 when all is well, 1 when something is wrong with a pack."""
    parser = argparse.ArgumentParser(prog="interval-coach voice", description="Make, record and check voice packs.")
    add_actions(parser)
    asked = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    return run(asked)


if __name__ == "__main__":
    sys.exit(main())
