"""How forms look on every page: a label, the field, what went wrong in words, and a hint."""

from django.forms.renderers import DjangoTemplates


class PageForms(DjangoTemplates):
    """Fields drawn by `web/field.html`, whole forms by `web/form.html`: `{{ form }}` in a template is enough."""

    form_template_name = "web/form.html"
    field_template_name = "web/field.html"
