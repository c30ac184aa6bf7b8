"""The past of a clinic that never was: simulated people, and the sessions of their courses as machines deliver them.

The server's demo shows a clinic that has been at work for eight weeks, and may import nothing from here; so it starts
this as a program, and takes what it wrote. The engine leads every session with the guidance of the machines, which
takes along what it learned in the session before. VO2max rises along the course, by a tenth in eight weeks (4×4,
training.md). Most people began lately: each session takes more than a second of a processor.

    python -m firmware.demo.clinic_history OUT --clinic CODE:PEOPLE [--clinic …] [--machines 12] [--until WALL_S]
        [--time-zone Europe/Oslo]

OUT gets `people.json` (`DemoPerson`, a list) and `sessions.jsonl` (`DemoSession`, one a line).
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.model.plan import Mode, Plan
from firmware.demo import needs
from firmware.journal.record import SessionDocument, StampAt, encode_document, sha256_of
from firmware.participants.protocol_files import load
from firmware.simulation.faults import Dropout
from firmware.simulation.heart import Kind, Population, SimulatedHeart, draw_day, plan_for
from firmware.simulation.person import Habits, SimulatedPerson, draw_habits
from firmware.simulation.session import Rehearsal, simulate_session
from firmware.system.session_id import new_session_id
from firmware.system.supervisor import end_with_parent
from firmware.system.timestamps import Timestamp
from firmware.system.version import own_version
from sync.delivery.interface import SealedSession
from sync.delivery.serializer import Sender, pack
from sync.wire.codec import encode
from sync.wire.envelope import seal
from sync.wire.messages import Software

WEEKS, A_WEEK = 8, 3
DAYS_SHORT = 3
"""So many days of the newest week are still to come."""
BESIDE_SESSIONS = 1
"""Of each person of a neighbour clinic, which is there for the network's sums alone."""
FITTER_BY_THE_END = 0.10
MISSES_FRACTION = 0.1
ODD_FRACTION = 0.08
"""Sessions that somebody leaves, or in which the strap is silent for a while."""
SAYS_NO_MOOD_FRACTION = 0.15
BREAK_FRACTION, BREAK_DAYS = 0.15, 12
BEGAN_WEEKS_AGO = (1, 1, 1, 2, 1, 1)
"""Of the people for whom no need decides it."""
HOUR_S = 3_600.0
FIRST_HOUR = 8
"""Hour of the first training of a day, by the clinic's clock; people come one after the other to each machine."""


class DemoPerson(Struct, frozen=True, kw_only=True):
    """Somebody who trains at a clinic, and how many sessions of the course they have behind them.

    `need`: why the follow-up list shows them (`firmware.demo.needs`); empty for most.
    """

    clinic: str
    pseudonym: str
    sex: str
    kind: str
    need: str
    plan: Plan
    begins_wall_s: float
    sessions: int


class DemoSession(Struct, frozen=True, kw_only=True):
    """A session as it was delivered: `payload` is sealed, as on the wire."""

    clinic: str
    machine: str
    participant: str
    session_id: str
    payload: bytes


class _Work(Struct, frozen=True, kw_only=True):
    """All that one person's course is made from, so that it can be made in any process."""

    clinic: str
    number: int
    machines: int
    until_wall_s: float
    time_zone: str
    needs: bool = False


class DrawnPerson(Struct, frozen=True, kw_only=True):
    """A simulated person of the demo, as the number draws them: body, habits, plan and need."""

    kind: Kind
    heart: SimulatedHeart
    habits: Habits
    plan: Plan
    need: str


def person_of(number: int, rng: np.random.Generator, *, with_needs: bool) -> DrawnPerson:
    """Draw the person of this number; the same for the same `rng` of `chance_of`."""
    chances: tuple[Kind, ...] = ("ordinary",) * 8 + ("beta_blocked", "chronotropic")
    kind = chances[number % len(chances)]
    heart = Population("addiction" if number % 3 else "schizophrenia").draw(rng, kind)
    pseudonym = "p-" + "".join("23456789abcdefghjkmnpqrstuvwxyz"[int(rng.integers(31))] for _ in range(8))
    mode: Mode = "exertion" if kind == "beta_blocked" and number % 4 == 0 else "heart_rate"
    need = needs.need_of(number) if with_needs else ""
    plan = needs.plan_of(need, plan_for(heart, rng, name=pseudonym, mode=mode))
    return DrawnPerson(kind=kind, heart=heart, habits=draw_habits(rng), plan=plan, need=need)


def chance_of(clinic: str, number: int) -> np.random.Generator:
    """Return the random numbers of one person of a clinic."""
    return np.random.default_rng((1, sum(clinic.encode()), number))


def course_of(work: _Work) -> tuple[DemoPerson, list[DemoSession]]:
    """One person and their sessions, the same for the same work."""
    rng = chance_of(work.clinic, work.number)
    drawn = person_of(work.number, rng, with_needs=work.needs)
    zone = ZoneInfo(work.time_zone)
    begins_on = _begins_on(work, drawn.need, rng, zone)
    when = needs.times_of(drawn.need, list(_when(work, drawn.need, begins_on, rng, zone)), work.until_wall_s)
    when = when if work.needs else when[:BESIDE_SESSIONS]
    person = DemoPerson(
        clinic=work.clinic,
        pseudonym=drawn.plan.participant,
        sex="m" if drawn.heart.sex == "man" else "f",
        kind=drawn.kind,
        need=drawn.need,
        plan=drawn.plan,
        begins_wall_s=_wall_s(begins_on, 0, zone),
        sessions=len(when),
    )
    odd = ("left", "silent", "whole")[work.number % 3]
    sessions = []
    response: Any = None
    for number, at_wall_s in enumerate(when):
        how = odd if not drawn.need and rng.random() < ODD_FRACTION else "whole"
        if number >= len(when) - needs.LAST_SESSIONS.get(drawn.need, 0):
            how = drawn.need
        plan = replace(drawn.plan, session_number=number + 1, response=response)
        rehearsed = _live(drawn, plan, how, rng)
        # A machine takes along what the session before has taught.
        response = rehearsed.summary.response
        sessions.append(_delivered(work, plan, rehearsed, at_wall_s, rng))
    return person, sessions


def _wall_s(day: date, hour: int, zone: ZoneInfo) -> float:
    """Return a full hour of a day at the clinic, in seconds since 1970."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp()


def _begins_on(work: _Work, need: str, rng: np.random.Generator, zone: ZoneInfo) -> date:
    """Return the first day of the course."""
    usual = BEGAN_WEEKS_AGO[(work.number + work.number // work.machines) % len(BEGAN_WEEKS_AGO)]
    weeks = needs.BEGAN_WEEKS_AGO.get(need, usual)
    today = datetime.fromtimestamp(work.until_wall_s, zone).date()
    return today - timedelta(days=weeks * 7 - DAYS_SHORT - int(rng.integers(2)))


def _when(work: _Work, need: str, begins_on: date, rng: np.random.Generator, zone: ZoneInfo) -> Iterator[float]:
    """Yield the beginnings of the sessions: every second or third day, some missed; some had a break."""
    hour = FIRST_HOUR + work.number // work.machines % 8
    gap_at = int(rng.integers(6, 14)) if rng.random() < BREAK_FRACTION and not need else -1
    later = timedelta()
    days = needs.DAYS_OF_WEEK.get(need, (0, 2, 4))
    for number in range(WEEKS * len(days)):
        if number == gap_at:
            later += timedelta(days=BREAK_DAYS)
        day = begins_on + timedelta(days=number // len(days) * 7 + days[number % len(days)]) + later
        at_wall_s = _wall_s(day, hour, zone) + float(rng.integers(0, 600))
        if at_wall_s + HOUR_S > work.until_wall_s:
            return
        # A person with a need comes as the need says.
        if rng.random() >= MISSES_FRACTION or need or number == 0:
            yield at_wall_s


def _live(drawn: DrawnPerson, plan: Plan, how: str, rng: np.random.Generator) -> Rehearsal:
    """Lead one session: `how` says what is special about it."""
    trained_fraction = ((plan.session_number or 1) - 1) / (WEEKS * A_WEEK)
    fitter = replace(drawn.heart, vo2max=drawn.heart.vo2max * (1 + FITTER_BY_THE_END * trained_fraction))
    habits = needs.habits_of(how, drawn.habits, plan)
    felt = float(rng.normal(3.4 + trained_fraction, 0.8))
    person = needs.CoursePerson(
        SimulatedPerson(fitter, draw_day(rng), rng, habits=habits),
        how,
        # Mood rises a little along the course.
        mood=None if rng.random() < SAYS_NO_MOOD_FRACTION else int(min(5, max(1, round(felt)))),
        leaves_at_s=float(rng.integers(900, 1700)) if how in ("left", "stopped_early") else None,
    )
    faults = needs.faults_of(how)
    if how == "silent":
        faults = (Dropout(start_s=float(rng.integers(700, 1900)), length_s=float(rng.integers(12, 45))),)
    return simulate_session(plan, load(plan.protocol), person, faults=faults, rng=rng)


def _delivered(work: _Work, plan: Plan, lived: Rehearsal, at_wall_s: float, rng: np.random.Generator) -> DemoSession:
    """Return the session as the machine seals and delivers it."""
    machine = f"molle-{work.number % work.machines + 1}"
    session_id = new_session_id(at_wall_s, rng.bytes)
    begun = Timestamp("past", 100.0, at_wall_s, synchronised=True)
    document = encode_document(
        SessionDocument(
            session_id=session_id,
            revision=1,
            plan=plan,
            protocol=lived.protocol,
            begun=begun,
            stamps=(StampAt(0.0, begun),),
            summary=lived.summary,
            messages=lived.messages,
            events=lived.events,
        )
    )
    sender = Sender(work.clinic, machine, Software(own_version(), "3.11", "Debian 12"))
    delivery = pack(SealedSession(session_id, 1, sha256_of(document), document), sender)
    return DemoSession(
        clinic=work.clinic,
        machine=machine,
        participant=plan.participant,
        session_id=session_id,
        payload=seal(encode(delivery)),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the courses, in as many processes as there are cores."""
    parser = argparse.ArgumentParser(prog="python -m firmware.demo.clinic_history")
    parser.add_argument("out", type=Path)
    parser.add_argument("--clinic", action="append", required=True, metavar="CODE:PEOPLE")
    parser.add_argument("--machines", type=int, default=12)
    parser.add_argument("--until", type=float, default=None, metavar="WALL_S", help="no session after this (now)")
    parser.add_argument("--time-zone", default="Europe/Oslo", help="of the clinics")
    given = parser.parse_args(arguments)
    end_with_parent()
    until = time.time() if given.until is None else given.until
    work = partial(_Work, machines=given.machines, until_wall_s=until, time_zone=given.time_zone)
    all_of_it = [
        work(clinic=code, number=number, needs=place == 0)
        for place, (code, _, people) in enumerate(one.partition(":") for one in given.clinic)
        for number in range(int(people))
    ]
    given.out.mkdir(parents=True, exist_ok=True)
    people = []
    with (
        # Forked, so that this process is the parent of each: from Python 3.14 on, a server process would be.
        ProcessPoolExecutor(
            os.cpu_count(), get_context("fork"), initializer=end_with_parent, initargs=(os.getpid(),)
        ) as workers,
        (given.out / "sessions.jsonl").open("wb") as file,
    ):
        for person, sessions in workers.map(course_of, all_of_it, chunksize=2):
            people.append(person)
            file.writelines(msgspec.json.encode(one) + b"\n" for one in sessions)
    (given.out / "people.json").write_bytes(msgspec.json.encode(people))
    return 0


if __name__ == "__main__":
    sys.exit(main())
