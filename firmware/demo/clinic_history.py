"""The past of a clinic that never was: simulated people, and the sessions of their courses as machines deliver them.

The server's demo shows a clinic that has been at work for eight weeks, and may import nothing from here; so it starts
this as a program, and takes what it wrote. Each day was led by the session engine for a simulated person: two early,
two half-way and two late in the course, VO2max 0, 5 and 10 % above where it began (4×4 for eight weeks: about a tenth,
training.md), and for most people one on which something was in the way. The sessions of a course take turns with them:
a year's worth of engine time would be no demo.

    python -m firmware.demo.clinic_history OUT --clinic CODE:PEOPLE [--clinic …] [--machines 12] [--until WALL_S]
        [--seed 1]
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
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from coach.guidance.interface import GuidanceMaker
from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage, CommandName, SessionCommand
from coach.model.plan import Mode, Plan
from coach.model.snapshot import Snapshot
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
from sync.wire.messages import SessionDelivery, Software

WEEKS, A_WEEK = 8, 3
THIRDS, DAYS = 3, 2
FITTER_BY_THE_END = 0.10
MISSES_FRACTION = 0.1
ODD_FRACTION = 0.08
"""Sessions that somebody leaves, or in which the strap is silent for a while."""
SAYS_NO_MOOD_FRACTION = 0.15
BREAK_FRACTION, BREAK_DAYS = 0.15, 12
BEGAN_WEEKS_AGO = (8, 8, 6, 8, 4, 8, 7, 3, 8, 5, 2, 8)
"""Most are at the end of their course, some in its midst."""
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
    seed: int
    needs: bool = False


class _Leaves:
    """Somebody who stops at `at_s`."""

    def __init__(self, person: SimulatedPerson, at_s: float) -> None:
        self._person, self._at_s = person, at_s

    @property
    def rate_bpm(self) -> float | None:
        return self._person.rate_bpm

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        said = self._person.second(t, snapshot, events)
        return [*said, SessionCommand(t, CommandName.STOP)] if t == self._at_s else said


def course_of(work: _Work) -> tuple[DemoPerson, list[DemoSession]]:
    """One person and their sessions, the same for the same work."""
    rng = np.random.default_rng((work.seed, sum(work.clinic.encode()), work.number))
    chances: tuple[Kind, ...] = ("ordinary",) * 8 + ("beta_blocked", "chronotropic")
    kind = chances[work.number % len(chances)]
    who = Population("addiction" if work.number % 3 else "schizophrenia").draw(rng, kind)
    pseudonym = "p-" + "".join("23456789abcdefghjkmnpqrstuvwxyz"[int(rng.integers(31))] for _ in range(8))
    mode: Mode = "exertion" if kind == "beta_blocked" and work.number % 4 == 0 else "heart_rate"
    need = needs.need_of(work.number) if work.needs else ""
    plan = needs.plan_of(need, plan_for(who, rng, name=pseudonym, mode=mode))
    zone = ZoneInfo(work.time_zone)
    begins_on = _begins_on(work, rng, zone)
    when = needs.times_of(need, list(_when(work, begins_on, rng, zone)), work.until_wall_s)
    person = DemoPerson(
        clinic=work.clinic,
        pseudonym=pseudonym,
        sex="m" if who.sex == "man" else "f",
        kind=kind,
        need=need,
        plan=plan,
        begins_wall_s=_wall_s(begins_on, 0, zone),
        sessions=len(when),
    )
    habits = draw_habits(rng)
    odd = ("left", "silent", "whole")[work.number % 3]
    lived: dict[tuple[int, int, str], tuple[Rehearsal, SessionDelivery]] = {}
    sessions = []
    machine = f"molle-{work.number % work.machines + 1}"
    for number, at_wall_s in enumerate(when):
        third = int(np.clip(round(2 * number / (WEEKS * A_WEEK) + rng.normal(0, 0.3)), 0, THIRDS - 1))
        how = odd if not need and rng.random() < ODD_FRACTION else "whole"
        if number >= len(when) - needs.LAST_SESSIONS.get(need, 0):
            how = need
        day = (third, int(rng.integers(DAYS)), how) if how == "whole" else (0, 0, how)
        if day not in lived:
            rehearsed = _live(who, habits, needs.plan_of_session(how, plan), day, rng, needs.guidance_of(need))
            lived[day] = rehearsed, _packed(work, machine, plan, rehearsed)
        sessions.append(_delivered(replace(plan, session_number=number + 1), *lived[day], at_wall_s, rng))
    return person, sessions


def _wall_s(day: date, hour: int, zone: ZoneInfo) -> float:
    """Return a full hour of a day at the clinic, in seconds since 1970."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone).timestamp()


def _begins_on(work: _Work, rng: np.random.Generator, zone: ZoneInfo) -> date:
    """Return the first day of the course: most began eight weeks ago, some lately."""
    weeks = BEGAN_WEEKS_AGO[(work.number + work.number // work.machines) % len(BEGAN_WEEKS_AGO)]
    today = datetime.fromtimestamp(work.until_wall_s, zone).date()
    return today - timedelta(days=weeks * 7 - 1 - int(rng.integers(4)))


def _when(work: _Work, begins_on: date, rng: np.random.Generator, zone: ZoneInfo) -> Iterator[float]:
    """The beginnings of the sessions: every second or third day, some missed; some had a break."""
    hour = FIRST_HOUR + work.number // work.machines % 8
    gap_at = int(rng.integers(6, 14)) if rng.random() < BREAK_FRACTION else -1
    later = timedelta()
    for number in range(WEEKS * A_WEEK):
        if number == gap_at:
            later += timedelta(days=BREAK_DAYS)
        day = begins_on + timedelta(days=number // A_WEEK * 7 + (0, 2, 4)[number % A_WEEK]) + later
        at_wall_s = _wall_s(day, hour, zone) + float(rng.integers(0, 600))
        if at_wall_s + HOUR_S > work.until_wall_s:
            return
        if rng.random() >= MISSES_FRACTION:
            yield at_wall_s


def _live(
    who: SimulatedHeart,
    habits: Habits,
    plan: Plan,
    day: tuple[int, int, str],
    rng: np.random.Generator,
    guidance: GuidanceMaker,
) -> Rehearsal:
    third, _number, how = day
    fitter = replace(who, vo2max=who.vo2max * (1 + FITTER_BY_THE_END * third / (THIRDS - 1)))
    person = SimulatedPerson(fitter, draw_day(rng), rng, habits=habits)
    trainee: _Leaves | needs.NeedyPerson | SimulatedPerson = (
        _Leaves(person, float(rng.integers(900, 1700))) if how in ("left", "stopped_early") else person
    )
    if how in needs.LAST_SESSIONS and how != "stopped_early":
        trainee = needs.NeedyPerson(person, how)
    faults = needs.faults_of(how)
    if how == "silent":
        faults = (Dropout(start_s=float(rng.integers(700, 1900)), length_s=float(rng.integers(12, 45))),)
    return simulate_session(plan, load("4x4"), trainee, faults=faults, rng=rng, guidance=guidance)


def _document(plan: Plan, lived: Rehearsal, session_id: str, at_wall_s: float, mood: int | None) -> bytes:
    begun = Timestamp("past", 100.0, at_wall_s, synchronised=True)
    return encode_document(
        SessionDocument(
            session_id=session_id,
            revision=1,
            plan=plan,
            protocol=lived.protocol,
            begun=begun,
            stamps=(StampAt(0.0, begun),),
            summary=replace(lived.summary, mood=mood, borg=_borg(lived)),
            messages=lived.messages,
            events=lived.events,
        )
    )


def _borg(lived: Rehearsal) -> int | None:
    """What the person would say afterwards: the hardest of what they said at the intervals."""
    return max((one.borg for one in lived.summary.intervals if one.borg is not None), default=lived.summary.borg)


def _packed(work: _Work, machine: str, plan: Plan, lived: Rehearsal) -> SessionDelivery:
    """A day as it is delivered, laid out in columns once for all sessions that are made of it."""
    session_id = new_session_id(0.0, bytes)
    document = _document(plan, lived, session_id, 0.0, None)
    sender = Sender(work.clinic, machine, Software(own_version(), "3.11", "Debian 12"))
    return pack(SealedSession(session_id, 1, sha256_of(document), document), sender)


def _delivered(
    plan: Plan, lived: Rehearsal, day: SessionDelivery, at_wall_s: float, rng: np.random.Generator
) -> DemoSession:
    session_id = new_session_id(at_wall_s, rng.bytes)
    # Mood rises a little along the course.
    felt = float(rng.normal(3.4 + (plan.session_number or 1) / (WEEKS * A_WEEK), 0.8))
    mood = None if rng.random() < SAYS_NO_MOOD_FRACTION else int(min(5, max(1, round(felt))))
    delivery = replace(
        day,
        session_id=session_id,
        sha256=sha256_of(_document(plan, lived, session_id, at_wall_s, mood)),
        plan=plan,
        summary=replace(day.summary, mood=mood, borg=_borg(lived)),
        clocks=tuple(replace(one, clocks=replace(one.clocks, wall_s=at_wall_s)) for one in day.clocks),
    )
    return DemoSession(
        clinic=day.clinic,
        machine=day.machine,
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
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--time-zone", default="Europe/Oslo", help="of the clinics")
    given = parser.parse_args(arguments)
    end_with_parent()
    until = time.time() if given.until is None else given.until
    work = partial(_Work, machines=given.machines, until_wall_s=until, time_zone=given.time_zone, seed=given.seed)
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
