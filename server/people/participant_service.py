"""Taking somebody in, and changing who they are: the pseudonym is drawn once; what machines show goes out at once."""

import secrets

from django.db import transaction
from django.utils import timezone

from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.models import DiaryEntry
from server.live.plan_outbox import withdraw_plan
from server.people.models import Participant
from server.people.plan_service import hand_out_again, republish_plan

LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""None that is taken for another when read aloud or written by hand."""
LENGTH = 8
ON_MACHINES = ("nickname", "picture", "language", "birth_year")
"""What a machine knows of a person beside the plan."""


def new_pseudonym(clinic: Clinic) -> str:
    """One that nobody here has, and that no session was trained under: drawn at random, from nothing of the person."""
    while True:
        drawn = "p-" + "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        taken = Participant.objects.filter(clinic=clinic, pseudonym=drawn).exists()
        if not taken and not DiaryEntry.objects.filter(clinic=clinic, pseudonym=drawn).exists():
            return drawn


def take_in(participant: Participant, account: Account) -> None:
    """Save somebody new."""
    with transaction.atomic():
        participant.pseudonym = new_pseudonym(participant.clinic)
        participant.save(force_insert=True)
        clinic = participant.clinic
        record(account, "people.made", clinic=clinic, may=Permission.CHANGE_PEOPLE, participant=participant)


def change(participant: Participant, account: Account, fields: list[str], why_told: str) -> None:
    """Save what was changed; machines are told where they show it, and lose the plan of somebody who has ended.

    `why_told`: the reason in the plan's history, where the plan goes out anew.
    """
    if not fields:
        return
    with transaction.atomic():
        participant.save()
        if not participant.active:
            if "active" in fields:
                withdraw_plan(participant)
        elif {"active", *ON_MACHINES} & set(fields):
            republish_plan(participant, account, why_told)
        clinic = participant.clinic
        record(
            account,
            "people.changed",
            clinic=clinic,
            may=Permission.CHANGE_PEOPLE,
            participant=participant,
            fields=fields,
        )


def may_write_word(participant: Participant, account: Account) -> bool:
    """Return whether a therapist may write to this participant: only to those they are responsible for."""
    return participant.active and participant.responsible_id == account.pk


def write_word(participant: Participant, account: Account, word: str) -> None:
    """Keep a word for the participant's next start, and hand it to the machines with the plan. Empty: take it back."""
    with transaction.atomic():
        participant.word, participant.word_written_at = word, timezone.now() if word else None
        participant.save(update_fields=["word", "word_written_at"])
        hand_out_again(participant)
        action = "word.written" if word else "word.taken_back"
        record(account, action, clinic=participant.clinic, may=Permission.CHANGE_DIARY, participant=participant)


def alike(clinic: Clinic, name: str, birth_year: int, but: int = 0) -> list[Participant]:
    """Those with this name, whatever its case, and year of birth."""
    wanted = " ".join(name.casefold().split())
    found = Participant.objects.filter(clinic=clinic, birth_year=birth_year, searched__contains=wanted).exclude(pk=but)
    return [one for one in found if " ".join(one.name.casefold().split()) == wanted]


def nickname_taken(clinic: Clinic, nickname: str, but: int = 0) -> bool:
    """Whether somebody who trains here is shown under this nickname already."""
    wanted = nickname.casefold().strip()
    found = Participant.objects.filter(clinic=clinic, active=True, searched__contains=wanted).exclude(pk=but)
    return any(one.nickname.casefold().strip() == wanted for one in found.only("nickname"))
