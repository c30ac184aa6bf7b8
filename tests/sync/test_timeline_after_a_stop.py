"""A session that went on after a stop is laid out whole: to its real end, with the time in between as a pause."""

from coach.model.messages import CommandName
from sync.export.timeline import laid_out
from tests.support.led_session import PLAN, TWO_INTERVALS, LedSession


def test_a_session_that_went_on_after_a_stop_ends_where_it_ended() -> None:
    session = LedSession().live_until(60).live_until(100, 170).command(CommandName.STOP).live_until(130, 150)
    session.command(CommandName.RESUME).live_until(900, 150)
    track = laid_out((), session.events, TWO_INTERVALS, PLAN, session.t)
    assert track.length_s == 870.0
    assert [(span.start_s, span.end_s) for span in track.pauses] == [(100.0, 130.0)]
