"""Which guidance leads a session where nobody asks for another."""

from coach.guidance import Guidance
from coach.plan import Plan
from coach.rule_guidance import rule_guidance


def default_guidance(plan: Plan) -> Guidance:
    """The guidance for one session of this plan."""
    return rule_guidance(plan)
