"""The words on a session's plot, from their catalogue (`plot_texts.toml`)."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from coach.model.protocol import PhaseKind
from coach.model.summary import Summary

Language = Literal["nb", "en"]


class PlotTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's words; `{…}` stand for numbers."""

    phases: dict[PhaseKind, str]
    short_phases: dict[PhaseKind, str]
    minutes: str
    heart_rate: str
    share: str
    ceiling: str
    hr_max: str
    third_minute: str
    zone: str
    trace: str
    doubtful: str
    no_signal: str
    paused: str
    title: str
    title_plain: str
    date: str
    date_unsure: str
    in_zone: str
    intervals: str
    peak: str
    borg: str
    unfinished: str
    stopped: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]

    def when(self, wall_s: float, *, trusted: bool) -> str:
        """Write a date and time of day, in this machine's time zone."""
        local = datetime.fromtimestamp(wall_s).astimezone()
        date = self.date.format(
            weekday=self.weekdays[local.weekday()],
            day=local.day,
            month=self.months[local.month - 1],
            year=local.year,
            hour=local.hour,
            minute=local.minute,
        )
        return date if trusted else self.date_unsure.format(date=date)

    def sums(self, summary: Summary | None) -> str:
        """Write a session's sums in one line."""
        if summary is None:
            return self.unfinished
        parts: list[str] = []
        if summary.planned_intervals:
            minutes, seconds = divmod(round(summary.time_in_zone_s), 60)
            parts.append(self.in_zone.format(minutes=minutes, seconds=seconds))
            parts.append(self.intervals.format(done=summary.completed_intervals, planned=summary.planned_intervals))
        if summary.peak_bpm is not None:
            parts.append(self.peak.format(bpm=round(summary.peak_bpm)))
        if summary.borg is not None:
            parts.append(self.borg.format(borg=summary.borg))
        if not summary.completed:
            parts.append(self.stopped)
        return "  ·  ".join(parts)


class _Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    nb: PlotTexts
    en: PlotTexts


@cache
def plot_texts(language: Language) -> PlotTexts:
    """Give one language's words."""
    catalogue = msgspec.toml.decode(
        files("firmware.commands").joinpath("plot_texts.toml").read_bytes(), type=_Catalogue
    )
    return catalogue.nb if language == "nb" else catalogue.en
