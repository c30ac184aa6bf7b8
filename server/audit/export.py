"""The access log as a file, for whoever must answer for it: CSV or JSON lines, in order, with the chain's hashes."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from pathlib import Path

from django.db.models import QuerySet
from django.utils import timezone

from server.accounts.models import Clinic
from server.audit.models import Entry
from server.errors import ServerError

COLUMNS = (
    "number", "at", "account", "role", "clinic", "participant", "action", "detail", "previous_sha256", "sha256",
    "seal",
)  # fmt: skip


def chosen(clinic: str = "", since: date | None = None, until: date | None = None) -> QuerySet[Entry]:
    """Return the lines of a clinic, or all, from and to these days, both included.

    A day is the clinic's own, as on its page of the log; without a clinic it is one of the server's default zone.
    """
    found = Entry.objects.order_by("number")
    known = Clinic.objects.filter(code=clinic).first() if clinic else None
    zone = timezone.get_default_timezone() if known is None else known.zone
    if clinic:
        found = found.filter(clinic=clinic)
    if since:
        found = found.filter(at__gte=datetime.combine(since, time.min, zone))
    if until:
        found = found.filter(at__lt=datetime.combine(until + timedelta(days=1), time.min, zone))
    return found


def json_lines(found: QuerySet[Entry]) -> Iterator[str]:
    """One JSON object a line."""
    for one in found.iterator():
        yield json.dumps(_to_json_row(one), ensure_ascii=False)


def csv_lines(found: QuerySet[Entry]) -> Iterator[str]:
    """CSV (RFC 4180) with a heading; `detail` as JSON."""
    yield _row(COLUMNS)
    for one in found.iterator():
        told = _to_json_row(one)
        detail = json.dumps(told["detail"], ensure_ascii=False, sort_keys=True)
        yield _row([detail if name == "detail" else harmless(told[name]) for name in COLUMNS])


def describe_end() -> str:
    """Return a sentence with the number and hash of the log's last line, to be kept with the export."""
    last = Entry.objects.order_by("number").last()
    return "The log is empty." if last is None else f"The log ends with line {last.number}, SHA-256 {last.sha256}."


def read_hashes(file: Path) -> dict[int, str]:
    """Return the hash of each line of an export (JSON lines or CSV), by number. Raise ServerError where it is none."""
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            first = lines.read(1)
            lines.seek(0)
            rows = map(json.loads, filter(str.strip, lines)) if first == "{" else csv.DictReader(lines)
            found = {int(one["number"]): str(one["sha256"]) for one in rows}
    except OSError as error:
        raise ServerError(f"{file}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise ServerError(f"{file}: is no export of the access log. Name a file that «audit export» wrote.") from error
    if not found:
        raise ServerError(f"{file}: holds no line of the access log, so nothing can be compared with it.")
    return found


def _to_json_row(one: Entry) -> dict[str, object]:
    at = one.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {name: at if name == "at" else getattr(one, name) for name in COLUMNS}


def harmless(value: object) -> object:
    """Put an apostrophe before a text that a spreadsheet would take for a formula (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _row(values: object) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(values)  # type: ignore[arg-type] # any row
    return line.getvalue()
