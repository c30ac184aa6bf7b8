"""A session of the journal as a FIT activity file; how, says `sync.session_fit`."""

from firmware.session_record import SessionDocument
from firmware.session_track import track_of
from sync.session_fit import fit_of


def export_fit(document: SessionDocument) -> bytes:
    """Write the session as a FIT activity: a record each second, a lap for each phase, beats where there are any."""
    return fit_of(track_of(document), document.session_id, document.begun.wall_s)
