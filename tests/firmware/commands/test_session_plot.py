"""The plot of a session shows what was there, in both languages, and nothing that was not."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from msgspec.structs import replace

from coach.model.protocol import PhaseKind
from firmware.commands.plot_texts import Language, plot_texts
from firmware.commands.session_plot import SessionPicture, _Plot, draw, picture_of, third_minutes_of
from sync.export.timeline import PhaseSpan, Rate, Track
from tests.support.machine.session_factory import BEGUN, record, summary

LANGUAGES: tuple[Language, ...] = ("nb", "en")


def words_on(picture: SessionPicture, language: Language = "nb") -> str:
    """Give all the words on a plot."""
    figure = Figure()
    _Plot(figure, picture, plot_texts(language)).draw()
    axes = figure.axes[0]
    legend = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return " | ".join([*(text.get_text() for text in (*figure.texts, *axes.texts)), *legend])


def test_a_session_is_drawn_as_a_picture_with_something_on_it(tmp_path: Path) -> None:
    draw(record(), tmp_path / "session.png")
    pixels = imread(tmp_path / "session.png")
    assert (pixels.shape[:2], float(pixels[..., :3].min()) < 0.3) == ((930, 1755), True)


def test_the_plot_says_the_sums_the_phases_and_the_third_minutes_in_bokmaal() -> None:
    words = words_on(picture_of(record()))
    expected = [
        "Økt 7 av 24",
        "9 min 40 s i målsonen",
        "4 av 4 drag",
        "Drag 4",
        "Nedtrapping",
        "tak 180",
        "makspuls 185",
    ]
    assert [word for word in expected if word not in words] == []
    assert f"{third_minutes_of(summary())[0].bpm:.0f}\n87 %" in words


@pytest.mark.parametrize("waited_s", [0.0, 78.0, 600.0])
def test_the_third_minutes_stand_in_the_third_minute_however_long_somebody_waited_before_the_start(
    waited_s: float,
) -> None:
    whole = record()
    waited = replace(
        whole,
        messages=tuple(replace(message, t=message.t + waited_s) for message in whole.messages),
        events=tuple(replace(event, t=event.t + waited_s) for event in whole.events),
    )
    picture = picture_of(waited)
    begin_s = [phase.start_s for phase in picture.track.phases if phase.kind is PhaseKind.INTERVAL]
    stand_s = [(mark.start_s, mark.end_s) for mark in picture.third_minutes]
    assert stand_s == [(at + 120.0, at + 180.0) for at in begin_s]


def test_the_plot_speaks_english_when_asked() -> None:
    words = words_on(picture_of(record(), "en"), "en")
    assert [word for word in ("Session 7 of 24", "Interval 1", "Cool-down", "ceiling 180") if word not in words] == []


def test_silence_doubt_and_pauses_are_explained_only_where_there_are_any() -> None:
    texts = plot_texts("nb")
    whole, quiet = words_on(picture_of(record())), words_on(bare())
    for word in (texts.no_signal, texts.doubtful, texts.paused):
        assert (word in whole, word in quiet) == (True, False)


def bare() -> SessionPicture:
    phases = (PhaseSpan(PhaseKind.STEADY, 0, 0.0, 60.0, 110.0, 130.0),)
    return SessionPicture(track=Track(length_s=60.0, phases=phases, rates=(Rate(1.0, 120.0),)), name="jevn")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_session_without_summary_plan_or_phases_can_be_drawn(language: Language, tmp_path: Path) -> None:
    draw(SessionPicture(track=Track(length_s=0.0, phases=(), rates=()), name="x"), tmp_path / "x.png", language)
    assert plot_texts(language).unfinished in words_on(bare(), language)


def test_a_clock_that_was_not_set_is_said() -> None:
    unset = replace(record(), begun=replace(BEGUN, synchronised=False))
    assert "klokken var ikke stilt" in words_on(picture_of(unset))


def test_both_languages_name_every_phase() -> None:
    for language in LANGUAGES:
        assert set(plot_texts(language).phases) == set(plot_texts(language).short_phases) == set(PhaseKind)
