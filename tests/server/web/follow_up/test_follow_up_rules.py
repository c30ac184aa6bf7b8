"""The follow-up rules, one by one, on histories made here; and 200 histories of people who train as planned."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from coach.model.summary import IntervalSummary
from server.follow_up.history import (
    FollowUpHistory,
    HistoryAnswer,
    HistoryClearance,
    HistoryCourse,
    HistoryMissed,
    HistoryPlan,
    HistorySession,
    HrMaxSuggestion,
)
from server.follow_up.rules import BY_CODE, RULES, find_all
from server.follow_up.thresholds import RANGES, FollowUpThresholds, thresholds_of
from server.follow_up.words import line_of, step_of, title_of

TODAY = date(2026, 11, 30)
USUAL = FollowUpThresholds()


def interval(
    number: int, *, bpm: float | None = 162.0, zone_s: float = 170.0, above_s: float = 0.0, borg: int | None = 15
) -> IntervalSummary:
    start_s = 600.0 + 420.0 * (number - 1)
    return IntervalSummary(
        index=number,
        start_s=start_s,
        end_s=start_s + 240.0,
        completed=True,
        third_minute_bpm=bpm,
        third_minute_fraction=None if bpm is None else round(bpm / 185.0, 3),
        time_to_zone_s=70.0 if zone_s else None,
        time_in_zone_s=zone_s,
        above_zone_s=above_s,
        peak_bpm=bpm,
        end_bpm=bpm,
        recovery_fall_60s_bpm=30.0,
        speed_kmh=6.0,
        incline_percent=5.0,
        borg=borg,
    )


def session(days_ago: int, **more: object) -> HistorySession:
    """A whole session of somebody for whom all is as planned."""
    usual: dict[str, object] = {
        "key": f"00000000-0000-4000-8000-{days_ago:012}",
        "on": TODAY - timedelta(days=days_ago),
        "zone_s": 680.0,
        "borg": 15,
        "peak_bpm": 170.0,
        "hr_max_bpm": 185.0,
        "speed_kmh": 6.0,
        "incline_percent": 5.0,
        "third_minute_bpm": 162.0,
        "third_minute_fraction": 0.876,
        "intervals": tuple(interval(number) for number in (1, 2, 3, 4)),
    }
    return HistorySession(**{**usual, **more})  # type: ignore[arg-type] # named above


def under(days_ago: int, borg: int = 19, **more: object) -> HistorySession:
    """A session whose rate stayed far under the zone."""
    low = tuple(interval(number, bpm=140.0, zone_s=0.0, borg=borg) for number in (1, 2, 3, 4))
    told: dict[str, object] = {"zone_s": 0.0, "borg": borg, "third_minute_bpm": 140.0, "third_minute_fraction": 0.757}
    return session(days_ago, **{**told, "intervals": low, **more})


COURSE = HistoryCourse(
    key=1,
    begins_on=TODAY - timedelta(days=20),
    done=8,
    due=9,
    of=24,
    fraction=8 / 9,
    ends_on=TODAY + timedelta(days=35),
)
CLEARED = HistoryClearance(state="cleared", last_day=TODAY + timedelta(days=200), key=3)
SESSIONS = tuple(session(days) for days in (1, 4, 6, 8, 11, 13, 15, 18))
WELL = FollowUpHistory(
    today=TODAY,
    begun_on=TODAY - timedelta(days=25),
    plan=HistoryPlan(version=2, hr_max_bpm=185.0, valid_until=TODAY + timedelta(days=60), needs_clearance=True),
    clearance=CLEARED,
    course=COURSE,
    sessions=SESSIONS,
    first_session=SESSIONS[-1],
    last_on=SESSIONS[0].on,
)


def with_newest(*newest: HistorySession) -> FollowUpHistory:
    """The same person after these sessions, newest first."""
    return replace(WELL, sessions=(*newest, *SESSIONS[len(newest) :]))


def found(history: FollowUpHistory, limits: FollowUpThresholds = USUAL) -> list[str]:
    return list(find_all(history, limits))


def plan(**more: object) -> FollowUpHistory:
    assert WELL.plan is not None
    return replace(WELL, plan=replace(WELL.plan, **more))


def course(**more: object) -> FollowUpHistory:
    return replace(WELL, course=replace(COURSE, **more))


LOWER = session(1, notices=("hr_max_seems_lower",), suggestion=HrMaxSuggestion(160.0, 154.0, 166.0))
AWAY = tuple(session(days) for days in (10, 12, 14))
ANSWERED = datetime(2026, 11, 29, 9, 2, tzinfo=UTC)


def answer(code: str) -> FollowUpHistory:
    return replace(WELL, answers=(HistoryAnswer(7, code, ANSWERED, "molle-3"),))


def clearance(**more: object) -> FollowUpHistory:
    return replace(WELL, clearance=replace(CLEARED, **more))


BROKEN: dict[str, FollowUpHistory] = {
    "unwell": answer("unwell"),
    "ended_clearance": clearance(state="renewal", asked_at=ANSWERED, asked_code="unwell"),
    "said_no": with_newest(session(1), session(4, notices=("not_all_right",))),
    "no_answer": with_newest(session(1, completed=False, end_reason="no_answer", completed_intervals=2)),
    "over_ceiling": with_newest(session(1, notices=("over_ceiling",), peak_bpm=191.0)),
    "not_ready": answer("not_ready"),
    "no_clearance": clearance(state="expired", last_day=TODAY - timedelta(days=1)),
    "never_in_zone": with_newest(under(1), under(4)),
    "wrong_hr_max": with_newest(LOWER),
    "hard_under_zone": with_newest(under(1, borg=18)),
    "no_plan": replace(WELL, plan=None),
    "expired_plan": plan(valid_until=TODAY - timedelta(days=1)),
    "ending_clearance": clearance(last_day=TODAY + timedelta(days=20)),
    "asked_clearance": clearance(asked_at=ANSWERED, asked_code="not_ready"),
    "stopped_early": with_newest(
        session(1, completed=False, end_reason="stopped", completed_intervals=2),
        session(4, completed=False, end_reason="pause_limit", completed_intervals=1),
    ),
    "missed": replace(WELL, missed=(HistoryMissed(7, TODAY - timedelta(days=1), ""),)),
    "absence": replace(WELL, sessions=AWAY, last_on=AWAY[0].on),
    "refused_plan": replace(WELL, refusing_machines=("molle-12",)),
    "bad_strap": with_newest(session(1, live_fraction=0.6), session(4, live_fraction=0.75)),
    "low_attendance": course(done=5, due=9, fraction=5 / 9),
    "return": replace(WELL, sessions=(session(1), *AWAY)),
    "easy_in_zone": with_newest(
        session(1, borg=12, intervals=tuple(interval(number, borg=11) for number in (1, 2, 3, 4)))
    ),
    "ending_plan": plan(valid_until=TODAY + timedelta(days=3)),
    "ending_course": course(done=22, due=24, ends_on=TODAY + timedelta(days=2)),
}


def test_each_rule_has_a_history_that_breaks_it() -> None:
    assert list(BROKEN) == [one.code for one in RULES]
    assert [one.weight for one in RULES] == sorted((one.weight for one in RULES), reverse=True)


@pytest.mark.parametrize("code", BROKEN)
def test_a_rule_finds_its_own_history_and_no_other_rule_does(code: str) -> None:
    assert found(BROKEN[code]) == [code]


@pytest.mark.parametrize("code", BROKEN)
def test_a_reason_has_a_title_evidence_and_a_next_step_in_both_languages(code: str) -> None:
    from django.utils import translation  # noqa: PLC0415 - settings are there only once the tests run

    evidence = find_all(BROKEN[code], USUAL)[code]
    told = set()
    for language in ("nb", "en"):
        with translation.override(language):
            words = (title_of(code, evidence.facts), line_of(code, evidence.facts), step_of(code, evidence.facts))
        assert all(words), (code, language)
        assert "None" not in " ".join(words)
        told.add(words)
    assert len(told) == 2


def well(chance: random.Random) -> FollowUpHistory:
    """Somebody who trains as planned, somewhere within what is normal."""
    begun = chance.randint(10, 50)
    days = sorted({*range(chance.randint(1, 4), begun, chance.choice((2, 3))), begun})
    sessions = tuple(_normal(chance, at) for at in days[:8])
    due = max(1, begun * 3 // 7)
    done = min(due, max(round(0.75 * due + 0.5), len(days)))
    running = replace(
        COURSE,
        begins_on=TODAY - timedelta(days=begun),
        done=done,
        due=due,
        fraction=done / due,
        ends_on=TODAY + timedelta(days=chance.randint(8, 40)),
    )
    return FollowUpHistory(
        today=TODAY,
        begun_on=TODAY - timedelta(days=begun + 3),
        plan=HistoryPlan(
            version=chance.randint(1, 4),
            hr_max_bpm=185.0,
            ceiling_bpm=chance.choice((None, 180.0)),
            valid_until=chance.choice((None, TODAY + timedelta(days=chance.randint(8, 90)))),
        ),
        course=chance.choice((None, running)),
        sessions=sessions,
        first_session=sessions[-1],
        last_on=sessions[0].on,
    )


def _normal(chance: random.Random, days_ago: int) -> HistorySession:
    """One odd thing may happen in a session; it takes two in a row, or a grave one, to need somebody."""
    borg = chance.randint(13, 17)
    intervals = tuple(
        interval(number, bpm=chance.uniform(157, 175), zone_s=chance.uniform(90, 220), borg=borg)
        for number in (1, 2, 3, 4)
    )
    odd = days_ago % 4 == 0
    return session(
        days_ago,
        borg=borg,
        intervals=intervals,
        zone_s=sum(one.time_in_zone_s for one in intervals),
        live_fraction=chance.uniform(0.5, 0.79) if odd and chance.random() < 0.3 else chance.uniform(0.85, 1.0),
        completed=not odd,
        end_reason=chance.choice(("stopped", "done")) if odd else "done",
        completed_intervals=chance.randint(1, 4) if odd else 4,
        notices=chance.choice(((), ("signal_stale",), ("signal_lost",), ("waiting_for_signal",))),
    )


def test_none_of_200_people_who_train_as_planned_is_on_the_list() -> None:
    told = {seed: codes for seed in range(200) if (codes := found(well(random.Random(seed))))}
    assert told == {}


# --- the edges of single rules --------------------------------------------------------------------------------------


def test_opening_training_again_settles_the_yes_that_closed_it() -> None:
    opened = replace(
        answer("unwell"), plan=HistoryPlan(version=3, hr_max_bpm=185.0, opened_at=ANSWERED + timedelta(hours=1))
    )
    assert found(opened) == []


def test_never_in_the_zone_says_what_hr_max_probably_is() -> None:
    told = find_all(with_newest(under(1, notices=LOWER.notices, suggestion=LOWER.suggestion), under(4)), USUAL)
    assert told["never_in_zone"].facts["suggested"] == 160.0
    about = {"code": "hr_max_seems_lower", "hr_max": 185.0, "session": SESSIONS[0].key}
    assert told["wrong_hr_max"].facts == {**about, "suggested": 160.0, "low": 154.0, "high": 166.0}


def test_a_session_led_by_exertion_has_no_zone_to_miss() -> None:
    assert found(with_newest(under(1, steered=False), under(4, steered=False))) == []


def test_a_session_without_a_rate_says_nothing_of_the_zone() -> None:
    blind = tuple(interval(number, bpm=None, zone_s=0.0) for number in (1, 2, 3, 4))
    assert found(with_newest(*(session(days, zone_s=0.0, intervals=blind) for days in (1, 4)))) == []


def test_above_the_zone_all_the_time_is_not_under_it() -> None:
    above = tuple(interval(number, zone_s=0.0, above_s=200.0, borg=19) for number in (1, 2, 3, 4))
    assert found(with_newest(session(1, zone_s=0.0, intervals=above), session(4, zone_s=0.0, intervals=above))) == []


def test_a_finding_of_an_older_hr_max_is_settled() -> None:
    assert found(replace(with_newest(LOWER), plan=HistoryPlan(version=3, hr_max_bpm=160.0))) == []


def test_a_clinic_s_own_limits_decide() -> None:
    assert found(BROKEN["never_in_zone"], FollowUpThresholds(zone_sessions=3)) == ["hard_under_zone"]
    assert found(BROKEN["absence"], FollowUpThresholds(away_days=14)) == []
    assert found(BROKEN["low_attendance"], FollowUpThresholds(attendance_percent=50)) == []


def test_limits_out_of_range_or_unknown_fall_back_to_the_usual_ones() -> None:
    assert thresholds_of(
        {"away_days": 400, "hard_borg": "18", "of_tomorrow": 3, "zone_sessions": 4}
    ) == FollowUpThresholds(zone_sessions=4)
    for name, (low, high) in RANGES.items():
        assert low <= getattr(USUAL, name) <= high


def test_new_evidence_has_a_new_mark_and_the_same_evidence_the_same() -> None:
    first = find_all(BROKEN["stopped_early"], USUAL)["stopped_early"]
    assert find_all(BROKEN["stopped_early"], USUAL)["stopped_early"].mark == first.mark
    today = session(0, completed=False, end_reason="stopped", completed_intervals=1)
    again = replace(BROKEN["stopped_early"], sessions=(today, *BROKEN["stopped_early"].sessions))
    assert find_all(again, USUAL)["stopped_early"].mark != first.mark


def test_a_rule_of_a_newer_version_is_named_by_its_code() -> None:
    assert (title_of("of_tomorrow", {}), line_of("of_tomorrow", {})) == ("of_tomorrow", "")
    assert set(BY_CODE) == {*BROKEN, "unassigned"}


def test_a_plan_that_needs_no_clearance_is_followed_up_for_none() -> None:
    for state in ("missing", "expired", "grace"):
        assert (
            found(replace(plan(needs_clearance=False), clearance=replace(CLEARED, state=state, last_day=TODAY))) == []
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "missing"}, "No clearance for the plan"),
        ({"state": "moderate"}, "The plan is harder than the clearance"),
        ({"state": "grace"}, "Trains hard without a recorded clearance"),
        ({"last_day": TODAY}, "The clearance ends today"),
        ({"last_day": TODAY + timedelta(days=1)}, "The clearance ends in 1 day"),
    ],
)
def test_what_is_missing_of_a_clearance_is_said_in_the_title(changes: dict[str, object], words: str) -> None:
    from django.utils import translation  # noqa: PLC0415 - settings are there only once the tests run

    ((code, evidence),) = find_all(clearance(**changes), USUAL).items()
    with translation.override("en"):
        assert title_of(code, evidence.facts) == words
        assert line_of(code, evidence.facts).endswith(".")
