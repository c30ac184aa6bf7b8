"""Which cues a phase gives at which of its seconds. The first second is 0; no late tick moves a cue."""

from collections.abc import Iterator

from coach.model.cue import CueName
from coach.model.protocol import Pattern, Phase, PhaseKind

COUNTDOWN_S = 3
HALFWAY_FROM_LENGTH_S = 120
HALF_MINUTE_FROM_LENGTH_S = 90

_START = {kind: CueName(kind.value) for kind in PhaseKind}


def cues_at(phase: Phase, second: int, length_s: int) -> Iterator[tuple[CueName, int]]:
    """Cue names and numbers due at `second` of a phase whose length is now `length_s` (it may have been extended)."""
    left_s = length_s - second
    if second == 0:
        yield _START[phase.kind], phase.interval
    elif 0 < left_s <= COUNTDOWN_S:
        yield CueName.COUNTDOWN, left_s
    elif phase.pattern is not None:
        yield from _pattern_cues(phase.pattern, second, left_s)
    elif left_s == 30 and length_s >= HALF_MINUTE_FROM_LENGTH_S:  # noqa: PLR2004 - the cue's own name
        yield CueName.HALF_MINUTE_LEFT, 0
    elif second * 2 == length_s - length_s % 2 and length_s >= HALFWAY_FROM_LENGTH_S:
        yield CueName.HALFWAY, 0


def _pattern_cues(pattern: Pattern, second: int, left_s: int) -> Iterator[tuple[CueName, int]]:
    """Work and rest of a bout; three-two-one before each work, none before rest, none in the phase's last seconds."""
    bout, within_s = divmod(second, pattern.work_s + pattern.rest_s)
    to_work_s = pattern.work_s + pattern.rest_s - within_s
    if within_s == 0 and left_s > 0:
        yield CueName.WORK, bout + 1
    elif within_s == pattern.work_s and left_s > 0:
        yield CueName.REST, 0
    elif to_work_s <= COUNTDOWN_S and left_s > to_work_s:
        yield CueName.COUNTDOWN, to_work_s
