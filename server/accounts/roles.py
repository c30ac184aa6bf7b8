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


class May(StrEnum):
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


MAY: dict[Role, frozenset[May]] = {
    Role.THERAPIST: frozenset(
        {
            May.SEE_ROOM,
            May.COMMAND,
            May.SEE_PEOPLE,
            May.CHANGE_PEOPLE,
            May.SEE_DIARY,
            May.CHANGE_DIARY,
            May.EXPORT_PERSON,
            May.HAND_OVER,
            May.REPORT_ACTIVITY,
            May.SEE_MACHINES,
        }
    ),
    Role.CLINIC_ADMIN: frozenset(
        {
            May.SEE_PEOPLE,
            May.EXPORT_PERSON,
            May.DELETE_PERSON,
            May.HAND_OVER,
            May.REPORT_ACTIVITY,
            May.SEE_AGGREGATES,
            May.SEE_MACHINES,
            May.SEE_AUDIT,
            May.MANAGE_ACCOUNTS,
            May.MANAGE_CODES,
        }
    ),
    Role.COORDINATOR: frozenset({May.SEE_AGGREGATES}),
    Role.RESEARCHER: frozenset({May.EXPORT_RESEARCH}),
    Role.SUPPORT: frozenset({May.SEE_MACHINES}),
}
"""Support sees machines and their findings, and nothing about health; a coordinator sees sums alone."""
