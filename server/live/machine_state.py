"""One machine's place in the room: what was heard of it, folded together. Knows neither broker nor database."""

from collections import deque

from msgspec import Struct
from msgspec.structs import replace

from server.live.tiles import CommandTold, FindingTold, NoticeTold, Tile, TileTrace, now_of
from sync.wire.messages import CommandResult, Live, LiveNotice, State

TRACE_S = 300
COMMANDS_SHOWN_S = 120.0
MOST_COMMANDS = 4
MOST_EARLY = 16
PASSED_SHOWN_S = 12 * 3600.0
"""A notice that nobody saw stays on its tile so long."""

SEEN_SHOWN_S = 30.0
"""One that passed and was seen says so long who saw it."""

SIGNAL_NOTICES = frozenset({"signal_stale", "signal_lost", "signal_implausible"})
"""Notices that the tile's signal tells already, and that pass with it: nothing to acknowledge."""

_OUTCOMES = ("", "accepted", "done", "refused")


class NoticeKey(Struct, frozen=True):
    """Which notice: as in `server.live.models.Acknowledgement`."""

    session_id: str | None
    code: str
    since_s: float


class DisplayName(Struct, frozen=True):
    """What screens in the room show of a participant."""

    nickname: str
    picture: str


class Heard(Struct, frozen=True):
    """What a live message changed beside the picture."""

    raised: tuple[NoticeTold, ...] = ()
    ended: tuple[tuple[NoticeKey, float], ...] = ()


class LiveMachine:
    """What is known of a machine. Not safe for several threads: the room's lock is held around it."""

    def __init__(self, machine: str) -> None:
        """Nothing is known yet."""
        self.machine = machine
        self._live: Live | None = None
        self._heard_s: float | None = None
        self._state: State | None = None
        self._link_s: float | None = None
        self._used_s: float | None = None
        self._who: DisplayName | None = None
        self._trace: deque[tuple[float, float | None, float | None, float | None]] = deque(maxlen=TRACE_S + 60)
        self._notices: dict[NoticeKey, NoticeTold] = {}
        self._commands: dict[str, CommandTold] = {}
        self._early: dict[str, CommandResult] = {}

    @property
    def participant(self) -> str | None:
        """The pseudonym of who trains here now."""
        return self._live.participant if self._live else None

    @property
    def training(self) -> str | None:
        """The session that runs here now."""
        return self._live.session_id if self._live else None

    def away_s(self, now_s: float) -> float | None:
        """How long it has been away; None where it is not, or that is not known."""
        if self._state is None or self._state.online or self._link_s is None:
            return None
        return now_s - self._link_s

    def hear_state(self, state: State, now_s: float) -> bool:
        """Take a birth or a will. Gives False where it was overtaken by a later birth."""
        known = self._state
        if known is not None and not state.online and state.connection < known.connection:
            return False
        if known is None or known.online != state.online:
            self._link_s = now_s if known is not None or state.at is None else min(now_s, state.at.wall_s)
        self._state = state
        return True

    def hear_live(self, live: Live, now_s: float) -> Heard | None:
        """Take a picture. Gives what it raised and ended; None where a later one is here already."""
        last = self._live
        if last is not None and last.connection == live.connection and live.number <= last.number:
            return None
        if self._state is not None and live.connection < self._state.connection:
            return None
        if last is not None and (last.session_id, last.participant) != (live.session_id, live.participant):
            self._trace.clear()
            self._who = None if last.participant != live.participant else self._who
        self._live = live
        self._heard_s = now_s - max(0.0, live.age_s)
        if live.session_id is not None:
            self._used_s = now_s
        if live.session_id is not None:
            # A machine's `age_s` jitters, so a later picture may have been true earlier. The trace never goes back.
            at_s = max(self._heard_s, self._trace[-1][0]) if self._trace else self._heard_s
            self._trace.append((at_s, live.rate_bpm, live.low_bpm, live.high_bpm))
        return self._fold_notices(live, now_s)

    def hear_result(self, result: CommandResult) -> bool:
        """Take what became of a command. Gives whether it was given from the room, and this is news."""
        known = self._commands.get(result.id)
        if known is None:
            # A machine may be quicker than the word of the worker that sent the command.
            self._early[result.id] = result
            while len(self._early) > MOST_EARLY:
                del self._early[next(iter(self._early))]
            return False
        if _OUTCOMES.index(result.outcome) <= _OUTCOMES.index(known.outcome):
            return False
        self._commands[result.id] = replace(known, outcome=result.outcome, code=result.code, reason=result.reason)
        return True

    def told_command(self, command: CommandTold) -> bool:
        """Note that a command was given. Return whether that is news."""
        if command.id in self._commands:
            return False
        self._commands[command.id] = command
        early = self._early.pop(command.id, None)
        if early is not None:
            self.hear_result(early)
        return True

    def told_notice(self, notice: NoticeTold) -> bool:
        """Note a notice that is remembered from earlier. Return whether that is news."""
        key = _key(notice)
        if key in self._notices:
            return False
        self._notices[key] = notice
        return True

    def told_seen(self, key: NoticeKey, by: str, at_s: float) -> bool:
        """Somebody has seen a notice. Gives whether that is news here."""
        known = self._notices.get(key)
        if known is None or known.at_s is not None:
            return False
        self._notices[key] = replace(known, by=by, at_s=at_s)
        return True

    def has_notice(self, key: NoticeKey) -> bool:
        """Whether there is such a notice to acknowledge."""
        return key in self._notices and self._notices[key].to_acknowledge

    def told_who(self, participant: str, who: DisplayName | None) -> bool:
        """Who a pseudonym is. Gives whether that is news here."""
        if participant != self.participant or who == self._who:
            return False
        self._who = who
        return True

    def forget_old(self, now_s: float) -> bool:
        """Let go of what is no longer shown. Gives whether that was anything."""
        commands = [one.id for one in self._commands.values() if now_s - one.made_s > COMMANDS_SHOWN_S]
        for old in (*commands, *list(self._commands)[: max(0, len(self._commands) - len(commands) - MOST_COMMANDS)]):
            self._commands.pop(old, None)
        passed = [key for key, one in self._notices.items() if not one.holds and _over(one, now_s)]
        for key in passed:
            del self._notices[key]
        return bool(commands or passed)

    def tile(self) -> Tile:
        """Return the tile as it stands now, without its trace."""
        state = self._state
        return Tile(
            machine=self.machine,
            online=state.online if state is not None else self._live is not None,
            link_s=self._link_s,
            heard_s=self._heard_s,
            nickname=self._who.nickname if self._who else "",
            picture=self._who.picture if self._who else "",
            now=now_of(self._live) if self._live else None,
            notices=tuple(self._notices.values()),
            commands=tuple(sorted(self._commands.values(), key=lambda one: one.made_s)),
            findings=tuple(FindingTold(one.code, one.since_wall_s) for one in state.findings) if state else (),
            waiting=state.waiting if state else 0,
            software=state.software.interval_coach if state else "",
            used_s=self._used_s,
        )

    def bare_tile(self) -> Tile:
        """Return a tile that says no more than which machine it is, for one whose own cannot be drawn."""
        return Tile(machine=self.machine, online=self._state.online if self._state is not None else False)

    def tile_with_trace(self, now_s: float) -> Tile:
        """Return the tile with the rate of the last minutes."""
        return replace(self.tile(), trace=self._traced(now_s))

    def _traced(self, now_s: float) -> TileTrace | None:
        kept = [one for one in self._trace if one[0] > now_s - TRACE_S]
        if not kept:
            return None
        start_s = int(kept[0][0])
        bpm: list[int | None] = [None] * (int(kept[-1][0]) - start_s + 1)
        bands: list[tuple[int, float | None, float | None]] = []
        for at_s, rate, low, high in kept:
            second = int(at_s) - start_s
            bpm[second] = None if rate is None else round(rate)
            if not bands or bands[-1][1:] != (low, high):
                bands.append((second, low, high))
        return TileTrace(start_s, tuple(bpm), tuple(bands))

    def _fold_notices(self, live: Live, now_s: float) -> Heard:
        holding = {NoticeKey(live.session_id, one.code, one.since_s): one for one in live.notices}
        raised = []
        for key, one in holding.items():
            known = self._notices.get(key)
            if known is None:
                self._notices[key] = told = _raised(key, one, now_s)
                if told.to_acknowledge:
                    raised.append(told)
            elif not known.holds:
                self._notices[key] = replace(known, holds=True, lasted_s=None)
        ended = []
        for key, told in list(self._notices.items()):
            if not told.holds or key in holding:
                continue
            if not told.to_acknowledge:
                del self._notices[key]
                continue
            same = live.t is not None and live.session_id == key.session_id
            lasted_s = max(0.0, round((live.t or 0.0) - key.since_s, 1)) if same else round(now_s - told.heard_s, 1)
            self._notices[key] = replace(told, holds=False, lasted_s=lasted_s)
            ended.append((key, lasted_s))
        self.forget_old(now_s)
        return Heard(tuple(raised), tuple(ended))


def _raised(key: NoticeKey, notice: LiveNotice, now_s: float) -> NoticeTold:
    seen = notice.level.value != "information" and notice.code not in SIGNAL_NOTICES
    return NoticeTold(
        code=key.code,
        level=notice.level.value,
        since_s=key.since_s,
        session_id=key.session_id,
        heard_s=now_s,
        to_acknowledge=seen,
    )


def _over(notice: NoticeTold, now_s: float) -> bool:
    if notice.at_s is not None:
        return now_s - notice.at_s > SEEN_SHOWN_S
    return now_s - notice.heard_s > PASSED_SHOWN_S


def _key(notice: NoticeTold) -> NoticeKey:
    return NoticeKey(notice.session_id, notice.code, notice.since_s)
