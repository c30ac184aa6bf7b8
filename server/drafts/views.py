"""What pages ask while a person types: keep this, is anything kept, how long am I still logged in.

A page that only asks does nothing for the session; keeping what was typed is a sign of a person, so typing keeps one
logged in. After the session's time is out, what was typed until then is still taken, and nothing is given back.
"""

import re
import time
from http import HTTPStatus

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST, require_safe
from msgspec import Struct

from server.accounts.access import for_account, for_nobody_in_particular
from server.accounts.models import Account
from server.drafts import keeping
from server.web import gate

TAKEN_LATE_S = 3600.0
"""So long after the session's time is out, what was typed is still taken."""
_KEY = re.compile(r"[0-9a-f]{32}\Z")
LONGEST_FORM, MOST_FORMS = 300, 60


class DraftQuestion(Struct, frozen=True, forbid_unknown_fields=True):
    """What a page sends. `key`, `form` and `fields`: keep this. `forget`: these are done with.

    `forms`: return what is kept of these. Nothing of it: a person is there and wants to stay logged in.
    """

    key: str = ""
    form: str = ""
    fields: keeping.DraftContent | None = None
    forget: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()


class LogInState(Struct, frozen=True, kw_only=True):
    """How the session stands. `left_s`: until log-out; `may_stay`: doing something makes it longer."""

    who: int
    token: str
    left_s: float
    may_stay: bool
    drafts: tuple[keeping.FoundDraft, ...] = ()


@for_nobody_in_particular
@require_GET
def state(request: HttpRequest) -> HttpResponse:
    """Say how long the session lasts. 401 after log-out."""
    account = _account(request)
    if account is None or gate.over(request.session, time.time()):
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    return _told(request, account)


@for_nobody_in_particular
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep a draft, forget drafts, give back what is kept, or only stay. 401 after log-out."""
    account = _account(request)
    if account is None:
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    try:
        asked = msgspec.json.decode(request.body, type=DraftQuestion)
    except msgspec.MsgspecError:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    now_s = time.time()
    if asked.fields is not None:
        if not _KEY.match(asked.key) or not _is_form(asked.form):
            return HttpResponse(status=HTTPStatus.BAD_REQUEST)
        if now_s - request.session.get(gate.SEEN, 0.0) > settings.IDLE_S + TAKEN_LATE_S:
            return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
        try:
            keeping.keep_draft(account, asked.key, asked.form, asked.fields)
        except ValueError:
            return HttpResponse(status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if gate.over(request.session, now_s):
        return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
    keeping.forget_drafts(account, asked.forget[: keeping.MOST])
    if not asked.forms:
        gate.touch(request.session, now_s, at_once=asked.fields is None)
    wanted = tuple(one for one in asked.forms[:MOST_FORMS] if _is_form(one))
    return _told(request, account, tuple(keeping.find_drafts(account, wanted)) if wanted else ())


@for_account
@require_safe
def back(request: HttpRequest) -> HttpResponse:
    """Say, after a log-in in another tab than the form's, that the form goes on."""
    return render(request, "drafts/back.html")


def _is_form(form: str) -> bool:
    return form.startswith("/") and len(form) <= LONGEST_FORM


def _account(request: HttpRequest) -> Account | None:
    """Return whose session this is, with both factors, whether or not its time is out."""
    user = request.user
    return user if isinstance(user, Account) and gate.verified(request) else None


def _told(request: HttpRequest, account: Account, drafts: tuple[keeping.FoundDraft, ...] = ()) -> HttpResponse:
    told = LogInState(
        who=account.pk,
        token=get_token(request),
        left_s=round(gate.left_s(request.session, time.time()), 1),
        may_stay=gate.may_stay(request.session, time.time()),
        drafts=drafts,
    )
    return HttpResponse(msgspec.json.encode(told), content_type="application/json")
