"""A participant's package from one clinic to another: one file, encrypted with a passphrase that is shown once.

    bytes 0–3    «ICHP»
    byte  4      version of the file, 1
    bytes 5–20   salt for scrypt (N = 2¹⁶, r = 8, p = 1), which makes the key from the passphrase
    bytes 21–32  nonce of AES-256-GCM
    bytes 33–    the encrypted ZIP with its tag; bytes 0–20 are authenticated with it

The ZIP holds package.json (`Package`) and, as they were delivered, sessions/<id>.<revision>. At the other clinic the
participant gets a fresh pseudonym, and each session an id of its own that follows from its first one and the clinic:
the same session twice is found, and on one server both clinics have theirs. Nothing is written before all is read.
"""

import io
import secrets
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID, uuid4, uuid5

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from msgspec import Struct

from coach.model.plan import SLOWEST_KMH
from server.accounts.models import Account, Clinic
from server.accounts.roles import Permission
from server.audit.record import record
from server.diary.ingest import adopt, enter_waiting
from server.diary.models import DiaryEntry
from server.documents.errors import HandoverError
from server.documents.models import TakenOver
from server.models import Session
from server.people.models import Course, Note, Participant, PlanVersion
from server.people.participant_service import new_pseudonym
from sync.wire.codec import read_session
from sync.wire.envelope import Unreadable
from sync.wire.ranges import find_out_of_range

MAGIC, VERSION = b"ICHP", 1
FORMAT = 1
_SALT_BYTES, _NONCE_BYTES = 16, 12
_HEAD_BYTES = len(MAGIC) + 1 + _SALT_BYTES
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**16, 8, 1
"""64 MiB and a fifth of a second for each guess (RFC 7914; OWASP names 2¹⁷ or 2¹⁶ for what is seldom opened)."""
MOST_BYTES = 64 * 1024 * 1024
MOST_CONTENT_BYTES = 512 * 1024 * 1024
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look alike: read aloud and written down."""
GROUPS, GROUP_LETTERS = 5, 5
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


class NoteTold(Struct, frozen=True, kw_only=True):
    """A note that was chosen to go along. `session_id`: as it was at the clinic that sends it."""

    text: str
    made_at: datetime
    session_id: str | None


class SessionTold(Struct, frozen=True, kw_only=True):
    """A session: what its row says. `file`: the sealed delivery's name in the ZIP; None where the raw data is gone."""

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


_UNREADABLE = (
    zipfile.BadZipFile,
    KeyError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
    RuntimeError,  # an entry with a password
    NotImplementedError,  # an unknown compression
    zlib.error,
    EOFError,
    OSError,
    ValueError,
)
"""What `zipfile` and msgspec raise for archives that somebody else made."""


class Opened(Struct, frozen=True):
    """A package that was read through, with its sealed deliveries."""

    package: Package
    payloads: dict[str, bytes]


def new_passphrase() -> str:
    """Five groups of five letters and digits: 124 bits, so no guess helps."""
    groups = ("".join(secrets.choice(_LETTERS) for _at in range(GROUP_LETTERS)) for _group in range(GROUPS))
    return "-".join(groups)


def make(
    participant: Participant, account: Account, passphrase: str, notes: Sequence[Note], to: str, *, ends: bool = False
) -> bytes:
    """The encrypted file. `notes`: those to go along; `to`: the other clinic, in words; `ends`: training ends here."""
    packed = _packed(participant, notes)
    head = MAGIC + bytes((VERSION,)) + secrets.token_bytes(_SALT_BYTES)
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_key(passphrase, head[-_SALT_BYTES:])).encrypt(nonce, packed[1], head)
    with transaction.atomic():
        participant.handed_over_to = to[:100]
        participant.active = participant.active and not ends
        participant.save(update_fields=["handed_over_to", "active"])
        record(
            account, MADE, clinic=participant.clinic, may=Permission.HAND_OVER, participant=participant,
            package=packed[0], notes=len(notes),
        )  # fmt: skip
    return head + nonce + sealed


def open_package(content: bytes, passphrase: str) -> Opened:
    """Read a file through. Raises HandoverError; nothing is written."""
    zip_bytes = _decrypted(content, passphrase)
    try:
        with zipfile.ZipFile(io.BytesIO(zip_bytes)) as archive:
            if sum(one.file_size for one in archive.infolist()) > MOST_CONTENT_BYTES:
                raise HandoverError(
                    _("The package unpacks to more than any real one. Ask the other clinic for a new one.")
                )
            package = msgspec.json.decode(archive.read("package.json"), type=Package)
            payloads = {one.file: archive.read(one.file) for one in package.sessions if one.file}
    except _UNREADABLE as error:
        raise HandoverError(
            _("The package can be decrypted, but this version cannot read it. Is this server older than theirs?")
        ) from error
    if flaw := find_out_of_range(package):
        raise HandoverError(_("The package holds a value that cannot be right (%s). Nothing was taken over.") % flaw)
    if package.format > FORMAT:
        raise HandoverError(_("The package was made by a newer version. Upgrade this server, and try again."))
    return Opened(package, payloads)


def take_over(opened: Opened, clinic: Clinic, account: Account) -> Participant:
    """Make the participant here, with all that came along. Raises HandoverError; then nothing was changed."""
    package = opened.package
    with transaction.atomic():
        Clinic.objects.select_for_update(no_key=True).get(pk=clinic.pk)
        _refuse_twice(package, clinic)
        participant = _participant(package, clinic)
        ids = {one.session_id: _session_id(one.session_id, clinic) for one in package.sessions}
        _plans(package, participant, account)
        Course.objects.bulk_create(
            Course(participant=participant, **msgspec.structs.asdict(one)) for one in package.courses
        )
        for one in package.notes:
            told = _("From %(clinic)s, %(day)s: %(text)s") % {
                "clinic": package.from_clinic_name,
                "day": timezone.localtime(one.made_at).date().isoformat(),
                "text": one.text,
            }
            Note.objects.create(
                participant=participant, session_id=ids.get(one.session_id or ""), text=told, made_by=account
            )
        Session.objects.bulk_create(_session(one, ids[one.session_id], participant, opened) for one in package.sessions)
        TakenOver.objects.create(
            package_id=UUID(package.package_id), clinic=clinic, participant=participant,
            from_clinic=f"{package.from_clinic_name} ({package.from_clinic})"[:100],
            from_pseudonym=package.from_pseudonym,
            made_at=package.made_at, taken_by=account,
        )  # fmt: skip
        record(
            account, TAKEN, clinic=clinic, may=Permission.HAND_OVER, participant=participant,
            package=package.package_id, sessions=len(package.sessions),
        )  # fmt: skip
    enter_waiting()
    adopt(participant)
    return participant


def _packed(participant: Participant, notes: Sequence[Note]) -> tuple[str, bytes]:
    """The package's id, and the ZIP."""
    ids = list(DiaryEntry.objects.filter(participant=participant).values_list("session_id", flat=True))
    rows = list(Session.objects.filter(session_id__in=ids).order_by("begun_wall_s", "revision"))
    package = Package(
        package_id=str(uuid4()),
        made_at=timezone.now(),
        from_clinic=participant.clinic.code,
        from_clinic_name=participant.clinic.name,
        from_pseudonym=participant.pseudonym,
        plans=[_copy_row(one, PlanTold) for one in participant.plans.order_by("version")],
        courses=[_copy_row(one, CourseTold) for one in participant.courses.order_by("begins_on")],
        notes=[
            NoteTold(text=one.text, made_at=one.made_at, session_id=str(one.session_id) if one.session_id else None)
            for one in notes
        ],
        sessions=[_session_told(one) for one in rows],
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


def _copy_row(row: PlanVersion | Course, kind: type[PlanTold] | type[CourseTold]):  # type: ignore[no-untyped-def] # noqa: ANN202 - of the kind given
    return kind(**{name: getattr(row, name) for name in kind.__struct_fields__})


def _session_told(row: Session) -> SessionTold:
    names = [name for name in SessionTold.__struct_fields__ if name not in ("session_id", "file")]
    return SessionTold(
        session_id=str(row.session_id),
        file=None if row.payload is None else _file(row),
        **{name: getattr(row, name) for name in names},
    )


def _file(row: Session) -> str:
    return f"sessions/{row.session_id}.{row.revision}"


def _key(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return kdf.derive(_plain(passphrase).encode())


def _plain(passphrase: str) -> str:
    """As it was made, however it was typed: capitals, spaces and dashes do not matter."""
    return "".join(letter for letter in passphrase.lower() if letter.isalnum())


def _decrypted(content: bytes, passphrase: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise HandoverError(_("The file is larger than any real package. Choose the file that the other clinic made."))
    if content[: len(MAGIC)] != MAGIC or len(content) <= _HEAD_BYTES + _NONCE_BYTES:
        raise HandoverError(
            _("This is no handover package. Choose the file that the other clinic made; it ends in .ichp.")
        )
    if content[len(MAGIC)] > VERSION:
        raise HandoverError(_("The package was made by a newer version. Upgrade this server, and try again."))
    head = content[:_HEAD_BYTES]
    nonce, sealed = content[_HEAD_BYTES:][:_NONCE_BYTES], content[_HEAD_BYTES + _NONCE_BYTES :]
    try:
        return AESGCM(_key(passphrase, head[-_SALT_BYTES:])).decrypt(nonce, sealed, head)
    except InvalidTag as error:
        raise HandoverError(
            _(
                "The package cannot be opened: the passphrase is another one, or the file was changed on its way. Type "
                "the passphrase again; if it is right, ask the other clinic for a new one. Nothing was changed here."
            )
        ) from error


def _refuse_twice(package: Package, clinic: Clinic) -> None:
    before = (
        TakenOver.objects.filter(clinic=clinic, package_id=package.package_id).select_related("participant").first()
    )
    if before is None:
        ids = [_session_id(one.session_id, clinic) for one in package.sessions]
        entry = DiaryEntry.objects.filter(clinic=clinic, session_id__in=ids).select_related("participant").first()
        if entry is None and not Session.objects.filter(session_id__in=ids).exists():
            return
        pseudonym = entry.participant.pseudonym if entry is not None and entry.participant else "–"
    else:
        pseudonym = before.participant.pseudonym
    raise HandoverError(
        _("This person's sessions were taken over before, as %(pseudonym)s. Nothing was changed. Look there.")
        % {"pseudonym": pseudonym}
    )


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
        newest.reason = _("Taken over: look at the plan, and set it anew.")
        newest.save(force_insert=True)


def _session_id(first: str, clinic: Clinic) -> UUID:
    """The session's id at this clinic."""
    return uuid5(_SPACE, f"{clinic.code} {first}")


def _session(told: SessionTold, session_id: UUID, participant: Participant, opened: Opened) -> Session:
    payload = opened.payloads.get(told.file) if told.file else None
    flaw = told.flaw
    if payload is not None:
        found = read_session(payload)
        if isinstance(found, Unreadable):
            flaw = flaw or found.reason[:200]
    names = [name for name in SessionTold.__struct_fields__ if name not in ("session_id", "file", "flaw", "summary")]
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
