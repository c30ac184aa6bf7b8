"""What sync refuses, and why."""


class SyncError(Exception):
    """Root of every error that this package raises."""


class TopicError(SyncError, ValueError):
    """A topic, or a name in it, that is not one of ours."""


class WireError(SyncError, ValueError):
    """Something that cannot be put on the wire."""


class ChunkError(SyncError, ValueError):
    """Parts that do not make up one session."""
