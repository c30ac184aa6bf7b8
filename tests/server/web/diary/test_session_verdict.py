"""The verdict on top of a session: what it says of each way in which a session goes."""

import msgspec
import pytest
from django.utils import timezone, translation
from msgspec.structs import replace

from coach.model.events import Advice, AdviceGiven, Direction, PhaseEnded, SessionStarted
from coach.model.protocol import PhaseKind
from coach.model.summary import IntervalSummary, Summary
from server.diary.session_verdict import verdict_of
from sync.wire.messages import SessionDelivery
from tests.server.web.conftest import People
from tests.server.web.diary.test_diary_pages import keep, text_of, trained


def interval(number: int, **more: object) -> IntervalSummary:
    """An interval as planned, two minutes and fifty seconds in the zone."""
    start_s = 600.0 + 420.0 * (number - 1)
    usual: dict[str, object] = {
        "index": number, "start_s": start_s, "end_s": start_s + 240.0, "completed": True, "third_minute_bpm": 162.0,
        "third_minute_fraction": 0.876, "time_to_zone_s": 70.0, "time_in_zone_s": 170.0, "above_zone_s": 0.0,
        "peak_bpm": 168.0, "end_bpm": 166.0, "recovery_fall_60s_bpm": 30.0, "speed_kmh": 6.0, "incline_percent": 5.0,
        "borg": 15,
    }  # fmt: skip
    return IntervalSummary(**{**usual, **more})  # type: ignore[arg-type] # named above


def whole(*intervals: IntervalSummary, **more: object) -> tuple[Summary, SessionDelivery]:
    """A 4×4 of these intervals."""
    made = trained(1)
    found = intervals or tuple(interval(number) for number in (1, 2, 3, 4))
    told: dict[str, object] = {
        "intervals": found,
        "completed": len(found) == 4 and all(one.completed for one in found),
        "completed_intervals": sum(one.completed for one in found),
        "planned_intervals": 4,
        "time_in_zone_s": sum(one.time_in_zone_s for one in found),
        "end_reason": "done",
        "notices": (),
    }
    return replace(made.summary, **{**told, **more}), replace(made, events=())


def ended(number: int, reason: str) -> PhaseEnded:
    return PhaseEnded(0.0, number, PhaseKind.INTERVAL, number, 100.0, reason)  # type: ignore[arg-type] # one of its words


def advised(t: float, speed_kmh: float) -> AdviceGiven:
    return AdviceGiven(t, Advice(Direction.FASTER, None, speed_kmh, 5.0, "below_zone"))


def said(summary: Summary, delivery: SessionDelivery | None, *events: object, language: str = "nb") -> tuple[str, str]:
    with translation.override(language):
        found = verdict_of(summary, replace(delivery, events=events) if delivery else None)
    return " ".join(found.sentences), found.look


@pytest.fixture(autouse=True)
def _translated(people: People) -> None:
    del people


def test_a_session_as_planned_says_how_long_it_was_in_the_zone() -> None:
    assert said(*whole()) == ("Alle 4 drag nådde målsonen: 11:20 i sonen.", "in")
    assert said(*whole(), language="en") == ("All 4 intervals reached the target zone: 11:20 in it.", "in")


def test_the_example_of_the_issue() -> None:
    summary, delivery = whole(
        interval(1, completed=False, end_s=600.0 + 167.0),
        interval(2),
        interval(3, above_zone_s=165.0, time_in_zone_s=40.0),
        interval(4, time_to_zone_s=None, time_in_zone_s=0.0, third_minute_bpm=148.0, third_minute_fraction=0.8),
    )
    events = (ended(1, "signal_lost"), advised(1800.0, 6.8))
    words, look = said(summary, delivery, *events)
    assert words.split(". ") == [
        "Drag 1 avbrutt etter 2:47: pulsen falt ut",
        "Drag 3 for hardt (2:45 over sonen)",
        "Drag 4 nådde ikke sonen: farten ble satt 0,8 km/t under rådet.",
    ]
    assert look == "above"


def test_without_the_raw_data_the_reasons_are_left_out() -> None:
    summary, _delivery = whole(interval(1, completed=False, end_s=700.0))
    words, look = said(summary, None)
    assert words == "Drag 1 avbrutt etter 1:40. 3 av 4 drag ble ikke trent."
    assert look == "below"


def test_no_interval_in_the_zone_is_one_sentence_with_how_it_felt() -> None:
    low = {"time_to_zone_s": None, "time_in_zone_s": 0.0, "third_minute_bpm": 151.0, "third_minute_fraction": 0.75}
    words, look = said(*whole(*(interval(number, **low, borg=20) for number in (1, 2, 3, 4))))
    assert words == "Ingen drag nådde sonen (høyst 151 (75\xa0%) i 3. minutt). Det kjentes som Borg 20."
    assert look == "below"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"notices": ("not_all_right",)}, "Svarte nei på «Går det bra?»."),
        ({"notices": ("no_answer",)}, "Svarte ikke på «Går det bra?»."),
        ({"end_reason": "no_answer"}, "Svarte ikke på «Går det bra?»."),
        ({"notices": ("unwell", "not_all_right")}, "Svarte ja på vondt i brystet eller besvimelse."),
    ],
)
def test_what_was_answered_comes_first_and_is_red(more: dict[str, object], words: str) -> None:
    told, look = said(*whole(**more))
    assert told.startswith(words)
    assert look == "stop"


def test_over_the_ceiling_says_how_far() -> None:
    assert said(*whole(notices=("over_ceiling",), peak_bpm=191.0)) == ("Pulsen gikk over taket (høyest 191).", "above")


def test_an_interval_without_a_rate_is_told_as_such_and_not_as_too_easy() -> None:
    blind = interval(2, third_minute_bpm=None, third_minute_fraction=None, time_in_zone_s=0.0, time_to_zone_s=None)
    assert said(*whole(interval(1), blind, interval(3), interval(4))) == ("Drag 2 mangler sikker puls.", "lost")


def test_a_short_time_in_the_zone_is_told_once_the_zone_was_reached() -> None:
    words, _look = said(*whole(interval(1), interval(2, time_in_zone_s=60.0), interval(3), interval(4)))
    assert words == "Drag 2 var bare 1:00 i sonen."


def test_speed_over_the_advice_is_no_reason() -> None:
    low = interval(4, time_to_zone_s=None, time_in_zone_s=0.0, third_minute_bpm=148.0, third_minute_fraction=0.8)
    summary, delivery = whole(interval(1), interval(2), interval(3), low)
    words, _look = said(summary, delivery, advised(1800.0, 5.0))
    assert words == "Drag 4 nådde ikke sonen: 148 (80\xa0%) i 3. minutt."


def test_advice_is_compared_with_the_interval_it_was_given_in_however_long_somebody_waited() -> None:
    """Events count from when somebody was chosen, the summary from the start."""
    low = interval(4, time_to_zone_s=None, time_in_zone_s=0.0, third_minute_bpm=148.0, third_minute_fraction=0.8)
    summary, delivery = whole(interval(1), interval(2), interval(3), low)
    events = (SessionStarted(300.0), advised(2160.0, 7.0), advised(2160.0 + 241.0, 5.0))
    words, _look = said(summary, delivery, *events)
    assert "1,0 km/t under rådet" in words


def test_a_session_that_ended_before_its_first_interval() -> None:
    summary, delivery = whole(interval(1))
    empty = replace(summary, intervals=(), completed_intervals=0, time_in_zone_s=0.0, completed=False)
    assert said(empty, delivery) == ("Økten sluttet før første drag.", "below")


def test_at_most_four_sentences_the_gravest_of_all() -> None:
    bad = tuple(interval(number, above_zone_s=120.0, time_in_zone_s=10.0) for number in (1, 2, 3, 4))
    summary, delivery = whole(*bad, notices=("not_all_right", "over_ceiling"))
    with translation.override("nb"):
        found = verdict_of(summary, delivery)
    assert len(found.sentences) == 4
    assert found.sentences[0] == "Svarte nei på «Går det bra?»."


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_compares_with_the_session_before_and_leads_to_both_sides(people: People) -> None:
    today = timezone.localdate()
    days = [today.replace(day=1), today.replace(day=2), today.replace(day=3)]
    first, second, third = keep(*(trained(number, day=day) for number, day in enumerate(days, 1)))
    page = people.therapist.get(f"/c/trondheim/diary/session/{second.session_id}/").content.decode()
    text = text_of(page)
    assert f'rel="prev" href="/c/trondheim/diary/session/{first.session_id}/"' in page
    assert f'rel="next" href="/c/trondheim/diary/session/{third.session_id}/"' in page
    assert "Planlagt, gjennomført og sist" in text
    assert f'data-before="/c/trondheim/diary/session/{first.session_id}/trace.json"' in page
    assert page.index('class="verdict-words') < page.index("data-trace=")
    alone = people.therapist.get(f"/c/trondheim/diary/session/{first.session_id}/").content.decode()
    assert 'rel="prev"' not in alone
    assert "data-before" not in alone


def test_a_session_before_that_this_version_cannot_read_is_left_out(people: People) -> None:
    today = timezone.localdate()
    first, second = keep(trained(1, day=today.replace(day=1)), trained(2, day=today.replace(day=2)))
    type(first.stored).objects.filter(pk=first.stored_id).update(summary={"of": "tomorrow"})
    answer = people.therapist.get(f"/c/trondheim/diary/session/{second.session_id}/")
    assert answer.status_code == 200
    assert msgspec.convert(second.stored.summary, Summary).planned_intervals == 4
