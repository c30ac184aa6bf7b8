"""The participant's picture on a display, as the display itself has it: dumped by qemu, not told by the machine."""

import io
import time
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from coach.kiosk.view import ScreenId
from display.drawing.palette import NIGHT, WHITE
from tests.support.machine.virtual_machine import SLOWNESS, Guest

DISPLAY: Final = "interval-coach-display.service"
PATIENCE_S: Final = 300.0
SIZE: Final = (1280, 800)
DRAWN: Final = f"interval-coach display --png /run/drawn.png --size {SIZE[0]}x{SIZE[1]} >/dev/null"
CONNECTOR: Final = "$(ls -d /sys/class/drm/card*-Virtual-1 | head -n 1)/status"

Pixels = NDArray[np.uint8]


def dumped(guest: Guest, to: Path) -> Pixels:
    """What the display shows."""
    guest.screendump(to)
    return np.asarray(Image.open(to).convert("RGB"))


def drawn(guest: Guest) -> Pixels:
    """What the product draws of what the coach tells now."""
    guest.ask(DRAWN)
    return np.asarray(Image.open(io.BytesIO(guest.bytes_of("/run/drawn.png"))).convert("RGB"))


def until_shown(guest: Guest, to: Path) -> float:
    """Wait until the display shows what is drawn; gives the seconds from now."""
    began_s = time.monotonic()
    while True:
        before = drawn(guest)
        shown = dumped(guest, to)
        if shown.shape == before.shape and np.array_equal(shown, before):
            return time.monotonic() - began_s
        if time.monotonic() - began_s > PATIENCE_S:
            differs = "its size" if shown.shape != before.shape else f"{np.any(shown != before, axis=2).sum()} pixels"
            raise TimeoutError(f"The display never showed what is drawn; it differs in {differs}.")


def until_again(guest: Guest, picture: Path, to: Path) -> float:
    """Wait until the display shows the same as before; gives the seconds from now."""
    wanted = np.asarray(Image.open(picture).convert("RGB"))
    return guest.wait_for(lambda: np.array_equal(dumped(guest, to), wanted), "the same picture", PATIENCE_S / SLOWNESS)


@pytest.fixture
def chosen_from(guest: Guest) -> Guest:
    """A machine whose display has shown its first picture, and asks who trains."""
    guest.until(f"journalctl -b -u {DISPLAY} --no-pager | grep -q 'The first picture is shown'")
    with guest.watch() as watcher:
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT, PATIENCE_S)
    return guest


def test_the_display_shows_what_the_product_draws_pixel_by_pixel(chosen_from: Guest, tmp_path: Path) -> None:
    """By the kernel's mode-setting (adr/0012), as the service's own account in its sandbox."""
    until_shown(chosen_from, tmp_path / "display.png")
    shown = dumped(chosen_from, tmp_path / "display.png")
    assert shown.shape == (SIZE[1], SIZE[0], 3)
    pixels = shown.reshape(-1, 3)
    ground, written = (float((pixels == colour).all(axis=1).mean()) for colour in (NIGHT, WHITE))
    colours = len(np.unique(pixels, axis=0))
    print(f"\n{tmp_path / 'display.png'}: {ground:.0%} ground, {written:.1%} white, {colours} colours")  # noqa: T201 - a figure
    assert ground > 0.5
    assert written > 0.005
    assert colours > 100


def test_a_display_that_is_unplugged_is_noticed_and_shows_the_picture_again_when_it_is_back(
    chosen_from: Guest, tmp_path: Path
) -> None:
    """The kernel is told to take the connector for unplugged, and to look again; the machine inside sees no other."""
    until_shown(chosen_from, tmp_path / "before.png")
    lost = f"journalctl -b -u {DISPLAY} --no-pager | grep -c 'plugged in or out'"
    before = int(chosen_from.ask(f"{lost} || true"))
    chosen_from.ask(f"echo off >{CONNECTOR}")
    chosen_from.until(f'[ "$({lost})" -gt {before} ]')
    empty = dumped(chosen_from, tmp_path / "unplugged.png")
    chosen_from.ask(f"echo detect >{CONNECTOR}")
    back_s = until_again(chosen_from, tmp_path / "before.png", tmp_path / "back.png")
    told = f"{np.mean(np.all(empty == NIGHT, axis=-1)):.0%} of it the picture's ground while unplugged"
    print(f"\nplugged in again: the same picture after {back_s:.1f} s; {told}")  # noqa: T201 - a figure
    assert chosen_from.ask(f"systemctl show -P NRestarts {DISPLAY}") == "0"


def test_a_display_service_that_is_killed_shows_the_picture_again(chosen_from: Guest, tmp_path: Path) -> None:
    until_shown(chosen_from, tmp_path / "before.png")
    began_s, before = time.monotonic(), chosen_from.ask(f"systemctl show -P MainPID {DISPLAY}")
    chosen_from.ask(f"systemctl kill -s KILL {DISPLAY}")
    killed = np.asarray(Image.open(tmp_path / "before.png").convert("RGB"))
    chosen_from.wait_for(
        lambda: not np.array_equal(dumped(chosen_from, tmp_path / "killed.png"), killed), "the console", 10
    )
    chosen_from.until(f'[ "$(systemctl show -P MainPID {DISPLAY})" -ne {before} ] && systemctl is-active {DISPLAY}')
    until_again(chosen_from, tmp_path / "before.png", tmp_path / "back.png")
    back_s = time.monotonic() - began_s
    chosen_from.ask(f"systemctl reset-failed {DISPLAY}")
    print(f"\nkilled and started again: the same picture after {back_s:.1f} s")  # noqa: T201 - a figure
