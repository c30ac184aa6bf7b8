"""What the server refuses or cannot do, and why."""


class ServerError(Exception):
    """Root of every error that this package raises. Its text says what, why, and what to do."""


class SettingsError(ServerError, ValueError):
    """A clinic's folder or settings that cannot be used."""


class IdentityError(ServerError, ValueError):
    """A certificate, key, code or signing request that is not accepted.

    `code` is machine-readable, one of those that `sync.wire.messages.EnrolRefused` lists.
    """

    def __init__(self, code: str, reason: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(reason)
        self.code = code
        self.reason = reason


class StoreAwayError(ServerError):
    """The database cannot be reached now. Nothing of the batch is committed; the same batch may be tried again."""


class StoreRefusedError(ServerError):
    """The database will not take something in this batch, now or ever. Nothing of the batch is committed."""


class BackupError(ServerError):
    """A backup that could not be made, or one that must not be restored."""


class UnreadableSessionError(ServerError):
    """A stored session whose data no page and no file can be made of. It stays as it is."""
