"""Which guidance leads a session where nobody asks for another."""

from coach.guidance import Guidance
from coach.learned_guidance import learned_guidance
from coach.plan import Plan


def default_guidance(plan: Plan) -> Guidance:
    """The guidance for one session of this plan."""
    return learned_guidance(plan)
