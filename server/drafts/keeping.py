"""Keeps, finds and forgets drafts. A draft lives for a week; an account has a hundred at most."""

from datetime import datetime, timedelta

import msgspec
from django.db import transaction
from django.urls import Resolver404, resolve
from django.utils import timezone
from msgspec import Struct

from server.accounts.models import Account
from server.diary.models import DiaryEntry
from server.drafts.models import Draft
from server.drafts.sealing import mark_of, open_draft, seal_draft
from server.people.models import Participant

KEPT = timedelta(days=7)
MOST = 100
MOST_BYTES = 64 * 1024


class DraftContent(Struct, frozen=True, forbid_unknown_fields=True):
    """The fields of a form. `names`: all that the form had; `values`: name and value of what is chosen or filled in."""

    names: tuple[str, ...]
    values: tuple[tuple[str, str], ...]


class FoundDraft(Struct, frozen=True):
    """A draft that is given back to its page."""

    key: str
    form: str
    at_s: float
    names: tuple[str, ...]
    values: tuple[tuple[str, str], ...]


def keep_draft(account: Account, key: str, form: str, content: DraftContent, now: datetime | None = None) -> None:
    """Keep what was typed so far, in place of what this page kept before. Raises ValueError where it is too large."""
    now = now or timezone.now()
    plain = msgspec.json.encode(content)
    if len(plain) > MOST_BYTES:
        raise ValueError(key)
    told = {
        "mark": mark_of(account.pk, form),
        "participant": _participant_of(form),
        "sealed": seal_draft(account.pk, key, plain),
        "kept_at": now,
    }
    with transaction.atomic():
        Draft.objects.filter(kept_at__lt=now - KEPT).delete()
        Draft.objects.update_or_create(account=account, key=key, defaults=told)
        beyond = Draft.objects.filter(account=account).order_by("-kept_at").values_list("pk", flat=True)[MOST:]
        Draft.objects.filter(pk__in=list(beyond)).delete()


def find_drafts(account: Account, forms: tuple[str, ...]) -> list[FoundDraft]:
    """Return the account's drafts of these forms, the latest first."""
    of = {mark_of(account.pk, form): form for form in forms}
    rows = Draft.objects.filter(account=account, mark__in=of, kept_at__gte=timezone.now() - KEPT)
    found = []
    for row in rows.order_by("-kept_at"):
        plain = open_draft(account.pk, row.key, bytes(row.sealed))
        if plain is None:
            continue
        content = msgspec.json.decode(plain, type=DraftContent)
        found.append(FoundDraft(row.key, of[row.mark], row.kept_at.timestamp(), content.names, content.values))
    return found


def forget_drafts(account: Account, keys: tuple[str, ...]) -> None:
    """Forget drafts: they were sent, or thrown away."""
    Draft.objects.filter(account=account, key__in=keys).delete()


def _participant_of(form: str) -> Participant | None:
    """Return whom a form is about, by its address."""
    try:
        named = resolve(form.partition("#")[0]).kwargs
    except Resolver404:
        return None
    if "pseudonym" in named:
        return Participant.objects.filter(clinic__code=named["clinic"], pseudonym=named["pseudonym"]).first()
    if "session_id" in named:
        entry = DiaryEntry.objects.filter(session_id=named["session_id"]).select_related("participant").first()
        return entry.participant if entry else None
    return None
