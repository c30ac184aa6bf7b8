"""The small screen on a recorded I²C bus: what luma's own code writes is decoded back to the picture that was drawn."""

import errno
import os
from collections.abc import Iterator
from typing import Literal

import luma.core.device
import pytest
import smbus2
from luma.core.error import Error as LumaError
from PIL import Image, ImageChops, ImageOps

from coach.kiosk.view import DisplayState
from display.examples import examples
from display.oled.canvas import HEIGHT, WIDTH
from display.oled.device import OledPanel
from display.oled.renderer import LONGEST_RETRY_S, Oled, picture

pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata:DeprecationWarning")
"""luma calls what Pillow will remove; the lock holds a Pillow that has it."""

ADDRESS = 0x3C
COMMAND, PIXELS = 0x00, 0x40
COLUMN_ADDRESS, PAGE_ADDRESS, FIRST_PAGE = 0x21, 0x22, 0xB0
EXAMPLES = examples()
FACES = ("interval", "strap", "ready", "mood")


class _Bus:
    """The kernel's bus as smbus2 shows it: takes writes, and answers or does not."""

    port: int
    answers = True
    at: tuple[int, ...] = (ADDRESS,)
    exists = True
    opened: int
    buses: "list[_Bus]"

    def __init__(self, port: int) -> None:
        if not self.exists:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), f"/dev/i2c-{port}")
        self.written: list[tuple[int, bytes]] = []
        self.closed = False
        self.fails_after: int | None = None
        _Bus.buses.append(self)

    def write_i2c_block_data(self, address: int, register: int, content: list[int]) -> None:
        self._take(address, bytes([register, *content]))

    def i2c_rdwr(self, *messages: smbus2.i2c_msg) -> None:
        for message in messages:
            assert not message.flags, "nothing is read from a panel"
            self._take(message.addr, bytes(message))

    def read_byte(self, address: int) -> int:
        if not self.answers or address not in self.at:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return 0x47

    def _take(self, address: int, content: bytes) -> None:
        assert not self.closed
        if self.fails_after is not None:
            self.fails_after -= 1
        if not self.answers or address not in self.at or (self.fails_after is not None and self.fails_after < 0):
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        self.written.append((address, content))

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Bus]]:
    monkeypatch.setattr(smbus2, "SMBus", _Bus)
    _Bus.buses, _Bus.answers, _Bus.exists, _Bus.at = [], True, True, (ADDRESS,)
    yield _Bus
    assert [one.closed for one in _Bus.buses[:-1]] == [True] * (len(_Bus.buses) - 1), "a bus was left open"


class _Chip:
    """What either chip would show: its memory, filled by the bytes that were written."""

    def __init__(self) -> None:
        self.pages = [bytearray(132) for _ in range(HEIGHT // 8)]
        self.on = False
        self._page = self._column = 0
        self._horizontal = False
        self.frames = 0

    def take(self, written: list[tuple[int, bytes]]) -> None:
        for _, content in written:
            if content[0] == COMMAND:
                self._command(content[1:])
            else:
                assert content[0] == PIXELS
                self._pixels(content[1:])

    def _command(self, words: bytes) -> None:
        if words[0] == COLUMN_ADDRESS:
            assert words == bytes([COLUMN_ADDRESS, 0, WIDTH - 1, PAGE_ADDRESS, 0, HEIGHT // 8 - 1])
            self._horizontal, self._page, self._column = True, 0, 0
        elif len(words) == 3 and FIRST_PAGE <= words[0] < FIRST_PAGE + 8:
            self._page, self._column = words[0] - FIRST_PAGE, words[1] | (words[2] & 0x0F) << 4
        elif words in (b"\xae", b"\xaf"):
            self.on = words == b"\xaf"

    def _pixels(self, content: bytes) -> None:
        if self._horizontal:
            assert len(content) == WIDTH * HEIGHT // 8 == 1024
            for page in range(HEIGHT // 8):
                self.pages[page][:WIDTH] = content[page * WIDTH : (page + 1) * WIDTH]
            self.frames += 1
        else:
            assert len(content) == WIDTH
            self.pages[self._page][self._column : self._column + WIDTH] = content
            self.frames += self._page == HEIGHT // 8 - 1

    def image(self, first_column: int) -> Image.Image:
        shown = Image.new("1", (WIDTH, HEIGHT))
        for page, columns in enumerate(self.pages):
            for x in range(WIDTH):
                for bit in range(8):
                    shown.putpixel((x, page * 8 + bit), 255 * (columns[first_column + x] >> bit & 1))
        return shown


def same(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.logical_xor(one, other).getbbox() is None


Chip = Literal["ssd1306", "sh1106"]
both = pytest.mark.parametrize(("chip", "first_column"), [("ssd1306", 0), ("sh1106", 2)])
"""The SH1106 has 132 columns, of which the panel shows those from the third on."""


@both
def test_the_chip_shows_the_picture_that_was_drawn(chip: Chip, first_column: int, bus: type[_Bus]) -> None:
    oled, seen = Oled(OledPanel(chip).open), _Chip()
    for name in FACES:
        assert oled.draw(EXAMPLES[name])
    seen.take(bus.buses[0].written)
    assert seen.on
    assert seen.frames == len(FACES) + 1, "the first one clears the panel"
    assert same(seen.image(first_column), picture(EXAMPLES[FACES[-1]]))
    oled.close()
    assert bus.buses[0].closed


@both
def test_a_panel_that_hangs_upside_down_is_turned(chip: Chip, first_column: int, bus: type[_Bus]) -> None:
    oled, seen = Oled(OledPanel(chip, upside_down=True).open), _Chip()
    assert oled.draw(EXAMPLES["interval"])
    seen.take(bus.buses[0].written)
    turned = ImageOps.flip(ImageOps.mirror(picture(EXAMPLES["interval"])))
    assert same(seen.image(first_column), turned)
    oled.close()


@both
def test_a_panel_that_stops_answering_in_mid_picture_comes_back_whole(
    chip: Chip, first_column: int, bus: type[_Bus]
) -> None:
    now_s = [0.0]
    oled = Oled(OledPanel(chip).open, lambda: now_s[0])
    assert oled.draw(EXAMPLES["interval"])
    bus.buses[0].fails_after = 1
    assert not oled.draw(EXAMPLES["mood"])
    assert bus.buses[0].closed
    bus.answers = False
    for _ in range(50):
        now_s[0] += 1.0
        assert not oled.draw(EXAMPLES["mood"])
    bus.answers = True
    now_s[0] += LONGEST_RETRY_S
    assert oled.draw(EXAMPLES["mood"])
    fresh = _Chip()
    fresh.take(bus.buses[-1].written)
    assert fresh.on, "a panel that was plugged in anew has forgotten how it was set up"
    assert same(fresh.image(first_column), picture(EXAMPLES["mood"]))
    oled.close()


@pytest.mark.parametrize("missing", ["bus", "panel"])
def test_a_panel_that_is_missing_for_days_costs_no_memory_and_no_file(
    missing: str, bus: type[_Bus], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device of luma's stays until the process ends: there must not be a new one at each try."""
    registered: list[object] = []
    monkeypatch.setattr(luma.core.device.atexit, "register", registered.append)
    bus.exists, bus.answers = missing != "bus", missing != "panel"
    now_s, tries = [0.0], 0
    panel = OledPanel()

    def counted() -> OledPanel:
        nonlocal tries
        tries += 1
        return panel.open()

    oled = Oled(counted, lambda: now_s[0])
    while now_s[0] < 6 * 3600:
        oled.draw(EXAMPLES["interval"])
        now_s[0] += LONGEST_RETRY_S
    assert tries == 6 * 60
    assert registered == []
    assert all(one.closed for one in bus.buses)


def test_a_loose_wire_makes_one_device(bus: type[_Bus], monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[object] = []
    monkeypatch.setattr(luma.core.device.atexit, "register", registered.append)
    now_s = [0.0]
    oled = Oled(OledPanel().open, lambda: now_s[0])
    shown = 0
    for turn in range(200):
        bus.answers = turn % 2 == 0
        shown += oled.draw(EXAMPLES[FACES[turn % len(FACES)]])
        now_s[0] += 61.0
    assert shown == 100
    assert len(registered) == 1
    bus.answers = True
    oled.close()


def test_each_picture_is_sent_once(bus: type[_Bus]) -> None:
    oled = Oled(OledPanel().open)
    view: DisplayState = EXAMPLES["mood"]
    assert [oled.draw(view), oled.draw(view)] == [True, False]
    sent = sum(len(content) for _, content in bus.buses[0].written if content[0] == PIXELS)
    assert sent == 2 * (1024 + 1)
    oled.close()


@pytest.mark.parametrize(
    ("wired", "at", "answering"),
    [
        (0x3C, (0x3C,), (0x3C,)),
        (0x3C, (0x3D,), (0x3D,)),
        (0x3D, (0x3C,), (0x3C,)),
        (0x3C, (0x3C, 0x3D), (0x3C, 0x3D)),
        (0x3D, (0x3C, 0x3D), (0x3D, 0x3C)),
    ],
)
def test_a_panel_at_the_other_address_is_found_and_a_second_one_is_named(
    bus: type[_Bus], wired: int, at: tuple[int, ...], answering: tuple[int, ...]
) -> None:
    bus.at = at
    panel = OledPanel("ssd1306", 1, wired).open()
    assert panel.answering == answering
    assert {address for address, _ in bus.buses[-1].written} == {answering[0]}
    panel.cleanup()


def test_an_address_that_no_panel_has_a_twin_of_is_not_left_for_another(bus: type[_Bus]) -> None:
    bus.at = (0x3C,)
    with pytest.raises((OSError, LumaError)):
        OledPanel("ssd1306", 1, 0x27).open()
    assert bus.buses[-1].written == []
