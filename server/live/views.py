"""The live room's page, its stream, and what is sent from it."""

import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus

import msgspec
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from msgspec import Struct

from server.accounts.access import account_of, in_clinic
from server.accounts.memberships import allowed
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.models import Entry
from server.audit.record import record
from server.live import words
from server.live.commanding import NotGivenError, give
from server.live.feed import Feed, StreamCount
from server.live.hub import hub
from server.live.machine_state import NoticeKey
from server.live.models import Acknowledgement, RaisedNotice
from server.live.persistence import called, session_uuid
from server.people.pictures import PICTURES, address_of
from server.web.gate import in_background, still_in
from sync.wire.topics import NAME

_log = logging.getLogger(__name__)

BEAT_S = 3.0
"""A quiet room says so often that it is there; a browser that hears nothing for four of these says so."""

ASK_AGAIN_S = 4.0
"""How often a stream asks whether whoever watches still may."""

MOST_DOUBTS = 4
"""So often may the database fail to answer that before the stream ends."""

MOST_STREAMS = 20
"""Open rooms of one account in one process: tabs, and screens on the wall."""

MODULES = tuple(
    f"room/{name}.js"
    for name in (
        "room",
        "clock",
        "group",
        "need",
        "order",
        "panel",
        "send",
        "states",
        "stream",
        "tile",
        "trace",
        "words",
    )
)
"""The page's modules: named in its head, so that a browser fetches all at once."""

streams = StreamCount()

BYE = b"event: bye\ndata: {}\n\n"


@in_clinic(Permission.SEE_ROOM)
@require_GET
def index(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show the room. The tiles come over the stream."""
    return _room(request, clinic, wall=False)


@in_clinic(Permission.SEE_ROOM)
@require_GET
def wall(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show the room for a screen on the wall: large and dark, without a frame, and nothing to press."""
    return _room(request, clinic, wall=True)


def _room(request: HttpRequest, clinic: Clinic, *, wall: bool) -> HttpResponse:
    account = account_of(request)
    record(account, "room.opened", clinic=clinic, may=Permission.SEE_ROOM)
    told = {
        "stream": reverse("room:stream", args=[clinic.code]),
        "command": reverse("room:command", args=[clinic.code]),
        "acknowledge": reverse("room:acknowledge", args=[clinic.code]),
        "may_command": not wall and allowed(account, clinic, Permission.COMMAND),
        "wall": wall,
        "names": settings.WALL_NAMES if wall else True,
        "leave": reverse("room:index", args=[clinic.code]),
        "zone": clinic.time_zone,
        "words": words.for_page(),
        "plain_machine": words.PLAIN_MACHINE,
        "people": reverse("people:list", args=[clinic.code]),
        "pictures": {picture: address_of(picture) for picture in PICTURES},
    }
    shown = {
        "room": told,
        "may_command": told["may_command"],
        "wall": wall,
        "clinic": clinic,
        "may_see_people": not wall and allowed(account, clinic, Permission.SEE_PEOPLE),
        "may_note": not wall and allowed(account, clinic, Permission.CHANGE_DIARY),
        "modules": MODULES,
    }
    return render(request, "room/index.html", shown)


def _log_look(account: Account, clinic: Clinic) -> None:
    """Write that the room was opened, where no page of it was: who knows the stream's address needs none."""
    since = timezone.now() - timedelta(seconds=settings.ABSOLUTE_S)
    looks = Entry.objects.filter(clinic=clinic.code, account=account.get_username(), action="room.opened")
    if not looks.filter(at__gte=since).exists():
        record(account, "room.opened", clinic=clinic, may=Permission.SEE_ROOM)


@in_background
@in_clinic(Permission.SEE_ROOM)
@require_GET
def stream(request: HttpRequest, clinic: Clinic) -> HttpResponseBase:
    """Server-sent events: the whole room first, then what changes, as long as whoever watches may."""
    account = account_of(request)
    if streams.open_of(account.pk) >= MOST_STREAMS:
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS, headers={"Retry-After": "10"})
    _log_look(account, clinic)
    pieces = _pieces(request, clinic, account, hub().feed(clinic.code))
    response = StreamingHttpResponse(pieces, content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store, no-transform"
    # nginx would gather what must come at once.
    response.headers["X-Accel-Buffering"] = "no"
    return response


@in_clinic(Permission.COMMAND)
@require_POST
def command(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Send a command to one machine or several."""
    try:
        given = give(hub(), clinic, account_of(request), request.body)
    except NotGivenError as error:
        status = HTTPStatus.SERVICE_UNAVAILABLE if error.why == "no_broker" else HTTPStatus.BAD_REQUEST
        return _json(PageRefusal(error.why, words.why_not_given(error.why)), status)
    return _json(given)


@in_clinic(Permission.COMMAND)
@require_POST
def acknowledge(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Somebody has seen a notice: who and when, for all browsers."""
    try:
        seen = msgspec.json.decode(request.body, type=Seen)
        if not NAME.match(seen.machine):
            return _json(PageRefusal("not_understood", words.why_not_given("not_understood")), HTTPStatus.BAD_REQUEST)
    except msgspec.MsgspecError:
        return _json(PageRefusal("not_understood", words.why_not_given("not_understood")), HTTPStatus.BAD_REQUEST)
    account = account_of(request)
    key = NoticeKey(seen.session_id, seen.code, seen.since_s)
    feed = hub().feed(clinic.code)
    which = {
        "clinic": clinic,
        "machine": seen.machine,
        "session_id": session_uuid(seen.session_id),
        "code": seen.code,
        "since_s": seen.since_s,
    }
    raised = RaisedNotice.objects.filter(**which).first()
    if raised is None and not feed.has_notice(seen.machine, key):
        return _json(PageRefusal("no_notice", words.why_not_given("no_notice")), HTTPStatus.NOT_FOUND)
    row, new = Acknowledgement.objects.get_or_create(**which, defaults={"by": account})
    if new:
        record(
            account, "room.acknowledged", clinic=clinic, may=Permission.COMMAND, machine=seen.machine, notice=seen.code
        )
    feed.told_seen(seen.machine, key, called(row.by), row.at.timestamp())
    return _json(Acknowledged(called(row.by), row.at.timestamp()))


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    """Which notice a browser says was seen."""

    machine: str
    code: str
    since_s: float
    session_id: str | None = None


class Acknowledged(Struct, frozen=True):
    """Who saw it first, and when."""

    by: str
    at_s: float


class PageRefusal(Struct, frozen=True):
    """Why not: `code` for the page, `words` for people."""

    code: str
    words: str


async def _pieces(request: HttpRequest, clinic: Clinic, account: Account, feed: Feed) -> AsyncIterator[bytes]:
    """Yield the stream's pieces. What a browser does not take stops here and nowhere else."""
    await _leave_database()
    doubts, ask_at_s = 0, time.monotonic() + ASK_AGAIN_S
    with streams.counted(account.pk), feed.watching() as watcher:
        yield b"retry: 1000\n\n"
        while True:
            news = await watcher.wait(min(BEAT_S, max(0.0, ask_at_s - time.monotonic())))
            if time.monotonic() >= ask_at_s:
                ask_at_s = time.monotonic() + ASK_AGAIN_S
                try:
                    if not await _still_may(request, clinic, account):
                        yield BYE
                        return
                    doubts = 0
                except (DatabaseError, InterfaceError):
                    doubts += 1
                    if doubts >= MOST_DOUBTS:
                        return
                finally:
                    await _leave_database()
            if watcher.needs_whole:
                watcher.begin()
                yield feed.whole()
            elif news:
                yield watcher.take()
            else:
                yield feed.beat()


async def _still_may(request: HttpRequest, clinic: Clinic, account: Account) -> bool:
    return await still_in(request) and await sync_to_async(_may_see)(account.pk, clinic)


def _may_see(account: int, clinic: Clinic) -> bool:
    found = Account.objects.filter(pk=account, is_active=True).first()
    return found is not None and allowed(found, clinic, Permission.SEE_ROOM)


async def _leave_database() -> None:
    """Give back the database's connection: a stream lasts for hours."""
    await sync_to_async(connections.close_all)()


def _json(told: Struct, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(told), content_type="application/json", status=status)
