"""What several tests of the display share."""

from pathlib import Path

import pytest

from display.sound import voice_pack


@pytest.fixture(scope="session")
def default_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthesise the default packs once for all tests; a folder for each language."""
    folder = tmp_path_factory.mktemp("voices")
    voice_pack.build(folder)
    return folder
