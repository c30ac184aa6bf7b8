"""What comes over the wire with a number that nothing could draw is refused, and says which."""

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.wire.codec import encode, read, read_session
from sync.wire.envelope import MAGIC, MOST_CONTENT_BYTES, Unreadable, holds, seal
from sync.wire.messages import Clocks, Finding, Live, SessionDelivery, Software, State
from sync.wire.ranges import find_out_of_range

SESSION = Path(__file__).with_name("format-1.session")
AT = Clocks("boot", 12.0, 1_800_000_000.0, True)  # noqa: FBT003 - the clock was set
STATE = State(
    online=True, connection=1, clinic="trondheim", machine="molle-1", software=Software("1", "3.11", "12"), at=AT
)


def refused(message: msgspec.Struct) -> str:
    answer = read(msgspec.json.encode(message), type(message))
    return answer.reason if isinstance(answer, Unreadable) else ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"certificate_until_wall_s": 1e300}, "certificate_until_wall_s is out of its range"),
        ({"certificate_until_wall_s": -1.0}, "certificate_until_wall_s is out of its range"),
        ({"findings": (Finding("sound", since_wall_s=1e18),)}, "since_wall_s is out of its range"),
        ({"connection": 2**63 - 1}, "connection is out of its range"),
        ({"waiting": 2**40}, "waiting is out of its range"),
        ({"software": Software("1", "3" * 5_000, "12")}, "python has 5000 characters"),
        ({"certificate_until_wall_s": 1_900_000_000.0}, ""),
    ],
)
def test_a_birth_with_a_number_or_text_that_no_page_could_show_is_refused_by_name(
    changed: dict[str, object], why: str
) -> None:
    assert refused(msgspec.structs.replace(STATE, **changed)).startswith(why)
    assert bool(refused(msgspec.structs.replace(STATE, **changed))) == bool(why)


def test_a_picture_of_another_century_or_with_an_impossible_rate_is_refused() -> None:
    live = Live(number=1, connection=1, at=AT, age_s=0.2, face="interval", rate_bpm=160.0, t=1.0)
    assert refused(live) == ""
    later = Clocks("boot", 1.0, 9e9, True)  # noqa: FBT003 - the clock was set
    for wrong in ({"age_s": 1e12}, {"rate_bpm": 4e3}, {"rate_bpm": -1.0}, {"t": 1e9}, {"at": later}):
        assert "out of its range" in refused(msgspec.structs.replace(live, **wrong))


def test_a_session_of_an_earlier_version_is_within_every_range() -> None:
    session = read_session(SESSION.read_bytes())
    assert isinstance(session, SessionDelivery)
    assert find_out_of_range(session) == ""


@pytest.mark.parametrize(("field", "value"), [("borg", 10**17), ("duration_s", 1e308), ("mean_bpm", -4e5)])
def test_a_session_whose_summary_could_not_be_drawn_is_refused(field: str, value: float) -> None:
    session = read_session(SESSION.read_bytes())
    assert isinstance(session, SessionDelivery)
    summary = msgspec.structs.replace(session.summary, **{field: value})
    answer = read_session(seal(encode(msgspec.structs.replace(session, summary=summary))))
    assert isinstance(answer, Unreadable)
    assert answer.why == "not_understood"
    assert answer.reason.startswith(f"{field} is out of its range")


def test_free_json_may_not_be_nested_without_end() -> None:
    session = read_session(SESSION.read_bytes())
    assert isinstance(session, SessionDelivery)
    deep: object = 1
    for _ in range(40):
        deep = {"in": deep}
    summary = msgspec.structs.replace(session.summary, response=deep)
    assert "nested" in find_out_of_range(msgspec.structs.replace(session, summary=summary))


@given(
    st.floats(allow_nan=True) | st.integers(), st.sampled_from(["t", "rate_bpm", "at_wall_s", "connection", "other"])
)
def test_what_passes_is_finite_and_bounded(value: float, name: str) -> None:
    class Carrier(msgspec.Struct):
        free: dict[str, float]

    if find_out_of_range(Carrier({name: value})) == "":
        assert math.isfinite(value)
        assert abs(value) <= 1e10 or name == "connection"


def test_a_bomb_is_searched_within_the_limit_and_a_name_in_it_is_found() -> None:
    sealed = seal(b'{"participant":"p-1"}' + b" " * 2_000_000)
    newer = MAGIC + b"\x02" + sealed[3:]
    assert holds(sealed, b'"p-1"')
    assert holds(newer, b'"p-1"')
    assert holds(sealed[:200], b'"p-1"')
    assert not holds(sealed, b'"p-2"')
    assert not holds(seal(b" " * MOST_CONTENT_BYTES), b'"p-1"')
    assert not holds(MAGIC + b"\x01\x01" + bytes(64), b'"p-1"')
