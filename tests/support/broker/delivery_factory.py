"""Sessions as they go over the wire, of real size: a whole 4×4 with a rate each second and all beats."""

import hashlib
import zlib
from functools import lru_cache
from random import Random
from uuid import UUID

import msgspec

from coach.model.events import Signal
from coach.model.messages import HeartRate
from firmware.system.session_id import new_session_id
from sync.wire.codec import encode
from sync.wire.envelope import MAGIC, VERSION, ZLIB, digest_of
from sync.wire.messages import (
    AdviceNow,
    Clocks,
    ClocksAt,
    Foretold,
    Quality,
    Samples,
    SessionDelivery,
    Software,
)
from tests.support.machine import session_factory

BEGUN_WALL_S = 1_795_330_000.0


def samples(seed: int, seconds: int = 2760) -> Samples:
    """The columns of a session: a heart's lag, its noise, and its beats."""
    chance = Random(seed)
    rates: list[float | None] = []
    counts: list[int] = []
    beats: list[int] = []
    steps: list[int] = []
    bpm = 90.0
    for second in range(seconds):
        goal = 165.0 if second > 600 and (second - 600) % 420 < 240 else 125.0
        bpm += (goal - bpm) / 45.0 + chance.gauss(0.0, 0.6)
        rates.append(round(bpm))
        number = 2 if chance.random() < bpm / 60.0 - 1.0 else 1
        if bpm > 120.0 and chance.random() < (bpm - 120.0) / 60.0:
            number = 3
        counts.append(number)
        beats += [round(61_440 / bpm + chance.gauss(0.0, 6.0)) for _ in range(number)]
        steps.append(1000 + chance.choice((-2, -1, 0, 0, 0, 1, 2)))
    foretold = tuple((30, Foretold(round(150 + chance.gauss(0, 4), 1), 160.5, 155.5, 166.0)) for _ in range(90))
    return Samples(
        step_ms=tuple(steps),
        rate_bpm=tuple(rates),
        rr_count=tuple(counts),
        rr_1024=tuple(beats),
        contact=((seconds, None),),
        signal=((seconds - 1, Signal.LIVE), (1, Signal.STALE)),
        speed_kmh=tuple((60, round(5.5 + chance.random(), 1)) for _ in range(46)),
        incline_percent=((seconds, 5.0),),
        advice=tuple((60, AdviceNow(reason="in_zone")) for _ in range(46)),
        prediction=foretold,
    )


@lru_cache(maxsize=8)
def _pattern(seed: int) -> SessionDelivery:
    begun = Clocks("0b1c", 100.0, BEGUN_WALL_S, synchronised=True)
    return SessionDelivery(
        session_id=session_factory.SESSION_ID,
        revision=1,
        sha256="0" * 64,
        clinic="trondheim",
        machine="machine-1",
        participant="p1",
        plan=session_factory.plan(),
        protocol=session_factory.protocol(),
        events=session_factory.events(),
        inputs=tuple(one for one in session_factory.messages() if not isinstance(one, HeartRate)),
        samples=samples(seed),
        summary=session_factory.summary(),
        clocks=(ClocksAt(0.0, begun),),
        software=Software("0.1.0", "3.11.7", "Debian 12"),
        quality=Quality(
            rates=2760,
            rr_intervals=6100,
            longest_silence_s=1.0,
            live_fraction=0.99,
            signal=session_factory.summary().signal,
            clock_trusted=True,
        ),
    )


def session_id(number: int) -> str:
    """A session's id that is the same each time, in order of `number`."""
    chance = hashlib.sha256(str(number).encode()).digest()
    return new_session_id(BEGUN_WALL_S + number, lambda count: chance[:count])


def delivery(
    number: int, *, clinic: str = "trondheim", machine: str = "machine-1", revision: int = 1, seed: int | None = None
) -> SessionDelivery:
    """Session `number` of a machine."""
    identity = session_id(number)
    return msgspec.structs.replace(
        _pattern(number % 8 if seed is None else seed),
        session_id=str(UUID(identity)),
        revision=revision,
        sha256=hashlib.sha256(f"{identity} {revision}".encode()).hexdigest(),
        clinic=clinic,
        machine=machine,
    )


@lru_cache(maxsize=32)
def _tail(seed: int, seconds: int) -> tuple[bytes, bytes]:
    """What follows the names in a session's content, and the same compressed."""
    pattern = msgspec.structs.replace(_pattern(seed), samples=samples(seed, seconds))
    whole = encode(pattern)
    tail = whole[whole.index(b'"participant":') :]
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    return tail, packing.compress(tail) + packing.flush()


def sealed(
    number: int,
    *,
    clinic: str = "trondheim",
    machine: str = "machine-1",
    revision: int = 1,
    seconds: int = 2760,
) -> bytes:
    """The payload of session `number`, quickly: only the names are compressed anew.

    A deflate stream may be made of pieces, where the first ends in a full flush; the sums over the whole are right.
    """
    told = delivery(number, clinic=clinic, machine=machine, revision=revision)
    whole = (
        f'{{"format":1,"session_id":"{told.session_id}","revision":{revision},"sha256":"{told.sha256}",'
        f'"clinic":"{clinic}","machine":"{machine}",'
    ).encode()
    tail, packed_tail = _tail(number % 8, seconds)
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = packing.compress(whole) + packing.flush(zlib.Z_FULL_FLUSH)
    content_sum = zlib.adler32(tail, zlib.adler32(whole))
    body = b"\x78\xda" + head + packed_tail + content_sum.to_bytes(4, "big")
    first = MAGIC + bytes((VERSION, ZLIB))
    return first + digest_of(first, body) + body
