"""Sound through a real mixer: SDL's dummy driver for behaviour, its disk driver to measure what is handed over."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest

from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.sound import wav
from display.sound.mixer import FADE_MS, GAP_S, SPEECH_GAIN, MixerSound, SilentSound, compose, speech
from display.sound.phrases import catalogue, soundings
from display.sound.tones import PEAK, RATE_HZ, Samples, TonePattern, tone
from display.sound.voice_pack import find_voice

ABOUT = 'name = "Sal 1"\nlanguage = "{language}"\nlicence = "test"\nspeaker = "Kari"\n'
PHRASE_S = 0.3
SOON_S = 10.0


def until(true: Callable[[], bool]) -> bool:
    """Wait a while for something that another thread does; the time it takes fails no test."""
    give_up_s = time.monotonic() + SOON_S
    while not true():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Record a short pack in each language."""
    hum = np.sin(2 * np.pi * 200 * np.arange(round(PHRASE_S * RATE_HZ)) / RATE_HZ) * 0.14
    for language in ("nb", "en"):
        folder = tmp_path / "packs" / language
        folder.mkdir(parents=True)
        (folder / "pack.toml").write_text(ABOUT.format(language=language), encoding="utf-8")
        for key in catalogue("nb").keys:
            wav.write_wav(folder / f"{key}.wav", hum)
    return tmp_path / "packs"


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a sound card that plays in real time to nobody."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")


@pytest.fixture
def sound(dummy: None, packs: Path) -> Iterator[MixerSound]:  # noqa: ARG001 - the card must be there first
    """Open the mixer with every phrase loaded."""
    opened = MixerSound([packs])
    assert opened.wait_until_ready(SOON_S)
    yield opened
    opened.close()


def speaking(sound: MixerSound) -> str | None:
    """Name the phrase that has the word."""
    speaker = sound._turns.speaking
    return None if speaker is None else speaker.key


def test_a_cue_is_sounded_by_the_time_play_returns(sound: MixerSound) -> None:
    """Where the mixer is free nothing has to be waited for."""
    sound.play(Cue(0, CueName.INTERVAL, number=2), 4)
    assert sound.alive
    assert speaking(sound) == "interval_2"
    assert sound._busy()


def test_the_next_in_line_speaks_when_the_speaker_has_finished(sound: MixerSound) -> None:
    """Queued cues come by themselves, without anybody calling again."""
    sound.play(Cue(0, CueName.RECOVERY, number=1), 4)
    sound.play(Cue(0, CueName.SLOW_DOWN))
    assert speaking(sound) == "recovery"
    assert until(lambda: speaking(sound) == "slow_down")


def test_a_notice_takes_the_word(sound: MixerSound) -> None:
    """The phrase that was being said fades, and only the notice goes on."""
    sound.play(Cue(0, CueName.HALFWAY))
    sound.play(Cue(0, CueName.OVER_CEILING))
    assert speaking(sound) == "over_ceiling"
    assert until(lambda: sum(pygame.mixer.Channel(index).get_busy() for index in range(5)) == 1)


def test_urging_is_dropped_that_may_not_be_said_any_more(sound: MixerSound) -> None:
    """What is being said fades, and what waits is never said."""
    sound.play(Cue(0, CueName.DONE))
    sound.play(Cue(0, CueName.FASTER))
    sound.drop_urging()
    assert until(lambda: CueName.FASTER not in {other.cue.name for other in sound._turns.waiting})
    SilentSound().drop_urging()


def test_silence_ends_everything(sound: MixerSound) -> None:
    """All channels fade, and nobody waits."""
    sound.play(Cue(0, CueName.COUNTDOWN, number=1))
    sound.play(Cue(0, CueName.DONE))
    sound.play(Cue(0, CueName.SAY_EXERTION))
    sound.silence()
    assert speaking(sound) is None
    assert until(lambda: not pygame.mixer.get_busy())


def test_every_cue_of_every_language_can_be_sounded(sound: MixerSound) -> None:
    """No cue, number or level makes it raise."""
    for language in ("nb", "en"):
        sound.speak(language)
        for name in CueName:
            for level in Level:
                sound.play(Cue(0, name, level, number=12), 12)
    assert sound.alive


def test_another_language_is_loaded_when_asked_for(sound: MixerSound) -> None:
    """The next participant may speak English."""
    sound.speak("en")
    sound.play(Cue(0, CueName.HOLD))
    assert sound._voice is not None
    assert sound._voice.language == "en"


def test_the_volume_moves_along_a_ramp(sound: MixerSound) -> None:
    """Half a second for the whole scale, never a jump (hazard H10)."""
    sound.play(Cue(0, CueName.DONE))
    sound.set_volume(0.2)
    seen = [0.8]
    while seen[-1] != 0.2 and len(seen) < 5000:
        time.sleep(0.002)
        seen.append(sound._volume)
    assert seen[-1] == 0.2
    assert len(set(seen)) > 5
    assert seen == sorted(seen, reverse=True)


def test_without_a_sound_card_cues_are_taken_and_nothing_raises(
    monkeypatch: pytest.MonkeyPatch, packs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Silent but alive (hazard H8): the keeper waits for a card."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "no_such_driver")
    sound = MixerSound([packs])
    assert until(lambda: sound._seen_signs is not None)
    sound.play(Cue(0, CueName.INTERVAL, number=1), 4)
    sound.silence()
    sound.set_volume(0.1)
    assert not sound.alive
    sound.close()
    capfd.readouterr()


def test_a_card_that_goes_and_comes_is_noticed(monkeypatch: pytest.MonkeyPatch, dummy: None, packs: Path) -> None:  # noqa: ARG001
    """Unplugged: silent. Plugged in again: speaks again, and says nothing that is no longer true."""
    card = ["there"]
    sound = MixerSound([packs], signs=lambda: tuple(card))
    assert until(lambda: sound.alive)
    monkeypatch.setenv("SDL_AUDIODRIVER", "no_such_driver")
    card[0] = "gone"
    sound._wake.set()
    assert until(lambda: not sound.alive)
    sound.play(Cue(0, CueName.INTERVAL, number=1), 4)
    assert until(lambda: not sound._inbox)
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    card[0] = "back"
    sound._wake.set()
    assert until(lambda: sound.alive)
    assert speaking(sound) is None
    sound.play(Cue(0, CueName.HOLD))
    assert until(lambda: speaking(sound) == "hold")
    sound.close()


def test_a_missing_card_is_said_once_and_its_return_once(
    monkeypatch: pytest.MonkeyPatch, packs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "no-such-driver")
    signs = ["nothing"]
    opened = MixerSound([packs], signs=lambda: tuple(signs))
    assert opened.wait_until_ready(SOON_S)
    signs.append("still nothing that works")
    assert until(lambda: opened._seen_signs == tuple(signs))
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    signs.append("a card")
    assert until(lambda: opened.alive)
    assert until(lambda: len(caplog.messages) > 1)
    opened.close()
    first, *rest = caplog.messages
    assert first.startswith("There is no sound (")
    assert first.endswith("); screen and lamp go on alone, and it is tried again.")
    assert rest == ["The sound is back."]


def test_a_mixer_pulled_away_between_two_cues_raises_nothing(sound: MixerSound) -> None:
    """The keeper opens it again."""
    pygame.mixer.quit()
    sound.play(Cue(0, CueName.HOLD))
    assert until(lambda: sound.alive and pygame.mixer.get_init() is not None)


def test_the_keeper_outlives_a_mixer_pulled_away(sound: MixerSound) -> None:
    """In the middle of a change of volume, too: it opens the mixer again at its next look."""
    sound.play(Cue(0, CueName.DONE))
    pygame.mixer.quit()
    sound.set_volume(0.1)
    assert until(lambda: not sound.alive or pygame.mixer.get_init() is not None)
    sound._wake.set()
    assert until(lambda: sound.alive and pygame.mixer.get_init() is not None)
    assert sound._keeper.is_alive()


def test_a_mixer_that_someone_else_opened_in_stereo_is_opened_anew(dummy: None, packs: Path) -> None:  # noqa: ARG001
    """Phrases are mono; in a stereo mixer they would play at double speed."""
    pygame.mixer.init(22_050, -16, 2)
    sound = MixerSound([packs])
    assert sound.wait_until_ready(SOON_S)
    assert pygame.mixer.get_init() == (RATE_HZ, -16, 1)
    sound.close()


def test_all_phrases_take_little_memory(sound: MixerSound) -> None:
    """One language of the longest allowed phrases stays below 30 MB; here they are counted as loaded."""
    assert until(lambda: not sound._to_load)
    spoken = {phrase for phrase, _ in sound._sounds} | set(sound._parts)
    assert spoken >= set(catalogue("nb").keys) - {"interval_last", "recovery_last"}
    parts = (part for packs in sound._parts.values() for part in packs if part is not None)
    loaded = sum(len(whole.get_raw()) for whole in sound._sounds.values()) + sum(part.samples.nbytes for part in parts)
    assert loaded < 30e6


def test_a_cue_is_its_tone_then_its_phrase(packs: Path) -> None:
    """Tone first, a short gap, then the words at the level's loudness."""
    heard = compose(TonePattern.UP, Level.INFORMATION, speech(find_voice("nb", [packs]), "faster"))
    sung = tone(TonePattern.UP, Level.INFORMATION)
    gap = round(GAP_S * RATE_HZ)
    assert heard[: sung.size] == pytest.approx(sung)
    assert not heard[sung.size : sung.size + gap].any()
    assert np.abs(heard[sung.size + gap :]).max() == pytest.approx(0.14 * SPEECH_GAIN[Level.INFORMATION], rel=0.01)


def test_without_a_voice_the_tone_still_sounds(packs: Path) -> None:
    """A missing or damaged recording leaves the tone."""
    (packs / "nb" / "faster.wav").write_bytes(b"damaged")
    voice = find_voice("nb", [packs / "nb"], packs / "nowhere")
    assert speech(voice, "faster") is None
    assert compose(TonePattern.UP, Level.ATTENTION, None) == pytest.approx(tone(TonePattern.UP, Level.ATTENTION))


def test_a_tone_over_a_phrase_never_clips() -> None:
    """The loudest phrase and the loudest tone together stay below full scale."""
    assert wav.PEAK_LIMIT * max(SPEECH_GAIN.values()) + max(PEAK.values()) < 1.0


def recorded(path: Path) -> Samples:
    """Read what the mixer handed to the sound device."""
    raw = path.read_bytes()
    return np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2") / 32_768


def test_what_the_device_gets_swells_in_and_never_clips(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, packs: Path
) -> None:
    """A count, a change and a notice on top of each other, measured at the device (hazard H10)."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(tmp_path / "heard.raw"))
    sound = MixerSound([packs], volume=1.0)
    assert sound.wait_until_ready(SOON_S)
    for cue in (Cue(0, CueName.COUNTDOWN, number=1), Cue(0, CueName.INTERVAL, number=1), Cue(0, CueName.CALL_FOR_HELP)):
        sound.play(cue, 4)
        time.sleep(0.1)
    sound.close()
    heard = np.abs(recorded(tmp_path / "heard.raw"))
    begins = int(np.flatnonzero(heard)[0])
    assert heard.max() < 0.98
    assert heard[begins : begins + RATE_HZ // 200].max() < PEAK[Level.INFORMATION] / 2
    assert sound.alive is False


def test_the_silent_sound_remembers_what_it_would_have_said() -> None:
    """A terminal shows the words where nothing is to be heard."""
    silent = SilentSound()
    silent.play(Cue(0, CueName.COUNTDOWN, number=3))
    silent.play(Cue(0, CueName.INTERVAL, number=4), 4)
    silent.speak("en")
    silent.play(Cue(0, CueName.HOLD))
    silent.set_volume(0.5)
    silent.silence()
    silent.close()
    assert list(silent.said) == ["Siste drag.", "Hold this speed."]
    assert not silent.alive


def test_every_cue_has_a_tone_that_outlasts_the_fade() -> None:
    """While a phrase fades out, the next cue is still singing: two voices are never heard at once."""
    assert min(tone(sounding.tone).size for sounding in soundings().values()) / RATE_HZ > FADE_MS / 1000 + 0.05
