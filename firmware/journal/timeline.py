"""A session of the journal along its time axis: what every export and the plot are made from."""

from coach.model.messages import HeartRate
from firmware.journal.record import SessionDocument
from sync.export.timeline import Rate, Track, laid_out


def track_of(document: SessionDocument) -> Track:
    """Lay a session out along its time axis."""
    rates = tuple(
        Rate(message.t, message.bpm if message.bpm > 0 else None, message.rr_ms)
        for message in document.messages
        if isinstance(message, HeartRate)
    )
    last_s = max((record.t for record in (*document.messages, *document.events)), default=0.0)
    return laid_out(rates, document.events, document.protocol, document.plan, last_s)
