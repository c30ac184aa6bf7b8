"""Carries out what came from the server: plans to the coach's shelf, commands through the gate to the coach.

What became of each is told: the result of a command, and whether a plan was taken, which its therapist wants to see.

The coach checks every plan as it checks a plan file, and the session engine has the last word on every command.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from msgspec.structs import replace

from coach.kiosk.view import ScreenId
from coach.model.plan import Plan
from firmware.ipc.messages import (
    AnyToCoach,
    Done,
    ForgetReceipts,
    GivePlan,
    RequestRefusal,
    ShowText,
    Tell,
    ViewNow,
    WithdrawPlan,
)
from sync.delivery.command_validator import CommandRefusal, CommandValidator, Order, Show, StartAt
from sync.delivery.fault_registry import Trouble
from sync.delivery.interface import Courier, PlanCame, PlanWithdrawn
from sync.wire.messages import Clocks, Command, CommandResult, DeliverAgain, PlanOnWire, PlanTaken

Ask = Callable[[AnyToCoach], Done | RequestRefusal | None]
"""Asks the coach and gives its answer; None where it gave none."""

NO_ANSWER = CommandRefusal("coach_away", "The coach on the machine did not answer.")
AGAIN_EVERY_S = 30.0
NOT_READY = CommandRefusal("not_ready", "No participant stands ready to start at this machine.")


def plan_of(came: PlanOnWire) -> Plan:
    """Return the plan as the coach keeps it: with the day until which it holds, and when its sessions were counted."""
    until = [at_s for at_s in (came.valid_until_wall_s, came.plan.valid_until_wall_s) if at_s is not None]
    counted_at_s = came.plan.counted_at_wall_s
    return replace(
        came.plan,
        valid_until_wall_s=min(until, default=None),
        counted_at_wall_s=came.made_at_wall_s if counted_at_s is None else counted_at_s,
        closed_by_yes=(),
    )


class CommandExecutor:
    """What has come, and what waits for its instant."""

    def __init__(self, courier: Courier, clocks: Callable[[], Clocks]) -> None:
        """Begin now."""
        self._courier, self._clocks = courier, clocks
        self._gate = CommandValidator(clocks().monotonic_s)
        self._waiting: list[tuple[StartAt, Command]] = []
        self._again: DeliverAgain | None = None
        self._again_at_s = 0.0

    def carry_out(self, ask: Ask, view: ViewNow | None) -> None:
        """Do all that has come and all that is due."""
        for arrival in self._courier.arrivals():
            match arrival:
                case Command():
                    self._judge(arrival, ask, view)
                case PlanCame():
                    told = GivePlan(plan=plan_of(arrival.plan), progress=arrival.plan.progress)
                    self._plan(arrival.plan, ask(told))
                case PlanWithdrawn(participant):
                    if isinstance(ask(WithdrawPlan(participant=participant)), Done):
                        self._tell_plan(participant, 0, "withdrawn")
                case DeliverAgain():
                    self._again, self._again_at_s = arrival, 0.0
        now_s = self._clocks().monotonic_s
        if self._again is not None and now_s >= self._again_at_s:
            self._again_at_s = now_s + AGAIN_EVERY_S
            self._take_receipts_back(self._again, ask)
        due = [one for one in self._waiting if one[0].monotonic_s <= now_s]
        self._waiting = [one for one in self._waiting if one[0].monotonic_s > now_s]
        for start, command in due:
            self._start(start, command, ask, view)

    def _take_receipts_back(self, again: DeliverAgain, ask: Ask) -> None:
        """Have the diary's receipts of that time taken back; tried again where the coach or the diary cannot now."""
        span = ForgetReceipts(since_wall_s=again.receipted_since_wall_s, until_wall_s=again.receipted_until_wall_s)
        answer = ask(span)
        if not isinstance(answer, Done):
            return
        self._again = None
        if not answer.found:
            since, until = (
                datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%MZ")
                for at_s in (span.since_wall_s, span.until_wall_s)
            )
            self._courier.note(Trouble.SESSION_GONE, f"Receipted between {since} and {until}.")
        self._courier.tell_delivered_again(again)

    def next_due_s(self, now_s: float) -> float:
        """Seconds until something waits no longer; infinity where nothing waits."""
        return max(0.0, min((start.monotonic_s for start, _ in self._waiting), default=float("inf")) - now_s)

    def _judge(self, command: Command, ask: Ask, view: ViewNow | None) -> None:
        order = self._gate.judge(command, self._clocks(), None if view is None else view.participant)
        match order:
            case CommandRefusal():
                self._refuse(command, order)
            case StartAt():
                self._waiting.append((order, command))
                self._tell(command, "accepted")
            case _:
                self._do(order, command, ask)

    def _start(self, start: StartAt, command: Command, ask: Ask, view: ViewNow | None) -> None:
        """Only somebody who has chosen to train and stands ready is started, and nobody else's session."""
        ready = view is not None and view.view.face is ScreenId.READY
        if not ready or (
            command.participant is not None and view is not None and view.participant != command.participant
        ):
            self._refuse(command, NOT_READY)
        else:
            self._do(start.message, command, ask)

    def _do(self, order: Order, command: Command, ask: Ask) -> None:
        match order:
            case Show(text, for_s):
                answer = ask(ShowText(text=text, for_s=for_s))
            case StartAt():
                raise AssertionError(order)
            case message:
                answer = ask(Tell(message=message))
        match answer:
            case Done():
                self._tell(command, "done")
            case RequestRefusal(code, reason):
                self._refuse(command, CommandRefusal(code, reason))
            case None:
                self._refuse(command, NO_ANSWER)

    def _plan(self, came: PlanOnWire, answer: Done | RequestRefusal | None) -> None:
        participant = came.plan.participant
        match answer:
            case Done():
                self._courier.clear(Trouble.PLAN_REFUSED, participant)
                self._tell_plan(participant, came.version, "taken")
            case RequestRefusal(reason=reason):
                self._courier.note(Trouble.PLAN_REFUSED, reason, participant)
                self._tell_plan(participant, came.version, "refused", reason)
            case None:
                self._courier.note(Trouble.PLAN_REFUSED, NO_ANSWER.reason, participant)

    def _tell_plan(
        self, participant: str, version: int, outcome: Literal["taken", "refused", "withdrawn"], reason: str = ""
    ) -> None:
        word = PlanTaken(participant=participant, version=version, outcome=outcome, at=self._clocks(), reason=reason)
        self._courier.tell_plan(word)

    def _refuse(self, command: Command, refused: CommandRefusal) -> None:
        self._tell(command, "refused", refused.code, refused.reason)

    def _tell(
        self, command: Command, outcome: Literal["accepted", "done", "refused"], code: str = "", reason: str = ""
    ) -> None:
        self._courier.answer(CommandResult(id=command.id, outcome=outcome, at=self._clocks(), code=code, reason=reason))
