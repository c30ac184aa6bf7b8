"""Fault 18: hostile payloads. The collector lives, keeps each in its place, and serves the next honest machine."""

import contextlib
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from sync.wire.chunks import cut
from sync.wire.envelope import seal, unseal
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.clinic.local_clinic import Child, Machine, Postgres, collector, make, mosquitto, sql, until

LONG_S = float(os.environ.get("HOSTILE_S", "3600"))


def hostile(chance: Random) -> Iterator[bytes]:
    """Payloads that somebody may send, for ever: honest ones with a wrong place, and wholly made-up ones."""
    honest = sealed(1, seconds=60)
    content = unseal(honest)
    assert isinstance(content, bytes)
    parts = cut(sealed(1), 4096)
    deep = b"[" * 40_000
    made = (
        lambda: chance.randbytes(chance.randrange(200)),
        lambda: b"",
        lambda: bytes(one ^ (chance.random() < 0.01) for one in honest),
        lambda: honest[: chance.randrange(len(honest))],
        lambda: seal(chance.randbytes(200)),
        lambda: seal(content[: chance.randrange(len(content))]),
        lambda: seal(content.replace(b'"format":1', b'"format":%d' % chance.randrange(-3, 1 << 40), 1)),
        lambda: seal(content.replace(b'"revision":1', b'"revision":%d' % chance.choice((-1, 0, 1 << 31, 1 << 70)), 1)),
        lambda: seal(content.replace(b'"participant":"p1"', b'"participant":"p\\u0000' + b"x" * 5 + b'"', 1)),
        lambda: seal(content.replace(b'"end_reason":"', b'"end_reason":"\\u0000%d' % chance.randrange(99), 1)),
        lambda: seal(content.replace(b'"response":null', b'"response":' + deep, 1)),
        lambda: seal(content.replace(b'"response":null', b'"response":' + b"[" * 900 + b"]" * 900, 1)),
        lambda: seal(content.replace(b"4x4", b"\xff\xfe", 1)),
        lambda: seal(bytes(20_000_000)),
        lambda: seal(b'{"format":1,"format":1' + b',"x":1' * chance.randrange(1000) + b"}"),
        lambda: b"IP" + chance.randbytes(chance.randrange(100)),
        lambda: chance.choice(parts),
        lambda: chance.choice(parts)[: chance.randrange(44, 200)],
        lambda: b"IC" + bytes((chance.randrange(256), chance.randrange(256))) + chance.randbytes(80),
    )
    while True:
        yield chance.choice(made)()


def attack(folder: Path, seconds: float, database: str | None) -> tuple[int, Child]:
    """Send hostile messages for so long, then an honest one of another machine. Return how many there were."""
    clinic = make(folder, database=database)
    chance = Random(7)
    with mosquitto(clinic), collector(clinic, database=database) as child, Machine(clinic, "machine-1") as machine:
        count, end_s = 0, time.monotonic() + seconds
        lasts = [f"session/{session_id(1)}", f"session/{session_id(2)}", "state", "result"]
        for payload in hostile(chance):
            if time.monotonic() >= end_s:
                break
            count += 1
            machine.publish(machine.topic(chance.choice(lasts)), payload)
            until(lambda: len(machine.published) >= count - 100)  # noqa: B023 - called at once
        # A machine that floods is shut out for a minute; the others are served.
        with Machine(clinic, "machine-2") as honest:
            honest.deliver({(session_id(5), 1): machine_sealed(honest, 5)}, 60)
        assert child.process.poll() is None
        kept = sql(clinic, "SELECT count(*), sum(times) FROM server_deadletter", database)
        assert kept[0][0] > 0
        # What was read by its head alone is read through in quiet.
        until(lambda: sql(clinic, "SELECT count(*) FROM server_session WHERE NOT read_through", database) == [(0,)])
    return count, child


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_hostile_payloads_kill_nothing_and_pass_for_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    database = None
    if kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = postgres.database("hostile")
    count, child = attack(tmp_path / "clinic", 4.0, database)
    with capsys.disabled():
        print(f"\nfault 18, {kind}: {count} hostile messages, 0 crashes (target 0)")  # noqa: T201
    assert child.process.returncode == 0
    assert "Traceback" not in child.said


@pytest.mark.slow
@pytest.mark.timeout(2 * 3600)
def test_an_hour_of_hostile_payloads(tmp_path: Path, postgres: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
    count, child = attack(tmp_path / "clinic", LONG_S, postgres.database("long"))
    with capsys.disabled():
        print(f"\nfault 18: {count} hostile messages in {LONG_S:g} s, 0 crashes (target 0)")  # noqa: T201
    assert child.process.returncode == 0


def receipt_s(machine: Machine, number: int) -> float:
    """How long a receipt takes; the session is sent again each second, as its machine would in time."""
    began_s = time.monotonic()
    while (session_id(number), 1) not in machine.receipts:
        machine.publish(machine.topic(f"session/{session_id(number)}"), machine_sealed(machine, number))
        with contextlib.suppress(AssertionError):
            until(lambda: (session_id(number), 1) in machine.receipts, 1)
        assert time.monotonic() - began_s < 60
    return time.monotonic() - began_s


def machine_sealed(machine: Machine, number: int) -> bytes:
    content = unseal(sealed(number, seconds=60))
    assert isinstance(content, bytes)
    return seal(content.replace(b'"machine":"machine-1"', b'"machine":"%s"' % machine.name.encode(), 1))


def test_a_flood_of_tiny_parts_or_large_sessions_holds_up_no_other_machine(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    content = unseal(sealed(3, seconds=60))
    assert isinstance(content, bytes)
    bomb = seal(content.replace(b'"response":null', b'"response":"' + b"x" * 20_000_000 + b'"', 1))
    with (
        mosquitto(clinic),
        collector(clinic) as child,
        Machine(clinic, "machine-1") as stranger,
        Machine(clinic, "machine-2") as honest,
    ):
        quiet_s = receipt_s(honest, 1)
        for number in range(4_000):
            stranger.publish(
                stranger.topic(f"session/{session_id(9)}"),
                b"IP\x01\x00" + bytes(32) + struct.pack(">HHI", number, 4_096, 4_096) + b"x",
            )
        parts_s = receipt_s(honest, 2)
        before = child.resident_bytes
        for number in range(12):
            stranger.publish(stranger.topic(f"session/{session_id(20 + number)}"), bomb)
        bombs_s = receipt_s(honest, 4)
        grown = child.resident_bytes - before
        # A quiet receipt takes a tenth of a second; before, the parts took 50 s and the large sessions 27 s.
        assert max(parts_s, bombs_s) < 10, (quiet_s, parts_s, bombs_s)
        assert grown < 200 * 2**20
        assert sql(clinic, "SELECT count(*) FROM server_sessionpart") == [(0,)]
        assert child.process.poll() is None


def test_a_retained_session_is_cleared_and_not_stored(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    with mosquitto(clinic), Machine(clinic, "machine-1") as machine:
        topic = machine.topic(f"session/{session_id(1)}")
        machine.client.publish(topic, sealed(1), qos=1, retain=True)
        with collector(clinic) as child:
            machine.client.publish(machine.topic(f"session/{session_id(2)}"), sealed(2), qos=1, retain=True)
            receipt_s(machine, 5)
            until(lambda: "a retained message is cleared" in child.said)
        with collector(clinic):
            receipt_s(machine, 6)
            rows = sql(clinic, "SELECT session_id FROM server_session")
    assert len(rows) == 2
    assert not {session_id(1).replace("-", ""), session_id(2).replace("-", "")} & {str(row[0]) for row in rows}
