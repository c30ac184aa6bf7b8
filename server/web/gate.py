"""The gate before every page: nobody passes who is not logged in with both factors, unless the view says otherwise.

A view says what it needs (`server.accounts.access`); one that says nothing is answered with 404. Whoever does nothing
for a while is logged out, and everyone after some hours. A page that asks by itself, such as the live room's stream,
is no sign of a person (`in_background`), unless the clinic's settings let a tablet on the wall count as one.
"""

import time
from http import HTTPStatus
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.deprecation import MiddlewareMixin

from server.accounts.access import Needs, View
from server.accounts.models import Account
from server.limits.hashing import HashingBusyError
from server.web.error_views import busy

BEGUN, SEEN, STRONG = "begun_s", "seen_s", "strong"
TOUCH_EVERY_S = 30.0
"""Activity is written down at most so often: each is a commit."""

AnyView = TypeVar("AnyView", bound=View)


def in_background(view: AnyView) -> AnyView:
    """Mark a view that a page asks for by itself. The outermost decorator of the view."""
    view.background = True  # type: ignore[attr-defined] # read by the gate
    return view


def begin(session: SessionBase) -> None:
    """Start both clocks: somebody has just logged in."""
    session[BEGUN] = session[SEEN] = time.time()


def verified(request: HttpRequest) -> bool:
    """Whether both factors were given: a one-time code here, or a strong enough log-in at the identity provider."""
    return bool(request.user.is_verified()) or bool(request.session.get(STRONG))  # type: ignore[union-attr] # django-otp


def over(session: SessionBase, now_s: float) -> bool:
    """Whether the session's time is out."""
    begun_s, seen_s = session.get(BEGUN), session.get(SEEN)
    if not isinstance(begun_s, int | float) or not isinstance(seen_s, int | float):
        return True
    # A clock that was set back must not make a session endless.
    return not (0 <= now_s - begun_s < settings.ABSOLUTE_S and -TOUCH_EVERY_S <= now_s - seen_s < settings.IDLE_S)


def touch(session: SessionBase, now_s: float) -> None:
    """Note that somebody is there."""
    if now_s - session[SEEN] >= TOUCH_EVERY_S:
        session[SEEN] = now_s


async def still_in(request: HttpRequest) -> bool:
    """For a stream that stays open: whether whoever opened it is still logged in. To be asked every half minute.

    Where the clinic lets the wall count, an open stream keeps the session alive.
    """
    return await sync_to_async(_still_in)(request)


def _still_in(request: HttpRequest) -> bool:
    if not request.user.is_authenticated:
        return False
    now_s = time.time()
    session = type(request.session)(request.session.session_key)
    if not session.get("_auth_user_id") or over(session, now_s):
        return False
    if settings.WALL_COUNTS:
        touch(session, now_s)
        if session.modified:
            session.save(must_create=False)
    return Account.objects.filter(pk=request.user.pk, is_active=True).exists()


class GateMiddleware(MiddlewareMixin):
    """Asks each view what it needs before it runs."""

    def process_view(self, request: HttpRequest, view: View, _args: object, _kwargs: object) -> HttpResponseBase | None:
        """Let through, send to log in, or refuse."""
        needs = getattr(view, "needs", None)
        if needs is None:
            raise Http404
        if needs is Needs.NOBODY:
            return None
        if not request.user.is_authenticated:
            return _log_in_first(request)
        now_s = time.time()
        if over(request.session, now_s):
            logout(request)
            return _log_in_first(request)
        if settings.WALL_COUNTS or not getattr(view, "background", False):
            touch(request.session, now_s)
        if verified(request):
            return redirect("web:home") if needs is Needs.PASSWORD else None
        if needs is Needs.PASSWORD:
            return None
        return redirect("web:code") if _wants_page(request) else _refusal()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Ask to try again where too many passwords wait to be checked."""
        return busy(request) if isinstance(exception, HashingBusyError) else None


def _log_in_first(request: HttpRequest) -> HttpResponseBase:
    if not _wants_page(request):
        return _refusal()
    return redirect_to_login(request.get_full_path() if request.method in ("GET", "HEAD") else "/")


def _wants_page(request: HttpRequest) -> bool:
    """Whether a person looks at the answer; a script that asks is told plainly instead."""
    accepts = request.headers.get("Accept", "*/*")
    return request.headers.get("Sec-Fetch-Dest", "document") == "document" and (
        "text/html" in accepts or accepts.startswith("*/*")
    )


def _refusal() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
