"""The whole session along the bottom: zone bands, the rate as it comes, and where it is expected to go.

Bands and trace stand on a layer of their own. A new point of the trace draws one short line on it; the layer is drawn
anew only when the phases, the running phase or the scale change.
"""

from collections.abc import Sequence

import pygame

from coach.model.protocol import PhaseKind
from coach.model.snapshot import Prediction, Profile, ProfilePhase
from display.drawing.canvas import Brush
from display.drawing.layout import Box, Widget
from display.drawing.palette import BELOW, BELOW_BAND, IN, IN_BAND, NIGHT, QUIET, WHITE, Colour, blend
from display.drawing.shapes import Point

BAND_OF_KIND: dict[PhaseKind, tuple[float, float]] = {
    PhaseKind.WARM_UP: (0.55, 0.70),
    PhaseKind.INTERVAL: (0.85, 0.95),
    PhaseKind.RECOVERY: (0.60, 0.70),
    PhaseKind.STEADY: (0.70, 0.80),
    PhaseKind.MOTOR: (0.60, 0.75),
    PhaseKind.COOL_DOWN: (0.50, 0.60),
}
"""Where a phase without a zone in bpm stands in the picture, as a share of HRmax."""
SUPPOSED_HR_MAX_BPM = 185.0
LOWEST_FRACTION, ROOM_BPM = 0.45, 4.0
LINE, DOT, GAP, LOWEST_BAND = 3.4, 7.5, 2.0, 14.0
LATEST_STRETCH_S = 30.0

Trace = Sequence[tuple[float, float | None]]


class ProfileDrawing:
    """Draws profiles on one screen, and remembers the layer of bands and trace."""

    def __init__(self) -> None:
        """Nothing is drawn yet."""
        self._layer: pygame.Surface | None = None
        self._key: object = None
        self._trace: tuple[tuple[float, float | None], ...] = ()

    def part(
        self, profile: Profile, box: Box, now: tuple[float, float | None] | None, prediction: Prediction | None = None
    ) -> Widget:
        """Return the profile as a part of a face. `now`: (training second, bpm) of this moment; None when over."""
        scale = ProfileScale(profile, box)
        dot = None if now is None else (round(scale.x(now[0])), None if now[1] is None else round(scale.y(now[1])))
        expected = None if prediction is None else (round(prediction.end_bpm), round(prediction.end_low_bpm))
        key = (profile.phases, len(profile.trace), profile.trace[-1:], dot, expected)
        return Widget("profile", box, key, lambda brush, _: self._paint(brush, scale, now, prediction))

    def _paint(
        self, brush: Brush, scale: "ProfileScale", now: tuple[float, float | None] | None, prediction: Prediction | None
    ) -> None:
        profile, box = scale.profile, scale.box
        current = None if now is None else _running(profile.phases, now[0])
        place = brush.sheet.pixels(box)
        key = (profile.phases, current, scale.low, scale.high, place.size)
        old = self._trace
        if self._layer is None or key != self._key or profile.trace[: len(old)] != old:
            self._layer = pygame.Surface(place.size)
            self._layer.fill(NIGHT)
            self._key, old = key, ()
            self._bands(_on_layer(brush, self._layer), scale, current)
        if len(profile.trace) > len(old):
            fresh = profile.trace[max(len(old) - 1, 0) :]
            for run in _unbroken(fresh):
                points = [(scale.x(t) - box.x, scale.y(bpm) - box.y) for t, bpm in run]
                _on_layer(brush, self._layer).stroke(points, LINE, WHITE)
        self._trace = profile.trace
        brush.surface.blit(self._layer, place)
        if now is not None:
            self._paint_now(brush, scale, now, current, prediction)

    @staticmethod
    def _bands(brush: Brush, scale: "ProfileScale", current: int | None) -> None:
        for index, phase in enumerate(scale.profile.phases):
            low, high = scale.band(phase)
            top, bottom = scale.y(high) - scale.box.y, scale.y(low) - scale.box.y
            if bottom - top < LOWEST_BAND:
                middle = (top + bottom) / 2
                top, bottom = middle - LOWEST_BAND / 2, middle + LOWEST_BAND / 2
            left, right = scale.x(phase.start_s) - scale.box.x, scale.x(phase.end_s) - scale.box.x
            band = Box(left + GAP / 2, top, max(right - left - GAP, 1.0), bottom - top)
            brush.bar(band, 6.0, _band_colour(phase.kind, index, current))

    @staticmethod
    def _paint_now(
        brush: Brush,
        scale: "ProfileScale",
        now: tuple[float, float | None],
        current: int | None,
        prediction: Prediction | None,
    ) -> None:
        x = scale.x(now[0])
        if now[1] is None:
            for step in range(int(scale.box.height // 14)):
                brush.disc((x, scale.box.y + 7 + 14 * step), 1.6, QUIET)
            return
        y = scale.y(now[1])
        seen = next(((t, bpm) for t, bpm in reversed(scale.profile.trace) if bpm is not None), None)
        if seen is not None and 0 < now[0] - seen[0] < LATEST_STRETCH_S:
            brush.stroke([(scale.x(seen[0]), scale.y(seen[1])), (x, y)], LINE, WHITE)
        if prediction is not None and current is not None:
            end = scale.x(scale.profile.phases[current].end_s)
            _dotted(brush, (x, y), (end, scale.y(prediction.end_bpm)))
            for edge in (prediction.end_low_bpm, prediction.end_high_bpm):
                brush.disc((end, scale.y(edge)), 1.6, QUIET)
        brush.disc((x, y), DOT + 3.5, NIGHT)
        brush.disc((x, y), DOT, WHITE)


class ProfileScale:
    """Where a second and a rate lie in the picture."""

    def __init__(self, profile: Profile, box: Box) -> None:
        """Leave room for the dot at the edges."""
        self.profile, self.box = profile, box
        self._hr_max = profile.hr_max_bpm or SUPPOSED_HR_MAX_BPM
        seen = [bpm for _, bpm in profile.trace if bpm is not None]
        lows = [self.band(phase)[0] for phase in profile.phases]
        highs = [self.band(phase)[1] for phase in profile.phases]
        self.low = min([LOWEST_FRACTION * self._hr_max, *lows, *seen]) - ROOM_BPM
        self.high = max([self._hr_max, *highs, *seen]) + ROOM_BPM
        self._length_s = max([phase.end_s for phase in profile.phases] + [t for t, _ in profile.trace[-1:]] + [1.0])

    def band(self, phase: ProfilePhase) -> tuple[float, float]:
        """Return the phase's zone in bpm, or where its kind usually lies."""
        usual = BAND_OF_KIND[phase.kind]
        low = usual[0] * self._hr_max if phase.low_bpm is None else phase.low_bpm
        high = usual[1] * self._hr_max if phase.high_bpm is None else phase.high_bpm
        return (low, high) if low < high else (high - 0.1 * self._hr_max, high)

    def x(self, second: float) -> float:
        """Across."""
        return self.box.x + self.box.width * min(max(second / self._length_s, 0.0), 1.0)

    def y(self, bpm: float) -> float:
        """Down."""
        room = DOT + 4
        share = min(max((bpm - self.low) / (self.high - self.low), 0.0), 1.0)
        return self.box.bottom - room - share * (self.box.height - 2 * room)


def _running(phases: tuple[ProfilePhase, ...], second: float) -> int | None:
    return next((index for index, phase in enumerate(phases) if phase.start_s <= second < phase.end_s), None)


def _band_colour(kind: PhaseKind, index: int, current: int | None) -> Colour:
    band, bright = (IN_BAND, IN) if kind is PhaseKind.INTERVAL else (BELOW_BAND, BELOW)
    if current is None:
        return band
    if index == current:
        return blend(band, bright, 0.35)
    return blend(NIGHT, band, 0.55) if index < current else blend(NIGHT, band, 0.9)


def _unbroken(trace: Trace) -> list[list[tuple[float, float]]]:
    """Return the trace's stretches without a gap, each of at least two points."""
    runs: list[list[tuple[float, float]]] = [[]]
    for t, bpm in trace:
        if bpm is None:
            runs.append([])
        else:
            runs[-1].append((t, bpm))
    return [run for run in runs if len(run) > 1]


def _on_layer(brush: Brush, layer: pygame.Surface) -> Brush:
    """Return a brush for the layer, whose corner is the box's corner."""
    return Brush(layer, brush.sheet, brush.lettering)


def _dotted(brush: Brush, start: Point, end: Point) -> None:
    """Draw a gentle curve of dots that rises first and then levels out, as a rate does."""
    count = max(2, int((end[0] - start[0]) / 9))
    for step in range(1, count + 1):
        share = step / count
        y = start[1] + (end[1] - start[1]) * (1 - (1 - share) ** 2)
        brush.disc((start[0] + (end[0] - start[0]) * share, y), 1.9, QUIET)
