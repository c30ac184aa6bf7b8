"""The pulse strap as the coach service sees it, and one that needs no radio: a recording's.

A strap delivers measurements without session time: whoever receives them stamps them with the session's clock. It
reconnects by itself for as long as `run` runs, and says `SignalSourceLost` when it has nothing to deliver and knows
why.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from msgspec import Struct

from coach.kiosk.strap_choice import StrapScene
from coach.model.events import AnyEvent
from coach.model.messages import HeartRate
from coach.model.snapshot import Snapshot
from firmware.recordings.reader import SampleRecording
from firmware.system.clock import Clock


class Measurement(Struct, frozen=True):
    """One notification: `bpm` as sent, `rr_ms` between beats, oldest first, `contact` None where it is not told."""

    bpm: float
    rr_ms: tuple[float, ...] = ()
    contact: bool | None = None

    def at(self, t: float) -> HeartRate:
        """Return the message to the session engine, stamped with the session's second."""
        return HeartRate(t, self.bpm, self.rr_ms, self.contact)


class SignalSourceLost(Struct, frozen=True):
    """Nothing more comes for now: `disconnected`, `no_adapter`, `recording_ended`, …."""

    reason: str


Delivery = Measurement | SignalSourceLost


class SelectedStrap(Struct, frozen=True):
    """The strap that somebody confirmed as theirs.

    `device_serial`: of its device information, where it told one. `address`: where it was connected last, unless the
    key says so.
    """

    key: str
    name: str
    device_serial: str | None = None
    address: str | None = None


class Strap(Protocol):
    """A pulse strap. `name` and `serial` are what is printed on it; None where not known (yet)."""

    @property
    def name(self) -> str:
        """What it calls itself."""
        ...

    @property
    def serial(self) -> str | None:
        """Its serial number, by which the person confirms that it is theirs (hazard H4)."""
        ...

    @property
    def battery_percent(self) -> int | None:
        """Charge of its battery, 0–100."""
        ...

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver each measurement as it comes, until cancelled or until nothing can ever come again.

        `deliver` must return at once and is called on the running loop. The last delivery before a return is
        `SignalSourceLost`; after a return or a cancellation nothing is delivered.
        """
        ...


@runtime_checkable
class ChosenStrap(Strap, Protocol):
    """A strap that a person chooses among those on the air, and that is released for others when they leave."""

    def shown_to(self, on_scene: Callable[[StrapScene], None], on_bond: Callable[[SelectedStrap], None]) -> None:
        """Tell `on_scene` what a person should see when it changes, `on_bond` when the strap has told its serial."""
        ...

    def look(self) -> None:
        """Be bound to none, and list those on the air."""
        ...

    def bind(self, bond: SelectedStrap) -> None:
        """Measure this strap and no other, until released."""
        ...

    def release(self) -> None:
        """Let go of the strap, so that another machine can have it."""
        ...


class SimulatedPersonInput(Struct, frozen=True):
    """What a simulated person sees and hears: the screen now, and what has happened since the last look."""

    snapshot: Snapshot | None = None
    events: tuple[AnyEvent, ...] = ()


class ReplayedStrap:
    """A recording, delivered at the pace at which it was recorded. `from_s`: where in the recording to begin."""

    def __init__(self, recording: SampleRecording, clock: Clock, *, from_s: float = 0.0) -> None:
        """Take the recording; nothing moves before `run`."""
        self._recording = recording
        self._clock = clock
        self._from_s = from_s

    @property
    def name(self) -> str:
        """The recording's file."""
        return self._recording.name

    @property
    def serial(self) -> str | None:
        """None: recordings come without serials."""
        return None

    @property
    def battery_percent(self) -> int | None:
        """None: not recorded."""
        return None

    async def run(self, deliver: Callable[[Delivery], None]) -> None:
        """Deliver each sample at its time, then say that the recording has ended."""
        began = self._clock.now()
        for sample in self._recording.samples:
            if sample.t_s < self._from_s or sample.bpm is None:
                continue
            await self._clock.sleep_until(began + sample.t_s - self._from_s)
            deliver(Measurement(sample.bpm, sample.rr_ms))
        deliver(SignalSourceLost("recording_ended"))
