from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.delivery.serializer import Sender, pack
from sync.wire.chunks import WHOLE_UP_TO_BYTES
from sync.wire.codec import encode, encode_session, read, read_session
from sync.wire.envelope import Unreadable, seal, unseal
from sync.wire.messages import Command, Receipt, SessionDelivery, State
from tests.support.broker.courier_machine import SOFTWARE, parcel

FORMAT_1 = Path(__file__).parent / "format-1.session"
"""A session as the first release sent it: it must be readable for ever."""

KINDS = [Receipt, Command, State, SessionDelivery]


def test_a_session_is_read_back_as_it_was_sent_and_a_normal_one_is_one_small_message() -> None:
    delivery = pack(parcel(1), Sender("oslo", "pi-1", SOFTWARE))
    sealed = encode_session(delivery)
    assert read_session(sealed) == delivery
    assert len(sealed) <= WHOLE_UP_TO_BYTES


def test_a_session_of_the_first_format_is_still_read() -> None:
    read_back = read_session(FORMAT_1.read_bytes())
    assert isinstance(read_back, SessionDelivery)
    content = unseal(FORMAT_1.read_bytes())
    assert isinstance(content, bytes)
    tree = msgspec.json.decode(content)
    assert (read_back.session_id, read_back.sha256, len(read_back.samples.step_ms), len(read_back.events)) == (
        tree["session_id"],
        tree["sha256"],
        len(tree["samples"]["step_ms"]),
        len(tree["events"]),
    )


def test_an_older_format_is_brought_up_step_by_step() -> None:
    upgrades = {
        1: lambda tree: {**tree, "format": 2, "sha256": tree["hash"]},
        2: lambda tree: {**tree, "format": 3, "stored_at_wall_s": tree["stored_at_wall_s"] / 1000},
    }
    older = b'{"format":1,"session_id":"s","revision":1,"hash":"aa","stored_at_wall_s":5000}'
    read_back = read(older, Receipt, upgrades=upgrades)
    assert read_back == Receipt(format=3, session_id="s", revision=1, sha256="aa", stored_at_wall_s=5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_newer_format_is_kept_as_it_came_and_reported(kind: type[msgspec.Struct]) -> None:
    payload = b'{"format":2,"anything":["else"]}'
    read_back = read(payload, kind)
    assert isinstance(read_back, Unreadable)
    assert (read_back.kept, read_back.why) == (payload, "newer")


def test_a_newer_session_is_kept_in_its_envelope() -> None:
    payload = seal(b'{"format":99}')
    assert read_session(payload) == Unreadable(
        payload, "newer", "The message is format 99; this program reads up to 1."
    )


def test_a_field_that_is_not_known_yet_is_passed_over() -> None:
    receipt = Receipt(session_id="s", revision=1, sha256="aa", stored_at_wall_s=5.0)
    assert read(encode(receipt)[:-1] + b',"later":{"x":1}}', Receipt) == receipt


@given(st.binary(max_size=300), st.sampled_from(KINDS))
def test_whatever_comes_is_read_or_kept_and_never_raises(payload: bytes, kind: type[msgspec.Struct]) -> None:
    for given_bytes in (payload, b'{"format":1,' + payload + b"}"):
        read_back = read(given_bytes, kind)
        assert not isinstance(read_back, Unreadable) or read_back.kept == given_bytes


def test_deep_nesting_is_kept_and_does_not_end_the_program() -> None:
    payload = b'{"format":1,"session_id":' + b"[" * 100_000
    assert isinstance(read(payload, Receipt), Unreadable)
