"""The gate before every page: nobody passes who is not logged in with both factors, unless the view says otherwise.

A view says what it needs (`server.accounts.access`); one that says nothing is answered with 404. Whoever does nothing
for a while is logged out, and everyone after some hours. A page that asks by itself, such as the live room's stream,
is no sign of a person (`in_background`), unless the clinic's settings let a tablet on the wall count as one.
"""

import time
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user, login, logout
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.backends.base import SessionBase
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django_otp import DEVICE_ID_SESSION_KEY

from server.accounts.access import Needs, View
from server.accounts.models import Account
from server.errors import UnreadableSessionError
from server.limits.hashing import HashingBusyError
from server.web.addresses import client_address
from server.web.error_views import busy, unreadable

BEGUN, SEEN, STRONG, PROVED = "begun_s", "seen_s", "strong", "proved_s"
SOURCE = "from"
"""Address and browser that the session was begun from, for the list of one's own sessions."""

AT_PROVIDER = "at_provider"
"""Of a session that began at the identity provider: its subject and session there, and what ends it there."""

PROOF_HOLDS_S = 600.0
"""After a password, a code or a log-in at the provider, what asks for a fresh proof is open so long."""

TOUCH_EVERY_S = 30.0
"""Activity is written down at most so often: each is a commit."""

AnyView = TypeVar("AnyView", bound=View)


def in_background(view: AnyView) -> AnyView:
    """Mark a view that a page asks for by itself. The outermost decorator of the view."""
    view.background = True  # type: ignore[attr-defined] # read by the gate
    return view


def begin(session: SessionBase) -> None:
    """Start the clocks: somebody has just logged in."""
    session[BEGUN] = session[SEEN] = session[PROVED] = time.time()


def enter(request: HttpRequest, account: Account, *, backend: str | None = None, strong: bool = False) -> None:
    """Begin a session of this account. What an earlier log-in in this browser had proved counts no longer."""
    login(request, account, backend=backend)
    for earlier in (STRONG, DEVICE_ID_SESSION_KEY):
        request.session.pop(earlier, None)
    begin(request.session)
    request.session[SOURCE] = [client_address(request), request.headers.get("User-Agent", "")[:300]]
    if strong:
        request.session[STRONG] = True


def prove(session: SessionBase) -> None:
    """Note that whoever is logged in has just proved it again."""
    session[PROVED] = time.time()


def is_proof_fresh(session: SessionBase, now_s: float) -> bool:
    """Return whether a password, a code or the provider proved of late who this is."""
    proved_s = session.get(PROVED, session.get(BEGUN))
    return isinstance(proved_s, int | float) and 0 <= now_s - proved_s < PROOF_HOLDS_S


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


def left_s(session: SessionBase, now_s: float) -> float:
    """Return how long the session lasts from now on without any activity."""
    idle_s, absolute_s = _left_s(session, now_s)
    return max(0.0, min(idle_s, absolute_s))


def may_stay(session: SessionBase, now_s: float) -> bool:
    """Return whether doing something makes the session last longer."""
    idle_s, absolute_s = _left_s(session, now_s)
    return idle_s < absolute_s


def _left_s(session: SessionBase, now_s: float) -> tuple[float, float]:
    return (
        settings.IDLE_S - (now_s - session.get(SEEN, 0.0)),
        settings.ABSOLUTE_S - (now_s - session.get(BEGUN, 0.0)),
    )


def touch(session: SessionBase, now_s: float, *, at_once: bool = False) -> None:
    """Note that a person is there. `at_once`: also where that was noted a moment ago."""
    if at_once or now_s - session[SEEN] >= TOUCH_EVERY_S:
        session[SEEN] = now_s


def account_in(session: SessionBase, now_s: float) -> Account | None:
    """Return whose session this is, while it holds: the one rule of pages, streams and the list of sessions.

    It ends with the password that it was begun with, the account, and both time limits.
    """
    asked = HttpRequest()
    asked.session = session
    account = get_user(asked)
    return account if isinstance(account, Account) and not over(session, now_s) else None


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
    account = account_in(session, now_s)
    if account is None or account.pk != request.user.pk:
        return False
    if settings.WALL_COUNTS:
        touch(session, now_s)
        if session.modified:
            session.save(must_create=False)
    return True


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
        # `request.user` came from this session in this request (`account_in` would ask the database for it once more).
        if over(request.session, now_s):
            logout(request)
            return _log_in_first(request)
        if settings.WALL_COUNTS or not getattr(view, "background", False):
            touch(request.session, now_s)
        if verified(request):
            if needs is Needs.PASSWORD:
                return redirect("web:home")
            return _prove_first(request) if _wants_proof(request, view, now_s) else None
        if needs is Needs.PASSWORD:
            return None
        return redirect("web:code") if _wants_page(request) else _refusal()

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Ask to try again where too many passwords wait to be checked; say what a damaged session makes impossible."""
        if isinstance(exception, UnreadableSessionError):
            return unreadable(request)
        return busy(request) if isinstance(exception, HashingBusyError) else None


def _log_in_first(request: HttpRequest) -> HttpResponseBase:
    if not _wants_page(request):
        return _refusal()
    return redirect_to_login(_page_of(request))


def _page_of(request: HttpRequest) -> str:
    """Return the page that was asked for, or that the form was on."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    referer = urlsplit(request.headers.get("Referer", ""))
    return referer._replace(scheme="", netloc="", fragment="").geturl() or "/"


def _wants_proof(request: HttpRequest, view: View, now_s: float) -> bool:
    methods = getattr(view, "proof_for", ())
    # HEAD runs the same view as GET.
    method = "GET" if request.method == "HEAD" else request.method
    return method in methods and not is_proof_fresh(request.session, now_s)


def _prove_first(request: HttpRequest) -> HttpResponseBase:
    """Lead to the page that asks for a proof, and from there back: to a page, or to the page that a form was on."""
    if not _wants_page(request):
        return _refusal()
    address = f"{reverse('web:confirm')}?{urlencode({'next': _page_of(request)})}"
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _wants_page(request: HttpRequest) -> bool:
    """Whether a person looks at the answer; a script that asks is told plainly instead."""
    accepts = request.headers.get("Accept", "*/*")
    return request.headers.get("Sec-Fetch-Dest", "document") == "document" and (
        "text/html" in accepts or accepts.startswith("*/*")
    )


def _refusal() -> HttpResponse:
    return HttpResponse(status=HTTPStatus.UNAUTHORIZED)
