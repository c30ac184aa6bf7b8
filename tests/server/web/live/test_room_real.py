"""The live room with real parts: mosquitto, two web workers, machines over TLS, browsers on the stream."""

from collections.abc import Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, sync_playwright

from coach.model.events import Level, Signal
from server.live.machine_state import NoticeKey
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable
from sync.wire.messages import Clocks, CommandResult, Live, LiveNotice, Pause, PlanOnWire, Software, StartGroup, State
from tests.support.clinic.local_clinic import Child, command, files_of, kill_broker, make, mosquitto, program, until
from tests.support.clinic.local_room import COOKIE, PATIENCE_S, Opened, RoomMachine, Watching, inside, post, served

SESSION = "01a201a2-20b4-7dc4-b145-77fdcea40af6"
CEILING = LiveNotice("over_ceiling", Level.ATTENTION, 40.0)
pytestmark = pytest.mark.timeout(600)


def at(wall_s: float = 0.0) -> Clocks:
    return Clocks("boot", 1.0, wall_s, synchronised=True)


def live(rate_bpm: float, **more: object) -> Live:
    usual = Live(
        number=0,
        connection=1,
        at=at(),
        age_s=0.0,
        face="session",
        participant="P000",
        session_id=SESSION,
        t=50.0,
        stage="running",
        phase="interval",
        rate_bpm=rate_bpm,
        signal=Signal.LIVE,
    )
    return replace(usual, **more)


@pytest.fixture(scope="module")
def brokers() -> list[Child]:
    """The broker that runs now; a test may take it away and put another in its place."""
    return []


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, brokers: list[Child]) -> Iterator[Opened]:
    """A region's server, so that another clinic's machines are heard by it too."""
    clinic = make(tmp_path_factory.mktemp("room") / "clinic", "--all-clinics")
    brokers.append(mosquitto(clinic))
    try:
        with served(clinic, workers=2, participants=3, other="bergen") as opened:
            yield opened
    finally:
        for broker in brokers:
            broker.stop()


@pytest.fixture
def machine(opened: Opened, request: pytest.FixtureRequest) -> Iterator[RoomMachine]:
    """A machine of this test's own."""
    name = f"m-{abs(hash(request.node.name)) % 10**9}"
    with RoomMachine(opened.clinic, name) as one:
        yield one


def seen_by_all(browsers: list[Watching], machine: RoomMachine, rate_bpm: float) -> None:
    until(lambda: all(one.rate_at(machine.name) == rate_bpm for one in browsers), PATIENCE_S)


def test_every_browser_sees_each_machines_picture(opened: Opened, machine: RoomMachine) -> None:
    browsers = [Watching(opened, who) for who in ("kari", "ola", "kari", "ola", "kari", "ola")]
    until(lambda: all(one.wholes for one in browsers), PATIENCE_S)
    for rate in (150.0, 151.0, 152.0):
        machine.tell(live(rate))
        seen_by_all(browsers, machine, rate)
    until(lambda: all(one.tiles[machine.name].nickname == "Rev" for one in browsers), PATIENCE_S)
    with Watching(opened, "kari") as late:
        seen_by_all([late], machine, 152.0)
        trace = late.tiles[machine.name].trace
        assert trace is not None
        assert 152.0 in trace.bpm
    for one in browsers:
        one.__exit__()


def test_a_command_reaches_its_machine_and_its_result_every_browser(opened: Opened, machine: RoomMachine) -> None:
    with Watching(opened, "kari") as one, Watching(opened, "ola") as other, Watching(opened, "ola") as third:
        machine.tell(live(150.0))
        seen_by_all([one, other, third], machine, 150.0)
        to = [{"machine": machine.name, "participant": "P000"}]
        status, told = post(opened, "kari", "command", {"to": to, "action": {"name": "pause"}})
        assert status == 200
        until(lambda: machine.commands, PATIENCE_S)
        (command_,) = machine.commands
        assert (command_.id, command_.action, command_.participant) == (told["id"], Pause(), "P000")
        assert 0 < command_.expires_wall_s - command_.made_at_wall_s <= 60
        assert "kari" not in command_.by
        machine.answer(CommandResult(id=command_.id, outcome="refused", at=at(), code="not_running", reason="why"))

        def told_all() -> bool:
            given = [browser.tiles[machine.name].commands for browser in (one, other, third)]
            return all(each and (each[-1].outcome, each[-1].code) == ("refused", "not_running") for each in given)

        until(told_all, PATIENCE_S)
        assert one.tiles[machine.name].commands[-1].by == "Kari"


def test_a_group_starts_at_one_whole_second_on_all_chosen_machines(opened: Opened, machine: RoomMachine) -> None:
    with RoomMachine(opened.clinic, "m-second") as second, Watching(opened, "kari") as browser:
        for one, who in ((machine, "P000"), (second, "P001")):
            one.tell(live(90.0, face="ready", stage="ready", participant=who))
            seen_by_all([browser], one, 90.0)
        to = [{"machine": machine.name, "participant": "P000"}, {"machine": second.name, "participant": "P001"}]
        asked = {"to": to, "action": {"name": "start_group", "at_wall_s": 0}, "in_s": 10}
        status, told = post(opened, "kari", "command", asked)
        assert status == 200
        until(lambda: machine.commands and second.commands, PATIENCE_S)
        first, other = machine.commands[0], second.commands[0]
        assert (first.action, first.id) == (StartGroup(told["at_s"]), other.id)
        assert first.action == other.action
        assert (first.participant, other.participant) == ("P000", "P001")
        assert told["at_s"] == int(told["at_s"])


def test_a_notice_seen_by_one_is_seen_for_all(opened: Opened, machine: RoomMachine) -> None:
    with Watching(opened, "kari") as one, Watching(opened, "ola") as other, Watching(opened, "kari") as third:
        browsers = [one, other, third]
        machine.tell(live(186.0, notices=(CEILING,)))
        until(lambda: all(b.tiles.get(machine.name) and b.tiles[machine.name].notices for b in browsers), PATIENCE_S)
        machine.tell(live(150.0, t=58.0))
        seen_by_all(browsers, machine, 150.0)
        assert [b.tiles[machine.name].notices[0].lasted_s for b in browsers] == [18.0, 18.0, 18.0]
        key = NoticeKey(SESSION, "over_ceiling", 40.0)
        seen = {"machine": machine.name, "session_id": key.session_id, "code": key.code, "since_s": key.since_s}
        status, _told = post(opened, "ola", "seen", seen)
        assert status == 200
        until(lambda: all(b.tiles[machine.name].notices[0].by == "Ola" for b in browsers), PATIENCE_S)
        assert post(opened, "kari", "seen", seen)[1]["by"] == "Ola"
        assert post(opened, "kari", "seen", {**seen, "code": "no_answer"})[0] == 404


def test_who_may_no_longer_see_the_room_loses_the_stream(opened: Opened) -> None:
    with Watching(opened, "ola") as browser:
        until(lambda: browser.wholes, PATIENCE_S)
        change = (
            "from server.accounts.models import Account; Account.objects.filter(username='ola').update(is_active={})"
        )
        inside(opened.clinic, change.format("False"))
        try:
            until(lambda: browser.ended, PATIENCE_S)
            assert browser.said_bye
            with Watching(opened, "ola") as again:
                until(lambda: again.ended, PATIENCE_S)
                assert again.status in (302, 401, 404)
        finally:
            inside(opened.clinic, change.format("True"))


def test_a_role_without_the_room_gets_no_stream(opened: Opened) -> None:
    with Watching(opened, "researcher") as browser:
        until(lambda: browser.ended, PATIENCE_S)
        assert (browser.status, browser.tiles) == (404, {})


def test_a_frozen_browser_delays_nobody_and_gets_the_room_as_it_is_when_it_thaws(
    opened: Opened, machine: RoomMachine
) -> None:
    frozen = [Watching(opened, "kari", reads=False) for _ in range(4)]
    with Watching(opened, "kari") as one, Watching(opened, "ola") as other:
        until(lambda: one.wholes and other.wholes, PATIENCE_S)
        text = tuple("x" * 200 for _ in range(100))
        for number in range(300):
            machine.tell(live(60.0 + number, limits=text))
            if number % 50 == 0:
                seen_by_all([one, other], machine, 60.0 + number)
        seen_by_all([one, other], machine, 359.0)
        for browser in frozen:
            browser.read()
        seen_by_all(frozen, machine, 359.0)
        assert all(len(browser.seen) < 300 for browser in frozen)
    for browser in frozen:
        browser.__exit__()


def test_another_clinics_machines_are_never_shown(opened: Opened, machine: RoomMachine) -> None:
    folder = str(opened.clinic.places.folder)
    command("bridge", "bergen", "--dir", folder)
    files = files_of(opened.clinic, "bridge-bergen")
    with (
        RoomMachine(opened.clinic, "bridge-bergen", files) as bridge,
        Watching(opened, "kari") as here,
        Watching(opened, "other", "bergen") as there,
        Watching(opened, "kari", "bergen") as curious,
    ):
        until(lambda: curious.ended, PATIENCE_S)
        assert curious.status == 404

        def heard_there() -> bool:
            bridge.publish("ic/1/bergen/m-9/live", encode(live(99.0, number=len(there.seen) + 1)), qos=0)
            machine.tell(live(150.0))
            return there.rate_at("m-9") == 99.0

        until(heard_there, PATIENCE_S, every_s=0.2)
        seen_by_all([here], machine, 150.0)
        assert "m-9" not in here.tiles
        assert machine.name not in there.tiles
        to = [{"machine": "m-9", "participant": "P000"}]
        assert post(opened, "kari", "command", {"to": to, "action": {"name": "pause"}})[0] == 400


def words_of(place: Locator) -> str:
    """What stands there, as it is read: a number and its unit are kept together by a space of their own."""
    return " ".join(place.inner_text().split())


def test_a_page_tells_a_silent_strap_a_silent_machine_and_a_lost_server_apart(
    opened: Opened, machine: RoomMachine
) -> None:
    """In real chromium, whose clock is moved on by hand where the server is away."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program("chromium"), args=["--no-sandbox"])
        context = browser.new_context()
        context.add_cookies([{"name": COOKIE, "value": opened.cookies["kari"], "url": opened.address("/")}])
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE_S)
        page.clock.install()
        page.goto(opened.address("/c/trondheim/room/"))
        tile = page.locator(f'.tile[data-machine="{machine.name}"]')
        machine.be(
            State(online=True, connection=1, clinic="trondheim", machine=machine.name, software=Software("1", "3", "d"))
        )

        silent = replace(live(0.0), rate_bpm=None, signal=Signal.LOST, signal_age_s=25.0)

        def shown(words: str, picture: Live) -> bool:
            """Whether the tile says so; the picture is told anew, since the first ones may come before the page."""
            machine.tell(picture)
            return words in (words_of(tile) if tile.count() else "")

        until(lambda: shown("150", live(150.0)), PATIENCE_S, every_s=0.2)
        assert "old" not in str(tile.get_attribute("class"))
        until(lambda: shown("Ingen puls fra beltet på 25 s", silent), PATIENCE_S, every_s=0.2)
        # The server is heard all the while, so it is the machine that is silent.
        until(lambda: "Ingen kontakt med maskinen siden" in words_of(tile), PATIENCE_S, every_s=0.5)
        assert "old" in str(tile.get_attribute("class"))
        context.set_offline(True)
        page.clock.run_for(15_000)
        trouble = page.locator("#trouble")
        trouble.wait_for(state="visible")
        assert "Ingen forbindelse med serveren siden" in words_of(trouble)
        browser.close()


def test_when_the_broker_was_away_the_room_says_so_and_comes_back_and_plans_go_out(
    opened: Opened, brokers: list[Child]
) -> None:
    clinic = opened.clinic
    state = State(
        online=True, connection=1, clinic="trondheim", machine="m-1", software=Software("1", "3", "d"), at=at()
    )
    with Watching(opened, "kari") as browser:
        with RoomMachine(clinic, "m-1") as machine:
            machine.be(state)
            machine.tell(live(150.0))
            seen_by_all([browser], machine, 150.0)
            assert browser.broker_up is True
            known = (
                "from server.live.models import SuppliedMachine\n"
                "print('known', SuppliedMachine.objects.filter(machine='m-1').count())"
            )
            until(lambda: "known 1" in inside(clinic, known), PATIENCE_S)
        kill_broker(clinic)
        brokers.pop().stop()
        until(lambda: browser.broker_up is False, PATIENCE_S)
        to = [{"machine": "m-1", "participant": "P000"}]
        status, told = post(opened, "kari", "command", {"to": to, "action": {"name": "pause"}})
        assert (status, told["code"]) == (503, "no_broker")
        inside(
            clinic,
            "from server.people.models import Participant, PlanVersion\n"
            "from server.live.plan_outbox import hand_out_plan\n"
            "one = Participant.objects.get(pseudonym='P000')\n"
            "for number in (1, 2):\n"
            "    hand_out_plan(PlanVersion.objects.create(participant=one, version=number, hr_max_bpm=185 + number))\n",
        )
        brokers.append(mosquitto(clinic))
        with RoomMachine(clinic, "m-1", patience_s=PATIENCE_S) as machine:

            def newest() -> bool:
                plan = read(machine.plans.get("P000", b"{}"), PlanOnWire)
                return not isinstance(plan, Unreadable) and (plan.version, plan.plan.hr_max_bpm) == (2, 187.0)

            until(newest, PATIENCE_S)
            until(lambda: browser.broker_up is True, PATIENCE_S)
            machine.tell(live(155.0, connection=2))
            seen_by_all([browser], machine, 155.0)
