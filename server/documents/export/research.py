"""Releases for research: new rows drawn from the consenting people's sessions, one release for each question.

- A row belongs to no person (`server.documents.export.synthesis`), so rows of two releases cannot be matched.
- A question has one release, which the register keeps with its file: who asks again gets the same file.
- A clinic takes part in at most `MOST_A_YEAR` releases a year: the mean of many tells more than one of them.
- The course of the rate is a mean over at least five people, weighted at random for each release.

`benchmarks/bench_research.py` measures what ties two releases together, and to people.
"""

import hashlib
import json
import secrets
from base64 import b32encode
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import numpy as np
from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.selectors import one_session
from server.documents.errors import PaperError
from server.documents.export.archive import zipped
from server.documents.export.research_fields import (
    FIELDS,
    ROWS,
    ResearchField,
    ResearchSession,
    ResearchSource,
    read_source,
    source_columns,
)
from server.documents.export.session_files import track
from server.documents.export.synthesis import MIN_PEOPLE, Cell, mean_courses, synthesise
from server.documents.export.tables import as_csv
from server.documents.models import ResearchRelease
from server.people.models import Participant
from sync.export.timeline import seconds_of

ACTION = "papers.research_export"
MOST_A_YEAR = 12
CURVE_STEP_S = 15
CURVE = "curve"
_ID_COLUMN = ("study_id", "text", "", "")


def release(
    clinics: Sequence[Clinic], account: Account, *, question: str, fields: Sequence[str], curve: bool = False
) -> ResearchRelease:
    """Make the release of a question, and enter it into the register. Raises PaperError, and then nothing is kept."""
    now = timezone.now()
    wanted = [one for one in FIELDS if one.key in fields]
    key = _question_key(question)
    with transaction.atomic():
        # Two who ask at once: the clinics' rows are locked where the database can.
        list(Clinic.objects.select_for_update().filter(pk__in=[one.pk for one in clinics]).order_by("pk"))
        _require_new(clinics, key, now)
        source = read_source(clinics, now)
        if len(source.people) < MIN_PEOPLE:
            raise PaperError(
                _("Fewer than %(k)s people here have consented to research and trained since, so nothing is released.")
                % {"k": MIN_PEOPLE}
            )
        salt = secrets.token_bytes(32)
        with zipped(draw_files(source, wanted, salt, curve=curve)) as archive:
            content = archive.read()
        cells = source.cells
        made = ResearchRelease.objects.create(
            question=question,
            question_key=key,
            fields=[one.key for one in wanted] + ([CURVE] if curve else []),
            people=len(source.people),
            sessions=len(source.sessions),
            left_out=source.left_out,
            cells=len(cells),
            smallest_cell=min(cells.values()),
            salt=salt.hex(),
            made_by=account,
            made_by_name=account.get_username(),
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )
        made.clinics.set(clinics)
        for clinic in clinics:
            record(
                account, ACTION, clinic=clinic, may=Permission.EXPORT_RESEARCH, people=made.people,
                sessions=made.sessions, id=made.pk,
            )  # fmt: skip
    return made


def draw_files(
    source: ResearchSource, fields: Sequence[ResearchField], salt: bytes, *, curve: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield a release's files. The same salt and source give the same release."""
    chance = np.random.default_rng(list(salt))
    yield "dictionary.md", dictionary_markdown(fields, source, curve=curve).encode()
    yield "dictionary.json", json.dumps(dictionary(fields, curve=curve), ensure_ascii=False, indent=2).encode() + b"\n"
    for table in ROWS:
        chosen = [one for one in fields if one.table == table]
        owner, columns = source_columns(source, table, chosen)
        if not chosen or len(set(owner)) < MIN_PEOPLE:
            continue
        drawn_owner, drawn = synthesise(owner, columns, chance)
        ids = [f"s-{b32encode(chance.bytes(8))[:12].decode().lower()}" for _person in range(max(drawn_owner) + 1)]
        rows = list(zip((ids[one] for one in drawn_owner), *drawn.values(), strict=True))
        week = 1 + [one.name for one in chosen].index("week") if any(one.name == "week" for one in chosen) else None
        rows.sort(key=lambda row: (str(row[0]), 0 if week is None else row[week] or 0))
        kinds = [_ID_COLUMN, *((one.name, one.kind, one.unit, str(one.meaning)) for one in chosen)]
        yield from _both(table, kinds, rows)
    if curve:
        yield from _both(CURVE, _curve_columns(), list(mean_courses(_rates(source.sessions), chance)))


def _require_new(clinics: Sequence[Clinic], key: str, now: datetime) -> None:
    """Raise PaperError where the question has its release already, or a clinic has had too many."""
    there = ResearchRelease.objects.filter(question_key=key, clinics__in=clinics).order_by("made_at").first()
    if there is not None:
        raise PaperError(
            _("This question had its release on %(day)s. Get the same file from the register below.")
            % {"day": date_format(timezone.localtime(there.made_at), "SHORT_DATE_FORMAT")}
        )
    for clinic in clinics:
        lately = ResearchRelease.objects.filter(clinics=clinic, made_at__gt=now - timedelta(days=365))
        if lately.count() >= MOST_A_YEAR:
            raise PaperError(
                _("%(clinic)s has taken part in %(most)s releases within a year, which is the most. Use one of them.")
                % {"clinic": clinic.name, "most": MOST_A_YEAR}
            )


def _question_key(question: str) -> str:
    """Return what two wordings of a question have in common: letters and digits, whatever their case."""
    return hashlib.sha256("".join(one for one in question.casefold() if one.isalnum()).encode()).hexdigest()


def _rates(sessions: Sequence[ResearchSession]) -> Iterator[tuple[str, int, int, float]]:
    for one in sessions:
        try:
            seconds = list(seconds_of(track(one_session(one.entry))))
        except DatabaseError:
            raise
        except Exception:  # noqa: BLE001, S112 - a session whose raw data is gone or cannot be read has no course
            continue
        for second in seconds:
            if second.t_s % CURVE_STEP_S == 0 and second.hr_bpm is not None:
                yield one.entry.protocol, one.person.key, int(second.t_s), float(second.hr_bpm)


def _curve_columns() -> list[tuple[str, str, str, str]]:
    return [
        ("protocol", "text", "", _("the protocol's name")),
        ("t_s", "whole", "s", _("time since the session's beginning")),
        ("mean_bpm", "whole", "1/min", _("mean heart rate over people, each by their own mean")),
        ("sd_bpm", "whole", "1/min", _("standard deviation between people")),
    ]


def _both(
    name: str, columns: Sequence[tuple[str, str, str, str]], rows: Sequence[Sequence[Cell]]
) -> Iterator[tuple[str, bytes]]:
    import pyarrow as pa  # noqa: PLC0415 - large, and only an export needs it
    import pyarrow.parquet as pq  # noqa: PLC0415 - as above

    kinds = {"text": pa.string(), "whole": pa.int32(), "number": pa.float64(), "truth": pa.bool_()}
    names = [one[0] for one in columns]
    yield f"{name}.csv", as_csv(names, rows, mark=False)
    schema = pa.schema(
        [
            pa.field(column, kinds[kind], metadata={"unit": unit, "meaning": meaning or _id_meaning()})
            for column, kind, unit, meaning in columns
        ]
    )
    out = BytesIO()
    made = {column: [row[at] for row in rows] for at, column in enumerate(names)}
    pq.write_table(pa.table(made, schema=schema), out, compression="zstd")
    yield f"{name}.parquet", out.getvalue()


def _id_meaning() -> str:
    return _("pseudonym of a drawn person, who is no participant")


def dictionary(fields: Sequence[ResearchField], *, curve: bool) -> list[dict[str, Any]]:
    """Return the data dictionary, for programs and for the page."""
    tables = []
    for table, row in ROWS.items():
        chosen = [one for one in fields if one.table == table]
        if chosen:
            columns: list[dict[str, Any]] = [
                {"name": "study_id", "kind": "text", "unit": "", "step": None, "meaning": _id_meaning()}
            ]
            columns += [
                {
                    "name": one.name,
                    "kind": one.kind,
                    "unit": one.unit,
                    "step": one.step or None,
                    "meaning": str(one.meaning),
                }
                for one in chosen
            ]
            tables.append({"table": table, "row": str(row), "columns": columns})
    if curve:
        columns = [
            {"name": name, "kind": kind, "unit": unit, "step": None, "meaning": meaning}
            for name, kind, unit, meaning in _curve_columns()
        ]
        tables.append({"table": CURVE, "row": _("a moment of a protocol, as a mean over people"), "columns": columns})
    return tables


def dictionary_markdown(fields: Sequence[ResearchField], source: ResearchSource, *, curve: bool) -> str:
    """Return the data dictionary, for people, with what was done so that nobody is known again."""
    coarse = sum(1 for one in source.people if not one.age_band or not one.sex)
    lines = [
        "# " + _("Data dictionary"),
        "",
        _("Drawn from participants whose consent to research holds now, and from their sessions since that consent."),
        _("No row is a participant's: each is drawn from a model of all (Gaussian copula, between and within people)."),
        _("Distributions of columns and correlations are kept; extremes and single people's courses are not."),
        _("Two releases have no rows in common, and cannot be tied together by them."),
        _("Nothing is shown about fewer than %(k)s people; numbers are rounded as the step says.") % {"k": MIN_PEOPLE},
        _("Each table is drawn on its own, with people of its own, and cannot be joined with the others."),
        _("Clinics of fewer than %(k)s people are one site. HRmax from a formula is left out, since it gives the age.")
        % {"k": MIN_PEOPLE},
        _("There are no dates: weeks count from a person's first session."),
        _("Sex and age are left out where fewer than %(k)s people of a clinic share them: for %(coarse)s of %(of)s.")
        % {"k": MIN_PEOPLE, "coarse": coarse, "of": len(source.people)},
    ]
    if source.left_out:
        lines.append(left_out_words(source.left_out))
    for table in dictionary(fields, curve=curve):
        lines += [
            "",
            f"## {table['table']}",
            "",
            _("A row is %(what)s.") % {"what": table["row"]},
            "",
            "| " + " | ".join((_("column"), _("kind"), _("unit"), _("step"), _("meaning"))) + " |",
            "|---|---|---|---|---|",
            *(
                f"| `{one['name']}` | {one['kind']} | {one['unit']} | {one['step'] or ''} | {one['meaning']} |"
                for one in table["columns"]
            ),
        ]
    return "\n".join(lines) + "\n"


def left_out_words(count: int) -> str:
    """Return how many sessions a release leaves out, in a sentence."""
    return ngettext(
        "%(count)d session left out, for its data cannot be read.",
        "%(count)d sessions left out, for their data cannot be read.",
        count,
    ) % {"count": count}


def consenting(clinics: Sequence[Clinic]) -> int:
    """Return how many people a release of these clinics would be drawn from now."""
    now = timezone.now()
    return (
        Participant.objects.filter(clinic__in=clinics, research_consent_at__lte=now, entries__isnull=False)
        .distinct()
        .count()
    )
