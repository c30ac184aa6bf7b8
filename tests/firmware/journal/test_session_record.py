"""A session's canonical encoding: what goes in comes out, and any change is found."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage, HeartRate
from firmware.journal import record as form
from firmware.journal.errors import DamagedSessionError, UnreadableRecordError
from firmware.journal.record import SessionDocument, StampAt
from firmware.system.session_id import new_session_id
from firmware.system.timestamps import SystemStampClock, Timestamp
from tests.support.machine.session_factory import events, messages, plan, protocol, record

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
st.register_type_strategy(float, NUMBERS)
ANY_MESSAGE = st.one_of([st.from_type(kind) for kind in get_args(AnyMessage)])
ANY_EVENT = st.one_of([st.from_type(kind) for kind in get_args(AnyEvent)])


@settings(max_examples=150, deadline=None)
@given(st.lists(ANY_MESSAGE, max_size=4), st.lists(ANY_EVENT, max_size=4))
def test_any_message_and_event_reads_back_the_same(messages: list[AnyMessage], events: list[AnyEvent]) -> None:
    encoded = form.encode_batch(tuple(messages), tuple(events))
    assert form.decode_batch(encoded) == form.Batch(tuple(messages), tuple(events))


@given(st.sampled_from([float("nan"), float("inf"), float("-inf")]))
def test_a_number_that_is_none_is_refused(number: float) -> None:
    with pytest.raises(UnreadableRecordError):
        form.encode_batch((HeartRate(1.0, number),), ())


def document() -> SessionDocument:
    whole = record()
    return SessionDocument(**{name: getattr(whole, name) for name in SessionDocument.__struct_fields__})


def test_a_document_reads_back_the_same_and_encodes_to_the_same_bytes() -> None:
    encoded = form.encode_document(document())
    again = form.decode_document(encoded)
    assert (again, form.encode_document(again)) == (document(), encoded)


@given(st.integers(min_value=0), st.integers(0, 7))
def test_any_flipped_bit_of_a_stored_document_is_found(place: int, bit: int) -> None:
    small = replace(document(), messages=messages()[:20], events=events()[:5])
    encoded = form.encode_document(small)
    packed = bytearray(form.pack(encoded))
    packed[place % len(packed)] ^= 1 << bit
    try:
        assert form.unpack(bytes(packed), form.sha256_of(encoded)) == encoded
    except DamagedSessionError as error:
        assert "damaged" in str(error)  # noqa: PT017 - a flipped bit of the packing itself may change nothing


def test_a_document_that_is_none_is_refused() -> None:
    with pytest.raises(DamagedSessionError, match="not a session's document"):
        form.decode_document(b'{"session_id": 7}')


def test_plan_and_protocol_read_back_the_same() -> None:
    assert form.decode_head(form.encode_head(plan(), protocol())) == form.SessionHead(plan(), protocol())


def stamp(monotonic_s: float, wall_s: float, *, synchronised: bool = False) -> Timestamp:
    return Timestamp("boot-1", monotonic_s, wall_s, synchronised)


def test_only_the_stamps_are_kept_at_which_a_clock_did_something() -> None:
    steady = [StampAt(float(t), stamp(t, 1000.0 + t)) for t in range(5)]
    stepped = [StampAt(float(t), stamp(t, 5000.0 + t)) for t in range(5, 9)]
    set_now = [StampAt(9.0, stamp(9.0, 5009.0, synchronised=True))]
    kept = form.telling_stamps([*steady, *stepped, *set_now])
    assert kept == (steady[0], stepped[0], set_now[0])


def test_a_repair_gives_the_wall_time_that_the_later_clock_tells() -> None:
    early, later = stamp(10.0, 77.0), stamp(110.0, 2_000_100.0, synchronised=True)
    assert early.repaired_by(later) == Timestamp("boot-1", 10.0, 2_000_000.0, synchronised=False, repaired=True)


@pytest.mark.parametrize("later", [stamp(110.0, 1.0), Timestamp("boot-2", 110.0, 1.0, synchronised=True)])
def test_a_clock_that_knows_no_better_repairs_nothing(later: Timestamp) -> None:
    assert stamp(10.0, 77.0).repaired_by(later) == stamp(10.0, 77.0)


def test_this_machines_clock_stamps_boot_and_growing_time() -> None:
    clock = SystemStampClock()
    first, second = clock.now(), clock.now()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert (first.boot_id, second.boot_id, second.monotonic_s >= first.monotonic_s) == (boot_id, boot_id, True)


def test_a_session_id_is_a_uuid_version_7_of_its_time() -> None:
    assert new_session_id(1_645_557_742.0, lambda count: b"\x00" * count) == "017f22e2-79b0-7000-8000-000000000000"


@given(st.floats(0, 4e9), st.floats(0, 4e9))
def test_session_ids_sort_by_the_time_they_were_made(one: float, other: float) -> None:
    earlier, later = sorted((one, other))
    chance = lambda count: b"\x7f" * count  # noqa: E731 - one expression
    assert new_session_id(earlier, chance) <= new_session_id(later, chance)


def test_a_clock_before_1970_still_gives_an_id() -> None:
    assert new_session_id(-5.0).startswith("00000000-0000-7")
