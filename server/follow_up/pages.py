"""The pages of the follow-up list: who needs somebody, what is decided, and the clinic's own limits."""

import re
import time
from datetime import date, timedelta
from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.accounts.access import account_of, in_clinic
from server.accounts.memberships import allowed, colleagues_in, name_of
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.formatting import day
from server.follow_up import checking, week
from server.follow_up.board import SHOWN, board_of
from server.follow_up.deciding import LONGEST_DELAY, Decision, decide
from server.follow_up.forms import LimitsForm
from server.follow_up.models import FollowUpCheck, FollowUpItem, FollowUpLimits
from server.people.models import Participant
from server.people.participant_list import groups_of

LOGGED_EVERY_S = 600.0
DELAYS = (1, 3, 7, 14)
_KEYS = re.compile(r"[0-9]{1,18}( [0-9]{1,18}){0,99}\Z")


@require_safe
@in_clinic(Permission.SEE_DIARY)
def board(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Show who needs somebody, the heaviest reason first."""
    now = timezone.now()
    account, today = account_of(request), clinic.day_of(now)
    checking.check_unassigned(clinic, now)
    looked = checking.check_due(clinic, now)
    show = request.GET.get("show", "all")
    group = request.GET.get("group", "").replace("\x00", "")[:40]
    number = request.GET.get("page", "1")
    if show not in SHOWN:
        raise Http404
    page_number = int(number) if number.isdecimal() and len(number) < 7 else 1  # noqa: PLR2004 - no clinic has so many
    shown = board_of(clinic, account, today, show=show, group=group, number=page_number)
    _log(request, clinic)
    training = Participant.objects.filter(clinic=clinic, active=True).count()
    context = {
        "clinic": clinic,
        "board": shown,
        "show": show,
        "group": group,
        "groups": groups_of(clinic),
        "kept": urlencode({name: value for name, value in (("show", show), ("group", group)) if value}),
        "others": max(0, training - shown.counts["all"] - shown.counts["later"]),
        "waiting": 0 if looked < checking.AT_A_TIME else checking.due_in(clinic, today).count(),
        "week": week.week_of(clinic, today),
        "may_decide": allowed(account, clinic, Permission.CHANGE_DIARY),
        "colleagues": [
            (one.pk, name_of(one)) for one in colleagues_in(clinic, Permission.SEE_DIARY) if one.pk != account.pk
        ],
        "me": account.pk,
        "delays": [(days, _delay_words(days)) for days in DELAYS],
        "tomorrow": today + timedelta(days=1),
        "latest": today + LONGEST_DELAY,
    }
    return render(request, "follow_up/board.html", context)


@require_POST
@in_clinic(Permission.CHANGE_DIARY)
def decided(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Take a decision about a person's reasons, and come back to the list."""
    keys = request.POST.get("items", "")
    if _KEYS.match(keys) is None:
        raise Http404
    today = clinic.day_of(timezone.now())
    decision, until, owner, wrong = _read(request, clinic, today)
    if wrong:
        messages.error(request, wrong)
        return _back(request, clinic)
    items = decide(clinic, account_of(request), map(int, keys.split()), decision, until=until, owner=owner)
    if not items:
        messages.info(request, _("That is no longer on the list. Nothing was changed."))
        return _back(request, clinic)
    who = _who(items)
    match decision:
        case "later":
            words = _("%(who)s is put off until %(day)s.") % {"who": who, "day": day(until or today)}
        case "hand":
            words = _("%(who)s is handed to %(name)s.") % {"who": who, "name": name_of(owner) if owner else ""}
        case "open":
            words = _("%(who)s is on the list again.") % {"who": who}
        case _:
            words = _("%(who)s is done.") % {"who": who}
    messages.success(request, words)
    return _back(request, clinic)


def _read(request: HttpRequest, clinic: Clinic, today: date) -> tuple[Decision, date | None, Account | None, str]:
    """Return the decision, its day, its colleague, and what is wrong with them in words."""
    if "hand" in request.POST:
        chosen = request.POST.get("to", "")
        owner = next((one for one in colleagues_in(clinic, Permission.SEE_DIARY) if str(one.pk) == chosen), None)
        return "hand", None, owner, "" if owner else _("Choose a colleague first. Nothing was changed.")
    if "days" in request.POST or "put_off" in request.POST:
        until = _day(request.POST, today)
        if until is None or not today < until <= today + LONGEST_DELAY:
            return "later", None, None, _("Choose a day after today, within half a year. Nothing was changed.")
        return "later", until, None, ""
    return ("open" if "open" in request.POST else "done"), None, None, ""


def _day(sent: QueryDict, today: date) -> date | None:
    days = sent.get("days", "")
    if days in {str(one) for one in DELAYS}:
        return today + timedelta(days=int(days))
    try:
        return date.fromisoformat(sent.get("until", ""))
    except ValueError:
        return None


def _who(items: list[FollowUpItem]) -> str:
    participant = items[0].participant
    return participant.told_apart if participant is not None else _("The clinic's own")


def _back(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    kept = {name: request.POST.get(name, "")[:40] for name in ("show", "group", "page") if request.POST.get(name)}
    address = reverse("follow_up:list", args=[clinic.code])
    return redirect(f"{address}?{urlencode(kept)}" if kept else address)


def _delay_words(days: int) -> str:
    if days == 1:
        return _("Tomorrow")
    if days % 7 == 0:
        weeks = days // 7
        return ngettext("%(weeks)s week", "%(weeks)s weeks", weeks) % {"weeks": weeks}
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


@require_http_methods(["GET", "HEAD", "POST"])
@in_clinic(Permission.CHANGE_PEOPLE)
def limits(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """Change the clinic's own limits; everybody is looked at again."""
    form = LimitsForm(request.POST if request.method == "POST" else None, now=checking.limits_of(clinic))
    status = HTTPStatus.OK
    if request.method == "POST":
        if form.is_valid():
            FollowUpLimits.objects.update_or_create(clinic=clinic, defaults={"values": form.changed_values})
            FollowUpCheck.objects.filter(participant__clinic=clinic).update(due=True)
            record(
                account_of(request),
                "follow_up.limits",
                clinic=clinic,
                may=Permission.CHANGE_PEOPLE,
                fields=form.changed_data,
            )
            messages.success(request, _("The limits are saved. The list follows within a minute."))
            return redirect("follow_up:list", clinic.code)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "follow_up/limits.html", {"clinic": clinic, "form": form}, status=status)


def _log(request: HttpRequest, clinic: Clinic) -> None:
    """Log one line for a while of looking: a look at the list is one at every name in it."""
    key, now_s = f"follow_up_seen_{clinic.pk}", time.time()
    if not 0 <= now_s - request.session.get(key, 0.0) < LOGGED_EVERY_S:
        record(account_of(request), "follow_up.listed", clinic=clinic, may=Permission.SEE_DIARY)
        request.session[key] = now_s
