"""No two parts of one screen contradict each other, in any view that a session with the engine reaches.

The views are those of sessions that ran, not examples made by hand. What a view says is read from its parts' keys,
which hold everything visible.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest
from msgspec.structs import replace

from coach.guidance.learned import learned_guidance
from coach.guidance.rules import rule_guidance
from coach.kiosk.flow import KioskState, view
from coach.kiosk.view import DisplayState
from coach.model.cue import Cue, CueName
from coach.model.events import Advice, Direction, Level
from coach.model.messages import CommandName, HeartRate, SessionCommand, TreadmillSpeed
from coach.model.snapshot import Snapshot
from coach.session.transition import RESUMED_SHOWN_S
from coach.session.zone_position import CLEARLY_BPM
from display.drawing.layout import Layout, Widget
from display.example_runs import running_examples
from display.renderer import parts_of
from display.screen.frame import RenderContext
from display.screen.session_profile import ProfileDrawing
from display.texts import texts_in
from firmware.simulation.faults import AnyFault, Doubled, Dropout, Frozen, Offset
from firmware.simulation.heart import Kind
from firmware.simulation.person import SimulatedPerson
from firmware.simulation.session import seconds
from tests.support.guidance.trial import PROTOCOL, draw_case
from tests.support.led_session import PLAN, LedSession, Says

NB = texts_in("nb")
DESK = KioskState(chosen=True)
DRAWING = ProfileDrawing()
SHEET = Layout((1280, 720), NB)
POSITIONS = {NB.say(f"position.{key}"): key for key in ("below", "in", "above")}
FASTER = {NB.say("instruction.faster"), NB.say("instruction.speed_up")}
HOLD, NOW = NB.say("instruction.hold"), NB.say("instruction.slow_down_now")
SLOWER = {NB.say("instruction.slower"), NB.say("instruction.slow_down"), NOW}
TOO_HIGH, STANDS = NB.say("notice.over_ceiling"), NB.say("over_ceiling.stands")
NO_FASTER_WITH = {
    NB.say("position.above"),
    NB.say("signal.lost"),
    NB.say("signal.stale"),
    NB.say("signal.implausible"),
    NB.say("level.stop_now"),
    TOO_HIGH,
    NOW,
    HOLD,
}
SPOKEN = {
    CueName.FASTER: {NB.say("instruction.faster")},
    CueName.SPEED_UP: {NB.say("instruction.speed_up")},
    CueName.SLOW_DOWN: {NB.say("instruction.slow_down")},
    CueName.HOLD: {HOLD, NB.say("instruction.good")},
}
Seen = tuple[DisplayState, tuple[Cue, ...]]


def strings(key: object) -> Iterator[str]:
    """Every text in a part's key."""
    if isinstance(key, str):
        yield key
    elif isinstance(key, tuple):
        for one in key:
            yield from strings(one)


def parts_now(seen: DisplayState) -> list[Widget]:
    return parts_of(RenderContext(seen, SHEET, DRAWING))


def said(parts: list[Widget]) -> set[str]:
    """Everything that the parts of a view say, but for the names of phases in their keys."""
    return {text for part in parts for text in strings(part.key)}


def contradictions(seen: DisplayState, cues: tuple[Cue, ...]) -> Iterator[str]:
    """What in one view, with what was spoken in its second, cannot be true at once."""
    snapshot = seen.snapshot
    assert snapshot is not None
    parts = parts_now(seen)
    texts = said(parts)
    faster, slower = texts & FASTER, texts & SLOWER
    if faster and (slower or texts & NO_FASTER_WITH):
        yield f"{faster} with {slower | texts & NO_FASTER_WITH}"
    if HOLD in texts and (slower or snapshot.speed_kmh == 0):
        yield f"{HOLD} with {slower or 'a belt that stands'}"
    yield from _about_the_zone(snapshot, texts)
    if (TOO_HIGH in texts or NOW in texts) and snapshot.stage == "running" and snapshot.question is None:
        if not {TOO_HIGH} <= texts or not texts & {NOW, STANDS}:
            yield "over the ceiling is said by halves"
        if snapshot.speed_kmh and NOW in texts and not any(text.startswith("til ") for text in texts):
            yield "slow down now, to no speed"
    if NB.say("notice.hr_max_seems_higher") in texts:
        yield "the therapist's finding"
    if snapshot.question is not None and not any(n.level is Level.STOP_NOW for n in snapshot.notices):
        if snapshot.stage == "running" and not {"number", "small rate", "over ceiling"} & {part.name for part in parts}:
            yield "the question hides the rate"
        if NB.say("check.why") not in texts:
            yield "the question says not what it does"
    for cue in cues:
        # While the screen asks whether the belt's speed is right, that card has the instruction's place.
        asks = snapshot.question is not None or snapshot.asks_speed_kmh is not None
        if cue.name in SPOKEN and not asks and not texts & SPOKEN[cue.name]:
            yield f"the voice says {cue.name}, the screen {sorted(texts & (FASTER | SLOWER | {HOLD}))}"
        if cue.speed_kmh and cue.name in SPOKEN and not asks and f"{cue.speed_kmh:.1f}".replace(".", ",") not in texts:
            yield f"the voice says {cue.speed_kmh}, the screen does not"


def _about_the_zone(snapshot: Snapshot, texts: set[str]) -> Iterator[str]:
    places = [POSITIONS[text] for text in texts if text in POSITIONS]
    if len(places) > 1:
        yield f"several positions: {places}"
    low, high, bpm = snapshot.zone.low_bpm, snapshot.zone.high_bpm, snapshot.bpm
    if places and bpm is not None and low is not None and high is not None:
        right = {"below": bpm < low + CLEARLY_BPM, "in": low - CLEARLY_BPM <= bpm <= high + CLEARLY_BPM}
        if not right.get(places[0], bpm > high - CLEARLY_BPM):
            yield f"{places[0]} at {bpm} with {low}–{high}"


def check(views: Iterator[Seen]) -> set[str]:
    """Run the views; give the faces' part names that were seen, so that a test knows that it saw something."""
    names: set[str] = set()
    rates: list[float | None] = []
    for seen, cues in views:
        snapshot = seen.snapshot
        if snapshot is None or snapshot.stage not in ("running", "paused"):
            continue
        assert list(contradictions(seen, cues)) == [], snapshot
        rates = [*rates, snapshot.bpm][-21:] if snapshot.stage == "running" else []
        if len(rates) == 21 and rates[0] is not None and rates[-1] is not None:
            moved = rates[-1] - rates[0]
            assert snapshot.trend != "rising" or moved > -8, (snapshot.t, moved)
            assert snapshot.trend != "falling" or moved < 8, (snapshot.t, moved)
        names |= {part.name for part in parts_now(seen)}
    return names


def trained(seed: int, kind: Kind, *, learned: bool = False, faults: tuple[AnyFault, ...] = ()) -> Iterator[Seen]:
    case = draw_case(seed, kind, speed_known=seed % 2 == 0)
    rng = np.random.default_rng((seed, 23, 0))
    person = SimulatedPerson(
        case.participant, case.days[0], rng, model=case.model, habits=case.habits, reports_speed=case.speed_known
    )
    guidance = learned_guidance if learned else rule_guidance
    for one in seconds(case.plan, PROTOCOL, person, guidance=guidance, faults=faults, rng=rng):
        yield view(DESK, one.state, with_profile=False), one.cues


def led(session: LedSession, until_t: float, bpm: float | Callable[[float], float]) -> Iterator[Seen]:
    while session.t < until_t:
        told = len(session.cues)
        session.live(1, bpm)
        yield view(DESK, session.state, with_profile=False), tuple(session.cues[told:])


@pytest.mark.parametrize("name", running_examples())
def test_no_picture_of_the_documents_contradicts_itself(name: str) -> None:
    assert list(contradictions(running_examples()[name], ())) == []


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", ["ordinary", "chronotropic", "beta_blocked", "wrong_hr_max"])
def test_no_view_of_a_whole_session_contradicts_itself(seed: int, kind: Kind) -> None:
    assert {"number", "words", "instruction"} <= check(trained(seed, kind))


def test_no_view_of_a_session_with_the_learned_guidance_contradicts_itself() -> None:
    assert "number" in check(islice(trained(3, "ordinary", learned=True), 1300))


@pytest.mark.parametrize(
    "fault",
    [
        Dropout(start_s=700.0, length_s=40.0),
        Frozen(start_s=700.0, length_s=120.0),
        Doubled(start_s=720.0, length_s=60.0),
        Offset(start_s=650.0, length_s=300.0, bpm=25.0),
    ],
)
def test_no_view_with_a_strap_at_fault_contradicts_itself(fault: AnyFault) -> None:
    assert "number" in check(islice(trained(4, "ordinary", faults=(fault,)), 1300))


@pytest.mark.parametrize("speed_kmh", [None, 6.6, 2.0, 0.0])
def test_no_view_over_the_ceiling_contradicts_itself(speed_kmh: float | None) -> None:
    session = LedSession(replace(PLAN, ceiling_bpm=182.0), answers=False).live_until(60, 140)
    if speed_kmh is not None:
        session.send(TreadmillSpeed(session.t, speed_kmh, 5.0))
    names = check(led(session, 200, 176))
    names |= check(led(session, 330, lambda t: 190 + t % 2))
    names |= check(led(session, 420, lambda t: max(120.0, 190 - (t - 330) + t % 2)))
    assert {"over ceiling", "instruction"} <= names


@pytest.mark.parametrize("belt_kmh", [None, 0.0])
def test_no_view_after_a_pause_holds_a_speed(belt_kmh: float | None) -> None:
    holds = Advice(Direction.HOLD, 0.0, 6.0, 5.0, "in_zone")
    session = LedSession(guidance=lambda _: Says(holds)).live_until(60).live_until(160, 176)
    session.send(TreadmillSpeed(160.0, 7.6, 5.0)).command(CommandName.PAUSE)
    if belt_kmh is not None:
        session.send(TreadmillSpeed(160.0, belt_kmh, 5.0))
    session.live(60, 140).command(CommandName.RESUME)
    for place, (seen, cues) in enumerate(led(session, 270, 140)):
        assert list(contradictions(seen, cues)) == []
        texts = said(parts_now(seen))
        assert HOLD not in texts
        assert ({"Tilbake til", "7,6"} <= set(texts)) == (place < RESUMED_SHOWN_S - 1), place


def test_an_unanswered_question_leaves_rate_time_and_speed_in_their_places() -> None:
    session = LedSession(answers=False).live_until(60, 150).live_until(300, 176).live_until(309, 170)
    before = {part.name: part.box for part in parts_now(view(DESK, session.state))}
    session.live_until(312, 165)
    after = {part.name: part.box for part in parts_now(view(DESK, session.state))}
    assert session.seen.question == "phase_end"
    covered = {name for name, box in before.items() if name != "instruction" and after.get(name) != box}
    assert covered == set()
    assert "instruction" in check(led(session, 345, 150))


def test_a_session_by_exertion_speaks_of_no_zone_of_rates() -> None:
    session = LedSession(replace(PLAN, mode="exertion"), answers=True)
    assert "instruction" in check(led(session, 420, 150))
    assert session.seen.position == "unknown"


def test_commands_of_the_therapist_change_no_words_by_halves() -> None:
    session = LedSession().live_until(60).live_until(200, 176)
    session.send(HeartRate(200.5, 176), SessionCommand(200.5, CommandName.EASE, None, "therapist"))
    assert "number" in check(led(session, 300, 170))
