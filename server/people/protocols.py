"""The protocols that a plan may name: those that come with the coach, and a clinic's own beside them.

A clinic's own lie in `protocols/` in the server's folder, the same files as on its machines (docs/protocols.md). One
that cannot be read is passed over: the machine refuses it with its line and reason.
"""

import logging
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from django.conf import settings
from django.utils.translation import get_language
from msgspec import Struct

from coach.errors import ProtocolFileError
from coach.model.protocol import Protocol
from coach.model.protocol_file import read
from server.json_logging import log_fields

_log = logging.getLogger(__name__)


class Offered(Struct, frozen=True):
    """A protocol as a form offers it. `low_fraction`: where its hardest zone begins, of HRmax; None: it has none.

    `moderate`: it never asks for more than moderate effort, so it needs no clearance.
    """

    name: str
    title: str
    low_fraction: float | None
    moderate: bool = False


def offered() -> tuple[Offered, ...]:
    """All that a plan may name, the built-in ones first, in the language at hand."""
    known = {one.name: one for one in (*_own(_folder()), *_built_in())}
    first = [one.name for one in _built_in()]
    order = sorted(known, key=lambda name: (name not in first, first.index(name) if name in first else 0, name))
    return tuple(_offered(known[name]) for name in order)


def titles() -> dict[str, str]:
    """Each protocol's title by its name."""
    return {one.name: one.title for one in offered()}


def is_moderate(name: str) -> bool:
    """Return whether a plan of this protocol needs no clearance. One that the server does not know needs it."""
    known = {one.name: one for one in (*_own(_folder()), *_built_in())}
    return name in known and known[name].moderate


def _offered(protocol: Protocol) -> Offered:
    lows = [phase.zone.low_fraction for phase in protocol.phases if phase.zone is not None]
    title = protocol.titles.get(get_language() or "nb") or protocol.name
    return Offered(protocol.name, title, max(lows, default=None), protocol.moderate)


@lru_cache(maxsize=1)
def _built_in() -> tuple[Protocol, ...]:
    found = files("coach").joinpath("protocols").iterdir()
    read_ones = [read(one.read_text(encoding="utf-8"), one.name) for one in found if one.name.endswith(".toml")]
    return tuple(sorted(read_ones, key=lambda one: (one.name != "4x4", one.name)))


def _folder() -> Path | None:
    root = settings.STATIC_ROOT
    return None if root is None else Path(root).parent / "protocols"


def _own(folder: Path | None) -> tuple[Protocol, ...]:
    if folder is None or not folder.is_dir():
        return ()
    return _read_folder(folder, tuple((one.name, one.stat().st_mtime_ns) for one in sorted(folder.glob("*.toml"))))


@lru_cache(maxsize=4)
def _read_folder(folder: Path, as_it_is: tuple[tuple[str, int], ...]) -> tuple[Protocol, ...]:
    found = []
    for name, _changed in as_it_is:
        try:
            found.append(read((folder / name).read_text(encoding="utf-8-sig"), name))
        except (ProtocolFileError, OSError, UnicodeDecodeError) as error:
            _log.warning("a protocol cannot be read", extra=log_fields(file=name, why=str(error)))
    return tuple(found)
