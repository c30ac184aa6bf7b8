"""Figures and rows of the diary in the page's words; `server.diary.formatting` says how."""

from datetime import date

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from server.diary import formatting
from server.diary.course import page
from server.diary.course.schedule import Break, CourseStatus, Week

register = template.Library()
register.filter("clock", formatting.clock)
register.filter("minutes", formatting.minutes)
register.filter("percent", formatting.percent)
register.filter("figure", formatting.number)
register.filter("short_day", formatting.day)
register.filter("month_words", formatting.month_of)
register.filter("moment", formatting.moment)
register.filter("short_protocol", formatting.short_protocol)
register.filter("week_words", page.week_words)
register.filter("row_days", page.row_days)
register.filter("break_words", page.break_words)

STATES: dict[CourseStatus, str | Promise] = {
    CourseStatus.DONE: gettext_lazy("trained"),
    CourseStatus.PART: gettext_lazy("partly trained"),
    CourseStatus.MISSED: gettext_lazy("not trained"),
    CourseStatus.LEFT: gettext_lazy("still to come"),
    CourseStatus.AHEAD: gettext_lazy("upcoming"),
    CourseStatus.EXTRA: gettext_lazy("extra"),
}
SIGNS: dict[CourseStatus, str] = {
    CourseStatus.DONE: "✓",
    CourseStatus.PART: "◐",
    CourseStatus.MISSED: "–",
    CourseStatus.LEFT: "",
    CourseStatus.AHEAD: "",
    CourseStatus.EXTRA: "+",
}


@register.filter
def state_words(state: CourseStatus) -> str:
    """«trained»."""
    return str(STATES[state])


@register.filter
def state_sign(state: CourseStatus) -> str:
    """Return the same as a sign, so that no colour is needed."""
    return SIGNS[state]


@register.filter
def is_break(row: Week | Break) -> bool:
    """Whether a row is a break."""
    return isinstance(row, Break)


@register.filter
def as_day(on: date) -> str:
    """As it stands in an address."""
    return on.isoformat()


@register.simple_tag
def weekdays() -> tuple[tuple[str, str], ...]:
    """Monday to Sunday, short and in full."""
    return formatting.weekday_initials()
