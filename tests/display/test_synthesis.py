"""A voice pack from a Piper model: the program is started as its maker documents, and its files are checked first."""

import json
import stat
import sys
from pathlib import Path

import pytest

from display.errors import VoicePackError
from display.sound import synthesis, voice_pack, wav
from display.sound.phrases import catalogue
from display.sound.voice_command import main
from display.sound.voice_pack import PackMetadata

ABOUT = PackMetadata("Nora", "nb", "CC-BY-4.0", "Piper, nb_NO")
CONFIG = {"audio": {"sample_rate": 22050}, "espeak": {"voice": "nb"}, "num_speakers": 1}

# Loads the model's two files, as piper does, and says one tone for each word of its input.
PIPER = """#!{python}
import array, json, math, pathlib, sys, wave
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
model = pathlib.Path(options["--model"])
if model.read_bytes() != b"a model":
    sys.exit("Load model failed: invalid model")
rate = json.loads(pathlib.Path(str(model) + ".json").read_text())["audio"]["sample_rate"]
words = sys.stdin.read().split()
samples = array.array("h", [int(6000 * math.sin(i / 9)) for i in range(len(words) * rate // 4)])
with wave.open(options["--output_file"], "wb") as file:
    file.setnchannels(1); file.setsampwidth(2); file.setframerate(rate)
    file.writeframes(samples.tobytes())
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "programs" / "piper"
    program.parent.mkdir()
    program.write_text(PIPER.replace("{python}", sys.executable))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))
    path = tmp_path / "nora.onnx"
    path.write_bytes(b"a model")
    path.with_name("nora.onnx.json").write_text(json.dumps(CONFIG))
    return path


def test_a_model_says_a_phrase_at_its_own_rate(model: Path) -> None:
    said = synthesis.piper(model, "nb")("Hold farten.")
    assert (said.rate_hz, said.length_s) == (22050, 0.5)


def test_the_command_makes_a_whole_and_sound_pack(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = {key: catalogue("nb").spoken(key) for key in ("hold", "number_1", "done")}
    monkeypatch.setattr(type(catalogue("nb")), "keys", tuple(few))
    words = ["make", str(tmp_path / "nora"), "--piper", str(model), "--name", "Nora", "--speaker", "Piper, nb_NO"]
    assert main(words) == 0
    assert voice_pack.check(tmp_path / "nora") == ()
    loudness = [wav.loudness_lufs(wav.read_wav(path).samples) for path in (tmp_path / "nora").glob("*.wav")]
    assert max(abs(one - wav.LOUDNESS_LUFS) for one in loudness) <= 1.0
    # A second run leaves a pack that is there as it is.
    assert main(words) == 1
    assert "exists already" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_leaves_nothing_behind(model: Path, tmp_path: Path) -> None:
    model.write_bytes(b"damaged")
    with pytest.raises(VoicePackError, match=r"piper could not say .* Load model failed: invalid model"):
        voice_pack.make(tmp_path / "nora", ABOUT, synthesis.piper(model, "nb"))
    assert [path.name for path in tmp_path.iterdir() if "nora" in path.name and path.is_dir()] == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (None, r"nora\.onnx\.json is missing"),
        ("{", "cannot be read"),
        (json.dumps({"audio": {}}), "cannot be read"),
        (json.dumps({**CONFIG, "audio": {"sample_rate": 2**40}}), "samples a second"),
        (json.dumps({**CONFIG, "espeak": {"voice": "sv"}}), "speaks “sv” and not “nb”"),
        (" " * 1_000_001, "larger than 1000 kB"),
    ],
)
def test_files_that_are_no_voice_get_a_sentence(model: Path, config: str | None, words: str) -> None:
    path = model.with_name("nora.onnx.json")
    path.unlink() if config is None else path.write_text(config)
    with pytest.raises(VoicePackError, match=words):
        synthesis.piper(model, "nb")


def test_without_the_program_a_sentence_says_what_to_install(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(model))
    with pytest.raises(VoicePackError, match="pipx install piper-tts"):
        synthesis.piper(model, "nb")
