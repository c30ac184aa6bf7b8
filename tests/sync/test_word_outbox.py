"""Words to the server: again until it has committed them, over a restart, and not for ever to an older server."""

from pathlib import Path

from sync.delivery.word_outbox import (
    AGAIN_S,
    MOST_WORDS,
    TRIES_UNACKNOWLEDGED,
    Word,
    WordOutbox,
    read_words,
    write_words,
)
from sync.wire.topics import Kind

DONE = Word(Kind.RESULT, "c1 done", b"done")
PLAN = Word(Kind.TAKEN, "p-1", b"taken", lasting=False)


def test_a_word_goes_again_on_a_new_connection_and_later_on_the_same_until_it_is_acknowledged() -> None:
    words = WordOutbox([DONE])
    assert words.next_due(0.0) == DONE
    words.sent(DONE, 0.0)
    assert words.next_due(AGAIN_S - 1) is None
    assert words.next_due(AGAIN_S) == DONE
    words.sent(DONE, AGAIN_S)
    assert words.next_due(2 * AGAIN_S) is None
    words.on_new_connection()
    assert words.next_due(2 * AGAIN_S) == DONE
    assert not words.acknowledged(["0" * 64])
    assert words.acknowledged([DONE.sha256])
    assert (len(words), words.next_due(1e9)) == (0, None)


def test_a_later_word_takes_the_earlier_ones_place_and_its_receipt_does_not_reach_the_later() -> None:
    words, later = WordOutbox([PLAN]), Word(Kind.TAKEN, "p-1", b"withdrawn")
    words.put(later)
    words.sent(PLAN, 0.0)
    words.acknowledged([PLAN.sha256])
    assert (words.next_due(0.0), words.lasting) == (later, (later,))


def test_a_server_that_never_acknowledges_is_not_told_for_ever() -> None:
    old, new = WordOutbox([DONE]), WordOutbox([DONE])
    new.acknowledged([])
    for number in range(TRIES_UNACKNOWLEDGED):
        for words in (old, new):
            words.sent(DONE, number * 1_000.0)
    assert (len(old), len(new)) == (0, 1)


def test_the_oldest_gives_way_where_there_are_too_many() -> None:
    words = WordOutbox(Word(Kind.RESULT, str(number), b"") for number in range(MOST_WORDS + 1))
    assert (len(words), words.next_due(0.0)) == (MOST_WORDS, Word(Kind.RESULT, "1", b""))


def test_words_outlive_a_restart_and_a_damaged_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "words.msgpack"
    assert read_words(file) == ()
    write_words(file, [DONE])
    assert (read_words(file), file.stat().st_mode & 0o777) == ((DONE,), 0o600)
    file.write_bytes(file.read_bytes()[:-3])
    assert read_words(file) == ()


def test_a_link_that_somebody_planted_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / ".words.msgpack.new").symlink_to(victim)
    write_words(tmp_path / "words.msgpack", [DONE])
    assert victim.read_text() == "kept"
