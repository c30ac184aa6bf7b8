"""A participant's package from one clinic to another: what is in it, and taking it in.

`server.documents.export.transfer_file` is the encrypted file around it. The ZIP holds package.json (`Package`) and, as
they were delivered, sessions/<id>.<revision>. At the other clinic the participant gets a fresh pseudonym, or is merged
with the participant who is there already, and each session an id of its own that follows from its first one and the
clinic: the same session twice is found, and on one server both clinics have theirs. Nothing is written before all is
read.
"""

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID, uuid4, uuid5

import msgspec
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from coach.model.plan import SLOWEST_KMH
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.assessment.models import Clearance, CourseMeasurement
from server.audit.record import record
from server.diary.ingest import adopt, enter_waiting
from server.diary.models import DiaryEntry, ImportedSession
from server.documents.errors import HandoverError
from server.documents.export import transfer_file
from server.documents.models import TakenOver
from server.models import Session
from server.people.models import Course, Note, Participant, PlanVersion
from server.people.participant_service import new_pseudonym
from sync.wire.codec import read_session
from sync.wire.envelope import Unreadable
from sync.wire.ranges import find_out_of_range

FORMAT = 1
_SPACE = UUID("3c2f6f0c-2a0e-5a53-8f6b-1f6c0d6a7b11")
MADE, TAKEN = "papers.handed_over", "papers.taken_over"


class PlanTold(Struct, frozen=True, kw_only=True):
    """A version of the plan; fields as in `server.people.models.PlanVersion`."""

    version: int
    made_at: datetime
    protocol: str
    mode: str
    hr_max_bpm: float | None
    hr_max_source: str
    hr_max_set_on: date | None
    ceiling_bpm: float | None
    start_speed_kmh: float | None
    start_incline_percent: float | None
    speed_step_kmh: float
    max_speed_kmh: float
    weekly_cap: int | None
    rest_hours: float
    cap_released: bool
    early_warm_up_end: bool
    exertion_when_lost: bool
    questions: list[str]
    valid_until: date | None
    withdrawn: bool
    reason: str
    slowest_kmh: float = SLOWEST_KMH
    ask_after: str = "every_interval"
    closed_after_yes_h: float = 24.0


class CourseTold(Struct, frozen=True, kw_only=True):
    """A course; fields as in `server.people.models.Course`."""

    begins_on: date
    weeks: int
    sessions: int
    ended_on: date | None


class ClearanceTold(Struct, frozen=True, kw_only=True):
    """A clearance; fields as in `server.assessment.models.Clearance`."""

    cleared_by: str
    profession: str
    cleared_on: date
    effort: str
    list_version: str
    list_name: str
    restrictions: str
    medicines: str
    beta_blocker: bool | None
    valid_until: date
    renewal_asked_at: datetime | None
    renewal_code: str
    renewal_answer: str
    renewal_answered_at: datetime | None


class MeasurementTold(Struct, frozen=True, kw_only=True):
    """A measurement; fields as in `server.assessment.models.CourseMeasurement`."""

    kind: str
    value: float
    second: float | None
    taken_on: date
    moment: str
    note: str


class NoteTold(Struct, frozen=True, kw_only=True):
    """A note that was chosen to go along. `session_id`: as it was at the clinic that sends it."""

    text: str
    made_at: datetime
    session_id: str | None


class SessionTold(Struct, frozen=True, kw_only=True):
    """A session: what its row says. `file`: the sealed delivery's name in the ZIP; None where the raw data is gone.

    `trained_at`, `trained_at_name`, `first_id`: clinic and id under which it was trained, where that was not the clinic
    that sends it.
    """

    session_id: str
    revision: int
    sha256: str
    machine: str
    protocol: str
    begun_wall_s: float
    clock_trusted: bool
    completed: bool
    summary: dict[str, object]
    format: int
    flaw: str
    stored_wall_s: float
    file: str | None
    trained_at: str = ""
    trained_at_name: str = ""
    first_id: str = ""


class Package(Struct, frozen=True, kw_only=True):
    """What package.json holds. Names are in it: it travels encrypted, and to somebody who will know the person."""

    format: int = FORMAT
    package_id: str
    made_at: datetime
    from_clinic: str
    from_clinic_name: str
    from_pseudonym: str
    name: str
    nickname: str
    picture: str
    birth_year: int
    sex: str
    language: str
    plans: list[PlanTold]
    courses: list[CourseTold]
    notes: list[NoteTold]
    sessions: list[SessionTold]
    clearances: list[ClearanceTold] = []
    measurements: list[MeasurementTold] = []


class Opened(Struct, frozen=True):
    """A package that was read through, with its sealed deliveries. `sender`: fingerprint of who signed it, or empty."""

    package: Package
    payloads: dict[str, bytes]
    sender: str = ""


class TransferMatch(Struct, frozen=True):
    """A participant who is here already and is, or may be, the person of a package. `sure`: by sessions or origin."""

    participant: Participant
    sure: bool


def make(
    participant: Participant, account: Account, passphrase: str, notes: Sequence[Note], to: str, *, ends: bool = False
) -> bytes:
    """Return the encrypted file. `notes`: those to go along; `to`: the other clinic, in words; `ends`: ends here."""
    package_id, packed = _packed(participant, notes)
    sealed = transfer_file.seal(packed, passphrase, transfer_file.sending_key(participant.clinic.code))
    with transaction.atomic():
        participant.handed_over_to = to[:100]
        participant.active = participant.active and not ends
        participant.save(update_fields=["handed_over_to", "active"])
        record(
            account, MADE, clinic=participant.clinic, may=Permission.HAND_OVER, participant=participant,
            package=package_id, notes=len(notes),
        )  # fmt: skip
    return sealed


def open_package(content: bytes, passphrase: str) -> Opened:
    """Read a file through. Raises HandoverError; nothing is written."""
    signed = transfer_file.open_file(content, passphrase)
    try:
        with zipfile.ZipFile(io.BytesIO(signed.content)) as archive:
            transfer_file.refuse_too_large(archive)
            package = msgspec.json.decode(archive.read("package.json"), type=Package)
            payloads = {one.file: archive.read(one.file) for one in package.sessions if one.file}
    except (*transfer_file.UNREADABLE, msgspec.MsgspecError) as error:
        raise HandoverError(
            _("The package can be decrypted, but this version cannot read it. Is this server older than theirs?")
        ) from error
    if flaw := find_out_of_range(package):
        raise HandoverError(_("The package holds a value that cannot be right (%s). Nothing was taken over.") % flaw)
    if package.format > FORMAT:
        raise HandoverError(_("The package was made by a newer version. Upgrade this server, and try again."))
    return Opened(package, payloads, signed.sender)


def find_matches(package: Package, clinic: Clinic) -> list[TransferMatch]:
    """Return who is here already: the sure ones by package, sessions or origin; else those of one name."""
    here = Participant.objects.filter(clinic=clinic)
    ids = [_session_id(one, package, clinic) for one in package.sessions]
    origin = package.from_pseudonym if package.from_clinic == clinic.code else ""
    sure = here.filter(
        Q(taken_over__package_id=package.package_id)
        | Q(taken_over__from_clinic=_clinic_words(package), taken_over__from_pseudonym=package.from_pseudonym)
        | Q(entries__session_id__in=ids)
        | Q(pseudonym=origin)
    )
    if found := list(sure.order_by("pk").distinct()):
        return [TransferMatch(one, sure=True) for one in found]
    name = " ".join(package.name.split()).casefold()
    alike = here.filter(birth_year=package.birth_year).order_by("pk")
    return [TransferMatch(one, sure=False) for one in alike if " ".join(one.name.split()).casefold() == name]


def take_over(opened: Opened, clinic: Clinic, account: Account, into: Participant | None = None) -> Participant:
    """Make the participant here, with all that came along. Raises HandoverError; then nothing was changed.

    `into`: the participant with whom the package is merged: only sessions, courses and notes that are not here yet are
    added, and plans stay as they are.
    """
    package = opened.package
    with transaction.atomic():
        Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
        sure = [one.participant for one in find_matches(package, clinic) if one.sure]
        if sure and into not in sure:
            raise HandoverError(
                _("This person is here already, as %(pseudonym)s. Merge with that participant. Nothing was changed.")
                % {"pseudonym": sure[0].pseudonym}
            )
        participant = _participant(package, clinic) if into is None else into
        ids = {one.session_id: _session_id(one, package, clinic) for one in package.sessions}
        if into is None:
            _plans(package, participant, account)
        else:
            Participant.objects.filter(pk=into.pk).update(active=True, handed_over_to="")
        begun = set(participant.courses.values_list("begins_on", flat=True))
        Course.objects.bulk_create(
            Course(participant=participant, **msgspec.structs.asdict(one))
            for one in package.courses
            if one.begins_on not in begun
        )
        _clearances(package, participant, account)
        _measurements(package, participant, account)
        _notes(package, participant, account, ids)
        added = _sessions(opened, participant, ids)
        TakenOver.objects.get_or_create(
            package_id=UUID(package.package_id), clinic=clinic,
            defaults={
                "participant": participant, "from_clinic": _clinic_words(package), "made_at": package.made_at,
                "from_pseudonym": package.from_pseudonym, "taken_by": account, "signed_by": opened.sender,
            },
        )  # fmt: skip
        record(
            account, TAKEN, clinic=clinic, may=Permission.HAND_OVER, participant=participant,
            package=package.package_id, sessions=added,
        )  # fmt: skip
    enter_waiting()
    adopt(participant)
    participant.refresh_from_db()
    return participant


def _clinic_words(package: Package) -> str:
    return f"{package.from_clinic_name} ({package.from_clinic})"[:100]


def _clearances(package: Package, participant: Participant, account: Account) -> None:
    """Add the clearances that are not here yet."""
    there = set(participant.clearances.values_list("cleared_by", "cleared_on"))
    Clearance.objects.bulk_create(
        Clearance(participant=participant, made_by=account, **msgspec.structs.asdict(one))
        for one in package.clearances
        if (one.cleared_by, one.cleared_on) not in there
    )


def _measurements(package: Package, participant: Participant, account: Account) -> None:
    """Add the measurements that are not here yet."""
    there = set(participant.measurements.values_list("kind", "taken_on", "value"))
    CourseMeasurement.objects.bulk_create(
        CourseMeasurement(participant=participant, made_by=account, **msgspec.structs.asdict(one))
        for one in package.measurements
        if (one.kind, one.taken_on, one.value) not in there
    )


def _notes(package: Package, participant: Participant, account: Account, ids: Mapping[str, UUID]) -> None:
    there = set(participant.notes.values_list("text", flat=True))
    for one in package.notes:
        told = _("From %(clinic)s, %(day)s: %(text)s") % {
            "clinic": package.from_clinic_name,
            "day": timezone.localtime(one.made_at).date().isoformat(),
            "text": one.text,
        }
        if told not in there and one.text not in there:
            Note.objects.create(
                participant=participant, session_id=ids.get(one.session_id or ""), text=told, made_by=account
            )


def _sessions(opened: Opened, participant: Participant, ids: Mapping[str, UUID]) -> int:
    """Add the sessions that are not here yet, marked with where they were trained. Gives how many rows."""
    package = opened.package
    there = set(Session.objects.filter(session_id__in=list(ids.values())).values_list("session_id", flat=True))
    new = [one for one in package.sessions if ids[one.session_id] not in there]
    Session.objects.bulk_create(_session(one, ids[one.session_id], participant, opened) for one in new)
    marks = {
        ids[one.session_id]: ImportedSession(
            session_id=ids[one.session_id],
            clinic_code=one.trained_at or package.from_clinic,
            clinic_name=(one.trained_at_name or package.from_clinic_name)[:100],
            first_id=one.first_id or one.session_id,
        )
        for one in new
    }
    ImportedSession.objects.bulk_create(marks.values(), ignore_conflicts=True)
    return len(new)


def _packed(participant: Participant, notes: Sequence[Note]) -> tuple[str, bytes]:
    """Return the package's id, and the ZIP."""
    ids = list(DiaryEntry.objects.filter(participant=participant).values_list("session_id", flat=True))
    rows = list(Session.objects.filter(session_id__in=ids).order_by("begun_wall_s", "revision"))
    elsewhere = {one.session_id: one for one in ImportedSession.objects.filter(session_id__in=ids)}
    package = Package(
        package_id=str(uuid4()),
        made_at=timezone.now(),
        from_clinic=participant.clinic.code,
        from_clinic_name=participant.clinic.name,
        from_pseudonym=participant.pseudonym,
        plans=[_copy_row(one, PlanTold) for one in participant.plans.order_by("version")],
        courses=[_copy_row(one, CourseTold) for one in participant.courses.order_by("begins_on")],
        clearances=[_copy_row(one, ClearanceTold) for one in participant.clearances.order_by("cleared_on", "pk")],
        measurements=[_copy_row(one, MeasurementTold) for one in participant.measurements.order_by("taken_on", "pk")],
        notes=[
            NoteTold(text=one.text, made_at=one.made_at, session_id=str(one.session_id) if one.session_id else None)
            for one in notes
        ],
        sessions=[_session_told(one, elsewhere.get(one.session_id)) for one in rows],
        **{
            name: getattr(participant, name)
            for name in ("name", "nickname", "picture", "birth_year", "sex", "language")
        },
    )
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", msgspec.json.encode(package))
        for row in rows:
            if row.payload is not None:
                archive.writestr(_file(row), bytes(row.payload))
    return package.package_id, made.getvalue()


def _copy_row(row: models.Model, kind: type[PlanTold | CourseTold | ClearanceTold | MeasurementTold]):  # type: ignore[no-untyped-def] # noqa: ANN202 - of the kind given
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})


def _session_told(row: Session, elsewhere: ImportedSession | None) -> SessionTold:
    other = ("session_id", "file", "trained_at", "trained_at_name", "first_id")
    names = [name for name in SessionTold.__struct_fields__ if name not in other]
    return SessionTold(
        trained_at="" if elsewhere is None else elsewhere.clinic_code,
        trained_at_name="" if elsewhere is None else elsewhere.clinic_name,
        first_id="" if elsewhere is None else elsewhere.first_id,
        session_id=str(row.session_id),
        file=None if row.payload is None else _file(row),
        **{name: getattr(row, name) for name in names},
    )


def _file(row: Session) -> str:
    return f"sessions/{row.session_id}.{row.revision}"


def _participant(package: Package, clinic: Clinic) -> Participant:
    return Participant.objects.create(
        clinic=clinic,
        pseudonym=new_pseudonym(clinic),
        name=package.name,
        nickname=package.nickname,
        picture=package.picture,
        birth_year=package.birth_year,
        sex=package.sex if package.sex in ("f", "m") else "",
        language=package.language if package.language in ("nb", "en") else "nb",
    )


def _plans(package: Package, participant: Participant, account: Account) -> None:
    """All versions for the record, and a last one that withdraws: no plan holds here before a therapist has set it."""
    told = _("From %(clinic)s") % {"clinic": package.from_clinic_name}
    for version, one in enumerate(sorted(package.plans, key=lambda plan: plan.version), 1):
        fields = msgspec.structs.asdict(one)
        del fields["made_at"]
        fields |= {"version": version, "reason": f"{told}: {one.reason}".rstrip(": ")[:200]}
        made = PlanVersion.objects.create(participant=participant, made_by=account, **fields)
        PlanVersion.objects.filter(pk=made.pk).update(made_at=one.made_at)
    newest = participant.plans.order_by("-version").first()
    if newest is not None and not newest.withdrawn:
        newest.pk, newest.version, newest.withdrawn = None, newest.version + 1, True
        newest.reason = _("Imported: review the plan and save it again.")
        newest.save(force_insert=True)


def _session_id(told: SessionTold, package: Package, clinic: Clinic) -> UUID:
    """Return the session's id at this clinic: its first one where it was trained here and is here still."""
    first = told.first_id or told.session_id
    if (told.trained_at or package.from_clinic) == clinic.code:
        own = Session.objects.filter(session_id=_uuid(first), clinic=clinic.code)
        if own.exclude(session_id__in=ImportedSession.objects.values("session_id")).exists():
            return _uuid(first)
    return uuid5(_SPACE, f"{clinic.code} {first}")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid5(_SPACE, text)


def _session(told: SessionTold, session_id: UUID, participant: Participant, opened: Opened) -> Session:
    payload = opened.payloads.get(told.file) if told.file else None
    flaw = told.flaw
    if payload is not None:
        found = read_session(payload)
        if isinstance(found, Unreadable):
            flaw = flaw or found.reason[:200]
    other = ("session_id", "file", "flaw", "summary", "trained_at", "trained_at_name", "first_id")
    names = [name for name in SessionTold.__struct_fields__ if name not in other]
    return Session(
        session_id=session_id,
        clinic=participant.clinic.code,
        participant=participant.pseudonym,
        summary={**told.summary, "participant": participant.pseudonym},
        flaw=flaw,
        read_through=True,
        payload=payload,
        **{name: getattr(told, name) for name in names},
    )
