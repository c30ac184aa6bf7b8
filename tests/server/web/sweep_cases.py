"""With what the sweep over all pages asks: an example for each parameter of an address, at two clinics.

The sweep finds every URL by itself. A new parameter needs one line in `PARAMETERS`: by its name, or, where one name
means different things in different rooms, by `<room>:<page>.<parameter>`; and the thing it names made in `stocked`.
`PUBLIC` names every page that anyone may see: a page that is not there and asks for nothing fails the sweep.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from time import time as wall_s

import msgspec

from server.accounts.models import Account, Clinic
from server.appointments.models import Appointment, FixedTime
from server.assessment.models import CourseMeasurement
from server.collector import parser, store
from server.diary.ingest import enter_waiting
from server.documents.models import ProcedureCode, ResearchRelease
from server.models import Certificate, MachineState
from server.people.models import Course, Participant
from sync.wire.codec import encode_session
from sync.wire.messages import ClocksAt
from sync.wire.sample_columns import samples_of
from tests.support.broker.delivery_factory import delivery
from tests.support.machine import session_factory

PUBLIC = {
    "web:log_in",
    "web:provider",
    "web:provider_back",
    "web:provider_ended",
    "web:welcome",
    "web:language",
    "calendar:feed",
    "drafts:state",
    "drafts:keep",
    "health:live",
    "health:ready",
    "health:figures",
}


@dataclass(frozen=True)
class Ground:
    """What there is at one clinic, each by what an address calls it."""

    clinic: str
    pseudonym: str
    machine: str
    session_id: str
    course: int
    account: int
    code: int
    release: int
    measurement: int
    fixed: int
    appointment: int


PARAMETERS: dict[str, Callable[[Ground], object]] = {
    "clinic": lambda at: at.clinic,
    "pseudonym": lambda at: at.pseudonym,
    "machine": lambda at: at.machine,
    "session_id": lambda at: at.session_id,
    "course": lambda at: at.course,
    "code": lambda at: at.code,
    "release": lambda at: at.release,
    "measurement": lambda at: at.measurement,
    "fixed": lambda at: at.fixed,
    "appointment": lambda at: at.appointment,
    "calendar:feed.secret": lambda _at: "no-such-secret",
    "clinics:account.number": lambda at: at.account,
    "clinics:reset_account.number": lambda at: at.account,
    "clinics:close_account.number": lambda at: at.account,
    "clinics:open_account.number": lambda at: at.account,
    "clinics:decide_roles.number": lambda at: at.account,
    "web:welcome.secret": lambda _at: "no-such-secret",
}

ABSENT = {"calendar:feed", "web:welcome", "web:provider", "web:provider_back"}
"""Pages that answer 404 though one may see them: there is no such link, and no provider is set."""


def stocked(clinic: Clinic, number: int, account: str) -> Ground:
    """Make one of each thing at a clinic; `number` tells two clinics' things apart."""
    person = Participant.objects.filter(clinic=clinic).order_by("pseudonym")[0]
    made = delivery(number, clinic=clinic.code, machine=f"machine-{number}", seed=0)
    at_wall_s = datetime(2026, 3, 4, 10, tzinfo=UTC).timestamp()
    clocks = msgspec.structs.replace(made.clocks[0].clocks, wall_s=at_wall_s)
    summary = msgspec.structs.replace(made.summary, participant=person.pseudonym)
    made = msgspec.structs.replace(
        made,
        participant=person.pseudonym,
        summary=summary,
        samples=samples_of(session_factory.messages(), session_factory.events()),
        clocks=(ClocksAt(0.0, clocks),),
    )
    topic = f"ic/1/{made.clinic}/{made.machine}/session/{made.session_id}"
    store.commit([parser.arrival(topic, encode_session(made))])
    enter_waiting()
    MachineState.objects.create(
        clinic=clinic.code,
        machine=made.machine,
        online=True,
        connection=7,
        waiting=2,
        state={
            "software": {"interval_coach": "0.1.0", "python": "3.11", "system": "Debian 12"},
            "findings": [{"code": "certificate_soon", "detail": "", "since_wall_s": at_wall_s}],
        },
        heard_wall_s=wall_s(),
    )
    Certificate.objects.create(
        serial=f"{number:x}", name=made.machine, given_wall_s=at_wall_s, until_wall_s=wall_s() + 86_400
    )
    course = Course.objects.create(participant=person, begins_on=date(2026, 3, 1))
    release = ResearchRelease.objects.create(
        question=f"Question {number}", question_key=str(number), fields=[], people=5, sessions=5, cells=1,
        smallest_cell=5, salt="", sha256="", content=b"PK",
    )  # fmt: skip
    release.clinics.add(clinic)
    return Ground(
        clinic=clinic.code,
        pseudonym=person.pseudonym,
        machine=made.machine,
        session_id=str(made.session_id),
        course=course.pk,
        account=Account.objects.get(username=account).pk,
        code=ProcedureCode.objects.create(clinic=clinic, code="T1", text="Training").pk,
        release=release.pk,
        fixed=FixedTime.objects.create(
            clinic=clinic, weekday=0, begins=time(9), machine=made.machine, begun_on=date(2026, 3, 1)
        ).pk,
        appointment=Appointment.objects.create(
            clinic=clinic, participant=person, begins_at=datetime(2026, 3, 4, 10, tzinfo=UTC), on=date(2026, 3, 4)
        ).pk,
        measurement=CourseMeasurement.objects.create(
            participant=person, kind="weight", value=80.0, taken_on=date(2026, 3, 1)
        ).pk,
    )
