"""H7: evidence that the plan's HRmax is wrong. The zone moves down, never up, and the therapist is told why."""

from coach.guidance.interface import GuidanceInput
from coach.model.events import Direction, HrMaxFinding, Level, Limit, LimitsChanged, NoticeRaised
from coach.model.snapshot import ZoneNow
from tests.support.led_session import LedSession, Says

LOWER = HrMaxFinding("hr_max_seems_lower", 180.0, 172.0, 188.0, "exertion", ((165.0, 18),))
HIGHER = HrMaxFinding("hr_max_seems_higher", 210.0, 204.0, 216.0, "rate_seen")


class Finds(Says):
    """A guidance that finds what the table says from its session seconds on."""

    def __init__(self, found: dict[int, HrMaxFinding | None]) -> None:
        """`found`: from which second on what is found."""
        super().__init__()
        self.found = found

    def second(self, moment: GuidanceInput) -> "tuple[Finds, None]":
        """The same guidance, with what is found by now."""
        later = Finds(self.found)
        later.finding = next((self.found[t] for t in sorted(self.found, reverse=True) if t <= moment.t), None)
        return later, None


def session(found: dict[int, HrMaxFinding | None]) -> LedSession:
    """110 s into the session, in the first interval."""
    return LedSession(guidance=lambda _: Finds(found)).live_until(60).live_until(110, 160)


def test_a_lower_hr_max_moves_the_zone_down_and_is_a_limit_with_its_reason() -> None:
    led = session({100: LOWER})
    assert led.seen.zone == ZoneNow(153.0, 171.0)
    assert led.seen.limits == (Limit("ceiling", ("hr_max",), 200.0), Limit("safer_zone", ("exertion",), 180.0))
    assert [event.t for event in led.events if isinstance(event, LimitsChanged)] == [0.0, 100.0]


def test_the_therapist_gets_the_evidence() -> None:
    led = session({100: LOWER})
    (raised,) = [event for event in led.events if isinstance(event, NoticeRaised)]
    assert raised == NoticeRaised(100.0, "hr_max_seems_lower", Level.INFORMATION, to_therapist=True, finding=LOWER)


def test_a_higher_hr_max_is_told_and_moves_nothing() -> None:
    led = session({100: HIGHER})
    assert led.notices() == [(100.0, "hr_max_seems_higher")]
    assert led.seen.zone == ZoneNow(170.0, 190.0)
    assert [limit.name for limit in led.seen.limits] == ["ceiling"]


def test_a_finding_that_no_longer_holds_is_taken_back() -> None:
    assert session({70: LOWER, 80: HIGHER, 90: None}).notices() == [
        (70.0, "hr_max_seems_lower"),
        (80.0, "-hr_max_seems_lower"),
        (80.0, "hr_max_seems_higher"),
        (90.0, "-hr_max_seems_higher"),
    ]


def test_a_rate_that_does_not_fit_the_load_forbids_urging() -> None:
    doubting = Says()
    doubting.doubt = "model_disagrees"
    led = LedSession(guidance=lambda _: doubting).live_until(110, 150)
    assert led.seen.limits[-1] == Limit("no_faster", ("model_disagrees",))
    assert led.seen.advice.direction is not Direction.FASTER
