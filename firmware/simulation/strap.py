"""The strap of a simulated person, and who that person is, by the name that `--strap` takes."""

from collections.abc import Callable
from typing import cast, get_args

import numpy as np
from msgspec.structs import replace

from coach.model.messages import AnyMessage, HeartRate
from coach.model.plan import Plan
from firmware.sensors.factory import StrapError, StrapKind, StrapMaker
from firmware.sensors.strap import Delivery, Measurement, SimulatedPersonInput
from firmware.simulation.heart import DayForm, Kind, Population, SimulatedHeart, draw_day, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.system.clock import Clock

KINDS: tuple[str, ...] = get_args(Kind)
SIMULATED = "simulated"
NICKNAMES = {"nb": "Rev", "en": "Fox"}


class Wearer:
    """A simulated participant, and the plan that a therapist would have made for them: the same for the same seed."""

    def __init__(self, kind: Kind = "ordinary", seed: int = 0) -> None:
        """Draw somebody."""
        rng = np.random.default_rng(seed)
        self.participant: SimulatedHeart = Population().draw(rng, kind)
        self.day: DayForm = draw_day(rng)
        self._seed = seed

    def plan(self, protocol: str = "4x4", language: str = "nb") -> Plan:
        """Return what a therapist plans for them."""
        plan = plan_for(self.participant, np.random.default_rng(self._seed + 1), name="simulated", protocol=protocol)
        nickname = NICKNAMES["en" if language == "en" else "nb"]
        return replace(plan, language="en" if language == "en" else "nb", nickname=nickname)

    def person(self) -> SimulatedPerson:
        """Let them stand beside the treadmill."""
        return SimulatedPerson(self.participant, self.day, np.random.default_rng(self._seed + 2))


def wearer_of(spec: str) -> Wearer:
    """Who wears a simulated strap. Raises StrapError."""
    _, _, rest = spec.partition(":")
    kind, _, seed = (rest or "ordinary,0").partition(",")
    if kind not in KINDS:
        raise StrapError(f"«{kind}» is no kind of simulated participant. There are {', '.join(KINDS)}.")
    if not (seed or "0").isdigit():
        raise StrapError(f"The seed «{seed}» is no whole number. Write --strap simulated:{kind},7 for example.")
    return Wearer(cast("Kind", kind), int(seed or "0"))


def is_simulated(spec: str) -> bool:
    """Whether nobody real wears this strap."""
    return spec.partition(":")[0] == SIMULATED


def _nothing() -> SimulatedPersonInput:
    return SimulatedPersonInput()


def _unheard(_: AnyMessage) -> None:
    """Nobody takes down what the person does beside the strap."""


class SimulatedStrap:
    """The strap on a simulated person, who lives one second for each second of `clock`.

    `look` shows the person the session; without it they stand at rest. `act` takes what they do beside wearing the
    strap: set the treadmill, answer, give Borg and mood, each stamped with the last seen session time.
    """

    def __init__(
        self,
        person: SimulatedPerson,
        clock: Clock,
        *,
        look: Callable[[], SimulatedPersonInput] = _nothing,
        act: Callable[[AnyMessage], None] = _unheard,
        serial: str = "51A70001",
    ) -> None:
        """Fasten the strap."""
        self._person = person
        self._clock = clock
        self._look = look
        self._act = act
        self._serial = serial

    @property
    def name(self) -> str:
        """Its name, with the serial in it as on a real one."""
        return f"Simulated {self._serial}"

    @property
    def serial(self) -> str | None:
        """Its serial number."""
        return self._serial

    @property
    def battery_percent(self) -> int | None:
        """Full: it never runs down."""
        return 100

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver one measurement a second; a clock that runs ahead is caught up with second by second."""
        due = self._clock.now()
        while True:
            due += 1
            await self._clock.sleep_until(due)
            sight = self._look()
            t = sight.snapshot.t if sight.snapshot else due
            for message in self._person.second(t, sight.snapshot, sight.events):
                if isinstance(message, HeartRate):
                    deliver(Measurement(message.bpm, message.rr_ms, message.contact))
                else:
                    self._act(message)


def _maker(spec: str) -> StrapMaker:
    wearer = wearer_of(spec)
    return lambda clock, look, act: SimulatedStrap(wearer.person(), clock, look=look, act=act)


SIMULATED_STRAP = StrapKind(SIMULATED, ("«simulated»", f"«simulated:KIND,SEED» (KIND: {', '.join(KINDS)})"), _maker)
