"""Where the command `interval-coach` begins: Ctrl-C ends it in silence, also while its modules are being loaded."""

import signal


def main() -> int:
    """Load the command line and do what it says."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Nothing has been begun, so there is nothing to end in order, and no traceback of half-loaded modules to show.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        from firmware import cli  # noqa: PLC0415 - this is the loading

        signal.signal(signal.SIGINT, signal.default_int_handler)
    else:
        from firmware import cli  # noqa: PLC0415 - as above
    return cli.main()
