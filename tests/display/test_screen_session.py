"""Whole sessions of a simulated participant on the screen: every view that the coach makes can be drawn."""

from itertools import count

import numpy as np
import pytest
from msgspec.structs import replace

from coach.kiosk.flow import KioskState, view
from coach.kiosk.view import ScreenId
from display.examples import in_language
from display.renderer import ScreenRenderer
from firmware.participants.protocol_files import builtin_names, load
from firmware.simulation.faults import Dropout
from firmware.simulation.heart import DayForm, Population, plan_for
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds

EVERY = 20


@pytest.mark.parametrize("protocol", builtin_names())
def test_a_whole_session_can_be_drawn_as_it_comes(protocol: str) -> None:
    rng = np.random.default_rng(11)
    who = Population().draw(rng)
    plan = replace(plan_for(who, rng, protocol=protocol), nickname="Rev", session_number=7)
    nb, en = ScreenRenderer((1280, 720)), ScreenRenderer((720, 1280), "en")
    desk, faces = KioskState(chosen=True), set()
    for place, second in zip(
        count(), seconds(plan, load(protocol), SimulatedPerson(who, DayForm(), rng)), strict=False
    ):
        if place % EVERY and second.state.stage == "running":
            continue
        seen = view(desk, second.state, saved="saved")
        nb.draw(seen, second.t)
        en.draw(in_language(seen, "en"), second.t)
        faces.add(seen.face)
    assert {ScreenId.SESSION, ScreenId.EXERTION} <= faces


def test_a_session_with_a_silent_strap_can_be_drawn_as_it_comes() -> None:
    rng = np.random.default_rng(5)
    who = Population().draw(rng)
    plan = plan_for(who, rng)
    screen, signals = ScreenRenderer((1280, 720)), set()
    faults = (Dropout(start_s=900.0, length_s=100.0),)
    for second in seconds(plan, load("4x4"), SimulatedPerson(who, DayForm(), rng), faults=faults, rng=rng):
        if 880 < second.t < 1100:
            seen = view(KioskState(chosen=True), second.state)
            screen.draw(seen, second.t)
            if seen.snapshot is not None:
                signals.add(seen.snapshot.signal.value)
    assert {"live", "stale", "lost"} <= signals
