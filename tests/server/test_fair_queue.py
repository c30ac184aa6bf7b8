"""Messages that wait to be collected: fair among machines, bounded for each."""

from server.broker.mqtt_client import Received
from server.collector.fair_queue import FairQueue, machine_of


def message(machine: str, number: int) -> Received:
    return Received(f"ic/1/trondheim/{machine}/session/{number}", b"", 1, number, 1)


def test_a_machine_that_floods_waits_behind_itself() -> None:
    waiting = FairQueue(most_of_one=100, at_once_of_one=10)
    for number in range(60):
        waiting.put(message("flood", number))
    waiting.put(message("honest", 1))
    first = waiting.take(350)
    assert [one.topic.split("/")[3] for one in first] == ["flood"] * 10 + ["honest"]
    assert [one.number for one in waiting.take(5)] == [10, 11, 12, 13, 14]
    waiting.put(message("honest", 2))
    waiting.put(message("third", 3))
    second = waiting.take(12)
    assert {one.topic.split("/")[3] for one in second} >= {"flood", "honest"}
    assert len(waiting) == 60 + 3 - 11 - 5 - len(second)


def test_each_machine_has_its_turn_whatever_the_size_of_a_batch() -> None:
    waiting = FairQueue()
    for machine in "abc":
        for number in range(3):
            waiting.put(message(machine, number))
    assert [waiting.take(3)[0].topic.split("/")[3] for _ in range(3)] == ["a", "b", "c"]
    assert (len(waiting), waiting.take(3)) == (0, [])


def test_where_too_many_of_a_machine_wait_its_oldest_gives_up_its_place() -> None:
    waiting = FairQueue(most_of_one=2)
    assert [waiting.put(message("a", number)) for number in (1, 2)] == [None, None]
    assert waiting.put(message("b", 1)) is None
    displaced = waiting.put(message("a", 3))
    assert displaced is not None
    assert (displaced.number, len(waiting)) == (1, 3)
    assert [one.number for one in waiting.take(10)] == [2, 3, 1]


def test_topics_that_are_not_ours_share_one_place() -> None:
    assert (machine_of("ic/1/trondheim/m-1/session/x/y"), machine_of("$SYS/a"), machine_of("")) == (
        "trondheim/m-1",
        "",
        "",
    )
