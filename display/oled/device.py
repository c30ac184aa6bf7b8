"""The small screen's real panel on an I²C bus: one luma device, however often the panel is unplugged.

luma's device registers itself for the end of the process and is never let go of, so a new one at each try would fill
the memory of a machine whose panel is missing. Here one device writes to a wire of our own: the wire remembers what
set the panel up, and says it again to a panel that was plugged in anew. Nothing is made before the panel has answered.
"""

from collections.abc import Sequence
from typing import Any, Literal

from luma.core.error import Error as LumaError
from luma.core.interface.serial import i2c
from luma.oled.device import sh1106, ssd1306
from PIL import Image

Chip = Literal["ssd1306", "sh1106"]

ADDRESSES = (0x3C, 0x3D)
"""The two that panels of 128×64 can be soldered to."""

NO_OPERATION = 0xE3
"""Understood by both chips and without effect: only whether it is answered counts."""


class _Wire:
    """What luma takes for its serial interface: the bus while there is one."""

    def __init__(self) -> None:
        self.serial: Any = None
        self.remembered: list[tuple[bool, tuple[int, ...]]] | None = []

    def command(self, *words: int) -> None:
        """Send the chip a command."""
        self._remember(words, is_command=True)
        self._bus().command(*words)

    def data(self, content: Sequence[int]) -> None:
        """Pixels."""
        self._remember(tuple(content), is_command=False)
        self._bus().data(content)

    def cleanup(self) -> None:
        """Let go of the bus."""
        serial, self.serial = self.serial, None
        if serial is not None:
            serial.cleanup()

    def _bus(self) -> Any:  # noqa: ANN401 - luma ships no type information
        if self.serial is None:
            raise OSError("the small screen is not open")
        return self.serial

    def _remember(self, words: tuple[int, ...], *, is_command: bool) -> None:
        if self.remembered is not None:
            self.remembered.append((is_command, words))


class OledPanel:
    """A panel of 128×64. `open` it, and open it again when it was lost."""

    def __init__(
        self, chip: Chip = "ssd1306", port: int = 1, address: int = 0x3C, *, upside_down: bool = False
    ) -> None:
        """Open nothing yet. `port`: number of the I²C bus; `address` on it, which is tried before its twin."""
        self._chip: Chip = chip
        self._port, self._address, self._upside_down = port, address, upside_down
        self._wire = _Wire()
        self._device: Any = None
        self._set_up: list[tuple[bool, tuple[int, ...]]] = []
        self.answering: tuple[int, ...] = ()
        """Addresses that answer: the one in use, then its twin where something answers there as well."""

    def open(self) -> "OledPanel":
        """Open the bus and set the panel up.

        Raises:
            luma.core.error.Error: no such bus, no device at the address, or no permission.
            OSError: the bus fails.

        """
        self._wire.cleanup()
        try:
            self._find()
            if self._device is None:
                self._make()
            else:
                for is_command, words in self._set_up:
                    if is_command:
                        self._wire.serial.command(*words)
                    else:
                        self._wire.serial.data(words)
        except BaseException:
            self._wire.cleanup()
            raise
        return self

    def _find(self) -> None:
        """Open the bus at the settings' address; at its twin where nothing answers there. Raises as `open` does."""
        twins = [one for one in ADDRESSES if one != self._address] if self._address in ADDRESSES else []
        try:
            used = self._reach(self._address)
        except (LumaError, OSError):
            if not twins or self._wire.serial is None:
                raise
            self._wire.cleanup()
            used, twins = self._reach(twins[0]), []
        self.answering = (used, *(one for one in twins if self._answers(one)))

    def _reach(self, address: int) -> int:
        self._wire.serial = i2c(port=self._port, address=address)
        self._wire.serial.command(NO_OPERATION)
        return address

    def _answers(self, address: int) -> bool:
        """Whether something is at an address. It is read, since what is there may be no panel."""
        try:
            self._wire.serial._bus.read_byte(address)  # noqa: SLF001 - luma hands out its bus in no other way
        except OSError:
            return False
        return True

    def display(self, image: Image.Image) -> None:
        """Show a whole picture. Raises as `open` does; the bus is let go of then."""
        try:
            self._device.display(image)
        except BaseException:
            self._wire.cleanup()
            raise

    def cleanup(self) -> None:
        """Darken the panel and let go of the bus."""
        try:
            if self._device is not None and self._wire.serial is not None:
                self._device.hide()
                self._device.clear()
        finally:
            self._wire.cleanup()

    def _make(self) -> None:
        self._wire.remembered = []
        chip = ssd1306 if self._chip == "ssd1306" else sh1106
        self._device = chip(self._wire, rotate=2 if self._upside_down else 0)
        self._set_up, self._wire.remembered = self._wire.remembered, None
