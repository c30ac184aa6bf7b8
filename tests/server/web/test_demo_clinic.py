"""The demo's clinic: open on this computer alone, and never made over a clinic that people use."""

import os
import shutil
import sys
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from msgspec.structs import replace

from server.accounts.models import Account, Membership
from server.accounts.roles import Role
from server.clinic_folder.settings import ClinicFolder
from server.demo.machines import DemoMachine
from server.demo.running import DemoParts, ServerDemoSettings, run, taken_past
from server.errors import ServerError, SettingsError
from server.live.machine_state import LiveMachine
from server.models import EnrolmentCode
from server.web.serving import Serving, serve
from sync.wire.codec import encode, read
from sync.wire.messages import Clocks, Live, State
from sync.wire.topics import Kind
from tests.server.web.conftest import Browser, People

PASSWORD = "bare til en prøve her"  # noqa: S105 - of a test


def logged_in(people: People, *, name: str = "visitor", **headers: Any) -> str:  # noqa: ANN401 - passed on
    """Where the password of somebody without one-time codes leads."""
    account, made = Account.objects.get_or_create(username=name)
    if made:
        account.set_password(PASSWORD)
        account.save()
        Membership.objects.create(account=account, role=Role.THERAPIST, clinic=people.clinic)
    answer = Browser().post("/log-in/", {"username": name, "password": PASSWORD}, **headers)
    assert answer.status_code == 303
    return str(answer["Location"])


def test_only_the_demo_asks_for_no_code_and_only_whoever_sits_at_this_computer(people: People) -> None:
    assert logged_in(people).startswith("/log-in/code/")
    with override_settings(ONE_FACTOR_HERE=True):
        assert logged_in(people) == "/"
        assert logged_in(people, REMOTE_ADDR="10.0.0.5").startswith("/log-in/code/")
        assert logged_in(people, HTTP_X_FORWARDED_FOR="10.0.0.5").startswith("/log-in/code/")
    assert settings.ONE_FACTOR_HERE is False


def test_an_account_with_codes_is_asked_for_one_in_the_demo_too(people: People) -> None:
    therapist = people.account("therapist")
    therapist.set_password(PASSWORD)
    therapist.save()
    with override_settings(ONE_FACTOR_HERE=True):
        assert logged_in(people, name="therapist").startswith("/log-in/code/")


@pytest.mark.parametrize("how", [Serving(), Serving(behind_proxy=True), Serving(plain_here=True, address="0.0.0.0")])  # noqa: S104 - that it is refused
def test_a_clinic_without_codes_is_served_on_loopback_over_plain_http_or_not_at_all(
    ready: ClinicFolder, how: Serving
) -> None:
    demo = ClinicFolder(replace(ready.settings, demo=True), ready.places)
    with pytest.raises(SettingsError, match="this computer"):
        serve(demo, how)


def test_the_demo_touches_no_folder_that_is_not_a_demos(tmp_path: Path) -> None:
    (tmp_path / "clinic.toml").write_text('clinic = "trondheim"\nhost = "coach.example"\n')
    with pytest.raises(ServerError, match="not an earlier demo's"):
        run(ServerDemoSettings(folder=tmp_path), lambda _line: None)
    assert [one.name for one in tmp_path.iterdir()] == ["clinic.toml"]


def test_a_part_that_died_is_seen_and_started_again(tmp_path: Path) -> None:
    parts = DemoParts(tmp_path)
    dead = parts.start("broker", [sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"])
    alive = parts.start("web", [sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        dead.wait(60)
        (said,) = parts.start_again()
        assert said == f"The demo's broker ended (SIGSEGV) and was started again; see {tmp_path / 'broker.log'}."
        assert alive.poll() is None
    finally:
        parts.end()
    assert alive.poll() is not None


def test_a_picture_counts_with_its_machines_newest_connection(lite: ClinicFolder) -> None:
    """One with an earlier connection than the state's is taken for overtaken, and never shown."""
    # The folder serves many tests, each with a database of its own.
    shutil.rmtree(lite.places.folder / "demo-machines", ignore_errors=True)
    machine = DemoMachine(lite, "molle-1", SimpleQueue())
    files = sorted((lite.places.folder / "demo-machines").iterdir())
    sent: list[bytes] = []
    machine.link = SimpleNamespace(  # type: ignore[assignment] # a link that keeps what it is given
        publish=lambda _topic, payload: sent.append(payload),
        publish_retained=lambda _topic, payload: sent.append(payload),
    )
    picture = Live(number=7, connection=0, at=Clocks("demo", 1.0, 1.0, synchronised=True), age_s=0.0, face="ready")
    room = LiveMachine("molle-1")
    for _turn in range(3):
        machine._connected(up=True)
        machine.publish(Kind.LIVE, encode(picture))
        state, live = read(sent[-2], State), read(sent[-1], Live)
        assert isinstance(state, State)
        assert isinstance(live, Live)
        assert room.hear_state(state, 1.0)
        assert room.hear_live(live, 1.0) is not None
    # Started again, it needs no new code.
    DemoMachine(lite, "molle-1", SimpleQueue())
    assert sorted((lite.places.folder / "demo-machines").iterdir()) == files
    assert EnrolmentCode.objects.count() == 1


def test_a_past_that_was_made_beforehand_is_taken_while_it_is_fresh(tmp_path: Path) -> None:
    past, parts = tmp_path / "past", DemoParts(tmp_path)
    past.mkdir()
    (past / "people.json").write_text("[]")
    settings = ServerDemoSettings(folder=tmp_path / "clinic", past=past)
    assert taken_past(settings, parts) == (past, None)
    os.utime(past / "people.json", (0, 0))
    (tmp_path / "clinic").mkdir()
    folder, making = taken_past(settings, parts)
    parts.end()
    assert (folder, past.exists()) == (tmp_path / "clinic" / "past", False)
    assert making is not None
