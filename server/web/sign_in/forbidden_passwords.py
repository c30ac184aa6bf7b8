"""Refuse passwords for their words: the clinic's and the product's own, and those of a list of the operator's.

Django's own list holds 20,000 common passwords, of which 190 are long enough here. A list of breached passwords would
be a download, and a clinic's server reaches no public network: the operator may lay one into the clinic's folder.
"""

import logging
import re
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from server.accounts.models import Clinic

_log = logging.getLogger(__name__)

FILE = "forbidden-passwords.txt"
"""In the clinic's folder: one password a line, UTF-8, whatever their case."""

OWN_WORDS = ("interval", "coach", "trener", "tredemølle", "treadmill", "helse", "klinikk", "clinic")
"""Words of the product and its place; the clinics' names and codes, and the server's name, come on top."""

_LEAST_LEFT = 8
"""So many signs a password must have without these words: `trondheim2026!` has six."""


class ForbiddenPasswordValidator:
    """Refuse a password that is mostly the clinic's own words, or stands in the operator's list."""

    def validate(self, password: str, user: object = None) -> None:  # noqa: ARG002 - Django's own call
        """Raise ValidationError for such a password."""
        plain = password.casefold()
        left = plain
        for word in sorted(_words(), key=len, reverse=True):
            left = left.replace(word, "")
        if len(left) < len(plain) and len(left) < _LEAST_LEFT:
            raise ValidationError(
                _("This is mostly the clinic's name or a word of its work. Choose other words."), code="context"
            )
        folder: Path | None = settings.ACCESS_LOG_FOLDER
        if folder is not None and _is_listed(folder / FILE, plain):
            raise ValidationError(_("This password is on a list of known ones. Choose another."), code="listed")

    def get_help_text(self) -> str:
        """Return the rule in words."""
        return _("Not mostly the clinic's name or a word of its work.")


def _words() -> Iterable[str]:
    told = [*OWN_WORDS, *settings.ALLOWED_HOSTS]
    for code, name in Clinic.objects.values_list("code", "name"):
        told += [code, name]
    return {word for one in told for word in re.findall(r"[^\W\d_]{4,}", one.casefold())}


def _is_listed(file: Path, plain: str) -> bool:
    """Whether a line says the same. A list of some million lines takes a second, at a change of a password alone."""
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            return any(line.rstrip("\r\n").casefold() == plain for line in lines)
    except FileNotFoundError:
        return False
    except OSError as error:
        # A password must be able to be changed all the same.
        _log.error("%s cannot be read (%s)", file, error.strerror)
        return False
