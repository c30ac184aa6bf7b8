"""The filled demo clinic as a site under test, and a browser's page that keeps what went wrong on it."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from server.clinic_folder.settings import ClinicFolder, read_clinic
from tests.support.clinic.local_clinic import ROOT, environment, free_port, until
from tests.support.clinic.local_room import inside

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PATIENCE_S = 120.0
PATIENCE_MS = 1000 * PATIENCE_S
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--lang=nb"]
TABLET, PHONE = (1024, 768), (390, 844)
TOTP_KEY = "3132333435363738393031323334353637383930"
KARI_PASSWORD = "stille fjord i november"  # noqa: S105 - somebody who exists in a test alone
KARI = f"""
from django_otp.plugins.otp_totp.models import TOTPDevice
from server.accounts.models import Account, Clinic, Membership
kari = Account.objects.create_user("kari", password={KARI_PASSWORD!r}, first_name="Kari", language="en")
Membership.objects.create(account=kari, role="therapist", clinic=Clinic.objects.get(code="demo"))
TOTPDevice.objects.create(user=kari, name="app", confirmed=True, key={TOTP_KEY!r})
Account.objects.filter(username="demo").update(language="en")
"""
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"


@dataclass
class Site:
    """A demo that runs. `state`: the cookies of somebody who is logged in with every role, in English."""

    address: str
    password: str
    clinic: ClinicFolder
    said: str
    state: dict[str, object] = field(default_factory=dict)

    def at(self, path: str) -> str:
        """The address of a page."""
        return self.address.rstrip("/") + path

    def inside(self, program: str) -> str:
        """Run a few lines beside the server, with its models."""
        return inside(self.clinic, program)


class Demo:
    """`interval-coach-server demo`, started as somebody starts it, and ended as Ctrl-C ends it."""

    def __init__(self, folder: Path, people: int) -> None:
        """Start it."""
        self.folder = folder
        self.log = folder.with_suffix(".log")
        setpriv = shutil.which("setpriv")
        # Whoever started this may be ended in the middle.
        bound = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        # A port of its own: other demos may be starting beside it.
        words = ["demo", "--dir", str(folder), "--people", str(people), "--port", str(free_port()), "--stay"]
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [*bound, sys.executable, "-m", "server", *words], env=environment(), cwd=ROOT, stdout=file, stderr=file
            )

    @property
    def said(self) -> str:
        """What it has said so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def opened(self) -> Site:
        """Wait until it stands. Fails where it ends before."""
        until(lambda: "Ctrl-C ends it" in self.said or self.process.poll() is not None, 900, every_s=0.2)
        assert self.process.poll() is None, self.said
        found = re.search(r"Open +(http://\S+).*Password +(\S+)", self.said, re.DOTALL)
        assert found, self.said
        return Site(found[1], found[2], read_clinic(self.folder), self.said)

    def end(self) -> int:
        """Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def part_of(site: Site, words: str) -> int:
    """Return the process id of a part of the demo, by what stands in its command."""
    demo = int((site.clinic.places.folder / "demo.running").read_text())
    for child in Path(f"/proc/{demo}/task/{demo}/children").read_text().split():
        if words in Path(f"/proc/{child}/cmdline").read_text().replace("\0", " "):
            return int(child)
    raise AssertionError(f"the demo runs no {words}")


def chromium() -> str | None:
    """Where Debian's chromium is; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Watched:
    """A page of a browser, and whatever no page may do: errors in the console, other hosts, answers that fail."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        """A new page in this window."""
        self.context = context
        self.site = site
        self.wrong: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.set_default_navigation_timeout(PATIENCE_MS)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("request", self._request)
        self.forgiven: tuple[str, ...] = ()

    def _console(self, message: ConsoleMessage) -> None:
        # chromium says of each answer that is no 2xx that it «failed to load»; forms with errors answer 422.
        if message.type == "error" and not any(one in message.text for one in (*self.forgiven, "status of 422")):
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.site.address).netloc:
            self.wrong.append(f"another host: {request.url}")

    def goto(self, path: str) -> Page:
        """Open one of the site's pages."""
        answer = self.page.goto(self.site.at(path), wait_until="load")
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"
        return self.page


def watched(browser: Browser, site: Site, *, logged_in: bool = True, size: tuple[int, int] = TABLET) -> Watched:
    """A new window."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        storage_state=site.state if logged_in else None,  # type: ignore[arg-type] # as playwright gave it
        accept_downloads=True,
        locale="nb-NO",
    )
    return Watched(context, site)


def focus_by_tab(page: Page, selector: str) -> None:
    """Press Tab until something that fits has the focus, and see that one can see where the focus is."""
    for _ in range(150):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            outlined = page.evaluate(
                "() => { const s = getComputedStyle(document.activeElement);"
                " return s.outlineStyle !== 'none' || s.boxShadow !== 'none'; }"
            )
            assert outlined, f"nobody sees that {selector} has the focus"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is never reached with Tab")
