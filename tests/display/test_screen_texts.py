"""The screen's catalogues: the same keys in both languages, and an entry for all that the coach can say."""

import ast
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from string import Formatter

import pytest

from coach.kiosk.view import ScreenId
from coach.model.events import Direction, Level, Signal
from coach.model.plan import CLOSING_QUESTIONS
from coach.model.protocol import PhaseKind
from coach.session.engine import HIGHEST_BORG, HIGHEST_MOOD, LOWEST_BORG, LOWEST_MOOD
from coach.session.state import closed_by
from display import texts
from display.drawing.number_format import change, clock, decimal, load, minutes, whole_or_decimal
from display.drawing.participant_pictures import PICTURES, person, picture_of
from display.texts import LANGUAGES, OTHER, texts_in

COACH = Path(__file__).parents[2] / "coach"
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted(COACH.rglob("*.py")))


def _calls(name: str) -> set[str]:
    """First arguments, as literal texts, of every call of a method in the coach."""
    found = set()
    for path in COACH.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == name
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def _advice_reasons() -> set[str]:
    """Literal reasons in calls of `Advice`, in constants named for a phase's start, and in what the rules wish."""
    found = set(re.findall(r"^PHASE_START = \"(\w+)\"", SOURCES, re.MULTILINE))
    for path in COACH.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Advice":
                values = [*node.args[4:], *(keyword.value for keyword in node.keywords if keyword.arg == "reason")]
                found |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
            if isinstance(node, ast.FunctionDef) and node.name == "wish":
                returned = chain.from_iterable(ast.walk(n) for n in ast.walk(node) if isinstance(n, ast.Return))
                found |= {n.value for n in returned if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_have_the_same_keys(language: str) -> None:
    assert texts_in(language).keys == texts_in("nb").keys


def test_both_languages_have_the_same_places_in_each_text() -> None:
    nb, en = texts_in("nb"), texts_in("en")
    differing = [key for key in nb.keys if _places(nb.say(key)) != _places(en.say(key))]
    assert differing == []


def _places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_text_says_something() -> None:
    assert [key for language in LANGUAGES for key in texts_in(language).keys if not texts_in(language).say(key)] == []


def test_every_phase_signal_level_and_direction_has_its_words() -> None:
    keys = texts_in("nb").keys
    needed = [
        *(f"phase.{kind}" for kind in PhaseKind),
        *(f"left.{kind}" for kind in PhaseKind),
        *(f"instruction.{kind}" for kind in PhaseKind),
        *(f"signal.{signal}" for signal in Signal),
        *(f"level.{level}" for level in Level),
        *(f"instruction.{direction}" for direction in Direction if direction is not Direction.NONE),
        *(f"exertion.{borg}" for borg in range(LOWEST_BORG, HIGHEST_BORG + 1)),
        *(f"mood.{mood}" for mood in range(LOWEST_MOOD, HIGHEST_MOOD + 1)),
        *(f"saved.{saved}" for saved in ("no", "saving", "saved", "not_saved")),
        *(f"position.{position}" for position in ("below", "in", "above", "unknown")),
    ]
    assert [key for key in needed if key not in keys] == []


def test_every_face_has_a_title_or_says_its_phase() -> None:
    group = {
        ScreenId.CHOOSE_PARTICIPANT: "choose.title",
        ScreenId.CONFIRM: "confirm.title",
        ScreenId.PIN: "pin.title",
        ScreenId.GUEST_AGE: "guest_age.title",
        ScreenId.QUESTIONS: "questions.title",
        ScreenId.CHOOSE_STRAP: "choose_strap.title",
        ScreenId.STRAP: "strap.title",
        ScreenId.READY: "ready.title",
        ScreenId.SESSION: "phase.interval",
        ScreenId.GO_ON: "go_on.title",
        ScreenId.EXERTION: "exertion.title",
        ScreenId.MOOD: "mood.title",
        ScreenId.ENDED: "ended.title",
        ScreenId.NOT_TODAY: "not_today.title",
        ScreenId.SELF_TEST_FAILED: "finding.title",
        ScreenId.MACHINE: "machine.title",
        ScreenId.SELF_TEST: "self_test.voice",
        ScreenId.MY_TRAINING: "my_training.title",
    }
    assert set(group) == set(ScreenId)
    assert [key for key in group.values() if key not in texts_in("nb").keys] == []


def _signal_reasons() -> set[str]:
    source = (COACH.parent / "coach/session/signal_quality.py").read_text(encoding="utf-8")
    return set(re.findall(r"(?:reason=|lose\(source, |Signal\.\w+, |, t\), )\"(\w+)\"", source)) | {"frozen"}


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("notice", _calls("raise_notice")),
        ("check", _calls("ask")),
        ("reason", _advice_reasons()),
        ("signal_reason", _signal_reasons()),
        ("not_today_reason", {closed_by((question,)) for question in CLOSING_QUESTIONS}),
    ],
)
def test_everything_that_the_coach_can_say_has_its_words(group: str, codes: set[str]) -> None:
    assert codes
    assert sorted(code for code in codes if f"{group}.{code}" not in texts_in("nb").keys) == []


@pytest.mark.parametrize(
    "group", ["notice", "check", "reason", "signal_reason", "question", "finding", "advice", "not_today_reason"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_code_is_never_shown_to_a_person(group: str, language: str) -> None:
    texts = texts_in(language)
    assert texts.of(group, "a_code_from_tomorrow") == texts.say(f"{group}.{OTHER}")


def test_an_instruction_has_four_words_at_most() -> None:
    long = [
        (language, name)
        for language in LANGUAGES
        for name, text in texts_in(language).group("instruction").items()
        if len(text.split()) > 4
    ]
    assert long == []


def test_the_participants_word_is_the_same_everywhere() -> None:
    words = texts_in("nb")
    assert (words.say("phase.interval"), words.say("phase.recovery")) == ("Drag", "Aktiv pause")


def test_numbers_follow_the_language() -> None:
    nb, en = texts_in("nb"), texts_in("en")
    assert (decimal(6.4, "nb"), decimal(-0.5, "en"), change(0.2, "nb"), whole_or_decimal(2.5, "nb")) == (
        "6,4",
        "−0.5",
        "+0,2",
        "2,5",
    )
    assert (load(6.4, 5.0, nb), load(6.4, None, en), load(None, None, nb)) == ("6,4 km/t · 5 %", "6.4 km/h", "")
    assert minutes(800.0, nb) == "13 min"


def test_time_left_reaches_zero_only_at_zero() -> None:
    assert [clock(second) for second in (128.0, 127.2, 0.4, 0.0, -3.0)] == ["2:08", "2:08", "0:01", "0:00", "0:00"]


def test_a_nickname_always_has_the_same_picture_and_a_known_word_its_own() -> None:
    assert picture_of(None, "Rev") is picture_of(None, "fox") is PICTURES["fox"]
    assert picture_of(None, "Xylofon") is picture_of(None, "xylofon")


def test_the_plans_picture_goes_before_the_nicknames_word_and_an_unknown_one_is_no_fault() -> None:
    assert picture_of("boat", "Rev") is PICTURES["boat"]
    assert picture_of("from_tomorrow", "Rev") is PICTURES["fox"]
    assert picture_of(None, None) is person


def test_every_picture_has_words_and_a_drawing() -> None:
    assert set(texts_in("nb").group("symbol")) == set(texts_in("en").group("symbol")) == set(PICTURES)


def test_the_catalogues_are_valid_toml_without_a_stray_key() -> None:
    tables = [
        tomllib.loads((COACH.parent / "display" / "texts" / f"{language}.toml").read_text()) for language in LANGUAGES
    ]
    assert list(tables[0]) == list(tables[1])


@pytest.fixture
def own_words() -> Iterator[None]:
    """Whatever a test loads is gone after it."""
    yield
    texts._anchors.clear()
    texts_in.cache_clear()


@pytest.mark.usefixtures("own_words")
def test_a_clinic_loads_its_own_words_for_the_exertion_scale(tmp_path: Path) -> None:
    path = tmp_path / "words.toml"
    path.write_text('[nb]\n6 = "Ingen"\n20 = "  Alt  mulig "\n', encoding="utf-8")
    before = texts_in("nb").say("exertion.13")
    texts.load_anchors(path)
    said = texts_in("nb").group("exertion")
    assert (said["6"], said["20"], said["13"]) == ("Ingen", "Alt mulig", before)


@pytest.mark.usefixtures("own_words")
@pytest.mark.parametrize(
    "written",
    ["no toml", '[nb]\n5 = "x"\n', "[nb]\n6 = 7\n", '[sv]\n6 = "x"\n', "nb = 3\n", '[nb]\n6 = "' + "x" * 31 + '"\n'],
)
def test_a_file_of_words_that_cannot_be_used_changes_nothing_and_says_why(tmp_path: Path, written: str) -> None:
    path = tmp_path / "words.toml"
    path.write_text(written, encoding="utf-8")
    before = texts_in("nb").group("exertion")
    for wrong in (path, tmp_path / "missing.toml"):
        with pytest.raises(texts.AnchorFileError, match=wrong.name):
            texts.load_anchors(wrong)
    assert texts_in("nb").group("exertion") == before
