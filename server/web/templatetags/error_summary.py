"""All that is wrong with a page's forms, at the top, each with a link to its field."""

from typing import Any

from django import template
from django.forms import BaseForm
from django.forms.boundfield import BoundField
from msgspec import Struct

register = template.Library()


class SummaryLine(Struct, frozen=True):
    """One thing to put right. `to`: the field's element."""

    to: str
    label: str
    words: str


@register.inclusion_tag("web/error_summary.html", takes_context=True)
def error_summary(context: template.Context) -> dict[str, Any]:
    """Return what is wrong in every form of the page, in the order of the fields."""
    shown: list[Any] = list(context.flatten().values())
    found = {id(one): one for one in shown if isinstance(one, BaseForm) and one.is_bound}
    return {"lines": [line for form in found.values() for field in form for line in _lines(field)]}


def _lines(field: BoundField) -> list[SummaryLine]:
    if field.is_hidden:
        return []
    # A group of choices has no element of its own; its first choice stands for it.
    to = f"{field.auto_id}_0" if field.use_fieldset else field.id_for_label
    return [SummaryLine(to, str(field.label), str(one)) for one in field.errors]
