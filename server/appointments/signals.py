"""What other applications may listen to."""

from django.dispatch import Signal

appointments_changed = Signal()
"""Sent by `Appointment` with `participants`: the keys of those whose appointments or absences were changed."""
