"""What other applications may listen to: a sender of the diary knows none of its listeners."""

from django.dispatch import Signal

entries_changed = Signal()
"""Sent by `DiaryEntry` with `participants`: the keys of those whose entries were made, changed or reassigned."""
