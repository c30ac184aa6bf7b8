"""What the live room remembers is forgotten after a time that the clinic sets: it says how people were (notices).

The session's own notices stand in the diary, and who did what in the access log; neither is touched here.
"""

from datetime import datetime, timedelta

from django.conf import settings

from server.live.models import Acknowledgement, GivenCommand, RaisedNotice
from server.models import CommandOutcome


def forget_old(now: datetime) -> int:
    """Forget notices, who has seen them, commands and what became of those. Gives how many rows."""
    before = now - timedelta(days=settings.ROOM_KEPT_DAYS)
    rows = (
        RaisedNotice.objects.filter(heard_at__lt=before),
        Acknowledgement.objects.filter(at__lt=before),
        GivenCommand.objects.filter(made_at__lt=before),
        CommandOutcome.objects.filter(heard_wall_s__lt=before.timestamp()),
    )
    return sum(one.delete()[0] for one in rows)
