"""A session in a test's hands: it is told what happens, second by second, and keeps what came out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from coach.guidance.interface import GuidanceInput, GuidanceMaker
from coach.guidance.rules import rule_guidance
from coach.model.cue import Cue, CueName
from coach.model.events import Advice, AdviceGiven, AnyEvent, NoticeCleared, NoticeRaised, PhaseEnded, PhaseStarted
from coach.model.messages import AllRightAnswer, AnyMessage, CommandName, HeartRate, SessionCommand, Time
from coach.model.plan import Load, Plan
from coach.model.protocol import Phase, PhaseKind, Protocol, Zone
from coach.model.protocol_file import read
from coach.model.snapshot import Prediction, Snapshot
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import SessionState, begin

PLAN = Plan(participant="p1", hr_max_bpm=200.0, hr_max_source="measured", start=Load(6.0, 5.0))
"""HRmax 200: the interval's zone is 170–190 bpm, the ceiling 200."""

FASTEST_BPM = 8.0
"""How fast a living heart's rate changes in a second, in these tests."""

PROTOCOLS = Path(__file__).parents[2] / "coach" / "protocols"

TWO_INTERVALS = Protocol(
    "two",
    {"nb": "To drag", "en": "Two intervals"},
    (
        Phase(PhaseKind.WARM_UP, 60, Zone(0.60, 0.75)),
        Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=1),
        Phase(PhaseKind.RECOVERY, 180, Zone(0.60, 0.70)),
        Phase(PhaseKind.INTERVAL, 240, Zone(0.85, 0.95), interval=2),
        Phase(PhaseKind.COOL_DOWN, 120, Zone(0.50, 0.65)),
    ),
)
"""Warm-up 0–60 s, intervals 60–300 and 480–720 s, cool-down 720–840 s."""

STEADY = Protocol(
    "steady-short",
    {"nb": "Rolig", "en": "Steady"},
    (
        Phase(PhaseKind.WARM_UP, 30),
        Phase(PhaseKind.STEADY, 300, Zone(0.65, 0.75)),
        Phase(PhaseKind.COOL_DOWN, 60),
    ),
)


def built_in(name: str) -> Protocol:
    """A protocol that comes with the package."""
    return read((PROTOCOLS / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")


class Says:
    """A guidance that says the same thing every second, or nothing. It learns nothing and doubts nothing."""

    prediction: Prediction | None = None
    response: Any = None
    finding: Any = None
    doubt: str | None = None

    def __init__(self, advice: Advice | None = None) -> None:
        """Say `advice`, always."""
        self.advice = advice

    def second(self, moment: GuidanceInput) -> "tuple[Says, Advice | None]":  # noqa: ARG002 - it heeds nothing
        """The same again."""
        return self, self.advice


class LedSession:
    """One session. The rate is 120 bpm at the start; it wobbles by one beat and climbs or falls by 8 at most.

    Whoever trains answers «are you all right?» at once, unless `answers` is off.
    """

    def __init__(
        self,
        plan: Plan = PLAN,
        protocol: Protocol = TWO_INTERVALS,
        *,
        guidance: GuidanceMaker = rule_guidance,
        started: bool = True,
        answers: bool = True,
    ) -> None:
        """Begin, and start unless told otherwise."""
        self.answers = answers
        self.state: SessionState = begin(plan, protocol, guidance)
        self.events: list[AnyEvent] = []
        self.cues: list[Cue] = []
        if started:
            self.send(HeartRate(0.0, 120.0), SessionCommand(0.0, CommandName.START))

    @property
    def t(self) -> float:
        """The session's time."""
        return self.state.t

    @property
    def seen(self) -> Snapshot:
        """What a display would show now."""
        return snapshot(self.state)

    def send(self, *messages: AnyMessage) -> "LedSession":
        """Send messages as they are."""
        for message in messages:
            stepped = step(self.state, message)
            self.state = stepped.state
            self.events += stepped.events
            self.cues += stepped.cues
        return self

    def live(self, seconds: int, bpm: float | Callable[[float], float] = 120.0, *, until_s: float = 0) -> "LedSession":
        """Live `seconds` (or until the time `until_s`) with one rate each second."""
        for _ in range(int(until_s - self.t) if until_s else seconds):
            t = self.t + 1
            if callable(bpm):
                rate_bpm = bpm(t)
            else:
                last_bpm = self.state.source.bpm or bpm
                rate_bpm = min(max(bpm + t % 2, last_bpm - FASTEST_BPM), last_bpm + FASTEST_BPM)
            self.send(HeartRate(t, rate_bpm))
            if self.answers and self.state.question is not None:
                self.send(AllRightAnswer(t))
        return self

    def live_until(self, t: float, bpm: float | Callable[[float], float] = 120.0) -> "LedSession":
        """Live until `t`, with one rate each second."""
        return self.live(0, bpm, until_s=t)

    def silent_until(self, t: float) -> "LedSession":
        """Time passes without a word from the strap."""
        return self.send(Time(t))

    def command(self, name: CommandName, *, seconds: int | None = None, source: str = "panel") -> "LedSession":
        """Somebody asks for something now."""
        return self.send(SessionCommand(self.t, name, seconds, source))

    def cued(self, *names: CueName) -> list[tuple[float, CueName]]:
        """When each of these cues came; all cues where none is named."""
        return [(cue.t, cue.name) for cue in self.cues if not names or cue.name in names]

    def advice(self) -> list[tuple[float, str, str]]:
        """Every advice: when, its direction and its reason."""
        return [
            (event.t, event.advice.direction.value, event.advice.reason)
            for event in self.events
            if isinstance(event, AdviceGiven)
        ]

    def notices(self) -> list[tuple[float, str]]:
        """Notices raised (`code`) and taken back (`-code`)."""
        return [
            (event.t, event.code if isinstance(event, NoticeRaised) else f"-{event.code}")
            for event in self.events
            if isinstance(event, NoticeRaised | NoticeCleared)
        ]

    def phases(self) -> list[tuple[float, str]]:
        """When each phase began, and its kind."""
        return [(event.t, event.kind.value) for event in self.events if isinstance(event, PhaseStarted)]

    def endings(self) -> list[tuple[float, str, str]]:
        """When each phase ended, its kind and why."""
        return [(event.t, event.kind.value, event.reason) for event in self.events if isinstance(event, PhaseEnded)]
