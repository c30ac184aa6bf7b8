"""Which guidance leads a session where nobody asks for another."""

from coach.guidance.interface import Guidance
from coach.guidance.learned import learned_guidance
from coach.model.plan import Plan


def default_guidance(plan: Plan) -> Guidance:
    """Return the guidance for one session of this plan."""
    return learned_guidance(plan)
