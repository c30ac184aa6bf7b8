"""The pictures that participants choose from: the keys that machines draw, with their words.

Drawn for the pages by `scripts/draw_pictures.py` from the machine's own drawings, so that a tile and a page show the
same; a test holds the two together.
"""

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

PICTURES: dict[str, str | Promise] = {
    "sun": pgettext_lazy("picture", "sun"),
    "moon": pgettext_lazy("picture", "moon"),
    "leaf": pgettext_lazy("picture", "leaf"),
    "fox": pgettext_lazy("picture", "fox"),
    "bird": pgettext_lazy("picture", "bird"),
    "fish": pgettext_lazy("picture", "fish"),
    "mountain": pgettext_lazy("picture", "mountain"),
    "drop": pgettext_lazy("picture", "drop"),
    "star": pgettext_lazy("picture", "star"),
    "flower": pgettext_lazy("picture", "flower"),
    "tree": pgettext_lazy("picture", "tree"),
    "bear": pgettext_lazy("picture", "bear"),
    "boat": pgettext_lazy("picture", "boat"),
    "house": pgettext_lazy("picture", "house"),
    "cloud": pgettext_lazy("picture", "cloud"),
    "lighthouse": pgettext_lazy("picture", "lighthouse"),
    "mushroom": pgettext_lazy("picture", "mushroom"),
    "apple": pgettext_lazy("picture", "apple"),
    "snowflake": pgettext_lazy("picture", "snowflake"),
    "hare": pgettext_lazy("picture", "hare"),
}


def address_of(picture: str) -> str:
    """Where the drawing lies; empty for none, and for one of a newer version."""
    return static(f"people/pictures/{picture}.svg") if picture in PICTURES else ""
