"""Commands from the room to its machines: remembered, logged, sent, each with an id of its own and a short life.

Nothing here makes a session harder; there is no such command. What the machine's own gate refuses (`docs/wire.md`) is
refused here already where it can be seen, so that a person is told at once.
"""

import math
import time
from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

import msgspec
from django.db import transaction
from msgspec import Struct

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.live.hub import Hub
from server.live.models import GivenCommand
from server.live.persistence import called
from server.live.plan_outbox import machines_of
from server.live.tiles import CommandTold, command_name
from server.people.models import Participant
from sync.wire.messages import Adjust, AnyAction, Command, StartGroup, Text
from sync.wire.topics import NAME, PARTICIPANT

LIVES_S = 20.0
"""A command that comes later does nothing: whoever pressed has seen by then that no answer came."""

MOST_MACHINES = 100
SOONEST_START_S, LATEST_START_S = 5.0, 60.0
MOST_TEXT, MOST_TEXT_S = 80, 60.0
EXTEND_S = 30
"""What the engine extends a recovery by."""

MOST_LOWERED = 0.10

Why = Literal["not_understood", "no_machine", "too_many", "bad_text", "bad_start", "bad_adjustment", "no_broker"]


class CommandTarget(Struct, frozen=True, forbid_unknown_fields=True):
    """A machine, and who stood on its tile when the button was pressed: nobody else gets the command."""

    machine: str
    participant: str | None = None


class CommandRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What a browser asks for. `in_s`: a group start so many seconds from now, by the server's clock."""

    to: tuple[CommandTarget, ...]
    action: AnyAction
    in_s: float | None = None


class SentCommand(Struct, frozen=True):
    """What was sent. `at_s`: when a group starts."""

    id: str
    made_s: float
    machines: tuple[str, ...]
    at_s: float | None = None


class NotGivenError(Exception):
    """Nothing was sent; `why` names the sentence that says so."""

    def __init__(self, why: Why) -> None:
        """Say why."""
        super().__init__(why)
        self.why: Why = why


def give(hub: Hub, clinic: Clinic, account: Account, body: bytes) -> SentCommand:
    """Send what a browser asks for. Raises NotGivenError; then no machine was sent anything."""
    asked = _read(body)
    now_s = time.time()
    action = _checked(asked, now_s)
    feed = hub.feed(clinic.code)
    known = feed.machines() | machines_of(clinic)
    if any(one.machine not in known for one in asked.to):
        raise NotGivenError("no_machine")
    if not hub.up:
        raise NotGivenError("no_broker")
    number = uuid4().hex
    _remember(clinic, account, asked, action, number, now_s)
    command = Command(
        id=number,
        # A number and not a name: who that is, the server knows.
        by=f"account-{account.pk}",
        made_at_wall_s=now_s,
        expires_wall_s=now_s + LIVES_S,
        action=action,
    )
    sent = []
    for one in asked.to:
        told = CommandTold(id=number, name=_name(action), made_s=now_s, by=called(account))
        feed.accept(one.machine, told)
        if hub.send(clinic.code, one.machine, msgspec.structs.replace(command, participant=one.participant)):
            sent.append(one.machine)
    if not sent:
        raise NotGivenError("no_broker")
    return SentCommand(number, now_s, tuple(sent), action.at_wall_s if isinstance(action, StartGroup) else None)


def _read(body: bytes) -> CommandRequest:
    try:
        asked = msgspec.json.decode(body, type=CommandRequest)
    except msgspec.MsgspecError as error:
        raise NotGivenError("not_understood") from error
    named = all(
        NAME.match(one.machine) and (one.participant is None or PARTICIPANT.match(one.participant)) for one in asked.to
    )
    if not asked.to or not named:
        raise NotGivenError("no_machine")
    if len(asked.to) > MOST_MACHINES or len({one.machine for one in asked.to}) < len(asked.to):
        raise NotGivenError("too_many")
    return asked


def _checked(asked: CommandRequest, now_s: float) -> AnyAction:
    match asked.action:
        case StartGroup():
            ahead_s = asked.in_s if asked.in_s is not None else math.nan
            if not SOONEST_START_S <= ahead_s <= LATEST_START_S:
                raise NotGivenError("bad_start")
            # A whole second, so that all machines and the clock on the wall agree.
            return StartGroup(math.ceil(now_s + ahead_s))
        case Text() as text:
            line = " ".join("".join(c if c.isprintable() else " " for c in text.text).split())
            if not 0 < len(line) <= MOST_TEXT or not 0 < text.for_s <= MOST_TEXT_S:
                raise NotGivenError("bad_text")
            return Text(line, text.for_s)
        case Adjust(extend_recovery_s=extend_s, lowered_fraction=lowered):
            extends = extend_s == EXTEND_S and lowered is None
            lowers = extend_s is None and lowered is not None and 0 <= lowered <= MOST_LOWERED
            if not extends and not lowers:
                raise NotGivenError("bad_adjustment")
            return asked.action
        case _:
            return asked.action


def _remember(
    clinic: Clinic, account: Account, asked: CommandRequest, action: AnyAction, number: str, now_s: float
) -> None:
    """Before anything is sent, so that nothing happens that nobody knows of."""
    people = {
        one.pseudonym: one
        for one in Participant.objects.filter(clinic=clinic, pseudonym__in=[to.participant for to in asked.to])
    }
    with transaction.atomic():
        GivenCommand.objects.bulk_create(
            GivenCommand(
                command_id=number,
                clinic=clinic,
                machine=one.machine,
                participant=one.participant or "",
                action={"name": _name(action)} if isinstance(action, Text) else msgspec.to_builtins(action),
                made_at=datetime.fromtimestamp(now_s, UTC),
                expires_at=datetime.fromtimestamp(now_s + LIVES_S, UTC),
                made_by=account,
            )
            for one in asked.to
        )
        for one in asked.to:
            record(
                account,
                "room.command",
                clinic=clinic,
                may=Permission.COMMAND,
                participant=people.get(one.participant or ""),
                machine=one.machine,
                command=_name(action),
                id=number,
            )


def _name(action: AnyAction) -> str:
    return command_name(msgspec.to_builtins(action))
