"""The open sessions of an account: where it is logged in, and ending them there."""

import hashlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from server.accounts.models import Account
from server.web import gate

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("X11; Cr", "ChromeOS"),
    ("Macintosh", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


class OpenSession(Struct, frozen=True):
    """One session that holds. `mark` names it on the page without giving its key away."""

    mark: str
    begun: datetime
    seen: datetime
    address: str
    browser: str
    here: bool


def open_sessions(account: Account, own_key: str | None) -> list[OpenSession]:
    """Return the account's sessions that hold, the latest first."""
    found = []
    for store in _stores_of(account):
        if gate.account_in(store, time.time()) != account:
            continue
        address, agent = store.get(gate.SOURCE) or ("", "")
        found.append(
            OpenSession(
                mark=_mark(store.session_key),
                begun=datetime.fromtimestamp(store[gate.BEGUN], UTC),
                seen=datetime.fromtimestamp(store[gate.SEEN], UTC),
                address=str(address),
                browser=browser_of(str(agent)),
                here=store.session_key == own_key,
            )
        )
    return sorted(found, key=lambda one: (one.here, one.seen), reverse=True)


def end_session(account: Account, mark: str) -> bool:
    """End the account's session of this mark. Return whether there was one."""
    for store in _stores_of(account):
        if _mark(store.session_key) == mark:
            store.delete()
            return True
    return False


def end_sessions(account: Account, *, but: str | None = None) -> int:
    """End all sessions of the account, except the one of this key. Return how many."""
    ending = [store for store in _stores_of(account) if store.session_key != but]
    for store in ending:
        store.delete()
    return len(ending)


def end_provider_sessions(subject: str, provider_session: str) -> list[Account]:
    """End the sessions that began at the provider as this subject, or in this session there. Return whose they were."""
    ended: list[Account] = []
    for store in _stores():
        told = store.get(gate.AT_PROVIDER)
        if not isinstance(told, dict):
            continue
        same_session = not provider_session or told.get("sid") == provider_session
        same_subject = not subject or told.get("sub") == subject
        if same_session and same_subject:
            ended += Account.objects.filter(pk=str(store.get(SESSION_KEY)))
            store.delete()
    return ended


def browser_of(agent: str) -> str:
    """Return browser and system in words, as far as the browser says."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or re.sub(r"[^\x20-\x7e]", "", agent)[:40] or _("unknown browser")


def _stores() -> Iterator[SessionStore]:
    # A session says whose it is inside its signed content alone. There are some hundred at most, for twelve hours.
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        store = SessionStore(row.session_key)
        store._session_cache = row.get_decoded()  # type: ignore[attr-defined] # noqa: SLF001 - read already
        yield store


def _stores_of(account: Account) -> Iterator[SessionStore]:
    return (store for store in _stores() if store.get(SESSION_KEY) == str(account.pk))


def _mark(key: str | None) -> str:
    return hashlib.sha256(f"session {key}".encode()).hexdigest()[:24]
