"""My training: what the participant's sessions add up to, a calm moment at some of them, and what to take along."""

from coach.kiosk.view import Button, TrainingPage
from coach.model.course_progress import FitnessShown, MyTraining, SessionShown
from display.drawing import icons
from display.drawing.canvas import Brush, Style
from display.drawing.fonts import Weight
from display.drawing.layout import MARGIN, Box, Widget
from display.drawing.number_format import appointment_words, date_words, decimal, speed, whole_minutes
from display.drawing.palette import BELOW, IN, IN_BAND, LINE, PANEL, QUIET, WHITE
from display.screen.button_bar import Label, buttons_part
from display.screen.frame import RenderContext
from display.screen.header import nickname_part
from display.screen.qr_code import qr_part

APART = 24.0
ROWS = 3
MOST_IN_THREE_ROWS = 30
MOST_DOT, LEAST_DOT = 22.0, 9.0
EMPTY_SHARE = 0.35
"""A session without a minute of good work still fills so much of its dot: it was trained."""
SMALL = Style(30, Weight.PLAIN, QUIET)
NOTE = Style(30, Weight.FIRM, IN)


def parts(glance: RenderContext) -> list[Widget]:
    """Return the parts of the face."""
    training = glance.view.my_training or MyTraining()
    match glance.view.training_page:
        case TrainingPage.MOMENT:
            return _moment_parts(glance, training)
        case TrainingPage.TAKE_ALONG:
            return _take_along_parts(glance, training)
        case _:
            return _overview_parts(glance, training)


def _head(glance: RenderContext, title: str) -> list[Widget]:
    sheet = glance.sheet
    width = sheet.width - 2 * MARGIN
    room = 170.0 if sheet.portrait else 250.0
    box = Box(MARGIN, 34, width - room - 12, 64)

    def paint(brush: Brush, box: Box) -> None:
        brush.text(title, (box.x, box.middle_y), Style(50, Weight.BOLD, WHITE), width=box.width)

    name = Box(MARGIN + width - room, 34, room, 64)
    return [Widget("title", box, title, paint), nickname_part(glance, name)]


def _overview_parts(glance: RenderContext, training: MyTraining) -> list[Widget]:
    texts, sheet, view = glance.texts, glance.sheet, glance.view
    width = sheet.width - 2 * MARGIN
    title = texts.say("my_training.title")
    if training.back_after_days is not None:
        title = texts.say("my_training.back")
    rows = _button_rows(glance)
    foot_y = sheet.height - 32 - 64 * len(rows)
    top = 118.0
    if sheet.portrait:
        free = foot_y - APART - top - 3 * APART
        dots = Box(MARGIN, top, width, free * 0.34)
        side = Box(MARGIN, dots.bottom + APART, width, free * 0.28)
        line = Box(MARGIN, side.bottom + APART, width, free * 0.19)
        after = Box(MARGIN, line.bottom + APART, width, free * 0.19)
    else:
        left = width * 0.65
        low = 158.0
        dots = Box(MARGIN, top, left, foot_y - APART - top - APART - low)
        side = Box(dots.right + APART, top, width - left - APART, dots.height)
        line = Box(MARGIN, dots.bottom + APART, left, low)
        after = Box(side.x, line.y, side.width, low)
    chosen = training.sessions[view.selected - 1] if 0 < view.selected <= len(training.sessions) else None
    found = [
        *_head(glance, title),
        _dots_part(glance, dots, training, chosen),
        _fitness_part(glance, side, training.fitness) if training.fitness else _weeks_part(glance, side, training),
        _session_part(glance, line, chosen) if chosen else _line_part(glance, line, training),
        _word_part(glance, after, training),
    ]
    for place, row in enumerate(rows):
        box = Box(MARGIN, foot_y + 64 * place, width, 64)
        name = "buttons" if place == len(rows) - 1 else "more buttons"
        found.append(Widget(name, box, row, buttons_part(box, row).paint))
    return found


def _button_rows(glance: RenderContext) -> tuple[tuple[Label, ...], ...]:
    texts, view = glance.texts, glance.view
    over = view.snapshot is not None and view.snapshot.stage == "ended"
    on: Label = ((Button.START,), texts.say("button.done" if over else "button.begin"))
    leave: tuple[Label, ...] = () if over else (((Button.STOP,), texts.say("button.leave")),)
    more: tuple[Label, ...] = ()
    if view.take_along:
        up = texts.say("button.newer" if view.selected else "button.take_along")
        more = (((Button.UP,), up), ((Button.DOWN,), texts.say("button.earlier")))
    if glance.sheet.portrait and more:
        return (more, (on, *leave))
    return ((*more, on, *leave),)


def _dots_part(glance: RenderContext, box: Box, training: MyTraining, chosen: SessionShown | None) -> Widget:
    """Show a dot for each session of the course: those trained filled by their share of good work, in columns."""
    texts = glance.texts
    done, total = len(training.shares), max(training.course_sessions, len(training.shares), 1)
    count = texts.say("my_training.session", number=done, total=total)
    week_number = week = ""
    if training.week_done is not None:
        week_number = texts.say("number.of", number=training.week_done, total=training.week_goal)
        week = texts.say("my_training.this_week")
    marked = None if chosen is None else chosen.number - 1

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        inner = box.inset(36, 28)
        number, words = Style(32, Weight.BOLD, IN), Style(30, Weight.PLAIN, QUIET)
        needed = brush.width(week_number, number) + 12 + brush.width(week, words)
        brush.text(count, (inner.x, inner.y + 18), Style(34, Weight.FIRM, WHITE), width=inner.width - needed - 24)
        x = brush.text(week_number, (inner.right - needed, inner.y + 18), number)
        brush.text(week, (x + 12, inner.y + 18), words)
        _paint_dots(brush, Box(inner.x, inner.y + 56, inner.width, inner.height - 56), training.shares, total, marked)

    key = (count, week_number, week, training.shares, total, marked)
    return Widget("sessions", box, key, paint)


def _paint_dots(brush: Brush, box: Box, shares: tuple[float, ...], total: int, marked: int | None) -> None:
    rows = ROWS if total <= MOST_IN_THREE_ROWS else ROWS + 2
    columns = -(-total // rows)
    across, down = box.width / columns, box.height / rows
    radius = max(min(across * 0.36, down * 0.42, MOST_DOT * 1.4), LEAST_DOT)
    for place in range(total):
        middle = (box.x + across * (place // rows + 0.5), box.y + down * (place % rows + 0.5))
        if place >= len(shares):
            brush.disc(middle, radius, LINE, 3)
            continue
        brush.disc(middle, radius, IN_BAND)
        brush.disc(middle, radius * (EMPTY_SHARE + (1 - EMPTY_SHARE) * shares[place]), IN)
        if place == marked:
            brush.disc(middle, radius + 5, WHITE, 4)


def _fitness_part(glance: RenderContext, box: Box, fitness: FitnessShown) -> Widget:
    """Show the fitness age as a trend with its range, and how far to trust it."""
    texts = glance.texts
    title = texts.say("my_training.fitness")
    now = str(fitness.now)
    based = texts.say("my_training.fitness_by", count=fitness.sessions, low=fitness.low, high=fitness.high)
    note = texts.say("my_training.fitness_note")
    if fitness.younger:
        note = texts.say("my_training.fitness_younger", years=fitness.now)
    elif fitness.before is not None:
        note = texts.say("my_training.fitness_gain", years=fitness.before - fitness.now)

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        inner = box.inset(36, 28)
        brush.text(title, (inner.x, inner.y + 18), Style(32, Weight.FIRM, QUIET), width=inner.width)
        style = Style(min(104, inner.height - 56 - 96), Weight.HEAVY, WHITE)
        y = inner.y + 48 + (inner.height - 48 - 84) / 2
        x = inner.x
        if fitness.before is not None:
            x = brush.text(str(fitness.before), (x, y), style.in_colour(QUIET)) + 18
            brush.icon(icons.then, Box(x, y - 16, 40, 40), QUIET)
            x += 58
        brush.text(now, (x, y), style)
        brush.text(based, (inner.x, inner.bottom - 56), SMALL, width=inner.width)
        brush.text(note, (inner.x, inner.bottom - 12), NOTE if fitness.before else SMALL, width=inner.width)

    return Widget("fitness", box, (title, fitness, based, note), paint)


def _weeks_part(glance: RenderContext, box: Box, training: MyTraining) -> Widget:
    """Show weeks in a row, or how many sessions there are, until there is enough to tell a fitness age."""
    texts = glance.texts
    many = training.weeks > 1
    number = str(training.weeks if many else len(training.shares))
    words = texts.say("my_training.weeks_in_a_row") if many else _sessions_word(glance, len(training.shares))

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        inner = box.inset(36, 28)
        size = min(130.0, inner.height * 0.6)
        brush.text(number, (inner.x, inner.middle_y - 28), Style(size, Weight.HEAVY, WHITE))
        brush.text(words, (inner.x, inner.middle_y + size * 0.5 + 8), Style(34, Weight.FIRM, QUIET), width=inner.width)

    return Widget("weeks", box, (number, words), paint)


def _sessions_word(glance: RenderContext, count: int) -> str:
    return glance.texts.say("my_training.one_session" if count == 1 else "my_training.sessions")


def _line_part(glance: RenderContext, box: Box, training: MyTraining) -> Widget:
    """Show one line against oneself, and a kind word under it."""
    texts = glance.texts
    large = _line_words(glance, training)
    under = texts.say(f"my_training.{training.line}_why")
    if training.line == "sessions" and large == texts.say("my_training.begun"):
        large, under = texts.say("my_training.every"), texts.say("my_training.on_the_way")
    if training.eased:
        under = texts.say("my_training.eased")
    elif training.weeks > 1 and training.fitness is not None:
        under = texts.say("my_training.weeks", weeks=training.weeks)
    return _two_lines(box, "line", large, under)


def _line_words(glance: RenderContext, training: MyTraining) -> str:
    texts, amount = glance.texts, training.amount
    match training.line:
        case "same_speed":
            return texts.say("my_training.same_speed", bpm=round(amount))
        case "faster":
            return texts.say("my_training.faster", kmh=decimal(amount, texts.language))
        case "more_minutes":
            return texts.say("my_training.more_minutes", minutes=whole_minutes(amount))
        case "sessions" if training.fitness is not None or training.weeks > 1:
            return f"{len(training.shares)} {_sessions_word(glance, len(training.shares))}"
        case _:
            return texts.say("my_training.begun")


def _session_part(glance: RenderContext, box: Box, session: SessionShown) -> Widget:
    """Show one earlier session."""
    texts = glance.texts
    large = texts.say("my_training.one", number=session.number, date=date_words(session.ended_wall_s, texts))
    done = texts.say("ended.of", done=whole_minutes(session.good_s), planned=whole_minutes(session.planned_s))
    known = [done] if session.planned_s else []
    if session.speed_kmh is not None:
        known.append(speed(session.speed_kmh, texts))
    return _two_lines(box, "line", large, " · ".join(known))


def _two_lines(box: Box, name: str, large: str, under: str) -> Widget:
    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        brush.icon(icons.heart, Box(box.x + 40, box.middle_y - 30, 60, 58), BELOW)
        width = box.width - 128 - 36
        brush.text(large, (box.x + 128, box.middle_y - 24), Style(40, Weight.BOLD, WHITE), width=width)
        brush.text(under, (box.x + 128, box.middle_y + 32), SMALL, width=width)

    return Widget(name, box, (large, under), paint)


def _word_part(glance: RenderContext, box: Box, training: MyTraining) -> Widget:
    """Show a word from the therapist, else the next appointment, else how many sessions are left of this week."""
    texts = glance.texts
    left = None if training.week_done is None else training.week_goal - training.week_done
    if training.word is not None:
        title, words = texts.say("therapist.says"), texts.say("my_training.word", text=training.word.text)
    elif training.appointment_wall_s is not None:
        title, words = texts.say("my_training.next"), appointment_words(training.appointment_wall_s, texts)
    elif left is None:
        title, words = texts.say("my_training.title"), texts.say("my_training.on_the_way")
    elif left > 0:
        title = texts.say("my_training.left")
        words = f"{left} {_sessions_word(glance, left)}"
    else:
        title, words = texts.say("my_training.this_week_title"), texts.say("my_training.week_done")
    long = training.word is not None
    dated = not long and training.appointment_wall_s is not None

    def paint(brush: Brush, box: Box) -> None:
        brush.bar(box, 32, PANEL)
        inner = box.inset(30, 22)
        brush.text(title, (inner.x, inner.y + 14), Style(29, Weight.FIRM, QUIET), width=inner.width)
        if dated:
            style = Style(36, Weight.BOLD, WHITE)
            brush.paragraph(words, (inner.x, inner.y + 62), style, inner.width, leading=1.15)
            return
        if not long:
            brush.text(words, (inner.x, inner.y + 76), Style(40, Weight.BOLD, WHITE), width=inner.width)
            return
        style = Style(29, Weight.FIRM, WHITE)
        brush.paragraph(words, (inner.x, inner.y + 52), style, inner.width, leading=1.15)

    return Widget("word", box, (title, words), paint)


def _moment_parts(glance: RenderContext, training: MyTraining) -> list[Widget]:
    """Return the calm moment after 6, 12, 18 and 24 sessions."""
    texts, sheet = glance.texts, glance.sheet
    count = training.moment or len(training.shares)
    name = glance.view.nickname
    large = texts.of("moment", str(count))
    under = texts.say("moment.thanks", nickname=name) if name else texts.say("moment.thanks_nobody")
    total = max(training.course_sessions, len(training.shares), 1)
    foot = Box(MARGIN, sheet.height - 96, sheet.width - 2 * MARGIN, 64)
    whole = Box(MARGIN, 60, foot.width, foot.y - 24 - 60)

    def paint(brush: Brush, box: Box) -> None:
        brush.text(large, (box.middle_x, box.y + box.height * 0.2), Style(84, Weight.BOLD), "centre", width=box.width)
        y = box.y + box.height * 0.2 + 92
        brush.text(under, (box.middle_x, y), Style(40, Weight.FIRM, QUIET), "centre", width=box.width)
        width = min(box.width, 900)
        dots = Box(box.middle_x - width / 2, y + 60, width, min(box.bottom - y - 60, 330))
        _paint_dots(brush, dots, training.shares, total, None)

    labels = (((Button.START,), texts.say("button.next")),)
    return [Widget("moment", whole, (large, under, training.shares, total), paint), buttons_part(foot, labels)]


def _take_along_parts(glance: RenderContext, training: MyTraining) -> list[Widget]:
    """Return the QR code of the newest session's figures: it leaves the machine by the person's own camera only."""
    texts, sheet = glance.texts, glance.sheet
    width = sheet.width - 2 * MARGIN
    foot = Box(MARGIN, sheet.height - 96, width, 64)
    top = 122.0
    told = take_along_text(glance, training)
    side = min(foot.y - APART - top, width * (1.0 if sheet.portrait else 0.46))
    code = Box(MARGIN, top, side, side)
    if sheet.portrait:
        words = Box(MARGIN, code.bottom + APART, width, foot.y - APART - code.bottom - APART)
    else:
        words = Box(code.right + 48, top, width - side - 48, side)
    how = texts.say("take_along.how")
    figures = texts.say("take_along.figures")
    private = texts.say("take_along.private")

    def paint(brush: Brush, box: Box) -> None:
        y = brush.paragraph(how, (box.x, box.y + 40), Style(42, Weight.BOLD, WHITE), box.width, leading=1.2)
        for line in (figures, private):
            y = brush.paragraph(line, (box.x, y + 68), Style(32, Weight.PLAIN, QUIET), box.width, leading=1.2)

    return [
        *_head(glance, texts.say("take_along.title")),
        qr_part(code, told),
        Widget("words", words, (how, figures, private), paint),
        buttons_part(foot, (((Button.START,), texts.say("button.back")),)),
    ]


def take_along_text(glance: RenderContext, training: MyTraining) -> str:
    """Return the newest session's figures as a few lines of plain text: no name, no pseudonym, no place."""
    texts = glance.texts
    if not training.sessions:
        return texts.say("my_training.title")
    newest = training.sessions[0]
    lines = [texts.say("my_training.one", number=newest.number, date=date_words(newest.ended_wall_s, texts))]
    if newest.planned_s:
        lines.append(
            texts.say("take_along.minutes", done=whole_minutes(newest.good_s), planned=whole_minutes(newest.planned_s))
        )
    if newest.speed_kmh is not None:
        lines.append(speed(newest.speed_kmh, texts))
    lines.append(texts.say("my_training.session", number=len(training.shares), total=training.course_sessions))
    if training.line != "begun":
        lines.append(_line_words(glance, training))
    if training.fitness is not None:
        fitness = training.fitness
        by = texts.say("my_training.fitness_by", count=fitness.sessions, low=fitness.low, high=fitness.high)
        lines.append(f"{texts.say('my_training.fitness')}: {fitness.now} ({by})")
    return "\n".join(lines)
