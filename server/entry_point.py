"""Where the command `interval-coach-server` begins: a missing package is named in a sentence, with what installs it."""

import sys
from collections.abc import Sequence

from sync.missing_package import what_to_install


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the command line and run one command. Return its exit status, 1 where a package is missing."""
    try:
        from server import cli  # noqa: PLC0415 - it imports Django, which comes with an extra

        return cli.main(arguments)
    except ModuleNotFoundError as error:
        sys.stderr.write(f"interval-coach-server: {what_to_install(error, otherwise='server')}\n")
        return 1
