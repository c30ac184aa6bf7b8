"""Voice packs: folders of recorded phrases, so that a clinic can let its own therapist speak.

A pack is a folder with a `pack.toml` (name, language, licence, speaker) and one WAV file for each phrase key
(`hold.wav`). The clinic's pack takes the place of the default one phrase by phrase: what it lacks, the default says.
The commands are in `display.sound.voice_command`.
"""

import difflib
import json
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from coach.model.toml_lines import TomlFault, parse_toml
from display.errors import AudioFileError, VoicePackError
from display.sound import wav
from display.sound.phrases import LANGUAGES, Language, catalogue
from display.sound.synthesis import ESPEAK, ESPEAK_VOICES, Synthesiser, espeak
from display.sound.tones import RATE_HZ

PACKAGED = Path(__file__).parents[1] / "voices"
"""Where the build step puts the default packs."""

LONGEST_S = 6.0
"""Nothing spoken to a person out of breath may last longer."""

LONGEST_LEAD_S = 0.25
"""Silence before the first word: more makes the word late."""

LOUDNESS_TOLERANCE_LU = 1.0
"""How far a phrase may lie from `wav.LOUDNESS_LUFS`."""

MOST_PACKS, MOST_FOLDERS = 4, 64
"""Packs of a language that are used, and folders that are looked into: more would only fill the memory."""

_ABOUT = "pack.toml"
_MOST_ABOUT_BYTES = 16 * 1024
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
            if pack.about.language == language and (len(packs) < MOST_PACKS or folder == packaged):
                packs.append(pack)
    if not packs:
        problems.append(
            f"There is no voice for «{language}». Build one: python -m display.sound.voice_command build {packaged}"
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
    packs: list[Pack] = []
    for language in LANGUAGES:
        speak = espeak(language)
        target = folder / language
        _make_room(target)
        about = PackMetadata(_NAMES[language], language, "CC0-1.0", f"{ESPEAK}, voice {ESPEAK_VOICES[language]}")
        packs.append(_fill(target, about, speak))
    return tuple(packs)


def make(folder: Path, about: PackMetadata, speak: Synthesiser) -> Pack:
    """Synthesise a whole pack into a folder that is not there yet; after a failure there is still none.

    Raises:
        VoicePackError: the folder exists already, or a phrase could not be said.

    """
    if folder.exists():
        raise VoicePackError(f"{folder} exists already, and is left as it is. Name a new folder.")
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir(parents=True)
        _fill(making, about, speak)
        making.rename(folder)
    except OSError as error:
        raise VoicePackError(f"{folder} could not be written: {error}. Name a folder of your own.") from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return open_pack(folder)


def _fill(folder: Path, about: PackMetadata, speak: Synthesiser) -> Pack:
    """Synthesise every phrase; `pack.toml` last, so that an interrupted build is not taken for a pack."""
    words = catalogue(about.language)
    for key in words.keys:
        wav.write_wav(folder / f"{key}.wav", wav.prepare(speak(words.spoken(key))))
    write_about(folder, about)
    return open_pack(folder)


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
        write_about(folder, about)
    return tuple(written)


def _make_room(target: Path) -> None:
    """Empty a folder of the phrases of an earlier build, but never of a voice that someone recorded."""
    if (target / _ABOUT).is_file() and not open_pack(target).about.speaker.startswith(ESPEAK):
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
    return sorted(path.parent for path in islice(folder.glob(f"*/{_ABOUT}"), MOST_FOLDERS))


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
    loudness = wav.loudness_lufs(sound.samples, sound.rate_hz)
    if not np.isfinite(loudness):
        yield f"{path.name} is silent. Record it again."
        return
    if abs(loudness - wav.LOUDNESS_LUFS) > LOUDNESS_TOLERANCE_LU:
        what = "quiet" if loudness < wav.LOUDNESS_LUFS else "loud"
        right = f"{loudness:.0f} LUFS; {wav.LOUDNESS_LUFS:.0f} is right"
        yield f"{path.name} is too {what} ({right}). Run «prepare» on it."
    lead_s = wav.spoken_span(sound.samples, sound.rate_hz)[0] / sound.rate_hz
    if lead_s > LONGEST_LEAD_S:
        yield f"{path.name} begins with {lead_s:.1f} s of silence, so the word comes late. Run «prepare» on it."


def write_about(folder: Path, about: PackMetadata) -> None:
    """Write the description of a pack; a link in its place is replaced and not followed."""
    making = folder / f".{_ABOUT}.new"
    making.unlink(missing_ok=True)
    with making.open("x", encoding="utf-8") as file:
        file.write(_about_toml(about))
    making.replace(folder / _ABOUT)


def _about_toml(about: PackMetadata) -> str:
    return "".join(
        f"{field} = {json.dumps(getattr(about, field), ensure_ascii=False)}\n" for field in about.__struct_fields__
    )
