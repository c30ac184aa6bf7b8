"""The machines of a clinic: how each is, for technical support and the clinic's administrator. Nothing about health."""

import time
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from msgspec import Struct

from server.accounts import finding_words
from server.accounts.access import in_clinic
from server.accounts.message_sequences import MissingMessages, doubled_machines, missing_messages
from server.accounts.models import Clinic
from server.accounts.restorations import owe_sessions
from server.accounts.roles import Permission
from server.models import Certificate, MachineState
from server.natural_sort import by_name

SOON_DAYS = 30
MISSING, TWICE, OWES = "messages_missing", "identity_twice", "not_delivered_again"
SILENT_S = 90.0
"""A machine whose state says «online» and which sent nothing for so long is unreachable (docs/wire.md)."""


class FindingShown(Struct, frozen=True):
    """A finding in words. `detail` is the machine's own, for whoever repairs it."""

    code: str
    words: str
    detail: str
    since: datetime | None


class MachineShown(Struct, frozen=True, kw_only=True):
    """One machine as the pages show it."""

    name: str
    online: bool
    heard: datetime
    waiting: int
    findings: tuple[FindingShown, ...]
    certificate_until: datetime | None
    certificate_soon: bool
    version: str
    python: str
    system: str
    connection: int


def build_machine_row(
    state: MachineState,
    until_wall_s: float | None,
    now_s: float,
    missing: dict[tuple[str, str], MissingMessages] | None = None,
) -> MachineShown:
    """Return a machine's last word as the pages show it. `until_wall_s`: when the certificate given here ends."""
    told = state.state if isinstance(state.state, dict) else {}
    software = told.get("software") or {}
    ends_s = told.get("certificate_until_wall_s") or until_wall_s
    return MachineShown(
        name=state.machine,
        online=state.online,
        heard=datetime.fromtimestamp(state.heard_wall_s, UTC),
        waiting=state.waiting,
        findings=(
            *_seen_here(state, missing_messages() if missing is None else missing),
            *(_finding(one) for one in told.get("findings") or ()),
        ),
        certificate_until=datetime.fromtimestamp(ends_s, UTC) if ends_s else None,
        certificate_soon=ends_s is not None and ends_s - now_s < SOON_DAYS * 86_400,
        version=str(software.get("interval_coach", "")),
        python=str(software.get("python", "")),
        system=str(software.get("system", "")),
        connection=state.connection,
    )


def _seen_here(state: MachineState, missing: dict[tuple[str, str], MissingMessages]) -> tuple[FindingShown, ...]:
    """Return what the server itself sees of a machine: messages that did not arrive, and a name that two use."""
    found = []
    gone = missing.get((state.clinic, state.machine))
    if gone is not None:
        detail = _("%(missing)d of %(sent)d") % {"missing": gone.missing, "sent": gone.sent}
        found.append(FindingShown(MISSING, finding_words.finding_words(MISSING), detail, None))
    if (state.clinic, state.machine) in doubled_machines() and state.doubled_wall_s is not None:
        since = datetime.fromtimestamp(state.doubled_wall_s, UTC)
        found.append(FindingShown(TWICE, finding_words.finding_words(TWICE), "", since))
    if (state.clinic, state.machine) in owe_sessions():
        found.append(FindingShown(OWES, finding_words.finding_words(OWES), "", None))
    return tuple(found)


def _finding(one: dict[str, object]) -> FindingShown:
    since = one.get("since_wall_s")
    return FindingShown(
        code=str(one.get("code", "")),
        words=finding_words.finding_words(str(one.get("code", ""))),
        detail=str(one.get("detail", "")),
        since=datetime.fromtimestamp(since, UTC) if isinstance(since, int | float) else None,
    )


@in_clinic(Permission.SEE_MACHINES)
@require_safe
def machines(request: HttpRequest, clinic: Clinic) -> HttpResponse:
    """List them: those that need somebody first."""
    until = _certificates()
    now_s, missing = time.time(), missing_messages()
    rows = [
        build_machine_row(one, until.get(one.machine), now_s, missing)
        for one in MachineState.objects.filter(clinic=clinic.code)
    ]
    rows.sort(key=lambda one: (not one.findings, not one.certificate_soon, one.online, by_name(one.name)))
    return render(request, "clinics/machines.html", {"rows": rows})


@in_clinic(Permission.SEE_MACHINES)
@require_safe
def one(request: HttpRequest, clinic: Clinic, machine: str) -> HttpResponse:
    """Everything that one machine last said of itself."""
    state = get_object_or_404(MachineState, clinic=clinic.code, machine=machine)
    return render(
        request,
        "clinics/machine.html",
        {"machine": build_machine_row(state, _certificates().get(machine), time.time())},
    )


def _certificates() -> dict[str, float]:
    held = Certificate.objects.filter(revoked_wall_s=None).order_by("until_wall_s")
    return dict(held.values_list("name", "until_wall_s"))
