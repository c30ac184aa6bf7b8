import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coach.model.events import AdviceGiven, Predicted, Signal, SignalChanged, TreadmillChanged
from coach.model.messages import HeartRate, Time
from firmware.journal.record import decode_document
from sync.delivery.interface import SealedSession
from sync.delivery.serializer import Sender, pack
from sync.errors import WireError
from sync.wire.codec import encode
from sync.wire.messages import Foretold, Samples
from sync.wire.sample_columns import RR_PER_S, rows, samples_of
from tests.support.broker.courier_machine import SOFTWARE, parcel

SENDER = Sender("oslo", "pi-1", SOFTWARE)


def test_a_delivery_names_who_sends_it_and_whose_it_is_by_pseudonym_alone() -> None:
    one = parcel(1)
    delivery = pack(one, SENDER)
    assert (delivery.clinic, delivery.machine, delivery.participant) == ("oslo", "pi-1", "p1")
    assert (delivery.session_id, delivery.revision, delivery.sha256) == (one.session_id, 1, one.sha256)
    assert b"Ola" in one.document
    assert b"Ola" not in encode(delivery)


def test_everything_that_the_journal_has_is_in_the_delivery() -> None:
    one = parcel(1)
    document = decode_document(one.document)
    delivery = pack(one, SENDER)
    assert delivery.plan == replace(document.plan, nickname=None)
    assert (delivery.protocol, delivery.events, delivery.summary) == (
        document.protocol,
        document.events,
        document.summary,
    )
    told = [message for message in document.messages if not isinstance(message, HeartRate | Time)]
    assert list(delivery.inputs) == told
    assert [at.clocks.wall_s for at in delivery.clocks] == [
        document.begun.wall_s,
        *(at.stamp.wall_s for at in document.stamps),
    ]


def test_rows_tell_each_rate_with_its_beats_and_what_held_then() -> None:
    document = decode_document(parcel(1).document)
    rates = [message for message in document.messages if isinstance(message, HeartRate)]
    opened = list(rows(pack(parcel(1), SENDER).samples))
    seen = [row for row in opened if row.rate_bpm is not None]
    assert [row.t for row in seen] == pytest.approx([rate.t for rate in rates], abs=0.0005)
    assert [row.rate_bpm for row in seen] == [rate.bpm for rate in rates]
    beats = [rr for row in seen for rr in row.rr_ms]
    assert beats == pytest.approx([rr for rate in rates for rr in rate.rr_ms], abs=500 / RR_PER_S)
    for row in opened:
        before = [event for event in document.events if event.t <= row.t]
        signals = [event.signal for event in before if isinstance(event, SignalChanged)]
        speeds = [event.speed_kmh for event in before if isinstance(event, TreadmillChanged)]
        advice = [event.advice.direction for event in before if isinstance(event, AdviceGiven)]
        assert row.signal == (signals[-1] if signals else Signal.LOST)
        assert row.speed_kmh == (speeds[-1] if speeds else None)
        assert row.advice.direction == (advice[-1] if advice else "none")


def test_seconds_in_which_the_strap_was_silent_have_rows_without_a_rate() -> None:
    opened = list(rows(pack(parcel(1), SENDER).samples))
    silent = [row.t for row in opened if row.rate_bpm is None]
    assert silent == [float(second) for second in range(1500, 1540)]
    assert max(b.t - a.t for a, b in pairwise(opened)) <= 1.5


def test_the_quality_says_how_good_the_recording_is() -> None:
    quality = pack(parcel(1), SENDER).quality
    assert (quality.longest_silence_s, quality.live_fraction, quality.clock_trusted) == (41.0, 0.98, True)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0.001, 5), st.floats(0, 250), st.lists(st.floats(200, 2000), max_size=4)), max_size=40)
)
def test_columns_open_out_to_what_was_put_in(beats: list[tuple[float, float, list[float]]]) -> None:
    t, messages = 0.0, []
    for gap_s, bpm, rr in beats:
        t += gap_s
        messages.append(HeartRate(t, bpm, tuple(rr)))
    opened = [row for row in rows(samples_of(messages, ())) if row.rate_bpm is not None]
    assert [row.rate_bpm for row in opened] == [message.bpm for message in messages if message.bpm > 0]


@pytest.mark.parametrize(
    "samples",
    [
        Samples(step_ms=(1,)),
        Samples(step_ms=(1,), rate_bpm=(60,), rr_count=(1,), rr_1024=()),
        Samples(step_ms=(1,), rate_bpm=(60,), rr_count=(0,), contact=((2, None),)),
        Samples(step_ms=(1,), rate_bpm=(60,), rr_count=(0,), contact=((2, None), (-1, None))),
    ],
)
def test_columns_of_different_lengths_are_refused(samples: Samples) -> None:
    with pytest.raises(WireError):
        list(rows(samples))


@pytest.mark.parametrize(
    "document",
    [b"", b"{}", b"\xff", parcel(2).document, parcel(1).document.replace(b'"format":1', b'"format":2')],
)
def test_a_document_that_is_damaged_newer_or_anothers_is_refused(document: bytes) -> None:
    one = parcel(1)
    with pytest.raises(WireError):
        pack(SealedSession(one.session_id, 1, hashlib.sha256(document).hexdigest(), document), SENDER)


def test_what_was_foretold_stands_beside_the_rate_that_came() -> None:
    messages = tuple(HeartRate(float(second), 150.0) for second in range(1, 40))
    events = (Predicted(10.0, 160.0, 165.0, 158.0, 172.0), Predicted(20.0, None, 166.0, 160.0, 171.0), Predicted(30.0))
    told = [row.prediction for row in rows(samples_of(messages, events))]
    assert told == [
        *[None] * 9,
        *[Foretold(160.0, 165.0, 158.0, 172.0)] * 10,
        *[Foretold(None, 166.0, 160.0, 171.0)] * 10,
        *[None] * 10,
    ]
