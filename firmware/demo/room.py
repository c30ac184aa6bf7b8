"""The treadmills of the demo's room: on each a simulated person, led by the session engine as on a real machine.

    python -m firmware.demo.room PEOPLE.json CLINIC MACHINES REFUSED [PSEUDONYM …]

The server's demo holds the machines' connections and may import nothing from here, so the two talk over pipes, a line
each way (`RoomLine`): commands and plans in, pictures, results and words on plans out. PEOPLE.json is what
`firmware.demo.clinic_history` wrote; the pseudonyms are those who stand in the room, in this order. The last machine
refuses the plan of REFUSED.
"""

import os
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from msgspec import Struct

from coach.errors import MessageRefused
from coach.guidance.defaults import default_guidance
from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import AnyEvent
from coach.model.messages import AnyMessage, CommandName, HeartRate, SessionCommand, Time
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin
from firmware.demo.clinic_history import DemoPerson, DrawnPerson, chance_of, person_of
from firmware.demo.needs import CoursePerson
from firmware.ipc.messages import AnyToCoach, Done, GivePlan, RequestRefusal, Tell, ViewNow
from firmware.participants.protocol_files import load
from firmware.services.server_commands import CommandExecutor
from firmware.simulation.faults import AnyFault, Dropout, Injector
from firmware.simulation.heart import draw_day
from firmware.simulation.person import SimulatedPerson
from firmware.system.session_id import new_session_id
from firmware.system.supervisor import end_with_parent
from sync.delivery.interface import Arrival, KeepingCourier, PlanCame, PlanWithdrawn
from sync.delivery.live_snapshot import to_live
from sync.wire.codec import encode, read
from sync.wire.messages import Clocks, Command, CommandResult, Live, PlanOnWire, PlanTaken

EARLIER_S = 300
"""So much of its past each machine tells at first, so that the room's traces begin full."""
AFTERWARDS_S, READY_S = 40, 30
"""Seconds that a person stands at the machine after the session, and the next one before it."""
QUESTIONS = ("chest_pain", "dizziness", "fever")
STRAP_FALLS_SILENT_S = 25.0
FACES = {
    "questions": ScreenId.QUESTIONS,
    "ready": ScreenId.READY,
    "ended": ScreenId.ENDED,
    "not_today": ScreenId.NOT_TODAY,
}
SAVED: dict[str, Literal["no", "saving", "saved"]] = {"running": "saving", "paused": "saving", "ended": "saved"}


class RoomLine(Struct, frozen=True):
    """A line of the pipe: a message of one machine, as on the wire. `name`: of a plan, whose it is."""

    machine: str
    kind: Literal["live", "result", "taken", "command", "plan", "open"]
    payload: str = ""
    name: str = ""


class RoomScene(Struct, frozen=True, kw_only=True):
    """How a machine is found. `began_s_ago`: seconds since the session began; None: none runs yet."""

    began_s_ago: int | None = None
    face: Literal["session", "ready", "questions"] = "session"
    paused: bool = False
    strap_silent: bool = False


SCENES = (
    RoomScene(began_s_ago=700),
    RoomScene(began_s_ago=1655),
    RoomScene(began_s_ago=1130),
    RoomScene(began_s_ago=800, strap_silent=True),
    RoomScene(began_s_ago=1560, paused=True),
    RoomScene(face="ready"),
    RoomScene(face="ready"),
    RoomScene(began_s_ago=930),
    RoomScene(began_s_ago=1000),
    RoomScene(began_s_ago=1350),
    RoomScene(began_s_ago=1900),
    RoomScene(face="questions"),
)
"""A room on a busy morning: most train, a strap is silent, one has a pause, some stand ready."""


class _RoomCourier(KeepingCourier):
    """Carries between one machine and the pipe."""

    def __init__(self, machine: str) -> None:
        super().__init__()
        self._machine = machine
        self._arrived: list[Arrival] = []

    def take(self, line: RoomLine) -> None:
        """Take a command or a plan."""
        payload = line.payload.encode()
        if line.kind == "plan" and not payload:
            self._arrived.append(PlanWithdrawn(line.name))
            return
        if line.kind == "plan":
            plan = read(payload, PlanOnWire)
            if isinstance(plan, PlanOnWire):
                self._arrived.append(PlanCame(plan))
        else:
            command = read(payload, Command)
            if isinstance(command, Command):
                self._arrived.append(command)

    def arrivals(self) -> tuple[Arrival, ...]:
        arrived, self._arrived = tuple(self._arrived), []
        return arrived

    def show(self, live: Live) -> None:
        self._say("live", live)

    def answer(self, result: CommandResult) -> None:
        self._say("result", result)

    def tell_plan(self, word: PlanTaken) -> None:
        self._say("taken", word)

    def _say(self, kind: Literal["live", "result", "taken"], message: Struct) -> None:
        _write(RoomLine(self._machine, kind, encode(message).decode()))


def _write(line: RoomLine) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


class RoomMachine:
    """One treadmill: call `second()` once a second."""

    def __init__(self, name: str, number: int, people: Sequence[DrawnPerson], scene: RoomScene) -> None:
        """`people`: who trains here, one after the other. Lives through what the scene says has been."""
        self.courier = _RoomCourier(name)
        self._executor = CommandExecutor(self.courier, _clocks)
        self._people = list(people)
        self._rng = np.random.default_rng((number, int(time.time())))
        self._count = 0
        self._over_s = 0
        self._face: Literal["session", "ready", "questions"] = scene.face
        self._starts_in_s: int | None = None
        self._refuses = ""
        if not self._people:
            return
        self._arrive()
        if scene.began_s_ago is None:
            return
        self._face = "session"
        silent_from_s = scene.began_s_ago - STRAP_FALLS_SILENT_S
        if scene.strap_silent:
            self._injector = Injector((Dropout(start_s=silent_from_s, length_s=1e6),), self._rng)
        self._take(SessionCommand(0.0, CommandName.START))
        for t in range(scene.began_s_ago):
            age_s = float(scene.began_s_ago - t)
            self._live()
            if age_s <= EARLIER_S:
                self._show(age_s)
        if scene.paused:
            self._take(SessionCommand(self._t, CommandName.PAUSE, source="therapist"))

    def refuse(self, participant: str) -> None:
        """Refuse the plans of this participant, as a machine whose protocols are older would."""
        self._refuses = participant

    def second(self) -> None:
        """Carry out what was asked, live a second, and show it."""
        self._executor.carry_out(self._ask, self._view())
        if self._people:
            self._go_on()
            self._live()
        self._show(0.05)

    def _arrive(self) -> None:
        """Let the first of the people stand at the machine."""
        drawn = self._people[0]
        trainee = SimulatedPerson(drawn.heart, draw_day(self._rng), self._rng, habits=drawn.habits)
        self._trainee = CoursePerson(trainee, "", mood=4)
        questions = QUESTIONS if self._face == "questions" else ()
        plan = msgspec.structs.replace(drawn.plan, questions=questions)
        self._state: SessionState = begin(plan, load(plan.protocol), default_guidance)
        self._session_id = new_session_id(time.time(), self._rng.bytes)
        faults: tuple[AnyFault, ...] = ()
        self._injector = Injector(faults, self._rng)
        self._events: tuple[AnyEvent, ...] = ()
        self._t = 0.0

    def _go_on(self) -> None:
        """Start who stands ready by themselves; make room for the next one after the end."""
        if self._state.stage == "ready" and self._starts_in_s is not None:
            self._starts_in_s -= 1
            if self._starts_in_s <= 0:
                self._take(SessionCommand(self._t, CommandName.START))
        self._over_s = self._over_s + 1 if self._state.stage in ("ended", "not_today") else 0
        if self._over_s > AFTERWARDS_S:
            self._people.append(self._people.pop(0))
            self._face = "ready"
            self._arrive()
            self._starts_in_s = READY_S

    def _live(self) -> None:
        """Live one second of the person at the machine."""
        told = self._trainee.second(self._t, snapshot(self._state), self._events)
        self._events = ()
        beats = [one for one in told if isinstance(one, HeartRate)]
        for beat in self._injector.second(self._t, beats):
            self._take(beat)
        for message in told:
            if not isinstance(message, HeartRate):
                self._take(message)
        self._t += 1.0
        self._take(Time(self._t))

    def _take(self, message: AnyMessage) -> str:
        """Hand a message to the engine. Return its code where the engine refuses it."""
        try:
            stepped = step(self._state, message)
        except MessageRefused as refusal:
            return refusal.code
        self._state = stepped.state
        self._events = (*self._events, *stepped.events)
        return ""

    def _ask(self, asked: AnyToCoach) -> Done | RequestRefusal:
        """Answer as the machine's coach does."""
        match asked:
            case GivePlan(plan=plan) if plan.participant == self._refuses:
                return RequestRefusal("bad_plan", "protocol: not known on this machine")
            case Tell() if not self._people:
                return RequestRefusal("no_session", "no participant is at this machine")
            case Tell(message=message):
                code = self._take(msgspec.structs.replace(message, t=self._t))
                return RequestRefusal(code, code) if code else Done(0)
            case _:
                return Done(0)

    def _view(self) -> ViewNow:
        if not self._people:
            return ViewNow(time.monotonic(), DisplayState(face=ScreenId.CHOOSE_PARTICIPANT))
        stage = self._state.stage
        face = FACES.get(stage, ScreenId.SESSION)
        if face is ScreenId.ENDED and self._state.mood is None:
            face = ScreenId.EXERTION
        saved: Literal["no", "saving", "saved"] = SAVED.get(stage, "no")
        view = DisplayState(face=face, snapshot=snapshot(self._state), saved=saved)
        return ViewNow(time.monotonic(), view, self._people[0].plan.participant, self._session_id)

    def _show(self, age_s: float) -> None:
        now, self._count = self._view(), self._count + 1
        live = to_live(
            now.view,
            _clocks(),
            age_s=age_s,
            participant=now.participant,
            session_id=now.session_id,
            number=self._count,
        )
        self.courier.show(live)


def _clocks() -> Clocks:
    return Clocks("demo", time.monotonic(), time.time(), synchronised=True)


def people_of(file: Path, clinic: str) -> dict[str, DrawnPerson]:
    """Return the people of a clinic by pseudonym, drawn as their past was."""
    told = msgspec.json.decode(file.read_bytes(), type=list[DemoPerson])
    here = [one for one in told if one.clinic == clinic]
    drawn = (person_of(number, chance_of(clinic, number), with_needs=True) for number in range(len(here)))
    return {one.plan.participant: one for one in drawn}


def room_of(count: int, people: Sequence[DrawnPerson], scenes: Sequence[RoomScene] = SCENES) -> list[RoomMachine]:
    """Return the machines: everybody stands at one of them, and the second half comes after the first."""
    machines = []
    for number in range(count):
        mine = people[number::count]
        machines.append(RoomMachine(f"molle-{number + 1}", number, mine, scenes[number % len(scenes)]))
    return machines


def main(arguments: Sequence[str]) -> int:
    """Run until the pipe is closed."""
    end_with_parent()
    file, clinic, count, refused, *standing = arguments
    known = people_of(Path(file), clinic)
    machines = room_of(int(count), [known[one] for one in standing if one in known])
    machines[-1].refuse(refused)
    by_name = {f"molle-{number + 1}": one for number, one in enumerate(machines)}
    _write(RoomLine("", "open"))
    due_s = time.monotonic()
    waiting = b""
    while True:
        for one in machines:
            # Spread over the second, as real ones are.
            due_s = max(due_s + 1 / len(machines), time.monotonic() - 1)
            while (left_s := due_s - time.monotonic()) > 0:
                if not select.select([0], [], [], left_s)[0]:
                    break
                came = os.read(0, 65536)
                if not came:
                    return 0
                *lines, waiting = (waiting + came).split(b"\n")
                for line in lines:
                    told = msgspec.json.decode(line, type=RoomLine)
                    by_name[told.machine].courier.take(told)
            one.second()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
