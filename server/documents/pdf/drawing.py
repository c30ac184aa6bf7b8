"""Pictures for papers, as SVG of our own: a session's trace, and the plots of a course.

Points of the picture are in a coordinate system of its own; texts inside are short, and what the picture shows is told
in words and tables beside it.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from msgspec import Struct

from coach.model.protocol import PhaseKind
from server.diary.course.plots import SeriesPlot
from server.diary.event_words import phase_title
from server.diary.formatting import clock, number
from server.diary.session_trace import SessionTrace

INK, SOFT, LINE, ZONE, IN, STOP, BLUE, DOUBT = (
    "#16202f", "#4e5c72", "#dfe4ec", "#bfe6d8", "#0f7f66", "#b42318", "#2563b0", "#c2410c",
)  # fmt: skip
FACE = 'font-family="Inter, DejaVu Sans, sans-serif"'
POINTS_AT_MOST = 1400
"""More would not be seen on paper."""
GAP_S = 3.0
"""Where no rate came for longer, the line is broken (hazard H2)."""


class PdfScale(Struct, frozen=True):
    """From a value to a place in the picture."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the place; what lies outside is put on the edge."""
        span = self.high - self.low or 1.0
        share = min(1.0, max(0.0, (value - self.low) / span))
        return self.start + share * (self.end - self.start)


def as_image(svg: str) -> str:
    """Return a picture as an address that holds it."""
    return "data:image/svg+xml;base64," + b64encode(svg.encode()).decode()


def trace_svg(trace: SessionTrace) -> str:
    """Heart rate, zones, ceiling, phases, and speed below, over the session's minutes."""
    width, left, right, top, bottom = 760.0, 40.0, 10.0, 20.0, 222.0
    x = PdfScale(0.0, max(60.0, trace.length_s), left, width - right)
    rates = [rate for rate in trace.rate_bpm if rate is not None]
    tops = [*rates, *(band.high_bpm for band in trace.bands), trace.ceiling_bpm or 0.0, 120.0]
    lows = [*rates, *(band.low_bpm for band in trace.bands), 100.0]
    y = PdfScale(min(lows) // 20 * 20, (max(tops) // 20 + 1) * 20, bottom, top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} 308" {FACE}>']
    parts += _phases(trace, x, top, bottom)
    parts += [_rect(x(band.start_s), y(band.high_bpm), x(band.end_s), y(band.low_bpm), ZONE) for band in trace.bands]
    parts += _levels(y, left, width - right)
    parts += [_rect(x(start), top, x(end), bottom, LINE, 0.8) for start, end in trace.pauses]
    if trace.ceiling_bpm is not None:
        level = y(trace.ceiling_bpm)
        parts.append(
            f'<path d="M{left:.1f} {level:.1f}H{width - right:.1f}" stroke="{STOP}" stroke-width="1.4" '
            'stroke-dasharray="7 4" fill="none"/>'
        )
    parts += _rate_line(trace, x, y)
    parts += _setting(trace, x, bottom)
    parts += _minutes(trace, x)
    parts.append("</svg>")
    return "".join(parts)


def _rect(x0: float, y0: float, x1: float, y1: float, colour: str, opacity: float = 1.0) -> str:
    return (
        f'<rect x="{x0:.1f}" y="{y0:.1f}" width="{max(0.0, x1 - x0):.1f}" height="{max(0.0, y1 - y0):.1f}" '
        f'fill="{colour}" opacity="{opacity:g}"/>'
    )


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: float = 11, colour: str = SOFT) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(words)}</text>"


def _phases(trace: SessionTrace, x: PdfScale, top: float, bottom: float) -> Iterator[str]:
    for phase in trace.phases:
        start, end = x(phase.start_s), x(phase.end_s)
        if phase.kind is PhaseKind.INTERVAL:
            yield _rect(start, top, end, bottom, "#f3f5f9")
        yield f'<path d="M{start:.1f} {top:.1f}V{bottom:.1f}" stroke="{LINE}" stroke-width="1" fill="none"/>'
        words = str(phase.interval) if phase.interval else phase_title(phase.kind, phase.interval)
        if phase.interval and end - start > 62:  # noqa: PLR2004 - room for a whole word
            words = phase_title(phase.kind, phase.interval)
        if end - start > 5.6 * len(words):
            yield _text((start + end) / 2, top - 7, words, anchor="middle")


def _levels(y: PdfScale, left: float, right: float) -> Iterator[str]:
    bpm = y.low
    while bpm <= y.high:
        at = y(bpm)
        yield f'<path d="M{left:.1f} {at:.1f}H{right:.1f}" stroke="#c9d0db" stroke-width="0.6" fill="none"/>'
        yield _text(left - 7, at + 4, number(bpm), anchor="end")
        bpm += 20


def _rate_line(trace: SessionTrace, x: PdfScale, y: PdfScale) -> Iterator[str]:
    step = max(1, len(trace.t) // POINTS_AT_MOST)
    lines: dict[bool, list[str]] = {False: [], True: []}
    before: tuple[float, bool] | None = None
    for place in range(0, len(trace.t), step):
        rate, doubtful = trace.rate_bpm[place], bool(trace.doubtful[place])
        t = trace.t[place]
        if rate is None:
            before = None
            continue
        joined = before is not None and t - before[0] <= GAP_S * step and before[1] == doubtful
        lines[doubtful].append(f"{'L' if joined else 'M'}{x(t):.1f} {y(rate):.1f}")
        before = (t, doubtful)
    for doubtful, path in lines.items():
        if path:
            dash = ' stroke-dasharray="2 3"' if doubtful else ""
            yield (
                f'<path d="{"".join(path)}" stroke="{DOUBT if doubtful else INK}" stroke-width="1.7" fill="none" '
                f'stroke-linejoin="round" stroke-linecap="round"{dash}/>'
            )


def _setting(trace: SessionTrace, x: PdfScale, bottom: float) -> Iterator[str]:
    """Speed as steps below the rate; incline as words where it changes."""
    low, high = bottom + 62, bottom + 20
    speeds = [speed for _t, speed in trace.speed_kmh if speed is not None]
    if not speeds:
        return
    scale = PdfScale(0.0, max(*speeds, 8.0), low, high)
    path, before = [], None
    for (t, speed), following in zip(trace.speed_kmh, [*trace.speed_kmh[1:], (trace.length_s, None)], strict=True):
        if speed is None:
            before = None
            continue
        path.append(f"{'M' if before is None else 'L'}{x(t):.1f} {scale(speed):.1f}H{x(following[0]):.1f}")
        before = speed
    yield f'<path d="{"".join(path)}" stroke="{BLUE}" stroke-width="1.6" fill="none"/>'
    yield _text(x.start - 7, high + 4, number(max(*speeds, 8.0)), anchor="end")
    yield _text(x.start - 7, low + 4, "0", anchor="end")
    yield _text(x.end, high - 5, _("km/h"), anchor="end")


def _minutes(trace: SessionTrace, x: PdfScale) -> Iterator[str]:
    minute = 0
    while minute * 60 <= trace.length_s:
        yield _text(x(minute * 60), 302, clock(minute * 60), anchor="middle")
        minute += 5


def plot_svg(plot: SeriesPlot) -> str:
    """One plot of a course: bars, a line, or points."""
    width, height, left, right, top, bottom = 300.0, 158.0, 30.0, 8.0, 10.0, 122.0
    known = [(at, value) for at, value in zip(plot.x, plot.y, strict=True) if value is not None]
    values = [value for _at, value in known]
    levels = [plot.level] if plot.level is not None else []
    room = (max(values) - min(values) or 4.0) * 0.15
    low = plot.y_low if plot.y_low is not None else min([*values, *levels]) - room
    high = plot.y_high if plot.y_high is not None else max([*values, *levels]) + room
    y = PdfScale(low, high, bottom, top)
    edge = 0.6 if plot.kind == "bars" else (max(plot.x) - min(plot.x) or 1.0) * 0.06
    x = PdfScale(min(plot.x) - edge, max(plot.x) + edge, left, width - right)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {FACE}>']
    for share in range(5):
        level = low + share * (high - low) / 4
        at = y(level)
        parts.append(
            f'<path d="M{left:.1f} {at:.1f}H{width - right:.1f}" stroke="{LINE}" stroke-width="0.8" fill="none"/>'
        )
        parts.append(_text(left - 6, at + 3.5, number(level), anchor="end", size=9))
    if plot.level is not None:
        at = y(plot.level)
        parts.append(
            f'<path d="M{left:.1f} {at:.1f}H{width - right:.1f}" stroke="{SOFT}" stroke-width="1.1" '
            'stroke-dasharray="5 4" fill="none"/>'
        )
        parts.append(_text(width - right, at + 10, plot.level_title, anchor="end", size=8.5))
    parts += _marks(plot, known, x, y, bottom)
    parts += [
        _text(x(at), bottom + 13, number(at, plot.x_decimals), anchor="middle", size=9) for at in _choose_ticks(plot.x)
    ]
    parts.append(_text((left + width - right) / 2, bottom + 29, plot.x_title, anchor="middle", size=9))
    parts.append("</svg>")
    return "".join(parts)


def _marks(
    plot: SeriesPlot, known: Sequence[tuple[float, float]], x: PdfScale, y: PdfScale, bottom: float
) -> Iterable[str]:
    match plot.kind:
        case "bars":
            half = max(1.5, (x(1.0) - x(0.0)) * 0.34)
            return [_rect(x(at) - half, y(value), x(at) + half, bottom, IN) for at, value in known]
        case "line":
            path = "".join(f"{'L' if place else 'M'}{x(at):.1f} {y(v):.1f}" for place, (at, v) in enumerate(known))
            dots = [f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.2" fill="{IN}"/>' for at, value in known]
            return [f'<path d="{path}" stroke="{IN}" stroke-width="1.8" fill="none" stroke-linejoin="round"/>', *dots]
        case "points":
            later = plot.later or (0,) * len(plot.x)
            return [
                f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="2.6" stroke="{IN}" stroke-width="1.3" '
                f'fill="{IN if filled else "#ffffff"}"/>'
                for at, value, filled in zip(plot.x, plot.y, later, strict=True)
                if value is not None
            ]


def _choose_ticks(values: Sequence[float]) -> list[float]:
    """Return some six of them, first and last among them, to stand below the axis."""
    found = sorted(set(values))
    step = max(1, (len(found) - 1) // 5)
    kept = found[::step]
    if found and kept[-1] != found[-1]:
        kept = [*kept[:-1], found[-1]] if len(kept) > 5 else [*kept, found[-1]]  # noqa: PLR2004 - some six
    return kept
