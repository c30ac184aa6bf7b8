"""Reads a protocol from TOML text: refuses a wrong one with file, line and reason.

name = "4x4"
title = { nb = "4×4 intervalltrening", en = "4×4 interval training" }

[[block]]
repeat = 4
  [[block.phase]]
  kind = "interval"
  length_s = 240
  zone = { low_fraction = 0.85, high_fraction = 0.95 }
  [[block.phase]]
  kind = "recovery"
  length_s = 180
  between = true            # only between the repeats, not after the last
"""

from typing import Annotated

from msgspec import Meta, Struct

from coach.errors import ProtocolFileError
from coach.model.protocol import WORK, BorgRange, Pattern, Phase, PhaseKind, Protocol, Zone
from coach.model.toml_lines import TomlFault, TomlLines, read_toml

LONGEST_SESSION_S = 3 * 3600
HARD_FRACTION = 0.80
SHORTEST_WARM_UP_S, SHORTEST_COOL_DOWN_S = 300, 120
"""Work above 80 % of HRmax needs a warm-up (for some 5 minutes are enough, training.md) and a cool-down."""
LANGUAGES = ("nb", "en")
LONGEST_TEXT = 60

_Fraction = Annotated[float, Meta(ge=0.3, le=1.0)]
_Borg = Annotated[int, Meta(ge=6, le=20)]
_Length = Annotated[int, Meta(ge=1, le=7200)]
_Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""One line: a control character would break a terminal, and no font draws it."""


class _ZoneEntry(Struct, forbid_unknown_fields=True):
    low_fraction: _Fraction
    high_fraction: _Fraction


class _BorgEntry(Struct, forbid_unknown_fields=True):
    low: _Borg
    high: _Borg


class _PatternEntry(Struct, forbid_unknown_fields=True):
    work_s: _Length
    rest_s: _Length


class _PhaseEntry(Struct, forbid_unknown_fields=True):
    kind: PhaseKind
    length_s: _Length
    zone: _ZoneEntry | None = None
    borg: _BorgEntry | None = None
    pattern: _PatternEntry | None = None
    between: bool = False
    text: dict[str, _Text] = {}


class _BlockEntry(Struct, forbid_unknown_fields=True):
    phase: Annotated[list[_PhaseEntry], Meta(min_length=1)]
    repeat: Annotated[int, Meta(ge=1, le=40)] = 1


class _FileEntry(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}\Z")]
    title: dict[str, _Text]
    block: Annotated[list[_BlockEntry], Meta(min_length=1)]


def read(text: str, file: str) -> Protocol:
    """Return the protocol in `text`; `file` is its name in messages.

    Raises `ProtocolFileError` with line and reason where it is not TOML, has an unknown or wrong key, or asks what no
    session may ask.
    """
    try:
        entry, lines = read_toml(text, _FileEntry)
    except TomlFault as fault:
        raise ProtocolFileError(file, fault.line, fault.reason) from fault
    return _Checked(entry, file, lines).protocol()


class _Checked:
    """Turns entries into phases, checking what types alone cannot say."""

    def __init__(self, entry: _FileEntry, file: str, lines: TomlLines) -> None:
        self.entry, self.file, self.lines = entry, file, lines

    def refuse(self, path: str, reason: str) -> ProtocolFileError:
        return ProtocolFileError(self.file, self.lines.of(path), reason)

    def protocol(self) -> Protocol:
        entry = self.entry
        self.languages("$.title", entry.title)
        missing = [language for language in LANGUAGES if language not in entry.title]
        if missing:
            raise self.refuse("$.title", f"title has no {missing[0]}; give it in nb and en")
        phases: list[Phase] = []
        intervals = 0
        for place, block in enumerate(entry.block):
            for number in range(block.repeat):
                for inner, one in enumerate(block.phase):
                    path = f"$.block[{place}].phase[{inner}]"
                    if one.between and number == block.repeat - 1:
                        continue
                    intervals += one.kind is PhaseKind.INTERVAL
                    phases.append(self.phase(path, one, intervals if one.kind is PhaseKind.INTERVAL else 0))
        if not phases:
            raise self.refuse("$.block", "no phase is left: between holds only between the repeats of a block")
        protocol = Protocol(entry.name, entry.title, tuple(phases))
        self.whole(protocol)
        return protocol

    def phase(self, path: str, one: _PhaseEntry, interval: int) -> Phase:
        self.languages(f"{path}.text", one.text)
        for name, pair in (
            ("zone", one.zone and (one.zone.low_fraction, one.zone.high_fraction)),
            ("borg", one.borg and (one.borg.low, one.borg.high)),
        ):
            if pair and pair[0] >= pair[1]:
                raise self.refuse(f"{path}.{name}", f"{name}: low ({pair[0]}) must be below high ({pair[1]})")
        pattern = Pattern(one.pattern.work_s, one.pattern.rest_s) if one.pattern else None
        if pattern and one.length_s % (pattern.work_s + pattern.rest_s):
            whole_s = pattern.work_s + pattern.rest_s
            raise self.refuse(
                f"{path}.pattern",
                f"length_s ({one.length_s}) is not a whole number of bouts of {whole_s} s work and rest",
            )
        return Phase(
            one.kind,
            one.length_s,
            Zone(one.zone.low_fraction, one.zone.high_fraction) if one.zone else None,
            BorgRange(one.borg.low, one.borg.high) if one.borg else None,
            interval,
            pattern,
            one.text,
        )

    def languages(self, path: str, texts: dict[str, str]) -> None:
        for language in texts:
            if language not in LANGUAGES:
                raise self.refuse(f"{path}.{language}", f"language {language!r} is not known; use nb and en")

    def whole(self, protocol: Protocol) -> None:
        if protocol.length_s > LONGEST_SESSION_S:
            raise self.refuse(
                "$.block", f"the session lasts {protocol.length_s // 60} min; at most {LONGEST_SESSION_S // 60}"
            )
        if not any(phase.kind in WORK for phase in protocol.phases):
            raise self.refuse(
                "$.block", "nothing to train: no phase is an interval, steady or motor. Is the file whole?"
            )
        hard = any(p.zone and p.zone.high_fraction > HARD_FRACTION for p in protocol.phases)
        first, last = protocol.phases[0], protocol.phases[-1]
        if hard and not (first.kind is PhaseKind.WARM_UP and first.length_s >= SHORTEST_WARM_UP_S):
            reason = f"work above {HARD_FRACTION:.0%} of HRmax begins with a warm_up of {SHORTEST_WARM_UP_S} s or more"
            raise self.refuse("$.block[0].phase[0]", reason)
        if hard and not (last.kind is PhaseKind.COOL_DOWN and last.length_s >= SHORTEST_COOL_DOWN_S):
            reason = (
                f"work above {HARD_FRACTION:.0%} of HRmax ends with a cool_down of {SHORTEST_COOL_DOWN_S} s or more"
            )
            raise self.refuse(f"$.block[{len(self.entry.block) - 1}]", reason)
