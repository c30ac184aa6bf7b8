"""The gate for commands from the server: what is stale, repeated, meant for another or too much goes no further.

A command never makes a session harder, for there is none that could; what passes here still meets the session engine,
which has the last word with its own limits. Pure: time is handed in.
"""

import re
from typing import assert_never

from msgspec import Struct

from coach.model.messages import AllRightAnswer, CommandName
from coach.model.messages import SessionCommand as ToEngine
from coach.session.engine import MOST_LOWERED_FRACTION
from sync.wire.messages import Adjust, Attend, Clocks, Command, Ease, End, Pause, Resume, StartGroup, Text

LIVES_S = 600.0
"""No command lives longer, whatever it says of itself."""

AHEAD_S = 30.0
"""How much the server's clock may run before the machine's."""

MOST_EXTEND_S = 300
MOST_TEXT, MOST_TEXT_S = 80, 60.0
"""More cannot be read from a treadmill."""

THERAPIST = "therapist"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_LATE_START_S = 2.0


class CommandRefusal(Struct, frozen=True):
    """A command that is not carried out; `code` for programs, `reason` for people."""

    code: str
    reason: str


class Show(Struct, frozen=True):
    """A line for the participant's screen."""

    text: str
    for_s: float


class StartAt(Struct, frozen=True):
    """Start at this moment of the machine's monotonic clock, where a participant stands ready then."""

    monotonic_s: float
    message: ToEngine


Order = ToEngine | AllRightAnswer | Show | StartAt
"""What the coach is told; the engine stamps its own time."""


class CommandValidator:
    """Judges commands, each id once."""

    def __init__(self, since_monotonic_s: float) -> None:
        """Begin now: commands made before are refused, for it is not known whether they were carried out already."""
        self._since_s = since_monotonic_s
        self._known: dict[str, float] = {}

    def judge(self, command: Command, now: Clocks, participant: str | None) -> Order | CommandRefusal:
        """Return what to do, or why not. `participant`: the pseudonym of who trains here now."""
        refused = self._stale(command, now)
        if refused is not None:
            return refused
        if command.participant is not None and command.participant != participant:
            return CommandRefusal("other_participant", "Another participant, or nobody, is at this machine.")
        action = command.action
        match action:
            case StartGroup():
                ahead_s = action.at_wall_s - now.wall_s
                if not -_LATE_START_S <= ahead_s <= LIVES_S:
                    return CommandRefusal("stale", "The instant of the start has passed, or is too far ahead.")
                return StartAt(now.monotonic_s + max(0.0, ahead_s), _build_engine_command(CommandName.START))
            case Pause():
                return _build_engine_command(CommandName.PAUSE)
            case Resume():
                return _build_engine_command(CommandName.RESUME)
            case Ease():
                return _build_engine_command(CommandName.EASE)
            case End():
                return _build_engine_command(CommandName.STOP)
            case Adjust():
                return _adjusted(action)
            case Attend():
                return AllRightAnswer(0.0, source=THERAPIST)
            case Text():
                text = " ".join("".join(c if c.isprintable() else " " for c in action.text).split())
                if not 0 < len(text) <= MOST_TEXT or not 0 < action.for_s <= MOST_TEXT_S:
                    return CommandRefusal(
                        "limit", f"A text has 1–{MOST_TEXT} characters and stays {MOST_TEXT_S:g} s at most."
                    )
                return Show(text, action.for_s)
            case _ as unknown:
                assert_never(unknown)

    def _stale(self, command: Command, now: Clocks) -> CommandRefusal | None:
        """Whether its time is not now; notes its id."""
        if not now.trusted:
            return CommandRefusal(
                "clock_unsynchronised", "The machine's clock was never set, so no command can be dated."
            )
        if not _ID.match(command.id):
            return CommandRefusal(
                "not_understood", "The command's id is not 1–64 letters, digits, hyphens or underscores."
            )
        for known, until_s in tuple(self._known.items()):
            if until_s < now.monotonic_s:
                del self._known[known]
        if command.id in self._known:
            return CommandRefusal("repeated", "A command with this id came before.")
        made_s = command.made_at_wall_s
        # Written so that a time that is no number fails.
        fresh = now.wall_s - LIVES_S <= made_s <= now.wall_s + AHEAD_S and now.wall_s < command.expires_wall_s
        before = made_s < now.wall_s - (now.monotonic_s - self._since_s)
        if not fresh or before:
            return CommandRefusal("stale", "The command has expired, or was made before this machine came up.")
        self._known[command.id] = now.monotonic_s + 2 * LIVES_S
        return None


def _adjusted(action: Adjust) -> ToEngine | CommandRefusal:
    """Return a longer recovery or a lower target; the other way round there is none."""
    seconds, lowered = action.extend_recovery_s, action.lowered_fraction
    if seconds is not None and lowered is None:
        if not 1 <= seconds <= MOST_EXTEND_S:
            return CommandRefusal("limit", f"A recovery can be made 1–{MOST_EXTEND_S} s longer, and never shorter.")
        return _build_engine_command(CommandName.EXTEND_RECOVERY, seconds)
    if lowered is not None and seconds is None:
        if not 0 <= lowered <= MOST_LOWERED_FRACTION:
            return CommandRefusal(
                "limit", f"The target can be lowered by 0–{MOST_LOWERED_FRACTION:g} of HRmax, not raised."
            )
        return ToEngine(0.0, CommandName.ADJUST, None, THERAPIST, lowered)
    return CommandRefusal("not_understood", "Adjusting takes either extend_recovery_s or lowered_fraction.")


def _build_engine_command(name: CommandName, seconds: int | None = None) -> ToEngine:
    return ToEngine(0.0, name, seconds, THERAPIST)
