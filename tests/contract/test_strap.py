"""One suite over every pulse strap: simulated, recorded, and over Bluetooth by bleak on a real D-Bus."""

import asyncio
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from coach.guidance.rules import rule_guidance
from coach.model.events import AnyEvent, Signal
from coach.model.messages import AnyMessage, CommandName, SessionCommand, Time
from coach.model.snapshot import Snapshot
from coach.session.engine import step
from coach.session.snapshots import snapshot
from coach.session.state import begin
from firmware.participants.protocol_files import load
from firmware.recordings.reader import SampleRecording
from firmware.recordings.sample import Sample
from firmware.sensors.adapter import BluetoothAdapter
from firmware.sensors.ble_strap import BluetoothStrap
from firmware.sensors.scanner import SharedScanner
from firmware.sensors.strap import (
    Delivery,
    Measurement,
    ReplayedStrap,
    SelectedStrap,
    SignalSourceLost,
    SimulatedPersonInput,
    Strap,
)
from firmware.simulation.heart import DayForm, Population, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.strap import SimulatedStrap
from firmware.system.clock import HandClock
from tests.support.bluez.fake_bluez import FakeBlueZ
from tests.support.bluez.fake_bluez import strap as peripheral
from tests.support.bluez.private_bus import HAS_DAEMON, private_bus

SECONDS = 30
PATIENCE_S = 60.0


def simulated(clock: HandClock) -> Strap:
    rng = np.random.default_rng(1)
    return SimulatedStrap(SimulatedPerson(Population().draw(rng), DayForm(), rng), clock)


def replayed(clock: HandClock) -> Strap:
    samples = tuple(Sample(float(t), 100.0 + t, (600.0,)) for t in range(600))
    return ReplayedStrap(SampleRecording(name="a.csv", samples=samples), clock)


Maker = Callable[[HandClock], Strap]
Heard = list[tuple[float, Delivery]]


def worn(make: Maker, seconds: int) -> tuple[Strap, Heard]:
    """Wear the strap for so many seconds; return it, and what was delivered and when."""

    async def main() -> tuple[Strap, Heard]:
        clock = HandClock()
        heard: Heard = []
        strap = make(clock)
        task = asyncio.create_task(strap.run(lambda delivery: heard.append((clock.now(), delivery))))
        await clock.advance(seconds)
        count = len(heard)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.advance(seconds)
        assert len(heard) == count, "something was delivered after the strap was taken off"
        return strap, heard

    return asyncio.run(main())


def over_the_air(seconds: int) -> tuple[Strap, Heard]:
    """The same with a strap on the air that beats once in each second of the clock."""

    async def main() -> tuple[Strap, Heard]:
        clock, heard, h10 = HandClock(), Heard(), peripheral()
        async with FakeBlueZ(h10) as bluez:
            radio = BluetoothAdapter()
            strap = BluetoothStrap(
                radio, SharedScanner(radio), bond=SelectedStrap("serial:8F3A2B1C", "Polar H10 8F3A2B1C")
            )
            task = asyncio.create_task(strap.run(lambda delivery: heard.append((clock.now(), delivery))))
            async with asyncio.timeout(PATIENCE_S):
                while not h10.notifying or strap.battery_percent is None:  # noqa: ASYNC110 - the far end tells nobody
                    await asyncio.sleep(0.01)
                for second in range(seconds):
                    await clock.advance(1)
                    bluez.beat(h10, 80 + second, (768, 770))
                    while len(heard) <= second:  # noqa: ASYNC110 - it is heard by a callback
                        await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert not bluez.beat(h10), "somebody listens after the strap was taken off"
            assert len(heard) == seconds
        return strap, heard

    with private_bus():
        return asyncio.run(main())


WEARERS = [
    pytest.param(partial(worn, simulated), id="simulated"),
    pytest.param(partial(worn, replayed), id="replayed"),
    pytest.param(
        over_the_air,
        id="bluetooth",
        marks=pytest.mark.skipif(not HAS_DAEMON, reason="dbus-daemon is not installed: run scripts/set-up.sh"),
    ),
]


@pytest.mark.parametrize("wear", WEARERS)
def test_a_strap_delivers_about_one_measurement_a_second(wear: Callable[[int], tuple[Strap, Heard]]) -> None:
    _, heard = wear(SECONDS)
    assert SECONDS - 1 <= len(heard) <= SECONDS + 1
    assert all(isinstance(delivery, Measurement) for _, delivery in heard)


@pytest.mark.parametrize("wear", WEARERS)
def test_measurements_are_a_living_persons(wear: Callable[[int], tuple[Strap, Heard]]) -> None:
    for _, delivery in wear(SECONDS)[1]:
        assert isinstance(delivery, Measurement)
        assert 30 <= delivery.bpm <= 230
        assert all(250 <= rr <= 2000 for rr in delivery.rr_ms)


@pytest.mark.parametrize("wear", WEARERS)
def test_a_strap_says_what_it_is_called(wear: Callable[[int], tuple[Strap, Heard]]) -> None:
    strap, _ = wear(2)
    assert strap.name
    assert strap.serial is None or strap.serial in strap.name
    assert strap.battery_percent is None or 0 <= strap.battery_percent <= 100


def test_a_recording_that_has_ended_says_so_and_returns() -> None:
    async def main() -> list[Delivery]:
        clock = HandClock()
        heard: list[Delivery] = []
        recording = SampleRecording(name="a.csv", samples=(Sample(0.0, 90.0), Sample(5.0, 91.0), Sample(6.0, None)))
        task = asyncio.create_task(ReplayedStrap(recording, clock, from_s=2).run(heard.append))
        await clock.advance(2.9)
        assert heard == []
        await clock.advance(10)
        await task
        return heard

    assert asyncio.run(main()) == [Measurement(91.0), SignalSourceLost("recording_ended")]


def test_a_measurement_becomes_a_message_of_the_sessions_time() -> None:
    message = Measurement(120.0, (500.0,), contact=True).at(12.0)
    assert (message.t, message.bpm, message.rr_ms, message.contact) == (12.0, 120.0, (500.0,), True)


def test_a_person_with_a_simulated_strap_is_led_through_a_session_by_what_they_see() -> None:
    """The strap delivers, the person acts beside it, and the session answers, all on one clock."""

    async def main() -> tuple[Snapshot, set[str]]:
        clock = HandClock()
        rng = np.random.default_rng(2)
        who = Population().draw(rng)
        state = begin(plan_for(who, rng), load("4x4"), rule_guidance)
        state = step(state, SessionCommand(0.0, CommandName.START)).state
        unseen: list[AnyEvent] = []
        acted: set[str] = set()

        def take(message: AnyMessage) -> None:
            nonlocal state
            stepped = step(state, message)
            state = stepped.state
            unseen.extend(stepped.events)

        def look() -> SimulatedPersonInput:
            take(Time(clock.now()))
            sight = SimulatedPersonInput(snapshot(state), tuple(unseen))
            unseen.clear()
            return sight

        def act(message: AnyMessage) -> None:
            acted.add(type(message).__name__)
            take(message)

        def deliver(delivery: Delivery) -> None:
            assert isinstance(delivery, Measurement)
            take(delivery.at(clock.now()))

        strap = SimulatedStrap(SimulatedPerson(who, DayForm(), rng), clock, look=look, act=act)
        task = asyncio.create_task(strap.run(deliver))
        await clock.advance(900)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return snapshot(state), acted

    seen, acted = asyncio.run(main())
    assert (seen.phase, seen.signal) == ("recovery", Signal.LIVE)
    assert seen.speed_kmh
    assert {"TreadmillSpeed", "Exertion"} <= acted
