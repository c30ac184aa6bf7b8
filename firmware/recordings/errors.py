"""What is wrong with a recording, and where."""

from firmware.system.errors import FirmwareError


class RecordingFileError(FirmwareError, ValueError):
    """A recording that cannot be used, whole and untouched where it was.

    `file` names it, `line` is 1-based (0: the file as a whole), `reason` says what is wrong and what to do.
    """

    def __init__(self, file: str, line: int, reason: str) -> None:
        """Keep the place beside the reason, so that a caller can point at it."""
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason
