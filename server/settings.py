"""Django's settings, from the clinic's folder that INTERVAL_COACH_SERVER names.

Without a folder there is a database in memory: enough to make migrations and to check types, and nothing is kept.
"""

import os
from importlib.metadata import version
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from server.clinic_folder.database import MEMORY, address_of, django_database
from server.clinic_folder.settings import PLAIN_VARIABLE, ClinicSettings, folder_from_environment, read_clinic

_folder = folder_from_environment()
_clinic = read_clinic(_folder) if _folder else None
_settings = _clinic.settings if _clinic else ClinicSettings(clinic="none", host="localhost")

PLAIN = os.environ.get(PLAIN_VARIABLE) == "1"
"""Pages over plain HTTP on this computer's own loopback, for a trial or the demo (`web --plain-here`)."""

ONE_FACTOR_HERE = PLAIN and _settings.demo
"""The demo's clinic of made-up people, on this computer alone: a password is enough (`server.web.sign_in.log_in`)."""

ACCESS_LOG_FOLDER = _folder
"""Where the access log's key and tail are kept, outside the database (`server.audit.seal`)."""

DEBUG = False
ALLOWED_HOSTS = [_settings.host, *_settings.web_hosts, *(["localhost", "127.0.0.1", "[::1]"] if PLAIN else [])]
SECRET_KEY = (
    _clinic.places.secret_key.read_text() if _clinic else "nothing-is-kept-or-signed-without-a-clinic-so-this-is-no-key"
)
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
    "server.accounts.apps.ClinicsConfig",
    "server.audit.apps.AuditConfig",
    "server.people.apps.PeopleConfig",
    "server.appointments.apps.AppointmentsConfig",
    "server.assessment.apps.AssessmentConfig",
    "server.diary.apps.DiaryConfig",
    "server.follow_up.apps.FollowUpConfig",
    "server.live.apps.RoomConfig",
    "server.regional_statistics.apps.NetworkConfig",
    "server.documents.apps.PapersConfig",
    "server.drafts.apps.DraftsConfig",
    "server.web.apps.WebConfig",
]
MIDDLEWARE = [
    "server.web.streaming.beside_the_loop",
    "server.web.metrics.counted",
    "server.web.headers.security_headers",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "server.web.language.LanguageMiddleware",
    "server.web.gate.GateMiddleware",
    "server.drafts.sent.SentDraftsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "server.urls"
ASGI_APPLICATION = "server.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "server.web.context.frame",
            ],
        },
    }
]
FORM_RENDERER = "server.web.forms.PageForms"

DATABASES = {
    "default": django_database(address_of(_clinic), _clinic.places.folder)
    if _clinic
    else django_database(MEMORY, Path())
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- who may come in ---------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "clinics.Account"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["server.limits.hashing.QueuedArgon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "server.web.sign_in.forbidden_passwords.ForbiddenPasswordValidator"},
]
LOGIN_URL = "web:log_in"
LOGIN_REDIRECT_URL = "web:home"
OTP_LOGIN_URL = "web:code"
OTP_TOTP_ISSUER = f"interval-coach {_settings.clinic}"
# Failed log-ins count for the account as it is reached from one address: a colleague behind the same address, and the
# same person elsewhere, are not shut out. After five, a quarter of an hour's pause.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "server.web.sign_in.log_in.shut_out"
AXES_CLIENT_IP_CALLABLE = "server.web.addresses.client_address"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]

PAGES_VERSION = version("interval-coach")

_PREFIX = "" if PLAIN else "__Host-"
SESSION_COOKIE_NAME = f"{_PREFIX}interval-coach"
SESSION_COOKIE_SECURE = not PLAIN
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = _settings.absolute_hours * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
IDLE_S = _settings.idle_minutes * 60
ABSOLUTE_S = _settings.absolute_hours * 3600
WALL_COUNTS = _settings.wall_counts
WALL_NAMES = _settings.wall_names
ROOM_KEPT_DAYS = _settings.room_kept_days
DELETED_KEPT_DAYS = _settings.deleted_kept_days
CSRF_COOKIE_NAME = f"{_PREFIX}interval-coach-form"
CSRF_COOKIE_SECURE = not PLAIN
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "server.web.error_views.no_form_token"
LANGUAGE_COOKIE_NAME = f"{_PREFIX}interval-coach-language"

# --- what browsers are told ----------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = not PLAIN
# Health endpoints may be asked over plain HTTP by a proxy or a watchdog on the same computer.
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 0 if PLAIN else 2 * 365 * 86_400
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        **({} if PLAIN else {"upgrade-insecure-requests": True}),
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = _clinic.places.static if _clinic else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "server.web.static_files.HashedFiles"},
}

# --- language and time ---------------------------------------------------------------------------------------------

USE_TZ = True
# Days and times of what belongs to no clinic. A clinic's pages and papers go by the clinic's own zone.
TIME_ZONE = "Europe/Oslo"
USE_I18N = True
LANGUAGE_CODE = "nb"
FORMAT_MODULE_PATH = ["server.web.formats"]
LANGUAGES = [("nb", "Bokmål"), ("en", "English")]
# Log lines are the project's own (`server.json_logging`); Django's must not print a statement's values.
LOGGING_CONFIG = None
