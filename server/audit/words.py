"""What each action in the access log is called on the pages. A test looks that none is missing."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

WORDS: dict[str, str | Promise] = {
    "account_closed": _("closed an account"),
    "account_made": _("made an account"),
    "account_opened": _("opened an account again"),
    "account_reset": _("gave an account a new link"),
    "account_roles": _("changed an account's roles"),
    "account_tied_to_provider": _("tied the account to the organisation's log-in"),
    "clinic_made": _("added a clinic"),
    "code_refused": _("gave a wrong one-time code"),
    "code_set_up": _("set up one-time codes"),
    "log_exported": _("exported the access log"),
    "log_in": _("logged in"),
    "log_in_password": _("gave the right password"),
    "log_in_provider": _("came from the organisation's log-in"),
    "log_in_refused": _("gave a wrong password"),
    "log_out": _("logged out"),
    "log_read": _("read the access log"),
    "password_changed": _("changed the password"),
    "password_set": _("set a password by a one-time link"),
    "region_made": _("added a region"),
    "room.acknowledged": _("acknowledged a notice"),
    "room.command": _("sent a command to a machine"),
    "room.opened": _("opened the live room"),
    "spare_codes_made": _("made new spare codes"),
    "who_looked_read": _("read who has looked"),
    "begin course": _("began a course"),
    "end course": _("ended a course"),
    "see course": _("looked at the course"),
    "see day": _("looked at a day of the diary"),
    "see diary": _("looked at the diary"),
    "see unassigned sessions": _("looked at sessions without a participant"),
    "see session": _("looked at a session"),
    "see trace": _("looked at a session's trace"),
    "add note": _("wrote a note on a session"),
    "reassign session": _("counted a session for another participant"),
    "people.changed": _("changed what is kept about the participant"),
    "people.listed": _("looked at the list of participants"),
    "people.opened": _("looked at the participant's page"),
    "people.made": _("took in a participant"),
    "note.made": _("wrote a note on the participant"),
    "plan.changed": _("changed the plan"),
    "plan.opened": _("looked at the plan"),
    "plan.withdrawn": _("withdrew the plan"),
}


def said(action: str) -> str:
    """The action in words; its code where a newer version wrote the line."""
    return str(WORDS.get(action, action))
