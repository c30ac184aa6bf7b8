"""A clinic's folder: made once, made again without harm, and refused where it is wrong."""

import stat
from pathlib import Path

import pytest

from server.clinic_folder.settings import ClinicSettings, read_clinic
from server.errors import SettingsError
from tests.support.clinic.local_clinic import command, make

KEYS = (
    "authority/authority.key",
    "certificates/server.key",
    "certificates/collector-1.key",
    "secret-key",
    "clinic.toml",
)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_made_again_it_keeps_every_key_and_setting(tmp_path: Path) -> None:
    folder = make(tmp_path / "clinic").places.folder
    before = content(folder)
    command("init", str(folder), "--clinic", "trondheim", "--host", "elsewhere", "--collectors", "2")
    after = content(folder)
    made = {"certificates/collector-2.key", "certificates/collector-2.pem"}
    assert after.keys() - before.keys() == made
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"authority/revoked.pem", "broker/access.acl", "certificate-register.json", "diary.sqlite3"}


def test_keys_and_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    folder = make(tmp_path / "clinic").places.folder
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in KEYS} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_of_another_clinic_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "clinic")
    before = content(tmp_path / "clinic")
    said = command("init", str(tmp_path / "clinic"), "--clinic", "oslo", "--host", "localhost", check=False)
    assert "is the folder of the clinic «trondheim»" in said
    assert content(tmp_path / "clinic") == before


def test_an_existing_broker_is_told_what_it_needs(tmp_path: Path) -> None:
    words = ("init", str(tmp_path / "c"), "--clinic", "oslo", "--host", "h", "--existing-broker", "broker.example")
    said = command(*words)
    assert "ic/1/oslo/<certificate's name>/session/+" in said
    assert "packets of at least 131072 bytes" in said
    assert not (tmp_path / "c" / "broker" / "mosquitto.conf").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('clinic = "a"\nhost = "h"\nprot = 1\n', "prot"),
        ('clinic = "A B"\nhost = "h"\n', "cannot name a clinic"),
        ('clinic = "a"\n', "host"),
        ('clinic = "a"\nhost = "h"\ncertificate_days = 4000\n', "certificate_days is 4000; it must be 1–366"),
        ("clinic = ", "Invalid"),
    ],
)
def test_settings_that_are_wrong_are_refused_with_file_and_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "clinic.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        read_clinic(tmp_path)
    assert str(tmp_path / "clinic.toml") in str(caught.value)
    assert reason in str(caught.value)


def test_a_folder_that_is_no_clinic_says_what_to_do(tmp_path: Path) -> None:
    assert "interval-coach-server init" in command("collect", "--dir", str(tmp_path), check=False)


def test_a_databases_password_stands_in_no_message(tmp_path: Path) -> None:
    folder = make(tmp_path / "clinic").places.folder
    for address in ("mysql://u:hunter2@h/d", "postgresql://u:hunter2@h:port/d", "postgresql://u:hunter2@127.0.0.1:1/d"):
        said = command("machines", "--dir", str(folder), database=address, check=False)
        assert said
        assert "hunter2" not in said


def test_the_broker_takes_the_configuration(tmp_path: Path) -> None:
    clinic = make(tmp_path / "clinic")
    text = clinic.places.broker_configuration.read_text()
    for line in ("allow_anonymous false", "require_certificate true", "use_username_as_clientid true"):
        assert f"\n{line}\n" in text


def test_each_setting_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    assert [name for name in ClinicSettings.__struct_fields__ if f"`{name}`" not in text] == []


def test_each_command_is_documented() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    said = command("--help")
    names = [line.split()[0] for line in said.splitlines() if line.startswith("    ") and line[4] != " "]
    assert len(names) > 10
    assert [name for name in names if f"interval-coach-server {name}" not in text] == []
