"""What goes over the wire, as both ends see it. Meanings and topics: ../docs/wire.md.

Every message carries `format`. A field may be added with a default without a new format, since whoever does not know it
passes over it; anything else makes a new one, and the old one is still read (`sync.wire.codec`).

Only pseudonyms travel. Wall times are seconds since 1970 UTC.
"""

from typing import Literal

from msgspec import Struct

from coach.model.course_progress import CourseProgress
from coach.model.events import AnyEvent, Direction, Level, Signal
from coach.model.messages import AnyMessage
from coach.model.plan import Plan
from coach.model.protocol import Protocol
from coach.model.summary import SignalSeconds, Summary

FORMAT = 1


class Clocks(Struct, frozen=True):
    """One moment by all clocks of a machine, of which only the monotonic one can be trusted.

    `monotonic_s` counts within the boot `boot_id`. `synchronised`: the wall clock was set from a trusted source;
    `repaired`: `wall_s` was computed afterwards, from the monotonic time and a later synchronisation.
    """

    boot_id: str
    monotonic_s: float
    wall_s: float
    synchronised: bool
    repaired: bool = False

    @property
    def trusted(self) -> bool:
        """Whether `wall_s` can be believed."""
        return self.synchronised or self.repaired


class ClocksAt(Struct, frozen=True):
    """The clocks at `t` seconds since the session began."""

    t: float
    clocks: Clocks


class Software(Struct, frozen=True):
    """Versions of what runs on the machine: interval-coach, Python, the operating system."""

    interval_coach: str
    python: str
    system: str


class AdviceNow(Struct, frozen=True):
    """What the participant is asked to do; null where nothing is asked or nothing is known."""

    direction: Direction = Direction.NONE
    speed_kmh: float | None = None
    incline_percent: float | None = None
    reason: str = "none"


class Foretold(Struct, frozen=True):
    """Where the rate is expected: third-minute mean and interval end in bpm, the latter with its 80 % interval."""

    third_minute_bpm: float | None
    end_bpm: float
    end_low_bpm: float
    end_high_bpm: float


class Samples(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session's rows in columns: one row for each notification of the strap, and for each second without one.

    `step_ms`: from row to row in whole ms, the first from the session's beginning. `rate_bpm`: as the strap sent it,
    null where it had none. `rr_count`: how many of the session's intervals between beats each row has; `rr_1024`: those
    intervals one after the other in 1/1024 s, the unit of the Bluetooth heart-rate profile. The other columns change
    seldom and are told as runs: so many rows, and what holds in them; null where it is not known.
    """

    step_ms: tuple[int, ...] = ()
    rate_bpm: tuple[int | float | None, ...] = ()
    rr_count: tuple[int, ...] = ()
    rr_1024: tuple[int, ...] = ()
    contact: tuple[tuple[int, bool | None], ...] = ()
    signal: tuple[tuple[int, Signal], ...] = ()
    speed_kmh: tuple[tuple[int, float | None], ...] = ()
    incline_percent: tuple[tuple[int, float | None], ...] = ()
    advice: tuple[tuple[int, AdviceNow], ...] = ()
    prediction: tuple[tuple[int, Foretold | None], ...] = ()


class Quality(Struct, frozen=True, kw_only=True):
    """How good the recording is.

    `live_fraction`: share of training time with a live rate. `longest_silence_s`: the longest time between two rates.
    `clock_trusted`: whether every wall time in it can be believed.
    """

    rates: int
    rr_intervals: int
    longest_silence_s: float
    live_fraction: float
    signal: SignalSeconds
    clock_trusted: bool


class SessionDelivery(Struct, frozen=True, kw_only=True):
    """One finished session, from machine to server, in an envelope (`sync.wire.envelope`).

    `sha256` names the machine's own record of this revision; the receipt repeats it, and the server tells by it a
    delivery that came again (the same) from another content under the same id and revision (never the same). `plan` is
    without the nickname. `inputs` are what went into the engine beside heart rates and the passing of time, so that
    together with `samples` the session can be lived through again. `summary.response` is what was learned. What says
    which session it is and how it went comes first, so that a reader can know it without unpacking the rest.
    """

    format: int = FORMAT
    session_id: str
    revision: int
    sha256: str
    clinic: str
    machine: str
    participant: str
    summary: Summary
    quality: Quality
    clocks: tuple[ClocksAt, ...]
    software: Software
    protocol: Protocol
    plan: Plan
    inputs: tuple[AnyMessage, ...]
    events: tuple[AnyEvent, ...]
    samples: Samples


class Receipt(Struct, frozen=True, kw_only=True):
    """The server has committed this revision of this session; sent after the commit, never before.

    `stored`: it is in the database, now or from an earlier delivery. `quarantined`: the bytes are kept, and a person
    must look, for `reason`; the machine keeps its own and stops sending until it is stored.
    """

    format: int = FORMAT
    session_id: str
    revision: int
    sha256: str
    status: Literal["stored", "quarantined"] = "stored"
    stored_at_wall_s: float
    reason: str | None = None


class WordReceipt(Struct, frozen=True, kw_only=True):
    """The server has committed these results and plan receipts (or buried what it could not read); on `receipt` too.

    `words`: the SHA-256 of each message's bytes as they were published. A machine sends a word again until it is named.
    """

    format: int = FORMAT
    words: tuple[str, ...]


class DeliverAgain(Struct, frozen=True, kw_only=True):
    """The server was restored from a backup and may lack what it receipted between these moments; on `receipt` too.

    The machine takes its receipts of that time back and delivers those sessions again; the server knows those that it
    has. It says so by `State.delivered_again_wall_s`. A machine that does not know this message passes over it.
    """

    format: int = FORMAT
    receipted_since_wall_s: float
    receipted_until_wall_s: float


class Finding(Struct, frozen=True):
    """Something about the machine that a person should know. `code`: listed in docs/wire.md; `detail` is for people."""

    code: str
    detail: str = ""
    since_wall_s: float | None = None


class State(Struct, frozen=True, kw_only=True):
    """Birth and will, retained: whether the machine is connected, and how it is.

    `connection` counts the machine's connections; a will that comes after the next birth has the lower number and is to
    be passed over. `instance`: random for each start of the courier; by it a machine sees that somebody else speaks in
    its name. `waiting`: finished sessions that have no receipt yet, as far as the courier knows. `refused`: how many of
    this connection's numbered messages (docs/wire.md, 'Numbers') the broker refused. `delivered_again_wall_s`: the end
    of the newest `DeliverAgain` that was carried out since the courier's start, 0 for none.
    """

    format: int = FORMAT
    online: bool
    connection: int
    clinic: str
    machine: str
    software: Software
    findings: tuple[Finding, ...] = ()
    waiting: int = 0
    at: Clocks | None = None
    certificate_until_wall_s: float | None = None
    instance: str = ""
    refused: int = 0
    delivered_again_wall_s: float = 0.0


class LiveNotice(Struct, frozen=True):
    """A notice that holds now."""

    code: str
    level: Level
    since_s: float


class Live(Struct, frozen=True, kw_only=True):
    """How it stands at the machine, about once a second, never kept by the broker.

    `number` counts up within a connection, so that a receiver sees what was dropped and what came late. `age_s`: how
    old the picture was when it was sent. `face` is what the machine shows (`coach.kiosk.view.ScreenId`); the rest is
    null or empty where no session is.
    """

    format: int = FORMAT
    number: int
    connection: int
    at: Clocks
    age_s: float
    face: str
    participant: str | None = None
    session_id: str | None = None
    saved: str = "no"
    t: float | None = None
    stage: str | None = None
    phase: str | None = None
    interval: int = 0
    intervals: int = 0
    phase_remaining_s: float | None = None
    phase_length_s: int | None = None
    session_elapsed_s: float | None = None
    rate_bpm: float | None = None
    fraction: float | None = None
    low_bpm: float | None = None
    high_bpm: float | None = None
    position: str | None = None
    signal: Signal | None = None
    signal_age_s: float | None = None
    mode: str | None = None
    speed_kmh: float | None = None
    incline_percent: float | None = None
    advice: AdviceNow | None = None
    prediction: Foretold | None = None
    limits: tuple[str, ...] = ()
    notices: tuple[LiveNotice, ...] = ()
    question: str | None = None


class PlanOnWire(Struct, frozen=True, kw_only=True):
    """A participant's plan, retained under `plan/{participant}`; an empty message there withdraws it.

    `version` counts up with every change; a machine never goes back to a lower one. `valid_until_wall_s`: no session
    begins from it afterwards. `progress`: what the participant sees of their own course; a machine that does not know
    it passes over it.
    """

    format: int = FORMAT
    version: int
    made_at_wall_s: float
    made_by: str
    plan: Plan
    valid_until_wall_s: float | None = None
    progress: CourseProgress | None = None


class PlanTaken(Struct, frozen=True, kw_only=True):
    """What became of a plan at a machine, so that a therapist sees it.

    `taken`: sessions begin from this version now, and it outlives a restart. `refused`: it is not used, for `reason`;
    the one before stays in force. `withdrawn`: the machine has no plan of the participant any more; `version` is 0.
    """

    format: int = FORMAT
    participant: str
    version: int
    outcome: Literal["taken", "refused", "withdrawn"]
    at: Clocks
    reason: str = ""


class Action(Struct, frozen=True, tag_field="name"):
    """What a command asks for."""


class StartGroup(Action, frozen=True, tag="start_group"):
    """Start the session at this instant, where a participant has chosen to train and stands ready; nowhere else."""

    at_wall_s: float


class Pause(Action, frozen=True, tag="pause"):
    """Pause the session."""


class Resume(Action, frozen=True, tag="resume"):
    """Let the session go on after a `pause` that came from the server; any other pause is the participant's own."""


class Ease(Action, frozen=True, tag="ease"):
    """Go over to active recovery."""


class End(Action, frozen=True, tag="end"):
    """End the session; a cool-down is offered."""


class Adjust(Action, frozen=True, tag="adjust"):
    """Make the session easier: nothing here makes it harder.

    `extend_recovery_s`: the active recovery that runs becomes so much longer. `lowered_fraction`: all target zones lie
    this fraction of HRmax below the plan's, 0–0.10; 0 takes it back. One of the two is given.
    """

    extend_recovery_s: int | None = None
    lowered_fraction: float | None = None


class Text(Action, frozen=True, tag="text"):
    """Show a line to the participant, for so long."""

    text: str
    for_s: float = 20.0


class Attend(Action, frozen=True, tag="attend"):
    """Say that a member of staff is with the participant: this answers "are you all right?" for them."""


AnyAction = StartGroup | Pause | Resume | Ease | End | Adjust | Text | Attend


class Command(Struct, frozen=True, kw_only=True):
    """A command to one machine. `id` is never used twice; it does nothing after `expires_wall_s`.

    `by`: who asked, as the server names them. `participant`: whom it is meant for, null for whoever trains.
    """

    format: int = FORMAT
    id: str
    by: str
    made_at_wall_s: float
    expires_wall_s: float
    action: AnyAction
    participant: str | None = None


class CommandResult(Struct, frozen=True, kw_only=True):
    """What became of a command. `accepted`: it waits for its instant; a `done` or `refused` follows.

    `code` is for programs (docs/wire.md lists them), `reason` for people.
    """

    format: int = FORMAT
    id: str
    outcome: Literal["accepted", "done", "refused"]
    at: Clocks
    code: str = ""
    reason: str = ""


class EnrolRequest(Struct, frozen=True, kw_only=True):
    """A machine asks for its certificate with its one-time code. `request_pem`: a PKCS #10 signing request."""

    format: int = FORMAT
    code: str
    request_pem: str


class RenewRequest(Struct, frozen=True, kw_only=True):
    """A machine asks for its next certificate, over TLS with the one that it has."""

    format: int = FORMAT
    request_pem: str


class Enrolled(Struct, frozen=True, kw_only=True):
    """The certificate, and where it is good for."""

    format: int = FORMAT
    clinic: str
    machine: str
    certificate_pem: str
    authority_pem: str
    broker_host: str
    broker_port: int


class EnrolRefused(Struct, frozen=True, kw_only=True):
    """Why no certificate was given.

    `code`: `unknown_code`, `expired_code`, `used_code`, `bad_request`, `revoked`, `too_many`.
    """

    format: int = FORMAT
    code: str
    reason: str
