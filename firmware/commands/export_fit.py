"""A session of the journal as a FIT activity file; how, says `sync.export.fit`."""

from pathlib import Path

from firmware.journal.record import SessionDocument
from firmware.journal.timeline import track_of
from firmware.system.version import own_version
from sync.export.fit import SessionFacts, fit_of, strap_of

_MACHINE_ID = Path("/etc/machine-id")


def export_fit(document: SessionDocument) -> bytes:
    """Write the session as a FIT activity: a record each second, a lap for each phase, beats where there are any."""
    facts = SessionFacts(
        plan=document.plan,
        protocol=document.protocol,
        summary=document.summary,
        machine=_machine(),
        strap=strap_of(document.events),
        software=own_version(),
    )
    return fit_of(track_of(document), document.session_id, document.begun.wall_s, facts=facts)


def _machine() -> str:
    """Return what names this computer; only a checksum of it goes into the file."""
    try:
        return _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
