"""Serving the pages: uvicorn with the clinic's own certificate, or plain HTTP behind a proxy that holds one."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path

import uvicorn
from django.core.management import call_command
from msgspec import Struct

from server.clinic_folder.settings import PLAIN_VARIABLE, ClinicFolder
from server.errors import SettingsError
from server.json_logging import log_pages_to
from server.limits.serving_time import TimedProtocol, bind
from server.sd_notify import notify_ready, notify_stopping
from server.web.addresses import is_loopback
from server.web.metrics_folder import keep_in

LOOPBACK = ("127.0.0.1", "::1")
LOOK_AT_CERTIFICATE_EVERY_S = 60.0


class Serving(Struct, frozen=True, kw_only=True):
    """How the pages are served. `address` and `port`: the settings' unless told otherwise.

    `behind_proxy`: plain HTTP, and the proxies that the settings trust say who calls. `plain_here`: plain HTTP for
    browsers on this computer alone, for a trial.
    """

    address: str | None = None
    port: int | None = None
    workers: int = 1
    behind_proxy: bool = False
    plain_here: bool = False


def serve(clinic: ClinicFolder, how: Serving) -> int:
    """Serve until told to end. Gives the exit status. Raises SettingsError."""
    settings, places = clinic.settings, clinic.places
    if settings.demo and not how.plain_here:
        raise SettingsError(
            f"{places.settings}: demo is true, so these pages ask for no one-time code. They are served on this "
            "computer alone: «web --plain-here». For a clinic with real people make another one (init)."
        )
    address = settings.web_address if how.address is None else how.address
    if how.plain_here:
        address = address or LOOPBACK[0]
        if not is_loopback(address):
            raise SettingsError(
                f"Pages over plain HTTP are served on this computer's loopback only, not on {address}. Leave "
                "--plain-here out, or put a proxy before the pages (--behind-proxy; docs/operations.md)."
            )
        os.environ[PLAIN_VARIABLE] = "1"
    call_command("collectstatic", interactive=False, verbosity=0, clear=False)
    call_command("clearsessions")
    log_pages_to()
    keep_in(places.folder / "web-figures")
    direct = not how.behind_proxy and not how.plain_here
    port = settings.web_port if how.port is None else how.port
    try:
        sockets = bind(address, port)
    except OSError as error:
        raise SettingsError(
            f"The pages cannot listen on {address or 'this computer'}, port {port} ({error.strerror}). End what "
            "listens there, or choose another web_port in clinic.toml."
        ) from error
    config = uvicorn.Config(
        "server.asgi:application",
        host=address or "",
        port=port,
        workers=how.workers,
        ssl_certfile=str(places.certificate("server")) if direct else None,
        ssl_keyfile=str(places.key("server")) if direct else None,
        ssl_context_factory=renewed_with if direct else None,
        proxy_headers=how.behind_proxy,
        forwarded_allow_ips=",".join(trusted(settings.trusted_proxies)) if how.behind_proxy else None,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        loop=f"server.limits.serving_time:{'make_loop_behind_proxy' if how.behind_proxy else 'make_loop'}",
        http=TimedProtocol,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
    )
    server = _AnnouncedServer(config)
    if how.workers > 1:
        from uvicorn.supervisors import Multiprocess  # noqa: PLC0415 - only where there are several

        notify_ready(f"{how.workers} processes serve the pages on port {config.port}.")
        Multiprocess(config, sockets=sockets).run()
        return 0
    server.run(sockets)
    return 0 if server.started else 1


class _AnnouncedServer(uvicorn.Server):
    """uvicorn that tells systemd once it listens, and before it ends."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            notify_ready(f"The pages are served on port {self.config.port}.")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say so, then end."""
        notify_stopping()
        await super().shutdown(sockets)


def trusted(proxies: tuple[str, ...]) -> tuple[str, ...]:
    """Return the proxies' networks whose word is taken: by default this computer's. Raises SettingsError."""
    for one in proxies:
        try:
            ip_network(one)
        except ValueError as error:
            raise SettingsError(
                f"trusted_proxies: «{one}» is no address or network, such as 10.0.0.5 or 10.0.0.0/24. Mend clinic.toml."
            ) from error
    return proxies or LOOPBACK


def renewed_with(config: uvicorn.Config, usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return a TLS context that takes the renewed certificate from the clinic's folder (uvicorn calls this)."""
    context = usual()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    pair = ReloadedCertificate(context, Path(str(config.ssl_certfile)), Path(str(config.ssl_keyfile)))

    def look() -> None:
        while True:
            time.sleep(LOOK_AT_CERTIFICATE_EVERY_S)
            pair.look()

    threading.Thread(target=look, name="certificate", daemon=True).start()
    return context


class ReloadedCertificate:
    """A certificate and its key as a TLS context has them: connections made after `look` get the renewed pair."""

    def __init__(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        """`context` has the pair already."""
        self.context, self.certificate, self.key = context, certificate, key
        self.taken_ns = certificate.stat().st_mtime_ns

    def look(self) -> bool:
        """Take the pair where it is a new one, and tell whether it was; one that is half written is taken later."""
        try:
            now_ns = self.certificate.stat().st_mtime_ns
            if now_ns == self.taken_ns:
                return False
            # A certificate without its key would leave a context that answers nobody: try the pair on another first.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
            self.context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError):
            return False
        self.taken_ns = now_ns
        return True
