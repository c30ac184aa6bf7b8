"""Sound: a cue's tone, and after it the phrase. Plays at once, waits for nobody, and stays alive without a sound card.

`play` never blocks and never raises. Where the mixer is free it hands it the sound itself, within one buffer; where it
is being opened it leaves the cue to the keeper, a thread that also opens the card, tries again when one appears or is
changed, loads the phrases and gives the word to whoever waits (`display.sound.cue_queue`).
"""

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import pygame

from coach.kiosk.view import DisplayState
from coach.model.cue import URGING_CUES, Cue
from coach.model.events import Level
from display.errors import AudioFileError
from display.sound import wav
from display.sound.cue_queue import CueQueue, Utterance, utterance
from display.sound.music import MusicPlayer
from display.sound.phrases import Language, catalogue, plain_key, sentence_phrases, soundings
from display.sound.tones import RATE_HZ, Samples, TonePattern, swell, tone
from display.sound.voice_pack import LONGEST_S, Voice, find_voice
from display.sound.wav import SentencePart

_log = logging.getLogger(__name__)

BUFFER_SAMPLES = 512
"""Mixer buffer: 11.6 ms at 44.1 kHz, the most that a cue waits inside the mixer."""

RETRY_S = 3.0
"""How often the keeper looks whether the sound card came, went or hangs."""

BLIND_RETRY_S = 60.0
"""How often a missing card is tried again although nothing looks different; each try may write to the system log."""

GAP_S = 0.06
"""Silence between tone and phrase."""

FADE_MS = 60
"""How fast a phrase falls silent for another cue, in ms: shorter than any tone, so two voices never overlap."""

VOLUME_STEP, VOLUME_STEP_S = 0.04, 0.02
"""A change of volume is a ramp: full scale takes half a second (hazard H10)."""

SPEECH_GAIN = {Level.INFORMATION: 0.7, Level.ATTENTION: 0.84, Level.STOP_NOW: 1.0}
"""Loudness of the phrase at each level: 1.5 dB apart, so that a tone may lie over a phrase and nothing clips."""

LATE_S = 1.0
"""A cue that the mixer could not take for so long, because its card was being opened, is not sounded late."""

_FORMAT = (RATE_HZ, -16, 1)
_VOICES, _TONE_CHANNEL = 4, 4
_HANGS_AFTER_S = 2.0
_INBOX = 32


_DROP_URGING: Literal["drop urging"] = "drop urging"


class CuePlayer(Protocol):
    """Something that sounds a cue."""

    @property
    def alive(self) -> bool:
        """Whether there is a speaker to hear."""
        ...

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Whether what is needed has been tried and loaded, waited for at most so long."""
        ...

    def play(self, cue: Cue, intervals: int = 0) -> None:
        """Sound a cue now or when its turn comes; `intervals` of the session, so that the last can be called so."""
        ...

    def speak(self, language: Language) -> None:
        """Speak this language from now on."""
        ...

    def set_volume(self, fraction: float) -> None:
        """Go to this volume, 0 to 1, along a ramp."""
        ...

    def silence(self) -> None:
        """End all speech and all tones."""
        ...

    def drop_urging(self) -> None:
        """Drop every cue so far that asks for more effort: nothing may urge now."""
        ...

    def follow(self, view: DisplayState | None) -> None:
        """Let music do what this view asks for; None: there is no view."""
        ...

    def close(self) -> None:
        """Let go of the sound card."""
        ...


class SilentSound:
    """No sound, on purpose: keeps the words of the last cues, for a terminal to show."""

    def __init__(self, language: Language = "nb", remembered: int = 20) -> None:
        """Remember the words of the last cues."""
        self._language: Language = language
        self.said: deque[str] = deque(maxlen=remembered)

    @property
    def alive(self) -> bool:
        """There is nothing to hear."""
        return False

    def wait_until_ready(self, timeout_s: float) -> bool:
        """There is nothing to wait for."""
        return timeout_s >= 0

    def play(self, cue: Cue, intervals: int = 0) -> None:
        """Remember what would have been said."""
        asked = utterance(cue, intervals, 0.0)
        if asked is not None:
            self.said.append(catalogue(self._language).sentence(asked.keys))

    def speak(self, language: Language) -> None:
        """Remember the words of this language from now on."""
        self._language = language

    def set_volume(self, fraction: float) -> None:
        """Nothing is heard at any volume."""

    def silence(self) -> None:
        """Nothing is heard anyway."""

    def drop_urging(self) -> None:
        """Nothing waits to be said."""

    def follow(self, view: DisplayState | None) -> None:
        """There is no music."""

    def close(self) -> None:
        """There is nothing to let go of."""


def signs_of_a_card() -> tuple[str, ...]:
    """Gather what tells that a sound card or a sound server came or went; only whether it changed matters."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/run"))
    servers = (str((runtime / name).exists()) for name in ("pulse/native", "pipewire-0"))
    try:
        cards = Path("/proc/asound/cards").read_text(encoding="utf-8", errors="replace")
    except OSError:
        cards = ""
    return (os.environ.get("SDL_AUDIODRIVER", ""), os.environ.get("AUDIODEV", ""), cards, *servers)


class MixerSound:
    """The sound card, through pygame's mixer.

    `folders`: the clinic's own voice packs, which take the place of the default one phrase by phrase. `music`: what
    plays under the cues; it is closed together with the mixer.
    """

    def __init__(
        self,
        folders: Sequence[Path] = (),
        language: Language = "nb",
        volume: float = 0.8,
        buffer_samples: int = BUFFER_SAMPLES,
        signs: Callable[[], tuple[str, ...]] = signs_of_a_card,
        music: MusicPlayer | None = None,
    ) -> None:
        """Start the keeper, which opens the card and loads the phrases; cues may come at once."""
        self._folders = tuple(folders)
        self._language: Language = language
        self._wanted_volume = self._volume = _share(volume)
        self._buffer_samples = buffer_samples
        self._signs = signs
        self._music = music
        self._seen_signs: tuple[str, ...] | None = None
        self._tried_s = float("-inf")
        self._open = False
        self._said_silent = False
        self._voice: Voice | None = None
        self._sounds: dict[tuple[str, Level], pygame.mixer.Sound] = {}
        self._to_load: deque[Cue | str] = deque()
        self._parts: dict[str, tuple[SentencePart | None, ...]] = {}
        self._turns = CueQueue()
        self._channel = 0
        self._ends_s = float("inf")
        self._inbox: deque[tuple[Cue, int, float] | Literal["drop urging"] | None] = deque(maxlen=_INBOX)
        self._mixer = threading.RLock()
        self._wake, self._ready, self._closing = threading.Event(), threading.Event(), threading.Event()
        # Guards against a stereo mixer, should the screen initialise all of pygame first.
        pygame.mixer.pre_init(*_FORMAT, self._buffer_samples, allowedchanges=0)
        self._keeper = threading.Thread(target=self._keep, name="sound", daemon=True)
        self._keeper.start()

    @property
    def alive(self) -> bool:
        """Whether a sound card is open."""
        return self._open

    def wait_until_ready(self, timeout_s: float) -> bool:
        """Wait until the card was tried and every phrase is loaded, for a self-test or a measurement."""
        return self._ready.wait(timeout_s)

    def play(self, cue: Cue, intervals: int = 0) -> None:
        """Sound a cue: its tone at once, or when its turn comes. Neither blocks nor raises."""
        self._inbox.append((cue, intervals, time.monotonic()))
        self._serve_or_wake()

    def speak(self, language: Language) -> None:
        """Speak this language from now on; its phrases are loaded by the keeper."""
        if language != self._language:
            self._language = language
            self._ready.clear()
            self._wake.set()

    def set_volume(self, fraction: float) -> None:
        """Go to this volume, 0 to 1, along a ramp."""
        self._wanted_volume = _share(fraction)
        self._wake.set()

    def silence(self) -> None:
        """End all speech and all tones along a short ramp, and forget who waits. Neither blocks nor raises."""
        self._inbox.clear()
        self._inbox.append(None)
        self._serve_or_wake()

    def drop_urging(self) -> None:
        """Drop every cue so far that asks for more effort. Neither blocks nor raises."""
        self._inbox.append(_DROP_URGING)
        self._serve_or_wake()

    def follow(self, view: DisplayState | None) -> None:
        """Let music do what this view asks for. Neither blocks nor raises."""
        if self._music is not None:
            self._music.follow(view)

    def close(self) -> None:
        """End the keeper and the music, and let go of the card."""
        self._closing.set()
        self._wake.set()
        self._keeper.join(timeout=2.0)
        if self._music is not None:
            self._music.close()
        if self._mixer.acquire(timeout=1.0):
            try:
                self._shut()
            finally:
                self._mixer.release()

    def _serve_or_wake(self) -> None:
        """Serve the inbox here if the mixer is free; else the keeper does, as soon as it is."""
        if self._mixer.acquire(blocking=False):
            try:
                self._serve()
            finally:
                self._mixer.release()
            if self._turns.waiting:
                self._wake.set()
        else:
            self._wake.set()

    def _keep(self) -> None:
        pause_s = 0.0
        while not self._closing.is_set():
            self._wake.wait(pause_s)
            self._wake.clear()
            with self._mixer:
                try:
                    self._look_after_card(time.monotonic())
                    self._serve()
                    self._load_one()
                    self._ramp_volume()
                    pause_s = self._pause_s()
                except pygame.error:
                    # The card went away between two steps: forget it, and open it anew at the next look.
                    self._open, self._seen_signs, pause_s = False, None, RETRY_S
            if not self._to_load:
                self._ready.set()

    def _pause_s(self) -> float:
        if self._to_load:
            return 0.0
        busy = self._turns.waiting or self._volume != self._wanted_volume
        return VOLUME_STEP_S if busy else RETRY_S

    def _look_after_card(self, now_s: float) -> None:
        signs = self._signs()
        changed = signs != self._seen_signs
        hangs = self._open and now_s > self._ends_s + _HANGS_AFTER_S and self._busy()
        if self._open and (changed or hangs):
            self._shut()
        if not self._open and (changed or hangs or now_s - self._tried_s > BLIND_RETRY_S):
            self._seen_signs, self._tried_s = signs, now_s
            self._open_card()

    def _open_card(self) -> None:
        try:
            if pygame.mixer.get_init() not in (None, _FORMAT):
                pygame.mixer.quit()
            pygame.mixer.init(*_FORMAT, self._buffer_samples, allowedchanges=0)
            pygame.mixer.set_num_channels(_VOICES + 1)
        except pygame.error as error:
            # No card is a state, not a fault: `alive` says so, and screen and lamp go on alone (hazard H8).
            self._open = False
            if not self._said_silent:
                self._said_silent = True
                _log.warning("There is no sound (%s); screen and lamp go on alone, and it is tried again.", error)
        else:
            self._open = True
            self._attach_music()
            if self._said_silent:
                self._said_silent = False
                _log.warning("The sound is back.")

    def _attach_music(self) -> None:
        if self._music is None:
            return
        try:
            self._music.attach(self._volume)
        except (pygame.error, OSError) as error:
            # Cues sound without it (hazard H8).
            _log.warning("Music cannot be played (%s); cues go on without it.", error)

    def _shut(self) -> None:
        self._open = False
        if self._music is not None:
            self._music.detach()
        self._turns.clear()
        self._ends_s = float("inf")
        self._sounds.clear()
        self._parts.clear()
        self._voice = None
        pygame.mixer.quit()

    def _serve(self) -> None:
        """Sound what came in, and let the next one speak when the speaker has finished."""
        now_s = time.monotonic()
        if not self._open:
            # A cue that nobody could hear is not said later, when it is no longer true.
            self._inbox.clear()
            return
        try:
            if self._turns.speaking is not None and not self._busy():
                self._start(self._turns.finished(now_s))
            for wish in self._take_inbox():
                if wish is None:
                    self._turns.clear()
                    pygame.mixer.fadeout(FADE_MS)
                    continue
                cue, intervals, asked_s = wish
                if now_s - asked_s > LATE_S:
                    continue
                asked = utterance(cue, intervals, asked_s)
                if asked is None:
                    self._play_on(_TONE_CHANNEL, self._sound(cue, ()))
                elif self._turns.ask(asked):
                    self._start(asked)
        except pygame.error:
            # The card went away between two looks: the keeper opens it again.
            self._seen_signs = None
            self._wake.set()

    def _take_inbox(self) -> list[tuple[Cue, int, float] | None]:
        """Empty the inbox. Urging that came before the word that nothing may urge is never said."""
        taken: list[tuple[Cue, int, float] | None] = []
        while self._inbox:
            wish = self._inbox.popleft()
            if wish == _DROP_URGING:
                taken = [one for one in taken if one is None or one[0].name not in URGING_CUES]
                if self._turns.drop_urging():
                    pygame.mixer.Channel(self._channel).fadeout(FADE_MS)
            else:
                taken.append(wish)
        return taken

    def _start(self, speaker: Utterance | None) -> None:
        if speaker is None:
            self._ends_s = float("inf")
            return
        sound = self._sound(speaker.cue, speaker.keys)
        pygame.mixer.Channel(self._channel).fadeout(FADE_MS)
        self._channel = (self._channel + 1) % _VOICES
        self._play_on(self._channel, sound)
        self._ends_s = time.monotonic() + sound.get_length()

    def _play_on(self, channel: int, sound: pygame.mixer.Sound) -> None:
        """Play at the present volume from the first sample: a channel's own volume would be set a moment too late."""
        sound.set_volume(self._volume)
        pygame.mixer.Channel(channel).play(sound)
        if self._music is not None:
            self._music.duck(sound.get_length())

    def _busy(self) -> bool:
        return pygame.mixer.Channel(self._channel).get_busy()

    def _ramp_volume(self) -> None:
        if self._volume == self._wanted_volume:
            return
        away = self._wanted_volume - self._volume
        self._volume = (
            self._volume + math.copysign(VOLUME_STEP, away) if abs(away) > VOLUME_STEP else self._wanted_volume
        )
        if self._open:
            for index in range(_VOICES + 1):
                playing = pygame.mixer.Channel(index).get_sound()
                if playing is not None:
                    playing.set_volume(self._volume)
            if self._music is not None:
                pygame.mixer.music.set_volume(self._volume)

    def _load_one(self) -> None:
        """Load the next phrase ahead of its use, one at a time, so that a cue in between waits for one file at most."""
        if self._open and not self._has_voice():
            self._begin_voice()
        if not self._to_load or not self._open:
            return
        ahead = self._to_load.popleft()
        if isinstance(ahead, str):
            self._part(ahead)
            return
        asked = utterance(ahead, 0, 0.0)
        self._sound(ahead, () if asked is None else asked.keys)

    def _has_voice(self) -> bool:
        return self._voice is not None and self._voice.language == self._language

    def _begin_voice(self) -> Voice:
        self._voice = find_voice(self._language, self._folders)
        self._sounds.clear()
        self._parts.clear()
        self._to_load.clear()
        for name, sounding in soundings().items():
            self._to_load.extend(Cue(0.0, name, number=number) for number in range(sounding.numbers + 1))
        self._to_load.extend(sentence_phrases())
        return self._voice

    def _part(self, key: str) -> tuple[SentencePart | None, ...]:
        """Return a phrase of a sentence as each pack says it, read and measured once: a sentence is made in time."""
        voice = self._voice if self._voice is not None and self._has_voice() else self._begin_voice()
        if key not in self._parts:
            self._parts[key] = tuple(_read_part(pack.file(key)) for pack in voice.packs)
        return self._parts[key]

    def _sound(self, cue: Cue, keys: tuple[str, ...]) -> pygame.mixer.Sound:
        """Return the whole of a cue as one sound: its tone, a short gap, what is spoken."""
        voice = self._voice if self._voice is not None and self._has_voice() else self._begin_voice()
        sounding = soundings()[cue.name]
        level = sounding.level_for(cue)
        if len(keys) > 1:
            whole = sentence(tuple(self._part(key) for key in keys))
            spoken = speech(voice, plain_key(keys[0])) if whole is None else whole
            return pygame.mixer.Sound(buffer=wav.to_pcm(compose(sounding.tone, level, spoken)))
        name = (keys[0] if keys else cue.name, level)
        if name not in self._sounds:
            spoken = speech(voice, keys[0]) if keys else None
            self._sounds[name] = pygame.mixer.Sound(buffer=wav.to_pcm(compose(sounding.tone, level, spoken)))
        return self._sounds[name]


def compose(pattern: TonePattern, level: Level, spoken: Samples | None) -> Samples:
    """Put tone, gap and speech into one sound; the tone alone where no pack has the phrase."""
    sung = tone(pattern, level)
    if spoken is None:
        return sung
    return np.concatenate([sung, np.zeros(round(GAP_S * RATE_HZ)), spoken * SPEECH_GAIN[level]])


def sentence(phrases: Sequence[Sequence[SentencePart | None]]) -> Samples | None:
    """Put phrases together into one sentence, in the voice of the first pack that has them all; None where none has.

    `phrases`: for each phrase, what each pack says, in the packs' order.
    """
    for parts in zip(*phrases, strict=True):
        whole = [part for part in parts if part is not None]
        if len(whole) == len(parts):
            return wav.joined(whole)
    return None


def _read(path: Path) -> Samples | None:
    """Read a recording, ramped and no louder than prepared ones are; None where it cannot be read."""
    try:
        read = wav.read_wav(path)
    except AudioFileError:
        return None
    if read.length_s > LONGEST_S:
        return None
    samples = wav.resample(read.samples, read.rate_hz, RATE_HZ)
    peak = float(np.abs(samples).max())
    return swell(samples * min(1.0, wav.PEAK_LIMIT / max(peak, 1e-9)), 0.015, 0.03)


def _read_part(path: Path) -> SentencePart | None:
    samples = _read(path)
    return None if samples is None else wav.sentence_part(samples)


def speech(voice: Voice, key: str) -> Samples | None:
    """Return the first recording of a phrase that can be read."""
    return next((samples for path in voice.files(key) if (samples := _read(path)) is not None), None)


def _share(fraction: float) -> float:
    return max(0.0, min(1.0, fraction))
