"""A training protocol: its phases in order, with lengths and target zones. Pure data.

Built-in protocols and a clinic's own are TOML files, read by `coach.model.protocol_file`.
"""

from enum import StrEnum
from math import ceil, floor

from msgspec import Struct

THIRD_MINUTE_S = (120, 180)
"""The third minute of an interval, in seconds from its start: begin and end."""
ROUNDING_SLACK_BPM = 1e-6
"""0.7 of 190 is 133, not the 132.99999999999997 of binary fractions."""


class PhaseKind(StrEnum):
    """What a phase is for; the words are those of rusfeltet.no (warm-up, interval, active recovery, cool-down)."""

    WARM_UP = "warm_up"
    INTERVAL = "interval"
    RECOVERY = "recovery"
    STEADY = "steady"
    MOTOR = "motor"
    COOL_DOWN = "cool_down"


WORK = (PhaseKind.INTERVAL, PhaseKind.STEADY, PhaseKind.MOTOR)

MODERATE_FRACTION, MODERATE_BORG = 0.76, 13
"""Upper ends of moderate effort: 64–76 % of HRmax, Borg 12–13 (ACSM). [to be confirmed by a clinician]"""


class Zone(Struct, frozen=True):
    """A target zone as fractions of HRmax, both ends included (0.85 is 85 %)."""

    low_fraction: float
    high_fraction: float

    def bounds_bpm(self, hr_max_bpm: float, lowered_fraction: float = 0.0) -> tuple[float, float]:
        """Return the zone in whole beats. The only place where a zone's ends are rounded.

        Both ends are rounded inwards, so a whole rate lies within these ends exactly where it lies within the
        fractions. A zone without any whole rate keeps its nearest one.
        """
        low_bpm = (self.low_fraction - lowered_fraction) * hr_max_bpm
        high_bpm = (self.high_fraction - lowered_fraction) * hr_max_bpm
        low, high = ceil(low_bpm - ROUNDING_SLACK_BPM), floor(high_bpm + ROUNDING_SLACK_BPM)
        if low > high:
            low = high = round((low_bpm + high_bpm) / 2)
        return float(low), float(high)


class BorgRange(Struct, frozen=True):
    """A target range of perceived exertion on Borg's scale 6–20, both ends included."""

    low: int
    high: int


class Pattern(Struct, frozen=True):
    """Short work and rest inside one phase, from its first second (Tabata: 20 s / 10 s)."""

    work_s: int
    rest_s: int


class Phase(Struct, frozen=True):
    """One phase of a session.

    `length_s` is whole seconds, so that every moment within a phase lies on the engine's one-second grid.
    `interval` counts 1…n over the phases of kind `interval`, else 0. `texts` maps a language to a short instruction.
    """

    kind: PhaseKind
    length_s: int
    zone: Zone | None = None
    borg: BorgRange | None = None
    interval: int = 0
    pattern: Pattern | None = None
    texts: dict[str, str] = {}


class Protocol(Struct, frozen=True):
    """A whole protocol: `name` is its short key, `titles` maps a language to what people call it."""

    name: str
    titles: dict[str, str]
    phases: tuple[Phase, ...]

    @property
    def intervals(self) -> int:
        """How many phases of kind `interval` it has."""
        return sum(1 for phase in self.phases if phase.kind is PhaseKind.INTERVAL)

    @property
    def length_s(self) -> int:
        """Planned length of the whole session in seconds."""
        return sum(phase.length_s for phase in self.phases)

    @property
    def moderate(self) -> bool:
        """Whether no phase asks for more than moderate effort; a phase without zone or Borg range may ask for more."""
        return all(
            phase.zone is not None
            and phase.zone.high_fraction <= MODERATE_FRACTION
            and phase.borg is not None
            and phase.borg.high <= MODERATE_BORG
            for phase in self.phases
        )
