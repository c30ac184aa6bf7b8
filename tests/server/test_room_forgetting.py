"""The live room's memory is forgotten after the time that the clinic has set."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from server.accounts.models import Clinic
from server.live.models import Acknowledgement, GivenCommand, RaisedNotice
from server.live.outbox_publisher import Publisher
from server.live.retention import forget_old
from server.models import CommandOutcome

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def remember(clinic: Clinic, name: str, at: datetime) -> None:
    RaisedNotice.objects.create(
        clinic=clinic, machine=name, participant="p-1", code="no_answer", level="attention", since_s=1.0, heard_at=at
    )
    seen = Acknowledgement.objects.create(clinic=clinic, machine=name, code="no_answer", since_s=1.0)
    Acknowledgement.objects.filter(pk=seen.pk).update(at=at)
    GivenCommand.objects.create(
        clinic=clinic, machine=name, participant="p-1", command_id="c", action={}, made_at=at, expires_at=at
    )
    CommandOutcome.objects.create(
        clinic=clinic.code, machine=name, command_id="c", outcome="done", heard_wall_s=at.timestamp()
    )


def machines() -> list[set[str]]:
    models = (RaisedNotice, Acknowledgement, GivenCommand, CommandOutcome)
    return [set(one.objects.values_list("machine", flat=True)) for one in models]  # type: ignore[attr-defined]


def test_what_is_older_than_the_setting_is_forgotten_and_the_rest_stays() -> None:
    clinic = Clinic.objects.create(code="trondheim", name="Trondheim")
    kept = timedelta(days=settings.ROOM_KEPT_DAYS)
    remember(clinic, "old", NOW - kept - timedelta(seconds=1))
    remember(clinic, "young", NOW - kept)
    assert forget_old(NOW) == 4
    assert machines() == [{"young"}] * 4


def test_a_web_worker_forgets_by_itself() -> None:
    clinic = Clinic.objects.create(code="trondheim", name="Trondheim")
    remember(clinic, "old", datetime.now(UTC) - timedelta(days=settings.ROOM_KEPT_DAYS + 1))
    assert Publisher("web-1", lambda _topic, _payload: None).publish_waiting()
    assert machines() == [set()] * 4
