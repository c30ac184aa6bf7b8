"""Which strap is whose: nothing is bound without a press, and nothing moves under a thumb (hazard H4)."""

import random

import pytest
from msgspec.structs import replace

from coach.errors import MessageRefused
from coach.kiosk.strap_choice import (
    StrapChoice,
    StrapScene,
    chosen_again,
    in_order,
    press,
    reopened,
    with_scene,
)
from coach.kiosk.view import Button
from coach.model.events import Signal, SignalChanged, StrapBound
from coach.model.messages import HeartRate, StrapChosen
from coach.model.strap_advertisement import StrapSeen
from coach.session.engine import step
from tests.support.led_session import LedSession

MINE = StrapSeen("serial:8F3A2B1C", "Polar H10 8F3A2B1C", "8F3A2B1C", -51.0, 84.0)
THEIRS = StrapSeen("serial:A90C77E2", "Polar H10 A90C77E2", "A90C77E2", -63.0, 131.0)
SILENT = StrapSeen("serial:123456", "HRM-Pro:123456", "123456", -45.0)
IN_A_BAG = StrapSeen("serial:00000001", "Polar H9 00000001", "00000001", -40.0, 0.0)
ASKED = StrapChoice(asked=True)


def keys(choice: StrapChoice) -> list[str]:
    return [row.printed for row in choice.rows]


def test_last_times_strap_comes_first_then_the_worn_then_the_nearest() -> None:
    seen = (SILENT, THEIRS, IN_A_BAG, MINE)
    assert in_order(seen, None) == (MINE, THEIRS, SILENT, IN_A_BAG)
    assert in_order(seen, IN_A_BAG.key) == (IN_A_BAG, MINE, THEIRS, SILENT)


def test_nothing_is_bound_until_it_is_confirmed() -> None:
    choice = with_scene(replace(ASKED, last=MINE.key), StrapScene((MINE,)))
    assert (choice.open, choice.chosen, choice.selected) == (True, None, MINE.key)
    confirmed = press(choice, Button.START)
    assert (confirmed.open, confirmed.chosen) == (False, MINE)


def test_a_strap_that_comes_later_stands_at_the_end_and_takes_no_highlight() -> None:
    choice = with_scene(ASKED, StrapScene((THEIRS,)))
    choice = with_scene(choice, StrapScene((MINE, THEIRS)))
    assert (keys(choice), choice.selected, choice.index) == (["A90C77E2", "8F3A2B1C"], THEIRS.key, 0)


def test_what_is_known_of_a_listed_strap_is_kept_fresh() -> None:
    nearer = replace(THEIRS, signal_dbm=-45.0)
    assert with_scene(with_scene(ASKED, StrapScene((THEIRS,))), StrapScene((nearer,))).rows == (nearer,)


def test_up_and_down_go_round() -> None:
    choice = with_scene(ASKED, StrapScene((MINE, THEIRS)))
    assert press(choice, Button.DOWN).selected == THEIRS.key
    assert press(press(choice, Button.DOWN), Button.DOWN).selected == MINE.key
    assert press(choice, Button.UP).selected == THEIRS.key


def test_where_the_highlighted_strap_vanishes_green_does_nothing_until_one_is_chosen_again() -> None:
    choice = with_scene(with_scene(ASKED, StrapScene((MINE, THEIRS))), StrapScene((THEIRS,)))
    assert (keys(choice), choice.selected, choice.index) == (["A90C77E2"], MINE.key, -1)
    assert press(choice, Button.START) == choice
    for button in (Button.UP, Button.DOWN):
        assert press(press(choice, button), Button.START).chosen == THEIRS


def test_the_highlighted_strap_is_highlighted_again_when_it_comes_back() -> None:
    gone = with_scene(with_scene(ASKED, StrapScene((MINE, THEIRS))), StrapScene((THEIRS,)))
    assert with_scene(gone, StrapScene((MINE, THEIRS))).index == 1


def test_with_nothing_on_the_air_no_button_does_anything() -> None:
    for button in Button:
        assert press(ASKED, button) == ASKED
    emptied = with_scene(with_scene(ASKED, StrapScene((MINE,))), StrapScene())
    assert (emptied.rows, emptied.selected, emptied.index) == ((), MINE.key, -1)


def test_once_chosen_only_trouble_and_battery_are_told() -> None:
    mine = press(with_scene(ASKED, StrapScene((MINE,))), Button.START)
    after = with_scene(mine, StrapScene((THEIRS,), "not_found", battery_low=True))
    assert after == replace(mine, trouble="not_found", battery_low=True)


def test_another_strap_can_be_chosen_and_the_one_before_is_offered_first() -> None:
    mine = press(with_scene(replace(ASKED, last=THEIRS.key), StrapScene((MINE,))), Button.START)
    assert reopened(mine) == StrapChoice(asked=True, last=MINE.key)
    assert reopened(ASKED) == ASKED


def test_after_a_restart_the_session_has_the_strap_it_had() -> None:
    again = chosen_again(ASKED, MINE)
    assert (again.open, again.chosen, again.selected) == (False, MINE, MINE.key)


def test_of_a_thousand_people_among_other_straps_none_is_bound_to_anothers() -> None:
    """Row 23: straps come, go and change strength; each person reads the screen, and acts a moment later."""
    bound = []
    for run in range(1000):
        rng = random.Random(run)
        mine = f"{rng.randrange(2**32):08X}"
        on_air = {mine: -50.0} | {f"{rng.randrange(2**32):08X}": -80.0 + rng.random() * 35 for _ in range(4)}
        choice, shown, reads_at, t = replace(ASKED, last=None), ASKED, 0.0, 0.0
        while choice.open and t < 600:
            t += 0.25
            heard = [one for one in on_air if rng.random() > 0.15]
            rng.shuffle(heard)
            scene = StrapScene(
                tuple(StrapSeen(one, f"Polar H10 {one}", one, on_air[one] + rng.gauss(0, 8)) for one in heard)
            )
            choice = with_scene(choice, scene)
            if t >= reads_at + 0.4:
                # What they saw 0.4 s ago decides, whatever stands there now.
                lit = next((row.printed for row in shown.rows if row.key == shown.selected), None)
                if lit is not None:
                    choice = press(choice, Button.START if lit == mine else Button.DOWN)
                shown, reads_at = choice, t + rng.random()
        assert choice.chosen is not None, "nobody waits ten minutes"
        bound.append(choice.chosen.printed == mine)
    assert (len(bound), bound.count(False)) == (1000, 0)


# The session's own word on it


def test_a_session_names_the_strap_that_the_person_confirmed() -> None:
    session = LedSession(started=False).send(StrapChosen(3, MINE.key, MINE.name))
    assert session.events[-1] == StrapBound(3, MINE.key, MINE.name)
    assert (session.state.strap_key, session.state.strap_name) == (MINE.key, MINE.name)


def test_the_same_strap_again_is_nothing_new() -> None:
    session = LedSession(started=False).send(StrapChosen(3, MINE.key, MINE.name))
    told = len(session.events)
    assert len(session.send(StrapChosen(4, MINE.key, MINE.name)).events) == told


def test_before_the_start_another_one_may_be_chosen_and_what_the_first_told_counts_for_nothing() -> None:
    session = LedSession(started=False).send(StrapChosen(1, THEIRS.key, THEIRS.name), HeartRate(2, 131))
    session.send(StrapChosen(3, MINE.key, MINE.name))
    assert session.events[-2:] == [
        StrapBound(3, MINE.key, MINE.name),
        SignalChanged(3, Signal.LOST, Signal.LIVE, "never_seen"),
    ]
    assert session.send(HeartRate(4, 84)).state.source.signal is Signal.LIVE


def test_no_strap_is_changed_within_a_session() -> None:
    state = LedSession().live_until(30).state
    state = step(state, StrapChosen(30, MINE.key, MINE.name)).state
    with pytest.raises(MessageRefused, match="belongs to the strap serial:8F3A2B1C"):
        step(state, StrapChosen(31, THEIRS.key, THEIRS.name))
