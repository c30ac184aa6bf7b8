"""A clinic's folder: its settings file and where everything else lies.

The settings are `clinic.toml`; an unknown key is an error. The database's address may hold a password, so the file is
readable by its owner alone, and the environment's DATABASE_URL takes its place where a system keeps secrets there.
"""

import os
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from server.errors import SettingsError
from sync.errors import TopicError
from sync.wire.topics import ENROLMENT_PORT, require_name

FOLDER_VARIABLE = "INTERVAL_COACH_SERVER"
DATABASE_VARIABLE = "DATABASE_URL"
PLAIN_VARIABLE = "INTERVAL_COACH_PLAIN"

RESERVED = ("collector", "bridge", "server", "web")
"""No machine is called so: certificates with these names may do more than a machine may."""


class ClinicSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a clinic may set.

    `host`: the name or address by which machines reach this server; its certificate names it. `broker_host`: where the
    collector finds the broker. `listen_address`: where alone broker and enrolment service can be reached; empty: on
    every address of this computer. `broker`: whether the configuration in `broker/` is used or another broker stands
    here. `accepts`: `own` clinic's sessions only, or, on a region's server, `all`. `database`: `sqlite:///file`
    (relative to the folder) or `postgresql://user:password@host:port/name`. `batch`: messages committed together at
    most. `receive_maximum`: messages on their way to one collector at most; it bounds the memory while the database is
    away.

    The web pages: `web_port` and `web_address` where they listen; `web_hosts`: further names by which browsers reach
    them; `web_url`: the address that browsers use, where it is not `https://host:web_port`; `trusted_proxies`:
    addresses or networks of the proxies before them, whose word on the caller's address is taken. Whoever does nothing
    for `idle_minutes` is logged out, and everyone after `absolute_hours`; `wall_counts`: an open room page counts as
    doing something, for a tablet on the wall; `wall_names`: its page shows nicknames and pictures, else
    only which machine it is. What the live room remembers (notices, who has seen them, commands) is
    forgotten after `room_kept_days`. `oidc_*`: log-in by the organisation's identity provider, where
    `oidc_issuer` names one; `oidc_key_file` (a private JWK, for private_key_jwt) or `oidc_secret_file`, relative to
    the folder, proves who asks; `oidc_name`: what the button says; `oidc_strong_acr`: the provider's words (`acr`) for
    a log-in with two factors, after which no one-time code is asked for here; `oidc_log_in_again`: whether the provider
    must ask for a log-in each time, and log-out here ends the session there, as shared computers need.

    `deleted_kept_days`: so long nothing that comes under a deleted participant's pseudonym is stored; longer than a
    machine that is away keeps its certificate.

    `demo`: a clinic of made-up people; its pages ask for no one-time code, and are served on this computer's loopback
    over plain HTTP and nowhere else (`web --plain-here`).
    """

    clinic: str
    host: str
    broker: Literal["own", "existing"] = "own"
    broker_host: str = "localhost"
    broker_port: int = 8883
    listen_address: str = ""
    enrolment_port: int = ENROLMENT_PORT
    metrics_address: str = "127.0.0.1"
    metrics_port: int = 9464
    accepts: Literal["own", "all"] = "own"
    database: str = "sqlite:///diary.sqlite3"
    certificate_days: int = 365
    code_minutes: int = 1440
    batch: int = 350
    receive_maximum: int = 700
    session_expiry_s: int = 86_400
    web_port: int = 8443
    web_address: str = ""
    web_hosts: tuple[str, ...] = ()
    web_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    idle_minutes: int = 15
    absolute_hours: int = 12
    wall_counts: bool = False
    wall_names: bool = True
    room_kept_days: int = 90
    deleted_kept_days: int = 400
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_key_file: str = ""
    oidc_secret_file: str = ""
    oidc_scopes: str = "openid profile"
    oidc_name: str = ""
    oidc_strong_acr: tuple[str, ...] = ()
    oidc_log_in_again: bool = True
    demo: bool = False


class Places(Struct, frozen=True):
    """Where a clinic's files lie."""

    folder: Path

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "clinic.toml"

    @property
    def secret_key(self) -> Path:
        """The key with which the web server signs its cookies."""
        return self.folder / "secret-key"

    @property
    def shared_group(self) -> Path:
        """The secret name of the collectors' shared subscription."""
        return self.folder / "shared-group"

    @property
    def static(self) -> Path:
        """The pages' static files, collected under hashed names."""
        return self.folder / "static"

    @property
    def authority(self) -> Path:
        """The authority's certificate."""
        return self.folder / "authority" / "authority.pem"

    @property
    def authority_key(self) -> Path:
        """The authority's private key."""
        return self.folder / "authority" / "authority.key"

    @property
    def revoked(self) -> Path:
        """The list of revoked certificates (CRL)."""
        return self.folder / "authority" / "revoked.pem"

    @property
    def broker(self) -> Path:
        """The folder of the broker's configuration."""
        return self.folder / "broker"

    @property
    def broker_configuration(self) -> Path:
        """What mosquitto is started with."""
        return self.broker / "mosquitto.conf"

    @property
    def broker_access(self) -> Path:
        """Who may read and write what, for mosquitto."""
        return self.broker / "access.acl"

    @property
    def broker_pid(self) -> Path:
        """The process id of the running broker."""
        return self.broker / "mosquitto.pid"

    def certificate(self, name: str) -> Path:
        """Return the certificate of the server, a collector, a web worker or a bridge."""
        return self.folder / "certificates" / f"{name}.pem"

    def key(self, name: str) -> Path:
        """Return the private key of the server, a collector, a web worker or a bridge."""
        return self.folder / "certificates" / f"{name}.key"


class ClinicFolder(Struct, frozen=True):
    """A clinic's settings and places together."""

    settings: ClinicSettings
    places: Places


def read_clinic(folder: Path) -> ClinicFolder:
    """Read a clinic's folder. Raises SettingsError with what is wrong and what to do."""
    places = Places(folder.resolve())
    try:
        text = places.settings.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{places.settings}: no clinic's settings can be read there ({error.strerror}). Make a clinic with "
            "«interval-coach-server init DIR --clinic NAME --host HOST», or name its folder with --dir."
        ) from error
    try:
        settings = msgspec.toml.decode(text, type=ClinicSettings)
        require_name(settings.clinic, "clinic")
    except (msgspec.MsgspecError, TopicError, ValueError) as error:
        raise SettingsError(f"{places.settings}: {error}. Nothing is started; mend the file.") from error
    _check(settings, places)
    return ClinicFolder(settings, places)


def folder_from_environment() -> Path | None:
    """Return the folder that the environment names; None where it names none."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else None


def require_machine_name(name: str) -> str:
    """Return the name itself. Raises SettingsError where no machine may be called so."""
    try:
        require_name(name, "machine")
    except TopicError as error:
        raise SettingsError(str(error)) from error
    if name.startswith(RESERVED):
        raise SettingsError(
            f"A machine cannot be called «{name}»: names that begin with {', '.join(RESERVED)} are the server's own."
        )
    return name


def _check(settings: ClinicSettings, places: Places) -> None:
    limits = (
        ("certificate_days", settings.certificate_days, 1, 366),
        ("code_minutes", settings.code_minutes, 1, 60 * 24 * 7),
        ("batch", settings.batch, 1, 5_000),
        ("receive_maximum", settings.receive_maximum, 1, 10_000),
        ("session_expiry_s", settings.session_expiry_s, 60, 30 * 86_400),
        ("broker_port", settings.broker_port, 1, 65_535),
        ("enrolment_port", settings.enrolment_port, 1, 65_535),
        ("metrics_port", settings.metrics_port, 0, 65_535),
        ("web_port", settings.web_port, 1, 65_535),
        ("idle_minutes", settings.idle_minutes, 1, 240),
        ("absolute_hours", settings.absolute_hours, 1, 24),
        ("room_kept_days", settings.room_kept_days, 1, 3650),
        ("deleted_kept_days", settings.deleted_kept_days, 30, 3650),
    )
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise SettingsError(f"{places.settings}: {name} is {value}; it must be {low}–{high}. Mend the file.")
    if settings.oidc_issuer:
        _check_oidc(settings, places)


def _check_oidc(settings: ClinicSettings, places: Places) -> None:
    local = settings.oidc_issuer.startswith(("http://localhost:", "http://127.0.0.1:"))
    if not settings.oidc_issuer.startswith("https://") and not local:
        raise SettingsError(f"{places.settings}: oidc_issuer must begin with https://. Mend the file.")
    if not settings.oidc_client_id or bool(settings.oidc_key_file) == bool(settings.oidc_secret_file):
        raise SettingsError(
            f"{places.settings}: oidc_issuer needs oidc_client_id, and either oidc_key_file or oidc_secret_file. "
            "Mend the file."
        )
