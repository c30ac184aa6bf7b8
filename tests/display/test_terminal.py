"""The terminal under the picture, over a kernel that answers as the real one does; its signals are real."""

import ctypes
import os
import pty
import signal
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from display.output import virtual_terminal
from display.output.virtual_terminal import (
    ACTIVATE,
    CAME,
    GRAPHICS,
    MAY_CHANGE,
    SET_MODE,
    TEXT,
    YES,
    Changing,
    Terminal,
)


class Kernel:
    """Terminals of which one is shown."""

    def __init__(self, shown: int) -> None:
        """`shown`: the number of the one in front."""
        self.shown = shown
        self.said: list[tuple[int, int]] = []
        self.asks: tuple[bytes, int, int] | None = None

    def answer(self, _file: int, number: int, told: object) -> int:
        """Do what is asked."""
        if isinstance(told, Changing):
            self.asks = (told.mode, told.away, told.back)
        elif isinstance(told, virtual_terminal.TerminalState):
            told.shown = self.shown
        elif isinstance(told, int):
            self.said.append((number, told))
            if number == ACTIVATE:
                self.shown = told
        return 0


class Picture:
    """What is on the display."""

    def __init__(self) -> None:
        """Nothing was asked of it."""
        self.did: list[str] = []

    def let_go(self) -> None:
        """Note it."""
        self.did.append("let go")

    def take(self) -> None:
        """Note it."""
        self.did.append("take")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    """A kernel that shows terminal 2; afterwards the signals are what they were."""
    one = Kernel(shown=2)
    monkeypatch.setattr(virtual_terminal.fcntl, "ioctl", one.answer)
    before = {number: signal.getsignal(number) for number in (virtual_terminal.AWAY, virtual_terminal.BACK)}
    yield one
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def file() -> Iterator[int]:
    """Something to type on."""
    master, slave = pty.openpty()
    yield slave
    os.close(slave)
    os.close(master)


@pytest.mark.parametrize(("structure", "size"), [(Changing, 8), (virtual_terminal.TerminalState, 6)])
def test_each_structure_is_as_large_as_the_kernels(structure: type[ctypes.Structure], size: int) -> None:
    assert ctypes.sizeof(structure) == size


def test_it_comes_to_the_front_without_text_and_asks_to_be_asked(kernel: Kernel, file: int) -> None:
    Terminal(file, 1)
    assert kernel.said == [(SET_MODE, GRAPHICS), (ACTIVATE, 1)]
    assert kernel.asks == (b"\x01", signal.SIGUSR1, signal.SIGUSR2)


def test_what_is_typed_under_the_picture_is_not_written_and_ends_nothing(kernel: Kernel, file: int) -> None:
    assert kernel.shown == 2
    before = termios.tcgetattr(file)
    held = Terminal(file, 1)
    assert termios.tcgetattr(file)[3] & (termios.ECHO | termios.ISIG | termios.ICANON) == 0
    held.close()
    assert termios.tcgetattr(file) == before


def test_whoever_changes_to_another_terminal_gets_the_display_and_gives_it_back(kernel: Kernel, file: int) -> None:
    held, picture = Terminal(file, 1), Picture()
    held.show(picture)
    kernel.said.clear()
    os.kill(os.getpid(), signal.SIGUSR1)
    assert (picture.did, kernel.said) == (["take", "let go"], [(MAY_CHANGE, YES)])
    os.kill(os.getpid(), signal.SIGUSR2)
    assert (picture.did[2:], kernel.said[1:]) == (["take"], [(MAY_CHANGE, CAME)])


def test_a_picture_that_is_opened_while_another_terminal_is_shown_waits_for_its_own(kernel: Kernel, file: int) -> None:
    held, picture = Terminal(file, 1), Picture()
    kernel.shown = 2
    held.show(picture)
    assert picture.did == ["let go"]
    os.kill(os.getpid(), signal.SIGUSR2)
    assert picture.did == ["let go", "take"]


def test_a_picture_that_is_gone_is_asked_nothing(kernel: Kernel, file: int) -> None:
    held, picture = Terminal(file, 1), Picture()
    held.show(picture)
    held.leave(picture)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert (picture.did, kernel.said[-1]) == (["take"], (MAY_CHANGE, YES))


def test_what_others_write_while_it_is_held_cannot_be_read_even_after_a_kill(kernel: Kernel) -> None:
    assert kernel.shown == 2
    master, slave = pty.openpty()
    Terminal(slave, 1)
    written = os.read(master, 1024)
    assert [b"\x1b[30;40m\x1b[8]" in written, b"\x1b[?25l" in written, b"\x1b[2J" in written] == [True] * 3
    os.close(slave)
    os.close(master)


def test_it_is_given_back_empty_and_with_text(kernel: Kernel, file: int) -> None:
    held = Terminal(file, 1)
    held.close()
    assert (kernel.said[-1], kernel.asks) == ((SET_MODE, TEXT), (b"\x00", 0, 0))


def test_only_a_virtual_terminal_is_taken_for_one(file: int, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as plain:
        assert [virtual_terminal.terminal_of(one) for one in (file, plain.fileno(), 9999)] == [None, None, None]
