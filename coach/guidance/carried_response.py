"""What is carried from one session to the next: the person's own part of the belief, as plain JSON numbers."""

from typing import Any

import numpy as np
from msgspec import Struct, ValidationError, convert, json

from coach.errors import PlanError
from coach.guidance.priors import KINDS, PERSON, GuidedPerson
from coach.model.plan import Load

BAD_RESPONSE = "the plan's response is not one that a session's summary gave; hand it back untouched, or send null"


class HrMaxEstimate(Struct, frozen=True):
    """True HRmax by the evidence so far: the middle and an 80 % range, in bpm, and what it rests on."""

    bpm: float
    low_bpm: float
    high_bpm: float
    source: str


class NextTime(Struct, frozen=True):
    """What is proposed for the next session, and why (a key of the phrase catalogue)."""

    start: Load | None
    reason: str


class KindRecord(Struct, frozen=True):
    """One of `heart_prior.KINDS`: log weight, means and covariance of rest, gain, τ up, τ down and gait."""

    log_weight: float
    mean: tuple[float, ...]
    cov: tuple[tuple[float, ...], ...]


class LearnedResponse(Struct, frozen=True, tag_field="kind", tag="learned"):
    """The learned response of one person; `hr_max_bpm` and `evidence`: HRmax hypotheses and their log likelihoods.

    `by_way`: no belt was read, and the kinds are ways of following (`unknown_load.WAYS`) where they else are gaits.
    """

    sessions: int
    kinds: tuple[KindRecord, ...]
    hr_max_bpm: tuple[float, ...]
    evidence: tuple[float, ...]
    work: Load | None = None
    hr_max: HrMaxEstimate | None = None
    next_time: NextTime | None = None
    borgs: tuple[tuple[float, int], ...] = ()
    by_way: bool = False


def read_response(response: Any) -> LearnedResponse | None:  # noqa: ANN401 - whatever the plan carries
    """Return the response in a plan, or None where there is none, or one that another guidance wrote.

    Raises PlanError where it claims to be learned, and is not.
    """
    if response is None or (isinstance(response, dict) and response.get("kind") not in (None, "learned")):
        return None
    try:
        read = convert(response, LearnedResponse)
    except ValidationError as error:
        raise PlanError(f"{BAD_RESPONSE} ({error})") from error
    size = len(PERSON)
    square = all(
        len(one.mean) == size and len(one.cov) == size and all(len(row) == size for row in one.cov)
        for one in read.kinds
    )
    whole = len(read.kinds) == len(KINDS) and square and 0 < len(read.hr_max_bpm) == len(read.evidence)
    numbers = [*read.hr_max_bpm, *read.evidence, *(x for one in read.kinds for x in (one.log_weight, *one.mean))]
    numbers += [x for one in read.kinds for row in one.cov for x in row]
    if not whole or not all(np.isfinite(numbers)):
        raise PlanError(BAD_RESPONSE)
    return read


def person_of(response: LearnedResponse) -> GuidedPerson:
    """Return the belief in a response."""
    return GuidedPerson(
        mean=np.array([one.mean for one in response.kinds]),
        cov=np.array([one.cov for one in response.kinds]),
        log_weight=np.array([one.log_weight for one in response.kinds]),
        hr_max_bpm=np.array(response.hr_max_bpm),
        evidence=np.array(response.evidence),
        by_way=response.by_way,
    )


def kinds_of(person: GuidedPerson) -> tuple[KindRecord, ...]:
    """Return the belief as plain numbers."""
    return tuple(
        KindRecord(
            log_weight=round(float(person.log_weight[place]), 4),
            mean=tuple(round(float(x), 4) for x in person.mean[place]),
            cov=tuple(tuple(round(float(x), 6) for x in row) for row in person.cov[place]),
        )
        for place in range(len(KINDS))
    )


def as_json(response: LearnedResponse) -> Any:  # noqa: ANN401 - any JSON value
    """Return the response as it stands in a summary."""
    return json.decode(json.encode(response))
