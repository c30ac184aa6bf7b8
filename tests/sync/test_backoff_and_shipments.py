import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sync.delivery.backoff import Backoff, Ended
from sync.delivery.outbox import Outbox, Shipment

REFUSED = (Ended.REFUSED, Ended.TAKEN_OVER)


def shipment(name: str, size: int = 100, revision: int = 1) -> Shipment:
    return Shipment(name, revision, f"sha-{name}-{revision}", bytes(size))


def sent_all(shipments: Outbox, now_s: float) -> list[str]:
    names = []
    while (following := next(shipments.to_send(), None)) is not None:
        names.append(following[0].session_id)
        shipments.sent(following[0].session_id, now_s)
    return names


# When to connect again


def test_two_thousand_machines_that_lose_their_broker_do_not_come_back_at_once() -> None:
    waits = [Backoff(random.Random(seed)).wait_s(Ended.LOST, 3600.0) for seed in range(2000)]
    busiest = max(Counter(int(wait_s * 10) for wait_s in waits).values())
    assert (max(waits) <= 5.0, busiest <= 2000 / 45 * 2) == (True, True)


def test_all_of_two_thousand_machines_try_again_within_two_minutes_of_the_brokers_return() -> None:
    for seed in range(2000):
        backoff = Backoff(random.Random(seed))
        waits = [backoff.wait_s(Ended.UNREACHABLE, None) for _ in range(12)]
        assert max(waits) <= 60.0


@given(st.integers(), st.lists(st.sampled_from(REFUSED), min_size=1, max_size=50))
def test_refused_or_thrown_out_it_tries_at_most_twice_a_minute(seed: int, ends: list[Ended]) -> None:
    backoff = Backoff(random.Random(seed))
    assert all(30.0 <= backoff.wait_s(ended, 1.0) <= 600.0 for ended in ends)


def test_connections_that_end_as_soon_as_they_stand_are_taken_for_a_loop() -> None:
    backoff = Backoff(random.Random(1))
    waits = [backoff.wait_s(Ended.LOST, 2.0) for _ in range(10)]
    assert backoff.loops
    assert all(wait_s >= 30.0 for wait_s in waits[2:])


def test_a_connection_that_lived_long_begins_anew_with_short_waits() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(10):
        backoff.wait_s(Ended.UNREACHABLE, None)
    assert backoff.wait_s(Ended.LOST, 120.0) <= 5.0


# Which session goes next


def test_few_are_held_and_a_receipt_makes_room() -> None:
    held = Outbox(few=2)
    held.take(shipment("a"))
    held.take(shipment("b"))
    assert (held.has_room, sent_all(held, 0.0), held.holds(0.0)) == (False, ["a", "b"], ("a", "b"))
    held.received("a", 1, "sha-a-1", 1.0)
    assert (held.has_room, held.holds(1.0)) == (True, ("b",))


def test_a_receipt_for_another_revision_or_content_frees_nothing() -> None:
    held = Outbox()
    held.take(shipment("a"))
    held.received("a", 2, "sha-a-1", 1.0)
    held.received("a", 1, "sha-x", 1.0)
    assert held.holds(1.0) == ("a",)


def test_after_a_new_connection_everything_held_is_sent_again() -> None:
    held = Outbox()
    held.take(shipment("a", size=200_000))
    first = sent_all(held, 0.0)
    held.again()
    assert (len(first) > 1, sent_all(held, 1.0)) == (True, first)


def test_what_gets_no_receipt_gives_its_place_away_and_comes_again_ever_more_seldom() -> None:
    held = Outbox(few=1)
    now_s, waits = 0.0, []
    for _ in range(7):
        held.take(shipment("a"))
        sent_all(held, now_s)
        now_s += 60.0
        assert held.put_off_unanswered(now_s) == ("a",)
        began_s = now_s
        while "a" in held.holds(now_s):
            now_s += 1.0
        waits.append(now_s - began_s)
    assert waits == [60.0, 120.0, 240.0, 480.0, 900.0, 900.0, 900.0]


def test_what_was_put_off_while_the_server_was_silent_comes_at_once_when_it_speaks_again() -> None:
    held = Outbox(few=2)
    held.take(shipment("a"))
    held.take(shipment("b"))
    sent_all(held, 0.0)
    held.put_off_unanswered(60.0)
    held.take(shipment("c"))
    assert held.holds(61.0) == ("c", "a", "b")
    held.received("c", 1, "sha-c-1", 62.0)
    assert held.holds(62.0) == ()


def test_what_alone_gets_no_receipt_while_others_do_stays_put_off() -> None:
    held = Outbox()
    held.take(shipment("bad"))
    held.take(shipment("good"))
    sent_all(held, 0.0)
    held.received("good", 1, "sha-good-1", 59.0)
    held.put_off_unanswered(60.0)
    held.received("other", 1, "sha", 61.0)
    held.received("another", 1, "sha", 62.0)
    assert held.holds(62.0) == ()
    held.take(shipment("bad"))
    sent_all(held, 63.0)
    held.received("yet-another", 1, "sha", 100.0)
    held.put_off_unanswered(123.0)
    held.received("one-more", 1, "sha", 124.0)
    assert "bad" in held.holds(124.0) or held.holds(124.0) == ()


def test_what_a_person_must_look_at_is_tried_once_a_day() -> None:
    held = Outbox()
    held.take(shipment("a"))
    held.set_aside("a", 0.0)
    held.received("b", 1, "sha", 1.0)
    assert (held.holds(86_399.0), held.holds(86_401.0), held.waiting) == (("a",), (), 1)
