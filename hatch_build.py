"""Builds the default voice pack into the package: every phrase, spoken by espeak-ng, as folders of recordings."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class VoicePackHook(BuildHookInterface[Any]):
    """Synthesises `display/voices/<language>/` before a wheel is built, and in an editable install beside its source.

    A machine without espeak-ng gets the package without voices: the coach then shows text and plays tones.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`version` is `editable` or `standard`; `build_data` takes the files that git ignores."""
        root = Path(self.root)
        if self.target_name != "wheel" or not (root / "display" / "voice_pack.py").exists():
            return
        if shutil.which("espeak-ng") is None:
            self.app.display_warning(
                "espeak-ng is not installed, so no voice pack was built: the coach will show text and play tones. "
                "To have the voice, install espeak-ng and build again.",
            )
            return
        voices = root / "display" / "voices"
        finished = subprocess.run(
            [sys.executable, "-m", "display.voice_pack", "build", str(voices)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            sentence = f"The voice pack could not be synthesised:\n{finished.stdout}{finished.stderr}"
            if version != "editable":
                raise RuntimeError(sentence)
            # In a checkout the rest still works, and `make voices` shows the same fault again.
            self.app.display_warning(sentence)
            return
        build_data["artifacts"].append("/display/voices/**")
