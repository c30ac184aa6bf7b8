"""The pages as they are really served: by uvicorn with the clinic's certificate, by several processes, behind proxies.

The proxies' configuration is the one that docs/operations.md shows, with this test's ports and files in it.
"""

import re
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import msgspec
import pytest

from server.clinic_creation import write_settings
from server.clinic_folder.settings import ClinicFolder
from server.errors import SettingsError
from server.installation.host import pages_answer
from server.web.addresses import is_loopback
from server.web.serving import ReloadedCertificate, Serving, serve, trusted
from tests.support.clinic.local_clinic import ROOT, Child, environment, free_port, listens, make, until

OPERATIONS = ROOT / "docs" / "operations.md"
PATIENCE_S = 60.0


@contextmanager
def web(clinic: ClinicFolder, *more: str) -> Iterator[tuple[Child, int]]:
    """The pages, served by the project's own command on a free port, answering."""
    port = free_port()
    words = [sys.executable, "-m", "server", "web", "--dir", str(clinic.places.folder), "--port", str(port), *more]
    with Child(words, clinic.places.folder / "web.log", environment()) as child:
        until(lambda: listens(port) or child.process.poll() is not None, PATIENCE_S)
        assert child.process.poll() is None, child.said
        yield child, port


def answer(
    clinic: ClinicFolder, port: int, path: str, headers: dict[str, str] | None = None, *, tls: bool = True
) -> tuple[int, dict[str, str], str]:
    """Ask, trusting the clinic's own authority alone."""
    if tls:
        context = ssl.create_default_context(cafile=str(clinic.places.authority))
        connection: HTTPConnection = HTTPSConnection("localhost", port, timeout=PATIENCE_S, context=context)
    else:
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("GET", path, headers={"Accept": "text/html", **(headers or {})})
    got = connection.getresponse()
    told = got.status, {name.lower(): value for name, value in got.getheaders()}, got.read().decode()
    connection.close()
    return told


def test_the_pages_are_found_healthy_and_tell_systemd_when_they_listen_and_when_they_end(
    clinic: ClinicFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with web(clinic) as (child, port):
            assert systemd.recv(200).startswith(b"READY=1\nSTATUS=The pages are served on port ")
            # By any name that the clinic may have; the address alone is no name that the pages answer to.
            assert pages_answer(msgspec.structs.replace(clinic.settings, web_port=port), PATIENCE_S)
            child.process.terminate()
            assert systemd.recv(200) == b"STOPPING=1"


def test_pages_come_over_tls_with_the_clinics_certificate_and_name_no_software(clinic: ClinicFolder) -> None:
    with web(clinic) as (child, port):
        status, headers, page = answer(clinic, port, "/log-in/")
        [style] = re.findall(r'href="(/static/web/page\.\w{12}\.css)"', page)
        kept = answer(clinic, port, style)
        closed = answer(clinic, port, "/c/trondheim/participants/p-secret/")
    assert (status, "server" in headers) == (200, False)
    assert (kept[0], kept[1]["cache-control"]) == (200, "max-age=315360000, public, immutable")
    # Whoever has not logged in learns nothing of who is there.
    assert (closed[0], closed[1]["location"]) == (302, "/log-in/?next=/c/trondheim/participants/p-secret/")
    assert "p-secret" not in child.said
    assert "Warning" not in child.said


def shown_certificate(context: ssl.SSLContext) -> bytes:
    """The certificate that a server with this context shows whoever connects now."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    client = trusting.wrap_bio(to_client, to_server)
    for side in (client, server, client, server):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_is_taken_while_the_pages_are_served_once_its_key_is_there_too(
    clinic: ClinicFolder, tmp_path: Path
) -> None:
    certificate, key = clinic.places.certificate("server"), clinic.places.key("server")
    renewed = make(tmp_path / "renewed").places
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    pair = ReloadedCertificate(context, certificate, key)
    first = shown_certificate(context)
    assert (pair.look(), bool(first)) == (False, True)

    certificate.write_bytes(renewed.certificate("server").read_bytes())
    assert (pair.look(), shown_certificate(context)) == (False, first)
    key.write_bytes(renewed.key("server").read_bytes())
    assert pair.look()
    assert shown_certificate(context) == ssl.PEM_cert_to_DER_cert(renewed.certificate("server").read_text())
    assert not pair.look()


def test_several_processes_serve_the_same_pages(clinic: ClinicFolder) -> None:
    with web(clinic, "--workers", "2") as (child, port):
        assert {answer(clinic, port, "/health/ready")[0] for _ in range(6)} == {200}
        assert child.stop() == 0


def test_figures_of_all_processes_are_told_to_this_computer_alone(clinic: ClinicFolder) -> None:
    with web(clinic, "--workers", "2") as (_, port):
        for _ in range(6):
            answer(clinic, port, "/log-in/")
        answer(clinic, port, "/c/trondheim/participants/p-secret/")
        status, _headers, told = answer(clinic, port, "/health/figures")
        proxied = answer(clinic, port, "/health/figures", {"X-Forwarded-For": "10.0.0.5"})
    assert (status, proxied[0]) == (200, 404)
    assert 'interval_coach_web_answers_total{page="web:log_in",status="200"} 6.0' in told
    assert "p-secret" not in told


def test_no_page_is_served_to_a_host_by_another_name(clinic: ClinicFolder) -> None:
    with web(clinic) as (_, port):
        assert answer(clinic, port, "/log-in/", {"Host": "evil.example"})[0] == 400


def test_plain_http_here_needs_no_certificate_and_stays_here(clinic: ClinicFolder) -> None:
    with web(clinic, "--plain-here") as (_, port):
        status, headers, _page = answer(clinic, port, "/log-in/", tls=False)
        assert (status, "strict-transport-security" in headers) == (200, False)
        assert "__Host-" not in headers["set-cookie"]
        with socket.socket() as one:
            one.settimeout(2)
            assert one.connect_ex((socket.gethostbyname(socket.gethostname()), port)) != 0 or is_loopback(
                socket.gethostbyname(socket.gethostname())
            )
    with pytest.raises(SettingsError, match="loopback"):
        serve(clinic, Serving(address="0.0.0.0", plain_here=True))  # noqa: S104 - that it is refused


def test_only_an_address_or_a_network_is_a_trusted_proxy() -> None:
    assert trusted(()) == ("127.0.0.1", "::1")
    assert trusted(("10.0.0.0/24", "10.1.2.3")) == ("10.0.0.0/24", "10.1.2.3")
    with pytest.raises(SettingsError, match=r"proxy\.example"):
        trusted(("proxy.example",))


def shown(language: str) -> str:
    """The example that docs/operations.md shows in this language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", OPERATIONS.read_text(), re.DOTALL)
    return str(found)


@contextmanager
def proxied(kind: str, clinic: ClinicFolder, folder: Path, behind: int) -> Iterator[int]:
    """The proxy of this kind before the pages, with the documented configuration."""
    program = shutil.which(kind, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        pytest.skip(f"{kind} is not installed; scripts/set-up.sh installs it")
    port, places = free_port(), clinic.places
    text = shown(kind).replace("127.0.0.1:8480", f"127.0.0.1:{behind}")
    text = text.replace("/etc/ssl/coach.pem", str(places.certificate("server")))
    text = text.replace("/etc/ssl/coach.key", str(places.key("server")))
    folder.mkdir(exist_ok=True)
    file = folder / kind
    if kind == "nginx":
        text = re.sub(r"listen 443 ", f"listen 127.0.0.1:{port} ", text).replace("coach.example.no", "localhost")
        temporary = "".join(
            f"{one}_temp_path {folder}/{one};\n" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        file.write_text(
            f"daemon off;\npid {folder}/nginx.pid;\nerror_log stderr;\nuser root;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}{text}\n}}\n"
        )
        words = [program, "-p", str(folder), "-c", str(file)]
    else:
        text = text.replace("coach.example.no", f"https://localhost:{port}")
        file.write_text(f"{{\nadmin off\nauto_https disable_redirects\n}}\n{text}")
        words = [program, "run", "--config", str(file), "--adapter", "caddyfile"]
    env = {**environment(), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with Child(words, folder / "log", env) as child:
        until(lambda: listens(port) or child.process.poll() is not None, PATIENCE_S)
        assert child.process.poll() is None, child.said
        yield port


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_behind_a_proxy_pages_are_secure_and_the_callers_address_is_the_proxys_word(
    kind: str, clinic: ClinicFolder, tmp_path: Path
) -> None:
    with (
        web(clinic, "--behind-proxy", "--address", "127.0.0.1") as (_, behind),
        proxied(kind, clinic, tmp_path / kind, behind) as port,
    ):
        status, headers, page = answer(clinic, port, "/log-in/")
        plain = answer(clinic, behind, "/log-in/", {"Host": "localhost"}, tls=False)
        ready = answer(clinic, port, "/health/ready")
    assert (status, ready[0]) == (200, 200)
    assert "__Host-interval-coach-form" in headers["set-cookie"]
    assert headers["strict-transport-security"].startswith("max-age=63072000")
    assert "<form" in page
    # Without the proxy's word nobody came over TLS: led to HTTPS.
    assert (plain[0], plain[1]["location"]) == (301, "https://localhost/log-in/")


def test_a_proxy_that_is_not_trusted_is_not_believed(clinic: ClinicFolder) -> None:
    write_settings(clinic, msgspec.structs.replace(clinic.settings, trusted_proxies=("192.0.2.1",)))
    with web(clinic, "--behind-proxy", "--address", "127.0.0.1") as (_, behind):
        told = {"Host": "localhost", "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7"}
        assert answer(clinic, behind, "/log-in/", told, tls=False)[0] == 301


def test_a_body_that_is_too_large_is_refused_before_it_is_read(clinic: ClinicFolder) -> None:
    with web(clinic) as (_, port):
        context = ssl.create_default_context(cafile=str(clinic.places.authority))
        connection = HTTPSConnection("localhost", port, timeout=PATIENCE_S, context=context)
        begun = time.monotonic()
        connection.putrequest("POST", "/log-in/")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        assert connection.getresponse().status == 413
        assert time.monotonic() - begun < PATIENCE_S
        connection.close()
