"""The clinic's last days in figures, beside the list."""

from datetime import date, timedelta

from django.db.models import Avg, Count, Q
from django.utils.formats import date_format
from msgspec import Struct

from server.accounts.models import Clinic
from server.diary.models import DiaryEntry
from server.diary.selectors import trained_here

DAYS = 7
HIGH = 48


class DayBar(Struct, frozen=True):
    """A day's sessions: its short name, how many, and the bar's place and height in the picture."""

    name: str
    sessions: int
    x: int
    y: int
    height: int
    today: bool


class ClinicWeek(Struct, frozen=True):
    """The last seven days. `zone_s`: mean time in the zone of whole sessions, None without one."""

    bars: tuple[DayBar, ...]
    sessions: int
    whole: int
    zone_s: float | None


def week_of(clinic: Clinic, today: date) -> ClinicWeek:
    """Return the last seven days of the clinic; one statement."""
    first = today - timedelta(days=DAYS - 1)
    done = Q(completed=True)
    rows = (
        trained_here(DiaryEntry.objects.filter(clinic=clinic, begun_on__gte=first, begun_on__lte=today))
        .values("begun_on")
        .annotate(sessions=Count("pk"), whole=Count("pk", filter=done), zone_s=Avg("zone_s", filter=done))
    )
    of = {row["begun_on"]: row for row in rows}
    most = max((row["sessions"] for row in of.values()), default=0) or 1
    bars = []
    for at in range(DAYS):
        on = first + timedelta(days=at)
        sessions = of[on]["sessions"] if on in of else 0
        height = round(HIGH * sessions / most)
        bars.append(DayBar(date_format(on, "D"), sessions, 4 + 32 * at, HIGH - height, height, on == today))
    whole = sum(row["whole"] for row in of.values())
    zone_s = sum(row["zone_s"] * row["whole"] for row in of.values() if row["whole"]) / whole if whole else None
    return ClinicWeek(tuple(bars), sum(row["sessions"] for row in of.values()), whole, zone_s)
