"""Guidance: once a second it is shown the situation and may advise. However clever, it stands behind one gate.

`Guidance` is what a rule or a learned model implements; it is immutable: each second gives the next one. The gate in
`coach.session.engine` drops every urging that the signal, the ceiling or a limit does not allow, so no guidance can
break H1–H3.
"""

from typing import Any, Protocol, Self

from msgspec import Struct

from coach.model.events import Advice, Direction, HrMaxFinding, Signal
from coach.model.plan import Plan
from coach.model.protocol import Phase
from coach.model.snapshot import Prediction

ADVICE_APART_S = 20.0
QUIET_INTERVAL_S = 90
QUIET_RECOVERY_S = 60
EASE_FROM_S = 60
"""In an interval nothing is asked for in its first 90 s, but slowing down is, from 60 s on, where the rate sails too
high."""
PHASE_START = "phase_start"
"""Reason of the advice that sets the treadmill for a phase. It is no zone advice, so no quiet time holds it back."""
REMINDER = "reminder"
"""Reason of the phase's setting said once more, where it was not taken."""
RESUMED = "resumed"
"""Reason of the setting to go back to after a pause, shown until the guidance has something new to say."""
SETTING_REASONS = (PHASE_START, REMINDER)


class GuidanceInput(Struct, frozen=True, kw_only=True):
    """The situation at one second of a phase.

    `second` counts from 0 at the phase's start; `length_s` is the phase's length now. `bpm` is null unless the source
    is live or weak; `fresh_s` is the rate's age and `flat_s` how long it has stood still. `low_bpm`/`high_bpm`: the
    zone now. `borg`: the exertion reported since the last second. `increase_allowed`: whether advice to go faster would
    pass the gate now. `quiet`: zone advice would not be spoken now.
    """

    t: float
    phase: Phase
    second: int
    length_s: int
    bpm: float | None
    signal: Signal
    fresh_s: float | None
    flat_s: float
    low_bpm: float | None
    high_bpm: float | None
    speed_kmh: float | None
    incline_percent: float | None
    asked_kmh: float | None = None
    borg: int | None
    increase_allowed: bool
    quiet: bool
    quiet_slower: bool = True


class Guidance(Protocol):
    """An immutable adviser. `second` is called once at each whole second of every running phase, 0 included."""

    def second(self, moment: GuidanceInput) -> tuple[Self, Advice | None]:
        """Return the next guidance, and an advice where there is a new one. At second 0: the setting for this phase."""
        ...

    @property
    def prediction(self) -> Prediction | None:
        """Where the rate is expected at the interval's end, if this guidance can tell."""
        ...

    @property
    def finding(self) -> HrMaxFinding | None:
        """What the evidence says of the plan's HRmax, where it disagrees."""
        ...

    @property
    def doubt(self) -> str | None:
        """Why the rate does not fit what a heart would do at this load (a reason for no urging); None where it fits."""
        ...

    @property
    def response(self) -> Any:  # noqa: ANN401 - any JSON value: only the guidance that made it reads it
        """What was learned about this person, for the next session's plan."""
        ...


class GuidanceMaker(Protocol):
    """Makes the guidance for one session from its plan."""

    def __call__(self, plan: Plan) -> Guidance:
        """Return a guidance at the session's start."""
        ...


def asks_for_more_effort(advice: Advice, speed_kmh: float | None, incline_percent: float | None) -> bool:
    """Whether an advice asks for more effort than the treadmill's setting now."""
    return (
        advice.direction is Direction.FASTER
        or (advice.speed_change_kmh or 0.0) > 0
        or (advice.speed_kmh is not None and speed_kmh is not None and advice.speed_kmh > speed_kmh)
        or (
            advice.incline_percent is not None
            and incline_percent is not None
            and advice.incline_percent > incline_percent
        )
    )
