"""The figures' names, units and forms on the pages, in the language at hand."""

from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from msgspec import Struct

from server.diary.formatting import NOTHING, month_of, number, percent
from server.regional_statistics.periods import ReportingPeriod
from server.regional_statistics.publication import PublishedFigures


class FigureFormat(Struct, frozen=True):
    """A figure: its name in `PublishedFigures`, its heading, unit, decimals. `share`: a fraction, shown in percent."""

    name: str
    heading: str | Promise
    unit: str | Promise
    decimals: int = 0
    share: bool = False
    words: str | Promise = ""


MEASURES = (
    FigureFormat("sessions", gettext_lazy("Sessions"), gettext_lazy("sessions")),
    FigureFormat(
        "people_about",
        gettext_lazy("Participants in training, about"),
        gettext_lazy("participants"),
        words=gettext_lazy("To the nearest five."),
    ),
    FigureFormat("completed_fraction", gettext_lazy("Sessions trained to the end"), "%", share=True),
    FigureFormat(
        "zone_min",
        gettext_lazy("Minutes in zone, each session"),
        gettext_lazy("min"),
        decimals=1,
    ),
    FigureFormat(
        "above_95_min", gettext_lazy("Minutes above 95% of HRmax, each session"), gettext_lazy("min"), decimals=1
    ),
    FigureFormat("live_fraction", gettext_lazy("Time with a good signal"), "%", share=True),
    FigureFormat("adherence_fraction", gettext_lazy("Attendance"), "%", share=True),
)


def format_figure(figures: PublishedFigures, measure: FigureFormat) -> str:
    """Return a figure, with its unit where that is percent."""
    value = getattr(figures, measure.name)
    if value is None:
        return NOTHING
    text = percent(value) if measure.share else number(value, measure.decimals)
    # Translators: about so many people, told to the nearest five.
    return _("≈ %(number)s") % {"number": text} if measure.name == "people_about" else text


def period_words(period: ReportingPeriod) -> str:
    """«October 2026», «3rd quarter of 2026»."""
    if period.kind == "month":
        return month_of(period.begin)
    # Translators: a quarter of a year, such as «Q3 2026».
    return _("Q%(quarter)s %(year)s") % {"quarter": period.number % 4 + 1, "year": period.begin.year}


def short_month(on: date) -> str:
    """«Oct»."""
    return date_format(on, "M").rstrip(".")
