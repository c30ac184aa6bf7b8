"""The clinic's fixed times, the days on which it is closed, appointments of people, and calendar subscriptions."""

from datetime import date, datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.models import Account, Clinic
from server.people.models import Participant

REASONS = [
    ("sick", _("ill")),
    ("leave", _("on leave")),
    ("withdrawal", _("withdrawal symptoms")),
    ("no_show", _("did not come")),
    ("other", _("another reason")),
]
"""Why a person did not come. A withdrawal and a no-show are worth a call; see `server.follow_up.rules`."""


class FixedTime(models.Model):
    """A time that comes back each week, at one machine or without one, perhaps for one group.

    `weekday`: 0 is Monday. `begins`: in the clinic's zone. `places`: people at once; 1 at a machine. `ended_on`: the
    first day on which it is there no more.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="fixed_times")
    weekday = models.PositiveSmallIntegerField(_("day of the week"))
    begins = models.TimeField(_("begins at"))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=60)
    machine = models.CharField(_("machine"), max_length=32, blank=True)
    group = models.CharField(_("group"), max_length=40, blank=True)
    places = models.PositiveSmallIntegerField(_("places"), default=1)
    begun_on = models.DateField()
    ended_on = models.DateField(null=True)

    class Meta:
        """One machine has one fixed time at an hour, as long as it lasts."""

        ordering: ClassVar = ["weekday", "begins", "machine", "group", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["clinic", "weekday", "begins", "machine", "group"],
                condition=models.Q(ended_on=None),
                name="fixed_time_once",
            )
        ]

    def __str__(self) -> str:
        """Day, hour and place."""
        return f"{self.weekday} {self.begins} {self.machine or self.group}"

    def is_on(self, day: date) -> bool:
        """Return whether it is there on this day, closed days apart."""
        lasts = self.ended_on is None or day < self.ended_on
        return day.weekday() == self.weekday and self.begun_on <= day and lasts


class ClosedDay(models.Model):
    """A day on which no fixed time is there: a holiday, a course day of the staff."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="closed_days")
    on = models.DateField(_("day"))
    reason = models.CharField(_("why"), max_length=60, blank=True)

    class Meta:
        """A day is closed once."""

        ordering: ClassVar = ["on"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["clinic", "on"], name="closed_once")]

    def __str__(self) -> str:
        """Which day."""
        return f"{self.clinic} {self.on}"


class Appointment(models.Model):
    """A person is expected at a time. Whether they came is read from their sessions, never typed in.

    `on`: the day in the clinic's zone on which `begins_at` falls. `fixed_time`: the place in the week that it takes,
    null for a single one. `absence`: why the person did not come, as a therapist said; a session of that day outweighs
    it.
    """

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="appointments")
    participant = models.ForeignKey(Participant, models.CASCADE, related_name="appointments")
    fixed_time = models.ForeignKey(FixedTime, models.SET_NULL, null=True, blank=True, related_name="appointments")
    begins_at = models.DateTimeField(_("begins"))
    on = models.DateField(_("day"))
    minutes = models.PositiveSmallIntegerField(_("minutes"), default=60)
    machine = models.CharField(_("machine"), max_length=32, blank=True)
    absence = models.CharField(_("why absent"), max_length=12, choices=REASONS, blank=True)
    absence_at = models.DateTimeField(null=True)
    absence_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    made_by = models.ForeignKey(Account, models.SET_NULL, null=True, related_name="+")

    class Meta:
        """A person is in one place at a time; read by clinic and day, and by person."""

        ordering: ClassVar = ["begins_at", "machine", "pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["participant", "begins_at"], name="appointment_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["clinic", "on"], name="appointment_day")]

    def __str__(self) -> str:
        """Whose and when."""
        return f"{self.participant} {self.begins_at:%Y-%m-%d %H:%M}"

    @property
    def ends_at(self) -> datetime:
        """Return its end."""
        return self.begins_at + timedelta(minutes=self.minutes)


class CalendarFeed(models.Model):
    """A secret address at which an account's calendar program reads appointments, with pseudonyms alone.

    Only the hash of the secret is kept. `only_own`: of the participants whose responsible therapist the account is.
    `auth_hash`: the account's as the address was made; a changed or forgotten password ends the address, as it ends
    every log-in.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="calendar_feeds")
    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="+")
    secret_sha256 = models.CharField(max_length=64, unique=True)
    auth_hash = models.CharField(max_length=128)
    only_own = models.BooleanField(default=True)
    made_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        """One for an account and clinic: a new one takes the place of the old."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "clinic"], name="feed_once")]

    def __str__(self) -> str:
        """Whose."""
        return f"{self.account.get_username()} {self.clinic}"
