"""What a line of the access log tells beside its columns, in words: a heading and what stands under it.

The log itself keeps field names and codes (`server.audit.record`); here a reader gets them in the page's language. What
no word is known for, from a newer version perhaps, is shown as it was written.
"""

import re
from collections.abc import Mapping
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from server.accounts.roles import Role
from server.audit.models import Entry
from server.live.words import COMMAND, NOTICE
from server.people.models import Participant
from server.people.plan_words import NAMES

Word = str | Promise

HEADINGS: Mapping[str, Word] = {
    "after": pgettext_lazy("access log", "after"),
    "before": pgettext_lazy("access log", "before"),
    "by": pgettext_lazy("access log", "by"),
    "code": pgettext_lazy("access log", "code"),
    "command": pgettext_lazy("access log", "command"),
    "day": pgettext_lazy("access log", "day"),
    "factor": pgettext_lazy("access log", "with"),
    "fields": pgettext_lazy("access log", "fields"),
    "id": pgettext_lazy("access log", "number"),
    "last_line": pgettext_lazy("access log", "the log ended with line"),
    "lost_line": pgettext_lazy("access log", "lost up to line, at least"),
    "machine": pgettext_lazy("access log", "machine"),
    "notes": pgettext_lazy("access log", "notes"),
    "notice": pgettext_lazy("access log", "notice"),
    "of": pgettext_lazy("access log", "of"),
    "package": pgettext_lazy("access log", "package"),
    "people": pgettext_lazy("access log", "people"),
    "period": pgettext_lazy("access log", "period"),
    "plans": pgettext_lazy("access log", "plans"),
    "region": pgettext_lazy("access log", "region"),
    "roles": pgettext_lazy("access log", "roles"),
    "samples": pgettext_lazy("access log", "with every second"),
    "session": pgettext_lazy("access log", "session"),
    "sessions": pgettext_lazy("access log", "sessions"),
    "span": pgettext_lazy("access log", "from the backup to the restore"),
    "strong": pgettext_lazy("access log", "with two factors"),
    "version": pgettext_lazy("access log", "version"),
    "where": pgettext_lazy("access log", "where"),
}
FACTORS: Mapping[str, Word] = {
    "totp": pgettext_lazy("access log", "one-time code"),
    "spare": pgettext_lazy("access log", "spare code"),
}
KINDS: Mapping[str, Word] = {
    "protocol": pgettext_lazy("access log", "protocol"),
    "group": pgettext_lazy("access log", "group"),
}
ROLES: Mapping[str, Word] = dict(Role.choices)
CODES: Mapping[str, Mapping[str, Word]] = {
    "command": COMMAND,
    "notice": NOTICE,
    "factor": FACTORS,
    "by": KINDS,
    "roles": ROLES,
    "before": ROLES,
    "after": ROLES,
}
"""Which words a heading's codes have. `before` and `after` may be pseudonyms too, which stay as they are."""


def details(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Each heading with its value; what was empty is left out."""
    if not isinstance(entry.detail, dict):
        return ()
    told = ((name, value) for name, value in entry.detail.items() if value not in ("", None, []))
    return tuple((str(HEADINGS.get(name, name)), _value(name, value)) for name, value in told)


def _value(name: str, value: object) -> str:
    match value:
        case bool():
            return _("yes") if value else _("no")
        case list():
            return ", ".join(_value(name, one) for one in value)
        case str() if name in ("day", "period"):
            return _days(value)
        case str() if name == "fields":
            return _field(value)
        case _:
            return str(CODES.get(name, {}).get(str(value), value))


def _days(text: str) -> str:
    """Return a day, or from one to another; a month or quarter («2026-10», «2026-Q3») as it stands."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d( – \d{4}-\d\d-\d\d)?", text) is None:
        return text
    return " – ".join(date_format(date.fromisoformat(one), "SHORT_DATE_FORMAT") for one in text.split(" – "))


def _field(name: str) -> str:
    """Return a field of a plan or of a participant, as the pages call it."""
    if name in NAMES:
        return str(NAMES[name])
    known = {one.name: str(one.verbose_name) for one in Participant._meta.concrete_fields}  # noqa: SLF001 - Django's own door to a model's fields
    return known.get(name, name)
