"""What the machine's own software refuses or cannot do, and why."""


class FirmwareError(Exception):
    """Root of every error that this package raises. Its text says what, why, and what to do."""


class PanelError(FirmwareError, OSError):
    """The panel or another part at the pins is not there, or may not be used."""
