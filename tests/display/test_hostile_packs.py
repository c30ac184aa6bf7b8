"""Voice packs that nobody recorded: each is refused in a sentence, at once, and nothing else is touched."""

import os
import struct
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from display.errors import AudioFileError, VoicePackError
from display.sound import voice_pack, wav
from display.sound.mixer import speech

ABOUT = 'name = "x"\nlanguage = "nb"\nlicence = "CC0-1.0"\nspeaker = "Kari"\n'
SECRET = b"another file"
FAST_S = 5.0


def header(rate_hz: int = 22_050, channels: int = 1, data_bytes: int = 0, content: bytes = b"") -> bytes:
    """A WAV file's bytes, saying what is asked whatever it holds."""
    a_second = rate_hz * 2 * channels & 0xFFFF_FFFF
    described = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate_hz, a_second, 2 * channels & 0xFFFF, 16)
    begins = b"RIFF" + struct.pack("<I", 0xFFFF_FFFF) + b"WAVE" + described
    return begins + b"data" + struct.pack("<I", data_bytes) + content


@pytest.mark.parametrize(
    "content",
    [
        header(rate_hz=0, data_bytes=4, content=b"\0" * 4),
        header(rate_hz=1, data_bytes=4, content=b"\0" * 4),
        header(rate_hz=2**31, data_bytes=4, content=b"\0" * 4),
        header(channels=60_000, data_bytes=4, content=b"\0" * 4),
        header(data_bytes=0xFFFF_FFF0),
        b"",
        b"RIFF",
    ],
    ids=["rate 0", "rate 1", "rate 2^31", "60,000 channels", "4 GB in 44 bytes", "empty", "cut"],
)
def test_a_sound_file_that_no_recorder_writes_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "hold.wav").write_bytes(content)
    with pytest.raises(AudioFileError, match=r"hold\.wav"):
        wav.read_wav(tmp_path / "hold.wav")
    (tmp_path / "pack.toml").write_text(ABOUT, encoding="utf-8")
    assert any(flaw.key == "hold" for flaw in voice_pack.check(tmp_path))


def test_a_file_too_large_for_a_phrase_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "hold.wav").open("wb") as file:
        file.truncate(wav.MOST_BYTES + 1)
    with pytest.raises(AudioFileError, match="32 MB"):
        wav.read_wav(tmp_path / "hold.wav")


def test_a_phrase_that_lasts_for_minutes_is_not_played(tmp_path: Path) -> None:
    """At 4,000 samples a second, 30 MB would last an hour, and fill gigabytes at the mixer's rate."""
    (tmp_path / "pack.toml").write_text(ABOUT, encoding="utf-8")
    (tmp_path / "hold.wav").write_bytes(header(4_000, 1, 15_000_000, b"\1" * 15_000_000))
    began_s = time.perf_counter()
    assert speech(voice_pack.find_voice("nb", [tmp_path], tmp_path / "none"), "hold") is None
    assert time.perf_counter() - began_s < FAST_S


def test_of_many_packs_only_a_few_are_used_and_the_default_one_is_among_them(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / "packs" / f"{number:03}").mkdir(parents=True)
        (tmp_path / "packs" / f"{number:03}" / "pack.toml").write_text(ABOUT, encoding="utf-8")
    (tmp_path / "default").mkdir()
    (tmp_path / "default" / "pack.toml").write_text(ABOUT, encoding="utf-8")
    packs = voice_pack.find_voice("nb", [tmp_path / "packs"], tmp_path / "default").packs
    assert len(packs) == voice_pack.MOST_PACKS + 1
    assert packs[-1].folder == tmp_path / "default"


@pytest.mark.parametrize("name", ["pack.toml", "hold.wav"])
def test_a_fifo_in_a_pack_does_not_hold_the_reader(tmp_path: Path, name: str) -> None:
    (tmp_path / "pack.toml").write_text(ABOUT, encoding="utf-8")
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    began_s = time.perf_counter()
    assert voice_pack.check(tmp_path) != ()
    assert time.perf_counter() - began_s < FAST_S


@pytest.mark.parametrize("text", ["x = " + "[" * 10_000, "a." * 8_000 + "b = 1", "#" * 20_000, "\0", "name = 1"])
def test_a_description_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "pack.toml").write_text(text, encoding="utf-8")
    with pytest.raises(VoicePackError, match=r"pack\.toml"):
        voice_pack.open_pack(tmp_path)


def test_prepare_replaces_a_link_in_the_pack_and_does_not_follow_it(tmp_path: Path) -> None:
    raw, pack, other = tmp_path / "raw", tmp_path / "pack", tmp_path / "other"
    raw.mkdir()
    pack.mkdir()
    other.write_bytes(SECRET)
    wav.write_wav(raw / "hold.wav", np.sin(np.arange(22_050) / 20) * 0.3)
    (raw / "pack.toml").write_text(ABOUT.replace("Kari", 'Kari \\"K\\"'), encoding="utf-8")
    for name in ("hold.wav", ".hold.wav.new", "pack.toml", ".pack.toml.new"):
        (pack / name).symlink_to(other)
    voice_pack.prepare(raw, pack)
    assert other.read_bytes() == SECRET
    assert voice_pack.open_pack(pack).about.speaker == 'Kari "K"'
    with wave.open(str(pack / "hold.wav")) as file:
        assert file.getnframes() > 0
