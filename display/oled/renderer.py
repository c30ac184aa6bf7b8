"""The small screen (128×64, SSD1306 or SH1106): enough to train by where there is no other screen (hazard H8).

One thing dominates each picture: the rate, with the advice as an arrow beside it; below them the time left and the
interval. `picture` is pure: a view in, a one-bit image out. `Oled` sends it to a device when it has changed, and goes
on quietly when the device is unplugged. Sending takes 25–100 ms on I²C, so give it a thread of its own.
"""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, Protocol, assert_never

from luma.core.device import dummy
from luma.core.error import Error as LumaError
from PIL import Image, ImageChops

from coach.kiosk.view import DisplayState, ScreenId, TrainingPage
from coach.model.course_progress import MyTraining
from coach.model.events import Direction, Signal
from coach.model.plan import EARNED_REST, POOR_MOODS, WORTH_A_NUMBER_S
from coach.model.snapshot import Snapshot
from coach.session.good_work import LEAST_SHOWN_S
from display.drawing.advice_words import (
    asks_for_speed,
    direction_now,
    notices_now,
    over_ceiling_now,
    question_words,
    what_to_do,
)
from display.drawing.number_format import date_words, decimal, incline, minutes, next_session, whole_minutes
from display.oled import maintenance, sign_in
from display.oled.canvas import HEIGHT, SMALLEST, WIDTH, OledPen
from display.oled.device import OledPanel
from display.sound.phrases import Catalogue, catalogue
from display.texts import Texts, texts_in

RETRY_S, LONGEST_RETRY_S = 3.0, 60.0
"""How long a lost device is left alone before it is opened again: at first, and in the end."""

SETTING_SHOWN_S = 10.0
"""How long after an advice the speed to set stands in the place of the rate."""
_RATE_SIZE = 47
_RATE_RIGHT_X = 93
_SPEED_SIZE = 42
_ROW_Y = 43
_COLUMN_X = 98
_LINE_Y = 40
_MOODS = 5
_NAMES_SHOWN = 3


class OledDevice(Protocol):
    """What a luma device does for us."""

    def display(self, image: Image.Image) -> None:
        """Show a whole picture."""
        ...

    def cleanup(self) -> None:
        """Darken the panel and let go of the bus."""
        ...


def open_oled(
    chip: Literal["ssd1306", "sh1106"] = "ssd1306", port: int = 1, address: int = 0x3C, *, upside_down: bool = False
) -> OledDevice:
    """Open the real panel on an I²C bus.

    Raises:
        luma.core.error.Error: no such bus, no device at the address, or no permission.

    """
    return OledPanel(chip, port, address, upside_down=upside_down).open()


def open_emulated() -> OledDevice:
    """Open luma's panel without hardware, which keeps the picture it was given."""
    return _checked(dummy(width=WIDTH, height=HEIGHT, mode="1"))


class Oled:
    """A panel that may come and go. `opener` opens it; `monotonic` tells when to try again."""

    def __init__(
        self, opener: Callable[[], OledDevice] = open_emulated, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Open nothing yet: the first `draw` does."""
        self._opener = opener
        self._monotonic = monotonic
        self._device: OledDevice | None = None
        self._try_again_s = float("-inf")
        self._pause_s = RETRY_S
        self._sent: Image.Image | None = None
        self._shown = Image.new("1", (WIDTH, HEIGHT))

    @property
    def answering(self) -> tuple[int, ...]:
        """Addresses at which a panel answers, the one in use first; none where the panel has no bus."""
        return getattr(self._device, "answering", ())

    @property
    def alive(self) -> bool:
        """Whether a panel is there."""
        return self._device is not None

    def draw(self, view: DisplayState) -> bool:
        """Show a view; true when a changed picture went to the panel. Never raises for a missing panel."""
        self._shown = picture(view)
        device = self._opened()
        if device is None or (self._sent is not None and not ImageChops.logical_xor(self._sent, self._shown).getbbox()):
            return False
        try:
            device.display(self._shown)
        except (LumaError, OSError):
            self._device = self._sent = None
            self._leave_alone()
            return False
        self._sent = self._shown
        return True

    def save(self, path: Path, scale: int = 1) -> None:
        """Write the picture last drawn as PNG, each pixel `scale` wide."""
        self._shown.resize((WIDTH * scale, HEIGHT * scale), Image.Resampling.NEAREST).save(path, "PNG")

    def close(self) -> None:
        """Darken the panel and let go of it."""
        if self._device is not None:
            # Where it was unplugged there is nothing left to darken.
            with suppress(LumaError, OSError):
                self._device.cleanup()
            self._device = self._sent = None

    def _opened(self) -> OledDevice | None:
        if self._device is None and self._monotonic() >= self._try_again_s:
            try:
                self._device = self._opener()
            except (LumaError, OSError):
                self._leave_alone()
            else:
                self._pause_s = RETRY_S
        return self._device

    def _leave_alone(self) -> None:
        self._try_again_s = self._monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_RETRY_S)


def picture(view: DisplayState) -> Image.Image:  # noqa: C901, PLR0912 - one branch for each face
    """Draw a view as a one-bit image of 128×64."""
    pen, words, texts = OledPen(), catalogue(view.language), texts_in(view.language)
    match view.face:
        case ScreenId.SESSION:
            if view.snapshot is not None:
                _session(pen, words, texts, view.snapshot)
        case ScreenId.CHOOSE_PARTICIPANT:
            sign_in.choose(pen, words, texts, view)
        case ScreenId.CONFIRM:
            sign_in.confirm(pen, words, texts, view)
        case ScreenId.PIN:
            sign_in.pin(pen, words, texts, view)
        case ScreenId.GUEST_AGE:
            sign_in.guest_age(pen, words, texts, view)
        case ScreenId.QUESTIONS:
            _question(pen, words, texts, view)
        case ScreenId.CHOOSE_STRAP:
            _choose_strap(pen, words, view)
        case ScreenId.STRAP:
            _strap(pen, words, texts, view)
        case ScreenId.READY:
            title = words.oled("ready_name").format(nickname=view.nickname) if view.nickname else words.oled("ready")
            if view.strap_battery_low:
                title = texts.say("strap.battery_low")
            _press_green(pen, words, title)
        case ScreenId.GO_ON:
            _press_green(pen, words, words.oled("go_on"))
        case ScreenId.EXERTION:
            _exertion(pen, words, texts, view.selected)
        case ScreenId.MOOD:
            _mood(pen, words, texts, view.selected)
        case ScreenId.ENDED:
            _ended(pen, words, texts, view)
        case ScreenId.NOT_TODAY:
            _not_today(pen, words, texts, view)
        case ScreenId.SELF_TEST_FAILED:
            maintenance.failed(pen, words, texts, view)
        case ScreenId.MACHINE:
            maintenance.page(pen, words, texts, view)
        case ScreenId.SELF_TEST:
            maintenance.self_test(pen, words, view)
        case ScreenId.MY_TRAINING:
            _my_training(pen, words, texts, view)
        case _ as unknown:
            assert_never(unknown)
    return pen.image


def _my_training(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Draw the course in figures, and a word from the therapist in place of the week where there is one."""
    training = view.my_training or MyTraining()
    if view.training_page is TrainingPage.MOMENT:
        pen.paragraph(texts.of("moment", str(training.moment)), (0, 4, 127, 60), 20)
        return
    if view.training_page is TrainingPage.TAKE_ALONG:
        pen.paragraph(texts.say("take_along.how"), (0, 4, 127, 60), 16)
        return
    if 0 < view.selected <= len(training.sessions):
        session = training.sessions[view.selected - 1]
        done_min, planned_min = whole_minutes(session.good_s), whole_minutes(session.planned_s)
        pen.centred(texts.say("my_training.session", number=session.number, total=training.course_sessions), 2, 15)
        pen.centred(date_words(session.ended_wall_s, texts), 23, 15)
        pen.centred(texts.say("ended.of", done=done_min, planned=planned_min), 44, 15)
        return
    done = texts.say("number.of", number=len(training.shares), total=training.course_sessions)
    week = ""
    if training.week_done is not None:
        number = texts.say("number.of", number=training.week_done, total=training.week_goal)
        week = f"{number} {texts.say('my_training.this_week')}"
    pen.centred(done, 0, 22)
    if training.word is not None:
        pen.paragraph(training.word.text, (0, 23, 127, 63), 13)
        return
    back = training.back_after_days is not None
    pen.centred(texts.say("my_training.back") if back else week, 25, 14)
    pen.disc(7, 55, 6)
    pen.left(words.oled("press_green"), 18, 46, 15, within=108)


def _session(pen: OledPen, words: Catalogue, texts: Texts, now: Snapshot) -> None:
    codes = {notice.code for notice in notices_now(now)}
    if "no_answer" in codes:
        pen.bar(0, 0, 127, 63)
        pen.paragraph(words.oled("help"), (4, 2, 123, 38), 22, ink=0)
        pen.centred(words.oled("all_right_green"), 43, 17, ink=0)
        return
    if now.question is not None:
        title = texts.of("check", now.question)
        if now.advice.reason == "over_ceiling" and now.advice.direction is Direction.SLOWER:
            title = texts.say("instruction.slow_down_now")
        _asked(pen, texts, now, (title, words.oled("all_right_green")))
        return
    if now.asks_speed_kmh is not None:
        title = texts.say("check.speed", speed=decimal(now.asks_speed_kmh, texts.language))
        _asked(pen, texts, now, (title, texts.say("check.speed_how")))
        return
    if now.stage == "ended":
        _finished(pen, words, now)
        return
    if now.stage == "paused":
        pen.centred(words.oled("paused"), 2, 32)
        pen.centred(words.oled("press_green"), _ROW_Y, 16)
        return
    over = over_ceiling_now(now)
    if over:
        pen.bar(0, 0, 127, _LINE_Y)
    ink = 0 if over else 1
    if not over and _asks_now(now):
        _setting(pen, texts, now)
        return
    if now.mode == "exertion":
        pen.paragraph(words.oled("by_feeling"), (0, 0, 127, 16), 14)
        low, high = now.zone.low_borg, now.zone.high_borg
        pen.centred(texts.say("feeling.borg", low=low, high=high) if low and high else "Borg", 14, 20)
    elif now.bpm is None or now.signal in (Signal.LOST, Signal.STALE):
        pen.dashes(0, 6)
        pen.paragraph(words.oled("strap_lost"), (52, 1, 127, 37), 16)
    else:
        pen.number(f"{now.bpm:.0f}", _RATE_RIGHT_X, 2, _RATE_SIZE, ink=ink)
        if over and now.advice.reason == "over_ceiling" and now.advice.speed_kmh:
            pen.arrow(_COLUMN_X + 6, 2, up=False, ink=0, scale=0.55)
            pen.right(decimal(now.advice.speed_kmh, texts.language), 127, 22, 17, ink=0, within=31)
        else:
            _beside(pen, now, over=over)
    if over:
        pen.centred(what_to_do(now, texts)[0], _ROW_Y, 18)
        return
    _phase(pen, words, now)


def _asked(pen: OledPen, texts: Texts, now: Snapshot, lines: tuple[str, str]) -> None:
    """Draw a question in the lower half; rate, speed and time left stay in the upper one (hazard H5)."""
    silent = now.bpm is None or now.signal in (Signal.LOST, Signal.STALE)
    pen.left("–" if silent else f"{now.bpm:.0f}", 0, 0, 22, within=42)
    kmh = now.speed_kmh if now.advice.speed_kmh is None else now.advice.speed_kmh
    if kmh is not None:
        pen.centred(decimal(kmh, texts.language), 2, 17, between=(44, 82))
    pen.right(_clock(now.phase_remaining_s), 127, 2, 17, within=44)
    pen.bar(0, 27, 127, 63)
    pen.centred(lines[0], 28, 17, ink=0)
    pen.centred(lines[1], 47, 14, ink=0)


def _asks_now(now: Snapshot) -> bool:
    """Return whether an advice with a speed is so new that the small screen shows what to set instead of the rate."""
    since_s = None if now.advised_t is None else now.t - now.advised_t
    return asks_for_speed(now) and since_s is not None and since_s < SETTING_SHOWN_S


def _setting(pen: OledPen, texts: Texts, now: Snapshot) -> None:
    """Draw the speed to set in the rate's place with its arrow; below it the incline, the rate and the time left."""
    speed_kmh = now.advice.speed_kmh or 0.0
    pen.number(decimal(speed_kmh, texts.language), _RATE_RIGHT_X, 2, _SPEED_SIZE)
    if now.speed_kmh is not None and speed_kmh != now.speed_kmh:
        pen.arrow(_COLUMN_X, 3, up=speed_kmh > now.speed_kmh)
    elif now.advice.direction in (Direction.FASTER, Direction.SLOWER):
        pen.arrow(_COLUMN_X, 3, up=now.advice.direction is Direction.FASTER)
    pen.bar(0, _LINE_Y + 1, 127, _LINE_Y + 1)
    percent = now.advice.incline_percent
    pen.left(texts.say("unit.speed") if percent is None else incline(percent, texts), 0, _ROW_Y + 1, 16, within=40)
    if now.bpm is not None and now.signal not in (Signal.LOST, Signal.STALE):
        pen.heart(42, _ROW_Y + 6)
        pen.left(f"{now.bpm:.0f}", 54, _ROW_Y + 2, 15, within=30)
    pen.right(_clock(now.phase_remaining_s), 127, _ROW_Y + 1, 16, within=36)


def _beside(pen: OledPen, now: Snapshot, *, over: bool) -> None:
    """Draw what stands beside the rate: the advice, else the zone's ends."""
    direction = Direction.SLOWER if over else direction_now(now)
    match direction:
        case Direction.FASTER:
            pen.arrow(_COLUMN_X, 3, up=True)
        case Direction.SLOWER:
            pen.arrow(_COLUMN_X, 3, up=False, ink=0 if over else 1)
        case Direction.HOLD:
            pen.bar(_COLUMN_X + 2, 11, 126, 16)
            pen.bar(_COLUMN_X + 2, 22, 126, 27)
        case Direction.NONE:
            if now.signal is Signal.IMPLAUSIBLE:
                pen.number("?", 122, 6, 36)
            elif now.zone.low_bpm is not None and now.zone.high_bpm is not None:
                pen.right(f"{math.floor(now.zone.high_bpm)}", 127, 0, 14)
                pen.right(f"{math.ceil(now.zone.low_bpm)}", 127, 25, 14)
                if now.position == "in":
                    pen.tick(_COLUMN_X + 9, 16)
                else:
                    pen.bar(_COLUMN_X + 10, 19, 126, 20)
        case _ as unknown:
            assert_never(unknown)


def _phase(pen: OledPen, words: Catalogue, now: Snapshot) -> None:
    """Draw the bottom row: how much is left, as a line and as a time, and which phase."""
    gone = now.phase_elapsed_s / now.phase_length_s if now.phase_length_s else 0.0
    pen.bar(0, _LINE_Y + 1, 127, _LINE_Y + 1)
    pen.bar(0, _LINE_Y, round(127 * min(1.0, gone)), _LINE_Y + 2)
    if now.bout is not None:
        pen.left(f"{math.ceil(now.bout.remaining_s)}", 0, _ROW_Y, 19)
        word = words.oled("work" if now.bout.working else "rest")
        pen.right(f"{word} {now.bout.number}/{now.bout.total}", 127, _ROW_Y, 16, within=86)
        return
    left, name = _clock(now.phase_remaining_s), words.oled(now.phase) if now.phase in words.oled_keys else ""
    if now.interval or not name:
        pen.left(left, 0, _ROW_Y, 19)
        pen.right(f"{now.interval}/{now.intervals}" if now.interval else "", 126, _ROW_Y, 19)
        return
    # A long name of the phase makes the time smaller rather than touch it.
    size = pen.fitting(left, 19, WIDTH - 5 - pen.width(name, SMALLEST))
    pen.left(left, 0, _ROW_Y + (19 - size) // 2, size)
    pen.right(name, 127, _ROW_Y + 3, 13, within=WIDTH - 5 - pen.width(left, size))


def _choose_strap(pen: OledPen, words: Catalogue, view: DisplayState) -> None:
    """Three of the straps on the air, by what is printed on them, with the rate that they tell; one on a light bar."""
    pen.left(words.oled("which_strap"), 1, 0, 13)
    first = max(0, min(view.selected - 1, len(view.straps) - _NAMES_SHOWN))
    for place, strap in enumerate(view.straps[first : first + _NAMES_SHOWN]):
        top, chosen = 16 + 16 * place, first + place == view.selected
        if chosen:
            pen.bar(0, top, 127, top + 15)
        ink = 0 if chosen else 1
        pen.left(
            strap.printed if strap.on_band else strap.name or words.oled("strap_nameless"),
            4,
            top,
            14,
            ink=ink,
            within=88,
        )
        if strap.bpm:
            pen.right(f"{strap.bpm:.0f}", 123, top, 14, ink=ink)


def _strap(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    if view.strap_trouble is not None:
        pen.paragraph(texts.of("strap_trouble", view.strap_trouble), (0, 0, 127, 45 if view.by_feeling else 63), 15)
        if view.by_feeling:
            pen.disc(7, 55, 6)
            pen.left(texts.say("button.by_feeling"), 18, 47, 14, within=108)
        return
    pen.strap()
    pen.paragraph(words.oled("strap"), (46, 0, 127, 36), 15)
    named = view.strap_name or words.oled("strap_wet" if view.strap_name is None else "strap_nameless")
    pen.centred(named, 46, 14)


def _question(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    if view.questions:
        pen.paragraph(texts.say("questions.all"), (0, 0, 127, 30), 16)
        pen.disc(7, 40, 6)
        pen.left(texts.say("questions.none"), 18, 33, 14, within=108)
        pen.arrow(3, 51, up=True, scale=0.33)
        pen.left(texts.say("questions.some"), 18, 48, 13, within=108)
        return
    pen.paragraph(question_words(view, texts), (0, 0, 127, 40), 16)
    for place, key in enumerate(("no", "yes")):
        left, chosen = 4 + 64 * place, view.selected == place
        pen.box(left, 43, left + 55, 63, filled=chosen)
        pen.centred(words.oled(key), 44, 15, ink=0 if chosen else 1, between=(left, left + 55))


def _not_today(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    """Draw why there is no session today, and after enough training when the next one is."""
    if view.reason == "unwell":
        _unwell(pen, texts, view)
    elif view.reason in EARNED_REST:
        pen.paragraph(texts.of("rest_day", view.reason or ""), (0, 0, 127, 30), 17)
        if view.opens_wall_s is not None:
            pen.paragraph(next_session(view.opens_wall_s, texts), (0, 33, 127, 63), 13)
    else:
        pen.centred(words.oled("not_today"), 4, 22)
        pen.paragraph(words.oled("talk_to_therapist"), (0, 32, 127, 63), 14)


def _unwell(pen: OledPen, texts: Texts, view: DisplayState) -> None:
    """Draw what to do now, dark on light: sit, call, and the number."""
    pen.bar(0, 0, 127, 63)
    pen.paragraph(texts.say("unwell.title"), (2, 1, 125, 22), 18, ink=0)
    pen.centred(texts.say("unwell.call"), 24, 14, ink=0)
    pen.centred("113" if not view.help_number else f"113 · {view.help_number}", 42, 20, ink=0)


def _press_green(pen: OledPen, words: Catalogue, title: str) -> None:
    pen.paragraph(title, (0, 2, 127, 36), 24)
    pen.disc(9, 53, 8)
    pen.left(words.oled("press_green"), 24, 44, 17, within=104)


def _exertion(pen: OledPen, words: Catalogue, texts: Texts, borg: int) -> None:
    pen.left(words.oled("borg"), 1, 0, 12, within=127)
    pen.number(f"{borg}", 84, 17, 36)
    pen.arrow(6, 19, up=False, scale=0.6)
    pen.arrow(104, 19, up=True, scale=0.6)
    word = texts.group("exertion").get(str(borg))
    if word:
        pen.centred(word, 48, 13)


def _mood(pen: OledPen, words: Catalogue, texts: Texts, mood: int) -> None:
    pen.left(words.oled("mood"), 1, 0, 12, within=127)
    for value in range(1, _MOODS + 1):
        pen.face(14 + 25 * (value - 1), 30, 11, bend=(value - 3) * 2, filled=value == mood)
    word = texts.group("mood").get(str(mood))
    if word:
        pen.centred(word, 46, 14)


def _end_words(now: Snapshot | None) -> str:
    """Return the key of the end's words, as kind and as honest as the large screen's."""
    summary = None if now is None else now.summary
    if now is not None and now.cool_down_offered:
        return "stopped"
    if summary is None or summary.completed:
        return "ended"
    return "ended_no_answer" if summary.end_reason == "no_answer" else "ended_early"


def _finished(pen: OledPen, words: Catalogue, now: Snapshot) -> None:
    """Draw the end: kind words, or after a stop what green would do now."""
    pen.paragraph(words.oled(_end_words(now)), (0, 2, 127, 40), 20)
    if now.cool_down_offered:
        pen.centred(words.oled("go_on_green" if now.stop_can_be_taken_back else "cool_down_offered"), 46, 15)


def _ended(pen: OledPen, words: Catalogue, texts: Texts, view: DisplayState) -> None:
    summary = None if view.snapshot is None else view.snapshot.summary
    if view.snapshot is not None and view.snapshot.cool_down_offered:
        _finished(pen, words, view.snapshot)
        return
    poor = summary is not None and summary.mood in POOR_MOODS and summary.end_reason != "no_answer"
    title = texts.say("ended.thanks_nobody") if poor else words.oled(_end_words(view.snapshot))
    pen.paragraph(title, (0, 0, 127, 20), 18)
    work, trained = view.good_work, summary is not None and summary.training_s >= WORTH_A_NUMBER_S
    if work is not None and work.done_s >= LEAST_SHOWN_S and trained:
        figure = texts.say("ended.of", done=whole_minutes(work.done_s), planned=whole_minutes(work.planned_s))
        pen.left(figure, 0, 23, 17, within=68)
        pen.right(texts.say(f"ended.by_{work.by}"), 127, 26, 13, within=51)
    elif trained and summary is not None:
        pen.centred(f"{minutes(summary.training_s, texts)} {texts.say('ended.trained')}", 25, 14)
    status = words.oled(view.saved) if view.saved != "no" else ""
    warns = view.saved == "not_saved"
    if warns:
        pen.bar(0, 47, 84, 63)
    pen.left(status, 2 if warns else 0, 47, 13, ink=0 if warns else 1, within=82)
    if view.session_number is not None and view.course_sessions is not None:
        pen.right(f"{view.session_number}/{view.course_sessions}", 127, 47, 13)


def _clock(seconds: float) -> str:
    whole = math.ceil(max(0.0, seconds) - 1e-6)
    return f"{whole // 60}:{whole % 60:02d}"


def _checked(device: Any) -> OledDevice:  # noqa: ANN401 - luma ships no type information
    checked: OledDevice = device
    return checked
