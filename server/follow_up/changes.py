"""Marks participants as due when what the rules look at has changed.

The mark is set after the transaction and on its own, so that it never holds or breaks what caused it. Whatever it
misses is found the next day, when everybody is looked at again.
"""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from server.appointments.signals import appointments_changed
from server.assessment.models import Clearance
from server.diary.signals import entries_changed
from server.follow_up.models import FollowUpCheck
from server.live.models import RaisedNotice
from server.live.signals import notice_raised
from server.people.models import Course, Participant, PlanVersion


def connect() -> None:
    """Listen to plans, courses, clearances, participants, diary entries, appointments and notices of the room."""
    for model in (PlanVersion, Course, Clearance):
        post_save.connect(_of_row, sender=model, dispatch_uid=f"follow_up {model.__name__}")
        post_delete.connect(_of_row, sender=model, dispatch_uid=f"follow_up {model.__name__} gone")
    post_save.connect(_of_participant, sender=Participant, dispatch_uid="follow_up Participant")
    entries_changed.connect(_of_entries, dispatch_uid="follow_up entries")
    appointments_changed.connect(_of_entries, dispatch_uid="follow_up appointments")
    notice_raised.connect(_of_notice, dispatch_uid="follow_up notices")


def mark_due(participants: Iterable[int]) -> None:
    """Have the rules look at these participants again, once the transaction at hand is done."""
    keys = sorted(set(participants))
    if keys:
        transaction.on_commit(
            lambda: FollowUpCheck.objects.filter(participant__in=keys, due=False).update(due=True), robust=True
        )


def _of_row(instance: PlanVersion | Course | Clearance, **_more: Any) -> None:  # noqa: ANN401 - Django's own arguments
    mark_due([instance.participant_id])


def _of_participant(instance: Participant, **_more: Any) -> None:  # noqa: ANN401 - Django's own arguments
    mark_due([instance.pk])


def _of_entries(participants: Iterable[int], **_more: Any) -> None:  # noqa: ANN401 - Django's own arguments
    mark_due(participants)


def _of_notice(notice: RaisedNotice, **_more: Any) -> None:  # noqa: ANN401 - Django's own arguments
    of = Participant.objects.filter(clinic=notice.clinic, pseudonym=notice.participant)
    mark_due(of.values_list("pk", flat=True))
