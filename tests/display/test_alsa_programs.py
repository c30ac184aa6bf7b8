"""Recording and playback through ALSA's own programs and library: its file and null plugins stand in for a card."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from display.sound import microphone, wav
from display.sound.phrases import catalogue
from display.sound.tones import RATE_HZ, Samples
from display.sound.voice_pack import PackMetadata
from display.sound.voice_recorder import StoppedError, VoiceRecorder, texts

pytestmark = pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("arecord", "aplay")) or not Path("/usr/share/alsa/alsa.conf").exists(),
    reason="alsa-utils is not installed here",
)
DEVICES = """
pcm.silent {{ type null }}
pcm.studio {{ type file slave.pcm "silent" file "{played}" format "wav" infile "{said}" }}
"""
WITHIN_A_STEP = 2 / 32_768


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Samples:
    """Make a device whose microphone gives half a second of silence, a second of sound, and silence."""
    (tmp_path / "asoundrc").write_text(
        DEVICES.format(played=tmp_path / "played.wav", said=tmp_path / "said.raw"), encoding="utf-8"
    )
    (tmp_path / "alsa.conf").write_text(f"</usr/share/alsa/alsa.conf>\n<{tmp_path / 'asoundrc'}>\n", encoding="utf-8")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "alsa.conf"))
    quiet = np.zeros(RATE_HZ // 2)
    whole = np.concatenate([quiet, 0.3 * np.sin(2 * np.pi * 220 * np.arange(RATE_HZ) / RATE_HZ), quiet])
    (tmp_path / "said.raw").write_bytes(wav.to_pcm(whole))
    return whole


def test_what_the_card_gives_is_recorded_sample_by_sample(said: Samples) -> None:
    taken = microphone.record(lambda: threading.Event().wait(0.5), "studio").samples
    assert taken.size >= said.size
    assert np.abs(taken[: said.size] - said).max() <= WITHIN_A_STEP


@pytest.mark.usefixtures("said")
def test_what_is_played_reaches_the_card_sample_by_sample(tmp_path: Path) -> None:
    phrase = 0.2 * np.sin(np.arange(RATE_HZ) / 9)
    wav.write_wav(tmp_path / "phrase.wav", phrase)
    microphone.play(tmp_path / "phrase.wav", "studio")
    played = wav.read_wav(tmp_path / "played.wav").samples
    assert np.abs(played[: phrase.size] - phrase).max() <= WITHIN_A_STEP
    assert not played[phrase.size :].any()


@pytest.mark.usefixtures("said")
def test_a_device_that_is_not_there_is_named_with_alsas_own_reason(tmp_path: Path) -> None:
    wav.write_wav(tmp_path / "phrase.wav", np.zeros(100))
    with pytest.raises(microphone.MicrophoneError, match=r"No microphone could be opened \(arecord: .*Unknown PCM"):
        microphone.record(lambda: threading.Event().wait(1.0), "nowhere")
    with pytest.raises(microphone.MicrophoneError, match=r"aplay could not play it \(.*(No such file|Unknown PCM)"):
        microphone.play(tmp_path / "phrase.wav", "nowhere")


def test_a_phrase_is_recorded_levelled_and_played_back_through_alsa(said: Samples, tmp_path: Path) -> None:
    """The guide with the real programs: the pack's phrase is what was said, trimmed and levelled, and is heard."""
    answers = iter(["", ""])

    def ask(question: str) -> str:
        if question.split(maxsplit=1)[0].isdigit():
            return ""
        if question == texts("nb")["recording"]:
            threading.Event().wait(0.5)
            return ""
        try:
            return next(answers)
        except StopIteration:
            raise StoppedError from None

    key = catalogue("nb").keys[0]
    about = PackMetadata("Sal 1", "nb", "Kun vår klinikk", "Kari")
    VoiceRecorder(tmp_path / "kari", about, ask, lambda _: None, "studio", "studio").run()
    phrase = wav.read_wav(tmp_path / "kari.recording" / f"{key}.wav").samples
    assert wav.loudness_lufs(phrase) == pytest.approx(wav.LOUDNESS_LUFS, abs=0.2)
    assert phrase.size / RATE_HZ == pytest.approx(1.06, abs=0.05)
    played = wav.read_wav(tmp_path / "played.wav").samples
    assert np.abs(played[: phrase.size] - phrase).max() <= WITHIN_A_STEP
    assert said.size > phrase.size
