"""Numbers as people write them: a comma in bokmål, a point in English; minutes and seconds; the treadmill's units."""

import math

from display.texts import Language, Texts

DECIMAL_SIGN: dict[Language, str] = {"nb": ",", "en": "."}
MINUS = "−"


def decimal(value: float, language: Language, digits: int = 1) -> str:
    """A number with a fixed count of decimals, its sign a true minus."""
    written = f"{abs(value):.{digits}f}".replace(".", DECIMAL_SIGN[language])
    return f"{MINUS}{written}" if value < 0 and float(f"{value:.{digits}f}") else written


def change(value: float, language: Language) -> str:
    """A change with its sign: «+0,2»."""
    return decimal(value, language) if value < 0 else f"+{decimal(value, language)}"


def whole_or_decimal(value: float, language: Language) -> str:
    """«5» for 5.0, «2,5» for 2.5."""
    return decimal(value, language, 0 if math.isclose(value, round(value), abs_tol=0.05) else 1)


def clock(seconds: float) -> str:
    """Seconds left as «2:08», rounded up, so that zero is shown only at zero."""
    whole = max(0, math.ceil(seconds - 1e-6))
    return f"{whole // 60}:{whole % 60:02d}"


def minutes_and_seconds(seconds: float, texts: Texts) -> str:
    """A length as words: «13 min 20 s»."""
    whole = max(0, round(seconds))
    return texts.say("number.minutes_seconds", minutes=whole // 60, seconds=whole % 60)


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
