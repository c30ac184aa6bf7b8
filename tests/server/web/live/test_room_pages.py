"""The room's page, and what is refused before anything is sent."""

import html
import json
import re
import threading

import pytest
from django.test import Client, override_settings
from django.utils import translation

from coach.kiosk.view import ScreenId
from server.audit.models import Entry
from server.live import views, words
from server.live.commanding import SentCommand, give
from server.live.hub import Hub
from server.live.models import GivenCommand
from server.live.persistence import told_of
from sync.delivery.fault_registry import Trouble
from sync.wire.messages import Attend, Command
from tests.server.web.conftest import People
from tests.server.web.live.test_room_place import live


class Sending(Hub):
    """A hub whose broker takes everything and keeps it."""

    def __init__(self) -> None:
        """Connected to nobody."""
        self.sent: list[tuple[str, Command]] = []
        self._feeds = {}
        self._lock = threading.Lock()
        self._up = True
        self._epoch_s = 0.0

    def send(self, clinic: str, machine: str, command: Command) -> bool:
        """Take it."""
        self.sent.append((f"{clinic}/{machine}", command))
        return True


def post(browser: Client, page: str, told: object) -> tuple[int, dict[str, str]]:
    answer = browser.post(f"/c/trondheim/room/{page}", json.dumps(told), content_type="application/json")
    return answer.status_code, answer.json() if answer["Content-Type"] == "application/json" else {}


def test_the_page_is_for_who_may_see_the_room_of_that_clinic(people: People) -> None:
    assert people.therapist.get("/c/trondheim/room/").status_code == 200
    assert people.therapist.get("/c/bergen/room/").status_code == 404
    for role in ("clinic_admin", "coordinator", "researcher", "support"):
        for page in ("", "stream"):
            assert people.clients[role].get(f"/c/trondheim/room/{page}").status_code == 404
        assert post(people.clients[role], "command", {})[0] == 404


def test_an_account_with_too_many_open_streams_gets_no_further_one(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = people.account("therapist").pk
    monkeypatch.setattr(views, "MOST_STREAMS", 2)
    with views.streams.counted(account), views.streams.counted(account):
        answer = people.therapist.get("/c/trondheim/room/stream")
    assert (answer.status_code, answer["Retry-After"]) == (429, "10")
    assert views.streams.open_of(account) == 0


def test_opening_the_room_stands_in_the_access_log(people: People) -> None:
    people.therapist.get("/c/trondheim/room/")
    entry = Entry.objects.get(action="room.opened")
    assert (entry.account, entry.role, entry.clinic) == ("therapist", "therapist", "trondheim")


def test_the_page_holds_every_word_in_its_language_and_no_persons_name(people: People) -> None:
    page = people.therapist.get("/c/trondheim/room/").content.decode()
    found = re.search(r'<script id="room" type="application/json">(.*?)</script>', page)
    assert found is not None
    assert json.loads(html.unescape(found[1]))["words"]["position"]["above"] == "Over målsonen"
    assert "Nordmann" not in page


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("nonsense", "not_understood"),
        ({"to": [], "action": {"name": "pause"}}, "no_machine"),
        ({"to": [{"machine": "../x"}], "action": {"name": "pause"}}, "no_machine"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "skip_warm_up"}}, "not_understood"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "text", "text": "x" * 81}}, "bad_text"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "text", "text": " \n "}}, "bad_text"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "adjust", "lowered_fraction": 0.2}}, "bad_adjustment"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "adjust", "lowered_fraction": -0.1}}, "bad_adjustment"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "start_group", "at_wall_s": 0}}, "bad_start"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "start_group", "at_wall_s": 0}, "in_s": 999}, "bad_start"),
        ({"to": [{"machine": "m-1"}] * 2, "action": {"name": "pause"}}, "too_many"),
        ({"to": [{"machine": "m-1"}], "action": {"name": "pause"}}, "no_machine"),
    ],
)
def test_what_no_machine_should_get_is_refused_in_words(people: People, told: object, code: str) -> None:
    status, answer = post(people.therapist, "command", told)
    assert (status, answer["code"]) == (400, code)
    with translation.override("nb"):
        assert answer["words"] == words.why_not_given(code)
    assert not GivenCommand.objects.exists()


def test_a_command_is_remembered_logged_and_sent_with_the_person_it_is_meant_for(people: People) -> None:
    hub = Sending()
    hub.feed("trondheim").hear_live("m-1", live(1))
    body = {"to": [{"machine": "m-1", "participant": "p-1"}], "action": {"name": "text", "text": "  Bra\n jobba! "}}
    given = give(hub, people.clinic, people.account("therapist"), json.dumps(body).encode())
    ((to, command),) = hub.sent
    assert isinstance(given, SentCommand)
    assert (to, command.id, command.participant) == ("trondheim/m-1", given.id, "p-1")
    assert getattr(command.action, "text", None) == "Bra jobba!"
    row = GivenCommand.objects.get()
    assert (row.command_id, row.machine, row.participant, row.action) == (given.id, "m-1", "p-1", {"name": "text"})
    entry = Entry.objects.get(action="room.command")
    assert (entry.participant, entry.detail["command"]) == ("p-1", "text")
    assert "jobba" not in json.dumps(entry.detail)


def test_staff_at_the_machine_are_sent_on_and_logged_by_that_name(people: People) -> None:
    hub = Sending()
    hub.feed("trondheim").hear_live("m-1", live(1))
    body = {"to": [{"machine": "m-1", "participant": "p-1"}], "action": {"name": "attend"}}
    give(hub, people.clinic, people.account("therapist"), json.dumps(body).encode())
    ((_, command),) = hub.sent
    assert (command.action, command.participant) == (Attend(), "p-1")
    assert Entry.objects.get(action="room.command").detail["command"] == "attend"
    assert GivenCommand.objects.get().action == {"name": "attend"}


def test_every_command_and_each_refusal_of_one_has_words_of_its_own() -> None:
    assert {"attend", "pause", "resume", "ease", "end", "extend", "lower", "text", "start_group"} <= set(words.COMMAND)
    assert {"no_question", "not_understood"} <= set(words.REFUSED)


def test_a_command_that_is_remembered_has_the_words_of_the_one_that_was_sent(people: People) -> None:
    hub = Sending()
    hub.feed("trondheim").hear_live("m-1", live(1))
    asked = (
        {"name": "adjust", "extend_recovery_s": 30},
        {"name": "adjust", "lowered_fraction": 0.05},
        {"name": "resume"},
    )
    for action in asked:
        give(
            hub,
            people.clinic,
            people.account("therapist"),
            json.dumps({"to": [{"machine": "m-1"}], "action": action}).encode(),
        )
    remembered = [told_of(row).name for row in GivenCommand.objects.order_by("pk")]
    assert remembered == [one.detail["command"] for one in Entry.objects.filter(action="room.command").order_by("pk")]
    assert remembered == ["extend", "lower", "resume"]


def test_the_wall_shows_the_room_without_frame_buttons_or_way_to_a_person(people: People) -> None:
    page = people.therapist.get("/c/trondheim/room/wall/").content.decode()
    assert 'data-theme="dark"' in page
    assert not [one for one in ('class="top"', 'id="panel-commands"', 'id="panel-person"', 'id="group"') if one in page]
    told = json.loads(html.unescape(re.findall(r'<script id="room" type="application/json">(.*?)</script>', page)[0]))
    assert (told["wall"], told["names"], told["may_command"]) == (True, True, False)


def test_a_wall_without_names_is_the_clinics_to_choose(people: People) -> None:
    with override_settings(WALL_NAMES=False):
        pages = [people.therapist.get(f"/c/trondheim/room/{end}").content.decode() for end in ("wall/", "")]
    assert ['"names": false' in page for page in pages] == [True, False]


def test_every_face_and_finding_has_a_word_of_its_own() -> None:
    assert [face.value for face in ScreenId if face.value not in words.FACE] == []
    assert [trouble.value for trouble in Trouble if trouble.value not in words.FINDING] == []


def test_every_word_is_translated() -> None:
    with translation.override("nb"):
        norwegian = words.for_page()
    with translation.override("en"):
        english = words.for_page()
    same = {"{number} s", "{number} min", "{who}: {what}", "Pause"}
    untouched = [
        english[group][code]
        for group, told in norwegian.items()
        for code, word in told.items()
        if word == english[group][code] and word not in same
    ]
    assert untouched == []


def test_a_machine_is_called_by_its_number_in_the_pages_language_and_any_other_by_its_name() -> None:
    with translation.override("nb"):
        assert [words.called(name) for name in ("molle-3", "treadmill-012", "pi7", "ved-vinduet", "molle-3b")] == [
            "Mølle 3", "Mølle 12", "Mølle 7", "Ved vinduet", "Molle 3b",
        ]  # fmt: skip
    with translation.override("en"):
        assert words.called("molle-3") == "Treadmill 3"
