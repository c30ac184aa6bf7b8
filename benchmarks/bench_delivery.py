"""Delivery's figures, each with its target and what a naive way reaches beside it. Real mosquitto and PostgreSQL.

python -m benchmarks.bench_delivery [--quick] [--only intake,drain,live,receipt]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from server.clinic_folder.settings import ClinicFolder
from tests.support.broker import naive_collector
from tests.support.broker.delivery_factory import sealed, session_id
from tests.support.broker.low_cost_machines import LightMachine
from tests.support.clinic.local_clinic import (
    ROOT,
    Child,
    Machine,
    Postgres,
    collector,
    environment,
    files_of,
    make,
    mosquitto,
    sql,
    stored,
    until,
)

Row = tuple[str, bytes]


def report(what: str, figure: float, target: float, unit: str, *, least: bool = False) -> bool:
    """Print one figure with its target. Gives whether it is met."""
    met = figure >= target if least else figure <= target
    print(f"{what}: {figure:.4g} {unit} (target {'≥' if least else '≤'} {target:g} {unit}){'' if met else '  MISSED'}")
    return met


def note(what: str) -> None:
    """Print what stands beside a figure."""
    print(f"    {what}")


class Load:
    """`tests.support.broker.low_cost_load` in a process of its own."""

    def __init__(self, kind: str, clinic: ClinicFolder, machines: int, amount: int) -> None:
        """Start it; it is connected when this returns."""
        words = [
            sys.executable,
            "-m",
            "tests.support.broker.low_cost_load",
            kind,
            str(clinic.places.folder),
            str(machines),
            str(amount),
        ]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT)
        self.next()

    def next(self) -> dict[str, float]:
        """Its next line."""
        if self.process.stdout is None or not (line := self.process.stdout.readline()):
            raise RuntimeError("the machines' process ended too early")
        told: dict[str, float] = json.loads(line)
        return told

    def close(self) -> None:
        """Wait for its end."""
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


@contextmanager
def clinic_with_postgres(place: Path, postgres: Postgres, name: str) -> Iterator[tuple[ClinicFolder, str]]:
    """Yield a clinic and its database, with the broker running."""
    database = postgres.database(name)
    clinic = make(place / name, "--collectors", "3", database=database)
    with mosquitto(clinic):
        yield clinic, database


def intake(place: Path, postgres: Postgres, *, quick: bool) -> list[bool]:
    """Return what the collector reads and commits, without the broker: next to bare COPY and to single inserts."""
    count = 1500 if quick else 6000
    database = postgres.database("intake")
    clinic = make(place / "intake", database=database)
    os.environ["DATABASE_URL"] = database
    from server.clinic_folder.database import prepare  # noqa: PLC0415 - models need their folder first

    prepare(clinic)
    from tests.support.broker.parse_only import IntakeAlone  # noqa: PLC0415

    copies, ours, naive = [], [], []
    for turn in range(3):
        rows = [(session_id(number), sealed(number)) for number in range(turn * count, (turn + 1) * count)]
        copies.append(bare_copy(database, rows))
        ours.append(count / IntakeAlone(clinic).take(rows))
        naive.append(one_by_one(database, rows[: count // 4]))
    copy, our, one = (statistics.median(figures) for figures in (copies, ours, naive))
    note(f"bare COPY of the same bytes {copy:.0f} sessions/s; one insert and one commit each {one:.0f} sessions/s")
    note(f"collector without the broker {our:.0f} sessions/s of {len(sealed(1)) / 1000:.1f} kB")
    return [
        report("intake against bare COPY", our / copy, 0.5, "of it", least=True),
        report("intake against one insert and commit a message", our / one, 5, "×", least=True),
    ]


def bare_copy(database: str, rows: Sequence[Row]) -> float:
    """Sessions a second that COPY alone writes, in one transaction."""
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute("CREATE TABLE bare (session_id text, payload bytea)")
        connection.execute("ALTER TABLE bare ALTER COLUMN payload SET STORAGE EXTERNAL")
        connection.commit()
        began_s = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy("COPY bare FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["text", "bytea"])
            for row in rows:
                copy.write_row(row)
        connection.commit()
        return len(rows) / (time.perf_counter() - began_s)


def one_by_one(database: str, rows: Sequence[Row]) -> float:
    """Sessions a second with one insert and one commit for each."""
    with psycopg.connect(database) as connection:
        connection.execute("DROP TABLE IF EXISTS naive")
        connection.execute(naive_collector.TABLE)
        connection.commit()
        began_s = time.perf_counter()
        for _, payload in rows:
            naive_collector.take(connection, payload)
        return len(rows) / (time.perf_counter() - began_s)


def drain(place: Path, postgres: Postgres, *, quick: bool) -> list[bool]:
    """Return a backlog from many machines through broker, collectors and PostgreSQL; all of it on this machine."""
    machines, sessions = (100, 3000) if quick else (1000, 50_000)
    with clinic_with_postgres(place, postgres, "naive") as (clinic, database):
        with psycopg.connect(database) as connection:
            connection.execute(naive_collector.TABLE)
        words = [sys.executable, "-m", "tests.support.broker.naive_collector", str(clinic.places.folder), database]
        with Child(words, clinic.places.folder / "naive.log", environment()):
            naive = drained(clinic, 100, 1000)
    with clinic_with_postgres(place, postgres, "drain") as (clinic, database), ExitStack() as stack:
        child = stack.enter_context(collector(clinic, "--metrics-port", "0", database=database))
        told = drained(clinic, machines, sessions)
        kept = stored(clinic, database)
        distinct = int(sql(clinic, "SELECT count(DISTINCT (session_id, revision)) FROM server_session", database)[0][0])
        note(f"collector's memory after it {child.resident_bytes / 1e6:.0f} MB")
    rate, plain = (one["sessions"] / one["seconds"] for one in (told, naive))
    note(f"{machines} machines, {sessions} sessions of {len(sealed(1)) / 1000:.1f} kB: {told['seconds']:.1f} s")
    note(f"{rate:.0f} sessions/s with broker, TLS, machines and receipts; sent again {told['again']:.0f}")
    note(f"a naive collector in its place: {plain:.0f} sessions/s")
    return [
        report("backlog lost", sessions - distinct, 0, "sessions"),
        report("backlog stored twice", kept - distinct, 0, "sessions"),
    ]


def drained(clinic: ClinicFolder, machines: int, sessions: int) -> dict[str, float]:
    """Return what the machines tell when all have their receipts."""
    load = Load("drain", clinic, machines, sessions)
    told = load.next()
    load.close()
    return told


def live(place: Path, postgres: Postgres, *, quick: bool) -> list[bool]:
    """Many machines' pictures, once a second each, to one subscriber, beside a collector."""
    machines, seconds = (200, 5) if quick else (2000, 30)
    import asyncio  # noqa: PLC0415 - only here

    waits: list[float] = []
    with clinic_with_postgres(place, postgres, "live") as (clinic, database), ExitStack() as stack:
        child = stack.enter_context(collector(clinic, "--metrics-port", "0", database=database))

        def heard(_topic: str, payload: bytes) -> None:
            at = payload.index(b'"monotonic_s":') + 14
            waits.append(time.monotonic() - float(payload[at : payload.index(b",", at)]))

        async def listen() -> dict[str, float]:
            subscriber = LightMachine("collector-2", heard)
            tls = files_of(clinic, "collector-2").tls
            below = f"ic/1/{clinic.settings.clinic}/+/live"
            await subscriber.connect(clinic.settings.broker_port, tls, subscribe=below)
            load = await asyncio.to_thread(Load, "live", clinic, machines, seconds)
            before = child.resident_bytes
            told = await asyncio.to_thread(load.next)
            load.close()
            await subscriber.close()
            return {**told, "grown": (child.resident_bytes - before) / 1e6}

        told = asyncio.run(listen())
    waits.sort()
    note(f"{machines} machines for {seconds} s: {told['sent']:.0f} pictures sent, {len(waits)} heard")
    note(f"median {1000 * waits[len(waits) // 2]:.1f} ms")
    return [
        report("machine to subscriber, p99", 1000 * waits[int(len(waits) * 0.99)], 500, "ms"),
        report("collector's memory grown meanwhile", told["grown"], 5, "MB"),
    ]


def receipt(place: Path, postgres: Postgres, *, quick: bool) -> list[bool]:
    """From publish to receipt on an idle system."""
    count = 40 if quick else 200
    waits = []
    with clinic_with_postgres(place, postgres, "receipt") as (clinic, database), ExitStack() as stack:
        stack.enter_context(collector(clinic, "--metrics-port", "0", database=database))
        with Machine(clinic, "machine-1") as machine:
            for number in range(count):
                payload = sealed(number)
                began_s = time.perf_counter()
                machine.publish(machine.topic(f"session/{session_id(number)}"), payload)
                until(lambda number=number: (session_id(number), 1) in machine.receipts, every_s=0.0005)  # type: ignore[misc]
                waits.append(time.perf_counter() - began_s)
                time.sleep(0.05)
    waits.sort()
    note(f"median {1000 * statistics.median(waits):.1f} ms of {count}")
    return [report("receipt after publish, p99", 1000 * waits[int(len(waits) * 0.99)], 200, "ms")]


def main() -> int:
    """Measure all, or what is asked for."""
    parts: dict[str, Any] = {"intake": intake, "drain": drain, "live": live, "receipt": receipt}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="smaller numbers, about a minute")
    parser.add_argument("--only", default=",".join(parts), help="some of: " + ", ".join(parts))
    given = parser.parse_args()
    met: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="interval-coach-bench-") as folder:
        place = Path(folder)
        postgres = Postgres(place / "postgres")
        postgres.start()
        try:
            for name in given.only.split(","):
                print(f"{name}:", flush=True)
                met += parts[name](place, postgres, quick=given.quick)
        finally:
            postgres.stop()
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
