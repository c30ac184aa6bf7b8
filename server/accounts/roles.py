"""Roles, and what each may do. A role grants nothing that is not named here."""

from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody is to a clinic."""

    THERAPIST = "therapist", _("therapist")
    CLINIC_ADMIN = "clinic_admin", _("clinic administrator")
    COORDINATOR = "coordinator", _("coordinator")
    RESEARCHER = "researcher", _("researcher")
    SUPPORT = "support", _("technical support")


class Permission(StrEnum):
    """What a view asks for."""

    SEE_ROOM = "see_room"
    COMMAND = "command"
    SEE_PEOPLE = "see_people"
    CHANGE_PEOPLE = "change_people"
    SEE_DIARY = "see_diary"
    CHANGE_DIARY = "change_diary"
    EXPORT_PERSON = "export_person"
    DELETE_PERSON = "delete_person"
    HAND_OVER = "hand_over"
    REPORT_ACTIVITY = "report_activity"
    EXPORT_RESEARCH = "export_research"
    SEE_AGGREGATES = "see_aggregates"
    SEE_MACHINES = "see_machines"
    SEE_AUDIT = "see_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    MANAGE_CODES = "manage_codes"
    CONFIRM_ROLES = "confirm_roles"


MAY: dict[Role, frozenset[Permission]] = {
    Role.THERAPIST: frozenset(
        {
            Permission.SEE_ROOM,
            Permission.COMMAND,
            Permission.SEE_PEOPLE,
            Permission.CHANGE_PEOPLE,
            Permission.SEE_DIARY,
            Permission.CHANGE_DIARY,
            Permission.EXPORT_PERSON,
            Permission.HAND_OVER,
            Permission.REPORT_ACTIVITY,
            Permission.SEE_MACHINES,
            Permission.CONFIRM_ROLES,
        }
    ),
    Role.CLINIC_ADMIN: frozenset(
        {
            Permission.SEE_PEOPLE,
            Permission.EXPORT_PERSON,
            Permission.DELETE_PERSON,
            Permission.HAND_OVER,
            Permission.REPORT_ACTIVITY,
            Permission.SEE_AGGREGATES,
            Permission.SEE_MACHINES,
            Permission.SEE_AUDIT,
            Permission.MANAGE_ACCOUNTS,
            Permission.MANAGE_CODES,
            Permission.CONFIRM_ROLES,
        }
    ),
    Role.COORDINATOR: frozenset({Permission.SEE_AGGREGATES}),
    Role.RESEARCHER: frozenset({Permission.EXPORT_RESEARCH}),
    Role.SUPPORT: frozenset({Permission.SEE_MACHINES}),
}
"""Support sees machines and their findings, and nothing about health; a coordinator sees sums alone."""

GUARDED = frozenset({Role.THERAPIST, Role.CLINIC_ADMIN, Role.RESEARCHER})
"""Roles that reach health data, or give them: a second person confirms them (`server.accounts.accounts`)."""
