"""The virtual terminal under the picture: it shows no text, and gives the display to whoever changes to another one.

Theory of operation. systemd gives the display service a terminal as its standard input. In graphics mode the kernel
draws nothing there: no log-in, no message of its own, no cursor. Who presses Alt+F2 is let: the kernel asks by a
signal, the picture lets go of the display, and takes it again on return. Keys that are typed there do nothing. Without
such a terminal, as on a desk, nothing of this is done (ioctl_console(2)).
"""

import atexit
import contextlib
import ctypes
import fcntl
import os
import signal
import termios
from functools import cache
from typing import Any, ClassVar, Final, Protocol

STANDARD_INPUT: Final = 0
MAJOR: Final = 4
LAST: Final = 63
"""Virtual terminals are the character devices 4:1 to 4:63; serial ones follow."""

SET_MODE, TEXT, GRAPHICS = 0x4B3A, 0, 1
SET_CHANGING, BY_THE_KERNEL, BY_ASKING = 0x5602, 0, 1
GET_STATE, MAY_CHANGE, ACTIVATE = 0x5603, 0x5605, 0x5606
YES, CAME = 1, 2
AWAY, BACK = signal.SIGUSR1, signal.SIGUSR2
_EMPTY = b"\x1b[H\x1b[2J\x1b[3J"
_DARK = b"\x1bc\x1b[30;40m\x1b[8]\x1b[?25l" + _EMPTY
"""Whatever is written from now on is black on black, also when this process is killed and the text is drawn again."""

_PLAIN = b"\x1b[37;40m\x1b[8]\x1bc" + _EMPTY


class Picture(Protocol):
    """What is on the display while this terminal is the one that is shown."""

    def let_go(self) -> None:
        """Let another program have the display."""
        ...

    def take(self) -> None:
        """Have the display again. May raise OSError."""
        ...


class Changing(ctypes.Structure):
    """The kernel's `vt_mode`: how terminals are changed."""

    _fields_: ClassVar = [
        *((name, ctypes.c_char) for name in ("mode", "waits")),
        *((name, ctypes.c_short) for name in ("away", "back", "unused")),
    ]


class TerminalState(ctypes.Structure):
    """The kernel's `vt_stat`: which terminal is shown."""

    _fields_: ClassVar = [(name, ctypes.c_ushort) for name in ("shown", "signal", "used")]


class Terminal:
    """One virtual terminal, held for as long as this process lives."""

    def __init__(self, file: int, number: int) -> None:
        """Come to the front, without text. Raises OSError where it is not this process's own."""
        self._file, self._number = file, number
        self._picture: Picture | None = None
        self._was = termios.tcgetattr(file)
        quiet = termios.tcgetattr(file)
        # A key must neither end this process (Ctrl+C) nor be written under the picture.
        quiet[3] &= ~(termios.ISIG | termios.ICANON | termios.ECHO)
        termios.tcsetattr(file, termios.TCSANOW, quiet)
        self._ask(SET_MODE, GRAPHICS)
        os.write(file, _DARK)
        signal.signal(AWAY, self._go_away)
        signal.signal(BACK, self._come_back)
        asks = Changing(mode=bytes([BY_ASKING]), away=AWAY, back=BACK)
        self._ask(SET_CHANGING, asks)
        self._ask(ACTIVATE, number)

    @property
    def is_shown(self) -> bool:
        """Whether this terminal is in front, or about to be."""
        now = TerminalState()
        self._ask(GET_STATE, now)
        return bool(now.shown == self._number)

    def show(self, picture: Picture) -> None:
        """Let this picture have the display whenever this terminal is shown. May raise OSError."""
        self._picture = picture
        if self.is_shown:
            picture.take()
        else:
            picture.let_go()

    def leave(self, picture: Picture) -> None:
        """There is no such picture any more; the terminal stays dark until there is another."""
        if self._picture is picture:
            self._picture = None

    def close(self) -> None:
        """Give the terminal back, empty. Never raises."""
        with contextlib.suppress(OSError, termios.error):
            os.write(self._file, _PLAIN)
            self._ask(SET_CHANGING, Changing(mode=bytes([BY_THE_KERNEL])))
            self._ask(SET_MODE, TEXT)
            termios.tcsetattr(self._file, termios.TCSANOW, self._was)

    def _go_away(self, _number: int, _frame: object) -> None:
        if self._picture is not None:
            self._picture.let_go()
        with contextlib.suppress(OSError):
            self._ask(MAY_CHANGE, YES)

    def _come_back(self, _number: int, _frame: object) -> None:
        with contextlib.suppress(OSError):
            self._ask(MAY_CHANGE, CAME)
            if self._picture is not None:
                self._picture.take()

    def _ask(self, number: int, told: Any) -> None:  # noqa: ANN401 - a number, or a structure that comes back filled
        fcntl.ioctl(self._file, number, told)


@cache
def terminal_here() -> Terminal | None:
    """Return the terminal that this process was given; None where its standard input is none. Raises OSError."""
    number = terminal_of(STANDARD_INPUT)
    if number is None:
        return None
    terminal = Terminal(STANDARD_INPUT, number)
    atexit.register(terminal.close)
    return terminal


def terminal_of(file: int) -> int | None:
    """Return the number of the virtual terminal that a file is; None for anything else."""
    try:
        told = os.fstat(file)
        is_one = os.isatty(file) and os.major(told.st_rdev) == MAJOR and 1 <= os.minor(told.st_rdev) <= LAST
    except OSError:
        return None
    return os.minor(told.st_rdev) if is_one else None
