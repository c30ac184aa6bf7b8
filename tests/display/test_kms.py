"""The kernel's mode-setting as the display takes it: over a device that answers as the kernel does."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pygame
import pytest
from numpy.typing import NDArray

from display.output import kms
from display.output.kms import KmsPresenter
from display.output.presenter import Turned

WIDTH, HEIGHT, PITCH = 64, 48, 320


class Kernel:
    """One card with one connected display of 64×48, whose rows lie further apart than they are long."""

    def __init__(self, *, connected: bool = True) -> None:
        """Plugged in, or not."""
        self.connected = connected
        self.shown: tuple[int, int] | None = None
        self.master, self.sets = True, 0
        self.dirty: list[tuple[int, int, int, int]] = []

    def answer(self, _file: int, code: int, told: Any) -> int:  # noqa: ANN401 - any of the kernel's structures
        """Fill in what is asked."""
        match code & 0xFF:
            case kms._DROP_MASTER:
                self.master = False
            case kms._SET_MASTER:
                self.master = True
            case kms._RESOURCES:
                if told.connectors:
                    (ctypes.c_uint32 * 1).from_address(told.connectors)[0] = 31
                    (ctypes.c_uint32 * 2).from_address(told.crtcs)[:] = (41, 42)
                told.count_connectors, told.count_crtcs = 1, 2
            case kms._CONNECTOR:
                told.connection = kms.CONNECTED if self.connected else 2
                if told.modes:
                    modes = (kms._Mode * 2).from_address(told.modes)
                    modes[0].width, modes[0].height = 640, 480
                    modes[1].width, modes[1].height, modes[1].type = WIDTH, HEIGHT, kms.PREFERRED
                    (ctypes.c_uint32 * 1).from_address(told.encoders)[0] = 21
                told.count_modes, told.count_encoders = 2, 1
            case kms._ENCODER:
                told.possible_crtcs = 0b10
            case kms._CREATE_DUMB:
                told.handle, told.pitch, told.size = 5, PITCH, PITCH * told.height
            case kms._ADD_BUFFER:
                told.fb = 7
            case kms._SET_CRTC:
                if not self.master:
                    raise PermissionError(13, "Permission denied")
                self.shown = (told.crtc, told.fb)
                self.sets += 1
            case kms._DIRTY:
                clips = (kms._Clip * told.count_clips).from_address(told.clips)
                self.dirty += [(one.x1, one.y1, one.x2, one.y2) for one in clips]
        return 0


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A folder with a card."""
    (tmp_path / "card0").write_bytes(bytes(PITCH * HEIGHT))
    return tmp_path


def pixels(devices: Path) -> NDArray[np.uint32]:
    """What the display reads."""
    return np.frombuffer((devices / "card0").read_bytes(), np.uint32).reshape(HEIGHT, PITCH // 4)[:, :WIDTH]


@pytest.mark.parametrize(
    ("structure", "size"),
    [
        (kms._Resources, 64),
        (kms._Mode, 68),
        (kms._Connector, 80),
        (kms._Encoder, 20),
        (kms._Crtc, 104),
        (kms._CreateDumb, 32),
        (kms._MapDumb, 16),
        (kms._AddBuffer, 28),
        (kms._Dirty, 24),
        (kms._Clip, 8),
    ],
)
def test_each_structure_is_as_large_as_the_kernels(structure: type[ctypes.Structure], size: int) -> None:
    assert ctypes.sizeof(structure) == size


def test_the_display_is_set_to_its_preferred_mode_and_reads_what_is_drawn(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel()
    monkeypatch.setattr(kms.fcntl, "ioctl", kernel.answer)
    shown = KmsPresenter(devices=devices)
    assert (shown.surface.get_size(), kernel.shown) == ((WIDTH, HEIGHT), (42, 7))
    shown.surface.fill((1, 2, 3))
    shown.surface.fill((200, 100, 50), (10, 5, 4, 3))
    shown.present([pygame.Rect(10, 5, 4, 3)])
    expected = np.zeros((HEIGHT, WIDTH), np.uint32)
    expected[5:8, 10:14] = 200 << 16 | 100 << 8 | 50
    assert np.array_equal(pixels(devices), expected)
    assert kernel.dirty == [(10, 5, 14, 8)]
    shown.close()


def test_a_display_that_was_let_go_of_is_another_programs_until_it_is_taken_again(
    devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel()
    monkeypatch.setattr(kms.fcntl, "ioctl", kernel.answer)
    shown = KmsPresenter(devices=devices)
    shown.let_go()
    assert not kernel.master
    shown.surface.fill((0, 0, 9))
    shown.present([shown.surface.get_rect()])
    shown.take()
    assert (kernel.master, kernel.sets, kernel.shown) == (True, 2, (42, 7))
    assert np.all(pixels(devices) == 9)
    shown.close()


def test_a_display_that_was_given_back_is_held_by_nothing(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kms.fcntl, "ioctl", Kernel().answer)
    shown = KmsPresenter(devices=devices)
    card = str(devices / "card0")
    assert card in Path("/proc/self/maps").read_text()
    shown.close()
    assert card not in Path("/proc/self/maps").read_text()
    assert all(not one.exists() or one.readlink() != Path(card) for one in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("turned", ["left", "right"])
def test_a_display_that_stands_on_end_gets_the_picture_turned(
    devices: Path, monkeypatch: pytest.MonkeyPatch, turned: Turned
) -> None:
    monkeypatch.setattr(kms.fcntl, "ioctl", Kernel().answer)
    shown = KmsPresenter(devices=devices, turned=turned)
    assert shown.surface.get_size() == (HEIGHT, WIDTH)
    shown.surface.fill((255, 255, 255), (0, 0, HEIGHT, 2))
    shown.present([shown.surface.get_rect()])
    lit = np.argwhere(pixels(devices) == 0xFFFFFF)
    columns = {int(column) for column in lit[:, 1]}
    assert columns == ({WIDTH - 2, WIDTH - 1} if turned == "left" else {0, 1})
    shown.close()


def test_where_no_display_is_connected_it_says_so(devices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kms.fcntl, "ioctl", Kernel(connected=False).answer)
    with pytest.raises(pygame.error, match="no display is connected"):
        KmsPresenter(devices=devices)


def test_without_any_device_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(pygame.error, match="there is no display device in"):
        KmsPresenter(devices=tmp_path)


class TwoDisplays(Kernel):
    """HDMI-A-1 and HDMI-A-2, each with a display or without."""

    def __init__(self, *connected: bool) -> None:
        """Which of them has one."""
        super().__init__()
        self.plugged = dict(zip((31, 32), connected, strict=True))
        self.shown_at: int | None = None

    def answer(self, file: int, code: int, told: Any) -> int:  # noqa: ANN401 - as above
        """As the kernel, for two connectors."""
        if code & 0xFF == kms._RESOURCES:
            if told.connectors:
                (ctypes.c_uint32 * 2).from_address(told.connectors)[:] = (31, 32)
                (ctypes.c_uint32 * 2).from_address(told.crtcs)[:] = (41, 42)
            told.count_connectors, told.count_crtcs = 2, 2
            return 0
        if code & 0xFF == kms._CONNECTOR:
            self.connected = self.plugged[told.connector]
            told.type, told.type_id = 11, told.connector - 30
        if code & 0xFF == kms._SET_CRTC:
            self.shown_at = (ctypes.c_uint32 * 1).from_address(told.connectors)[0]
        return super().answer(file, code, told)


@pytest.mark.parametrize(
    ("plugged", "display", "wanted", "shown"),
    [
        ((True, True), 0, "", 31),
        ((True, True), 1, "", 32),
        ((True, True), 0, "HDMI-A-2", 32),
        ((False, True), 0, "", 32),
        ((True, False), 0, "HDMI-A-2", 31),
        ((False, True), 5, "HDMI-A-1", 32),
    ],
)
def test_of_two_displays_the_named_one_shows_the_picture_and_another_one_where_it_is_unplugged(
    devices: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    plugged: tuple[bool, bool],
    display: int,
    wanted: str,
    shown: int,
) -> None:
    kernel = TwoDisplays(*plugged)
    monkeypatch.setattr(kms.fcntl, "ioctl", kernel.answer)
    presenter = KmsPresenter(devices=devices, display=display, connector=wanted)
    assert (kernel.shown_at, presenter.connector) == (shown, f"HDMI-A-{shown - 30}")
    assert bool(caplog.records) == (wanted not in ("", presenter.connector))
    presenter.close()
