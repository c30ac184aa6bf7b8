"""What was trained at a clinic in a period, with its own procedure codes: for reimbursement and for the leader. Sums.

A session counts on its day in the clinic's time zone, for whom it is counted for now; one that is unassigned is told
apart, and so is one that was trained at another clinic, where it counts. A code counts as its row says
(`server.documents.models.Counted`); several codes may count the same session.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from msgspec import Struct

from server.accounts.models import Clinic
from server.diary.models import DiaryEntry
from server.diary.selectors import trained_here
from server.documents.export.tables import as_csv, as_xlsx
from server.documents.models import Counted, ProcedureCode


class ActivityPeriod(Struct, frozen=True):
    """From one day to another, both included."""

    first: date
    last: date

    @classmethod
    def month_before(cls, today: date) -> "ActivityPeriod":
        """Return the last whole month."""
        last = today.replace(day=1) - timedelta(days=1)
        return cls(last.replace(day=1), last)


class ActivityLine(Struct, frozen=True):
    """One participant, one group, or all. `codes`: how often each code counts, in the report's order."""

    name: str
    pseudonym: str
    group: str
    people: int
    sessions: int
    training_s: float
    codes: tuple[int, ...]
    nickname: str = ""
    birth_year: int | None = None

    @property
    def minutes(self) -> int:
        """Whole minutes of training."""
        return round(self.training_s / 60)


class ActivityReport(Struct, frozen=True):
    """The period's lines. `unassigned`: sessions that count for no one yet, and are in no sum.

    `elsewhere`: sessions of the period that were trained at other clinics, and count there.
    """

    period: ActivityPeriod
    codes: tuple[ProcedureCode, ...]
    participants: tuple[ActivityLine, ...]
    groups: tuple[ActivityLine, ...]
    total: ActivityLine
    unassigned: int
    elsewhere: int = 0


class _Session(Struct, frozen=True):
    participant: int | None
    name: str
    nickname: str
    birth_year: int | None
    pseudonym: str
    group: str
    protocol: str
    completed: bool
    training_s: float


def report(clinic: Clinic, period: ActivityPeriod) -> ActivityReport:
    """Count what was trained."""
    codes = tuple(ProcedureCode.objects.filter(clinic=clinic))
    sessions = list(_sessions(clinic, period))
    known = [one for one in sessions if one.participant is not None]
    people: dict[int | None, list[_Session]] = {}
    groups: dict[str, list[_Session]] = {}
    for one in known:
        people.setdefault(one.participant, []).append(one)
        groups.setdefault(one.group, []).append(one)
    return ActivityReport(
        period=period,
        codes=codes,
        participants=tuple(
            sorted(
                (
                    _line(ones[0].name, ones[0].pseudonym, ones[0].group, ones, codes, ones[0])
                    for ones in people.values()
                ),
                key=lambda line: (line.name.casefold(), line.pseudonym),
            )
        ),
        groups=tuple(_line(group, "", group, groups[group], codes) for group in sorted(groups, key=str.casefold)),
        total=_line(_("All"), "", "", known, codes),
        unassigned=len(sessions) - len(known),
        elsewhere=_entries(clinic, period).count() - len(sessions),
    )


def counts(code: ProcedureCode, protocol: str, training_s: float, *, completed: bool) -> bool:
    """Whether a session counts for a code."""
    if code.protocol and code.protocol != protocol:
        return False
    match Counted(code.counted):
        case Counted.EACH:
            return True
        case Counted.WHOLE:
            return completed
        case Counted.LONG:
            return training_s >= 60 * (code.least_minutes or 0)


def report_csv(made: ActivityReport) -> bytes:
    """Return the report as one table for programs."""
    return as_csv(*_table(made))


def report_xlsx(made: ActivityReport) -> bytes:
    """Return the same table for an office."""
    return as_xlsx(*_table(made))


def _table(made: ActivityReport) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    """Return headings and rows: participants, groups, all."""
    headings = (
        _("Of"),
        _("Name"),
        _("Nickname"),
        _("Born"),
        _("Pseudonym"),
        _("Group"),
        _("Participants"),
        _("Sessions"),
        _("Minutes"),
    )
    rows: list[Sequence[object]] = []
    for of, lines in ((_("participant"), made.participants), (_("group"), made.groups), (_("all"), (made.total,))):
        rows += [(of, *_whose(line), line.people, line.sessions, line.minutes, *line.codes) for line in lines]
    return (*headings, *(f"{code.code} {code.text}" for code in made.codes)), rows


def _sessions(clinic: Clinic, period: ActivityPeriod) -> Iterable[_Session]:
    whose = ("name", "nickname", "birth_year", "pseudonym", "group")
    names = ("participant", *(f"participant__{one}" for one in whose), "protocol", "completed", "training_s")
    found = trained_here(_entries(clinic, period))
    for row in found.values_list(*names).order_by("pk").iterator():
        participant, name, nickname, birth_year, pseudonym, group, protocol, completed, training_s = row
        yield _Session(
            participant, name or "", nickname or "", birth_year, pseudonym or "", group or "", protocol, completed,
            training_s,
        )  # fmt: skip


def _whose(line: ActivityLine) -> tuple[object, ...]:
    return line.name, line.nickname, line.birth_year, line.pseudonym, line.group


def _entries(clinic: Clinic, period: ActivityPeriod) -> QuerySet[DiaryEntry]:
    found: QuerySet[DiaryEntry] = DiaryEntry.objects.filter(
        clinic=clinic, begun_on__gte=period.first, begun_on__lte=period.last
    )
    return found


def _line(
    name: str,
    pseudonym: str,
    group: str,
    sessions: Sequence[_Session],
    codes: Sequence[ProcedureCode],
    person: _Session | None = None,
) -> ActivityLine:
    return ActivityLine(
        name=name,
        pseudonym=pseudonym,
        group=group,
        people=len({one.participant for one in sessions}),
        sessions=len(sessions),
        training_s=sum(one.training_s for one in sessions),
        codes=tuple(
            sum(counts(code, one.protocol, one.training_s, completed=one.completed) for one in sessions)
            for code in codes
        ),
        nickname="" if person is None else person.nickname,
        birth_year=None if person is None else person.birth_year,
    )
