"""Fill a clinic from what `firmware.demo.clinic_history` wrote: people, plans, courses, sessions, notes, an account.

Sessions take the collector's own way: each is read and checked by the intake and committed by the store, and becomes a
diary entry as any other does. Only names, groups and notes are made up here.
"""

import random
import secrets
import tomllib
from collections.abc import Container, Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import msgspec
from django.db import transaction
from django.utils import timezone
from msgspec import Struct

from coach.model.plan import Plan
from server.accounts.models import Account, Clinic, Membership, Region
from server.accounts.roles import Role
from server.assessment.contraindications import NEWEST
from server.assessment.forms import USUAL
from server.assessment.models import Clearance
from server.collector import parser, store
from server.collector.messages import MessageSource
from server.demo.week import make_week
from server.diary.ingest import enter_waiting
from server.diary.models import DiaryEntry
from server.errors import ServerError
from server.live.models import RaisedNotice
from server.people.models import Course, Note, Participant, PlanVersion
from server.people.pictures import PICTURES
from server.people.plan_rules import Values
from server.people.plan_service import save_plan
from sync.wire.topics import Kind, Topic, build

AT_A_TIME = 100
CONSENTS_FRACTION = 0.8
NOT_KNOWN_HERE = 2
"""So many sessions of somebody whom the clinic has not taken in: what «whose session is this?» is for."""
COURSES = {"ending_course": {"sessions": 16}}
"""Courses of two sessions a week, where the usual ones have three."""
NOT_IN_THE_ROOM = frozenset(
    {
        "absence",
        "low_attendance",
        "return",
        "no_plan",
        "expired_plan",
        "unwell",
        "not_ready",
        "no_clearance",
        "ended_clearance",
    }
)
"""Needs of people who would not be training just now."""
DOCTOR = "Lege Demo"
ROOM_FULL = 12
"""With so few people all stand in the room, whatever their need."""
ANSWERED_AGO = timedelta(hours=20)
"""So long ago two people said yes before the start."""
USER_NAME = "demo"
ROLES = (Role.THERAPIST, Role.CLINIC_ADMIN, Role.COORDINATOR, Role.RESEARCHER)


class FillingPerson(Struct, frozen=True, kw_only=True):
    """Somebody of `people.json`; see `firmware.demo.clinic_history`."""

    clinic: str
    pseudonym: str
    sex: str
    kind: str
    plan: Plan
    need: str = ""
    begins_wall_s: float
    sessions: int


class FillingSession(Struct, frozen=True, kw_only=True):
    """A line of `sessions.jsonl`: a session as a machine sealed it."""

    clinic: str
    machine: str
    participant: str
    session_id: str
    payload: bytes


class MadeUp(Struct, frozen=True):
    """Words about people who do not exist."""

    women: list[str]
    men: list[str]
    surnames: list[str]
    nicknames: list[str]
    groups: list[str]
    notes: dict[str, list[str]]


class Filled(Struct, frozen=True):
    """What there is now, and what one logs in with.

    `training`: pseudonyms of those who may be in the room. `refused`: of whose plan one machine refuses.
    """

    participants: int
    sessions: int
    user: str
    password: str
    training: tuple[str, ...]
    refused: str = ""


def fill(made: Path, clinics: Sequence[tuple[str, str]]) -> Filled:
    """Fill the database from `made`, the folder of `firmware.demo.clinic_history`.

    `clinics`: code and name of each, the demo's own first.
    Raises ServerError where something of what was made cannot be read.
    """
    # The same people and choices at every demo; the password alone is drawn anew.
    chance = random.Random(1)  # noqa: S311 - no secret
    try:
        people = msgspec.json.decode((made / "people.json").read_bytes(), type=list[FillingPerson])
    except (OSError, msgspec.MsgspecError) as error:
        raise ServerError(f"The demo's people were not made ({error}). Run it again.") from error
    region, _ = Region.objects.get_or_create(code="demo-region", defaults={"name": "Demoregionen"})
    rows = {code: Clinic.objects.update_or_create(code=code, defaults={"name": name, "region": region})[0]
            for code, name in clinics}  # fmt: skip
    own = rows[clinics[0][0]]
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    account = _account(own, region, password)
    # The last of the demo's own people trained here, and nobody took them in.
    stranger = [one for one in people if one.clinic == own.code][-1]
    taken_in = [one for one in people if one is not stranger]
    participants = _take_in(taken_in, rows, account, chance)
    _store(made / "sessions.jsonl", stranger.pseudonym)
    enter_waiting()
    _notes(own, account, chance)
    make_week(own, account, {one.pseudonym for one in people if one.need == "missed"})
    here = [one for one in participants if one.clinic_id == own.pk]
    away = {one.pseudonym for one in people if one.need in NOT_IN_THE_ROOM and len(here) > ROOM_FULL}
    return Filled(
        participants=len(here),
        sessions=DiaryEntry.objects.filter(clinic=own).count(),
        user=USER_NAME,
        password=password,
        training=tuple(one.pseudonym for one in here if one.pseudonym not in away),
        refused=next((one.pseudonym for one in people if one.need == "refused_plan"), ""),
    )


def _account(clinic: Clinic, region: Region, password: str) -> Account:
    account = Account.objects.create_user(USER_NAME, password=password, first_name="Demo", last_name="Testesen")
    for role in ROLES:
        where = {"region": region} if role is Role.COORDINATOR else {"clinic": clinic}
        Membership.objects.create(account=account, role=role, **where)
    return account


def _take_in(
    people: Sequence[FillingPerson], rows: dict[str, Clinic], account: Account, chance: random.Random
) -> list[Participant]:
    words = msgspec.convert(
        tomllib.loads(files("server.demo").joinpath("people_texts.toml").read_text(encoding="utf-8")), MadeUp
    )
    now = timezone.now()
    pictures = list(PICTURES)
    names: set[str] = set()
    made = []
    with transaction.atomic():
        for number, one in enumerate(people):
            clinic = rows[one.clinic]
            name = _name(words, one.sex, number, names)
            names.add(name)
            again = number // len(words.nicknames)
            person = Participant.objects.create(
                clinic=clinic,
                pseudonym=one.pseudonym,
                name=name,
                nickname=words.nicknames[number % len(words.nicknames)] + (f" {again + 1}" if again else ""),
                picture=pictures[number % len(pictures)],
                birth_year=clinic.day_of(now).year - (one.plan.age or 35),
                sex=one.sex,
                group=words.groups[number % len(words.groups)],
                research_consent_at=now - timedelta(days=50) if chance.random() < CONSENTS_FRACTION else None,
            )
            begins = datetime.fromtimestamp(one.begins_wall_s, clinic.zone)
            Course.objects.create(participant=person, begins_on=begins.date(), **COURSES.get(one.need, {}))
            cleared_on = begins.date() - timedelta(days=4)
            Clearance.objects.create(
                participant=person,
                cleared_by=DOCTOR,
                cleared_on=cleared_on,
                list_version=NEWEST,
                beta_blocker=False,
                valid_until=cleared_on + USUAL,
                made_by=account,
            )
            if one.need != "no_plan":
                plan = save_plan(person, account, _values(one, begins, clinic.day_of(now)), base=0, reason="")
                PlanVersion.objects.filter(pk=plan.pk).update(made_at=begins - timedelta(days=2))
            changed = _clearance_now(one.need, now, clinic.day_of(now))
            if changed:
                Clearance.objects.filter(participant=person).update(**changed)
            if one.need in ("unwell", "not_ready"):
                _answered_yes(person, one.need, now - ANSWERED_AGO)
            Participant.objects.filter(pk=person.pk).update(made_at=begins - timedelta(days=5))
            made.append(person)
    return made


def _clearance_now(need: str, now: datetime, today: date) -> dict[str, object]:
    """Return what has become of the clearance since the plan was made, for needs that rest on it."""
    match need:
        case "no_clearance":
            return {"valid_until": today - timedelta(days=1)}
        case "ending_clearance":
            return {"valid_until": today + timedelta(days=5)}
        case "ended_clearance":
            return {"renewal_asked_at": now - ANSWERED_AGO, "renewal_code": "unwell"}
        case "asked_clearance":
            return {"renewal_asked_at": now - ANSWERED_AGO, "renewal_code": "not_ready"}
        case _:
            return {}


def _name(words: MadeUp, sex: str, number: int, taken: Container[str]) -> str:
    """Return a name that is not taken. Raises ServerError where there are more people than names."""
    firsts, lasts = words.women if sex == "f" else words.men, words.surnames
    for turn in range(len(firsts) * len(lasts)):
        first = firsts[(number + turn // len(lasts)) % len(firsts)]
        name = f"{first} {lasts[(7 * number + turn) % len(lasts)]}"
        if name not in taken:
            return name
    raise ServerError("The demo has more people than names. Ask for fewer with --people.")


def _answered_yes(person: Participant, code: str, at: datetime) -> None:
    """Let the room have heard a yes before the start."""
    level = "stop_now" if code == "unwell" else "attention"
    RaisedNotice.objects.create(
        clinic=person.clinic,
        machine="molle-3",
        participant=person.pseudonym,
        code=code,
        level=level,
        since_s=3.0,
        lasted_s=60.0,
        heard_at=at,
    )


def _valid_until(need: str, today: date) -> date:
    return today + {"expired_plan": timedelta(days=-2), "ending_plan": timedelta(days=3)}.get(need, timedelta(days=90))


def _values(one: FillingPerson, begins: datetime, today: date) -> Values:
    start = one.plan.start
    return Values(
        protocol=one.plan.protocol,
        mode=one.plan.mode,
        hr_max_bpm=one.plan.hr_max_bpm,
        hr_max_source=one.plan.hr_max_source or "",
        ceiling_bpm=one.plan.ceiling_bpm,
        hr_max_set_on=(begins - timedelta(days=4)).date(),
        start_speed_kmh=None if start is None else start.speed_kmh,
        start_incline_percent=None if start is None else start.incline_percent,
        weekly_cap=3,
        rest_hours=20.0,
        questions=("chest_pain", "dizziness", "fever"),
        valid_until=_valid_until(one.need, today),
    )


def _store(file: Path, stranger: str) -> None:
    """Commit the sessions as the collector does, the last few only of somebody whom nobody took in."""
    strangers: list[FillingSession] = []
    batch: list[FillingSession] = []
    for one in _sessions(file):
        if one.participant == stranger:
            strangers.append(one)
            continue
        batch.append(one)
        if len(batch) == AT_A_TIME:
            _commit(batch)
            batch = []
    _commit([*batch, *strangers[-NOT_KNOWN_HERE:]])


def _sessions(file: Path) -> Iterator[FillingSession]:
    decoder = msgspec.json.Decoder(FillingSession)
    with file.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def _commit(sessions: Sequence[FillingSession]) -> None:
    arrivals = []
    for one in sessions:
        topic = build(Topic(one.clinic, one.machine, Kind.SESSION, one.session_id))
        arrivals.append(parser.session(MessageSource(topic, one.clinic, one.machine), one.session_id, one.payload))
    verdicts = store.commit(arrivals)
    refused = [verdict for verdict in verdicts if verdict.what != "stored"]
    if refused:
        raise ServerError(f"A session of the demo was not stored ({refused[0].what}). Run it again.")


def _notes(clinic: Clinic, account: Account, chance: random.Random) -> None:
    words = tomllib.loads(files("server.demo").joinpath("people_texts.toml").read_text(encoding="utf-8"))["notes"]
    entries = list(
        DiaryEntry.objects.filter(clinic=clinic)
        .exclude(participant=None)
        .select_related("participant")
        .order_by("-begun_at")[:30]
    )
    for entry in chance.sample(entries, min(8, len(entries))):
        if entry.participant is None:
            continue
        text = chance.choice(words["session"])
        Note.objects.create(participant=entry.participant, session_id=entry.session_id, text=text,
                            made_by=account)  # fmt: skip
    for person in Participant.objects.filter(clinic=clinic).order_by("pk")[:6]:
        Note.objects.create(participant=person, text=chance.choice(words["participant"]), made_by=account)
