"""Voice packs: folders of recorded phrases, so that a clinic can let its own therapist speak.

A pack is a folder with a `pack.toml` (name, language, licence, speaker) and one WAV file for each phrase key
(`hold.wav`). The clinic's pack takes the place of the default one phrase by phrase: what it lacks, the default says.

    python -m display.sound.voice_pack build DIR          synthesise the default packs (nb, en) with espeak-ng
    python -m display.sound.voice_pack prepare RAW PACK   trim and level recordings, whatever their rate and loudness
    python -m display.sound.voice_pack check PACK         say in plain sentences what is missing or wrong
    python -m display.sound.voice_pack script LANGUAGE    print what to read aloud, and the file for each phrase
"""

import argparse
import difflib
import json
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import msgspec
import numpy as np
from msgspec import Struct

from coach.model.toml_lines import TomlFault, parse_toml
from display.errors import AudioFileError, VoicePackError
from display.sound import wav
from display.sound.phrases import LANGUAGES, Language, catalogue
from display.sound.tones import RATE_HZ

PACKAGED = Path(__file__).parents[1] / "voices"
"""Where the build step puts the default packs."""

LONGEST_S = 6.0
"""Nothing spoken to a person out of breath may last longer."""

LONGEST_LEAD_S = 0.25
"""Silence before the first word: more makes the word late."""

LOUDNESS_TOLERANCE_DB = 3.0
"""How far a phrase may lie from `recording.LOUDNESS_DB`."""

_ABOUT = "pack.toml"
_MOST_ABOUT_BYTES = 16 * 1024
_ESPEAK = "espeak-ng"
_WORDS_PER_MINUTE, _PITCH = "150", "45"
_VOICES: dict[Language, str] = {"nb": "nb", "en": "en-gb"}
_NAMES: dict[Language, str] = {"nb": "Standardstemme, bokmål", "en": "Default voice, English"}


class PackMetadata(Struct, frozen=True, forbid_unknown_fields=True):
    """A pack's `pack.toml`: its name, language, the licence of its recordings, and whose voice it is."""

    name: str
    language: Language
    licence: str
    speaker: str


@dataclass(frozen=True)
class Pack:
    """A folder that is a voice pack."""

    folder: Path
    about: PackMetadata

    def file(self, key: str) -> Path:
        """Say where the phrase lies, if the pack has it."""
        return self.folder / f"{key}.wav"


@dataclass(frozen=True)
class Voice:
    """The packs of one language, the clinic's own first. `problems`: packs that could not be used, in sentences."""

    language: Language
    packs: tuple[Pack, ...]
    problems: tuple[str, ...] = ()

    def files(self, key: str) -> Iterator[Path]:
        """Yield the files that say a phrase, the preferred one first."""
        return (path for pack in self.packs if _is_there(path := pack.file(key)))


@dataclass(frozen=True)
class Flaw:
    """Something wrong with a pack: the phrase's key (or `pack.toml`), and a sentence that says what to do."""

    key: str
    sentence: str


def open_pack(folder: Path) -> Pack:
    """Read a pack's `pack.toml`.

    Raises:
        VoicePackError: there is none, or it cannot be understood.

    """
    try:
        found = (folder / _ABOUT).stat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_ABOUT_BYTES:
            raise VoicePackError(f"{folder / _ABOUT} is no file of at most {_MOST_ABOUT_BYTES} bytes. Write it again.")
        text = (folder / _ABOUT).read_bytes().decode("utf-8-sig")
        return Pack(folder, msgspec.convert(parse_toml(text), PackMetadata))
    except OSError as error:
        raise VoicePackError(
            f"{folder} has no readable {_ABOUT}. Write one with name, language, licence and speaker."
        ) from error
    except (msgspec.MsgspecError, TomlFault, UnicodeDecodeError) as error:
        raise VoicePackError(
            f"{folder / _ABOUT} cannot be used: {error}. It needs name, language (nb or en), licence and speaker."
        ) from error


def find_voice(language: Language, folders: Sequence[Path] = (), packaged: Path = PACKAGED) -> Voice:
    """Gather a language's packs: those in `folders` (each a pack, or a folder of packs), then the packaged one."""
    packs: list[Pack] = []
    problems: list[str] = []
    for folder in (*folders, packaged):
        for candidate in _candidates(folder):
            try:
                pack = open_pack(candidate)
            except VoicePackError as error:
                problems.append(str(error))
                continue
            if pack.about.language == language:
                packs.append(pack)
    if not packs:
        problems.append(
            f"There is no voice for «{language}». Build one: python -m display.sound.voice_pack build {packaged}"
        )
    return Voice(language, tuple(packs), tuple(problems))


def check(folder: Path) -> tuple[Flaw, ...]:
    """Look for all that is missing or wrong in a pack."""
    try:
        pack = open_pack(folder)
    except VoicePackError as error:
        return (Flaw(_ABOUT, str(error)),)
    words = catalogue(pack.about.language)
    flaws: list[Flaw] = []
    for key in words.keys:
        if _is_there(pack.file(key)):
            flaws.extend(Flaw(key, sentence) for sentence in _flaws_of(pack.file(key)))
        else:
            flaws.append(
                Flaw(key, f"{key}.wav is missing; the default voice will say «{words.spoken(key)}» in its place.")
            )
    for path in sorted(folder.glob("*.wav")):
        if path.stem not in words.keys:
            near = difflib.get_close_matches(path.stem, words.keys, n=1)
            hint = f" Did you mean {near[0]}.wav?" if near else ""
            flaws.append(Flaw(path.stem, f"{path.name} is no phrase that the coach knows, and is never played.{hint}"))
    return tuple(flaws)


def build(folder: Path) -> tuple[Pack, ...]:
    """Synthesise the default packs, one folder a language.

    Raises:
        VoicePackError: espeak-ng is missing or fails.

    """
    program = shutil.which(_ESPEAK)
    if program is None:
        raise VoicePackError(
            "espeak-ng is not installed, so no voice can be synthesised. Install it (apt-get install espeak-ng) and run"
            " the command again; until then the coach uses tones and pictures alone."
        )
    packs: list[Pack] = []
    for language in LANGUAGES:
        target = folder / language
        _make_room(target)
        words = catalogue(language)
        with tempfile.TemporaryDirectory() as scratch:
            raw = Path(scratch) / "raw.wav"
            for key in words.keys:
                _synthesise(program, _VOICES[language], words.spoken(key), raw)
                wav.write_wav(target / f"{key}.wav", wav.prepare(wav.read_wav(raw)))
        # Last, so that an interrupted build is not taken for a pack.
        about = PackMetadata(_NAMES[language], language, "CC0-1.0", f"espeak-ng, voice {_VOICES[language]}")
        _write_about(target, about)
        packs.append(open_pack(target))
    return tuple(packs)


def prepare(raw: Path, folder: Path) -> tuple[Path, ...]:
    """Make every WAV file in `raw` ready and write it into the pack `folder`; the recordings are left as they are.

    Raises:
        RecordingError: one of them cannot be read; nothing of it is written.

    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for path in sorted(raw.glob("*.wav")):
        samples = wav.prepare(wav.read_wav(path))
        wav.write_wav(folder / path.name, samples)
        written.append(folder / path.name)
    if (raw / _ABOUT).is_file() and raw.resolve() != folder.resolve():
        about = open_pack(raw).about
        _write_about(folder, about)
    return tuple(written)


def _make_room(target: Path) -> None:
    """Empty a folder of the phrases of an earlier build, but never of a voice that someone recorded."""
    if (target / _ABOUT).is_file() and not open_pack(target).about.speaker.startswith(_ESPEAK):
        raise VoicePackError(f"{target} holds a recorded voice. Build the default packs into another folder.")
    target.mkdir(parents=True, exist_ok=True)
    for path in (target / _ABOUT, *target.glob("*.wav")):
        path.unlink(missing_ok=True)


def _is_there(path: Path) -> bool:
    """Whether a file can be seen; one behind a closed door counts as missing, since a cue must never raise."""
    try:
        return path.is_file()
    except OSError:
        return False


def _candidates(folder: Path) -> list[Path]:
    if _is_there(folder / _ABOUT):
        return [folder]
    return sorted(path.parent for path in folder.glob(f"*/{_ABOUT}"))


def _flaws_of(path: Path) -> Iterator[str]:
    try:
        sound = wav.read_wav(path)
    except AudioFileError as error:
        yield str(error)
        return
    convert = f"Run «prepare» on it, or export it as mono, {RATE_HZ} Hz, 16 bit."
    if sound.channels != 1:
        yield f"{path.name} has {sound.channels} channels and not one. {convert}"
    if sound.rate_hz != RATE_HZ:
        yield f"{path.name} has {sound.rate_hz} samples a second and not {RATE_HZ}. {convert}"
    if sound.length_s > LONGEST_S:
        yield f"{path.name} lasts {sound.length_s:.1f} s; at most {LONGEST_S:.0f} s. Say it more briefly."
    if wav.clipped_samples(sound.samples):
        yield f"{path.name} is clipped: the microphone was too near or too sensitive. Record it again, more softly."
    loudness = wav.loudness_db(sound.samples, sound.rate_hz)
    if not np.isfinite(loudness):
        yield f"{path.name} is silent. Record it again."
        return
    if abs(loudness - wav.LOUDNESS_DB) > LOUDNESS_TOLERANCE_DB:
        what = "quiet" if loudness < wav.LOUDNESS_DB else "loud"
        right = f"{loudness:.0f} dBFS; {wav.LOUDNESS_DB:.0f} is right"
        yield f"{path.name} is too {what} ({right}). Run «prepare» on it."
    lead_s = wav.spoken_span(sound.samples, sound.rate_hz)[0] / sound.rate_hz
    if lead_s > LONGEST_LEAD_S:
        yield f"{path.name} begins with {lead_s:.1f} s of silence, so the word comes late. Run «prepare» on it."


def _synthesise(program: str, voice: str, words: str, path: Path) -> None:
    command = [program, "-v", voice, "-s", _WORDS_PER_MINUTE, "-p", _PITCH, "-w", str(path), words]
    try:
        # The words are the catalogue's own, and no shell reads them.
        subprocess.run(command, check=True, capture_output=True, timeout=30)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise VoicePackError(f"espeak-ng could not say «{words}»: {error}. Try «espeak-ng -v {voice} test».") from error


def _write_about(folder: Path, about: PackMetadata) -> None:
    """Write a pack's description; a link in its place is replaced and not followed."""
    making = folder / f".{_ABOUT}.new"
    making.unlink(missing_ok=True)
    with making.open("x", encoding="utf-8") as file:
        file.write(_about_toml(about))
    making.replace(folder / _ABOUT)


def _about_toml(about: PackMetadata) -> str:
    return "".join(
        f"{field} = {json.dumps(getattr(about, field), ensure_ascii=False)}\n" for field in about.__struct_fields__
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m display.sound.voice_pack", description="Make and check voice packs."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("build", help="synthesise the default packs with espeak-ng")
    action.add_argument("folder", type=Path)
    action = actions.add_parser("prepare", help="trim and level recordings into a pack")
    action.add_argument("raw", type=Path)
    action.add_argument("folder", type=Path)
    action = actions.add_parser("check", help="say what is missing or wrong in a pack")
    action.add_argument("folder", type=Path)
    action = actions.add_parser("script", help="print what to read aloud")
    action.add_argument("language", choices=LANGUAGES)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the commands; 0 when all is well, 1 when something is wrong with a pack."""
    asked = _parser().parse_args(arguments)
    out = sys.stdout
    try:
        match asked.action:
            case "build":
                for pack in build(asked.folder):
                    out.write(f"{pack.folder}: {len(catalogue(pack.about.language).keys)} phrases\n")
            case "prepare":
                out.write(f"{asked.folder}: {len(prepare(asked.raw, asked.folder))} phrases made ready\n")
            case "check":
                flaws = check(asked.folder)
                out.writelines(f"{flaw.sentence}\n" for flaw in flaws)
                found = f"{len(flaws)} thing{'s' * (len(flaws) > 1)} to put right" if flaws else "complete and sound"
                out.write(f"{asked.folder}: {found}\n")
                return 1 if flaws else 0
            case "script":
                words = catalogue(asked.language)
                out.writelines(f"{key + '.wav':<24}{words.spoken(key)}\n" for key in words.keys)
            case _ as unknown:
                assert_never(unknown)
    except (VoicePackError, AudioFileError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
