"""The commands around the pages: serve them, accounts, regions and clinics, the access log."""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from server.clinic_folder.kept_apart import copy_apart
from server.clinic_folder.settings import PLAIN_VARIABLE, ClinicFolder
from server.errors import ServerError

Command = Callable[[str, Callable[[argparse.Namespace], int | None], str], argparse.ArgumentParser]
Open = Callable[[argparse.Namespace], ClinicFolder]

ROLES = ("therapist", "clinic_admin", "coordinator", "researcher", "support")


def add_commands(command: Command, open_clinic: Open, open_for_service: Open) -> None:
    """Add them. `open_clinic` makes Django ready for the folder that was named; a service's folder must be finished."""
    web = command("web", lambda given: _web(given, open_for_service), "serve the web pages")
    web.add_argument("--address", default=None, help="be reached there only (the settings' web_address)")
    web.add_argument("--port", type=int, default=None, help="the pages' port (the settings' web_port, 8443)")
    web.add_argument("--workers", type=int, default=1, metavar="N", help="so many processes (1)")
    plain = web.add_mutually_exclusive_group()
    plain.add_argument("--behind-proxy", action="store_true", help="plain HTTP, for a proxy that holds the certificate")
    plain.add_argument("--plain-here", action="store_true", help="plain HTTP on this computer alone, for a trial")

    account = command("account", lambda given: _account(given, open_clinic), "who may log in to the pages")
    account.add_argument("act", choices=("add", "role", "reset", "close", "open", "list"))
    account.add_argument("name", nargs="?", help="the user name")
    account.add_argument("--role", action="append", choices=ROLES, help="what it may do; several times for several")
    account.add_argument("--clinic", help="where (this folder's own clinic)")
    account.add_argument("--region", help="in all clinics of this region instead")
    account.add_argument("--everywhere", action="store_true", help="in all clinics instead")
    account.add_argument("--first-name", default="")
    account.add_argument("--last-name", default="")

    for kind in ("region", "clinic"):
        one = command(kind, lambda given: _place(given, open_clinic), f"the {kind}s that this server serves")
        one.set_defaults(kind=kind)
        one.add_argument("act", choices=("add", "list"))
        one.add_argument("code", nargs="?", help="its name on the wire and in addresses")
        one.add_argument("--name", default="", help="its name for people")
        if kind == "clinic":
            one.add_argument("--region", help="the code of the region that it belongs to")
            one.add_argument("--time-zone", default="Europe/Oslo")

    person = command("participant", lambda given: _participant(given, open_clinic), "all about one participant")
    person.add_argument("act", choices=("export", "delete"))
    person.add_argument("pseudonym")
    person.add_argument("--clinic", help="where (this folder's own clinic)")
    person.add_argument("--out", type=Path, default=None, help="with export: write to this file")
    person.add_argument("--yes", action="store_true", help="with delete: for ever, without being asked")

    plans = command(
        "hand-out-plans",
        lambda given: _hand_out(given, open_clinic),
        "hand all plans that hold to the machines again",
    )
    plans.add_argument("--clinic", help="where (this folder's own clinic)")
    plans.add_argument("--machine", help="to this machine alone")

    audit = command("audit", lambda given: _audit(given, open_clinic), "the access log: check its chain, export it")
    audit.add_argument("act", choices=("verify", "export"))
    audit.add_argument("--clinic", default="", help="of this clinic only")
    audit.add_argument(
        "--since", default=None, metavar="DAY|EXPORT", help="export: from this day on; verify: compare with this export"
    )
    audit.add_argument("--until", type=date.fromisoformat, default=None, metavar="YYYY-MM-DD")
    audit.add_argument("--csv", action="store_true", help="CSV in place of JSON lines")
    audit.add_argument("--out", type=Path, default=None, help="write to this file, readable by its owner alone")

    demo = command("demo", _demo, "a clinic of made-up people, filled and running, to be looked at")
    demo.add_argument("--port", type=int, default=None, help="the pages' port (8480, or any that is free)")
    demo.add_argument("--people", type=int, default=30, metavar="N", help="how many participants (30)")
    demo.add_argument("--past", type=Path, metavar="FOLDER", help="with the past that --past-only made there")
    demo.add_argument("--past-only", type=Path, metavar="FOLDER", help="make the past alone, while something else runs")
    stays = demo.add_mutually_exclusive_group()
    stays.add_argument("--stay", action="store_true", default=None, help="until Ctrl-C, also where nobody sits here")
    stays.add_argument("--no-stay", action="store_false", dest="stay", help="end once the pages have answered")


def _demo(given: argparse.Namespace) -> int:
    from server.demo.running import ServerDemoSettings, make_past, run  # noqa: PLC0415 - the demo alone needs it

    stay = sys.stdin.isatty() and sys.stdout.isatty() if given.stay is None else given.stay
    folder = given.dir or Path("demo-output") / "filled-clinic"
    people = max(1, given.people)
    settings = ServerDemoSettings(folder=folder, port=given.port, stay=stay, people=people, past=given.past)
    return run(settings, _say) if given.past_only is None else make_past(settings, given.past_only)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ServerError(f"--since {text}: no day. Write it as 2026-11-30.") from error


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _web(given: argparse.Namespace, open_clinic: Open) -> int:
    # The pages' settings depend on how they are served: this is known before Django reads them.
    if given.plain_here:
        os.environ[PLAIN_VARIABLE] = "1"
    clinic = open_clinic(given)
    from server.web.serving import Serving, serve  # noqa: PLC0415 - only where Django is ready

    return serve(
        clinic,
        Serving(
            address=given.address,
            port=given.port,
            workers=max(1, given.workers),
            behind_proxy=given.behind_proxy,
            plain_here=given.plain_here,
        ),
    )


def _account(given: argparse.Namespace, open_clinic: Open) -> int:
    folder = open_clinic(given)
    from server.accounts import commands  # noqa: PLC0415 - only where Django is ready

    if given.act == "list":
        _say(*commands.accounts())
        return 0
    if not given.name:
        sys.stderr.write(f"interval-coach-server: whose? «account {given.act} NAME».\n")
        return 2
    where = commands.RoleScope(
        clinic=None if given.region or given.everywhere else given.clinic or folder.settings.clinic,
        region=given.region,
    )
    match given.act:
        case "add":
            names = (given.first_name, given.last_name)
            secret = commands.add(given.name, given.role or [], where, names)
        case "reset":
            secret = commands.reset(given.name)
        case "role":
            _say(commands.role(given.name, given.role or [], where))
            return 0
        case _:
            _say(commands.set_open(given.name, open_it=given.act == "open"))
            return 0
    _say(
        f"One-time link for «{given.name}», within {commands.LINK_HOURS} h; it is shown only now:",
        f"  {address(folder)}/welcome/{secret}/",
    )
    return 0


def address(folder: ClinicFolder) -> str:
    """Return the address under which browsers reach the pages."""
    settings = folder.settings
    port = "" if settings.web_port == 443 else f":{settings.web_port}"  # noqa: PLR2004 - HTTPS' own port
    return settings.web_url.rstrip("/") or f"https://{settings.host}{port}"


def _place(given: argparse.Namespace, open_clinic: Open) -> int:
    open_clinic(given)
    from server.accounts import commands  # noqa: PLC0415 - only where Django is ready

    if given.act == "list":
        _say(*(commands.regions() if given.kind == "region" else commands.clinics()))
        return 0
    if not given.code:
        sys.stderr.write(f"interval-coach-server: which one? «{given.kind} add CODE».\n")
        return 2
    if given.kind == "region":
        _say(commands.add_region(given.code, given.name or given.code))
    else:
        _say(commands.add_clinic(given.code, given.name or given.code, given.region, given.time_zone))
    return 0


def _participant(given: argparse.Namespace, open_clinic: Open) -> int:
    folder = open_clinic(given)
    from server.documents import commands  # noqa: PLC0415 - only where Django is ready

    code = given.clinic or folder.settings.clinic
    if given.act == "export":
        _say(commands.export(code, given.pseudonym, given.out))
        return 0
    if not given.yes:
        told = commands.describe_deletion(code, given.pseudonym)
        sys.stderr.write(f"interval-coach-server: {told} It cannot be undone. To do it, add --yes.\n")
        return 2
    _say(*commands.delete(code, given.pseudonym))
    return 0


def _hand_out(given: argparse.Namespace, open_clinic: Open) -> None:
    folder = open_clinic(given)
    from server.live import commands  # noqa: PLC0415 - only where Django is ready

    _say(commands.hand_out(given.clinic or folder.settings.clinic, given.machine))


def _audit(given: argparse.Namespace, open_clinic: Open) -> int:
    clinic = open_clinic(given)
    from server.accounts import commands  # noqa: PLC0415 - as above
    from server.audit import export, seal  # noqa: PLC0415 - only where Django is ready
    from server.audit.models import Entry  # noqa: PLC0415 - as above
    from server.audit.record import faults, record  # noqa: PLC0415 - as above

    if given.act == "verify":
        found = list(faults(export.read_hashes(Path(given.since)) if given.since else None))
        count = Entry.objects.count()
        _say(*found, f"{count} lines; {'the chain is broken' if found else 'the chain is whole'}.")
        seal.keep_verdict(seal.Verdict(time.time(), count, len(found)))
        if not found:
            copy_apart(clinic.places.folder, (seal.TAIL_FILE,))
        return 1 if found else 0
    since = _day(given.since) if given.since else None
    record(commands.WHO, "log_exported", of=given.clinic)
    lines = (export.csv_lines if given.csv else export.json_lines)(export.chosen(given.clinic, since, given.until))
    sys.stderr.write(f"{export.describe_end()}\n")
    if given.out is None:
        for line in lines:
            _say(line)
        return 0
    try:
        descriptor = os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ServerError(
            f"{given.out}: cannot be written ({error.strerror}). Name a file that is not there."
        ) from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(f"{line}\n" for line in lines)
    return 0
