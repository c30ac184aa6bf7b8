"""A plan from the therapist's page to a machine, through a served page, a real broker and TLS, and away again."""

import re
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sync.wire.codec import read
from sync.wire.envelope import Unreadable
from sync.wire.messages import PlanOnWire, Software, State
from tests.support.clinic.local_clinic import make, mosquitto, until
from tests.support.clinic.local_room import COOKIE, PATIENCE_S, Opened, RoomMachine, inside, served

pytestmark = pytest.mark.timeout(600)
PLAN = "/c/trondheim/participants/P000/plan/"


class NoWayOn(urllib.request.HTTPRedirectHandler):
    """Tells a redirect instead of following it."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        """Stay."""


def send(opened: Opened, page: str, form: list[tuple[str, str]]) -> tuple[int, str]:
    """Fill in a form of a page and send it, as a browser without scripts does. Gives the status and the answer."""
    browser = urllib.request.build_opener(NoWayOn)
    cookie = f"{COOKIE}={opened.cookies['kari']}"
    asked = urllib.request.Request(opened.address(PLAN), headers={"Cookie": cookie})  # noqa: S310 - this computer's own
    with browser.open(asked, timeout=PATIENCE_S) as answer:
        mine = answer.headers["Set-Cookie"].split(";")[0]
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', answer.read().decode())[0]
    request = urllib.request.Request(  # noqa: S310 - as above
        opened.address(PLAN + page),
        data=urllib.parse.urlencode([*form, ("csrfmiddlewaretoken", token)]).encode(),
        headers={"Cookie": f"{cookie}; {mine}"},
    )
    try:
        with browser.open(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def plan_at(machine: RoomMachine) -> PlanOnWire | None:
    """The plan that the machine has now."""
    found = read(machine.plans.get("P000", b"{}"), PlanOnWire)
    return None if isinstance(found, Unreadable) else found


def test_a_plan_saved_in_the_page_reaches_the_machine_rises_and_is_withdrawn(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    last_day = (datetime.now(UTC).date() + timedelta(days=60)).isoformat()
    form = [
        ("protocol", "4x4"), ("mode", "heart_rate"), ("hr_max_bpm", "181"), ("hr_max_source", "measured"),
        ("ceiling_bpm", "176"), ("start_speed_kmh", "5,8"), ("start_incline_percent", "5"), ("max_speed_kmh", "12"),
        ("speed_step_kmh", "0,2"), ("weekly_cap", "3"), ("rest_hours", "20"), ("valid_until", last_day),
        ("questions", "chest_pain"), ("questions", "fever"), ("reason", "Ny"),
    ]  # fmt: skip
    again = [
        ("again", "yes"), ("looked_at", "on"), ("again_hr_max_bpm", "181"), ("again_ceiling_bpm", "176"),
        ("again_mode", "heart_rate"), ("again_max_speed_kmh", "12"),
    ]  # fmt: skip
    with mosquitto(clinic), served(clinic, workers=1, participants=1) as opened:
        inside(
            clinic,
            "from datetime import date\n"
            "from server.people.models import Participant\n"
            "one = Participant.objects.get(pseudonym='P000')\n"
            "one.picture = 'fox'\n"
            "one.save()\n"
            "one.clearances.create(cleared_by='Lege', cleared_on=date(2026, 1, 1), valid_until=date(2099, 1, 1))\n",
        )
        with RoomMachine(clinic, "molle-1") as machine:
            software = Software("1", "3", "d")
            machine.be(State(online=True, connection=1, clinic="trondheim", machine="molle-1", software=software))
            known = (
                "from server.live.models import SuppliedMachine\n"
                "print('known', SuppliedMachine.objects.filter(machine='molle-1').count())"
            )
            until(lambda: "known 1" in inside(clinic, known), PATIENCE_S)
            status, page = send(opened, "change/", [*form, ("base", "0")])
            assert (status, 'name="again_hr_max_bpm"' in page) == (200, True)
            assert send(opened, "change/", [*form, ("base", "0"), *again])[0] == 302
            first = until(lambda: plan_at(machine), PATIENCE_S)
            assert first is not None
            assert (first.version, first.plan.participant, first.plan.picture) == (1, "P000", "fox")
            assert (first.plan.hr_max_bpm, first.plan.ceiling_bpm, first.plan.max_speed_kmh) == (181.0, 176.0, 12.0)
            assert first.plan.questions == ("chest_pain", "fever")
            assert first.plan.valid_until_wall_s == first.valid_until_wall_s is not None
            more = [(name, "24" if name == "rest_hours" else value) for name, value in form]
            assert send(opened, "change/", [*more, ("base", "1")])[0] == 302
            until(lambda: (plan := plan_at(machine)) is not None and plan.version == 2, PATIENCE_S)
            assert send(opened, "end/", [("reason", "Ferdig"), ("base", "2")])[0] == 302
            until(lambda: machine.plans.get("P000") == b"", PATIENCE_S)
