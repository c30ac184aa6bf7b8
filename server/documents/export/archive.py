"""A ZIP that is written to a file on its way out: large ones do not lie in memory."""

import zipfile
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO

from django.utils import timezone

IN_MEMORY_BYTES = 4 * 1024 * 1024


def zipped(files: Iterable[tuple[str, bytes]]) -> IO[bytes]:
    """Return an open temporary file, at its beginning, that vanishes when it is closed."""
    made = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - whoever sends it closes it
    now = timezone.localtime().timetuple()[:6]
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            one = zipfile.ZipInfo(name, now)
            one.compress_type = zipfile.ZIP_DEFLATED
            one.external_attr = 0o600 << 16
            archive.writestr(one, content)
    made.seek(0)
    return made
