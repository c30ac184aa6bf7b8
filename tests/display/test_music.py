"""Music under the cues, measured at the sound device, and files that cannot be played."""

import itertools
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from coach.kiosk.view import DisplayState
from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.examples import examples
from display.sound import wav
from display.sound.mixer import MixerSound
from display.sound.music import DUCKED_GAIN, MusicPlayer, cue_is_near, music_wish
from display.sound.music_files import find_music, open_track
from display.sound.music_level import BLOCK_RMS, BLOCK_SAMPLES, PEAK, MusicLeveller
from display.sound.music_source import MusicSource, bluetooth_source, files_source, phone_in
from display.sound.phrases import catalogue
from display.sound.tones import RATE_HZ, Samples

MUSIC_HZ, VOICE_HZ = 5_000, 200
SOON_S = 20.0


class EndlessSine(MusicSource):
    """A source in this process: a sine at full scale, which any level must tame."""

    def __init__(self, amplitude: float = 1.0) -> None:
        """Begin at the first sample."""
        super().__init__(lambda _: None)
        self.at = 0
        self.closed = False
        self.amplitude = amplitude
        self.gives = True

    def read(self, size: int) -> bytes | None:
        """Return the next samples at once."""
        if not self.gives:
            return None
        places = np.arange(self.at, self.at + size // 2)
        self.at += size // 2
        return wav.to_pcm(self.amplitude * np.sin(2 * np.pi * MUSIC_HZ * places / RATE_HZ))

    def close(self) -> None:
        """Note it."""
        self.closed = True


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    """Record a pack whose phrases are as loud as prepared ones, and share no pitch with the music."""
    folder = tmp_path / "packs" / "nb"
    folder.mkdir(parents=True)
    about = 'name = "Sal 1"\nlanguage = "nb"\nlicence = "test"\nspeaker = "Kari"\n'
    (folder / "pack.toml").write_text(about, encoding="utf-8")
    hum = np.sin(2 * np.pi * VOICE_HZ * np.arange(RATE_HZ) / RATE_HZ)
    hum *= 10 ** ((wav.LOUDNESS_LUFS - wav.loudness_lufs(hum)) / 20)
    for key in catalogue("nb").keys:
        wav.write_wav(folder / f"{key}.wav", hum)
    return tmp_path / "packs"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let SDL write what a card would get."""
    monkeypatch.setenv("SDL_AUDIODRIVER", "disk")
    monkeypatch.setenv("SDL_DISKAUDIOFILE", str(tmp_path / "heard.raw"))
    return tmp_path / "heard.raw"


def until(true: Callable[[], bool]) -> bool:
    give_up_s = time.monotonic() + SOON_S
    while not true():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.01)
    return True


def heard(path: Path) -> Samples:
    raw = path.read_bytes()
    return np.frombuffer(raw[: len(raw) // 2 * 2], dtype="<i2") / 32_768


def band(samples: Samples, low_hz: float, high_hz: float) -> Samples:
    """Return what lies between two frequencies."""
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    spectrum[(hertz < low_hz) | (hertz > high_hz)] = 0
    return np.fft.irfft(spectrum, samples.size)


def envelope(samples: Samples, window_s: float = 0.005) -> Samples:
    size = round(window_s * RATE_HZ)
    whole = samples[: samples.size // size * size].reshape(-1, size)
    return np.sqrt((whole**2).mean(axis=1))


@pytest.fixture
def playing(disk: Path, packs: Path) -> Iterator[tuple[MixerSound, MusicPlayer, EndlessSine, Path]]:
    """A mixer at full volume with music as loud as the settings allow."""
    source = EndlessSine()
    music = MusicPlayer(lambda: source, volume=1.0)
    sound = MixerSound([packs], volume=1.0, music=music)
    assert sound.wait_until_ready(SOON_S)
    music.want("play")
    assert until(lambda: music._gain >= 0.99)
    yield sound, music, source, disk
    sound.close()


def decibels(share: float) -> float:
    return 20 * float(np.log10(max(share, 1e-9)))


def test_the_voice_is_twelve_decibels_above_any_music_and_ramps_do_not_click(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    """At the device: a cue over music of full scale at the highest volume (hazard H8)."""
    sound, music, _, path = playing
    sound.play(Cue(0, CueName.FASTER))
    time.sleep(2.5)
    assert until(lambda: music._gain >= 0.99)
    music.want("hold")
    assert until(lambda: music._gain <= 0)
    time.sleep(0.5)
    sound.close()
    whole = heard(path)
    voice = band(whole, VOICE_HZ - 20, VOICE_HZ + 20)
    spoken = np.flatnonzero(np.abs(voice) > np.abs(voice).max() / 2)
    first, last = int(spoken[0]), int(spoken[-1])
    under = band(whole, MUSIC_HZ - 100, MUSIC_HZ + 100)
    loud, ducked = envelope(under).max(), envelope(under[first - RATE_HZ // 20 : last])
    assert decibels(envelope(voice[first:last]).mean() / ducked.max()) >= 12
    # K-weighted, as the ear hears it, for the least loud voice there is.
    assert wav.loudness_lufs(voice[first:last]) - wav.loudness_lufs(under[first:last]) >= 12
    assert decibels(ducked.max() / loud) < -20
    # No step between neighbouring 5 ms of music is larger than a ramp of 100 ms over the whole scale makes it.
    steps = np.abs(np.diff(envelope(under[: last + 3 * RATE_HZ])))
    assert steps.max() < 0.1 * loud
    assert np.abs(whole).max() < 0.98


def test_a_duck_is_down_before_the_first_word(playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path]) -> None:
    """The tone of a cue and its gap last longer than the duck takes, also for the shortest tone."""
    sound, _, _, path = playing
    sound.play(Cue(0, CueName.HOLD))
    time.sleep(1.5)
    sound.close()
    whole = heard(path)
    spoken = np.abs(band(whole, VOICE_HZ - 20, VOICE_HZ + 20))
    word = int(np.flatnonzero(spoken > spoken.max() / 2)[0])
    under = envelope(band(whole, MUSIC_HZ - 100, MUSIC_HZ + 100)[word - RATE_HZ // 50 : word])
    assert decibels(float(under.max())) < -36


def test_music_comes_back_after_the_cue_and_three_counts_are_one_duck(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    sound, music, _, _ = playing
    gains = []
    for number in (3, 2, 1):
        sound.play(Cue(0, CueName.COUNTDOWN, number=number))
        time.sleep(0.5)
        gains.append(music._gain)
        time.sleep(0.5)
        gains.append(music._gain)
    assert max(gains) <= DUCKED_GAIN + 1e-6
    assert until(lambda: music._gain >= 0.99)


def test_a_cue_is_heard_as_soon_with_music_as_without(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    """`play` hands the sound to the mixer itself; nothing that music does is waited for."""
    sound, _, _, _ = playing
    took_s = []
    for _ in range(20):
        began_s = time.monotonic()
        sound.play(Cue(0, CueName.COUNTDOWN, number=1))
        took_s.append(time.monotonic() - began_s)
        time.sleep(0.02)
    assert sorted(took_s)[10] < 0.005


def test_a_source_that_hangs_delays_no_cue(disk: Path, packs: Path) -> None:
    """A stick whose reads never return: the decoder is killed and not waited for, and cues sound at once."""
    started: list[subprocess.Popen[bytes]] = []

    def hang(_: int) -> tuple[subprocess.Popen[bytes], None]:
        started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE))
        return started[-1], None

    at_s = [0.0]
    source = MusicSource(hang, clock=lambda: at_s[0])
    music = MusicPlayer(lambda: source, volume=1.0)
    sound = MixerSound([packs], music=music)
    assert sound.wait_until_ready(SOON_S)
    music.want("play")
    assert until(lambda: bool(started))
    began_s = time.monotonic()
    sound.play(Cue(0, CueName.HOLD))
    assert time.monotonic() - began_s < 0.5
    assert sound._busy()
    at_s[0] = 9.0
    assert until(lambda: started[0].poll() is not None)
    at_s[0] = 60.0
    assert until(lambda: len(started) > 1)
    sound.close()
    assert until(lambda: started[-1].poll() is not None)
    assert disk.exists()


def test_a_source_that_falls_silent_in_the_middle_fades(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    """A stick pulled out: what is there fades, nothing clicks or repeats, and music that comes back fades in."""
    sound, music, source, path = playing
    time.sleep(0.5)
    source.gives = False
    time.sleep(3.0)
    source.gives = True
    time.sleep(1.5)
    sound.close()
    loudness = envelope(heard(path), 0.01)
    quiet = np.flatnonzero(loudness > 0.01)
    gaps = np.diff(quiet)
    assert gaps.max() * 0.01 > 2.0, "it was silent, and played nothing twice"
    assert np.abs(np.diff(loudness)).max() < 0.35 * loudness.max()
    assert music._closing.is_set()


def test_stopping_fades_and_ends_the_process(playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path]) -> None:
    _, music, source, _ = playing
    music.want("off")
    assert until(lambda: source.closed)
    assert music._gain <= 0


def test_a_pause_holds_the_music_and_goes_on_from_there(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    _, music, source, _ = playing
    music.want("hold")
    assert until(lambda: music._gain <= 0)
    time.sleep(0.3)
    at = source.at
    time.sleep(0.5)
    assert source.at == at, "nothing is read while it is held"
    music.want("play")
    assert until(lambda: source.at > at)
    assert not source.closed


def test_a_card_that_comes_back_has_its_music_again(
    playing: tuple[MixerSound, MusicPlayer, EndlessSine, Path],
) -> None:
    sound, music, source, _ = playing
    with sound._mixer:
        sound._shut()
    sound._seen_signs = None
    sound._wake.set()
    assert until(lambda: sound.alive and music._attached)
    at = source.at
    assert until(lambda: source.at > at + RATE_HZ and music._gain >= 0.99)


def snapshot_views() -> dict[str, DisplayState]:
    return {name: seen for name, seen in examples().items() if seen.snapshot is not None}


def test_music_is_silent_while_anything_is_asked_or_wrong() -> None:
    """By the faces of real sessions: it plays where training runs, and never over a question, a call or a pause."""
    wishes = {name: music_wish(seen) for name, seen in snapshot_views().items()}
    assert {wishes[name] for name in ("warm_up", "interval", "recovery", "cool_down", "signal_lost")} == {"play"}
    assert {wishes[name] for name in ("all_right", "notice_stop_now", "paused", "go_on")} == {"hold"}
    assert {wishes[name] for name in ("stopped", "ready") if name in wishes} <= {"off"}
    assert music_wish(None) == "off"
    for seen in snapshot_views().values():
        now = seen.snapshot
        assert now is not None
        if now.question is not None or any(notice.level is Level.STOP_NOW for notice in now.notices):
            assert music_wish(seen) != "play"


def test_music_ducks_before_the_cues_that_the_clock_foretells() -> None:
    seen = snapshot_views()["interval"]
    assert seen.snapshot is not None

    def near(left_s: float) -> bool:
        return cue_is_near(replace(seen, snapshot=replace(seen.snapshot, phase_remaining_s=left_s, phase_length_s=240)))

    assert [left_s for left_s in (200.0, 122.0, 120.5, 90.0, 31.5, 30.0, 20.0, 4.0, 0.5) if near(left_s)] == [
        122.0, 120.5, 31.5, 30.0, 4.0, 0.5,
    ]  # fmt: skip
    assert not cue_is_near(None)


def block(amplitude: float, hertz: float = 1_000.0) -> bytes:
    return wav.to_pcm(amplitude * np.sin(2 * np.pi * hertz * np.arange(BLOCK_SAMPLES) / RATE_HZ))


def test_no_block_is_louder_than_the_level_however_loud_the_file_becomes() -> None:
    """Quiet and loud by turns, noise, silence, direct current: RMS and peaks stay within bounds."""
    chance = np.random.default_rng(1)
    blocks = [block(a) for a in (0.001, 0.01, 1.0, 0.0, 0.3, 1.0, 0.02)] + [wav.to_pcm(np.ones(BLOCK_SAMPLES))]
    blocks += [wav.to_pcm(chance.choice([-1.0, 1.0], BLOCK_SAMPLES)), wav.to_pcm(chance.normal(0, 0.5, BLOCK_SAMPLES))]
    leveller = MusicLeveller()
    out = [made for pcm in blocks if (made := leveller.push(pcm)) is not None]
    last = leveller.flush()
    assert last is not None
    out.append(last)
    assert leveller.flush() is None
    assert len(out) == len(blocks)
    for made in out:
        assert float(np.sqrt(np.mean(made**2))) <= BLOCK_RMS * 1.01
        assert np.abs(made).max() <= PEAK
    joints = [abs(float(after[0]) - float(before[-1])) for before, after in itertools.pairwise(out[:3])]
    assert max(joints) < 0.05, "a change of level is a ramp"


def wave_file(path: Path, seconds: float = 0.6, hertz: float = 440.0) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48_000)
        places = np.arange(round(seconds * 48_000))
        one = (np.sin(2 * np.pi * hertz * places / 48_000) * 20_000).astype("<i2")
        file.writeframes(np.stack([one, one], 1).tobytes())


def float_file(path: Path) -> None:
    samples = (np.sin(2 * np.pi * 440 * np.arange(30_000) / RATE_HZ) * 0.6).astype("<f4").tobytes()
    form = struct.pack("<IHHIIHH", 16, 3, 1, RATE_HZ, 4 * RATE_HZ, 4, 32)
    head = b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + form
    path.write_bytes(head + b"data" + struct.pack("<I", len(samples)) + samples)


def rubbish(folder: Path) -> None:
    """What a stick may hold: damaged, foreign, hidden, huge, unreadable, and names in other encodings."""
    chance = np.random.default_rng(2)
    (folder / "noise.mp3").write_bytes(chance.bytes(50_000))
    (folder / "empty.ogg").write_bytes(b"")
    (folder / "cut.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt ")
    (folder / "header.flac").write_bytes(b"fLaC" + bytes(1000))
    (folder / "song.m4p").write_bytes(b"\0\0\0 ftypM4P " + bytes(100))
    (folder / "list.m3u").write_text("http://example.org/a.mp3\n../../../../etc/passwd\n", encoding="utf-8")
    (folder / "._song.mp3").write_bytes(bytes(4096))
    (folder / "link.mp3").symlink_to("/etc/passwd")
    (folder / "around").symlink_to(folder)
    os.mkfifo(folder / "pipe.mp3")
    with (folder / "huge.mp3").open("wb") as file:
        file.truncate(3 * 2**30)
    (folder / "$RECYCLE.BIN").mkdir()
    wave_file(folder / "$RECYCLE.BIN" / "old.wav")
    with open(os.fsencode(folder) + b"/bl\xe5b\xe6r.ogg", "wb") as file:  # noqa: PTH123 - a name that is no UTF-8
        file.write(b"OggS" + bytes(200))


def test_only_music_is_found_and_what_else_there_is_is_counted(tmp_path: Path) -> None:
    rubbish(tmp_path)
    wave_file(tmp_path / "a.wav")
    found = find_music((str(tmp_path), str(tmp_path / "nowhere")))
    names = [Path(os.fsdecode(path)).name for path in found.files]
    assert {"a.wav", "noise.mp3", "huge.mp3"} <= set(names)
    assert not {"._song.mp3", "link.mp3", "pipe.mp3", "old.wav", "list.m3u"} & set(names)
    assert found.left_out == {".m4p": 1}
    assert found.missing == (str(tmp_path / "nowhere"),)
    with pytest.raises(OSError, match="symbolic links"):
        open_track(os.fsencode(tmp_path / "link.mp3"))
    with pytest.raises(OSError, match="no plain file"):
        open_track(os.fsencode(tmp_path / "pipe.mp3"))


def test_ten_thousand_files_are_found_at_once_and_more_is_cut_short(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"{number:05}.mp3").touch()
    assert len(find_music((str(tmp_path),)).files) == 10_000
    assert find_music((str(tmp_path),), longest_s=0.0).cut_short


def finished(source: MusicSource) -> bool:
    """Close a source, and wait until no process of it is left."""
    source.close()

    def gone() -> bool:
        source._reap()
        return not source._ended

    return until(gone)


def read_for(source: MusicSource, seconds: float, enough: float = 1e9) -> Samples:
    """Read as the player would, but as fast as it comes."""
    until_s, pieces = time.monotonic() + seconds, []
    while time.monotonic() < until_s and sum(map(len, pieces)) < enough:
        piece = source.read(2 * BLOCK_SAMPLES)
        if piece is None:
            time.sleep(0.005)
        else:
            pieces.append(piece)
    return np.frombuffer(b"".join(pieces), dtype="<i2") / 32_768


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_folder_of_rubbish_plays_what_can_be_played(tmp_path: Path, *, shuffle: bool) -> None:
    """Damaged files are passed over by the decoder's own process; a wav of 48 kHz and one of floats are heard."""
    rubbish(tmp_path)
    wave_file(tmp_path / "z.wav")
    float_file(tmp_path / "zz.wav")
    source = files_source((str(tmp_path),), shuffle=shuffle)
    found = np.zeros(0)
    until_s = time.monotonic() + SOON_S
    while np.abs(found).sum() < 2_000 and time.monotonic() < until_s:
        found = np.concatenate([found, read_for(source, 0.5)])
    assert finished(source)
    assert np.abs(found).max() > 0.3


def test_a_folder_without_music_gives_silence_and_ends_nothing(tmp_path: Path) -> None:
    source = files_source((str(tmp_path),), shuffle=True)
    found = read_for(source, 5.0, enough=RATE_HZ)
    assert found.size
    assert not found.any()
    process = source._process
    assert process is not None
    assert process.poll() is None
    assert finished(source)
    assert until(lambda: process.poll() is not None)


def test_a_decoder_that_dies_is_started_again_behind_its_track(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        wave_file(tmp_path / f"{name}.wav", 30.0)
    at_s = [0.0]
    source = files_source((str(tmp_path),), shuffle=False)
    source._clock = lambda: at_s[0]
    assert read_for(source, 5.0, enough=2 * RATE_HZ).size
    process = source._process
    assert process is not None
    process.kill()
    assert until(lambda: source.read(2 * BLOCK_SAMPLES) is None and source._process is None)
    assert source._track == 1
    at_s[0] = 100.0
    assert until(lambda: source.read(2 * BLOCK_SAMPLES) is not None)
    assert finished(source)


def test_a_program_that_is_not_there_is_tried_again_and_raises_nothing() -> None:
    def missing(_: int) -> tuple[subprocess.Popen[bytes], None]:
        return subprocess.Popen(["/nowhere/decoder"], stdout=subprocess.PIPE), None

    source = MusicSource(missing)
    assert source.read(10) is None
    assert source.read(10) is None
    source.hold()
    assert finished(source)


@pytest.mark.parametrize(
    ("dump", "phone"),
    [
        (b"", None),
        (b"[" * 100_000, None),
        (b'{"a": 1}', None),
        (b'[1, null, {"info": 7}, {"info": {"props": []}}, {"info": {"props": {"node.name": 3}}}]', None),
        (b'[{"info": {"props": {"node.name": "alsa_input.usb-mic", "media.class": "Audio/Source"}}}]', None),
        (b'[{"info": {"props": {"node.name": "bluez_output.AA", "media.class": "Audio/Sink"}}}]', None),
        (
            b'[{"info": {"props": {"node.name": "bluez_input.AA_BB.2", "media.class": "Stream/Output/Audio"}}}]',
            "bluez_input.AA_BB.2",
        ),
    ],
)
def test_only_a_telephone_is_recorded_and_no_microphone(dump: bytes, phone: str | None) -> None:
    assert phone_in(dump) == phone


@pytest.fixture
def pipewire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run a PipeWire of its own, with the settings of the machine's service."""
    folder = tmp_path_factory.mktemp("pw")
    root = Path(__file__).parents[2] / "systemd" / "optional"
    for name, place in (("music-wireplumber.lua", "main"), ("music-bluetooth.lua", "bluetooth")):
        target = folder / "etc" / "wireplumber" / f"{place}.lua.d" / "50-interval-coach.lua"
        target.parent.mkdir(parents=True)
        target.write_bytes((root / name).read_bytes())
    named = dict.fromkeys(("XDG_RUNTIME_DIR", "PIPEWIRE_RUNTIME_DIR", "XDG_STATE_HOME", "HOME"), str(folder))
    named["XDG_CONFIG_HOME"] = str(folder / "etc")
    words = ["dbus-run-session", "--", "/bin/sh", "-c", "pipewire & exec wireplumber"]
    quiet = subprocess.DEVNULL
    service = subprocess.Popen(words, env={**os.environ, **named}, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        assert until((folder / "pipewire-0").exists)
        time.sleep(1.0)
        yield named
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait()


@pytest.mark.skipif(
    any(shutil.which(name) is None for name in ("pipewire", "wireplumber", "pw-record", "pw-play", "dbus-run-session")),
    reason="PipeWire is not installed here",
)
def test_what_a_telephone_plays_is_recorded_while_it_plays_and_nothing_else(
    pipewire: dict[str, str], tmp_path: Path
) -> None:
    """A real PipeWire, and a stream that is named as BlueZ names a telephone's."""
    wave_file(tmp_path / "song.wav", 30.0)
    source = bluetooth_source(pipewire)
    assert read_for(source, 1.0).size == 0, "without a telephone nothing is recorded"
    words = ["pw-play", "--target", "0", "-P", "{ node.name=bluez_input.AA_BB_CC }", str(tmp_path / "song.wav")]
    phone = subprocess.Popen(words, env={**os.environ, **pipewire}, stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: bool(np.abs(read_for(source, 1.0)).max(initial=0.0) > 0.3))
    finally:
        phone.terminate()
        phone.wait()
    assert until(lambda: not read_for(source, 0.5).any())
    assert finished(source)
