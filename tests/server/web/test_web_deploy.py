"""Django's own check of settings for a server on the open network finds nothing."""

import os
import subprocess
import sys

from server.clinic_folder.settings import FOLDER_VARIABLE, ClinicFolder
from tests.support.clinic.local_clinic import ROOT, environment


def test_the_check_for_deployment_finds_nothing(clinic: ClinicFolder) -> None:
    env = {**environment(), FOLDER_VARIABLE: str(clinic.places.folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    run = subprocess.run(
        [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "DEBUG"],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "System check identified no issues (0 silenced).\n")


def test_no_migration_is_missing(clinic: ClinicFolder) -> None:
    env = {**environment(), FOLDER_VARIABLE: str(clinic.places.folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    run = subprocess.run(
        [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
