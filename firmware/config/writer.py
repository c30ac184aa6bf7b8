"""Writes the settings down for people: the commented file, the document, and a file with some values changed.

    python -m firmware.config.writer toml > systemd/config.toml
    python -m firmware.config.writer markdown > docs/configuration.md

A test compares both with the settings themselves.
"""

import re
import sys
import textwrap
from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import fields

from firmware.config.schema import Config, ConfigError, meanings, read

Value = str | int | float | bool | tuple[str, ...]

HEAD: Final = """\
# Settings of an interval-coach machine: /etc/interval-coach/config.toml
#
# Each key stands below with its meaning and its default, behind «#». To change one, take away the «#» and write another
# value. An unknown key or a wrong value is refused with file, line and reason, and the last good file stays in force:
# check a change with «interval-coach config check» before you start the services again.
"""

DOCUMENT: Final = """\
# Configuration

The settings of a machine are in `/etc/interval-coach/config.toml`. The services read it when they start; `--config
FILE` names another. A word on the command line goes before the file, and without a file everything is as on a desk.

| command | what it does |
|---|---|
| `interval-coach config check [FILE]` | says that the file is in order, or file, line and reason of what is wrong |
| `interval-coach config show [FILE]` | every setting that holds, those of the defaults included |

**A wrong file.** An unknown key or a wrong value is refused with file, line and reason. Each start with a good file
keeps a copy (`config.last-good.toml`, in the service's state folder). With a wrong one the services start with that
copy, and the log and the screen say what is wrong; without a copy they do not start, and end with status 2.

**An emptied file.** A file that is gone, empty, holds comments alone, or ends before the copy does, is wrong too:
a power cut does that, and the copy is not overwritten. To mean all defaults, write the line `[machine]`.

Pins are BCM numbers (GPIO17 is 17), as on every drawing of the header; one thing on each pin, and none of those that
the sound card on I²S or the small screen's bus needs. How things are wired: [panel.md](panel.md).

This document and the file `systemd/config.toml`, which the installer lays out, are written from the settings
themselves: `python -m firmware.config.writer markdown`, `python -m firmware.config.writer toml`.
"""


def as_toml(value: Value) -> str:
    """Return a value as TOML writes it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case _:
            return "[" + ", ".join(as_toml(one) for one in value) + "]"


def commented() -> str:
    """Return the file with every key at its default, behind «#»."""
    lines = [HEAD]
    for name, section in _sections(Config()):
        lines += [*_wrapped(section.__doc__ or "", "# "), f"[{name}]"]
        for key, meaning in meanings()[name].items():
            value = "0x3C" if key == "address" else as_toml(getattr(section, key))
            lines += [*_wrapped(meaning, "# "), f"#{key} = {value}"]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def format_config(config: Config) -> str:
    """Every setting that holds, as a file."""
    lines: list[str] = []
    for name, section in _sections(config):
        lines += [f"[{name}]", *(f"{key} = {as_toml(getattr(section, key))}" for key in meanings()[name]), ""]
    return "\n".join(lines).rstrip() + "\n"


def document() -> str:
    """Return the document of all settings."""
    lines = [DOCUMENT]
    for name, section in _sections(Config()):
        lines += [f"## [{name}]", "", section.__doc__ or "", "", "| key | default | meaning |", "|---|---|---|"]
        for key, meaning in meanings()[name].items():
            value = "0x3C" if key == "address" else as_toml(getattr(section, key))
            lines.append(f"| `{key}` | `{value}` | {meaning} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def with_values(text: str, values: Mapping[str, Value], file: str = "config.toml") -> str:
    """Return a file's text with other values for some keys (`"sound.device"`), all else and all comments as they were.

    Raises ConfigError where the text or a value is refused.
    """
    read(text, file)
    lines = text.splitlines()
    for name, value in values.items():
        section, _, key = name.partition(".")
        if key not in meanings().get(section, {}):
            raise ConfigError(file, 0, f"there is no setting «{name}»")
        _put(lines, section, f"{key} = {as_toml(value)}", key)
    changed = "\n".join(lines) + "\n"
    read(changed, file)
    return changed


def _put(lines: list[str], section: str, entry: str, key: str) -> None:
    begin = next((at for at, line in enumerate(lines) if re.match(rf"\s*\[\s*{section}\s*\]", line)), None)
    if begin is None:
        lines += ["", f"[{section}]", entry]
        return
    end = next((at for at in range(begin + 1, len(lines)) if re.match(r"\s*\[", lines[at])), len(lines))
    for form in (rf"\s*{key}\s*=", rf"\s*#\s*{key}\s*="):
        for at in range(begin + 1, end):
            if re.match(form, lines[at]):
                lines[at] = entry
                return
    lines.insert(begin + 1, entry)


def _sections(config: Config) -> list[tuple[str, Struct]]:
    return [(field.name, getattr(config, field.name)) for field in fields(config)]


def _wrapped(text: str, before: str) -> list[str]:
    return textwrap.wrap(text, 120, initial_indent=before, subsequent_indent=before)


if __name__ == "__main__":
    sys.stdout.write(document() if sys.argv[1:] == ["markdown"] else commented())
