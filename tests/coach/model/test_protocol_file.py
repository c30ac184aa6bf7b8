"""Protocols as TOML: those built in read, and a wrong file is refused with its line and the reason."""

from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from coach.errors import CoachError, ProtocolFileError
from coach.model.protocol import BorgRange, Pattern, Phase, PhaseKind, Protocol, Zone
from coach.model.protocol_file import read
from tests.support.led_session import PROTOCOLS, built_in

GOOD = """\
name = "own"
title = { nb = "Egen", en = "Own" }

[[block]]
  [[block.phase]]
  kind = "warm_up"
  length_s = 300
  zone = { low_fraction = 0.6, high_fraction = 0.75 }

[[block]]
repeat = 2
  [[block.phase]]
  kind = "interval"
  length_s = 180
  zone = { low_fraction = 0.8, high_fraction = 0.9 }
  borg = { low = 14, high = 16 }
  pattern = { work_s = 20, rest_s = 10 }
  text = { nb = "Fort!", en = "Fast!" }
  [[block.phase]]
  kind = "recovery"
  length_s = 120
  between = true

[[block]]
  [[block.phase]]
  kind = "cool_down"
  length_s = 120
"""


def refused(text: str) -> tuple[int, str]:
    with pytest.raises(ProtocolFileError) as refusal:
        read(text, "own.toml")
    error = refusal.value
    assert error.file == "own.toml"
    where = f"own.toml, line {error.line}: " if error.line else "own.toml: "
    assert str(error) == where + error.reason
    assert isinstance(error, CoachError)
    return error.line, error.reason


def test_a_clinics_own_file_becomes_its_phases() -> None:
    own = read(GOOD, "own.toml")
    interval = Phase(
        PhaseKind.INTERVAL,
        180,
        Zone(0.8, 0.9),
        BorgRange(14, 16),
        1,
        Pattern(20, 10),
        {"nb": "Fort!", "en": "Fast!"},
    )
    assert own.phases == (
        Phase(PhaseKind.WARM_UP, 300, Zone(0.6, 0.75)),
        interval,
        Phase(PhaseKind.RECOVERY, 120),
        Phase(PhaseKind.INTERVAL, 180, interval.zone, interval.borg, 2, interval.pattern, interval.texts),
        Phase(PhaseKind.COOL_DOWN, 120),
    )
    assert (own.name, own.titles, own.intervals, own.length_s) == ("own", {"nb": "Egen", "en": "Own"}, 2, 900)


@pytest.mark.parametrize("name", sorted(path.stem for path in PROTOCOLS.glob("*.toml")))
def test_each_built_in_protocol_reads_and_bears_its_files_name(name: str) -> None:
    assert built_in(name).name == name


def test_the_4x4_is_the_fields_own() -> None:
    """10 min, 4 × 4 min at 85–95 %, 3 × 3 min, 5 min (rusfeltet.no)."""
    phases = built_in("4x4").phases
    assert [(phase.kind.value, phase.length_s) for phase in phases] == [
        ("warm_up", 600),
        *[("interval", 240), ("recovery", 180)] * 3,
        ("interval", 240),
        ("cool_down", 300),
    ]
    assert {phase.zone for phase in phases if phase.interval} == {Zone(0.85, 0.95)}


def test_tabata_has_five_rounds_of_eight_bouts() -> None:
    rounds = [phase for phase in built_in("tabata-x5").phases if phase.interval]
    assert [(phase.length_s, phase.pattern) for phase in rounds] == [(240, Pattern(20, 10))] * 5


def swapped(old: str, new: str) -> Callable[[], str]:
    assert GOOD.count(old) == 1, old
    return lambda: GOOD.replace(old, new)


WRONG: list[tuple[Callable[[], str], int, str]] = [
    (swapped('name = "own"', "name = own"), 1, "not valid TOML"),
    (swapped("[[block]]\nrepeat = 2", "[[block]\nrepeat = 2"), 10, "not valid TOML"),
    (lambda: "name = [", 1, "not valid TOML"),
    (lambda: "", 1, "the file: object missing required field `name`"),
    (swapped('name = "own"', 'name = "Own protocol"'), 1, "name: expected `str` matching regex"),
    (swapped('name = "own"', 'name = "own\\n"'), 1, "name: expected `str` matching regex"),
    (swapped('name = "own"', "name = 4"), 1, "name: expected `str`, got `int`"),
    (swapped('title = { nb = "Egen", en = "Own" }', 'title = { nb = "Egen" }'), 2, "title has no en"),
    (swapped(', en = "Own" }', ', en = "Own", sv = "Egen" }'), 2, "language 'sv' is not known"),
    (swapped('nb = "Egen"', 'nb = ""'), 2, "title[...]: expected `str` of length >= 1"),
    (swapped('"warm_up"', '"warmup"'), 6, "block[0].phase[0].kind: invalid enum value 'warmup'"),
    (swapped("  length_s = 300\n", ""), 5, "block[0].phase[0]: object missing required field `length_s`"),
    (swapped("length_s = 300", "length_s = 0"), 7, "length_s: expected `int` >= 1"),
    (swapped("length_s = 300", "length_s = 7201"), 7, "length_s: expected `int` <= 7200"),
    (swapped("length_s = 300", "length_s = 299.5"), 7, "length_s: expected `int`, got `float`"),
    (swapped("length_s = 300", "lenght_s = 300"), 7, "object contains unknown field `lenght_s`"),
    (swapped("high_fraction = 0.75", "high_fraction = 75"), 8, "zone.high_fraction: expected `float` <= 1.0"),
    (swapped("low_fraction = 0.6", "low_fraction = 0.2"), 8, "zone.low_fraction: expected `float` >= 0.3"),
    (swapped("low_fraction = 0.6", "low_fraction = nan"), 8, "low_fraction"),
    (swapped("low_fraction = 0.8,", "low_fraction = 0.95,"), 15, "zone: low (0.95) must be below high (0.9)"),
    (swapped("low = 14", "low = 16"), 16, "borg: low (16) must be below high (16)"),
    (swapped("low = 14", "low = 5"), 16, "borg.low: expected `int` >= 6"),
    (swapped("rest_s = 10", "rest_s = 11"), 17, "length_s (180) is not a whole number of bouts of 31 s work and rest"),
    (swapped('en = "Fast!"', 'sv = "Fort"'), 18, "language 'sv' is not known; use nb and en"),
    (swapped('en = "Fast!"', f'en = "{"a" * 61}"'), 18, "text[...]: expected `str` of length <= 60"),
    (swapped("repeat = 2", "repeat = 41"), 11, "repeat: expected `int` <= 40"),
    (swapped("repeat = 2", "repeat = 40"), 4, "the session lasts 205 min; at most 180"),
    (swapped("repeat = 2", "color = 2"), 11, "object contains unknown field `color`"),
    (swapped("length_s = 300", "length_s = 299"), 5, "begins with a warm_up of 300 s or more"),
    (swapped('"warm_up"', '"recovery"'), 5, "work above 80% of HRmax begins with a warm_up"),
    (swapped('"cool_down"\n  length_s = 120', '"cool_down"\n  length_s = 119'), 24, "ends with a cool_down of 120 s"),
    (swapped('"cool_down"', '"recovery"'), 24, "ends with a cool_down of 120 s or more"),
    (lambda: GOOD[: GOOD.index("[[block]]")] + "block = []\n", 4, "block: expected `array` of length >= 1"),
    (lambda: GOOD[: GOOD.index("[[block]]")] + "[[block]]\nphase = []\n", 5, "block[0].phase"),
    (
        lambda: GOOD[: GOOD.index("[[block]]")] + '[[block.phase]]\nkind = "motor"\nlength_s = 9\n',
        4,
        "block: expected `array`, got `object`",
    ),
    (
        lambda: (
            GOOD[: GOOD.index("[[block]]")]
            + '[[block]]\n[[block.phase]]\nkind = "recovery"\nlength_s = 60\nbetween = true\n'
        ),
        4,
        "no phase is left",
    ),
    (swapped('nb = "Egen"', 'nb = "Eg\\u0000en"'), 2, "title[...]: expected `str` matching regex"),
    (swapped('en = "Fast!"', 'en = "Fa\\u001bst"'), 18, "text[...]: expected `str` matching regex"),
    (lambda: GOOD[: GOOD.index("[[block]]\nrepeat")], 4, "nothing to train"),
    (lambda: "a = " + "[" * 100_000, 0, "brackets within brackets"),
    (lambda: "a = " + "9" * 5000, 1, "not valid TOML"),
    (swapped("length_s = 300", f"length_s = {10**30}"), 7, "length_s"),
    (swapped("low_fraction = 0.6", f"low_fraction = {10**400}"), 8, "low_fraction"),
]


@pytest.mark.parametrize(("text", "line", "reason"), WRONG, ids=[reason[:40] for _, _, reason in WRONG])
def test_a_wrong_file_is_refused_with_its_line_and_the_reason(text: Callable[[], str], line: int, reason: str) -> None:
    at, why = refused(text())
    assert reason in why
    assert at == line


def test_dotted_keys_and_tables_are_found_too() -> None:
    text = GOOD.replace('title = { nb = "Egen", en = "Own" }', 'title.nb = "Egen"\ntitle.en = ""')
    assert refused(text)[0] == 2
    table = GOOD.replace(
        "  zone = { low_fraction = 0.6, high_fraction = 0.75 }\n",
        "  [block.phase.zone]\n  low_fraction = 0.6\n  high_fraction = 2.0\n",
    )
    assert refused(table)[0] == 10


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
@example("\x00")
@example("\ud800")
@example("block = 1")
@example('name="a"\ntitle={nb="a",en="b"}\nblock=[{phase=[{kind="motor",length_s=1,between=true}]}]')
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read(text, "any.toml")
    except ProtocolFileError as error:
        assert error.reason  # noqa: PT017 - the refusal is the outcome under test


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_with_some_lines_spoilt_is_read_or_refused(data: st.DataObject) -> None:
    lines = GOOD.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(lines) - 1))
        lines[place] = data.draw(
            st.sampled_from(
                [
                    "",
                    lines[place][:-2],
                    lines[place] * 2,
                    "[[block]]",
                    "[block]",
                    "  [[block.phase]]",
                    "between = true",
                    "length_s = -1",
                    "length_s = 1e3",
                    'kind = "steady"',
                    "zone = {}",
                    "phase = 3",
                    '"" = 1',
                ]
            )
        )
    try:
        protocol = read("\n".join(lines), "spoilt.toml")
    except ProtocolFileError as error:
        assert 0 <= error.line <= len(lines) + 1  # noqa: PT017 - the refusal is the outcome under test
    else:
        assert protocol.phases


def test_a_protocol_is_moderate_where_every_phase_has_a_zone_and_a_borg_range_that_are() -> None:
    zone, borg = Zone(0.65, 0.76), BorgRange(11, 13)

    def of(zone: Zone | None, borg: BorgRange | None) -> bool:
        easy = Phase(PhaseKind.WARM_UP, 60, Zone(0.5, 0.6), BorgRange(8, 10))
        return Protocol("own", {}, (easy, Phase(PhaseKind.STEADY, 600, zone, borg))).moderate

    assert of(zone, borg)
    assert not of(Zone(0.65, 0.77), borg)
    assert not of(zone, BorgRange(11, 14))
    assert not of(None, borg)
    assert not of(zone, None)
