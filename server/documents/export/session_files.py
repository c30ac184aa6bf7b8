"""One session as files for other programs: FIT, CSV, JSON. What they hold is in docs/papers.md and docs/diary.md."""

from collections.abc import Iterator
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from server.diary.models import DiaryEntry
from server.diary.selectors import SessionDetail, one_session
from server.documents.errors import PaperError
from server.documents.export.tables import as_xlsx
from sync.errors import WireError
from sync.export.csv import COLUMNS, csv_of, values_of
from sync.export.timeline import Track, track_of

FORMAT = 1
"""Of the JSON file."""


def name_of(entry: DiaryEntry) -> str:
    """Return what a session's files are called: its day and the random end of its id; no name, no pseudonym.

    A UUID of version 7 begins with the clock: sessions of one minute share its first digits.
    """
    return f"{entry.begun_on.isoformat()}-{str(entry.session_id)[-12:]}"


def fit(session: SessionDetail) -> bytes:
    """Return a FIT activity. Raises PaperError where the raw data is not kept or cannot be read."""
    from sync.export.fit import SessionFacts, fit_of, strap_of  # noqa: PLC0415 - its encoder is large, seldom used

    entry, delivery = session.entry, session.delivery
    along = track(session)
    facts = None
    if delivery is not None:
        facts = SessionFacts(
            plan=delivery.plan,
            protocol=delivery.protocol,
            summary=session.summary,
            machine=f"{entry.clinic.code}/{entry.machine}",
            strap=strap_of(delivery.events),
            software=delivery.software.interval_coach,
        )
    return fit_of(along, str(entry.session_id), entry.begun_at.timestamp(), entry.clinic.zone, facts=facts)


def csv(session: SessionDetail) -> bytes:
    """Return a row for each second, with the columns of the machine's own export. Raises PaperError as `fit` does."""
    return csv_of(track(session))


def xlsx(session: SessionDetail) -> bytes:
    """Return the same rows as a workbook. Raises PaperError as `fit` does."""
    return as_xlsx(COLUMNS, values_of(track(session)))


def json(session: SessionDetail) -> bytes:
    """All that is kept: what it counts for, its summary, and the delivery where the raw data is kept."""
    return msgspec.json.format(msgspec.json.encode(session_to_json(session)), indent=2) + b"\n"


def session_to_json(session: SessionDetail) -> dict[str, Any]:
    """Return what the JSON file holds."""
    entry = session.entry
    return {
        "format": FORMAT,
        "session_id": str(entry.session_id),
        "revision": session.revision,
        "clinic": entry.clinic.code,
        "counted_for": entry.participant.pseudonym if entry.participant else None,
        "trained_as": entry.pseudonym,
        "begun_at": entry.begun_at.isoformat(),
        "clock_trusted": entry.clock_trusted,
        "flaw": session.flaw,
        "summary": msgspec.to_builtins(session.summary),
        "delivery": None if session.delivery is None else msgspec.to_builtins(session.delivery),
    }


def track(session: SessionDetail) -> Track:
    """Return the session along its time axis. Raises PaperError."""
    if session.delivery is None:
        raise PaperError(
            _("The raw data of this session is not kept any more, so this file cannot be made. The summary is kept.")
        )
    try:
        return track_of(session.delivery)
    except WireError as error:
        raise PaperError(
            _("The recording of this session is damaged, so this file cannot be made. The summary is kept.")
        ) from error


def all_files(entry: DiaryEntry) -> Iterator[tuple[str, bytes]]:
    """Every file that can be made of a session, each with its name; without raw data the summary alone."""
    session = one_session(entry)
    yield f"{name_of(entry)}.json", json(session)
    try:
        yield f"{name_of(entry)}.csv", csv(session)
        yield f"{name_of(entry)}.fit", fit(session)
    except PaperError:
        return
