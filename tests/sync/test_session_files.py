"""Files of a session made at the machine from its journal, and on the server from the delivery, are the same files.

Except that each names the recording machine in its own way: the machine by its computer's id, the server by its name.
"""

import msgspec
import pytest

from coach.model.messages import AnyMessage, HeartRate
from firmware.commands.export_csv import export_csv
from firmware.commands.export_fit import export_fit
from firmware.journal.timeline import track_of as track_of_journal
from firmware.system.version import own_version
from sync.export.csv import csv_of
from sync.export.fit import SessionFacts, fit_of, strap_of
from sync.export.timeline import track_of
from sync.wire.sample_columns import samples_of
from tests.support.broker.delivery_factory import delivery
from tests.support.machine.session_factory import BEGUN, record


def as_sent(message: AnyMessage) -> AnyMessage:
    """With beats in 1/1024 s, as every strap sends them."""
    if not isinstance(message, HeartRate):
        return message
    return msgspec.structs.replace(message, rr_ms=tuple(round(rr * 1.024) / 1.024 for rr in message.rr_ms))


WHOLE = msgspec.structs.replace(record(), messages=tuple(as_sent(one) for one in record().messages))
DELIVERED = msgspec.structs.replace(
    delivery(1, seed=0),
    session_id=WHOLE.session_id,
    protocol=WHOLE.protocol,
    plan=WHOLE.plan,
    events=WHOLE.events,
    samples=samples_of(WHOLE.messages, WHOLE.events),
)


def test_a_delivered_session_has_the_track_of_the_machines_own() -> None:
    told, kept = track_of(DELIVERED), track_of_journal(WHOLE)
    beats = [rr for one in kept.rates for rr in one.rr_ms]
    assert [(one.t, one.bpm) for one in told.rates] == [(one.t, one.bpm) for one in kept.rates]
    assert [rr for one in told.rates for rr in one.rr_ms] == pytest.approx(beats)
    assert msgspec.structs.replace(told, rates=()) == msgspec.structs.replace(kept, rates=())


def test_its_csv_is_the_machines_own_byte_for_byte() -> None:
    assert csv_of(track_of(DELIVERED)) == export_csv(WHOLE)


def test_its_fit_file_is_the_machines_own_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = SessionFacts(
        plan=DELIVERED.plan,
        protocol=DELIVERED.protocol,
        summary=WHOLE.summary,
        machine="trondheim/molle-1",
        strap=strap_of(DELIVERED.events),
        software=own_version(),
    )
    monkeypatch.setattr("firmware.commands.export_fit._machine", lambda: "trondheim/molle-1")
    assert fit_of(track_of(DELIVERED), WHOLE.session_id, BEGUN.wall_s, facts=facts) == export_fit(WHOLE)
