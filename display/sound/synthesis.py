"""Speech synthesis for voice packs: espeak-ng for the default voice, Piper where a clinic has a voice model.

Both are programs of their own, started once for each phrase; neither is linked into the coach. Piper (piper-tts) is
under the GPL-3.0, and optional. What a program writes is read with the limits of every recording (`display.sound.wav`).
"""

import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from display.errors import AudioFileError, VoicePackError
from display.sound import wav
from display.sound.phrases import Language
from display.sound.pronunciation import for_espeak
from display.sound.wav import AudioFile

ESPEAK = "espeak-ng"
ESPEAK_VOICES: dict[Language, str] = {"nb": "nb", "en": "en-gb"}

PIPER = "piper"

Synthesiser = Callable[[str], AudioFile]
"""Speaks a text. Raises `VoicePackError` where it cannot."""

_WORDS_PER_MINUTE, _PITCH = "150", "45"
_ESPEAK_TIMEOUT_S, _PIPER_TIMEOUT_S = 30.0, 120.0
_MOST_CONFIG_BYTES = 1_000_000
_MOST_WHY = 300
_PIPER_LANGUAGES: dict[Language, tuple[str, ...]] = {"nb": ("no", "nb"), "en": ("en",)}


class _PiperAudio(Struct):
    sample_rate: int


class _PiperEspeak(Struct):
    voice: str


class _PiperConfig(Struct):
    audio: _PiperAudio
    espeak: _PiperEspeak | None = None


def espeak(language: Language) -> Synthesiser:
    """Return the default voice of a language.

    Raises:
        VoicePackError: espeak-ng is not installed.

    """
    program = shutil.which(ESPEAK)
    if program is None:
        raise VoicePackError(
            "espeak-ng is not installed, so no voice can be synthesised. Install it (apt-get install espeak-ng) and run"
            " the command again; until then the coach uses tones and pictures alone."
        )
    voice = ESPEAK_VOICES[language]
    options = [program, "-v", voice, "-s", _WORDS_PER_MINUTE, "-p", _PITCH]

    def speak(words: str) -> AudioFile:
        hint = f"Try: espeak-ng -v {voice} test"
        spelt = for_espeak(words, language)
        return _spoken(words, lambda to: ([*options, "-w", str(to), spelt], ""), _ESPEAK_TIMEOUT_S, hint)

    return speak


def piper(model: Path, language: Language) -> Synthesiser:
    """Return the voice of a Piper model: an `.onnx` file with its `.onnx.json`.

    Raises:
        VoicePackError: the program is missing, or the model's files are missing, damaged or of another language.

    """
    program = shutil.which(PIPER) or shutil.which(PIPER, path=str(Path(sys.executable).parent))
    if program is None:
        raise VoicePackError(
            "The program piper is not installed. Install it by itself (pipx install piper-tts), and run the command"
            " again. It is under the GPL-3.0, and the coach works without it."
        )
    _check_model(model, language)
    command = [program, "--model", str(model), "--output_file"]

    def speak(words: str) -> AudioFile:
        hint = f"Try: echo test | piper --model {model} --output_file test.wav"
        return _spoken(words, lambda to: ([*command, str(to)], f"{words}\n"), _PIPER_TIMEOUT_S, hint)

    return speak


def _check_model(model: Path, language: Language) -> None:
    config = model.with_name(f"{model.name}.json")
    for path in (model, config):
        if not path.is_file():
            raise VoicePackError(
                f"{path} is missing. A Piper voice is two files that lie together, NAME.onnx and NAME.onnx.json."
            )
    found = config.stat()
    try:
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_CONFIG_BYTES:
            raise VoicePackError(f"{config} is larger than {_MOST_CONFIG_BYTES // 1000} kB, which no voice needs.")
        said = msgspec.json.decode(config.read_bytes(), type=_PiperConfig)
    except (OSError, msgspec.MsgspecError) as error:
        raise VoicePackError(f"{config} cannot be read ({error}). Fetch the voice again.") from error
    if not wav.LOWEST_RATE_HZ <= said.audio.sample_rate <= wav.HIGHEST_RATE_HZ:
        raise VoicePackError(f"{config} says {said.audio.sample_rate} samples a second. Fetch the voice again.")
    voice = "" if said.espeak is None else said.espeak.voice
    if voice and voice.split("-")[0].lower() not in _PIPER_LANGUAGES[language]:
        raise VoicePackError(
            f"{model.name} speaks “{voice}” and not “{language}”. Name its language, or another voice."
        )


def _spoken(words: str, command: Callable[[Path], tuple[list[str], str]], timeout_s: float, hint: str) -> AudioFile:
    """Run a program that writes a WAV file, and read that file. `command`: its words and its input, for a path."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "spoken.wav"
        line, given = command(target)
        try:
            # The words are the catalogue's own, and no shell reads them.
            subprocess.run(line, check=True, capture_output=True, timeout=timeout_s, input=given.encode())  # noqa: S603
            return wav.read_wav(target)
        except subprocess.CalledProcessError as error:
            why = " ".join(error.stderr.decode("utf-8", "replace").split())[-_MOST_WHY:]
            raise VoicePackError(f"{Path(line[0]).name} could not say “{words}”: {why}. {hint}") from error
        except (OSError, subprocess.SubprocessError, AudioFileError) as error:
            raise VoicePackError(f"{Path(line[0]).name} could not say “{words}”: {error}. {hint}") from error
