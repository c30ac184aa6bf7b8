"""What a person saw and heard at the last self-test: the only proof that a loudspeaker can be heard (hazard H8)."""

import os
from pathlib import Path
from typing import ClassVar, Literal

import msgspec
from msgspec import Struct

from firmware.doctor.check import NOT_IN_USE, Codes, Outcome, Severity, make_finding
from firmware.doctor.environment import CheckContext
from firmware.system.atomic_file import atomic_write
from firmware.system.folder_owner import open_regular

Part = Literal["screen", "lamp", "voice"]
FILE = "self-test.json"


class SelfTestAnswers(Struct, frozen=True, kw_only=True):
    """What was answered, part by part; None: not asked, or nobody answered. `wall_s`: when, seconds since 1970."""

    wall_s: float
    screen: bool | None = None
    lamp: bool | None = None
    voice: bool | None = None

    def given(self) -> dict[str, bool | None]:
        """Return the answers by part."""
        return {"screen": self.screen, "lamp": self.lamp, "voice": self.voice}


def answers_file(diary: Path) -> Path:
    """Where they are kept."""
    return diary.with_name(FILE)


def keep(diary: Path, answers: SelfTestAnswers) -> None:
    """Keep the answers; those that were not given this time stay as they were. Raises OSError."""
    path = answers_file(diary)
    before = read(diary)
    if before is not None:
        earlier = before.given()
        told = {part: earlier[part] if given is None else given for part, given in answers.given().items()}
        answers = SelfTestAnswers(wall_s=answers.wall_s, **told)
    atomic_write(path, msgspec.json.encode(answers), 0o644)


def read(diary: Path) -> SelfTestAnswers | None:
    """Return the last answers; None where there are none, or where they cannot be read."""
    try:
        with os.fdopen(open_regular(answers_file(diary)), "rb") as file:
            return msgspec.json.decode(file.read(), type=SelfTestAnswers)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


class SelfTestCheck:
    """A person's «no» counts until a «yes» comes, whatever the driver says."""

    name: str = "self_test"
    codes: ClassVar[Codes] = {
        "screen_not_seen": Severity.ATTENTION,
        "lamp_not_seen": Severity.ATTENTION,
        "voice_not_heard": Severity.ATTENTION,
        "nothing_seen_or_heard": Severity.STOP,
    }

    def look(self, place: CheckContext) -> Outcome:
        """One «yes» is enough to train by; three times «no» is too few."""
        said = place.text(answers_file(place.diary))
        if said is None:
            return NOT_IN_USE
        given = msgspec.json.decode(said, type=SelfTestAnswers).given()
        if given and all(answer is False for answer in given.values()):
            return Outcome((make_finding(self, "nothing_seen_or_heard"),))
        names = {"screen": "screen_not_seen", "lamp": "lamp_not_seen", "voice": "voice_not_heard"}
        return Outcome(tuple(make_finding(self, names[part]) for part, answer in given.items() if answer is False))
