"""What other applications may listen to: the room knows none of its listeners."""

from django.dispatch import Signal

notice_raised = Signal()
"""Sent by `RaisedNotice` with `notice`, a row that was just written."""
