import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import ChunkError, WireError
from sync.wire.chunks import HEAD_BYTES as PART_HEAD
from sync.wire.chunks import Chunk, cut, is_part, join, read_part
from sync.wire.envelope import MOST_CONTENT_BYTES, Unreadable, beginning, digest_of, seal, unseal


@given(st.binary(max_size=5000))
def test_what_is_sealed_comes_out_as_it_went_in(content: bytes) -> None:
    assert unseal(seal(content)) == content


@given(st.binary(max_size=300), st.data())
def test_a_flipped_bit_is_always_found_and_the_bytes_are_kept(content: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(content))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    read = unseal(bytes(sealed))
    assert isinstance(read, Unreadable)
    assert read.kept == bytes(sealed)


@given(st.binary(max_size=400))
def test_whatever_comes_is_read_or_kept_and_never_raises(payload: bytes) -> None:
    for read in (unseal(payload), read_part(payload), unseal(b"IC" + payload), read_part(b"IP\x01\x00" + payload)):
        assert not isinstance(read, Unreadable) or read.reason


@given(st.binary(max_size=5000), st.integers(1, 6000))
def test_the_beginning_is_the_contents_own(content: bytes, most: int) -> None:
    assert beginning(seal(content), most) == content[:most]


def test_an_unknown_newer_envelope_is_kept_and_reported() -> None:
    newer = b"IC\x02" + seal(b"x")[3:]
    read = unseal(newer)
    assert (read.kept, read.why) == (newer, "newer") if isinstance(read, Unreadable) else False


def test_a_few_hostile_kilobytes_are_not_unpacked_into_gigabytes() -> None:
    head, body = b"IC\x01\x01", zlib.compress(bytes(MOST_CONTENT_BYTES + 1))
    bomb = head + digest_of(head, body) + body
    assert beginning(bomb, 10) == bytes(10)
    read = unseal(bomb)
    assert isinstance(read, Unreadable)
    assert read.why == "too_large"


def test_what_is_larger_than_any_session_is_not_sealed() -> None:
    with pytest.raises(WireError):
        seal(bytes(MOST_CONTENT_BYTES + 1))


@given(st.integers(1, 20_000), st.integers(600, 4000), st.randoms(use_true_random=False))
def test_parts_in_any_order_some_twice_make_up_the_whole(size: int, most: int, chance: random.Random) -> None:
    sealed = chance.randbytes(size)
    payloads = list(cut(sealed, most))
    assert max(map(len, payloads)) <= most
    if len(payloads) == 1:
        assert payloads == [sealed]
        return
    payloads += chance.sample(payloads, 1)
    chance.shuffle(payloads)
    parts = [read_part(payload) for payload in payloads]
    assert all(is_part(payload) for payload in payloads)
    assert join(part for part in parts if isinstance(part, Chunk)) == sealed


def test_a_missing_a_foreign_or_a_damaged_part_makes_nothing_up() -> None:
    first = [part for part in map(read_part, cut(bytes(5000), 1000)) if isinstance(part, Chunk)]
    other = [part for part in map(read_part, cut(bytes(5001), 1000)) if isinstance(part, Chunk)]
    damaged = read_part(cut(bytes(5000), 1000)[0][:-1] + b"x")
    assert isinstance(damaged, Chunk)
    for parts in ([], first[1:], [other[0], *first[1:]], [damaged, *first[1:]]):
        with pytest.raises(ChunkError):
            join(parts)


def test_messages_too_small_to_carry_anything_are_refused() -> None:
    with pytest.raises(ChunkError):
        cut(bytes(10_000), PART_HEAD + 10)
