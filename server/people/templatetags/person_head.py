"""The head of every page about one participant: who it is, and the places that this account may go to."""

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from msgspec import Struct

from server.accounts.access import account_of
from server.accounts.memberships import mays_in
from server.accounts.roles import Permission
from server.people import plan_rules
from server.people.models import Participant
from server.people.pictures import address_of

register = template.Library()
register.filter("short", plan_rules.figure)


class Tab(Struct, frozen=True):
    """One place about a participant: what it needs, its URL's name, what it is called, its pages' own word."""

    may: Permission
    name: str
    text: str | Promise
    key: str


TABS = (
    Tab(Permission.SEE_PEOPLE, "people:overview", gettext_lazy("Overview"), "overview"),
    Tab(Permission.SEE_PEOPLE, "people:plan", gettext_lazy("Plan"), "plan"),
    Tab(Permission.CHANGE_PEOPLE, "assessment:clearance", gettext_lazy("Clearance"), "clearance"),
    Tab(Permission.SEE_DIARY, "assessment:measures", gettext_lazy("Measurements"), "measures"),
    Tab(Permission.SEE_DIARY, "diary:course", gettext_lazy("Course"), "course"),
    Tab(Permission.SEE_DIARY, "diary:calendar", gettext_lazy("Calendar"), "calendar"),
    Tab(Permission.SEE_DIARY, "diary:list", gettext_lazy("All sessions"), "list"),
    Tab(Permission.EXPORT_PERSON, "papers_of:index", gettext_lazy("Documents"), "papers"),
    Tab(Permission.SEE_AUDIT, "audit:who_looked", gettext_lazy("Access history"), "who_looked"),
)


@register.inclusion_tag("people/person_head.html", takes_context=True)
def person_head(context: Context, participant: Participant) -> dict[str, Any]:
    """Name, nickname, picture and tabs; `tab` of the context says which one is here."""
    mays = mays_in(account_of(context["request"]), participant.clinic)
    where = (participant.clinic.code, participant.pseudonym)
    tabs = [(reverse(tab.name, args=where), tab.text, tab.key == context.get("tab")) for tab in TABS if tab.may in mays]
    return {"participant": participant, "picture": address_of(participant.picture), "tabs": tabs}
