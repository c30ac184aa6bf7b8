"""Who has the word: cues against cues, in virtual time."""

from coach.model.cue import Cue, CueName
from display.sound.cue_queue import PATIENCE_S, TAKEN_IN_S, CueQueue, Utterance, utterance


def said(name: CueName, asked_s: float = 0.0, number: int = 0) -> Utterance:
    """Turn a cue name into an utterance."""
    made = utterance(Cue(asked_s, name, number=number), 4, asked_s)
    assert made is not None
    return made


def spoken(turns: CueQueue) -> list[str]:
    """Let everybody speak in turn, without time passing, and list the phrases."""
    keys = []
    while turns.speaking is not None:
        keys.append(turns.speaking.key)
        turns.finished(turns.began_s)
    return keys


def asked(*names: CueName) -> list[str]:
    """Ask at one moment, in this order, and list what is then said from the first word on."""
    turns = CueQueue()
    for name in names:
        turns.ask(said(name))
    return spoken(turns)


def test_the_first_cue_speaks_at_once() -> None:
    """Nobody waits for a free voice."""
    turns = CueQueue()
    assert turns.ask(said(CueName.HOLD))
    assert turns.speaking == said(CueName.HOLD)


def test_a_phase_is_named_before_its_speed_and_its_question() -> None:
    """What the engine says at one moment is heard in an order that makes sense."""
    assert asked(CueName.RECOVERY, CueName.SLOW_DOWN, CueName.SAY_EXERTION, CueName.ARE_YOU_ALL_RIGHT) == [
        "recovery",
        "slow_down",
        "say_exertion",
        "are_you_all_right",
    ]
    assert asked(CueName.INTERVAL, CueName.SPEED_UP) == ["interval", "speed_up"]


def test_a_question_asked_first_still_waits_for_the_phase_to_be_named() -> None:
    """A phase change takes the word; the question is asked after it."""
    assert asked(CueName.SAY_EXERTION, CueName.RECOVERY) == ["recovery", "say_exertion"]


def test_a_notice_silences_speech_and_drops_older_advice() -> None:
    """After «slow down» nobody hears an older «speed up»."""
    assert asked(CueName.INTERVAL, CueName.SPEED_UP, CueName.OVER_CEILING) == ["over_ceiling", "interval"]


def test_the_newer_of_two_phase_changes_counts() -> None:
    """An interval that was turned into a recovery is not announced after it."""
    assert asked(CueName.INTERVAL, CueName.SPEED_UP, CueName.EASED, CueName.RECOVERY) == ["eased", "recovery"]


def test_the_newer_of_two_pieces_of_advice_counts() -> None:
    """Never «faster» and then «slower» a moment later."""
    assert asked(CueName.FASTER, CueName.SLOWER) == ["slower"]


def test_nothing_is_said_twice_in_a_row() -> None:
    """A cue repeated while it is being said, or waits, is one cue."""
    assert asked(CueName.SIGNAL_LOST, CueName.SIGNAL_LOST) == ["signal_lost"]


def test_stop_ends_all_speech() -> None:
    """One press, and nothing of what was said or waited is heard any more (hazard H6)."""
    assert asked(CueName.CALL_FOR_HELP, CueName.RECOVERY, CueName.SLOW_DOWN, CueName.STOPPED) == ["stopped"]


def test_what_waited_too_long_is_dropped() -> None:
    """An old truth is not told."""
    turns = CueQueue()
    turns.ask(said(CueName.PAUSED))
    turns.ask(said(CueName.HALFWAY))
    assert turns.finished(PATIENCE_S + 0.1) is None


def test_what_was_understood_is_not_begun_again() -> None:
    """Cut off after its first words, an utterance has done its work."""
    turns = CueQueue()
    turns.ask(said(CueName.HALFWAY))
    turns.ask(said(CueName.INTERVAL, asked_s=TAKEN_IN_S))
    assert spoken(turns) == ["interval"]


def test_a_count_needs_no_turn() -> None:
    """Three, two, one are tones, and sound over a phrase."""
    assert utterance(Cue(0, CueName.COUNTDOWN, number=3), 4, 0.0) is None


def test_clearing_leaves_nobody() -> None:
    """Silence is silence."""
    turns = CueQueue()
    turns.ask(said(CueName.PAUSED))
    turns.ask(said(CueName.HALFWAY))
    turns.clear()
    assert turns == CueQueue()


def test_urging_that_waits_is_dropped_when_it_is_forbidden() -> None:
    turns = CueQueue()
    for name in (CueName.INTERVAL, CueName.SPEED_UP, CueName.ARE_YOU_ALL_RIGHT):
        asked = utterance(Cue(0.0, name, number=1), 4, 0.0)
        assert asked is not None
        turns.ask(asked)
    assert not turns.drop_urging()
    assert [other.cue.name for other in turns.waiting] == [CueName.ARE_YOU_ALL_RIGHT]


def test_urging_that_is_being_said_must_fall_silent() -> None:
    turns = CueQueue()
    asked = utterance(Cue(0.0, CueName.FASTER), 4, 0.0)
    assert asked is not None
    turns.ask(asked)
    assert turns.drop_urging()
