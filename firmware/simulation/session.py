"""A whole session in a blink: somebody in training, the session engine, and no clock but the count of seconds.

Every second the trainee is shown the screen and what has happened, and says what strap, treadmill and person tell; the
faults spoil the strap's part; the engine takes it. `seconds()` hands out each second as it passes, `simulate_session()`
the whole.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from msgspec import Struct

from coach.errors import MessageRefused
from coach.guidance.defaults import default_guidance
from coach.guidance.interface import GuidanceMaker
from coach.model.cue import Cue
from coach.model.events import AnyEvent, QuestionAsked, SessionEnded, Signal
from coach.model.messages import (
    AllRightAnswer,
    AnyMessage,
    CommandName,
    HeartRate,
    Readiness,
    SessionCommand,
    Time,
    TreadmillSpeed,
)
from coach.model.plan import Plan
from coach.model.protocol import Protocol as TrainingProtocol
from coach.model.snapshot import Snapshot
from coach.model.summary import Summary
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin
from firmware.recordings.errors import RecordingFileError
from firmware.recordings.pace import draw_pace
from firmware.recordings.sample import SampleRecording
from firmware.simulation.faults import AnyFault, Injector
from firmware.system.errors import FirmwareError

AFTERWARDS_S = 30
"""How long somebody is listened to after the end, for Borg and mood."""
LONGEST_S = 4 * 3600


class RehearsalError(FirmwareError, ValueError):
    """A session that could not be rehearsed to its end."""


class Trainee(Protocol):
    """Somebody in training: a `SimulatedPerson`, or a recording of a real one."""

    def second(self, t: float, snapshot: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Live the second that ends at `t`; return what is told to the session, in the order of time."""
        ...

    @property
    def rate_bpm(self) -> float | None:
        """The true rate now, unspoilt by strap and faults; None where it is not known."""
        ...


class SimulatedSecond(Struct, frozen=True):
    """One second: what the engine took, what came out, codes of what it refused, and the state after it."""

    t: float
    messages: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]
    cues: tuple[Cue, ...]
    refused: tuple[str, ...]
    true_bpm: float | None
    state: SessionState


class SimulatedRow(Struct, frozen=True):
    """One row of a rehearsal: true rate, rate as last sent, the source's state, and the treadmill."""

    t: float
    phase: str
    interval: int
    true_bpm: float | None
    sent_bpm: float | None
    signal: Signal
    speed_kmh: float | None
    incline_percent: float | None


class Rehearsal(Struct, frozen=True, kw_only=True):
    """A whole rehearsed session. `messages` are those that the engine took: a journal of the session."""

    plan: Plan
    protocol: TrainingProtocol
    summary: Summary
    events: tuple[AnyEvent, ...]
    cues: tuple[Cue, ...]
    messages: tuple[AnyMessage, ...]
    samples: tuple[SimulatedRow, ...]
    refused: tuple[str, ...]


def seconds(
    plan: Plan,
    protocol: TrainingProtocol,
    trainee: Trainee,
    *,
    faults: tuple[AnyFault, ...] = (),
    rng: np.random.Generator | None = None,
    guidance: GuidanceMaker = default_guidance,
    recorded: bool = False,
) -> Iterator[SimulatedSecond]:
    """Begin a session at second 0, and hand out each second until it has ended and Borg and mood have been said.

    Readiness questions are answered with no, and start is pressed at once. `recorded`: the trainee is a file. Raises
    PlanError as the engine does.
    """
    state = begin(plan, protocol, guidance, recorded=recorded)
    injector = Injector(faults, np.random.default_rng(0) if rng is None else rng)
    events: tuple[AnyEvent, ...] = ()
    ended_t: int | None = None
    for t in range(LONGEST_S):
        told = trainee.second(float(t), snapshot(state), events)
        beats = [message for message in told if isinstance(message, HeartRate)]
        incoming: list[AnyMessage] = [*injector.second(float(t), beats)] if faults else [*beats]
        incoming += [message for message in told if not isinstance(message, HeartRate)]
        if t == 0:
            if plan.questions:
                incoming.append(Readiness(0.0, dict.fromkeys(plan.questions, False)))
            incoming.append(SessionCommand(0.0, CommandName.START))
        incoming.append(Time(float(t)))
        happened: list[AnyEvent] = []
        cues: list[Cue] = []
        taken: list[AnyMessage] = []
        refused: list[str] = []
        for message in incoming:
            try:
                stepped = step(state, message)
            except MessageRefused as refusal:
                refused.append(refusal.code)
                continue
            state = stepped.state
            taken.append(message)
            happened += stepped.events
            cues += stepped.cues
        events = tuple(happened)
        yield SimulatedSecond(float(t), tuple(taken), events, tuple(cues), tuple(refused), trainee.rate_bpm, state)
        if ended_t is None and state.stage in ("ended", "not_today"):
            ended_t = t
        if ended_t is not None and t >= ended_t + AFTERWARDS_S:
            return


def simulate_session(
    plan: Plan,
    protocol: TrainingProtocol,
    trainee: Trainee,
    *,
    faults: tuple[AnyFault, ...] = (),
    rng: np.random.Generator | None = None,
    guidance: GuidanceMaker = default_guidance,
) -> Rehearsal:
    """Run a whole session in a blink. Raises RehearsalError where the plan allows no session today or it never ends."""
    lived = list(seconds(plan, protocol, trainee, faults=faults, rng=rng, guidance=guidance))
    return gathered(plan, protocol, lived)


def gathered(plan: Plan, protocol: TrainingProtocol, lived: list[SimulatedSecond]) -> Rehearsal:
    """Put the seconds of a session together. Raises RehearsalError where it had no end."""
    summary = lived[-1].state.summary if lived else None
    if summary is None:
        raise RehearsalError(
            "The session came to no end: the plan allows none today, or it was still paused after four hours."
        )
    return Rehearsal(
        plan=plan,
        protocol=protocol,
        summary=summary,
        events=tuple(event for second in lived for event in second.events),
        cues=tuple(cue for second in lived for cue in second.cues),
        messages=tuple(message for second in lived for message in second.messages),
        samples=tuple(_moments(lived)),
        refused=tuple(code for second in lived for code in second.refused),
    )


def _moments(lived: list[SimulatedSecond]) -> Iterator[SimulatedRow]:
    for second in lived:
        state = second.state
        running = state.stage in ("running", "paused")
        sent = [message.bpm for message in second.messages if isinstance(message, HeartRate)]
        yield SimulatedRow(
            t=second.t,
            phase=state.phase.kind.value if running else "waiting" if state.summary is None else "ended",
            interval=state.phase.interval if running else 0,
            true_bpm=second.true_bpm,
            sent_bpm=sent[-1] if sent else None,
            signal=state.source.signal,
            speed_kmh=state.speed_kmh,
            incline_percent=state.incline_percent,
        )


class Recorded:
    """A recording in the place of a person: answers every question, heeds no advice, and stops when it ends."""

    def __init__(self, recording: SampleRecording, *, from_s: float = 0.0) -> None:
        """Begin at `from_s` of the recording. Raises RecordingError where nothing is left from there."""
        samples = draw_pace(recording).samples
        first = next((at for at, sample in enumerate(samples) if sample.t_s >= from_s), None)
        if first is None:
            raise RecordingFileError(
                recording.name, 0, f"The recording ends at {recording.end_s:g} s, before {from_s:g} s. Begin earlier."
            )
        self._samples = samples
        self._at = first
        self._from_s = from_s
        self._over = False
        self.rate_bpm: float | None = None

    def second(self, t: float, _: Snapshot | None, events: tuple[AnyEvent, ...]) -> list[AnyMessage]:
        """Return what was recorded in the second that ends at `t`."""
        messages: list[AnyMessage] = []
        self._over = self._over or any(isinstance(event, SessionEnded) for event in events)
        while self._at < len(self._samples) and self._samples[self._at].t_s - self._from_s <= t:
            sample = self._samples[self._at]
            at_t = sample.t_s - self._from_s
            self._at += 1
            if sample.bpm is not None:
                self.rate_bpm = sample.bpm
                messages.append(HeartRate(at_t, sample.bpm, sample.rr_ms))
            if sample.speed_kmh is not None:
                messages.append(TreadmillSpeed(at_t, sample.speed_kmh, sample.incline_percent or 0.0))
        if any(isinstance(event, QuestionAsked) for event in events):
            messages.append(AllRightAnswer(t))
        if self._at == len(self._samples) and not self._over and t > 0:
            self._over = True
            messages.append(SessionCommand(t, CommandName.STOP, source="recording"))
        return messages
