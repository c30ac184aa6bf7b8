"""The participant's screen: draws a view, and only what changed since the last one.

A face gives its parts; a part whose key and place are unchanged is not painted again. While a rate is live the heart
swells once in two beats, so that nothing moves faster than 2 Hz; between swells nothing is drawn. When a session's
snapshot has not been renewed for some seconds, the screen says so and shows no number as live: the coach may be frozen
(hazards H2, H8).
"""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import pygame

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Advice, Signal
from coach.model.snapshot import Snapshot
from display.drawing.canvas import Brush
from display.drawing.fonts import Lettering
from display.drawing.layout import Box, Layout, Widget
from display.drawing.palette import NIGHT
from display.screen.button_legend import with_soft_word
from display.screen.frame import BEAT_STEPS, RenderContext
from display.screen.heart_rate_gauge import shown_number
from display.screen.session_profile import ProfileDrawing
from display.screen.therapist_message import with_therapist_line
from display.screens import my_training, session
from display.screens.arrival import (
    choose_participant,
    choose_strap,
    confirm,
    guest_age,
    not_today,
    pin,
    questions,
    ready,
    strap,
)
from display.screens.maintenance import machine, self_test, self_test_failed
from display.screens.training import ended, exertion, go_on, mood, stopped
from display.texts import Language, texts_in

SOFT_WORD_S = 3.0
"""How long the word for a press that did nothing stands."""
OUT_OF_TOUCH_S = 5.0
"""As long as a rate may be unchanged before it is stale (hazard H2)."""
SWELL_S, SWELL_TOP_S = 0.42, 0.12
BEATS_A_SWELL = 2
FRAME_S = 1 / 30
IDLE_S = 0.5
LEAST_BPM, MOST_BPM = 30.0, 230.0


class ScreenRenderer:
    """Draws views on a surface of its own, or on the one given. Reads no clock: each call is told the time."""

    def __init__(self, size: tuple[int, int], language: Language = "nb", surface: pygame.Surface | None = None) -> None:
        """`size` in pixels; `language` until a view says another; `surface`, if given, has that size."""
        self.surface = pygame.Surface(size) if surface is None else surface
        self.size = size
        self._lettering = Lettering()
        self._drawing = ProfileDrawing()
        self._language: Language = language
        self._sheet = Layout(size, texts_in(language))
        self._brush = Brush(self.surface, self._sheet, self._lettering)
        self._drawn: dict[str, Widget] = {}
        self._face: tuple[object, ...] | None = None
        self._seen: tuple[DisplayState, int, bool] | None = None
        self._refused: tuple[ScreenId, int] | None = None
        self._word_until_s = -math.inf
        self._snapshot_t: float | None = None
        self._renewed_s = -math.inf
        self._swell_at_s = 0.0
        self._wait_s = IDLE_S
        self._dirty: list[pygame.Rect] = []

    @property
    def dirty(self) -> list[pygame.Rect]:
        """The regions that the last call of `draw` changed."""
        return self._dirty

    @property
    def wait_s(self) -> float:
        """How long nothing will move by itself: when to call `draw` again if no new view comes first."""
        return self._wait_s

    def draw(self, view: DisplayState, now_s: float) -> bool:
        """Draw a view at a monotonic time. Returns whether any pixel may have changed."""
        view = self._in_touch(view, now_s)
        swell = self._swell(view, now_s)
        word = self._soft_word(view, now_s)
        seen = (view, swell, word)
        if self._seen is not None and seen[1:] == self._seen[1:] and view == self._seen[0]:
            self._dirty = []
            return False
        self._seen = seen
        if view.language != self._language:
            self._language = view.language
            self._sheet.texts = texts_in(view.language)
            self._face = None
        glance = RenderContext(view, self._sheet, self._drawing, swell)
        parts = with_therapist_line(glance, parts_of(glance))
        return self._paint(with_soft_word(glance, parts) if word else parts)

    def _soft_word(self, view: DisplayState, now_s: float) -> bool:
        """Return whether a word about a press that did nothing stands now: for a while, and on its own face only."""
        face, count = self._refused or (view.face, view.refused)
        self._refused = (view.face, view.refused)
        if view.face is not face:
            self._word_until_s = -math.inf
        elif view.refused > count:
            self._word_until_s = now_s + SOFT_WORD_S
        return now_s < self._word_until_s

    def _paint(self, parts: list[Widget]) -> bool:
        """Paint the parts that differ from those on the surface."""
        shape = tuple((part.name, part.box) for part in parts)
        self._dirty = []
        if shape != self._face:
            self.surface.fill(NIGHT)
            self._drawn = {}
            self._face = shape
            self._dirty = [self.surface.get_rect()]
        whole = bool(self._dirty)
        for part in parts:
            old = self._drawn.get(part.name)
            if old is not None and old.key == part.key:
                continue
            place = self._sheet.pixels(part.box)
            self.surface.set_clip(place)
            if not whole:
                self.surface.fill(NIGHT, place)
                self._dirty.append(place)
            part.paint(self._brush, part.box)
            self._drawn[part.name] = part
        self.surface.set_clip(None)
        return bool(self._dirty)

    def _in_touch(self, view: DisplayState, now_s: float) -> DisplayState:
        snapshot = view.snapshot
        if snapshot is None or view.face is not ScreenId.SESSION or snapshot.stage != "running":
            self._snapshot_t = None
            return view
        if snapshot.t != self._snapshot_t:
            self._snapshot_t, self._renewed_s = snapshot.t, now_s
        if now_s - self._renewed_s <= OUT_OF_TOUCH_S:
            return view
        return msgspec.structs.replace(view, snapshot=_silent(snapshot))

    def _swell(self, view: DisplayState, now_s: float) -> int:
        """How far the heart has swelled, and how long it will keep that size."""
        snapshot = view.snapshot
        if snapshot is None or view.face not in (ScreenId.SESSION, ScreenId.READY) or shown_number(snapshot) is None:
            self._wait_s = IDLE_S
            return 0
        every_s = BEATS_A_SWELL * 60 / min(max(snapshot.bpm or 60.0, LEAST_BPM), MOST_BPM)
        since_s = now_s - self._swell_at_s
        if since_s >= every_s:
            self._swell_at_s = now_s if since_s >= 2 * every_s else self._swell_at_s + every_s
            since_s = now_s - self._swell_at_s
        if since_s >= SWELL_S:
            self._wait_s = min(every_s - since_s, IDLE_S)
            return 0
        self._wait_s = FRAME_S
        if since_s < SWELL_TOP_S:
            return round(BEAT_STEPS * math.sin(math.pi / 2 * since_s / SWELL_TOP_S))
        return round(BEAT_STEPS * (1 - (since_s - SWELL_TOP_S) / (SWELL_S - SWELL_TOP_S)))

    def save_png(self, path: Path | str) -> None:
        """Save what is drawn."""
        pygame.image.save(self.surface, str(path))


def _silent(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot without anything that would be old."""
    return msgspec.structs.replace(
        snapshot,
        bpm=None,
        fraction=None,
        position="unknown",
        signal=Signal.STALE,
        signal_reason="out_of_touch",
        signal_age_s=None,
        advice=Advice(),
        prediction=None,
    )


_PARTS: dict[ScreenId, Callable[[RenderContext], list[Widget]]] = {
    ScreenId.CHOOSE_PARTICIPANT: choose_participant.parts,
    ScreenId.CONFIRM: confirm.parts,
    ScreenId.PIN: pin.parts,
    ScreenId.GUEST_AGE: guest_age.parts,
    ScreenId.QUESTIONS: questions.parts,
    ScreenId.CHOOSE_STRAP: choose_strap.parts,
    ScreenId.STRAP: strap.parts,
    ScreenId.READY: ready.parts,
    ScreenId.SESSION: session.parts,
    ScreenId.GO_ON: go_on.parts,
    ScreenId.EXERTION: exertion.parts,
    ScreenId.MOOD: mood.parts,
    ScreenId.ENDED: ended.parts,
    ScreenId.NOT_TODAY: not_today.parts,
    ScreenId.SELF_TEST_FAILED: self_test_failed.parts,
    ScreenId.MACHINE: machine.parts,
    ScreenId.SELF_TEST: self_test.parts,
    ScreenId.MY_TRAINING: my_training.parts,
}


def parts_of(glance: RenderContext) -> list[Widget]:
    """Return the parts of a view's face."""
    snapshot = glance.view.snapshot
    if glance.view.face is ScreenId.ENDED and snapshot is not None and snapshot.cool_down_offered:
        return stopped.parts(glance)
    return _PARTS[glance.view.face](glance)


__all__ = ["Box", "ScreenRenderer", "parts_of"]
