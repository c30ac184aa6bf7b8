"""A guide through recording a voice pack at the machine: says what to read, records, levels, plays back, asks.

Every phrase that is kept is written at once to a folder of work next to the pack, so that the guide can be resumed.
The pack itself is replaced only when the work is whole, or when the person says that the rest may be missing.
"""

import shutil
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from display.errors import VoicePackError
from display.sound import wav
from display.sound.microphone import MicrophoneError, play, record
from display.sound.phrases import Language, catalogue, number_phrases, sentence_phrases
from display.sound.voice_pack import LONGEST_S, PACKAGED, PackMetadata, open_pack, write_about
from display.sound.wav import AudioFile

_TEXTS = Path(__file__).parents[1] / "phrases" / "recorder_texts.toml"
QUIETEST_LUFS = -50.0
"""Raw recordings below this are mostly the noise of the room."""

Ask = Callable[[str], str]


class StoppedError(Exception):
    """The person wants to go on another day."""


@dataclass
class VoiceRecorder:
    """One sitting. `ask`: shows a line and returns the answer; `tell`: shows a line."""

    folder: Path
    about: PackMetadata
    ask: Ask
    tell: Callable[[str], object]
    device: str | None = None
    output: str | None = None
    default_voice: Path = PACKAGED
    _texts: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Read the guide's sentences in the pack's language."""
        self._texts = texts(self.about.language)

    @property
    def work(self) -> Path:
        """The folder of the phrases that were kept so far."""
        return self.folder.with_name(f"{self.folder.name}.recording")

    @property
    def _before(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.before")

    def run(self, only: Sequence[str] = ()) -> bool:
        """Guide through the phrases that are missing, or through `only` of an existing pack; true when the pack is new.

        Raises:
            VoicePackError: the pack belongs to another voice, or a phrase is not known.
            MicrophoneError: there is no microphone; what was recorded before stays.

        """
        words = catalogue(self.about.language)
        unknown = [key for key in only if key not in words.keys]
        if unknown:
            raise VoicePackError(f"{unknown[0]} is no phrase. interval-coach voice script lists them.")
        self._begin(only)
        keys = [key for key in words.keys if not self._recorded(key)]
        self.tell(self._say("begin", left=len(keys), name=self.about.name))
        self.tell(self._say("how"))
        try:
            for number, key in enumerate(keys, 1):
                self.tell("")
                self.tell(self._say("phrase", number=number, count=len(keys), words=words.spoken(key)))
                if key in sentence_phrases() and key not in number_phrases():
                    self.tell(self._say("joined"))
                self._phrase(key)
        except StoppedError:
            pass
        return self._finish()

    def _begin(self, only: Sequence[str]) -> None:
        """Open the work: what is there from an earlier sitting, or a copy of the pack that is to be improved."""
        if self._before.exists() and not self.folder.exists():
            # The power went between the two steps of the last replacement.
            self._before.rename(self.folder)
        if not self.work.exists():
            if self.folder.exists():
                found = open_pack(self.folder)
                if (found.about.language, found.about.speaker) != (self.about.language, self.about.speaker):
                    raise VoicePackError(f"{self.folder} holds the voice of {found.about.speaker}. Name a new folder.")
                shutil.copytree(self.folder, self.work, ignore=lambda _, names: [n for n in names if n.startswith(".")])
            else:
                self.work.mkdir(parents=True)
            for key in only:
                self._file(key).unlink(missing_ok=True)
        write_about(self.work, self.about)

    def _phrase(self, key: str) -> None:
        """Record one phrase until it is kept or skipped. Raises `StoppedError`."""
        while True:
            answer = self._answer("ready")
            if answer == "skip":
                return
            if answer == "default":
                self._play(self.default_voice / self.about.language / f"{key}.wav", "no_default")
                continue
            taken = record(lambda: self.ask(self._say("recording")), self.device)
            wrong = self._fault(taken)
            if wrong is not None:
                self.tell(wrong)
                continue
            draft = self.work / f".{key}.draft"
            wav.write_wav(draft, wav.prepare(taken))
            verdict = self._judged(draft)
            if verdict == "keep":
                draft.replace(self._file(key))
                self.tell(self._say("kept"))
                return
            draft.unlink()
            if verdict == "skip":
                return

    def _judged(self, draft: Path) -> str:
        self._play(draft, "no_player")
        try:
            while (answer := self._answer("judge")) == "hear":
                self._play(draft, "no_player")
        except StoppedError:
            draft.unlink()
            raise
        return "keep" if answer == "" else answer

    def _answer(self, question: str) -> str:
        """Return which of the choices a person made; empty for Enter and for anything else."""
        given = self.ask(self._say(question)).strip().lower()
        chosen = next((name for name in ("again", "hear", "skip", "default", "quit") if given == self._texts[name]), "")
        if chosen == "quit":
            raise StoppedError
        return chosen

    def _fault(self, taken: AudioFile) -> str | None:
        """Say what is wrong with a raw recording, if anything."""
        loudness = wav.loudness_lufs(taken.samples, taken.rate_hz)
        if not np.isfinite(loudness):
            return self._say("silent")
        if loudness < QUIETEST_LUFS:
            return self._say("too_quiet")
        if wav.clipped_samples(taken.samples):
            return self._say("clipped")
        start, end = wav.spoken_span(taken.samples, taken.rate_hz)
        seconds = (end - start) / taken.rate_hz
        if seconds > LONGEST_S:
            return self._say("too_long", seconds=f"{seconds:.0f}", most=f"{LONGEST_S:.0f}")
        return None

    def _play(self, path: Path, otherwise: str) -> None:
        if not path.is_file():
            self.tell(self._say(otherwise, why=path.name))
            return
        try:
            play(path, self.output)
        except MicrophoneError as error:
            self.tell(self._say("no_player", why=str(error).rstrip(".")))

    def _finish(self) -> bool:
        """Put the work in the pack's place if it is whole, or if the person says that it may be used as it is."""
        left = [key for key in catalogue(self.about.language).keys if not self._recorded(key)]
        anything = len(left) < len(catalogue(self.about.language).keys)
        agreed = not left or (
            anything and self.ask(self._say("missing", count=len(left))).strip().lower() == self._texts["yes"]
        )
        if not agreed:
            self.tell(self._say("later", count=len(left), folder=self.work))
            return False
        shutil.rmtree(self._before, ignore_errors=True)
        if self.folder.exists():
            self.folder.rename(self._before)
        self.work.rename(self.folder)
        shutil.rmtree(self._before, ignore_errors=True)
        self.tell(self._say("done", folder=self.folder))
        return True

    def _recorded(self, key: str) -> bool:
        return self._file(key).is_file()

    def _file(self, key: str) -> Path:
        return self.work / f"{key}.wav"

    def _say(self, key: str, **values: object) -> str:
        return self._texts[key].format(**values)


def texts(language: Language) -> dict[str, str]:
    """Return the guide's sentences in a language."""
    found: dict[str, str] = tomllib.loads(_TEXTS.read_text(encoding="utf-8"))[language]
    return found
