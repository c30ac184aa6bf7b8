"""What the journal refuses or has lost. Each error says what, why, and what to do."""

from firmware.system.errors import FirmwareError


class JournalError(FirmwareError):
    """Root of the journal's errors."""


class JournalInUseError(JournalError, BlockingIOError):
    """Another process holds the journal: one process, one connection (SQLite pitfall, faults.md)."""


class JournalPlaceError(JournalError, OSError):
    """The journal's folder cannot be written, so nobody can have the journal for himself."""


class JournalVersionError(JournalError, ValueError):
    """The file is not a journal, or a newer program wrote it. It is left untouched."""


class UnknownSessionError(JournalError, LookupError):
    """No session has this id, or more than one begins with it."""


class DamagedSessionError(JournalError, ValueError):
    """What is stored of this session fails its checksum; nothing is guessed."""


class UnreadableRecordError(JournalError, ValueError):
    """A record that could not be read back as it was given, so it is refused when it comes, not when it is needed."""
