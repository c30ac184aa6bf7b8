"""Django's settings, from the clinic's folder that INTERVAL_COACH_SERVER names.

Without a folder there is a database in memory: enough to make migrations and to check types, and nothing is kept.
"""

from pathlib import Path

from server.clinic import folder_from_environment, read_clinic
from server.database import MEMORY, address_of, django_database

_folder = folder_from_environment()
_clinic = read_clinic(_folder) if _folder else None

DEBUG = False
ALLOWED_HOSTS = [_clinic.settings.host] if _clinic else []
SECRET_KEY = _clinic.places.secret_key.read_text() if _clinic else "nothing-is-kept-or-signed-without-a-clinic"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "server.apps.ServerConfig",
    "server.clinics.apps.ClinicsConfig",
    "server.audit.apps.AuditConfig",
    "server.people.apps.PeopleConfig",
    "server.diary.apps.DiaryConfig",
    "server.room.apps.RoomConfig",
    "server.web.apps.WebConfig",
]
AUTH_USER_MODEL = "clinics.Account"
DATABASES = {
    "default": django_database(address_of(_clinic), _clinic.places.folder)
    if _clinic
    else django_database(MEMORY, Path())
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "nb"
# The collector writes its own log lines; Django's must not print a statement's values.
LOGGING_CONFIG = None
