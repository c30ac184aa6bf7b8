"""The small screen: what it shows, that it redraws only on change, and that it survives being unplugged."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from luma.core.interface.serial import i2c
from luma.oled.device import sh1106, ssd1306
from msgspec.structs import replace
from PIL import Image, ImageDraw

from coach.kiosk.view import DisplayState, ScreenId
from coach.model.events import Advice, Direction, Level, Signal
from coach.model.snapshot import NoticeNow, Snapshot
from display.example_runs import running_examples
from display.examples import examples, in_language, snapshot_at
from display.oled.canvas import HEIGHT, WIDTH
from display.oled.renderer import RETRY_S, SETTING_SHOWN_S, Oled, open_emulated, open_oled, picture
from display.texts import LANGUAGES, Language

EXAMPLES = examples()
RUNNING = snapshot_at(1162.0)
HELP = NoticeNow("no_answer", Level.STOP_NOW, 1.0)

# Luma's drivers call a Pillow method that Pillow 14 will drop; the lock keeps Pillow below it.
pytestmark = pytest.mark.filterwarnings("ignore:Image.Image.getdata is deprecated:DeprecationWarning")


def session(now: Snapshot = RUNNING) -> DisplayState:
    """Show a moment of a session."""
    return DisplayState(face=ScreenId.SESSION, snapshot=now)


def lit(image: Image.Image, left: int = 0, top: int = 0, right: int = WIDTH, bottom: int = HEIGHT) -> int:
    """Count the lit pixels of a part of the picture."""
    return int(np.asarray(image.crop((left, top, right, bottom))).sum())


class Bus:
    """An I²C bus with a panel on it that remembers its last kilobyte, and can be unplugged."""

    def __init__(self) -> None:
        """Plug the panel in."""
        self.plugged = True
        self.written = bytearray()

    def write_i2c_block_data(self, _address: int, mode: int, block: list[int]) -> None:
        """Take a command (0x00) or picture bytes (0x40)."""
        if not self.plugged:
            raise OSError(errno.EREMOTEIO, "no answer")
        if mode == 0x40:
            self.written += bytes(block)

    def pixels(self) -> npt.NDArray[np.bool_]:
        """Decode what the panel shows: pages of eight rows, the lowest bit on top."""
        pages = np.frombuffer(bytes(self.written[-1024:]), dtype=np.uint8).reshape(8, 1, WIDTH)
        rows: npt.NDArray[np.bool_] = (pages >> np.arange(8).reshape(1, 8, 1) & 1).astype(bool).reshape(HEIGHT, WIDTH)
        return rows


@pytest.mark.parametrize("chip", [ssd1306, sh1106])
def test_the_real_drivers_send_the_picture(chip: Callable[..., Any]) -> None:
    """What arrives on the bus is what was drawn, pixel for pixel."""
    bus = Bus()
    oled = Oled(lambda: chip(i2c(bus=bus)))
    assert oled.draw(session())
    assert (bus.pixels() == np.asarray(picture(session()))).all()
    oled.close()


def test_nothing_is_sent_when_nothing_changed() -> None:
    """Between two seconds the bus is quiet."""
    bus = Bus()
    oled = Oled(lambda: ssd1306(i2c(bus=bus)))
    assert oled.draw(session())
    sent = len(bus.written)
    assert not oled.draw(session(replace(RUNNING, phase_remaining_s=97.6, session_elapsed_s=1162.4)))
    assert len(bus.written) == sent
    assert oled.draw(session(replace(RUNNING, phase_remaining_s=97.0)))
    oled.close()


def test_an_unplugged_panel_is_tried_again_and_gets_the_whole_picture() -> None:
    """Unplugged: no error, no hurry. Plugged in: the present picture, although it did not change."""
    bus, now = Bus(), [0.0]
    oled = Oled(lambda: ssd1306(i2c(bus=bus)), lambda: now[0])
    assert oled.draw(session())
    bus.plugged = False
    assert not oled.draw(session(replace(RUNNING, bpm=171.0)))
    bus.plugged = True
    assert not oled.draw(session(replace(RUNNING, bpm=171.0)))
    now[0] = RETRY_S
    assert oled.draw(session(replace(RUNNING, bpm=171.0)))
    bus.plugged = False
    oled.close()


def test_a_machine_without_a_panel_draws_nothing_and_raises_nothing(tmp_path: Path) -> None:
    """No bus: the picture can still be saved."""
    oled = Oled(lambda: open_oled(port=250))
    assert not oled.draw(session())
    oled.save(tmp_path / "oled.png", 6)
    with Image.open(tmp_path / "oled.png") as saved:
        assert saved.size == (WIDTH * 6, HEIGHT * 6)


def test_the_emulated_panel_takes_every_picture() -> None:
    """Luma's own panel without hardware."""
    oled = Oled(open_emulated)
    assert [oled.alive, oled.draw(session()), oled.alive] == [False, True, True]
    oled.close()
    assert [oled.alive] == [False]


ONLY_ON_THE_LARGE_SCREEN = {
    "therapist_says",
    "signal_weak",
    "signal_stale",
    "notice_information",
    "notice_attention",
    "notice_older",
}
"""What the small screen has no room for: in these states it shows what it shows without them."""
ODD = {
    "unknown question": DisplayState(face=ScreenId.QUESTIONS, question="never_heard_of"),
    "a long strap": DisplayState(face=ScreenId.STRAP, strap_name="Polar H10 8C4A1234 with a very long name"),
    "a long nickname": DisplayState(face=ScreenId.READY, nickname="Et usedvanlig langt kallenavn"),
    "no nickname": DisplayState(face=ScreenId.READY),
    "exertion unset": DisplayState(face=ScreenId.EXERTION),
    "by feeling, no range": session(replace(RUNNING, mode="exertion")),
    "over and out": session(replace(RUNNING, stage="ended")),
}
DRAWN = ODD | {name: view for name, view in EXAMPLES.items() if name not in ONLY_ON_THE_LARGE_SCREEN}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_picture_of_its_own(language: Language) -> None:
    """No state is dark, and no two look the same."""
    pictures = {name: picture(in_language(view, language)) for name, view in DRAWN.items()}
    assert [name for name, image in pictures.items() if lit(image) < 100] == []
    assert len({image.tobytes() for image in pictures.values()}) == len(pictures)


def test_a_call_for_help_looks_unlike_a_question() -> None:
    """Nobody answers «Trenger du hjelp?» as if it were «Går det bra?» (hazard H5)."""
    pictures = [picture(session(replace(RUNNING, question="odd_fall", notices=notices))) for notices in ((), (HELP,))]
    assert pictures[0].tobytes() != pictures[1].tobytes()


def test_the_end_praises_only_what_was_completed() -> None:
    """An early end and one that nobody answered have words of their own, as on the large screen."""
    base = EXAMPLES["ended"]
    assert base.snapshot is not None
    assert base.snapshot.summary is not None
    drawn = set()
    for completed, reason in ((True, "done"), (False, "stopped"), (False, "no_answer")):
        summary = replace(base.snapshot.summary, completed=completed, end_reason=reason)
        snapshot = replace(base.snapshot, summary=summary)
        drawn.add(picture(replace(base, snapshot=snapshot)).tobytes())
        drawn.add(picture(session(replace(snapshot, stage="ended"))).tobytes())
    assert len(drawn) == 6


def test_a_session_without_a_snapshot_is_dark() -> None:
    """Nothing known, nothing claimed."""
    assert lit(picture(DisplayState(face=ScreenId.SESSION))) == 0


def test_the_rate_dominates_the_picture() -> None:
    """The digits are more than half as high as the panel."""
    rows = np.asarray(picture(session()))[:40, :94].any(axis=1)
    assert rows.sum() >= HEIGHT / 2


def test_no_rate_is_shown_when_the_strap_is_lost() -> None:
    """The old number never stands there as live (hazard H2)."""
    seen = {bpm: picture(session(replace(RUNNING, bpm=bpm, signal=Signal.STALE))).tobytes() for bpm in (160.0, 71.0)}
    assert seen[160.0] == seen[71.0]


def test_over_the_ceiling_the_picture_turns_bright_and_points_down() -> None:
    """Unlike any other moment, and the arrow is down whatever was advised before."""
    over = replace(RUNNING, notices=(NoticeNow("over_ceiling", Level.ATTENTION, 1.0),))
    image = picture(session(replace(over, advice=Advice(Direction.FASTER))))
    assert image.tobytes() == picture(session(over)).tobytes()
    assert lit(image, bottom=40) > WIDTH * 40 / 2


def test_up_and_down_are_mirror_images() -> None:
    """The arrow is told by shape and not by place."""
    up, down = (
        np.asarray(picture(session(replace(RUNNING, advice=Advice(direction)))))[3:37, 98:127]
        for direction in (Direction.FASTER, Direction.SLOWER)
    )
    assert (up == down[::-1]).mean() > 0.97


def test_drawing_keeps_no_state() -> None:
    """The same view gives the same picture."""
    changed = [name for name, view in DRAWN.items() if picture(view).tobytes() != picture(view).tobytes()]
    assert changed == []


@pytest.mark.parametrize("name", ["interval_faster", "interval_slower", "recovery_begins"])
def test_the_speed_to_set_stands_in_the_rates_place_for_ten_seconds(name: str) -> None:
    view = running_examples()[name]
    assert view.snapshot is not None
    given_t = view.snapshot.t

    def after(seconds: float) -> Image.Image:
        return picture(replace(view, snapshot=replace(view.snapshot, t=given_t + seconds, advised_t=given_t)))  # type: ignore[type-var]

    rate_shown = after(SETTING_SHOWN_S + 1)
    assert rate_shown == picture(replace(view, snapshot=replace(view.snapshot, t=given_t, advised_t=None)))  # type: ignore[type-var]
    assert all(after(seconds) != rate_shown for seconds in (0.0, 5.0, SETTING_SHOWN_S - 0.1))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_leaves_the_panel_or_runs_into_another(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """In any state: where its ink is, in pixels, and no two texts of one row closer than a space."""
    drawn: list[tuple[str, tuple[float, float, float, float]]] = []
    write = ImageDraw.ImageDraw.text

    def note(self: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: int, face: Any) -> None:  # noqa: ANN401 - PIL's font
        drawn.append((text, self.textbbox(place, text, face)))
        write(self, place, text, ink, face)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    faults = []
    for name, seen in {**examples(), **running_examples()}.items():
        drawn.clear()
        picture(in_language(seen, language))
        faults += [
            f"{name}: {text!r} leaves the panel {box}"
            for text, box in drawn
            if box[0] < -1 or box[1] < -1 or box[2] > WIDTH + 1 or box[3] > HEIGHT
        ]
        faults += [
            f"{name}: {one!r} touches {other!r}"
            for one, a in drawn
            for other, b in drawn
            if a[0] < b[0] and min(a[3], b[3]) - max(a[1], b[1]) > 4 and len(one) > 1 < len(other) and b[0] - a[2] < 3
        ]
    assert faults == []


def test_after_a_stop_green_is_what_the_large_screen_says() -> None:
    """While the stop can be taken back green goes on; afterwards it begins the cool-down."""
    stopped = running_examples()["stopped"]
    assert stopped.snapshot is not None
    assert stopped.snapshot.stop_can_be_taken_back
    later = replace(stopped, snapshot=replace(stopped.snapshot, stop_can_be_taken_back=False))
    assert picture(stopped) != picture(later)
