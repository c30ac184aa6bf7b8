import asyncio
import time

import pytest

from firmware.system.clock import AHEAD_S, ClockError, DemoClock, HandClock, ScaledClock, SystemClock


def test_a_hand_clock_wakes_sleepers_at_their_own_moments_in_order() -> None:
    async def main() -> list[tuple[str, float]]:
        clock = HandClock()
        woken: list[tuple[str, float]] = []

        async def sleeper(name: str, t: float) -> None:
            await clock.sleep_until(t)
            woken.append((name, clock.now()))

        async with asyncio.TaskGroup() as group:
            for name, t in (("late", 3.0), ("early", 1.0), ("past", 0.0), ("second early", 1.0)):
                group.create_task(sleeper(name, t))
            await clock.advance(2)
            assert clock.now() == 2
            await clock.advance(5)
        return woken

    assert asyncio.run(main()) == [("past", 0.0), ("early", 1.0), ("second early", 1.0), ("late", 3.0)]


def test_a_cancelled_sleeper_disturbs_nobody() -> None:
    async def main() -> float:
        clock = HandClock()
        task = asyncio.create_task(clock.sleep_until(1))
        await asyncio.sleep(0)
        task.cancel()
        await clock.advance(2)
        return clock.now()

    assert asyncio.run(main()) == 2


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_clock_refuses_to_stand_still_or_run_backwards(speed: float) -> None:
    with pytest.raises(ClockError):
        ScaledClock(speed)
    with pytest.raises(ClockError):
        asyncio.run(HandClock().advance(-1))


def test_a_scaled_clock_sleeps_until_its_own_time_and_never_less() -> None:
    async def main() -> tuple[float, float]:
        clock = ScaledClock(1000)
        await clock.sleep_until(20)
        after = clock.now()
        await clock.sleep_until(0)
        return after, SystemClock().now()

    after, real = asyncio.run(main())
    assert after >= 20
    assert 0 <= real < 5


def test_time_that_the_computer_withholds_from_a_simulated_person_does_not_pass_in_a_demo() -> None:
    async def main() -> list[float]:
        clock, read = DemoClock(400), []
        for second in range(1, 4):
            await clock.sleep_until(float(second))
            # The processor is with others for 40 s of the session: before the person acts, and while they do.
            time.sleep(0.1)  # noqa: ASYNC251 - the loop itself is held up
            read.append(clock.now() - second)
        return read

    ahead_s = asyncio.run(main())
    assert all(0 <= one <= AHEAD_S for one in ahead_s)


def test_a_demo_clock_runs_at_its_speed_never_backwards_and_on_once_a_recording_is_over() -> None:
    async def main() -> tuple[list[float], float, float]:
        clock, read = DemoClock(100), []
        for second in range(1, 20):
            await clock.sleep_until(float(second))
            read += [clock.now(), clock.now()]
        clock.run_free()
        time.sleep(0.1)  # noqa: ASYNC251 - the loop itself is held up
        free = clock.now()
        return read, free, clock.monotonic_s(free) - time.monotonic()

    read, free, apart_s = asyncio.run(main())
    assert read == sorted(read)
    assert free - read[-1] >= 9.9
    assert abs(apart_s) < 0.1
