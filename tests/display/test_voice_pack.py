"""Voice packs: synthesised, checked in plain sentences, and a clinic's own in front of the default."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from display.errors import AudioFileError, VoicePackError
from display.sound import voice_command, voice_pack, wav
from display.sound.phrases import catalogue
from display.sound.tones import RATE_HZ, Samples

ABOUT = 'name = "Sal 1"\nlanguage = "nb"\nlicence = "Kun vår klinikk"\nspeaker = "Kari"\n'

needs_espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")


def voice_like(length_s: float = 1.0, loudness_lufs: float = wav.LOUDNESS_LUFS, rate_hz: int = RATE_HZ) -> Samples:
    """Make a tone of 997 Hz of a given loudness: at full scale it has -3.01 LUFS (ITU-R BS.1770-4)."""
    amplitude = 10 ** ((loudness_lufs + 3.01) / 20)
    hum: Samples = amplitude * np.sin(2 * np.pi * 997 * np.arange(round(length_s * rate_hz)) / rate_hz)
    return hum


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Record a complete and sound pack."""
    folder = tmp_path / "kari"
    folder.mkdir()
    (folder / "pack.toml").write_text(ABOUT, encoding="utf-8")
    for key in catalogue("nb").keys:
        wav.write_wav(folder / f"{key}.wav", voice_like())
    return folder


@needs_espeak
@pytest.mark.parametrize("language", ["nb", "en"])
def test_the_default_pack_is_complete_and_sound(default_voices: Path, language: str) -> None:
    """The build leaves nothing for the checker to say."""
    assert voice_pack.check(default_voices / language) == ()


@needs_espeak
def test_every_synthesised_phrase_is_equally_loud_and_never_clips(default_voices: Path) -> None:
    """No phrase stands out: loudness within 1 LU of the target, no peak over the limit, both ends at nothing."""
    sounds = [wav.read_wav(path).samples for path in default_voices.glob("*/*.wav")]
    assert max(abs(wav.loudness_lufs(samples) - wav.LOUDNESS_LUFS) for samples in sounds) <= 1.0
    assert max(float(np.abs(samples).max()) for samples in sounds) <= wav.PEAK_LIMIT + 1e-3
    assert max(abs(float(samples[end])) for samples in sounds for end in (0, -1)) < 1e-3


def test_a_tone_of_a_known_level_measures_what_the_standard_says() -> None:
    """ITU-R BS.1770-4: 997 Hz at full scale has -3.01 LUFS; EBU Tech 3341, signal 3: quiet beginnings are gated out."""
    tone = np.sin(2 * np.pi * 997 * np.arange(20 * RATE_HZ) / RATE_HZ)
    assert wav.loudness_lufs(tone) == pytest.approx(-3.01, abs=0.05)
    assert wav.loudness_lufs(tone[: round(0.2 * RATE_HZ)]) == pytest.approx(-3.01, abs=0.1)
    quiet, loud = tone[: 10 * RATE_HZ] * 10 ** (-33 / 20), tone[: 60 * RATE_HZ] * 10 ** (-20 / 20)
    assert wav.loudness_lufs(np.concatenate([quiet, loud, quiet])) == pytest.approx(-23.0, abs=0.1)
    assert wav.loudness_lufs(np.zeros(RATE_HZ)) == float("-inf")


@needs_espeak
def test_building_again_never_overwrites_a_recorded_voice(tmp_path: Path) -> None:
    """A therapist's evening of work is safe from a build step."""
    (tmp_path / "nb").mkdir()
    (tmp_path / "nb" / "pack.toml").write_text(ABOUT, encoding="utf-8")
    with pytest.raises(VoicePackError, match="holds a recorded voice"):
        voice_pack.build(tmp_path)


def test_without_espeak_the_build_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VoicePackError, match="apt-get install espeak-ng"):
        voice_pack.build(tmp_path)


def test_a_sound_pack_has_no_flaws(pack: Path) -> None:
    """Silence is praise."""
    assert voice_pack.check(pack) == ()


def sentence(pack: Path) -> str:
    """Give the one flaw of a pack."""
    (flaw,) = voice_pack.check(pack)
    return flaw.sentence


def test_a_missing_phrase_is_named_with_its_words(pack: Path) -> None:
    """The clinic sees what is still to be read aloud."""
    (pack / "hold.wav").unlink()
    assert sentence(pack) == "hold.wav is missing; the default voice will say «Hold farten.» in its place."


def test_a_misspelt_file_is_named_with_the_right_spelling(pack: Path) -> None:
    """A file that no cue asks for is never played."""
    shutil.copyfile(pack / "hold.wav", pack / "halv_way.wav")
    assert sentence(pack).endswith("never played. Did you mean halfway.wav?")


@pytest.mark.parametrize(
    ("samples", "rate_hz", "words"),
    [
        (voice_like(7.0), RATE_HZ, "lasts 7.0 s; at most 6 s. Say it more briefly."),
        (voice_like(loudness_lufs=-40.0), RATE_HZ, "is too quiet (-40 LUFS; -21 is right)."),
        (voice_like(loudness_lufs=-8.0), RATE_HZ, "is too loud (-8 LUFS; -21 is right)."),
        (np.zeros(RATE_HZ), RATE_HZ, "is silent. Record it again."),
        (voice_like(rate_hz=8000), 8000, "has 8000 samples a second and not 44100."),
        (np.concatenate([np.zeros(RATE_HZ), voice_like()]), RATE_HZ, "begins with 1.0 s of silence"),
        (np.concatenate([voice_like(), np.ones(40)]), RATE_HZ, "is clipped"),
    ],
)
def test_a_faulty_recording_gets_a_clear_sentence(pack: Path, samples: Samples, rate_hz: int, words: str) -> None:
    """What is wrong, and what to do."""
    wav.write_wav(pack / "hold.wav", samples, rate_hz)
    assert words in sentence(pack)


def test_a_file_that_is_no_sound_gets_a_clear_sentence(pack: Path) -> None:
    """Text, a truncated file, an empty file: one sentence each, and no crash."""
    for content in (b"not a sound", (pack / "hold.wav").read_bytes()[:20], b""):
        (pack / "hold.wav").write_bytes(content)
        assert sentence(pack).startswith("hold.wav cannot be read as a WAV file")


def test_a_pack_without_its_papers_is_no_pack(pack: Path) -> None:
    """Missing or wrong `pack.toml`: the sentence says what it holds."""
    (pack / "pack.toml").write_text('name = "x"\nlanguage = "sv"\n', encoding="utf-8")
    assert "It needs name, language (nb or en), licence and speaker." in sentence(pack)
    (pack / "pack.toml").unlink()
    assert "Write one with name, language, licence and speaker." in sentence(pack)


def test_preparing_makes_a_poor_recording_sound(pack: Path, tmp_path: Path) -> None:
    """Too quiet, long silences, another rate: all put right, and the recording itself is left alone."""
    raw = tmp_path / "raw"
    raw.mkdir()
    quiet = np.concatenate([np.zeros(24_000), voice_like(1.0, -38.0, 48_000), np.zeros(48_000)])
    wav.write_wav(raw / "hold.wav", quiet, 48_000)
    before = (raw / "hold.wav").read_bytes()
    assert voice_pack.prepare(raw, pack) == (pack / "hold.wav",)
    assert voice_pack.check(pack) == ()
    assert (raw / "hold.wav").read_bytes() == before
    assert wav.read_wav(pack / "hold.wav").length_s == pytest.approx(1.0, abs=0.15)


def test_the_clinics_phrases_stand_in_front_of_the_default_one_by_one(pack: Path, tmp_path: Path) -> None:
    """Kari says what she recorded; the default says the rest."""
    default = tmp_path / "default"
    shutil.copytree(pack, default / "nb")
    (pack / "halfway.wav").unlink()
    voice = voice_pack.find_voice("nb", [pack], default)
    assert next(voice.files("hold")) == pack / "hold.wav"
    assert next(voice.files("halfway")) == default / "nb" / "halfway.wav"
    assert voice.problems == ()


def test_a_broken_pack_is_passed_over_and_told(pack: Path, tmp_path: Path) -> None:
    """One bad file silences nobody."""
    shutil.copytree(pack, tmp_path / "packs" / "broken")
    (tmp_path / "packs" / "broken" / "pack.toml").write_text("name =", encoding="utf-8")
    voice = voice_pack.find_voice("nb", [tmp_path / "packs"], pack)
    assert [found.folder for found in voice.packs] == [pack]
    assert len(voice.problems) == 1


def test_no_pack_at_all_says_how_to_build_one(tmp_path: Path) -> None:
    """The voice is then silent, and the self-test can say why."""
    voice = voice_pack.find_voice("en", [], tmp_path)
    assert voice.packs == ()
    assert "display.sound.voice_command build" in voice.problems[0]


def test_the_command_prints_flaws_and_fails(pack: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A shell script can rely on the exit code."""
    assert voice_command.main(["check", str(pack)]) == 0
    (pack / "hold.wav").unlink()
    assert voice_command.main(["check", str(pack)]) == 1
    assert "1 thing to put right" in capsys.readouterr().out


def test_the_command_prints_what_to_read_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    """A therapist takes the list into a quiet room."""
    assert voice_command.main(["script", "nb"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(catalogue("nb").keys)
    assert "hold.wav                Hold farten." in lines


def test_the_command_tells_of_a_recording_that_it_cannot_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`prepare` writes nothing of a bad file, and says which one it is."""
    (tmp_path / "hold.wav").write_bytes(b"nothing")
    assert voice_command.main(["prepare", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "hold.wav cannot be read" in capsys.readouterr().err


def test_a_recording_of_another_width_is_refused(tmp_path: Path) -> None:
    """Eight bits hiss."""
    wav.write_wav(tmp_path / "hold.wav", voice_like())
    content = bytearray((tmp_path / "hold.wav").read_bytes())
    content[32:36] = (1).to_bytes(2, "little") + (8).to_bytes(2, "little")
    (tmp_path / "hold.wav").write_bytes(content)
    with pytest.raises(AudioFileError, match="8 bits a sample and not 16"):
        wav.read_wav(tmp_path / "hold.wav")


def test_another_rate_keeps_length_and_pitch() -> None:
    """A phrase recorded at half the rate sounds the same."""
    changed = wav.resample(voice_like(rate_hz=22_050), 22_050, RATE_HZ)
    assert changed == pytest.approx(voice_like(), abs=2e-3)


def test_the_guide_tells_of_every_command() -> None:
    """A clinic finds in docs/voice-packs.md whatever the tool can do."""
    guide = (Path(__file__).parents[2] / "docs" / "voice-packs.md").read_text(encoding="utf-8")
    assert [
        command
        for command in ("script", "prepare", "check", "build", "record", "make")
        if f"interval-coach voice {command}" not in guide
    ] == []
