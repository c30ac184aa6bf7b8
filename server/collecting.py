"""A collector for a clinic's folder: its certificate, its subscriptions, its limits."""

import random
from collections.abc import Callable

from server.authority import until_wall_s
from server.broker_link import LinkSettings, tls_context
from server.clinic import Clinic
from server.collector import Collector, CollectorSettings, Step
from server.database import address_of
from server.errors import SettingsError
from sync.topics import Kind, subscription

SHARED = "collectors"
"""The shared subscription's name: collectors that run at the same time divide the sessions among them."""


def collector_for(
    clinic: Clinic, name: str, at: Callable[[Step], None] = lambda _: None, chance: random.Random | None = None
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
    collector = Collector(
        CollectorSettings(
            link=LinkSettings(
                host=settings.broker_host,
                port=settings.broker_port,
                name=name,
                tls=tls_context(str(places.authority), str(certificate), str(key)),
                subscriptions=(
                    (subscription(Kind.SESSION, whose, shared=SHARED), 1),
                    (subscription(Kind.RESULT, whose, shared=SHARED), 1),
                    (subscription(Kind.TAKEN, whose, shared=SHARED), 1),
                    # Not shared: a broker hands retained messages to no shared subscription.
                    (subscription(Kind.STATE, whose), 1),
                ),
                receive_maximum=settings.receive_maximum,
                session_expiry_s=settings.session_expiry_s,
            ),
            batch=settings.batch,
            committers=2 if address_of(clinic).startswith("postgres") else 1,
        ),
        at=at,
        chance=chance,
    )
    collector.figures.certificate_until.set(until_wall_s(certificate) or 0.0)
    return collector
