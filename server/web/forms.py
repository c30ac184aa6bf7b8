"""How forms look on every page: a label, the field, what went wrong in words, and a hint."""

from django.forms.renderers import DjangoTemplates
from django.utils.translation import gettext_noop

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


class PageForms(DjangoTemplates):
    """Fields drawn by `web/field.html`, whole forms by `web/form.html`: `{{ form }}` in a template is enough."""

    form_template_name = "web/form.html"
    field_template_name = "web/field.html"
