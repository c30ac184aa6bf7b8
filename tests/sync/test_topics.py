import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import TopicError
from sync.wire.topics import Kind, Topic, build, parse, subscription

NAMES = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?", fullmatch=True)
SESSION = "01a201a2-20b4-7dc4-b145-77fdcea40af6"


def _topics() -> st.SearchStrategy[Topic]:
    names = {
        Kind.SESSION: st.uuids().map(str),
        Kind.PLAN: st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True),
    }
    return st.sampled_from(Kind).flatmap(
        lambda kind: st.builds(Topic, NAMES, NAMES, st.just(kind), names.get(kind, st.just("")))
    )


@given(_topics())
def test_a_topic_is_read_back_as_it_was_built(topic: Topic) -> None:
    assert parse(build(topic)) == topic


@given(st.text(max_size=120))
def test_whatever_is_read_is_refused_or_is_built_again_as_it_came(text: str) -> None:
    try:
        topic = parse(text)
    except TopicError:
        return
    assert build(topic) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ic/1/oslo/pi-1",
        "ic/2/oslo/pi-1/state",
        "ic/1/oslo/pi-1/unknown",
        "ic/1/+/pi-1/state",
        "ic/1/oslo/#/state",
        "ic/1/oslo/pi-1/state/",
        "ic/1/oslo/pi-1/state/more",
        "ic/1/oslo/pi-1/session",
        "ic/1/oslo/pi-1/session/",
        f"ic/1/oslo/pi-1/session/{SESSION}\n",
        f"ic/1/oslo/pi-1/session/{SESSION}/x",
        f"ic/1/oslo/pi-1/session/{SESSION.upper()}",
        "ic/1/oslo/pi-1/session/../../etc",
        "ic/1/Oslo/pi-1/state",
        "ic/1/oslo/-pi/state",
        "ic/1/oslo/pi_1/state",
        "ic/1//pi-1/state",
        "/ic/1/oslo/pi-1/state",
        "$share/x/ic/1/oslo/pi-1/state",
        "ic/1/" + "o" * 33 + "/pi-1/state",
        "ic/1/oslo/pi-1/plan/p 1",
        "ic/1/oslo/pi-1/plan/+",
    ],
)
def test_a_topic_that_is_not_exactly_one_of_ours_is_refused(text: str) -> None:
    with pytest.raises(TopicError):
        parse(text)


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "Å", "a b", "a\n", "-", "A", "a" * 33])
def test_no_bad_name_is_ever_built_into_a_topic_or_a_filter(name: str) -> None:
    for make in (
        lambda: build(Topic(name, "pi-1", Kind.STATE)),
        lambda: build(Topic("oslo", name, Kind.STATE)),
        lambda: subscription(Kind.STATE, "oslo", "pi-1", shared=name),
    ):
        with pytest.raises(TopicError):
            make()


def test_a_refusal_shows_nothing_that_a_terminal_obeys() -> None:
    with pytest.raises(TopicError) as refused:
        parse("\x1b[2J" + "x" * 500)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_filters_name_one_machine_all_machines_or_a_share_of_them() -> None:
    assert (
        subscription(Kind.SESSION),
        subscription(Kind.PLAN, "oslo", "pi-1"),
        subscription(Kind.SESSION, "oslo", shared="collectors"),
    ) == ("ic/1/+/+/session/+", "ic/1/oslo/pi-1/plan/+", "$share/collectors/ic/1/oslo/+/session/+")
