"""Bytes from outside are unpacked and parsed at one place each, with its limits: a second reader has forgotten them."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

READERS = {
    "decompress": {"sync/wire/envelope.py"},
    "decompressobj": {"sync/wire/envelope.py"},
    "ZipFile": {
        "server/documents/export/transfer.py",
        "server/documents/export/transfer_file.py",
        "server/documents/export/archive.py",
    },
    "gzip.open": set[str](),
    "tarfile.open": {"server/commands/backup.py"},
    "pickle.loads": set[str](),
    "ElementTree.parse": set[str](),
    "fromstring": set[str](),
}
"""Each call that reads a packed or nested format, and the files of sync/ and server/ that may hold it."""


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def test_each_packed_format_is_read_at_one_place_with_its_limits() -> None:
    found = {
        (name, str(path.relative_to(ROOT)))
        for room in ("sync", "server")
        for path in (ROOT / room).rglob("*.py")
        for called in calls(path)
        for name in READERS
        if called == name or called.endswith(f".{name}")
    }
    assert {(name, place) for name, place in found if place not in READERS[name]} == set()
