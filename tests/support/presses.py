"""A person's way from the list of participants to the first minute of the warm-up, by the panel's buttons."""

from msgspec.structs import replace

from coach.kiosk.flow import KioskRequest, KioskState, PressResult, enter_session, press, view, with_training
from coach.kiosk.strap_choice import StrapChoice, StrapScene, with_scene
from coach.kiosk.view import Button, Choice, ScreenId
from coach.model.course_progress import MyTraining
from coach.model.messages import HeartRate, StrapChosen
from coach.model.strap_advertisement import StrapSeen
from coach.session.engine import step
from coach.session.state import SessionState
from tests.support.led_session import PLAN, LedSession

QUESTIONS = ("chest_pain", "fainting", "fever", "intoxication")
PEOPLE = tuple(Choice(participant=f"p{number}", name=name) for number, name in enumerate(("Rev", "Ugle", "Elg"), 1))
MINE = StrapSeen("address:AA", "H10 8F3A2B1C", "8F3A2B1C", -50, 84.0, True)  # noqa: FBT003 - worn before by a person here
MOST_FIRST, MOST_RETURNING = 12, 6


def strap_on_the_air() -> StrapChoice:
    return with_scene(StrapChoice(asked=True), StrapScene(seen=(MINE,)))


def presses_to_the_warm_up(*, tile: int, session_number: int) -> list[ScreenId]:
    """Press the button that each face names for going on, and return the faces on the way."""
    desk, state = KioskState(choices=PEOPLE), None
    plan = replace(PLAN, questions=QUESTIONS, session_number=session_number)
    way: list[ScreenId] = []
    t = 0.0
    while state is None or state.started_t is None:
        face = view(desk, state).face
        way.append(face)
        away = face is ScreenId.CHOOSE_PARTICIPANT and desk.selected != tile
        result: PressResult = press(desk, state, Button.DOWN if away else Button.START, t)
        desk = result.desk
        if result.wish is KioskRequest.BEGIN:
            state = LedSession(plan, started=False).state
            desk = replace(enter_session(desk, 0.0), strap=strap_on_the_air())
            past = MyTraining(shares=(0.8,) * (session_number - 1))
            desk = with_training(desk, past, opened=session_number > 1)
        for message in result.messages:
            assert state is not None
            state = worn(step(state, message).state) if isinstance(message, StrapChosen) else step(state, message).state
        assert len(way) < 40
    return way


def worn(state: SessionState) -> SessionState:
    """The strap that was chosen sends a rate."""
    return step(state, HeartRate(state.t, 84.0)).state
