"""The person at the panel in a demo: looks at each face for a moment, then presses what leads on."""

from coach.kiosk.view import Button, DisplayState, ScreenId

LOOKS_BEFORE_PRESS_S = 0.7
BETWEEN_PRESSES_S = 0.15
SAYS_BORG, SAYS_MOOD = 15, 4


class DemoTrainee:
    """What a person presses: looks at each face for a moment, then acts."""

    def __init__(self) -> None:
        """Nothing has been seen yet."""
        self._face: ScreenId | None = None
        self._act_at_s = 0.0

    def presses(self, view: DisplayState, now_s: float) -> tuple[Button, ...]:
        """Return what is pressed now, at the face that is shown."""
        if view.face is not self._face:
            self._face = view.face
            self._act_at_s = now_s + LOOKS_BEFORE_PRESS_S
        if now_s < self._act_at_s:
            return ()
        button = self._button(view)
        self._act_at_s = now_s + BETWEEN_PRESSES_S
        return () if button is None else (button,)

    def finished(self, view: DisplayState) -> bool:
        """Whether the session is over and everything asked has been answered."""
        ended = view.face is ScreenId.ENDED and view.snapshot is not None
        return ended and view.snapshot is not None and view.snapshot.summary is not None

    def _button(self, view: DisplayState) -> Button | None:
        match view.face:
            case (
                ScreenId.CHOOSE_PARTICIPANT
                | ScreenId.CONFIRM
                | ScreenId.MY_TRAINING
                | ScreenId.QUESTIONS
                | ScreenId.READY
            ):
                return Button.START
            case ScreenId.GO_ON:
                # Left over from an earlier demo: it is ended and kept, and a new one begins.
                return Button.STOP
            case ScreenId.EXERTION:
                return self._towards(view.selected, SAYS_BORG)
            case ScreenId.MOOD:
                return self._towards(view.selected, SAYS_MOOD)
            case ScreenId.ENDED if view.snapshot is not None and view.snapshot.cool_down_offered:
                return Button.STOP
            case _:
                return None

    @staticmethod
    def _towards(selected: int, wanted: int) -> Button:
        if selected == wanted:
            return Button.START
        return Button.UP if selected < wanted else Button.DOWN
