"""What tests of papers and files share: sessions of p-1 as a machine sends them, and looking into what comes out."""

import io
import zipfile
from datetime import UTC, date, datetime, timedelta

import msgspec
from django.utils import timezone

from server.collector import parser, store
from server.diary.ingest import enter_waiting
from server.diary.models import DiaryEntry
from sync.wire.codec import encode_session
from sync.wire.messages import ClocksAt, SessionDelivery
from sync.wire.sample_columns import samples_of
from tests.server.web.conftest import Browser
from tests.support.broker.delivery_factory import delivery
from tests.support.machine import session_factory


def trained(
    number: int, *, participant: str = "p-1", day: date | None = None, clinic: str = "trondheim"
) -> SessionDelivery:
    """Session `number`, as a machine sends it."""
    made = delivery(number, clinic=clinic, seed=0)
    at = datetime(*(day or timezone.localdate()).timetuple()[:3], 10, tzinfo=UTC)
    replace = msgspec.structs.replace
    return replace(
        made,
        participant=participant,
        plan=replace(made.plan, participant=participant),
        summary=replace(made.summary, participant=participant),
        samples=samples_of(session_factory.messages(), session_factory.events()),
        clocks=(ClocksAt(0.0, replace(made.clocks[0].clocks, wall_s=at.timestamp())),),
    )


def keep(*deliveries: SessionDelivery) -> list[DiaryEntry]:
    """Store them, and enter them into the diary."""
    store.commit(
        [
            parser.arrival(f"ic/1/{one.clinic}/{one.machine}/session/{one.session_id}", encode_session(one))
            for one in deliveries
        ]
    )
    enter_waiting()
    return [DiaryEntry.objects.get(session_id=one.session_id) for one in deliveries]


def weeks(count: int, **more: str) -> list[DiaryEntry]:
    """So many sessions, one each other day, the last of them yesterday."""
    first = timezone.localdate() - timedelta(days=2 * count - 1)
    return keep(*(trained(at + 1, day=first + timedelta(days=2 * at), **more) for at in range(count)))


def fetched(browser: Browser, address: str) -> bytes:
    """What comes to be saved."""
    answer = browser.get(address)
    assert answer.status_code == 200, (answer.status_code, address)
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return answer.getvalue()


def unzipped(content: bytes) -> dict[str, bytes]:
    """A ZIP's files by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
