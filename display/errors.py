"""What the display refuses, and why."""


class DisplayError(Exception):
    """Root of every error that this package raises."""


class AudioFileError(DisplayError, ValueError):
    """A sound file that cannot be played; the text says which, what is wrong and what to do."""


class VoicePackError(DisplayError, ValueError):
    """A voice pack that cannot be read or made; the text says which, what is wrong and what to do."""
