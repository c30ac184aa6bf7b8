"""What can go wrong with participants and plans."""

from server.errors import ServerError


class PeopleError(ServerError):
    """Something about a participant or a plan that cannot be done. Its text says what, why, and what to do."""


class EditConflictError(PeopleError):
    """Somebody else has changed the plan since it was shown."""


class NotClearedError(PeopleError):
    """The plan asks for more than moderate effort, and no clearance for that is in force."""
