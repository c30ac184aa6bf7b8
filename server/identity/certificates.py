"""Who may connect: enrolment by a one-time code, renewal, revocation, and the server's own certificates.

The database tells which certificates were given and revoked; the broker's lists are written from it.
"""

import hashlib
import os
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from msgspec import Struct

from server.broker.configuration import access_list, configuration, told_to_reload
from server.clinic_folder.atomic_file import PUBLIC, atomic_write
from server.clinic_folder.settings import ClinicFolder, require_machine_name
from server.errors import IdentityError
from server.identity import disconnecting, flooding
from server.identity.certificate_authority import Authority, IssuedCertificate, key_mark, names_hosts, until_wall_s
from server.identity.registering import write_register
from server.models import Certificate, EnrolmentCode, PlanOnMachine
from sync.wire import messages
from sync.wire.enrolment import SECRET_BYTES, CodeError, OneTimeCode, authority_mark, read_code, write_code

RENEW_WHEN_LEFT = 1 / 3
"""The share of a certificate's time that is left when it is renewed."""

GRACE_S = 3 * 86_400.0
"""So long a certificate still serves after it was renewed: a machine that missed the answer asks again each day."""

_OWN = ("collector-", "web-", "bridge-")
"""How the names of the server's own clients of the broker begin."""

MOST_RENEWALS = 4
RENEWALS_WITHIN_S = 86_400.0


class Revocation(Struct, frozen=True):
    """What a revocation did. `broker_told`: the running broker has read the new lists.

    `cut_off`: the broker was reached, and no connection under this name is open now.
    """

    certificates: int
    broker_told: bool
    cut_off: bool


def new_code(clinic: ClinicFolder, machine: str) -> str:
    """Return a one-time code for a machine; its earlier unused codes are void. Raises SettingsError."""
    require_machine_name(machine)
    secret = os.urandom(SECRET_BYTES)
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    EnrolmentCode.objects.filter(machine=machine, used_wall_s=None).delete()
    EnrolmentCode.objects.create(
        code_sha256=_hash(secret), machine=machine, until_wall_s=time.time() + 60 * clinic.settings.code_minutes
    )
    return write_code(OneTimeCode(secret, authority_mark(authority.pem)))


def enrol(clinic: ClinicFolder, request: messages.EnrolRequest) -> messages.Enrolled:
    """Answer a machine that shows its code. Raises IdentityError."""
    try:
        code = read_code(request.code)
    except CodeError as error:
        raise IdentityError("unknown_code", str(error)) from error
    mark = key_mark(request.request_pem)
    with transaction.atomic():
        found = EnrolmentCode.objects.select_for_update().filter(code_sha256=_hash(code.secret)).first()
        if found is None:
            raise IdentityError("unknown_code", "There is no such code. Ask for a new one.")
        if found.until_wall_s < time.time():
            raise IdentityError("expired_code", "The code is no longer valid. Ask for a new one.")
        if found.used_wall_s is not None and found.public_key_sha256 != mark:
            raise IdentityError("used_code", "The code has been used. Ask for a new one.")
        if found.used_wall_s is None:
            given = _give(clinic, found.machine, request.request_pem)
            found.used_wall_s = time.time()
            found.public_key_sha256 = mark
            found.certificate_pem = given.pem
            found.save()
            # The card of the old machine may be in other hands.
            _end_earlier(found.machine, given, time.time())
    write_broker_lists(clinic, where_changed=True)
    if clinic.settings.broker == "own" and _had_earlier(found.machine):
        disconnecting.end_connection_later(clinic, found.machine)
    return _enrolled(clinic, found.machine, found.certificate_pem)


def renew(clinic: ClinicFolder, machine: str, serial: str, request: messages.RenewRequest) -> messages.Enrolled:
    """Answer a machine that shows the certificate in force, `serial`. Raises IdentityError."""
    known = Certificate.objects.filter(serial=serial.lower().lstrip("0"), name=machine).first()
    now_s = time.time()
    if known is None or not _in_force(now_s).filter(pk=known.pk).exists():
        raise IdentityError("revoked", "This certificate is revoked, or not ours. Enrol the machine anew.")
    if Certificate.objects.filter(name=machine, given_wall_s__gt=now_s - RENEWALS_WITHIN_S).count() >= MOST_RENEWALS:
        raise IdentityError("too_many", "This machine got several certificates today. Try again tomorrow.")
    with transaction.atomic():
        given = _give(clinic, machine, request.request_pem)
        _end_earlier(machine, given, now_s + GRACE_S)
    write_register(clinic.places.folder)
    return _enrolled(clinic, machine, given.pem)


def revoke(clinic: ClinicFolder, machine: str) -> Revocation:
    """Revoke all certificates and codes of a machine. It is refused from now on, and cut off where it is connected."""
    now_s = time.time()
    count = _in_force(now_s).filter(name=machine).update(revoked_wall_s=now_s)
    if not Certificate.objects.filter(name=machine).exists():
        # A restored database may not know what was given since its backup: the access list shuts out by the name.
        mark = hashlib.sha256(machine.encode()).hexdigest()[:32].lstrip("0")
        Certificate.objects.create(
            serial=mark, name=machine, given_wall_s=now_s, until_wall_s=now_s, revoked_wall_s=now_s
        )
    EnrolmentCode.objects.filter(machine=machine).delete()
    # It never says again what it has.
    PlanOnMachine.objects.filter(clinic=clinic.settings.clinic, machine=machine).delete()
    told = write_broker_lists(clinic)
    return Revocation(count, told, disconnecting.end_connection(clinic, machine))


def write_broker_lists(clinic: ClinicFolder, *, where_changed: bool = False) -> bool:
    """Write the revoked certificates and the access list, and have the broker read them. Gives whether it did.

    `where_changed`: do nothing where both lists say the same as before. Each reading is a risk: mosquitto 2.0.11 can
    die of SIGHUP while clients connect (eclipse-mosquitto issues 849, 965, 1424), as after a restart of the broker.
    """
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    adopt_own_certificates(clinic)
    write_register(clinic.places.folder)
    revoked = Certificate.objects.exclude(revoked_wall_s=None).values_list("serial", "revoked_wall_s")
    now_s = time.time()
    serials = [(serial, when_s) for serial, when_s in revoked if when_s is not None and when_s <= now_s]
    # What another database revoked stays revoked, when the clinic has changed to this one.
    earlier = authority.listed_as_revoked(clinic.places.revoked)
    known = set(Certificate.objects.filter(serial__in=earlier).values_list("serial", flat=True))
    serials += [(serial, when_s) for serial, when_s in earlier.items() if serial not in known]
    if where_changed and {serial for serial, _when_s in serials} == set(earlier) and _access_holds(clinic):
        return False
    atomic_write(clinic.places.revoked, authority.revoked_list(serials, datetime.now(UTC)))
    return write_access_list(clinic)


def write_access_list(clinic: ClinicFolder) -> bool:
    """Write the access list alone, and have the broker read it. Gives whether it did."""
    if clinic.settings.broker == "existing":
        return False
    atomic_write(clinic.places.broker_access, _access_text(clinic).encode(), PUBLIC)
    return told_to_reload(clinic.places.broker_pid)


def _access_holds(clinic: ClinicFolder) -> bool:
    if clinic.settings.broker == "existing":
        return True
    try:
        return clinic.places.broker_access.read_text(encoding="utf-8") == _access_text(clinic)
    except OSError:
        return False


def _access_text(clinic: ClinicFolder) -> str:
    now_s = time.time()
    names = set(Certificate.objects.values_list("name", flat=True))
    in_force = set(_in_force(now_s).values_list("name", flat=True))
    return access_list(
        clinic,
        collectors=[name for name in in_force if name.startswith("collector-")],
        webs=[name for name in in_force if name.startswith("web-")],
        bridges=[name for name in in_force if name.startswith("bridge-")],
        shut_out=(names - in_force) | flooding.shut_out_now(clinic, now_s),
    )


def adopt_own_certificates(clinic: ClinicFolder) -> list[str]:
    """Record the server's own certificates that the folder has and the database lacks; return their names.

    So it is after `database` was changed to an empty one: the broker's list would name no collector and no web worker,
    and nothing that machines send would arrive.
    """
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    earlier = authority.listed_as_revoked(clinic.places.revoked)
    adopted = []
    for name in own_names(clinic):
        if name != "server" and not name.startswith(_OWN):
            continue
        given = authority.issued(clinic.places.certificate(name))
        if given is None or given.name != name or given.serial in earlier:
            continue
        if not Certificate.objects.filter(serial=given.serial).exists():
            _record(given)
            adopted.append(name)
    return adopted


def ended_between(since_wall_s: float, until_wall_s: float) -> bool:
    """Return whether the grace of a renewed certificate ended in this time, so that the lists must be written."""
    return Certificate.objects.filter(revoked_wall_s__gt=since_wall_s, revoked_wall_s__lte=until_wall_s).exists()


def _in_force(now_s: float) -> QuerySet[Certificate]:
    return Certificate.objects.filter(Q(revoked_wall_s=None) | Q(revoked_wall_s__gt=now_s))


def _end_earlier(machine: str, given: IssuedCertificate, at_wall_s: float) -> None:
    """End a machine's certificates but the one just given, at this time or at the earlier one that is set already."""
    earlier = _in_force(at_wall_s).filter(name=machine).exclude(serial=given.serial)
    earlier.update(revoked_wall_s=at_wall_s)


def _had_earlier(machine: str) -> bool:
    """Return whether the machine had a certificate before its newest one: a connection may stand under it.

    Where there is none, the connection that would be ended is the new one's own.
    """
    return Certificate.objects.filter(name=machine).count() > 1


def write_broker_configuration(clinic: ClinicFolder) -> None:
    """Write mosquitto's configuration and the folders that it names."""
    for folder in ("store", "more.d"):
        (clinic.places.broker / folder).mkdir(parents=True, exist_ok=True)
    atomic_write(clinic.places.broker_configuration, configuration(clinic).encode(), PUBLIC)


def own_certificates(clinic: ClinicFolder, names: Iterable[str]) -> list[str]:
    """Give these of the server's own a certificate where one is missing or has a third of its time left.

    Gives the names of those that got one.
    """
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    now = datetime.now(UTC)
    renewed = []
    for name in names:
        hosts = _hosts(clinic) if name == "server" else ()
        path = clinic.places.certificate(name)
        until_s = until_wall_s(path)
        left_s = -1.0 if until_s is None else until_s - now.timestamp()
        if left_s > RENEW_WHEN_LEFT * 86_400 * clinic.settings.certificate_days and names_all(clinic, name):
            continue
        _record(authority.give_own(name, clinic.places, clinic.settings.certificate_days, now, hosts))
        renewed.append(name)
    return renewed


def names_all(clinic: ClinicFolder, name: str) -> bool:
    """Whether the server's certificate names each host by which it is reached now; others name none."""
    return name != "server" or names_hosts(clinic.places.certificate(name), _hosts(clinic))


def own_names(clinic: ClinicFolder) -> list[str]:
    """Return the server and the collectors, web workers and bridges that have a key here."""
    return sorted(path.stem for path in clinic.places.key("server").parent.glob("*.key"))


def _give(clinic: ClinicFolder, machine: str, request_pem: str) -> IssuedCertificate:
    authority = Authority.read(clinic.settings.clinic, clinic.places)
    given = authority.give(machine, request_pem, clinic.settings.certificate_days, datetime.now(UTC))
    _record(given)
    return given


def _record(given: IssuedCertificate) -> None:
    Certificate.objects.create(
        serial=given.serial, name=given.name, given_wall_s=given.given_wall_s, until_wall_s=given.until_wall_s
    )


def _enrolled(clinic: ClinicFolder, machine: str, certificate_pem: str) -> messages.Enrolled:
    return messages.Enrolled(
        clinic=clinic.settings.clinic,
        machine=machine,
        certificate_pem=certificate_pem,
        authority_pem=clinic.places.authority.read_text(),
        broker_host=clinic.settings.host if clinic.settings.broker == "own" else clinic.settings.broker_host,
        broker_port=clinic.settings.broker_port,
    )


def _hosts(clinic: ClinicFolder) -> tuple[str, ...]:
    return tuple(dict.fromkeys((clinic.settings.host, clinic.settings.broker_host, "localhost", "127.0.0.1", "::1")))


def _hash(secret: bytes) -> str:
    """Return the plain hash. It is enough: the secret is 80 random bits, and no list of likely ones exists."""
    return hashlib.sha256(secret).hexdigest()
