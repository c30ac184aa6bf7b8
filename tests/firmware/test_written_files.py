"""Every file that the product writes on a machine, torn, empty, missing, NUL-filled, older, newer or unreadable.

None of these may stop the reader in any other way than its announced one, nor touch another person's file, nor give
anything that was never written. A test compares the table with the code.
"""

import logging
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from coach.errors import ProtocolFileError
from coach.model.course_progress import CourseProgress
from firmware.config import loader
from firmware.config.schema import ConfigError
from firmware.doctor import self_test
from firmware.doctor.checks.config import ConfigCheck
from firmware.doctor.environment import CheckContext
from firmware.enrolment.enrol import rescue_identity
from firmware.journal.errors import JournalError
from firmware.journal.journal import Journal
from firmware.journal.writer import JournalSettings
from firmware.participants import course_progress_files, pins, plan_cache, plan_files
from firmware.participants.last_good import read_or_last_good
from firmware.participants.last_strap import StrapMemory
from firmware.participants.protocol_files import read_file
from firmware.participants.training_closures import TrainingClosures, forget_closure
from firmware.participants.treadmill_memory import TreadmillMemory
from firmware.sensors.strap import SelectedStrap
from firmware.system import kept_file
from firmware.system.delivery_status import NoStateError, read_state, write_state
from firmware.system.known_time import KnownTime, trusted_moment
from sync.delivery.machine_identity import ACCOUNT, MachineIdentity, MachineIdentityError, read_account
from sync.delivery.word_outbox import Word, read_words, write_words
from sync.wire.messages import Finding, Software, State
from sync.wire.topics import Kind
from tests.support.machine.session_factory import messages, plan, protocol

ROOT = Path(__file__).parents[2]
SETTINGS = JournalSettings(free_floor_bytes=0)


class Written(NamedTuple):
    """A kind of file. `make` writes a good one and returns its path; `look` reads what was said, None for nothing."""

    make: Callable[[Path], Path]
    look: Callable[[Path], object]
    refusals: tuple[type[Exception], ...] = ()


def make_strap(folder: Path) -> Path:
    for name in ("kari", "other"):
        StrapMemory(folder).keep(name, BOND)
    return folder / "kari.json"


BOND = SelectedStrap("Polar H10 12345678", "AA:BB:CC:DD:EE:FF", "12345678")


def make_pin(folder: Path) -> Path:
    for name in ("kari", "other"):
        pins.keep_pin(folder, name, pins.hashed("1234"))
    return folder / "kari.json"


def look_at_pins(path: Path) -> object:
    found, damaged = pins.read_pins(path.parent)
    # Whoever has a file that cannot be read still has a PIN: no door opens.
    assert "kari" in found or "kari" in damaged or not path.exists()
    return found.get("kari")


def make_plan(folder: Path) -> Path:
    for name in ("kari", "other"):
        plan_cache.keep(folder, msgspec.structs.replace(plan(), participant=name))
    return folder / "kari.json"


def look_at_plans(path: Path) -> object:
    ready, refused = plan_files.read_folder(path.parent)
    names = {one.plan.participant: one.plan for one in ready}
    assert "other" in names or path.parent.name != "plans"
    assert "kari" in names or refused or not path.exists()
    return names.get("kari")


def time_now() -> KnownTime:
    """Return what is known of the time now where the clock is set."""
    return KnownTime(trusted_moment(time.time()))


def make_closure(folder: Path) -> Path:
    TrainingClosures(folder).answered("kari", ("fever",), trusted_moment(time.time()))
    return folder / "kari.json"


def look_at_closure(path: Path) -> object:
    """Training is closed whatever became of the file, unless it is gone."""
    of_kari = msgspec.structs.replace(plan(), participant="kari")
    closed = TrainingClosures(path.parent).applied(of_kari, time_now()).closed_by_yes
    assert closed or not path.exists()
    return "closed" if closed else None


def make_course(folder: Path) -> Path:
    course_progress_files.keep(folder, "kari", CourseProgress(a_week=2))
    return folder / "kari.json"


def make_config(folder: Path) -> Path:
    file = folder / "config.toml"
    file.write_text('[sound]\ndevice = "usb"\n', encoding="utf-8")
    loader.in_force(file, folder / loader.KEPT_NAME)
    return file


def make_protocol(folder: Path) -> Path:
    file = folder / "own.toml"
    file.write_text((ROOT / "coach" / "protocols" / "4x4.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return file


def make_answers(folder: Path) -> Path:
    self_test.keep(folder / "diary.db", self_test.SelfTestAnswers(wall_s=1.0, screen=True))
    return self_test.answers_file(folder / "diary.db")


def make_state(folder: Path) -> Path:
    file = folder / "sync-state.json"
    write_state(file, STATE)
    return file


STATE = State(
    machine="pi-1",
    clinic="oslo",
    software=Software("0.1.0", "3.11", "Debian"),
    online=True,
    connection=1,
    waiting=0,
    findings=(Finding("a", ""),),
)


def make_words(folder: Path) -> Path:
    write_words(folder / "words.bin", [Word(Kind.RESULT, "one done", b"{}")])
    return folder / "words.bin"


def make_account(folder: Path) -> Path:
    account = MachineIdentity(
        clinic="oslo",
        machine="pi-1",
        broker_host="localhost",
        broker_port=8883,
        server="localhost:8884",
        certificate_from_wall_s=1.0,
        certificate_until_wall_s=2.0,
    )
    (folder / ACCOUNT).write_bytes(msgspec.json.encode(account))
    return folder / ACCOUNT


def make_treadmill(folder: Path) -> Path:
    TreadmillMemory(folder / "treadmills.json").keep("00:11:22:33:44:55", "miles")
    return folder / "treadmills.json"


def make_diary(folder: Path) -> Path:
    with Journal.open(folder / "diary.db", settings=SETTINGS) as journal:
        journal.begin("one", plan(), protocol())
        journal.record("one", messages()[:20]).result()
    return folder / "diary.db"


def look_at_diary(path: Path) -> object:
    with Journal.open(path, settings=SETTINGS) as journal:
        return [len(journal.session(line.session_id).result().messages) for line in journal.sessions().result()] or None


WRITTEN = {
    "participants.treadmill_memory": Written(
        make_treadmill, lambda path: TreadmillMemory(path).of("00:11:22:33:44:55")
    ),
    "participants.last_strap": Written(make_strap, lambda path: StrapMemory(path.parent).of("kari")),
    "participants.pins": Written(make_pin, look_at_pins),
    "participants.training_closures": Written(make_closure, look_at_closure),
    "participants.plan_cache": Written(make_plan, look_at_plans),
    "participants.course_progress_files": Written(
        make_course, lambda path: course_progress_files.read_folder(path.parent).get("kari")
    ),
    "config.loader": Written(
        make_config,
        lambda path: loader.in_force(path, path.parent / loader.KEPT_NAME).config.sound.device,
        (ConfigError,),
    ),
    "setup.wizard": Written(make_protocol, read_file, (ProtocolFileError,)),
    "doctor.self_test": Written(make_answers, lambda path: self_test.read(path.with_name("diary.db"))),
    "system.delivery_status": Written(make_state, read_state, (NoStateError,)),
    "delivery.word_outbox": Written(make_words, lambda path: read_words(path) or None),
    "enrolment.enrol": Written(make_account, lambda path: read_account(path.parent), (MachineIdentityError,)),
    "journal.file": Written(make_diary, look_at_diary, (JournalError, OSError, sqlite3.OperationalError)),
}
"""By the module that writes it; a clinic's own protocol stands for what a person writes with an editor."""

READ_BY_PEOPLE_OR_ONCE = {
    "system.folder_owner": "opens files for the modules that write them",
    "system.atomic_file": "writes for last_strap, treadmill_memory, pins and plan_cache",
    "system.kept_file": "copies of what pins, plan_cache, training_closures and enrol write",
    "participants.last_good": "copies of a clinic's own plans and protocols",
    "setup.optional_files": "files that the package brings",
    "journal.reserve": "zeros, whose place on the disk alone counts",
    "journal.memory": "a copy of the diary, opened as a diary",
    "setup.diary_copy": "a diary, opened as a diary",
    "setup.versions": "names and numbers of versions: tests/firmware/setup/test_upgrade.py",
    "upgrade": "as versions",
    "commands.machine": "an unpacked release, verified before it is used",
    "commands.sessions": "an export",
    "demo.clinic_history": "an export",
    "commands.replay": "a picture",
    "demo.runner": "a log for people",
    "demo.clinic": "the demo's own folder, made anew each time",
}

DAMAGES: dict[str, Callable[[bytes], bytes | None]] = {
    "torn": lambda whole: whole[: len(whole) // 2],
    "torn late": lambda whole: whole[:-1],
    "empty": lambda _: b"",
    "missing": lambda _: None,
    "NUL-filled": lambda whole: bytes(len(whole)),
    "half NUL": lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2),
    "another form": lambda _: b'{"of": "another program"}',
    "older or newer": lambda _: b"[]\n",
    "no text": lambda _: b"\xff\xfe\x00\xd8" * 9,
    "white space": lambda _: b"\n",
}


@pytest.mark.parametrize("damage", [*DAMAGES, "unreadable"])
@pytest.mark.parametrize("module", WRITTEN)
def test_a_damaged_file_stops_nobody_and_says_nothing_that_was_not_written(
    tmp_path: Path, module: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    kind = WRITTEN[module]
    path = kind.make(tmp_path)
    good = kind.look(path)
    assert good is not None
    content = path.read_bytes()
    path.unlink()
    if damage == "unreadable":
        # A folder in its place cannot be read, not even by root.
        path.mkdir()
    elif (left := DAMAGES[damage](content)) is not None:
        path.write_bytes(left)
    try:
        seen = kind.look(path)
    except kind.refusals as error:
        assert str(error)  # noqa: PT017 - a refusal in words is right
    else:
        assert seen is None or seen == good or (module == "journal.file" and seen == [])


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ("missing", "empty", "white space")])
def test_a_damaged_strap_memory_is_put_aside_and_the_next_one_does_not_overwrite_it(
    tmp_path: Path, damage: str
) -> None:
    path = make_strap(tmp_path)
    left = DAMAGES[damage](path.read_bytes())
    assert left is not None
    path.write_bytes(left)
    memory = StrapMemory(tmp_path)
    assert (memory.of("kari"), memory.of("other")) == (None, BOND)
    memory.keep("kari", BOND)
    assert StrapMemory(tmp_path).of("kari") == BOND
    [aside] = tmp_path.glob("kari.json.damaged-20*")
    assert aside.read_bytes() == left


KEPT_TWICE = {
    "participants.pins": "kari.json",
    "participants.plan_cache": "kari.json",
    "participants.training_closures": "kari.json",
    "enrolment.enrol": ACCOUNT,
}


@pytest.mark.parametrize("damage", [*DAMAGES, "unreadable"])
@pytest.mark.parametrize("module", KEPT_TWICE)
def test_a_damaged_file_that_is_kept_twice_is_restored_put_aside_and_told(
    tmp_path: Path, module: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    kind = WRITTEN[module]
    path = kind.make(tmp_path)
    rescue(module, path)
    good, content = kind.look(path), path.read_bytes()
    path.unlink()
    if damage == "unreadable":
        path.mkdir()
    elif (left := DAMAGES[damage](content)) is not None:
        path.write_bytes(left)
    rescue(module, path)
    assert kind.look(path) == good
    assert path.read_bytes() == content
    assert "restored from its copy" in caplog.text
    asides = [one.name for one in kept_file.asides_of(path)]
    assert len(asides) == (0 if damage == "missing" else 1)
    place = CheckContext(diary=path.parent / "diary.db", identity=path.parent, socket=path, free_floor_bytes=0)
    found = [one.code for one in ConfigCheck().look(place).findings]
    assert found == (["files_damaged"] if asides else [])


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "missing"])
def test_a_pin_or_a_closure_whose_copy_is_damaged_too_opens_no_door_after_any_number_of_starts(
    tmp_path: Path, damage: str
) -> None:
    for folder, make in ((tmp_path / "pins", make_pin), (tmp_path / "closures", make_closure)):
        path = make(folder)
        for one in (path, kept_file.copy_of(path)):
            left = DAMAGES[damage](one.read_bytes())
            assert left is not None
            one.write_bytes(left)
    of_kari = msgspec.structs.replace(plan(), participant="kari")
    for _ in range(3):
        assert pins.read_pins(tmp_path / "pins")[1] == ("kari",)
        assert TrainingClosures(tmp_path / "closures").applied(of_kari, time_now()).closed_by_yes
    pins.forget_pin(tmp_path / "pins", "kari")
    forget_closure(tmp_path / "closures", "kari")
    assert "kari" not in {*pins.read_pins(tmp_path / "pins")[0], *pins.read_pins(tmp_path / "pins")[1]}
    assert not TrainingClosures(tmp_path / "closures").applied(of_kari, time_now()).closed_by_yes


def rescue(module: str, path: Path) -> None:
    """Start the reader of such a file, as its service does."""
    if module == "participants.plan_cache":
        plan_cache.rescue(path.parent)
    elif module == "enrolment.enrol":
        rescue_identity(path.parent)
    else:
        WRITTEN[module].look(path)


@pytest.mark.parametrize(
    ("damage", "outcome"),
    [("torn", "used"), ("empty", "used"), ("NUL-filled", "used"), ("half NUL", "used"), ("no text", "used"),
     ("white space", "used"), ("another form", "refused"), ("older or newer", "refused")],
)  # fmt: skip
def test_a_clinics_own_file_that_was_damaged_is_read_from_its_last_good_copy_and_never_touched(
    tmp_path: Path, damage: str, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, folder = make_protocol(tmp_path), tmp_path / "last-good"
    good = read_or_last_good(path, read_file, ProtocolFileError, folder)
    content = path.read_bytes()
    left = DAMAGES[damage](content)
    assert left is not None
    path.write_bytes(left)
    if outcome == "used":
        assert read_or_last_good(path, read_file, ProtocolFileError, folder) == good
        assert "The last good copy is used instead" in caplog.text
    else:
        with pytest.raises(ProtocolFileError):
            read_or_last_good(path, read_file, ProtocolFileError, folder)
    assert path.read_bytes() == left
    assert (folder / path.name).read_bytes() == content


def test_the_table_names_every_module_that_writes_a_file() -> None:
    writes = re.compile(
        r"write_whole\(|atomic_write\(|keep_file\(|\.write_(bytes|text)\(|O_CREAT|\.open\(\"[wax]|\.open\(\"[wax]b|copyfile\(|\.replace\((path|kept|settings|place)\)"
    )
    found = {
        ".".join(path.relative_to(ROOT / room).with_suffix("").parts)
        for room in ("firmware", "sync")
        for path in sorted((ROOT / room).rglob("*.py"))
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert found - WRITTEN.keys() - READ_BY_PEOPLE_OR_ONCE.keys() == set()
