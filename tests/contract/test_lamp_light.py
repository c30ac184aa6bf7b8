"""One suite over every lamp and buzzer that needs no Raspberry Pi: by hand, and through gpiozero's mock pins."""

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Literal

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from hypothesis import given
from hypothesis import strategies as st

from coach.model.cue import Cue, CueName
from coach.model.events import Level
from display.lamp.pattern import ABOVE, BELOW, IDLE, IN_ZONE, STOP_NOW, STRAP_LOST, LampState, brightness_at
from display.lamp.pwm import LampLight, ThreeColours, shares
from display.sound.buzzer import STEP_S, STRENGTH, Buzzer, BuzzerStep, Buzzing, steps
from display.sound.phrases import soundings
from display.sound.tones import TonePattern
from firmware.config.schema import BuzzerPart, LampPart
from firmware.panel.gpio import PWM_HZ, GpioBuzzer, GpioLamp
from firmware.system.errors import PanelError

PART = LampPart()


class _HandLamp:
    """Three colours that only remember."""

    def __init__(self) -> None:
        self.shone: tuple[float, float, float] = (0.0, 0.0, 0.0)
        self.closed = self.gone = False

    def shine(self, red: float, green: float, blue: float) -> None:
        if self.gone:
            raise PanelError("somebody took it away")
        self.shone = (red, green, blue)

    def close(self) -> None:
        self.closed = True


class _Rig:
    """A lamp, and what is seen of it."""

    def __init__(self) -> None:
        self.there = True
        self.now_s = 0.0
        self.tries = 0
        self.light = LampLight(self._open, monotonic=lambda: self.now_s)

    def _open(self) -> ThreeColours:
        self.tries += 1
        if not self.there:
            raise PanelError("there is no chip")
        return self.make()

    def make(self) -> ThreeColours:
        self.lamp = _HandLamp()
        return self.lamp

    def seen(self) -> tuple[float, float, float]:
        return self.lamp.shone

    def vanish(self) -> None:
        self.there, self.lamp.gone = False, True


class _MockPin(MockPWMPin):
    """gpiozero's mock pin, which may vanish."""

    gone = False

    def _set_state(self, value: float) -> None:
        if self.gone:
            raise OSError("the chip is gone")
        super()._set_state(value)


class _GpioRig(_Rig):
    """gpiozero's own code over its mock pins."""

    part = PART

    def make(self) -> ThreeColours:
        _MockPin.gone = False
        self.factory = MockFactory(pin_class=_MockPin)
        return GpioLamp(self.part, self.factory)

    def seen(self) -> tuple[float, float, float]:
        pins = [self.factory.pin(number) for number in (PART.red_pin, PART.green_pin, PART.blue_pin)]
        assert {pin.frequency for pin in pins} == {PWM_HZ}
        levels = [1 - pin.state if self.part.common_anode else pin.state for pin in pins]
        return levels[0], levels[1], levels[2]

    def vanish(self) -> None:
        self.there, _MockPin.gone = False, True


class _CommonAnodeRig(_GpioRig):
    """The same, joined to 3.3 V: a low pin shines."""

    part = LampPart(common_anode=True)


on_all = pytest.mark.parametrize("make", [_Rig, _GpioRig, _CommonAnodeRig])
MakeRig = Callable[[], _Rig]


@on_all
@pytest.mark.parametrize("state", [BELOW, IN_ZONE, ABOVE, STRAP_LOST, STOP_NOW, IDLE])
def test_the_lamp_shines_in_the_colour_of_the_state(make: MakeRig, state: LampState) -> None:
    rig = make()
    rig.light.show(state, 1.0)
    assert rig.seen() == pytest.approx(shares(state.colour, 1.0))


@on_all
def test_a_lost_strap_winks_twice_and_is_dark_until_the_next_pair(make: MakeRig) -> None:
    rig = make()
    bright = []
    for hundredth in range(240):
        rig.light.show(STRAP_LOST, brightness_at(STRAP_LOST, hundredth / 100))
        bright.append(max(rig.seen()) > 0.1)
    winks = [len(list(run)) for lit, run in itertools.groupby(bright) if lit]
    assert len(winks) == 2
    assert not any(bright[80:])


@on_all
def test_a_closed_lamp_is_dark(make: MakeRig) -> None:
    rig = make()
    rig.light.show(IN_ZONE, 1.0)
    rig.light.close()
    assert isinstance(rig, _GpioRig) or rig.lamp.closed


@on_all
def test_a_lamp_that_is_not_there_is_tried_again_ever_slower(make: MakeRig) -> None:
    rig = make()
    rig.there = False
    for _ in range(3000):
        with pytest.raises(OSError, match="there is no chip"):
            rig.light.show(IN_ZONE, 1.0)
        rig.now_s += 0.1
    assert rig.tries == 9
    rig.there = True
    rig.now_s += 60.0
    rig.light.show(IN_ZONE, 1.0)
    assert rig.seen()[1] > 0.5


@on_all
def test_a_lamp_that_goes_away_while_it_shines_comes_back(make: MakeRig) -> None:
    rig = make()
    rig.light.show(IN_ZONE, 1.0)
    rig.vanish()
    with pytest.raises(OSError, match=r"gone|away"):
        rig.light.show(ABOVE, 1.0)
    rig.there = True
    rig.now_s += 3.0
    rig.light.show(ABOVE, 1.0)
    assert rig.seen() == pytest.approx(shares(ABOVE.colour, 1.0))


def test_the_lamp_is_never_brighter_than_the_settings_say() -> None:
    lamp = _HandLamp()
    LampLight(lambda: lamp, brightest=0.25).show(LampState((255, 255, 255), IN_ZONE.pattern), 1.0)
    assert max(lamp.shone) <= 0.26


@given(st.tuples(*(st.integers(0, 255),) * 3), st.floats(-1, 2))
def test_every_light_lies_between_dark_and_full(colour: tuple[int, int, int], brightness: float) -> None:
    assert all(0 <= share <= 1 for share in shares(colour, brightness))


def test_pins_that_are_taken_are_told_of_and_let_go() -> None:
    factory = MockFactory(pin_class=MockPWMPin)
    with pytest.raises(PanelError, match="lamp's pins"):
        GpioLamp(LampPart(red_pin=5, green_pin=5), factory)
    GpioLamp(PART, factory).close()


# The buzzer


class _HandBuzzer:
    """Remembers what it sounded, and when in its own time."""

    def __init__(self, kind: Literal["tonal", "plain"] = "tonal") -> None:
        self.kind: Literal["tonal", "plain"] = kind
        self.sounded: list[tuple[float, float]] = []
        self.closed = self.gone = False

    def sound(self, hz: float, strength: float) -> None:
        if self.gone:
            raise PanelError("somebody took it away")
        self.sounded.append((hz, strength))

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("pattern", list(TonePattern))
@pytest.mark.parametrize("level", list(Level))
def test_no_tone_of_a_buzzer_startles(pattern: TonePattern, level: Level) -> None:
    """Hazard H10: each note swells in and out, none is louder than its level allows, and none is full."""
    sung = steps(pattern, level)
    strengths = [0.0, *(step.strength for step in sung), 0.0]
    assert max(strengths) <= STRENGTH[level] < 0.7
    rises = [after - before for before, after in itertools.pairwise(strengths)]
    assert max(abs(rise) for rise in rises) <= STRENGTH[level] * 0.75
    assert all(200 < step.hz < 4000 for step in sung if step.strength)
    assert all(0 < step.length_s <= max(STEP_S * 1.5, 0.3) for step in sung)


def test_levels_of_a_buzzer_lie_at_most_6_db_apart() -> None:
    information, attention, stop_now = (
        STRENGTH[level] for level in (Level.INFORMATION, Level.ATTENTION, Level.STOP_NOW)
    )
    assert 1 < attention / information < 2
    assert 1 < stop_now / attention < 2


@pytest.mark.parametrize("pattern", list(TonePattern))
def test_a_plain_buzzer_knocks_shortly_in_the_same_rhythm(pattern: TonePattern) -> None:
    knocked = steps(pattern, Level.INFORMATION, "plain")
    assert all(step.length_s <= 0.08 for step in knocked if step.strength)
    sung_s = sum(step.length_s for step in steps(pattern, Level.INFORMATION))
    assert sum(step.length_s for step in knocked) == pytest.approx(sung_s, abs=0.05)


class _Time:
    """Passes no time between steps, and tells when a tone has ended."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def __call__(self, interrupt: threading.Event, length_s: float) -> bool:
        self.waits.append(length_s)
        return interrupt.is_set()


def played(buzzer: Buzzer, driver: _HandBuzzer, *cues: Cue) -> None:
    """Play, and close: the last cue has been sounded then."""
    for cue in cues:
        done = threading.Event()
        sound = driver.sound

        def watch(
            hz: float,
            strength: float,
            done: threading.Event = done,
            sound: Callable[[float, float], None] = sound,
        ) -> None:
            try:
                sound(hz, strength)
            finally:
                if strength == 0 and hz == 0:
                    done.set()

        driver.sound = watch  # type: ignore[method-assign]
        buzzer.play(cue)
        assert done.wait(60)
        driver.sound = sound  # type: ignore[method-assign]


def test_a_cue_is_heard_as_its_tone() -> None:
    driver, passes = _HandBuzzer(), _Time()
    buzzer = Buzzer(lambda: driver, passes)
    played(buzzer, driver, Cue(0.0, CueName.FASTER))
    buzzer.close()
    sounding = soundings()[CueName.FASTER]
    expected = [(s.hz, s.strength) for s in steps(sounding.tone, sounding.level_for(Cue(0.0, CueName.FASTER)))]
    assert driver.sounded[: len(expected)] == expected
    assert driver.sounded[len(expected) :] == [(0.0, 0.0)]
    assert driver.closed


def test_a_buzzer_that_is_not_there_hurts_nobody_and_is_found_by_a_later_cue(caplog: pytest.LogCaptureFixture) -> None:
    driver, tried = _HandBuzzer(), threading.Semaphore(0)
    there = False

    def opener() -> Buzzing:
        tried.release()
        if not there:
            raise PanelError("there is no chip")
        return driver

    with caplog.at_level(logging.WARNING):
        buzzer = Buzzer(opener, _Time())
        for _ in range(2):
            buzzer.play(Cue(0.0, CueName.HOLD))
            assert tried.acquire(timeout=60)
        there = True
        played(buzzer, driver, Cue(0.0, CueName.HOLD))
        buzzer.close()
    assert [": lost (" in record.message for record in caplog.records] == [True, False]


@pytest.mark.parametrize("driver", ["tonal", "plain"])
def test_gpiozero_sounds_and_falls_silent(driver: Literal["tonal", "plain"]) -> None:
    factory = MockFactory(pin_class=MockPWMPin)
    part = BuzzerPart(driver=driver)
    buzzer = GpioBuzzer(part, factory)
    pin = factory.pin(part.pin)
    for step in (BuzzerStep(880.0, 0.3, 0.1), BuzzerStep(0.0, 0.0, 0.1), BuzzerStep(1760.0, 0.6, 0.1)):
        buzzer.sound(step.hz, step.strength)
        assert (pin.state > 0) == (step.strength > 0)
    if driver == "tonal":
        assert pin.frequency == 1760.0
        assert 0 < pin.state < 0.5
    buzzer.sound(0.0, 0.0)
    assert pin.state == 0
    buzzer.close()
