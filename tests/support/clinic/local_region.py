# ruff: noqa: PLC0415 - models can be imported only once a clinic's folder is known
"""A region's database of real size: clinics, participants, courses, and so many stored sessions with their entries.

Rows are made by the database itself from `generate_series`; each summary is a whole one, and one session in a hundred
has its real sealed samples.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

import msgspec
from django.db import connection
from msgspec import Struct

from sync.wire.codec import encode_session
from sync.wire.sample_columns import samples_of
from tests.support.broker.delivery_factory import delivery
from tests.support.machine import session_factory

PROTOCOLS = ("4x4", "4x4", "4x4", "4x4", "4x4", "4x4", "10-20-30", "3x3")
GROUPS = ("", "A", "A", "B", "hjerte", "rus")
OF_A_COURSE = 24
SEEDS = 8


class Filled(Struct, frozen=True):
    """What there is. `days`: the first and the last day of all sessions."""

    clinics: int
    participants: int
    sessions: int
    with_samples: int
    days: tuple[date, date]


def sizes(clinics: int, people: int, chance: Random) -> Iterator[int]:
    """How many participants each clinic has: most some hundreds, every tenth a handful."""
    weights = [0.01 * chance.random() if number % 10 == 9 else 0.5 + chance.random() for number in range(clinics)]
    left = people
    for number, weight in enumerate(weights):
        one = left if number == clinics - 1 else min(left, max(1, round(people * weight / sum(weights))))
        left -= one
        yield one


def fill(clinics: int, sessions: int, months: int, until: date, regions: int = 4) -> Filled:
    """Fill an empty PostgreSQL database with sessions of the `months` before `until`."""
    from server.accounts.models import Clinic, Region
    from server.people.models import Course, Participant

    chance = Random(1)
    people = -(-sessions // OF_A_COURSE)
    first = until - timedelta(days=round(months * 30.44))
    areas = Region.objects.bulk_create([Region(code=f"region-{at}", name=f"Region {at + 1}") for at in range(regions)])
    places = Clinic.objects.bulk_create(
        [Clinic(code=f"clinic-{at:03d}", name=f"Klinikk {at + 1}", region=areas[at % regions]) for at in range(clinics)]
    )
    made = [
        Participant(
            clinic=place,
            pseudonym=f"p-{number:05d}",
            name=f"Prøve Person {number}",
            nickname=f"Rev {number}",
            birth_year=chance.randint(1950, 2005),
            sex=chance.choice("fm"),
            group=chance.choice(GROUPS),
        )
        for place, size in zip(places, sizes(clinics, people, chance), strict=True)
        for number in range(size)
    ]
    made = Participant.objects.bulk_create(made, batch_size=5000)
    last_begin = max(1, (until - first).days - 58)
    Course.objects.bulk_create(
        [Course(participant=one, begins_on=first + timedelta(days=chance.randrange(last_begin))) for one in made],
        batch_size=5000,
    )
    count = _rows(sessions)
    with_samples = _samples(count)
    with connection.cursor() as cursor:
        for table in ("server_session", "diary_diaryentry", "people_participant", "people_course"):
            cursor.execute(f"VACUUM (ANALYZE) {table}")
    return Filled(clinics, len(made), count, with_samples, (first, until))


def _rows(sessions: int) -> int:
    """Stored sessions and their entries: each participant's course, three a week."""
    whole = msgspec.json.encode(session_factory.summary()).decode()
    before, after = whole.split('"participant":"p1"')
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(
            """
            CREATE TEMPORARY TABLE made AS
            SELECT row_number() OVER () AS n, gen_random_uuid() AS session_id, p.id AS participant_id,
                   p.clinic_id, c.code AS clinic, p.pseudonym,
                   %s::varchar[] AS kinds, 1 + (random() * 7)::int AS kind, 1 + (random() * 11)::int AS machine,
                   o.begins_on + s * 7 / 3 AS begun_on, random() < 0.88 AS completed,
                   300 + random() * 560 AS zone_s, random() * 40 AS above_s, 0.9 + random() * 0.1 AS live
            FROM people_participant p JOIN clinics_clinic c ON c.id = p.clinic_id
            JOIN people_course o ON o.participant_id = p.id CROSS JOIN generate_series(0, 23) s
            ORDER BY o.begins_on + s * 7 / 3
            LIMIT %s
            """,
            [list(PROTOCOLS), sessions],
        )
        cursor.execute(
            """
            INSERT INTO server_session (session_id, revision, sha256, clinic, machine, participant, protocol,
                begun_wall_s, clock_trusted, completed, summary, format, read_through, flaw, stored_wall_s, payload)
            SELECT session_id, 1, md5(n::text) || md5(n::text), clinic, 'machine-' || machine, pseudonym, kinds[kind],
                extract(epoch FROM begun_on) + 36000, true, completed,
                (%s || '"participant":"' || pseudonym || '"' || %s)::jsonb, 1, true, '',
                extract(epoch FROM begun_on) + 40000, NULL
            FROM made ORDER BY n
            """,
            [before, after],
        )
        cursor.execute(
            """
            INSERT INTO diary_diaryentry (session_id, stored_id, clinic_id, participant_id, pseudonym, machine,
                begun_at, begun_on, clock_trusted, protocol, completed, end_reason, training_s, planned_intervals,
                completed_intervals, zone_s, above_95_s, load, hr_max_bpm, peak_bpm, third_minute_bpm,
                third_minute_fraction, speed_kmh, incline_percent, first_time_to_zone_s, recovery_fall_bpm, borg, mood,
                live_fraction)
            SELECT m.session_id, s.id, m.clinic_id, m.participant_id, m.pseudonym, 'machine-' || m.machine,
                m.begun_on + interval '10 hours', m.begun_on, true, m.kinds[m.kind], m.completed,
                CASE WHEN m.completed THEN 'done' ELSE 'stopped' END, 2400, 4,
                CASE WHEN m.completed THEN 4 ELSE 2 END, m.zone_s, m.above_s, 112, 185, 169, 161.5, 0.873, 6.4, 5, 95,
                24, 16, 4, m.live
            FROM made m JOIN server_session s ON s.session_id = m.session_id ORDER BY m.n
            """
        )
        cursor.execute("DROP TABLE made")
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("SELECT count(*) FROM diary_diaryentry")
        return int(cursor.fetchone()[0])


def _samples(sessions: int) -> int:
    """One session in a hundred with a real payload, of some different ones."""
    samples = samples_of(session_factory.messages(), session_factory.events())
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE payloads (seed int, payload bytea)")
        for seed in range(SEEDS):
            whole = msgspec.structs.replace(delivery(seed, seed=seed), samples=samples)
            cursor.execute("INSERT INTO payloads VALUES (%s, %s)", [seed, encode_session(whole)])
        cursor.execute(
            "UPDATE server_session AS s SET payload = p.payload FROM payloads AS p "
            "WHERE s.id %% 100 = 0 AND p.seed = s.id / 100 %% %s",
            [SEEDS],
        )
        cursor.execute("DROP TABLE payloads")
        cursor.execute("SELECT count(*) FROM server_session WHERE id % 100 = 0")
        found = int(cursor.fetchone()[0])
    assert abs(found - sessions // 100) <= 1
    return found
