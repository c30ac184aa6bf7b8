"""The enrolment service: a small HTTPS server for the three requests of docs/wire.md («Enrolment»).

    GET  /authority.pem    the authority's certificate; nothing secret
    POST /enrol            EnrolRequest → Enrolled or EnrolRefused
    POST /renew            RenewRequest over mutual TLS → Enrolled or EnrolRefused

Many wrong codes make it answer 429 for a while: from one address, or from everywhere at once. A code is never logged.
"""

import logging
import ssl
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import socket
from typing import Any

from django.db import DatabaseError, connection
from msgspec import Struct

from server.clinic_folder.settings import ClinicFolder
from server.errors import IdentityError, ServerError
from server.identity import certificates
from server.json_logging import log_fields
from server.limits.failure_rate import FailureRate
from server.limits.listening import ConnectionLimit, CountedSocket, LimitedListener
from sync.wire import messages
from sync.wire.codec import encode, read
from sync.wire.envelope import Unreadable

_log = logging.getLogger(__name__)

MOST_BODY_BYTES = 16 * 1024
MOST_AT_ONCE = 64
"""Connections, each with a thread. Where all are taken, the oldest makes room for the next caller."""
MOST_FROM_ONE_ADDRESS = 8
WORKING_AT_ONCE = 4
"""Certificates that are made at the same time."""
PATIENCE_S = 10.0
"""From the connection to the last byte of the request."""
WRONG_FROM_ONE, WRONG_FROM_ALL, WITHIN_S = 10, 100, 60.0
LOOK_AT_CERTIFICATES_EVERY_S = 3600.0


class WrongCodes(FailureRate):
    """Counts wrong codes of the last minute, by address and in all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start with none."""
        super().__init__(from_one=WRONG_FROM_ONE, from_all=WRONG_FROM_ALL, within_s=WITHIN_S, clock=clock)


class HttpAnswer(Struct, frozen=True):
    """An answer: HTTP status, kind of content, content."""

    status: HTTPStatus
    kind: str
    content: bytes


class EnrolService(ThreadingHTTPServer):
    """Listens until told to stop."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, clinic: ClinicFolder, address: str | None = None, port: int | None = None) -> None:
        """Bind; `serve_forever` answers. Address and port: the settings' unless told otherwise; port 0: any."""
        self.clinic = clinic
        self.wrong = WrongCodes()
        self._working = threading.Semaphore(WORKING_AT_ONCE)
        self._caller = threading.local()
        self._context = self._make_context()
        settings = clinic.settings
        where = settings.listen_address if address is None else address
        super().__init__((where, settings.enrolment_port if port is None else port), _Handler)
        self.limit = ConnectionLimit(MOST_FROM_ONE_ADDRESS, MOST_AT_ONCE)
        self.socket = LimitedListener.of(self.socket, self.limit)

    def _make_context(self) -> ssl.SSLContext:
        places = self.clinic.places
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(places.certificate("server"), places.key("server"))
        context.load_verify_locations(places.authority)
        # A machine that enrols has no certificate yet; one that renews shows its own.
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def use_new_certificate(self) -> None:
        """Answer with the certificate that lies in the clinic's folder now."""
        self._context = self._make_context()

    def finish_request(
        self,
        request: socket | tuple[bytes, socket],
        client_address: Any,  # noqa: ANN401 - as socketserver has it
    ) -> None:
        """Speak TLS with the caller, in the caller's own thread; the whole request must be here in time."""
        if not isinstance(request, CountedSocket):
            return
        # TLS takes the descriptor over; the copy ends the connection, whatever the handler waits for.
        request.keep_handle()
        deadline = threading.Timer(PATIENCE_S, request.cut)
        deadline.daemon = True
        self._caller.request, self._caller.deadline = request, deadline
        try:
            request.settimeout(PATIENCE_S)
            deadline.start()
            with self._context.wrap_socket(request, server_side=True) as secured:
                _Handler(secured, client_address, self)
        except (OSError, ValueError) as error:
            _log.info(
                "a connection came to nothing", extra=log_fields(why=type(error).__name__, address=client_address[0])
            )
        finally:
            deadline.cancel()
            connection.close()

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - as socketserver has it
        """Say so in the log, without the caller's words."""
        _log.exception("an enrolment request failed")

    def answer(self, method: str, path: str, body: bytes, shown: dict[str, Any] | None, address: str) -> HttpAnswer:
        """Answer one request. `shown`: the certificate that the caller's TLS connection proved."""
        self._caller.deadline.cancel()
        self.limit.prove(self._caller.request)
        with self._working:
            return self._act(method, path, body, shown, address)

    def _act(self, method: str, path: str, body: bytes, shown: dict[str, Any] | None, address: str) -> HttpAnswer:
        match method, path:
            case "GET", "/authority.pem":
                return HttpAnswer(HTTPStatus.OK, "application/x-pem-file", self.clinic.places.authority.read_bytes())
            case "POST", "/enrol":
                return self._enrol(body, address)
            case "POST", "/renew":
                return self._renew(body, shown, address)
            case _:
                return _refusal(HTTPStatus.NOT_FOUND, "bad_request", "There is nothing here.")

    def _enrol(self, body: bytes, address: str) -> HttpAnswer:
        if self.wrong.too_many(address):
            _log.warning("too many wrong codes", extra=log_fields(address=address))
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "too_many", "Too many wrong codes. Wait a minute.")
        request = read(body, messages.EnrolRequest)
        if isinstance(request, Unreadable):
            return _refusal(HTTPStatus.BAD_REQUEST, "bad_request", request.reason)
        try:
            enrolled = certificates.enrol(self.clinic, request)
        except IdentityError as error:
            if error.code != "bad_request":
                self.wrong.note(address)
            _log.warning("an enrolment was refused", extra=log_fields(why=error.code, address=address))
            return _refusal(HTTPStatus.FORBIDDEN, error.code, error.reason)
        except (DatabaseError, ServerError) as error:
            return self._cannot_now(error)
        _log.info("a machine was enrolled", extra=log_fields(machine=enrolled.machine, address=address))
        return HttpAnswer(HTTPStatus.OK, "application/json", encode(enrolled))

    def _renew(self, body: bytes, shown: dict[str, Any] | None, address: str) -> HttpAnswer:
        if not shown:
            return _refusal(HTTPStatus.FORBIDDEN, "bad_request", "Renewal needs the certificate in force.")
        request = read(body, messages.RenewRequest)
        if isinstance(request, Unreadable):
            return _refusal(HTTPStatus.BAD_REQUEST, "bad_request", request.reason)
        machine, serial = _common_name(shown), str(shown.get("serialNumber", ""))
        try:
            enrolled = certificates.renew(self.clinic, machine, serial, request)
        except IdentityError as error:
            _log.warning("a renewal was refused", extra=log_fields(why=error.code, machine=machine, address=address))
            status = HTTPStatus.TOO_MANY_REQUESTS if error.code == "too_many" else HTTPStatus.FORBIDDEN
            return _refusal(status, error.code, error.reason)
        except (DatabaseError, ServerError) as error:
            return self._cannot_now(error)
        _log.info("a certificate was renewed", extra=log_fields(machine=machine))
        return HttpAnswer(HTTPStatus.OK, "application/json", encode(enrolled))

    def _cannot_now(self, error: Exception) -> HttpAnswer:
        _log.error("the enrolment service cannot answer now", extra=log_fields(why=type(error).__name__))
        return _refusal(
            HTTPStatus.SERVICE_UNAVAILABLE, "bad_request", "The server cannot do this now. Try again later."
        )


class _Handler(BaseHTTPRequestHandler):
    """One request on one connection."""

    server: EnrolService
    request: socket
    timeout = PATIENCE_S
    server_version = "interval-coach"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer."""
        self._answer(b"")

    def do_POST(self) -> None:
        """Read the body, and answer."""
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= MOST_BODY_BYTES:
            self._send(
                _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "bad_request", "The body is too long, or has no length.")
            )
            return
        self._answer(self.rfile.read(length))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing: what matters is logged where it happens, and never a path or a body."""

    def _answer(self, body: bytes) -> None:
        shown = self.request.getpeercert() if isinstance(self.request, ssl.SSLSocket) else None
        self._send(self.server.answer(self.command, self.path, body, shown, self.client_address[0]))

    def _send(self, answer: HttpAnswer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.content)


def keep_own_certificates(clinic: ClinicFolder, service: EnrolService, stopping: threading.Event) -> None:
    """Until told to stop: renew the server's and the collectors' certificates when their time is nearly over."""
    looked_s = time.time()
    while not stopping.wait(LOOK_AT_CERTIFICATES_EVERY_S):
        try:
            before_s, looked_s = looked_s, time.time()
            renewed = certificates.own_certificates(clinic, certificates.own_names(clinic))
            if not renewed and certificates.ended_between(before_s, looked_s):
                certificates.write_broker_lists(clinic)
            if renewed:
                service.use_new_certificate()
                told = certificates.write_broker_lists(clinic)
                _log.info("own certificates were renewed", extra=log_fields(names=" ".join(renewed), broker_told=told))
        except (DatabaseError, ServerError, OSError):
            _log.exception("own certificates could not be renewed; tried again in an hour")
        finally:
            connection.close()


def _common_name(shown: dict[str, Any]) -> str:
    for part in shown.get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    return ""


def _refusal(status: HTTPStatus, code: str, reason: str) -> HttpAnswer:
    return HttpAnswer(status, "application/json", encode(messages.EnrolRefused(code=code, reason=reason)))
