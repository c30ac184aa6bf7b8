"""What the coach refuses, and why."""


class CoachError(Exception):
    """Root of every error that this package raises."""


class ProtocolFileError(CoachError, ValueError):
    """A protocol file that cannot be used.

    `file` names it, `line` is 1-based (0: the file as a whole), `reason` says what is wrong and what to do.
    """

    def __init__(self, file: str, line: int, reason: str) -> None:
        """Keep the place beside the reason, so that a caller can point at it."""
        super().__init__(f"{file}, line {line}: {reason}" if line else f"{file}: {reason}")
        self.file = file
        self.line = line
        self.reason = reason


class PlanError(CoachError, ValueError):
    """A plan that no session may start from: a limit missing or outside what a person can have."""


class MessageRefused(CoachError, ValueError):  # noqa: N818 - a refusal is an answer, not a fault
    """A message that is not allowed now. The session's state is unchanged.

    `code` is machine-readable; the text says what, why, and what to do.
    """

    def __init__(self, code: str, reason: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
