"""Regions, clinics, accounts and their roles. A role holds in one clinic, in one region, or everywhere."""

from datetime import date, datetime
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from server.accounts.roles import Role


class Region(models.Model):
    """A region (or a health trust) that several clinics belong to."""

    code = models.SlugField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=100)

    def __str__(self) -> str:
        """Its name."""
        return self.name


class Clinic(models.Model):
    """One clinic. `code`: its name on the wire (`sync.wire.topics`), the same as in every session that it sent."""

    code = models.CharField(_("code"), max_length=32, unique=True)
    name = models.CharField(_("name"), max_length=100)
    region = models.ForeignKey(
        Region, models.PROTECT, null=True, blank=True, related_name="clinics", verbose_name=_("region")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Oslo")

    def __str__(self) -> str:
        """Its name."""
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone that decides when a day begins here."""
        return ZoneInfo(self.time_zone)

    def day_of(self, at: datetime) -> date:
        """Return the day on which a moment falls at this clinic."""
        return at.astimezone(self.zone).date()


class Theme(models.TextChoices):
    """How pages look for an account; without a choice, as the device says."""

    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Account(AbstractUser):
    """Somebody who logs in. Never shared; a participant has none."""

    language = models.CharField(
        _("language"), max_length=2, choices=[("nb", "Bokmål"), ("en", "English")], default="nb"
    )
    theme = models.CharField(_("appearance"), max_length=5, choices=Theme.choices, blank=True)
    external_id = models.CharField(max_length=200, unique=True, null=True, blank=True, editable=False)
    """The subject by which an identity provider (OpenID Connect) names this person: `issuer subject`."""


class Membership(models.Model):
    """A role of an account: in one clinic, in one region's clinics, or, with neither, in all.

    `waits_until`: until then the role holds only once another person has confirmed it; `asked_by`: who gave it.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=20, choices=Role.choices)
    clinic = models.ForeignKey(Clinic, models.CASCADE, null=True, blank=True, related_name="memberships")
    region = models.ForeignKey(Region, models.CASCADE, null=True, blank=True, related_name="memberships")
    waits_until = models.DateTimeField(null=True, blank=True)
    asked_by = models.ForeignKey(Account, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        """One place at most, and the same role in the same place once."""

        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(clinic__isnull=True) | models.Q(region__isnull=True), name="membership_one_place"
            ),
            models.UniqueConstraint(
                fields=["account", "role", "clinic", "region"], nulls_distinct=False, name="membership_once"
            ),
        ]

    def __str__(self) -> str:
        """Role and place."""
        everywhere = _("all clinics")
        return f"{self.get_role_display()}: {self.clinic or self.region or everywhere}"


class Invitation(models.Model):
    """A one-time link by which somebody makes an account theirs, or comes back after losing password or phone.

    Only the hash of its secret is kept.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="invitations")
    token_sha256 = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        """Whose it is."""
        return self.account.get_username()
