"""What the machine shows around the session: who trains, the questions, the strap, Borg and mood, the end.

A display draws one `DisplayState`: the desk's face, and under it the session's snapshot and profile where there is
a session.
"""

from enum import StrEnum
from typing import Literal

from msgspec import Struct

from coach.model.course_progress import MyTraining
from coach.model.snapshot import Profile, Snapshot
from coach.model.strap_advertisement import StrapSeen
from coach.session.good_work import GoodWork


class ScreenId(StrEnum):
    """Which picture the machine shows. `session` covers every running state: the snapshot tells which."""

    CHOOSE_PARTICIPANT = "choose_participant"
    CONFIRM = "confirm"
    PIN = "pin"
    GUEST_AGE = "guest_age"
    QUESTIONS = "questions"
    CHOOSE_STRAP = "choose_strap"
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
    MY_TRAINING = "my_training"


class TrainingPage(StrEnum):
    """Which page of the person's own training is open: a calm moment, the whole, or what can be taken along."""

    MOMENT = "moment"
    OVERVIEW = "overview"
    TAKE_ALONG = "take_along"


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


class Choice(Struct, frozen=True, kw_only=True):
    """Somebody who can be chosen: by pseudonym, and as the tile shows them.

    `name`: the nickname; None for a guest, whose name is in the screen's catalogue. `picture`: key of a drawing.
    `has_pin`: asked for before anything else. `expired`: the plan is shown, and begins no session. `asks_age`: a guest
    whose plan is made from their age.
    """

    participant: str
    name: str | None = None
    picture: str | None = None
    language: Literal["nb", "en"] = "nb"
    has_pin: bool = False
    expired: bool = False
    guest: bool = False
    asks_age: bool = False


class PinNow(Struct, frozen=True, kw_only=True):
    """How far a PIN has come: never which digits.

    `wrong`: wrong PINs since the last right one. `wait_s`: whole seconds until another is taken; 0: now.
    """

    entered: int = 0
    digits: int = 4
    wrong: int = 0
    wait_s: int = 0
    ask_therapist: bool = False
    checking: bool = False


class DisplayState(Struct, frozen=True, kw_only=True):
    """All that a screen, an OLED or a lamp shows now.

    `choices`: who can be chosen on `choose_participant`. `who`: the one that is asked on `confirm`, `pin` and
    `guest_age`. `question`: key of the readiness question on `questions`. `selected`: index of the highlighted choice;
    the digit that is turned on `pin`; years on `guest_age`; 0 no / 1 yes on `questions`; the Borg value on
    `exertion`; 1–5 on `mood`. `findings`: keys of failed self-tests. `saved`: whether the diary has the session
    safely. `reason`: why not today. `message`: a line from the therapist, while it is to be shown. `straps`: those on
    the air, on `choose_strap`; `last_strap`: key of the one that this participant wore last. `strap_trouble`: why no
    strap is heard (`no_adapter`, …). `may_change_strap`: whether up and down choose another. `attention`: what is wrong
    with the machine though one may train, on `choose_participant`; on `machine` all that is wrong. `tried`: what
    `self_test` tries now. `settings_fault`: on `machine`, the file of settings that is wrong, its line, and why.
    `answered`: how many questions were answered before this one. `help_number`: the clinic's own number for help.
    `refused`: how many presses did nothing so far: one more, and the screen says a word.
    `opens_wall_s`: on `not_today`, when the next session is possible (s since 1970), where that is known.
    `good_work`: on `ended`, what the person did well.
    `first_speed_kmh`: on `ready`, the speed that the warm-up will ask for. `questions`: on `questions`, all of them,
    where they stand on one page. `my_training`: on `my_training`, whose page `training_page` is open; `selected`
    there: 0 the whole, else so many sessions back; `take_along`: whether there are figures of a session to take along.
    `rest_h`, `closed_h`, `cap`: the hours and the sessions a week in the questions that an unset clock makes.
    `by_feeling`: on `strap`, whether one may train without a strap. `appointment_wall_s`: on `ready` and `ended`, the
    next appointment, where one is known and the clock is set.
    """

    face: ScreenId
    nickname: str | None = None
    picture: str | None = None
    language: Literal["nb", "en"] = "nb"
    choices: tuple[Choice, ...] = ()
    who: Choice | None = None
    pin: PinNow | None = None
    selected: int = 0
    question: str | None = None
    findings: tuple[str, ...] = ()
    reason: str | None = None
    saved: Literal["no", "saving", "saved", "not_saved"] = "no"
    strap_name: str | None = None
    straps: tuple[StrapSeen, ...] = ()
    last_strap: str | None = None
    strap_trouble: str | None = None
    strap_battery_low: bool = False
    may_change_strap: bool = False
    session_number: int | None = None
    course_sessions: int | None = None
    snapshot: Snapshot | None = None
    profile: Profile | None = None
    message: str | None = None
    attention: tuple[str, ...] = ()
    settings_fault: str | None = None
    answered: int = 0
    help_number: str = ""
    tried: TriedPart | None = None
    refused: int = 0
    opens_wall_s: float | None = None
    good_work: GoodWork | None = None
    first_speed_kmh: float | None = None
    questions: tuple[str, ...] = ()
    my_training: MyTraining | None = None
    training_page: TrainingPage = TrainingPage.OVERVIEW
    take_along: bool = False
    rest_h: int = 0
    closed_h: int = 0
    cap: int = 0
    by_feeling: bool = False
    appointment_wall_s: float | None = None
