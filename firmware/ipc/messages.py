"""What is said over the coach's local socket: one JSON object on each line, in both directions.

    {"type":"subscribe","views":true,"cues":true,"events":false}       a client says
    {"type":"view","view":{…}}                                         the coach answers

A line that is not one of these is refused with the reason, and changes nothing. What a client asks carries a `request`
number of its own choice, and the answer repeats it.
"""

from typing import Annotated, Literal, Self

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from coach.kiosk.view import Button, DisplayState
from coach.model.course_progress import CourseProgress
from coach.model.cue import Cue
from coach.model.events import AnyEvent
from coach.model.messages import AllRightAnswer, Exertion, Mood, SessionCommand, TreadmillSpeed
from coach.model.plan import Plan
from firmware.ipc.pin_hash import PinHash

FORMAT = 1
"""Version of this language. A client of another version is told so in `Hello`, and should be updated with the coach."""

LONGEST_LINE = 256 * 1024
"""Bytes of one line, both ways. What is longer is cut into `Piece`s."""

PIECE_BYTES = 96 * 1024
"""Bytes of a document in one piece, before base64 makes four of three."""

PartState = Literal["works", "missing", "off"]
"""How one part of the display is: seen or heard, not there though it should be, or switched off by the settings."""

Told = TreadmillSpeed | Exertion | Mood | AllRightAnswer | SessionCommand
"""What another program on this machine may tell the session. Heart rate comes from the strap alone."""


class ToCoach(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """Something said to the coach."""

    request: int = 0

    def numbered(self, request: int) -> Self:
        """Return the same under another number."""
        return replace(self, request=request)


class Subscribe(ToCoach, frozen=True, tag="subscribe"):
    """From now on tell me these; the view of this moment comes at once."""

    views: bool = False
    cues: bool = False
    events: bool = False
    saving: bool = False
    health: bool = False


class Press(ToCoach, frozen=True, tag="press", kw_only=True):
    """A button was pressed, on the panel, a keyboard or a keypad."""

    button: Button


class TypeDigit(ToCoach, frozen=True, tag="digit", kw_only=True):
    """A digit was typed on a keypad: itself where digits are asked for, else 5 is start, 8 up, 2 down and 0 stop."""

    digit: Annotated[int, Meta(ge=0, le=9)]


class Tell(ToCoach, frozen=True, tag="tell", kw_only=True):
    """A message for the session. Its `t` is not believed: the coach stamps it when it comes."""

    message: Told


class GivePlan(ToCoach, frozen=True, tag="plan", kw_only=True):
    """A participant's plan, to be chosen from now on; it takes the place of an earlier one for the same participant.

    `progress`: what the server knows of their course, where it says so.
    """

    plan: Plan
    progress: CourseProgress | None = None


class WithdrawPlan(ToCoach, frozen=True, tag="withdraw_plan", kw_only=True):
    """The participant's plan no longer holds: it is not offered any more. A session that runs goes on."""

    participant: str


class AddParticipant(ToCoach, frozen=True, tag="add_participant", kw_only=True):
    """Somebody may train here from now on. `replace`: in the place of the plan that was added here before."""

    plan: Plan
    replace: bool = False


class RemoveParticipant(ToCoach, frozen=True, tag="remove_participant", kw_only=True):
    """Somebody who was added here may train here no longer; their PIN is forgotten with them. The diary stays."""

    participant: str


class SetPin(ToCoach, frozen=True, tag="pin", kw_only=True):
    """A participant's new PIN, hashed by whoever asked for it: its digits never come here. None: no PIN any more."""

    participant: str
    pin: PinHash | None


class OpenTraining(ToCoach, frozen=True, tag="open_training", kw_only=True):
    """Open training again for a participant, or for guests, whom a yes before the start has closed out here."""

    participant: str


class AskParticipants(ToCoach, frozen=True, tag="participants"):
    """List who may train here."""


class ShowText(ToCoach, frozen=True, tag="show_text", kw_only=True):
    """Show the participant a line from the therapist, for so long."""

    text: str
    for_s: float


class NextUndelivered(ToCoach, frozen=True, tag="next_undelivered"):
    """Hand me the oldest session of which there is no receipt, other than those in `held`."""

    held: tuple[str, ...] = ()


class GiveReceipt(ToCoach, frozen=True, tag="receipt", kw_only=True):
    """The server has committed this version of this session."""

    session_id: str
    revision: int
    sha256: str


class ForgetReceipts(ToCoach, frozen=True, tag="forget_receipts", kw_only=True):
    """The server may lack what it receipted between these wall times: those sessions wait for delivery again."""

    since_wall_s: float
    until_wall_s: float


class AskSessions(ToCoach, frozen=True, tag="sessions", kw_only=True):
    """List the diary's sessions, oldest first: at most `most` of those after the one with the id `after`; 0: all.

    A list grows with the years, so it is asked for page by page: the coach holds one page of one client at a time.
    """

    after: str = ""
    most: int = 0


class AskSession(ToCoach, frozen=True, tag="session", kw_only=True):
    """Give one session of the diary, by its id or the beginning of it."""

    session_id: str


class Devices(ToCoach, frozen=True, tag="devices", kw_only=True):
    """The display's heartbeat: which of its parts work now. Said when it connects, when one changes, and every few s.

    `off`: switched off by the settings, so that nobody misses it. `format`, `version`: of the display. `oled_at`:
    addresses at which a small screen answers, the one in use first.
    """

    screen: PartState
    sound: PartState
    oled: PartState
    lamp: PartState
    format: int = FORMAT
    version: str = ""
    oled_at: tuple[int, ...] = ()


class AskHealth(ToCoach, frozen=True, tag="health"):
    """Tell how the machine is."""


class BeginSelfTest(ToCoach, frozen=True, tag="self_test"):
    """Let whoever stands there try screen, lamp and voice; refused while somebody is at the machine."""


class StopService(ToCoach, frozen=True, tag="stop_service"):
    """Journal what there is and end the service; a running session is offered again at the next start."""


AnyToCoach = (
    Subscribe
    | Press
    | TypeDigit
    | Tell
    | GivePlan
    | WithdrawPlan
    | AddParticipant
    | RemoveParticipant
    | SetPin
    | OpenTraining
    | AskParticipants
    | ShowText
    | NextUndelivered
    | GiveReceipt
    | ForgetReceipts
    | AskSessions
    | AskSession
    | Devices
    | AskHealth
    | BeginSelfTest
    | StopService
)


class FromCoach(Struct, frozen=True, tag_field="type"):
    """Something that the coach says."""


class Hello(FromCoach, frozen=True, tag="hello"):
    """The first line to every client. `diary`: the file that this coach keeps."""

    format: int
    version: str
    boot_id: str
    process: int
    diary: str


class ViewNow(FromCoach, frozen=True, tag="view"):
    """What is shown now. `made_s` is the machine's monotonic clock when it was made.

    `participant` and `session_id`: whose session it is, by pseudonym, and which, once it is in the journal.
    """

    made_s: float
    view: DisplayState
    participant: str | None = None
    session_id: str | None = None


class CueNow(FromCoach, frozen=True, tag="cue"):
    """A cue, due now. `due_s`, `said_s`: the machine's monotonic clock when it fell due, and when it was sent."""

    cue: Cue
    intervals: int
    due_s: float
    said_s: float


class Happened(FromCoach, frozen=True, tag="events"):
    """What happened in the session."""

    events: tuple[AnyEvent, ...]


class Saving(FromCoach, frozen=True, tag="saving"):
    """Whether the diary has all that there is. `reason`: why not."""

    status: Literal["saved", "saving", "not_saved"]
    reason: str | None = None


class Found(Struct, frozen=True):
    """Something that is wrong with the machine; docs/doctor.md says what each `code` means and what to do."""

    code: str
    severity: Literal["attention", "stop"]
    detail: str = ""


class Health(FromCoach, frozen=True, tag="health"):
    """What the machine has found wrong with itself. `devices`: the display's last word, None while it is not there.

    `strap`: name, seconds since its last word (None: none yet), and its battery in percent.
    """

    findings: tuple[Found, ...]
    devices: Devices | None = None
    strap: tuple[str, float | None, int | None] | None = None
    request: int = 0


class RequestRefusal(FromCoach, frozen=True, tag="refusal"):
    """Something asked was not done: nothing has changed. `code` is for programs, `reason` for people."""

    code: str
    reason: str
    request: int = 0


class Done(FromCoach, frozen=True, tag="done"):
    """What was asked has been done. `found`: for a receipt, whether it names the version stored now.

    For receipts taken back, whether all of those sessions are still here whole; for all else, True.
    """

    request: int
    found: bool = True


class NothingUndelivered(FromCoach, frozen=True, tag="nothing_undelivered"):
    """Every finished session has its receipt, or is held by the one who asks."""

    request: int


class Piece(FromCoach, frozen=True, tag="piece"):
    """A part of a document that was asked for, `offset` bytes into its `total`.

    `what`: a `delivery` (a session's canonical encoding, with its receipt to be), a diary `session`, the diary's
    `sessions`, or the `participants`, these three as JSON.
    """

    request: int
    what: Literal["delivery", "session", "sessions", "participants"]
    offset: int
    total: int
    content: bytes
    session_id: str = ""
    revision: int = 0
    sha256: str = ""


AnyFromCoach = (
    Hello | ViewNow | CueNow | Happened | Saving | RequestRefusal | Done | NothingUndelivered | Piece | Health
)

_encoder = msgspec.json.Encoder()
_to_coach: msgspec.json.Decoder[AnyToCoach] = msgspec.json.Decoder(AnyToCoach)
_from_coach: msgspec.json.Decoder[AnyFromCoach] = msgspec.json.Decoder(AnyFromCoach)


def encode(message: AnyToCoach | AnyFromCoach) -> bytes:
    """One line, its end included."""
    return _encoder.encode(message) + b"\n"


def decode_to_coach(line: bytes) -> AnyToCoach:
    """Read a client's line. Raises msgspec.MsgspecError with the place and the reason."""
    return _to_coach.decode(line)


def decode_from_coach(line: bytes) -> AnyFromCoach:
    """Read the coach's line. Raises msgspec.MsgspecError with the place and the reason."""
    return _from_coach.decode(line)


def pieces(
    request: int,
    what: Literal["delivery", "session", "sessions", "participants"],
    document: bytes,
    *,
    session_id: str = "",
    revision: int = 0,
    sha256: str = "",
) -> list[Piece]:
    """Cut a document into pieces; an empty one is a single empty piece."""
    return [
        Piece(
            request=request,
            what=what,
            offset=offset,
            total=len(document),
            content=document[offset : offset + PIECE_BYTES],
            session_id=session_id,
            revision=revision,
            sha256=sha256,
        )
        for offset in range(0, max(1, len(document)), PIECE_BYTES)
    ]


class Lines:
    """Cuts a stream of bytes into lines. A line that is too long is passed over up to its end, and told once."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        """Begin with nothing."""
        self._longest = longest
        self._rest = bytearray()
        self._passing_over = False

    def feed(self, content: bytes) -> list[bytes | None]:
        """Take what came; give the lines that are whole now, without their ends. None stands for one too long."""
        lines: list[bytes | None] = []
        self._rest += content
        while (end := self._rest.find(b"\n")) >= 0:
            line = bytes(self._rest[:end])
            del self._rest[: end + 1]
            if self._passing_over:
                self._passing_over = False
            else:
                lines.append(line if end <= self._longest else None)
        if self._passing_over:
            self._rest.clear()
        elif len(self._rest) > self._longest:
            self._rest.clear()
            self._passing_over = True
            lines.append(None)
        return lines
