"""The configuration as the command line's defaults: what the file says holds where the command line says nothing."""

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from firmware.config.loader import InForce
    from firmware.config.schema import Config

CONFIG = Path("/etc/interval-coach/config.toml")

_log = logging.getLogger(__name__)


def configured(path: Path | None) -> "dict[str, object]":
    """Return the defaults that a file gives the services; none where no file is named and the usual one is missing.

    Raises ConfigError where the file is wrong and no good one was kept.
    """
    from firmware.config.loader import in_force, kept_copy, lost_by_service  # noqa: PLC0415 - not on every desk

    if path is None and not CONFIG.exists() and not lost_by_service(kept_copy()):
        return {}
    now = in_force(path or CONFIG, kept_copy())
    if now.fault is not None:
        _log.warning("The settings are wrong, and the last good ones are in force instead: %s", now.fault)
    _tell_environment(now.config)
    return defaults_of(now)


def defaults_of(now: "InForce") -> "dict[str, object]":
    """Return what `interval-coach run`, `coach`, `display` and `sync` are told where the command line says nothing."""
    config = now.config
    screens = {"kms": "full-screen", "kmsdrm": "full-screen", "wayland": "full-screen", "none": "headless"}
    window = "full-screen" if config.screen.full_screen else "window"
    return {
        "in_force": now,
        "config": now.path,
        "diary": Path(config.diary.folder) / "diary.db",
        "free_floor_mb": config.diary.free_floor_mb,
        "language": config.machine.language,
        "plans": Path(config.participants.plans),
        "no_guests": not config.participants.guests,
        "strap": _strap_of(config),
        "screen": screens.get(config.screen.driver, window),
        "no_sound": config.sound.device == "none",
        "voices": [Path(folder) for folder in config.voice.packs],
        "oled": config.oled.driver,
    }


def _strap_of(config: "Config") -> str:
    part = config.strap
    return f"{part.source}:{part.adapter}" if part.source == "bluetooth" and part.adapter else part.source


def _tell_environment(config: "Config") -> None:
    """Set what is read from the environment wherever it is needed: the zone of dates, and the clinic's protocols."""
    os.environ["TZ"] = config.machine.timezone
    time.tzset()
    os.environ["INTERVAL_COACH_PROTOCOLS"] = config.protocols.folder
