"""`interval-coach-server`: make a clinic, let machines in, run the broker, the enrolment service and the collector."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from server.clinic_creation import make_clinic
from server.clinic_folder.database import prepare
from server.clinic_folder.restored_mark import require_no_mark
from server.clinic_folder.settings import DATABASE_VARIABLE, FOLDER_VARIABLE, ClinicFolder, ClinicSettings, read_clinic
from server.commands.web import add_commands
from server.errors import ServerError
from server.installation import commands as system_commands
from server.json_logging import log_fields, log_to
from server.sd_notify import notify_ready, notify_stopping
from sync.errors import SyncError
from sync.wire.topics import ENROLMENT_PORT

_log = logging.getLogger(__name__)

EPILOG = f"""\
The clinic's folder is named by --dir, else by the variable {FOLDER_VARIABLE}, else it is the folder you stand in.
{DATABASE_VARIABLE}, where it is set, takes the place of the settings' database. docs/operations.md tells the rest.
"""

WITHOUT_FOLDER = ("init", "monitoring")
"""Commands that need no clinic's folder, or name it otherwise."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Gives the exit status: 0 done, 1 not done (said on standard error), 2 not understood."""
    given = _parser().parse_args(arguments)
    try:
        status = given.run(given)
    except (ServerError, SyncError) as error:
        sys.stderr.write(f"interval-coach-server: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return int(status or 0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="interval-coach-server",
        description="The clinic's server: receives sessions from the machines and keeps them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.set_defaults(run=run)
        if name in system_commands.WITHOUT_CLINIC:
            system_commands.add_folder(one)
        elif name not in WITHOUT_FOLDER:
            one.add_argument("--dir", type=Path, default=None, help="the clinic's folder")
        return one

    init = command("init", _init, "make a clinic: authority, certificates, broker configuration, database")
    init.add_argument("folder", type=Path, metavar="DIR")
    init.add_argument("--clinic", required=True, help="its name on the wire: small letters, digits, hyphens")
    init.add_argument("--host", required=True, help="name or address by which the machines reach this server")
    init.add_argument("--existing-broker", metavar="HOST", help="a broker stands there: print what it needs")
    init.add_argument("--port", type=int, default=8883, help="the broker's port (8883)")
    init.add_argument(
        "--enrolment-port", type=int, default=ENROLMENT_PORT, help=f"the enrolment service's port ({ENROLMENT_PORT})"
    )
    init.add_argument("--listen", default="", metavar="ADDRESS", help="be reached there only (every address)")
    init.add_argument("--metrics-port", type=int, default=9464, help="the collector's figures, on loopback (9464)")
    init.add_argument("--collectors", type=int, default=1, help="how many collectors get a certificate (1)")
    init.add_argument("--web-workers", type=int, default=4, help="how many web workers get a certificate (4)")
    init.add_argument("--all-clinics", action="store_true", help="a region's server: take every clinic's sessions")

    command("migrate", _migrate, "bring the database to this version; after every upgrade")
    enroll = command("enroll", _enroll, "give a machine a one-time code for its certificate")
    enroll.add_argument("machine", metavar="MACHINE")
    revoke = command("revoke", _revoke, "revoke a machine's certificates; it is cut off at once")
    revoke.add_argument("machine", metavar="MACHINE")
    command("renew", _renew, "renew the server's own certificates where a third of their time is left")
    bridge = command("bridge", _bridge, "on a region's server: certificate and configuration for a clinic's broker")
    bridge.add_argument("clinic", metavar="CLINIC")
    bridge.add_argument("--files", default=None, help="the folder in which these files will lie at the clinic")
    command("machines", _machines, "what each machine last said of itself, and until when its certificate holds")

    sessions = command("sessions", _sessions, "the sessions that are stored; their content is not shown")
    sessions.add_argument("--last", type=int, default=20, metavar="N", help="so many at most (20)")
    sessions.add_argument("--session", metavar="ID", help="this one alone, in all its revisions")
    sessions.add_argument("--json", action="store_true", help="one JSON object a line")

    text = "make the diary's entries from the stored sessions; the collector does it too"
    _entering_options(command("diary", _diary, text))

    command("broker", _broker, "run this clinic's mosquitto, and log what it refuses")
    command("enrol-service", _enrol_service, "answer machines that enrol or renew")
    collect = command("collect", _collect, "receive sessions, store them, and send receipts")
    collect.add_argument(
        "--as", dest="name", default="collector-1", metavar="NAME", help="which collector (collector-1)"
    )
    collect.add_argument("--metrics-port", type=int, default=None, help="for its figures; 0: any")

    add_commands(command, _clinic, _for_service)
    system_commands.add_commands(command)

    for kept, text in (
        ("quarantine", "sessions that a person must look at"),
        ("dead-letters", "messages that nobody could use"),
    ):
        _kept_options(command(kept, _run_quarantine, text), kept)

    _keeping_options(command)
    return parser


def _keeping_options(command: Callable[..., argparse.ArgumentParser]) -> None:
    monitoring = command(
        "monitoring", _monitoring, "write the alerting rules and the dashboard for Prometheus, Grafana"
    )
    monitoring.add_argument("folder", type=Path, metavar="DIR")

    backup = command("backup", _backup, "write database, authority and settings into one file")
    backup.add_argument("file", type=Path, metavar="FILE", help="or a folder, where it is named by the time")
    backup.add_argument(
        "--keep", type=int, metavar="N", help="with a folder: remove all of its backups but the N newest"
    )
    move = command("move-database", _move, "move everything from SQLite into an empty PostgreSQL database")
    move.add_argument(
        "--to", metavar="URL", help="postgresql://…; without it, standard input is asked: no process list"
    )
    restore = command("restore", _restore, "make a clinic's folder and database from a backup")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist yet, or is empty")
    restore.add_argument(
        "--deleted", type=Path, metavar="LIST", help="the newest deleted-participants.json, where none lies with FILE"
    )
    restore.add_argument(
        "--register", type=Path, metavar="LIST", help="the newest certificate-register.json, where none lies with FILE"
    )


def _kept_options(one: argparse.ArgumentParser, kept: str) -> None:
    one.set_defaults(kept=kept)
    one.add_argument("act", choices=("list", "show", "retry", "drop"))
    one.add_argument("number", type=int, nargs="?")
    one.add_argument("--out", type=Path, default=None, help="with show: write the content to this file")


def _entering_options(diary: argparse.ArgumentParser) -> None:
    diary.add_argument("act", choices=("enter",))
    diary.add_argument("--all", action="store_true", help="from the first stored session on")


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _clinic(given: argparse.Namespace) -> ClinicFolder:
    named = given.dir or os.environ.get(FOLDER_VARIABLE) or "."
    clinic = read_clinic(Path(named))
    prepare(clinic)
    return clinic


def _for_service(given: argparse.Namespace) -> ClinicFolder:
    clinic = _clinic(given)
    require_no_mark(clinic.places.folder)
    return clinic


def _init(given: argparse.Namespace) -> None:
    settings = ClinicSettings(
        clinic=given.clinic,
        host=given.host,
        broker="existing" if given.existing_broker else "own",
        broker_host=given.existing_broker or "localhost",
        broker_port=given.port,
        listen_address=given.listen,
        enrolment_port=given.enrolment_port,
        metrics_port=given.metrics_port,
        accepts="all" if given.all_clinics else "own",
    )
    clinic = make_clinic(given.folder, settings, given.collectors, given.web_workers)
    from server.commands.after_restore import finish_restore
    from server.identity.certificates import write_broker_lists

    if told := finish_restore(clinic):
        _say(*told)
        write_broker_lists(clinic)
    folder = clinic.places.folder
    _say(f"The clinic «{clinic.settings.clinic}» is in {folder}.")
    if clinic.settings.broker == "existing":
        from server.broker.configuration import existing_broker

        _say("", existing_broker(clinic))
    _say(
        "Now, each as a service (docs/operations.md):",
        *([f"  interval-coach-server broker --dir {folder}"] if clinic.settings.broker == "own" else []),
        f"  interval-coach-server enrol-service --dir {folder}",
        f"  interval-coach-server collect --dir {folder}",
        f"  interval-coach-server web --dir {folder}",
        "for the first who logs in, who lets the others in:",
        f"  interval-coach-server account add NAME --role clinic_admin --dir {folder}",
        "and for each machine:",
        f"  interval-coach-server enroll MACHINE --dir {folder}",
        f"Back up {folder}: without the authority's key every machine must be enrolled anew.",
    )


def _migrate(given: argparse.Namespace) -> None:
    from django.core.management import call_command

    from server.clinic_folder.time_limits import lift_time_limits

    clinic = _clinic(given)
    lift_time_limits()
    call_command("migrate", verbosity=0)
    _say("The database is up to date.")
    from server.commands.after_restore import finish_restore

    # A backup that was restored may be older than a deletion or a revocation.
    _say(*finish_restore(clinic))
    if clinic.settings.broker == "own":
        from server.identity.certificates import write_broker_lists

        # A version may know topics that the one before did not.
        told = write_broker_lists(clinic)
        _say(f"The broker's access list is up to date{', and the broker reads it' if told else ''}.")


def _enroll(given: argparse.Namespace) -> None:
    clinic = _clinic(given)
    from server.identity.certificates import new_code

    code = new_code(clinic, given.machine)
    hours = clinic.settings.code_minutes / 60
    port = "" if clinic.settings.enrolment_port == ENROLMENT_PORT else f":{clinic.settings.enrolment_port}"
    _say(
        f"Code for «{given.machine}», once, within {hours:g} h:",
        f"  {code}",
        "On the machine (it asks for the code, so that it stands in no list of processes):",
        f"  interval-coach enrol --server {clinic.settings.host}{port}",
    )


def _revoke(given: argparse.Namespace) -> int:
    clinic = _clinic(given)
    from server.identity.certificates import revoke

    done = revoke(clinic, given.machine)
    _say(f"«{given.machine}»: {done.certificates} certificate(s) revoked.")
    if clinic.settings.broker == "existing":
        _say(f"Hand {clinic.places.revoked} to your broker now, and have it cut the machine's connection.")
    elif done.cut_off:
        _say("It is refused from now on, and has no open connection.")
    elif not done.broker_told:
        _say("The broker does not run here; it reads the new lists when it starts. Elsewhere: send it SIGHUP.")
    return 0


def _renew(given: argparse.Namespace) -> None:
    clinic = _clinic(given)
    from server.identity import certificates

    renewed = certificates.own_certificates(clinic, certificates.own_names(clinic))
    certificates.write_broker_lists(clinic)
    _say(f"Renewed: {', '.join(renewed)}." if renewed else "Nothing had to be renewed.")


def _bridge(given: argparse.Namespace) -> None:
    clinic = _clinic(given)
    from server.broker.configuration import bridge_configuration
    from server.clinic_folder.atomic_file import PRIVATE, PUBLIC, atomic_write, private_folder
    from server.identity.certificates import own_certificates, write_broker_lists
    from sync.wire.topics import require_name

    name = f"bridge-{require_name(given.clinic, 'clinic')}"
    own_certificates(clinic, [name])
    write_broker_lists(clinic)
    places = clinic.places
    out = places.folder / "bridges" / name
    files = given.files or str(out)
    private_folder(out)
    for path, mode in ((places.certificate(name), PUBLIC), (places.key(name), PRIVATE), (places.authority, PUBLIC)):
        atomic_write(out / path.name, path.read_bytes(), mode)
    atomic_write(out / "region.conf", bridge_configuration(clinic, name, files).encode(), PUBLIC)
    _say(
        f"In {out} is what the clinic needs, one of it a private key: hand it over accordingly.",
        f"There the files lie in {files}, and region.conf goes into the clinic's broker/more.d/.",
    )


def _machines(given: argparse.Namespace) -> None:
    _clinic(given)
    from server.commands.machines import lines

    _say(*lines())


def _sessions(given: argparse.Namespace) -> None:
    _clinic(given)
    from server.commands.sessions import json_lines, lines, stored

    found = stored(max(1, given.last), given.session)
    _say(*(json_lines(found) if given.json else lines(found)))


def _diary(given: argparse.Namespace) -> None:
    _clinic(given)
    from server.diary.ingest import enter_all, enter_waiting

    seen = enter_all() if given.all else enter_waiting()
    _say(f"{seen} stored session(s) looked at; the diary is up to date.")


def _run_quarantine(given: argparse.Namespace) -> int:
    _clinic(given)
    from server.commands import quarantine

    if given.act == "list":
        _say(*quarantine.list_rows(given.kept))
        return 0
    if given.number is None:
        sys.stderr.write(f"interval-coach-server: which one? «{given.kept} list» shows the numbers.\n")
        return 2
    match given.act:
        case "show":
            _say(*quarantine.show_row(given.kept, given.number, given.out))
        case "retry":
            _say(quarantine.retry_row(given.kept, given.number))
        case _:
            _say(quarantine.drop_row(given.kept, given.number))
    return 0


def _monitoring(given: argparse.Namespace) -> None:
    from server.monitoring import write_monitoring

    _say(*(f"Written: {path}" for path in write_monitoring(given.folder)))


def _backup(given: argparse.Namespace) -> None:
    clinic = _clinic(given)
    from server.commands.backup import back_up, back_up_into

    if given.file.is_dir():
        _say(*back_up_into(clinic, given.file, given.keep))
    else:
        _say(back_up(clinic, given.file))


def _move(given: argparse.Namespace) -> None:
    clinic = _clinic(given)
    from server.commands.move import move_to

    address = given.to or sys.stdin.readline().strip()
    _say(*move_to(clinic, address))


def _restore(given: argparse.Namespace) -> None:
    from server.commands.backup import restore

    _say(restore(given.file, given.folder, given.deleted, given.register))


@contextlib.contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM and SIGINT set."""
    stopping = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        stopping.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _broker(given: argparse.Namespace) -> int:
    clinic = _for_service(given)
    port = clinic.settings.broker_port
    log_to()
    from server.broker.process import run_broker

    with _until_told() as stopping:
        return run_broker(
            clinic, stopping, lambda: notify_ready(f"The broker listens on port {port}."), notify_stopping
        )


def _enrol_service(given: argparse.Namespace) -> None:
    clinic = _for_service(given)
    log_to()
    from server.identity.enrol_service import EnrolService, keep_own_certificates

    with _until_told() as stopping, EnrolService(clinic) as service:
        threading.Thread(target=service.serve_forever, name="enrolment", daemon=True).start()
        threading.Thread(target=keep_own_certificates, args=(clinic, service, stopping), daemon=True).start()
        _log.info("enrolment service listens", extra=log_fields(port=int(service.server_address[1])))
        notify_ready(f"Machines enrol on port {int(service.server_address[1])}.")
        while not stopping.wait(1.0):
            pass
        notify_stopping()
        service.shutdown()


def _collect(given: argparse.Namespace) -> int:
    clinic = _for_service(given)
    log_to()
    from server.collector.factory import collector_for
    from server.identity.certificates import adopt_own_certificates, write_broker_lists

    if adopted := adopt_own_certificates(clinic):
        _log.warning("the database did not know these of the server's own certificates: %s", ", ".join(adopted))
        write_broker_lists(clinic)
    collector = collector_for(clinic, given.name)
    with _until_told() as stopping:
        port = clinic.settings.metrics_port if given.metrics_port is None else given.metrics_port
        served = collector.figures.serve(clinic.settings.metrics_address, port)
        collector.start()
        _log.info("collector started", extra=log_fields(name=given.name, metrics_port=served))
        notify_ready(f"{given.name} receives; its figures are on port {served}.")
        while not stopping.wait(1.0) and collector.alive:
            pass
        notify_stopping()
        collector.stop()
    _log.info("collector stopped")
    return 0 if stopping.is_set() else 1
