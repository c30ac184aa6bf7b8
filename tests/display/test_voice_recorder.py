"""Recording a voice pack at the machine, with programs on PATH that act as microphone and loudspeaker."""

import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from display.errors import VoicePackError
from display.sound import microphone, voice_pack, wav
from display.sound.phrases import catalogue
from display.sound.voice_command import main
from display.sound.voice_pack import PackMetadata
from display.sound.voice_recorder import StoppedError, VoiceRecorder, texts

KARI = PackMetadata("Sal 1", "nb", "Kun vår klinikk", "Kari")
KEYS = catalogue("nb").keys
FAST_S = 10.0

# Writes what `take.txt` says (a length in s and an amplitude), says so, and stays until it is ended, as arecord does.
MICROPHONE = """#!{python}
import array, math, pathlib, sys, time
here = pathlib.Path({folder!r})
here.joinpath("words.txt").write_text(" ".join(sys.argv[1:]))
seconds, amplitude = map(float, here.joinpath("take.txt").read_text().split())
quiet = array.array("h", bytes(2 * 22050))
loud = array.array(
    "h", [max(-32768, min(32767, int(amplitude * 32768 * math.sin(i / 7)))) for i in range(int(seconds * 44100))]
)
sys.stdout.buffer.write((quiet + loud + quiet).tobytes())
sys.stdout.buffer.flush()
here.joinpath("recorded").write_text("")
time.sleep(60)
"""
NO_MICROPHONE = """#!/bin/sh
echo "arecord: main:830: audio open error: No such file or directory" >&2
exit 1
"""
ENDLESS = """#!/bin/sh
cat /dev/zero
"""
LOUDSPEAKER = """#!{python}
import pathlib, sys
with pathlib.Path({folder!r}, "played.txt").open("a") as file:
    file.write(sys.argv[-1] + "\\n")
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that is the whole PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    install(folder, "arecord", MICROPHONE)
    install(folder, "aplay", LOUDSPEAKER)
    takes(folder, 0.8, 0.2)
    return folder


def install(folder: Path, name: str, source: str) -> None:
    path = folder / name
    path.write_text(source.replace("{python}", sys.executable).replace("{folder!r}", repr(str(folder))))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def takes(folder: Path, seconds: float, amplitude: float) -> None:
    (folder / "take.txt").write_text(f"{seconds} {amplitude}")


class Person:
    """Answers the guide: at each phrase the next of `answers`, and stops after the last."""

    def __init__(self, folder: Path, answers: Iterator[str]) -> None:
        """`folder` is where the microphone says that it has recorded."""
        self.folder, self.answers, self.heard = folder, answers, list[str]()
        self.last = ""

    def ask(self, question: str) -> str:
        """Answer as this person would."""
        self.heard.append(question)
        if question == texts("nb")["recording"]:
            recorded, began_s = self.folder / "recorded", time.monotonic()
            while not recorded.exists() and time.monotonic() - began_s < FAST_S:
                time.sleep(0.01)
            recorded.unlink()
            return ""
        if question.split(maxsplit=1)[0].isdigit():
            return self.last
        try:
            return next(self.answers)
        except StopIteration:
            raise StoppedError from None

    def tell(self, line: str) -> None:
        """Remember what was said."""
        self.heard.append(line)


Sitting = Callable[..., tuple[bool, Person]]


@pytest.fixture
def sit(desk: Path, tmp_path: Path) -> Sitting:
    """Record with these answers; `agrees`: what is answered when phrases are missing at the end."""

    def sitting(*answers: str, agrees: str = "", only: tuple[str, ...] = ()) -> tuple[bool, Person]:
        person = Person(desk, iter(answers))
        person.last = agrees
        recorder = VoiceRecorder(tmp_path / "kari", KARI, person.ask, person.tell)
        return recorder.run(only), person

    return sitting


def test_a_phrase_is_said_recorded_trimmed_levelled_played_and_kept(desk: Path, tmp_path: Path, sit: Sitting) -> None:
    whole, person = sit("", "")
    assert not whole
    assert any(catalogue("nb").spoken(KEYS[0]) in line for line in person.heard)
    kept = wav.read_wav(tmp_path / "kari.recording" / f"{KEYS[0]}.wav")
    assert kept.length_s == pytest.approx(0.8, abs=0.1)
    assert wav.loudness_lufs(kept.samples) == pytest.approx(wav.LOUDNESS_LUFS, abs=0.5)
    assert len((desk / "played.txt").read_text().splitlines()) == 1
    assert "-c 1 -r 44100" in (desk / "words.txt").read_text()


def test_again_hear_and_skip_do_what_they_say(desk: Path, tmp_path: Path, sit: Sitting) -> None:
    # Recorded, heard once more, and recorded again; then kept. The second phrase is skipped before, the third after.
    sit("", "h", "i", "", "", "s", "", "s")
    assert [path.stem for path in (tmp_path / "kari.recording").glob("*.wav")] == [KEYS[0]]
    assert len((desk / "played.txt").read_text().splitlines()) == 4
    assert not list((tmp_path / "kari.recording").glob(".*.draft"))


def test_a_sitting_is_resumed_where_it_ended(tmp_path: Path, sit: Sitting) -> None:
    sit("", "", "", "")
    _, person = sit("q")
    assert any(f"{len(KEYS) - 2} fraser" in line for line in person.heard)
    assert any(catalogue("nb").spoken(KEYS[2]) in line for line in person.heard)
    assert not (tmp_path / "kari").exists()


def test_a_pack_that_is_not_whole_takes_its_place_only_when_the_person_agrees(tmp_path: Path, sit: Sitting) -> None:
    assert sit("", "", agrees="")[0] is False
    assert not (tmp_path / "kari").exists()
    assert sit("q", agrees="ja")[0] is True
    pack = voice_pack.open_pack(tmp_path / "kari")
    assert pack.about == KARI
    assert {flaw.sentence.split()[2] for flaw in voice_pack.check(tmp_path / "kari")} == {"missing;"}
    assert not (tmp_path / "kari.recording").exists()


def test_a_good_pack_stays_until_the_new_phrase_is_kept(desk: Path, tmp_path: Path, sit: Sitting) -> None:
    sit("", "", "", "", "q", agrees="ja")
    before = {path.name: path.read_bytes() for path in (tmp_path / "kari").iterdir()}
    takes(desk, 1.4, 0.2)
    assert sit("", "q", only=(KEYS[0],))[0] is False
    assert {path.name: path.read_bytes() for path in (tmp_path / "kari").iterdir()} == before
    assert sit("", "", "q", agrees="ja")[0] is True
    after = {path.name: path.read_bytes() for path in (tmp_path / "kari").iterdir()}
    assert after[f"{KEYS[0]}.wav"] != before[f"{KEYS[0]}.wav"]
    assert after[f"{KEYS[1]}.wav"] == before[f"{KEYS[1]}.wav"]


def test_a_power_cut_between_the_two_steps_of_the_replacement_loses_nothing(tmp_path: Path, sit: Sitting) -> None:
    sit("", "", "q", agrees="ja")
    (tmp_path / "kari").rename(tmp_path / "kari.before")
    sit("q")
    assert (tmp_path / "kari" / f"{KEYS[0]}.wav").exists()


def test_the_voice_of_another_person_is_not_mixed_in(tmp_path: Path, sit: Sitting) -> None:
    sit("", "", "q", agrees="ja")
    other = PackMetadata("Sal 1", "nb", "Kun vår klinikk", "Ola")
    with pytest.raises(VoicePackError, match="holds the voice of Kari"):
        VoiceRecorder(tmp_path / "kari", other, lambda _: "", print).run()


@pytest.mark.parametrize(
    ("seconds", "amplitude", "fault"),
    [(0.0, 0.0, "silent"), (0.8, 0.0015, "too_quiet"), (0.8, 1.5, "clipped"), (7.0, 0.2, "too_long")],
)
def test_a_faulty_take_is_not_kept_and_says_what_to_do(
    desk: Path, tmp_path: Path, sit: Sitting, seconds: float, amplitude: float, fault: str
) -> None:
    takes(desk, seconds, amplitude)
    _, person = sit("", "q")
    assert any(line.startswith(texts("nb")[fault].split("{")[0]) for line in person.heard)
    assert not list((tmp_path / "kari.recording").glob("*.wav"))


def test_without_a_microphone_a_sentence_says_so(desk: Path) -> None:
    install(desk, "arecord", NO_MICROPHONE)
    with pytest.raises(microphone.MicrophoneError, match=r"No microphone could be opened .*No such file.*Plug one in"):
        microphone.record(lambda: time.sleep(0.3))
    (desk / "arecord").unlink()
    with pytest.raises(microphone.MicrophoneError, match="Neither arecord nor parecord is installed"):
        microphone.record(lambda: None)


def test_a_recorder_that_never_stops_neither_fills_the_memory_nor_blocks(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(desk, "arecord", ENDLESS.replace("cat", "/bin/cat"))
    monkeypatch.setattr(microphone, "LONGEST_TAKE_S", 0.5)
    began_s = time.monotonic()
    taken = microphone.record(lambda: time.sleep(0.5))
    assert taken.length_s == pytest.approx(0.5)
    assert time.monotonic() - began_s < FAST_S


def test_without_a_loudspeaker_the_recording_goes_on(desk: Path, tmp_path: Path, sit: Sitting) -> None:
    (desk / "aplay").unlink()
    _, person = sit("", "")
    assert any("kan ikke spilles av her" in line for line in person.heard)
    assert (tmp_path / "kari.recording" / f"{KEYS[0]}.wav").exists()


def test_the_guide_says_the_same_in_both_languages() -> None:
    assert texts("nb").keys() == texts("en").keys()


@pytest.mark.usefixtures("desk")
def test_the_command_ends_with_one_where_the_pack_is_not_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "q")
    words = ["record", str(tmp_path / "kari"), "--name", "Sal 1", "--speaker", "Kari"]
    assert main(words) == 1
    assert "Kjør samme kommando" in capsys.readouterr().out
    assert main([*words, "--phrase", "nothing"]) == 1
    assert "nothing is no phrase" in capsys.readouterr().err
