"""How forms look on every page: a label, the field, what went wrong in words, and a hint."""

from datetime import date

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms.renderers import DjangoTemplates
from django.utils.translation import gettext_noop

from sync.wire.ranges import FIRST_YEAR

SAID_OTHERWISE = (
    gettext_noop("This field is required."),
    gettext_noop("Enter a valid date."),
    gettext_noop("Enter a whole number."),
    gettext_noop("Ensure this value is greater than or equal to %(limit_value)s."),
    gettext_noop("Ensure this value is less than or equal to %(limit_value)s."),
    gettext_noop("Your old password was entered incorrectly. Please enter it again."),
    gettext_noop("The two password fields didn’t match."),
)
"""Texts of Django's own that this application's catalogue, which comes after Django's, says in plainer bokmål."""


FIRST_DAY, LAST_DAY = date(FIRST_YEAR, 1, 1), date(9000, 12, 31)
"""So that two years on, or the days of a course, stay within the calendar; what a day may be, each form says itself."""


class DayField(forms.DateField):
    """A day with which one can count."""

    default_validators = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]  # noqa: RUF012 - as Django has it


class PageForms(DjangoTemplates):
    """Fields drawn by `web/field.html`, whole forms by `web/form.html`: `{{ form }}` in a template is enough."""

    form_template_name = "web/form.html"
    field_template_name = "web/field.html"
