"""A collector for a clinic's folder: its certificate, its subscriptions, its limits."""

import random
import secrets
from collections.abc import Callable

from server.broker.mqtt_client import LinkSettings, tls_context
from server.broker.process import doubles_file
from server.clinic_folder.atomic_file import PRIVATE, write_once
from server.clinic_folder.database import address_of
from server.clinic_folder.name_times import read_name_times
from server.clinic_folder.settings import ClinicFolder
from server.collector.service import Collector, CollectorSettings, Step
from server.errors import SettingsError
from server.identity import flooding
from server.identity.certificate_authority import until_wall_s
from server.identity.certificates import write_access_list
from sync.wire.topics import NAME, Kind, subscription

OPEN_GROUP = "collectors"
"""The group's name in earlier versions. A broker keeps that subscription with a collector's session until it ends."""

_SHARED_KINDS = (Kind.SESSION, Kind.RESULT, Kind.TAKEN)


def read_shared_group(clinic: ClinicFolder) -> str:
    """Return the name of the shared subscription, by which collectors divide the sessions among them; make it first.

    The name is random and known to collectors alone. A broker may let any client join any group (mosquitto's access
    list is not asked at SUBSCRIBE), and what it hands to a member who may not read it is gone: a machine that knew the
    name could take its share of everybody's sessions.
    """
    write_once(clinic.places.shared_group, f"c-{secrets.token_hex(15)}".encode(), PRIVATE)
    return clinic.places.shared_group.read_text().strip()


class BrokerGate:
    """Shuts out a machine that floods, where the broker is the clinic's own."""

    def __init__(self, clinic: ClinicFolder) -> None:
        """Keep the clinic's folder."""
        self._clinic = clinic

    def shut_out(self, machine: str) -> bool:
        """Shut out a machine, named by clinic and name, for a minute. Return whether the broker does so."""
        clinic, _, name = machine.partition("/")
        if self._clinic.settings.broker != "own" or clinic != self._clinic.settings.clinic or not NAME.match(name):
            return False
        flooding.shut_out(self._clinic, name)
        return write_access_list(self._clinic)

    def let_in_again(self) -> None:
        """Let in those whose minute is over."""
        if self._clinic.settings.broker == "own" and flooding.let_in_again(self._clinic):
            write_access_list(self._clinic)

    def doubled(self) -> dict[tuple[str, str], float]:
        """Return by clinic and name the machines whose name two clients used, and the wall time when that was seen."""
        clinic = self._clinic.settings.clinic
        return {(clinic, name): at_s for name, at_s in read_name_times(doubles_file(self._clinic)).items()}


def collector_for(
    clinic: ClinicFolder, name: str, at: Callable[[Step], None] = lambda _: None, chance: random.Random | None = None
) -> Collector:
    """Collector `name`, which has a certificate in the clinic's folder; `at`: see Collector. Raises SettingsError."""
    places, settings = clinic.places, clinic.settings
    certificate, key = places.certificate(name), places.key(name)
    if not name.startswith("collector-") or not certificate.exists() or not key.exists():
        raise SettingsError(
            f"There is no certificate for «{name}» in {certificate.parent}. Run «interval-coach-server init» again "
            "with --collectors and a higher number."
        )
    whose = settings.clinic if settings.accepts == "own" else "+"
    group = read_shared_group(clinic)
    collector = Collector(
        CollectorSettings(
            link=LinkSettings(
                host=settings.broker_host,
                port=settings.broker_port,
                name=name,
                tls=tls_context(str(places.authority), str(certificate), str(key)),
                subscriptions=(
                    *((subscription(kind, whose, shared=group), 1) for kind in _SHARED_KINDS),
                    # Not shared: a broker hands retained messages to no shared subscription.
                    (subscription(Kind.STATE, whose), 1),
                    (subscription(Kind.SESSION, settings.clinic, name), 1),
                ),
                left=tuple(subscription(kind, whose, shared=OPEN_GROUP) for kind in _SHARED_KINDS),
                receive_maximum=settings.receive_maximum,
                session_expiry_s=settings.session_expiry_s,
            ),
            batch=settings.batch,
            probe=f"ic/1/{settings.clinic}/{name}",
            committers=2 if address_of(clinic).startswith("postgres") else 1,
        ),
        at=at,
        chance=chance,
        gate=BrokerGate(clinic),
    )
    collector.figures.certificate_until.set(until_wall_s(certificate) or 0.0)
    return collector
