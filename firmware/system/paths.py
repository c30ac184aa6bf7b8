"""Where this machine keeps its socket, its diary and its plans.

The environment tells (systemd sets RUNTIME_DIRECTORY, a desktop XDG_RUNTIME_DIR); a person may say another place on the
command line.
"""

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "interval-coach"
SYSTEM_PLANS = Path("/etc/interval-coach/plans")


def socket_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the coach's local socket."""
    if given := environment.get("RUNTIME_DIRECTORY"):
        return Path(given.split(":")[0]) / "coach.sock"
    if runtime := environment.get("XDG_RUNTIME_DIR"):
        return Path(runtime) / NAME / "coach.sock"
    return Path("/run") / NAME / "coach.sock"


def diary_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the diary's place: `$INTERVAL_COACH_DIARY`, else the service's own if there is one, else the user's."""
    if named := environment.get("INTERVAL_COACH_DIARY"):
        return Path(named)
    service = Path("/var/lib") / NAME / "diary.db"
    if service.exists():
        return service
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / NAME / "diary.db"


MUSIC_STICK = Path("/run/interval-coach-stick")
"""Where a USB stick with music is mounted (systemd/optional/music-stick.rules)."""

MUSIC_PIPEWIRE = Path("/run/interval-coach-music")
"""The runtime folder of the PipeWire that takes a telephone's music (systemd/optional/music.service)."""


def identity_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Key and certificate: `$INTERVAL_COACH_IDENTITY`, else beside the service's or the user's own diary."""
    if named := environment.get("INTERVAL_COACH_IDENTITY"):
        return Path(named)
    service = Path("/var/lib") / NAME
    if service.is_dir():
        return service / "identity"
    state = environment.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / NAME / "identity"


def plans_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of plans, one file for each participant."""
    if configuration := environment.get("XDG_CONFIG_HOME"):
        return Path(configuration) / NAME / "plans"
    if home := environment.get("HOME"):
        own = Path(home) / ".config" / NAME / "plans"
        if own.is_dir():
            return own
    return SYSTEM_PLANS
