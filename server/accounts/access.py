"""Who may see what: every view says what it needs, and every object is looked up within a clinic that allows it.

What somebody may not see does not exist for them: the answer is 404, so that nothing is told by the difference. A view
without one of these decorators is answered by nobody: `server.web.gate` refuses it, and the sweep in the tests fails.
"""

import logging
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import wraps
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils import timezone

from server.accounts.memberships import allowed, held_by
from server.accounts.models import Account, Clinic
from server.accounts.roles import MAY, Permission, Role
from server.audit.record import record
from server.json_logging import log_fields
from server.people.models import Participant

_log = logging.getLogger(__name__)
View = Callable[..., Any]


class Needs(StrEnum):
    """What a view asks for that belongs to no clinic."""

    NOBODY = "nobody"
    """Anyone may: the log-in page, the health endpoints."""
    PASSWORD = "password"  # noqa: S105 - the name of a step
    """Who has given the right password and still has to give, or set up, the one-time code."""
    ACCOUNT = "account"
    """Whoever is logged in, whatever the role."""


def _clinic_for(request: HttpRequest, code: str, may: Permission) -> Clinic:
    return _entered(request, get_object_or_404(Clinic, code=code), may)


def _entered(request: HttpRequest, clinic: Clinic, may: Permission) -> Clinic:
    account = account_of(request)
    if not allowed(account, clinic, may):
        _log.warning("a page was refused", extra=log_fields(account=account.pk, clinic=clinic.code, may=may))
        raise Http404
    request.clinic = clinic  # type: ignore[attr-defined] # read by the page's frame
    timezone.activate(clinic.zone)
    return clinic


def _participant_for(request: HttpRequest, code: str, pseudonym: str, may: Permission, action: str) -> Participant:
    """Both in one statement; nothing is told, and nothing logged, where the clinic is not this account's."""
    known = Participant.objects.select_related("clinic")
    participant = get_object_or_404(known, clinic__code=code, pseudonym=pseudonym)
    clinic = _entered(request, participant.clinic, may)
    record(account_of(request), action, clinic=clinic, may=may, participant=participant)
    return participant


def in_clinic(may: Permission) -> Callable[[View], View]:
    """For a view below `/c/<clinic>/…`: resolve the clinic's code; 404 where this account may not do this there.

    The view may be a coroutine function. Times are shown in the clinic's zone from here on.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_later(
                request: HttpRequest, clinic: str, *args: object, **kwargs: object
            ) -> HttpResponseBase:
                if not await sync_to_async(_logged_in)(request):
                    return redirect_to_login(request.get_full_path())
                found = await sync_to_async(_clinic_for)(request, clinic, may)
                return await cast("Awaitable[HttpResponseBase]", view(request, found, *args, **kwargs))

            guarded_later.needs = may  # type: ignore[attr-defined] # the gate and the sweep over all views read it
            return guarded_later

        @wraps(view)
        def guarded(request: HttpRequest, clinic: str, *args: object, **kwargs: object) -> HttpResponseBase:
            if not _logged_in(request):
                return redirect_to_login(request.get_full_path())
            found = _clinic_for(request, clinic, may)
            return cast("HttpResponseBase", view(request, found, *args, **kwargs))

        guarded.needs = may  # type: ignore[attr-defined] # the gate and the sweep over all views read it
        return guarded

    return decorate


def in_some_clinic(may: Permission) -> Callable[[View], View]:
    """For a view over several clinics: 404 where this account may do this nowhere.

    The view itself looks at the clinics of `clinics_where` alone.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            if not _logged_in(request):
                return redirect_to_login(request.get_full_path())
            if not any(may in MAY[Role(one.role)] for one in held_by(account_of(request))):
                raise Http404
            return cast("HttpResponseBase", view(request, *args, **kwargs))

        guarded.needs = may  # type: ignore[attr-defined] # the gate and the sweep over all views read it
        return guarded

    return decorate


def about_participant(may: Permission, action: str) -> Callable[[View], View]:
    """For a view below `/c/<clinic>/participants/<pseudonym>/…`: resolve both, and log who looked at whom.

    The view may be a coroutine function.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_later(
                request: HttpRequest, clinic: str, pseudonym: str, *args: object, **kwargs: object
            ) -> HttpResponseBase:
                if not await sync_to_async(_logged_in)(request):
                    return redirect_to_login(request.get_full_path())
                participant = await sync_to_async(_participant_for)(request, clinic, pseudonym, may, action)
                return await cast("Awaitable[HttpResponseBase]", view(request, participant, *args, **kwargs))

            guarded_later.needs = may  # type: ignore[attr-defined] # the gate and the sweep over all views read it
            return guarded_later

        @wraps(view)
        def guarded(
            request: HttpRequest, clinic: str, pseudonym: str, *args: object, **kwargs: object
        ) -> HttpResponseBase:
            if not _logged_in(request):
                return redirect_to_login(request.get_full_path())
            participant = _participant_for(request, clinic, pseudonym, may, action)
            return cast("HttpResponseBase", view(request, participant, *args, **kwargs))

        guarded.needs = may  # type: ignore[attr-defined] # the gate and the sweep over all views read it
        return guarded

    return decorate


def for_nobody_in_particular(view: View) -> View:
    """For the few views that anyone may see. Each is named in the sweep's list."""
    view.needs = Needs.NOBODY  # type: ignore[attr-defined] # the gate and the sweep over all views read it
    return view


def after_password(view: View) -> View:
    """For a step of logging in: the password was right, the one-time code is not given yet."""
    view.needs = Needs.PASSWORD  # type: ignore[attr-defined] # the gate and the sweep over all views read it
    return view


def for_account(view: View) -> View:
    """For a view that every account may see, such as its own page. The gate lets nobody else through."""
    view.needs = Needs.ACCOUNT  # type: ignore[attr-defined] # the gate and the sweep over all views read it
    return view


def after_proof(*methods: str) -> Callable[[View], View]:
    """For a view that changes or hands out much: these methods want a proof of who asks, minutes old at most."""

    def decorate(view: View) -> View:
        view.proof_for = methods  # type: ignore[attr-defined] # the gate reads it
        return view

    return decorate


def account_of(request: HttpRequest) -> Account:
    """Who is logged in. Raises Http404 where nobody is."""
    if not isinstance(request.user, Account):
        raise Http404
    return request.user


def _logged_in(request: HttpRequest) -> bool:
    return bool(request.user.is_authenticated)
