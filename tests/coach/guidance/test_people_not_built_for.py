"""The short form of `benchmarks.bench_groups`: people whom the guidance was not made for, each group's second session.

Each of these people reached 1.00 and 0 s when the limits were set; a fall by more than the bench's noise fails.
"""

import pytest

from coach.guidance.learned import learned_guidance
from tests.support.guidance.group_trials import lead_group


@pytest.mark.parametrize(
    ("group", "seed", "in_zone", "above_s"),
    [
        ("chronotropic, measured", 5001, 0.80, 60),
        ("unread, flat", 5003, 0.85, 60),
        ("unread, half", 5001, 0.75, 90),
    ],
)
def test_a_group_is_served_as_well_as_before(group: str, seed: int, in_zone: float, above_s: float) -> None:
    last = lead_group(group, seed, "first_order", learned_guidance, sessions=2)[-1]
    assert last.score.in_zone >= in_zone
    assert last.score.above_s <= above_s
    assert (last.urged_near_max, last.off) == (0, False)
