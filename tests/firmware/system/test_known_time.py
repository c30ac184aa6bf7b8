"""How old a moment is, by clocks that may not be set; and whether a clock chip has set them."""

from pathlib import Path

import pytest

from firmware.system.known_time import Age, KnownTime, trusted_moment
from firmware.system.timestamps import ClockChip, Timestamp

WALL_S = 1_800_000_000.0


def moment(boot_id: str, monotonic_s: float, wall_s: float = 0.0, *, synchronised: bool = False) -> Timestamp:
    return Timestamp(boot_id, monotonic_s, wall_s, synchronised)


@pytest.mark.parametrize("wall_s", [0.0, WALL_S, 4e9])
def test_within_one_boot_the_monotonic_clock_alone_says_how_old_a_moment_is(wall_s: float) -> None:
    assert KnownTime(moment("b", 500.0, wall_s)).age_of(moment("b", 200.0, 9e9)) == Age(300.0, 300.0)


def test_between_two_boots_with_set_clocks_the_wall_clock_says_it() -> None:
    now = KnownTime(moment("b", 500.0, WALL_S + 7200, synchronised=True))
    assert now.age_of(moment("a", 100.0, WALL_S, synchronised=True)) == Age(7200.0, 7200.0)


@pytest.mark.parametrize("wall_s", [0.0, WALL_S - 1e6, WALL_S + 1e8])
def test_of_another_boot_an_unset_clock_knows_only_that_it_ended_before_this_one(wall_s: float) -> None:
    now = KnownTime(moment("b", 500.0, wall_s))
    for then in (moment("a", 100.0, WALL_S), moment("a", 100.0, WALL_S, synchronised=True)):
        assert now.age_of(then) == Age(500.0)
    assert Age(500.0).may_be_under(501.0)
    assert not Age(500.0).under(501.0)
    assert not Age(500.0).may_be_under(500.0)


def test_it_is_never_earlier_than_the_newest_trusted_moment_on_record() -> None:
    now = KnownTime(moment("c", 5.0), {}, WALL_S + 86400.0)
    assert now.age_of(moment("a", 1.0, WALL_S, synchronised=True)) == Age(86400.0)
    assert (now.has_passed(WALL_S + 86400.0), now.has_passed(WALL_S + 86401.0), now.wall_s) == (True, False, None)
    assert now.not_before(WALL_S + 90000.0).has_passed(WALL_S + 90000.0)


def test_once_the_clock_is_set_the_earlier_moments_of_that_boot_are_dated_too() -> None:
    now = KnownTime(moment("c", 10.0, WALL_S + 7200, synchronised=True), {"a": WALL_S - 100.0})
    assert now.age_of(moment("a", 40.0, 12.0)) == Age(7260.0, 7260.0)


def test_a_moment_told_from_elsewhere_may_lie_in_this_boot() -> None:
    assert KnownTime(moment("b", 500.0)).age_of(trusted_moment(WALL_S)) == Age(0.0)


def chip_in(folder: Path, since_epoch_s: float, hctosys: str = "1") -> ClockChip:
    chip = folder / "rtc0"
    chip.mkdir()
    (chip / "hctosys").write_text(f"{hctosys}\n", encoding="ascii")
    (chip / "since_epoch").write_text(f"{since_epoch_s:.0f}\n", encoding="ascii")
    return ClockChip(folder)


def test_a_clock_that_the_chip_of_a_pi_5_has_set_is_set(tmp_path: Path) -> None:
    chip = chip_in(tmp_path, WALL_S)
    assert chip.agrees(WALL_S + 1.0, 100.0)
    (tmp_path / "rtc0" / "since_epoch").unlink()
    assert chip.agrees(WALL_S + 3601.0, 3700.0)
    assert not chip.agrees(WALL_S + 86400.0, 3700.0)


@pytest.mark.parametrize(
    ("since_epoch_s", "hctosys"), [(12.0, "1"), (946_684_800.0, "1"), (WALL_S, "0"), (WALL_S, "x")]
)
def test_a_chip_without_a_battery_or_that_set_nothing_is_not_believed(
    tmp_path: Path, since_epoch_s: float, hctosys: str
) -> None:
    assert not chip_in(tmp_path, since_epoch_s, hctosys).agrees(since_epoch_s, 100.0)


def test_a_machine_without_a_chip_has_no_set_clock(tmp_path: Path) -> None:
    assert not ClockChip(tmp_path / "none").agrees(WALL_S, 100.0)
