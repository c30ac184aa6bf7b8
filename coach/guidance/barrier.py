"""The barrier around the guidance: whatever it does, the session goes on, and stop works.

The guidance is optional. Each call runs inside `Budget`, which the driver of the engine injects, because the coach
has no clock. A guidance that raises, overruns its budget or returns something that is no advice is replaced by
`NoGuidance` for the rest of the session. What it found of HRmax stays in force: limits only tighten.

`SystemExit` and other errors outside of `Exception` are failures too: an optional part ends no session. Only
`KeyboardInterrupt` passes, because an operator's Ctrl-C arrives as one in whatever runs just then.
"""

import traceback
from collections.abc import Callable
from math import isfinite
from typing import Any, Protocol, Self, TypeVar

from msgspec import Struct, to_builtins

from coach.errors import PlanError
from coach.guidance.interface import Guidance, GuidanceInput, GuidanceMaker
from coach.model.events import Advice, HrMaxFinding
from coach.model.plan import Plan
from coach.model.snapshot import Prediction

T = TypeVar("T")
MOST_DETAIL = 150
"""So many characters of an error's own words are kept."""


class Budget(Protocol):
    """Runs a call and raises where the call takes too long."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Return what `call` returns."""
        ...


def unlimited(call: Callable[[], T], /) -> T:
    """Run a call without a time budget, for drivers that wait for nothing: replay, tests, `engine --stdio`."""
    return call()


class GuidanceError(Exception):
    """The guidance returned something that is no advice."""


class Outlook(Struct, frozen=True):
    """What the guidance says besides its advice: the finding on HRmax, its doubt and its forecast."""

    finding: HrMaxFinding | None = None
    doubt: str | None = None
    prediction: Prediction | None = None


class NoGuidance(Struct, frozen=True):
    """The guidance of a session whose own guidance is out of action: it advises nothing.

    `place` says where the guidance failed; `carried` is the plan's response, handed on so that nothing learned is lost.
    """

    place: str
    carried: Any = None
    finding: HrMaxFinding | None = None

    @property
    def prediction(self) -> None:
        """Nothing is foretold."""

    @property
    def doubt(self) -> None:
        """Nothing is doubted beyond the signal's own checks."""

    @property
    def response(self) -> Any:  # noqa: ANN401 - any JSON value, see `coach.guidance.interface.Guidance`
        """Return what earlier sessions learned, unchanged."""
        return self.carried

    def second(self, moment: GuidanceInput) -> tuple[Self, None]:  # noqa: ARG002 - the interface of a guidance
        """Advise nothing."""
        return self, None


def make_guidance(maker: GuidanceMaker, plan: Plan, budget: Budget) -> tuple[Guidance, Outlook]:
    """Return the guidance of a session and its outlook. One that cannot be made is out of action from the start.

    Raises `PlanError` where the plan's response is damaged: that is for the maker of the plan to mend.
    """
    try:
        return budget(lambda: _made(maker, plan))
    except (PlanError, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - the barrier: any failure of the guidance
        return NoGuidance(place_of(error), plan.response), Outlook()


def _made(maker: GuidanceMaker, plan: Plan) -> tuple[Guidance, Outlook]:
    guidance = maker(plan)
    return guidance, read_outlook(guidance)


def guide(
    guidance: Guidance, moment: GuidanceInput, plan: Plan, finding: HrMaxFinding | None, budget: Budget
) -> tuple[Guidance, Advice | None, Outlook]:
    """Call the guidance for one second. A guidance that fails comes back as `NoGuidance`."""
    try:
        return budget(lambda: _second(guidance, moment))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the barrier: any failure of the guidance
        return NoGuidance(place_of(error), plan.response, finding), None, Outlook(finding)


def _second(guidance: Guidance, moment: GuidanceInput) -> tuple[Guidance, Advice | None, Outlook]:
    after, advice = guidance.second(moment)
    return after, None if advice is None else checked_advice(advice), read_outlook(after)


def read_outlook(guidance: Guidance) -> Outlook:
    """Return what the guidance says besides advice. Raises `GuidanceError` where it is not what belongs there."""
    outlook = Outlook(guidance.finding, guidance.doubt, guidance.prediction)
    for what, value, kind in (
        ("finding", outlook.finding, HrMaxFinding),
        ("doubt", outlook.doubt, str),
        ("prediction", outlook.prediction, Prediction),
    ):
        if value is not None and not isinstance(value, kind):
            msg = f"the guidance's {what} is {type(value).__name__} where {kind.__name__} belongs"
            raise GuidanceError(msg)
        _require_finite(what, value)
    return outlook


def checked_advice(advice: object) -> Advice:
    """Return the advice. Raises `GuidanceError` where it is none, or asks for what no treadmill can do."""
    if not isinstance(advice, Advice):
        msg = f"the guidance returned {type(advice).__name__} where an advice belongs"
        raise GuidanceError(msg)
    _require_finite("advice", advice)
    if advice.speed_kmh is not None and advice.speed_kmh < 0:
        msg = f"the guidance asked for {advice.speed_kmh:g} km/h"
        raise GuidanceError(msg)
    return advice


def response_of(guidance: Guidance, plan: Plan, budget: Budget) -> tuple[Any, str | None]:
    """Return what the guidance learned, and where it failed; a failed one hands on the plan's own response."""
    try:
        return budget(lambda: _checked_response(guidance)), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the barrier: any failure of the guidance
        return plan.response, place_of(error)


def _checked_response(guidance: Guidance) -> Any:  # noqa: ANN401 - any JSON value
    response = guidance.response
    _require_finite("response", response)
    return response


def _require_finite(what: str, value: Any) -> None:  # noqa: ANN401 - any value that JSON can hold
    """Raise `GuidanceError` where a number within `value` is not finite, or `value` is nothing JSON can hold."""
    left = [to_builtins(value)]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left.extend(one.values())
        elif isinstance(one, list | tuple):
            left.extend(one)
        elif isinstance(one, float) and not isfinite(one):
            msg = f"a number in the guidance's {what} is not finite"
            raise GuidanceError(msg)


def place_of(error: BaseException) -> str:
    """Return the place of the error: the kind of error and the last line of the coach that the trace shows."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next(
        (
            one
            for one in reversed(frames)
            if "/coach/" in one.filename and not one.filename.endswith("guidance/barrier.py")
        ),
        frames[-1] if frames else None,
    )
    kind = type(error).__name__
    if frame is None:
        return kind
    name = "/".join(frame.filename.split("/")[-2:])
    return f"{kind}: {_words_of(error)}"[:MOST_DETAIL] + f" ({name}:{frame.lineno} {frame.name})"


def _words_of(error: BaseException) -> str:
    """Return the error's own words; none where making them fails too."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - the barrier: an error that cannot say what it is
        return ""
