"""A session as a picture: phases and their zones, the heart rate through them, and the third minute of each interval.

Made to be read on paper and by the colour-blind (Okabe and Ito's palette): whatever a colour says, a place, a word or a
line's shape says too. What was not measured is never drawn as if it were: the line breaks, and a strip below says why.
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MultipleLocator
from msgspec import Struct

from coach.model.events import Signal
from coach.model.protocol import PhaseKind
from coach.model.summary import Summary
from firmware.commands.plot_texts import Language, PlotTexts, plot_texts
from firmware.journal.record import SessionDocument
from firmware.journal.timeline import track_of
from sync.export.timeline import PhaseSpan, Track, seconds_of, spans_with, started_s

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, SOFT, LINE, PAPER = "#1b2333", "#5b6579", "#d9dee7", "#ffffff"
TARGET, EASY, MARK, WARNING = "#009e73", "#56b4e9", "#0072b2", "#d55e00"
_PHASE_SHADES = {PhaseKind.INTERVAL: "#eef7f3", PhaseKind.STEADY: "#eef7f3", PhaseKind.MOTOR: "#eef7f3"}
_DOUBTFUL = (Signal.WEAK, Signal.IMPLAUSIBLE)
_SILENT = (Signal.STALE, Signal.LOST)
_WIDTH_IN, _HEIGHT_IN, _DPI = 11.7, 6.2, 150
_NARROW_FRACTION, _TINY_FRACTION = 0.075, 0.03
_THIRD_MINUTE_S = (120.0, 180.0)
_LOWEST_TOP_BPM = 120.0


class ThirdMinute(Struct, frozen=True):
    """The mean rate of an interval's third minute, where it stands on the time axis, and as a share of HRmax."""

    start_s: float
    end_s: float
    bpm: float
    fraction: float | None


class SessionPicture(Struct, frozen=True, kw_only=True):
    """All that is drawn, from the diary or from anywhere else.

    `begun_wall_s` is None where no date is known; `name` is the protocol's title; `session_number` of
    `course_sessions`.
    """

    track: Track
    name: str
    hr_max_bpm: float | None = None
    ceiling_bpm: float | None = None
    third_minutes: tuple[ThirdMinute, ...] = ()
    summary: Summary | None = None
    begun_wall_s: float | None = None
    clock_trusted: bool = True
    session_number: int | None = None
    course_sessions: int | None = None


def picture_of(document: SessionDocument, language: Language = "nb") -> SessionPicture:
    """Gather what is drawn of a session in the diary."""
    plan, protocol = document.plan, document.protocol
    return SessionPicture(
        track=track_of(document),
        name=protocol.titles.get(language) or protocol.titles.get("en") or protocol.name,
        hr_max_bpm=plan.hr_max_bpm,
        ceiling_bpm=plan.ceiling_bpm,
        third_minutes=third_minutes_of(document.summary, started_s(document.events)),
        summary=document.summary,
        begun_wall_s=document.begun.wall_s,
        clock_trusted=document.begun.trusted,
        session_number=plan.session_number,
        course_sessions=plan.course_sessions,
    )


def third_minutes_of(summary: Summary | None, start_s: float = 0.0) -> tuple[ThirdMinute, ...]:
    """Return the third minute of each interval that has one. `start_s`: the session's start on the time axis."""
    if summary is None:
        return ()
    return tuple(
        ThirdMinute(
            start_s + interval.start_s + _THIRD_MINUTE_S[0],
            start_s + interval.start_s + _THIRD_MINUTE_S[1],
            interval.third_minute_bpm,
            interval.third_minute_fraction,
        )
        for interval in summary.intervals
        if interval.third_minute_bpm is not None
    )


def draw(session: SessionDocument | SessionPicture, path: Path, language: Language = "nb") -> None:
    """Draw a session to a file; its ending says the format (png, svg, pdf). Raises OSError as writing does."""
    picture = session if isinstance(session, SessionPicture) else picture_of(session, language)
    # A missing glyph or font is no concern of the reader's: another one is taken.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    installed = {font.name for font in fontManager.ttflist}
    family = [name for name in ("Inter", "DejaVu Sans") if name in installed]
    with mpl.rc_context({"font.family": family, "font.size": 10, "axes.unicode_minus": False}):
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN), dpi=_DPI, facecolor=PAPER)
        FigureCanvasAgg(figure)
        _Plot(figure, picture, plot_texts(language)).draw()
        figure.savefig(path, dpi=_DPI, facecolor=PAPER)


class _Plot:
    """One picture on its way onto one figure."""

    def __init__(self, figure: Figure, picture: SessionPicture, texts: PlotTexts) -> None:
        self._figure, self._picture, self._texts = figure, picture, texts
        self._track = picture.track
        self._seconds = list(seconds_of(self._track))
        self._axes: Axes = figure.add_axes((0.065, 0.165, 0.865, 0.635))
        rates = [second.hr_bpm for second in self._seconds if second.hr_bpm is not None]
        limits = [bpm for bpm in (picture.hr_max_bpm, picture.ceiling_bpm) if bpm is not None]
        lows = [phase.low_bpm for phase in self._track.phases if phase.low_bpm is not None]
        self._top = max([*rates, *limits, _LOWEST_TOP_BPM]) + 10
        self._bottom = max(30.0, min([*rates, *lows, 100.0]) - 10)
        self._length_min = max(self._track.length_s, 60.0) / 60
        narrow_min = _NARROW_FRACTION * self._length_min
        self._narrow_kinds = {
            phase.kind for phase in self._track.phases if (phase.end_s - phase.start_s) / 60 < narrow_min
        }

    def draw(self) -> None:
        """Draw from the back to the front."""
        self._frame()
        for phase in self._track.phases:
            self._phase(phase)
        for pause in self._track.pauses:
            self._axes.axvspan(
                pause.start_s / 60, pause.end_s / 60, facecolor="none", edgecolor=SOFT, hatch="///", lw=0, zorder=2
            )
        self._limits()
        self._trace()
        self._silence()
        for third_minute in self._picture.third_minutes:
            self._third_minute(third_minute)
        self._heading()
        self._legend()

    def _frame(self) -> None:
        axes = self._axes
        axes.set_xlim(0, self._length_min)
        axes.set_ylim(self._bottom, self._top)
        axes.xaxis.set_major_locator(MultipleLocator(5 if self._length_min <= 70 else 15))  # noqa: PLR2004 - minutes
        axes.yaxis.set_major_locator(MultipleLocator(20))
        axes.set_xlabel(self._texts.minutes, color=SOFT)
        axes.set_ylabel(self._texts.heart_rate, color=SOFT)
        axes.tick_params(colors=SOFT, length=0, labelsize=10, pad=6)
        axes.grid(axis="y", color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        for side in axes.spines.values():
            side.set_visible(False)
        if self._picture.hr_max_bpm is not None:
            hr_max = self._picture.hr_max_bpm
            to_percent, to_bpm = (lambda bpm: bpm / hr_max * 100), (lambda percent: percent * hr_max / 100)
            share = axes.secondary_yaxis("right", functions=(to_percent, to_bpm))
            share.yaxis.set_major_locator(MultipleLocator(10))
            share.yaxis.set_major_formatter(FuncFormatter(lambda percent, _: f"{percent:.0f}"))
            share.set_ylabel(self._texts.share, color=SOFT)
            share.tick_params(colors=SOFT, length=0, labelsize=10, pad=6)
            share.spines["right"].set_visible(False)

    def _phase(self, phase: PhaseSpan) -> None:
        """Shade a phase, draw its zone, and name it above."""
        start, end = phase.start_s / 60, phase.end_s / 60
        middle, share = (start + end) / 2, (end - start) / self._length_min
        hard = phase.kind in _PHASE_SHADES
        self._axes.axvspan(start, end, color=_PHASE_SHADES.get(phase.kind, "#f6f8fb"), lw=0, zorder=0)
        self._axes.axvline(start, color=PAPER, lw=2, zorder=1)
        if phase.low_bpm is not None and phase.high_bpm is not None:
            colour = TARGET if hard else EASY
            band = Rectangle((start, phase.low_bpm), end - start, phase.high_bpm - phase.low_bpm)
            band.set(facecolor=colour, alpha=0.30 if hard else 0.22, lw=0, zorder=1.5)
            self._axes.add_patch(band)
            for bpm in (phase.low_bpm, phase.high_bpm):
                self._axes.plot([start, end], [bpm, bpm], color=colour, lw=1.2, zorder=1.6)
        if share < _TINY_FRACTION:
            return
        words = self._texts.short_phases if phase.kind in self._narrow_kinds else self._texts.phases
        name = words[phase.kind].format(number=phase.interval or "")
        self._axes.annotate(
            name.strip(),
            (middle, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=INK if hard else SOFT,
            fontweight="bold" if hard else "normal",
            fontsize=10.5 if hard else 9.5,
        )

    def _limits(self) -> None:
        """Draw HRmax and the ceiling, named where there is most room: at the left, above the warm-up."""
        hr_max, ceiling = self._picture.hr_max_bpm, self._picture.ceiling_bpm
        # The higher is named above its line and the lower below, so that they never meet.
        ceiling_above = hr_max is None or (ceiling is not None and ceiling > hr_max)
        self._limit(hr_max, self._texts.hr_max, SOFT, (0, (1, 2)), above=not ceiling_above)
        self._limit(ceiling, self._texts.ceiling, WARNING, (0, (5, 3)), above=ceiling_above)

    def _limit(
        self, bpm: float | None, words: str, colour: str, dashes: tuple[int, tuple[int, int]], *, above: bool
    ) -> None:
        if bpm is None:
            return
        self._axes.axhline(bpm, color=colour, lw=1.4, ls=dashes, zorder=2.5)
        self._axes.annotate(
            words.format(bpm=round(bpm)),
            (0, bpm),
            xytext=(6, 3 if above else -4),
            textcoords="offset points",
            va="bottom" if above else "top",
            color=colour,
            fontsize=9.5,
            zorder=6,
        )

    def _trace(self) -> None:
        """Draw the rate; broken where there is none, dotted where it is doubtful."""
        sure = [s.hr_bpm if s.signal is Signal.LIVE else None for s in self._seconds]
        doubtful = [s.hr_bpm if s.signal in _DOUBTFUL else None for s in self._seconds]
        minutes = [second.t_s / 60 for second in self._seconds]
        self._axes.plot(minutes, _joined(sure), color=INK, lw=1.7, solid_joinstyle="round", zorder=4)
        self._axes.plot(minutes, _joined(doubtful), color=WARNING, lw=1.5, ls=(0, (1, 1.2)), zorder=4)

    def _silence(self) -> None:
        """Mark along the bottom when there was no rate."""
        for span in spans_with(self._track, _SILENT):
            strip = Rectangle((span.start_s / 60, 0.0), (span.end_s - span.start_s) / 60, 0.022)
            strip.set(transform=self._axes.get_xaxis_transform(), facecolor=WARNING, lw=0, zorder=5)
            self._axes.add_patch(strip)

    def _third_minute(self, mark: ThirdMinute) -> None:
        """Draw a third minute's mean as a bar, with its rate and share below."""
        start, end = mark.start_s / 60, mark.end_s / 60
        outline = [withStroke(linewidth=6, foreground=PAPER)]
        self._axes.plot(
            [start, end],
            [mark.bpm, mark.bpm],
            color=MARK,
            lw=3.4,
            solid_capstyle="butt",
            zorder=5,
            path_effects=outline,
        )
        share = "" if mark.fraction is None else f"\n{mark.fraction * 100:.0f} %"
        self._axes.annotate(
            f"{mark.bpm:.0f}{share}",
            ((start + end) / 2, mark.bpm),
            xytext=(0, -9),
            textcoords="offset points",
            ha="center",
            va="top",
            color=MARK,
            fontsize=10.5,
            fontweight="bold",
            linespacing=1.15,
            zorder=6,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )

    def _heading(self) -> None:
        picture, texts = self._picture, self._texts
        title = texts.title_plain
        if picture.session_number is not None:
            title = texts.title.format(number=picture.session_number, total=picture.course_sessions)
        heading = f"{title}  ·  {picture.name}"
        self._figure.text(0.065, 0.945, heading, fontsize=17, fontweight="bold", color=INK, va="center")
        self._figure.text(0.065, 0.893, texts.sums(picture.summary), fontsize=11.5, color=INK, va="center")
        if picture.begun_wall_s is not None:
            when = texts.when(picture.begun_wall_s, trusted=picture.clock_trusted)
            self._figure.text(0.93, 0.945, when, fontsize=11, color=SOFT, va="center", ha="right")

    def _legend(self) -> None:
        """Explain only what is there."""
        texts, signals = self._texts, {s.signal for s in self._seconds if s.hr_bpm is not None}
        handles: list[Line2D | Patch] = [Line2D([], [], color=INK, lw=1.8, label=texts.trace)]
        if any(phase.low_bpm is not None for phase in self._track.phases):
            handles.append(Patch(facecolor=TARGET, alpha=0.4, label=texts.zone))
        if self._picture.third_minutes:
            handles.append(Line2D([], [], color=MARK, lw=3.4, label=texts.third_minute))
        if signals & set(_DOUBTFUL):
            handles.append(Line2D([], [], color=WARNING, lw=1.5, ls=(0, (1, 1.2)), label=texts.doubtful))
        if spans_with(self._track, _SILENT):
            handles.append(Patch(facecolor=WARNING, label=texts.no_signal))
        if self._track.pauses:
            handles.append(Patch(facecolor=PAPER, edgecolor=SOFT, hatch="////", lw=0.5, label=texts.paused))
        self._figure.legend(
            handles=handles,
            loc="lower center",
            ncols=len(handles),
            frameon=False,
            labelcolor=SOFT,
            fontsize=10,
            bbox_to_anchor=(0.5, 0.012),
            handlelength=1.8,
            columnspacing=2.2,
        )


def _joined(rates: list[float | None]) -> list[float]:
    """Put not-a-number where there is no rate, which breaks the line there."""
    return [float("nan") if bpm is None else bpm for bpm in rates]
