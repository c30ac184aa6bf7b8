"""What papers and files refuse, and why."""

from server.errors import ServerError


class PaperError(ServerError):
    """A paper or file that cannot be made. Its text says what, why, and what to do."""


class HandoverError(ServerError):
    """A handover package that is not taken in. Its text says what, why, and what to do; nothing was changed."""
