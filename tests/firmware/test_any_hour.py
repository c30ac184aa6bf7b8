"""At any hour, in a machine's own zone, its days are the local ones."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import time_machine

from firmware.commands.plot_texts import plot_texts
from firmware.commands.sessions import _when as when_of
from firmware.demo.clinic_history import FIRST_HOUR, _begins_on, _wall_s, _when, _Work
from firmware.doctor.checks.certificate import CertificateCheck
from firmware.doctor.environment import CheckContext
from firmware.participants.plan_files import end_of_day_s
from firmware.system.timestamps import Timestamp
from scripts.any_hour import COMPUTERS, MOMENTS, OSLO
from tests.support.machine.recorded_machine import write_account


@pytest.fixture(params=COMPUTERS)
def zone(request: pytest.FixtureRequest) -> ZoneInfo:
    """The zone of the machine's settings."""
    return ZoneInfo(request.param)


@pytest.fixture(params=MOMENTS.values(), ids=list(MOMENTS))
def now(request: pytest.FixtureRequest, zone: ZoneInfo) -> Iterator[datetime]:
    """A moment that it is now, by the machine's clock."""
    local = request.param.astimezone(zone)
    with time_machine.travel(local, tick=False):
        yield local


def test_lists_and_plots_name_the_machines_own_day_and_hour(now: datetime) -> None:
    assert when_of(Timestamp("boot", 1.0, now.timestamp(), synchronised=True)) == f"{now:%Y-%m-%d %H:%M}"
    said = plot_texts("nb").when(now.timestamp(), trusted=True)
    weekday = ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag")[now.weekday()]
    assert said.lower().startswith(f"{weekday} {now.day}. ")
    assert str(now.year) in said
    assert f"{now.hour:02}" in said


def test_a_plans_last_day_ends_at_the_next_midnight_on_the_machine(now: datetime, zone: ZoneInfo) -> None:
    over_s = end_of_day_s(now.date())
    assert datetime.fromtimestamp(over_s, zone) == datetime.combine(now.date() + timedelta(days=1), time(), zone)
    assert now.timestamp() < over_s <= now.timestamp() + 25 * 3600


def test_the_doctor_names_the_day_on_which_a_certificate_ends_on_the_machine(now: datetime, tmp_path: Path) -> None:
    write_account(tmp_path, now.timestamp())
    place = CheckContext(identity=tmp_path, diary=tmp_path, socket=tmp_path)
    assert CertificateCheck().look(place).facts == f"{now:%Y-%m-%d}"


@pytest.mark.parametrize("until", MOMENTS.values(), ids=list(MOMENTS))
def test_the_demos_people_train_in_the_clinics_daytime_up_to_now(until: datetime) -> None:
    for number in range(24):
        work = _Work(clinic="demo", number=number, machines=12, until_wall_s=until.timestamp(), time_zone="Europe/Oslo")
        rng = np.random.default_rng(number)
        begins_on = _begins_on(work, "", rng, OSLO)
        assert begins_on < until.date()
        days = [datetime.fromtimestamp(at, OSLO) for at in _when(work, "", begins_on, rng, OSLO)]
        assert {one.hour for one in days} == {FIRST_HOUR + number // 12 % 8}
        assert days[0].date() >= begins_on
        assert days[-1] + timedelta(hours=1) <= until


def test_a_day_of_the_demo_begins_at_the_clinics_midnight_on_both_summer_time_nights() -> None:
    for day in (date(2027, 3, 28), date(2027, 10, 31)):
        begun = datetime.fromtimestamp(_wall_s(day, 0, OSLO), OSLO)
        assert (begun.date(), begun.hour) == (day, 0)
