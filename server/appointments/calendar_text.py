"""Appointments as an iCalendar object (RFC 5545), with pseudonyms alone.

All times are written in UTC: each is an instant, so that no time zone component is needed and a change of clocks moves
nothing. Lines end with CRLF and are folded to 75 octets; texts are escaped (sections 3.1 and 3.3.11).
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from server.appointments.models import Appointment

PRODUCT = "-//interval-coach//week//EN"
OCTETS = 75
REFRESH = "PT1H"


def calendar_of(appointments: Iterable[Appointment], name: str, made_at: datetime, summary: str, domain: str) -> str:
    """Return the calendar. `summary`: an event's name, with `{who}` and `{machine}`; `domain`: of the UIDs."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:{PRODUCT}",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{REFRESH}",
        f"X-PUBLISHED-TTL:{REFRESH}",
    ]
    for one in appointments:
        lines += [
            "BEGIN:VEVENT",
            f"UID:appointment-{one.pk}@{domain}",
            f"DTSTAMP:{instant(made_at)}",
            f"LAST-MODIFIED:{instant(one.changed_at)}",
            f"DTSTART:{instant(one.begins_at)}",
            f"DTEND:{instant(one.ends_at)}",
            f"SUMMARY:{escaped(_summary(one, summary))}",
            "CLASS:PRIVATE",
            f"STATUS:{'CANCELLED' if one.absence else 'CONFIRMED'}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(f"{folded(line)}\r\n" for line in lines)


def _summary(one: Appointment, summary: str) -> str:
    words = summary.format(who=one.participant.pseudonym, machine=one.machine)
    return words.removesuffix(", ")


def instant(at: datetime) -> str:
    """Return an instant as RFC 5545 writes it in UTC."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def escaped(text: str) -> str:
    """Return a text with the signs escaped that would end a value."""
    plain = "".join(sign for sign in text if sign.isprintable() or sign == "\n")
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """Return a content line in pieces of 75 octets at most, never within a sign of several octets."""
    pieces, piece, octets = [], "", 0
    for sign in line:
        size = len(sign.encode())
        if octets + size > OCTETS:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + sign, octets + size
    return "\r\n".join([*pieces, piece])
