"""Numbers as people write them: a comma in bokmål, a point in English; minutes and seconds; the treadmill's units."""

import math
import time

from display.texts import Language, Texts

DECIMAL_SIGN: dict[Language, str] = {"nb": ",", "en": "."}
MINUS = "−"


def decimal(value: float, language: Language, digits: int = 1) -> str:
    """Return a number with a fixed count of decimals, its sign a true minus."""
    written = f"{abs(value):.{digits}f}".replace(".", DECIMAL_SIGN[language])
    return f"{MINUS}{written}" if value < 0 and float(f"{value:.{digits}f}") else written


def change(value: float, language: Language) -> str:
    """Return a change with its sign: «+0,2»."""
    return decimal(value, language) if value < 0 else f"+{decimal(value, language)}"


def whole_or_decimal(value: float, language: Language) -> str:
    """«5» for 5.0, «2,5» for 2.5."""
    return decimal(value, language, 0 if math.isclose(value, round(value), abs_tol=0.05) else 1)


def clock(seconds: float) -> str:
    """Seconds left as «2:08», rounded up, so that zero is shown only at zero."""
    whole = max(0, math.ceil(seconds - 1e-6))
    return f"{whole // 60}:{whole % 60:02d}"


def whole_minutes(seconds: float) -> int:
    """Return the nearest count of whole minutes."""
    return int(seconds / 60 + 0.5)


def minutes(seconds: float, texts: Texts) -> str:
    """Return a length as words: «13 min»."""
    return texts.say("number.minutes", minutes=whole_minutes(seconds))


def speed(value_kmh: float, texts: Texts) -> str:
    """«6,4 km/t»."""
    return texts.say("number.speed", value=decimal(value_kmh, texts.language))


def incline(value_percent: float, texts: Texts) -> str:
    """«5 %»."""
    return texts.say("number.percent", value=whole_or_decimal(value_percent, texts.language))


def load(speed_kmh: float | None, incline_percent: float | None, texts: Texts) -> str:
    """Speed and incline, as far as they are known: «6,4 km/t · 5 %»."""
    known = [
        *([speed(speed_kmh, texts)] if speed_kmh is not None else []),
        *([incline(incline_percent, texts)] if incline_percent is not None else []),
    ]
    return " · ".join(known)


def next_session(opens_wall_s: float, texts: Texts) -> str:
    """Return the weekday and the whole hour, in local time, from which the next session is possible."""
    local = time.localtime(math.ceil(opens_wall_s / 3600) * 3600)
    return texts.say("rest_day.next", day=texts.say(f"weekday.{local.tm_wday}"), hour=f"{local.tm_hour:02d}")


def date_words(wall_s: float | None, texts: Texts) -> str:
    """Return a day in local time, such as "7 May"; in words where no clock told the day."""
    if wall_s is None:
        return texts.say("date.unknown")
    local = time.localtime(wall_s)
    return texts.say("date.day", day=local.tm_mday, month=texts.say(f"month.{local.tm_mon}"))


def appointment_words(wall_s: float, texts: Texts) -> str:
    """Return weekday, day and time in local time, such as "Thursday 14 May at 10"; minutes only where there are any."""
    local = time.localtime(wall_s)
    day = f"{texts.say(f'weekday.{local.tm_wday}')} {date_words(wall_s, texts)}"
    if local.tm_min == 0:
        return texts.say("date.hour", day=day, hour=local.tm_hour)
    return texts.say("date.time", day=day, hour=local.tm_hour, minute=f"{local.tm_min:02d}")
