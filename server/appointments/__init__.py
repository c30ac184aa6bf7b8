"""Appointments: the clinic's week, who is expected when, who came, and who did not and why."""
