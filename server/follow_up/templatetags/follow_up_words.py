"""A reason of the follow-up list on the pages of other applications, which know nothing of the rules."""

from django import template

from server.follow_up import words
from server.follow_up.models import FollowUpItem
from server.follow_up.rules import BY_CODE

register = template.Library()


@register.filter
def reason_title(item: FollowUpItem) -> str:
    """Return the reason in a few words."""
    return words.title_of(item.rule, item.facts)


@register.filter
def reason_line(item: FollowUpItem) -> str:
    """Return the evidence in one line."""
    return words.line_of(item.rule, item.facts)


@register.filter
def reason_look(item: FollowUpItem) -> str:
    """Return the name of its colour."""
    rule = BY_CODE.get(item.rule)
    return rule.look if rule else "below"
