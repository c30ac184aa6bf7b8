"""Every text of the pages has its bokmål, and no catalogue keeps what nobody says."""

import pytest

from scripts import catalogues


@pytest.mark.parametrize("application", [one.name for one in catalogues.applications()])
def test_every_text_has_its_translation(application: str) -> None:
    assert catalogues.faults(catalogues.ROOT / "server" / application) == []
