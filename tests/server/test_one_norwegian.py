"""The pages' Norwegian keeps to one form of each word, as the screen's does."""

import re
from pathlib import Path

import pytest

CATALOGUES = sorted((Path(__file__).parents[2] / "server").glob("*/locale/nb/LC_MESSAGES/django.po"))
RADICAL = re.compile(r"\b(økta|klokka|lampa|dagboka|mølla|tredemølla|uka|jobba|treneren)\b", re.IGNORECASE)


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parents[3].name)
def test_bokmal_is_moderate_and_no_machine_is_called_a_trainer(catalogue: Path) -> None:
    """«Økten», never «økta»; «treneren» is a person, so what advises is «maskinen»."""
    said = catalogue.read_text(encoding="utf-8").split("\nmsgstr")[1:]
    texts = [re.split(r"\n\n|\n#|\nmsg(?:id|ctxt) ", one)[0] for one in said]
    assert [text.strip() for text in texts if RADICAL.search(text)] == []
