"""What the machine shows around the session: who trains, the questions, the strap, Borg and mood, the end.

A display draws one `View`: the desk's face, and under it the session's snapshot and profile where there is a session.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from coach.snapshot import Profile, Snapshot


class Face(StrEnum):
    """Which picture the machine shows. `session` covers every running state: the snapshot tells which."""

    CHOOSE_PARTICIPANT = "choose_participant"
    QUESTIONS = "questions"
    STRAP = "strap"
    READY = "ready"
    SESSION = "session"
    GO_ON = "go_on"
    EXERTION = "exertion"
    MOOD = "mood"
    ENDED = "ended"
    NOT_TODAY = "not_today"
    SELF_TEST_FAILED = "self_test_failed"
    MACHINE = "machine"
    SELF_TEST = "self_test"


class TriedPart(StrEnum):
    """What the self-test tries, in this order; a person says whether they saw or heard it (hazard H8)."""

    SCREEN = "screen"
    LAMP = "lamp"
    VOICE = "voice"


class Button(StrEnum):
    """The panel's four buttons. A keyboard or a numeric keypad sends the same ones."""

    START = "start"
    UP = "up"
    DOWN = "down"
    STOP = "stop"


class View(Struct, frozen=True, kw_only=True):
    """All that a screen, an OLED or a lamp shows now.

    `choices`: nicknames on `choose_participant`. `question`: key of the readiness question on `questions`.
    `selected`: index of the highlighted choice; 0 no / 1 yes on `questions`; the Borg value on `exertion`; 1–5 on
    `mood`. `findings`: keys of failed self-tests. `saved`: whether the diary has the session safely. `reason`: why
    not today. `message`: a line from the therapist, while it is to be shown. `attention`: what is wrong with the machine
    though one may train, on `choose_participant`; on `machine` all that is wrong. `tried`: what `self_test` tries now.
    """

    face: Face
    nickname: str | None = None
    language: Literal["nb", "en"] = "nb"
    choices: tuple[str, ...] = ()
    selected: int = 0
    question: str | None = None
    findings: tuple[str, ...] = ()
    reason: str | None = None
    saved: Literal["no", "saving", "saved", "not_saved"] = "no"
    strap_name: str | None = None
    session_number: int | None = None
    course_sessions: int | None = None
    snapshot: Snapshot | None = None
    profile: Profile | None = None
    message: str | None = None
    attention: tuple[str, ...] = ()
    tried: TriedPart | None = None
