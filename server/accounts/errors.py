"""What cannot be done with accounts, and why."""

from server.errors import ServerError


class AccountError(ServerError, ValueError):
    """An act on an account that is refused. Its text says what, why, and what to do."""
