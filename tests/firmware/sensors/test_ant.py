"""Straps over ANT+: openant's own code over a USB stick that is simulated at the driver. No real stick was tried."""

import array
import asyncio
import contextlib
import queue
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

import pytest

from coach.kiosk.strap_choice import StrapScene
from firmware.sensors import ant_stick, ant_strap
from firmware.sensors.ant_heart_rate import AntPageError, read_page, rr_ms
from firmware.sensors.ant_stick import AntStick
from firmware.sensors.ant_strap import AntStrap
from firmware.sensors.strap import ChosenStrap, Delivery, Measurement, SelectedStrap

openant_driver = pytest.importorskip("openant.base.driver", reason="openant is not installed: run scripts/set-up.sh")

PATIENCE_S = 30.0
RESET, REQUEST, BROADCAST, RESPONSE, STARTUP = 0x4A, 0x4D, 0x4E, 0x40, 0x6F
ANSWERS = {0x54: [8, 3, 0, 0xBA, 0x36, 0, 0xDF], 0x61: [1, 2, 3, 4], 0x3E: [*b"AJK1.04", 0]}


def page(
    device: int, bpm: int, beats: int, ticks: int, *, number: int = 0, specific: tuple[int, int, int] = (255, 255, 255)
) -> bytes:
    """Return a page as the stick hands it on, with the sender behind it."""
    sender = [0x80, device & 0xFF, device >> 8 & 0xFF, 120, (device >> 16) << 4 | 1]
    return bytes([number, *specific, ticks & 0xFF, ticks >> 8 & 0xFF, beats & 0xFF, bpm, *sender])


class _FakeUsbStick:
    """The end of the USB cable: takes commands, answers as the ANT firmware does, and hands on pages."""

    plugged: ClassVar[bool] = True
    error: ClassVar[Exception | None] = None
    now: ClassVar["_FakeUsbStick | None"] = None

    def __init__(self) -> None:
        self._out: queue.Queue[bytes] = queue.Queue()
        self.scanning = False
        _FakeUsbStick.now = self

    @classmethod
    def find(cls) -> bool:
        return cls.plugged

    def open(self) -> None:
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.scanning = False

    def read(self) -> "array.array[int]":
        try:
            return array.array("B", self._out.get(timeout=0.02))
        except queue.Empty:
            return array.array("B")

    def write(self, data: "array.array[int]") -> None:
        kind, content = data[2], list(data[3:-1])
        if kind == RESET:
            self._say(STARTUP, [0x20])
        elif kind == REQUEST:
            self._say(content[1], ANSWERS[content[1]])
        else:
            self._say(RESPONSE, [content[0], kind, 0])
            self.scanning = self.scanning or kind == 0x5B

    def hear(self, payload: bytes) -> None:
        """A strap in reach sends a page."""
        if self.scanning:
            self._say(BROADCAST, [0, *payload])

    def _say(self, kind: int, content: list[int]) -> None:
        check = 0xA4 ^ len(content) ^ kind
        for byte in content:
            check ^= byte
        self._out.put(bytes([0xA4, len(content), kind, *content, check]))


@pytest.fixture(autouse=True)
def usb(monkeypatch: pytest.MonkeyPatch) -> None:
    from openant.base.ant import Ant  # noqa: PLC0415 - skipped where it is not installed

    monkeypatch.setattr(openant_driver, "drivers", [_FakeUsbStick])
    monkeypatch.setattr(Ant, "_RESET_WAIT", 0.0)
    monkeypatch.setattr(ant_stick, "LOOK_EVERY_S", 0.02)
    for name, seconds in (("MEASURE_EVERY_S", 0.05), ("TAKEN_OFF_AFTER_S", 0.4), ("AGAIN_AFTER_S", 0.05)):
        monkeypatch.setattr(ant_strap, name, seconds)
    monkeypatch.setattr(ant_strap, "SHOW_EVERY_S", 0.02)
    monkeypatch.setattr(ant_strap, "NOT_FOUND_S", 0.3)
    _FakeUsbStick.plugged, _FakeUsbStick.error, _FakeUsbStick.now = True, None, None


class _Room:
    """A machine with a stick, and straps in reach that beat once in 0.1 s of the test."""

    def __init__(self) -> None:
        self.strap = AntStrap(AntStick())
        self.delivered: list[Delivery] = []
        self.scenes: list[StrapScene] = []
        self.worn: dict[int, int] = {}
        self.beating = True
        self._beats = self._pages = 0
        self.strap.shown_to(self.scenes.append, lambda _: None)

    async def until(self, true: Callable[[], bool]) -> None:
        ends_s = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < ends_s, (self.scenes[-1:], self.delivered[-3:])
            self._beats += self.beating
            stick = _FakeUsbStick.now
            if stick is not None and _FakeUsbStick.plugged:
                self._pages += 1
                # The highest bit changes with every fourth page, so that a strap that stands still is still heard.
                number = 0x80 * (self._pages // 4 % 2)
                for device, bpm in self.worn.items():
                    stick.hear(page(device, bpm, self._beats, self._beats * 819, number=number))
            await asyncio.sleep(0.02)

    def measured(self) -> list[Measurement]:
        return [one for one in self.delivered if isinstance(one, Measurement)]

    def lost(self) -> list[str]:
        return [one.reason for one in self.delivered if not isinstance(one, Measurement)]


def lived(life: Callable[[_Room], Awaitable[None]]) -> _Room:
    async def main() -> _Room:
        room = _Room()
        task = asyncio.create_task(room.strap.run(room.delivered.append))
        try:
            await life(room)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        return room

    return asyncio.run(main())


def chosen(room: _Room, printed: str) -> SelectedStrap:
    """Return the strap that the person chose from the list."""
    seen = next(one for one in room.scenes[-1].seen if one.printed == printed)
    return SelectedStrap(seen.key, seen.name)


def test_it_is_a_strap_that_a_person_chooses() -> None:
    assert isinstance(AntStrap(AntStick()), ChosenStrap)


def test_straps_in_reach_are_listed_and_the_chosen_one_alone_is_measured() -> None:
    async def life(room: _Room) -> None:
        room.worn = {12345: 82, 70_001: 131}
        room.strap.look()
        await room.until(lambda: bool(room.scenes) and len(room.scenes[-1].seen) == 2)
        seen = {one.printed: (one.bpm, one.on_band) for one in room.scenes[-1].seen}
        assert seen == {"12345": (82.0, False), "70001": (131.0, False)}
        room.strap.bind(chosen(room, "70001"))
        await room.until(lambda: len(room.measured()) >= 5)
        assert room.strap.serial == "70001"

    room = lived(life)
    assert {one.bpm for one in room.measured()} == {131.0}
    beats = [rr for one in room.measured() for rr in one.rr_ms]
    assert beats
    assert beats == pytest.approx([799.8] * len(beats), abs=0.1)


def test_a_strap_that_was_taken_off_repeats_its_last_beat_and_has_no_rate() -> None:
    async def life(room: _Room) -> None:
        room.worn = {12345: 120}
        room.strap.look()
        await room.until(lambda: bool(room.scenes) and bool(room.scenes[-1].seen))
        room.strap.bind(chosen(room, "12345"))
        await room.until(lambda: len(room.measured()) >= 3)
        room.beating = False
        room.delivered.clear()
        await room.until(lambda: bool(room.measured()) and room.measured()[-1].bpm == 0)
        assert room.measured()[-1].rr_ms == ()

    lived(life)


def test_a_stick_that_is_unplugged_is_missed_and_used_again_when_it_is_back() -> None:
    async def life(room: _Room) -> None:
        room.worn = {12345: 120}
        room.strap.look()
        await room.until(lambda: bool(room.scenes) and bool(room.scenes[-1].seen))
        room.strap.bind(chosen(room, "12345"))
        await room.until(lambda: len(room.measured()) >= 3)
        _FakeUsbStick.plugged = False
        await room.until(lambda: "no_adapter" in room.lost())
        _FakeUsbStick.plugged = True
        room.delivered.clear()
        await room.until(lambda: len(room.measured()) >= 3)

    lived(life)


@pytest.mark.parametrize(
    ("error", "trouble", "code"),
    [
        (PermissionError(13, "Access denied"), "refused", "strap_refused"),
        (OSError(16, "Resource busy"), "radio_busy", "strap_radio_busy"),
        (OSError(5, "Input/Output Error"), "radio_stumbled", "strap_radio_stumbled"),
    ],
)
def test_a_stick_that_cannot_be_used_says_why(error: OSError, trouble: str, code: str) -> None:
    _FakeUsbStick.error = error

    async def life(room: _Room) -> None:
        room.strap.look()
        await room.until(lambda: bool(room.scenes) and room.scenes[-1].trouble == trouble)
        assert [one for one, _ in room.strap.noted] == [code]

    lived(life)


def test_where_no_strap_is_heard_the_screen_says_so_after_a_while() -> None:
    async def life(room: _Room) -> None:
        room.strap.look()
        await room.until(lambda: bool(room.scenes) and room.scenes[-1].trouble == "not_found")

    lived(life)


def test_pages_are_read_as_the_profile_says() -> None:
    read = read_page(page(0x1_86A1, 97, 200, 0xFFFF, number=0x84, specific=(255, 0x00, 0xFC)))
    assert (read.device, read.bpm, read.beats, read.beat_ticks, read.previous_ticks) == (
        100_001,
        97.0,
        200,
        65535,
        64512,
    )
    assert read_page(page(7, 97, 1, 1, number=2, specific=(1, 0x34, 0x12))).maker == 1
    assert read_page(page(7, 97, 1, 1, number=7, specific=(55, 0, 0))).battery_percent == 55
    assert read_page(page(7, 97, 1, 1, number=7, specific=(255, 0, 0))).battery_percent is None
    assert [read_page(page(7, bpm, 1, 1)).bpm for bpm in (0, 19, 20, 250, 251)] == [None, None, 20.0, 250.0, None]


@pytest.mark.parametrize("payload", [b"", bytes(8), page(7, 90, 1, 1)[:-1], page(7, 90, 1, 1)[:11] + b"\x0b\x01"])
def test_what_is_no_page_of_a_strap_is_refused(payload: bytes) -> None:
    with pytest.raises(AntPageError):
        read_page(payload)


@pytest.mark.parametrize(
    ("before", "now", "between_ms"),
    [
        (page(7, 60, 255, 65000), page(7, 60, 0, 488), 1000.0),
        (page(7, 60, 1, 0), page(7, 60, 1, 0), None),
        (page(7, 60, 1, 0), page(7, 60, 4, 3072), None),
        (page(7, 60, 1, 0), page(7, 60, 4, 3072, number=4, specific=(255, 0x00, 0x08)), 1000.0),
        (page(7, 60, 1, 0), page(7, 60, 2, 60000), None),
        (page(7, 60, 1, 0), page(7, 60, 2, 20), None),
    ],
)
def test_the_time_between_beats_is_measured_and_never_invented(
    before: bytes, now: bytes, between_ms: float | None
) -> None:
    assert rr_ms(read_page(before), read_page(now)) == between_ms
