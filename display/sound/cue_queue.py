"""Who has the word: the rules by which cues wait for, silence or drop one another. No sound, no clock.

- One voice at a time. A more urgent cue takes the word from a less urgent one at once. Who lost the word before anyone
  could take it in (`TAKEN_IN_S`) waits for another turn.
- Older advice is void as soon as anything more urgent is said: after «slow down» nobody may hear an older «speed up».
- Of two phase changes, or two pieces of advice, the newer one counts. Otherwise equals wait for each other.
- What has waited longer than `PATIENCE_S` is no longer true, and is dropped. Nothing is said twice.
- Urging that is forbidden by the time it would be said is dropped, and falls silent where it is being said.
- A cue that ends speech (stop, pause) drops all that is being said and all that waits.
"""

from dataclasses import dataclass, field

from coach.model.cue import URGING_CUES, Cue
from display.sound.phrases import Urgency, phrase_keys, soundings, urgency_of

PATIENCE_S = 6.0
"""How long a phrase may wait for its turn, in seconds."""

TAKEN_IN_S = 1.5
"""An utterance that has had the word for so long, its tone included, has been understood and is not begun again."""

_NEWER_COUNTS = (Urgency.ADVICE, Urgency.CHANGE)


@dataclass(frozen=True)
class Utterance:
    """A cue that asks for the word; `keys` are its phrases, `asked_s` when it asked on the speaker's own clock."""

    cue: Cue
    keys: tuple[str, ...]
    rank: Urgency
    ends_speech: bool
    asked_s: float

    @property
    def key(self) -> str:
        """Its phrases as one text."""
        return " ".join(self.keys)


def utterance(cue: Cue, intervals: int, asked_s: float) -> Utterance | None:
    """Turn a cue into something to say; None for one that is a tone only and needs nobody's turn."""
    keys = phrase_keys(cue, intervals)
    if not keys:
        return None
    sounding = soundings()[cue.name]
    return Utterance(cue, keys, urgency_of(cue), sounding.ends_speech, asked_s)


@dataclass
class CueQueue:
    """Who speaks now, and who waits, the next one first."""

    speaking: Utterance | None = None
    waiting: list[Utterance] = field(default_factory=list)
    began_s: float = 0.0

    def ask(self, new: Utterance) -> bool:
        """Ask for the word: true when `new` has it now, and whoever spoke must fall silent."""
        spoke = self.speaking
        if new.ends_speech:
            self.waiting.clear()
        elif any(other is not None and other.keys == new.keys for other in (spoke, *self.waiting)):
            return False
        else:
            self.waiting = [other for other in self.waiting if not _drops(new, other)]
        if spoke is None or new.ends_speech or _interrupts(new, spoke):
            heard = new.asked_s - self.began_s >= TAKEN_IN_S
            if spoke is not None and not (heard or new.ends_speech or _drops(new, spoke)):
                self._wait(spoke, first=True)
            self.speaking, self.began_s = new, new.asked_s
            return True
        self._wait(new)
        return False

    def _wait(self, other: Utterance, *, first: bool = False) -> None:
        """Stand in the line: the more urgent first, equals in the order in which they asked."""
        self.waiting.insert(0 if first else len(self.waiting), other)
        self.waiting.sort(key=lambda waiting: -waiting.rank)

    def finished(self, now_s: float) -> Utterance | None:
        """Note that the speaker has finished; the next to speak, if anyone still has something true to say."""
        self.waiting = [other for other in self.waiting if now_s - other.asked_s <= PATIENCE_S]
        self.speaking, self.began_s = self.waiting.pop(0) if self.waiting else None, now_s
        return self.speaking

    def drop_urging(self) -> bool:
        """Drop what asks for more effort, now that it may not; true where the speaker must fall silent."""
        self.waiting = [other for other in self.waiting if other.cue.name not in URGING_CUES]
        return self.speaking is not None and self.speaking.cue.name in URGING_CUES

    def clear(self) -> None:
        """Nobody speaks and nobody waits."""
        self.speaking = None
        self.waiting.clear()


def _interrupts(new: Utterance, spoke: Utterance) -> bool:
    return new.rank > spoke.rank or (new.rank == spoke.rank and new.rank in _NEWER_COUNTS)


def _drops(new: Utterance, old: Utterance) -> bool:
    """Whether the newer cue makes the older one void."""
    if new.rank == old.rank:
        return new.rank in _NEWER_COUNTS
    return old.rank is Urgency.ADVICE and new.rank > old.rank
