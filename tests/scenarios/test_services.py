"""The real services as processes, on a clock that runs fast: killed, frozen, without a sound card, on a full disk."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from coach.kiosk.view import Button, ScreenId
from coach.model.events import PhaseEnded
from coach.model.messages import CommandName
from firmware.ipc.messages import Done, GiveReceipt, RequestRefusal, StopService
from firmware.journal.reader import LocalDiary
from tests.support.machine.machine import PATIENCE_S, Machine, resident_mb

SPEED = 60.0


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(speed=SPEED) as machine:
        yield machine


LONG_INTERVAL = """
name = "long"
title = { nb = "Langt drag", en = "Long interval" }
[[block]]
  [[block.phase]]
  kind = "warm_up"
  length_s = 300
  zone = { low_fraction = 0.60, high_fraction = 0.75 }
  [[block.phase]]
  kind = "interval"
  length_s = 7200
  zone = { low_fraction = 0.85, high_fraction = 0.95 }
  [[block.phase]]
  kind = "cool_down"
  length_s = 300
  zone = { low_fraction = 0.50, high_fraction = 0.65 }
"""
"""Soon in its interval, and still there when a busy machine comes back from its other work."""


def test_a_session_is_led_from_choosing_to_the_diary(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 60)
        ended = watcher.end()
        watcher.until(lambda view: view.saved == "saved")
    assert ended.snapshot is not None
    assert ended.snapshot.summary is not None
    assert watcher.saved[0] == "no"
    assert watcher.saved[-1] == "saved"
    diary = machine.remote_diary()
    lines = diary.sessions()
    assert [(line.finished, line.participant) for line in lines] == [(True, "simulated")]
    record = diary.session(lines[0].session_id)
    assert record.summary == ended.snapshot.summary
    assert record.messages[0].t < record.messages[-1].t
    diary.close()


def test_a_coach_killed_mid_session_offers_it_again_and_goes_on_in_the_same_phase_after_a_press(
    machine: Machine,
) -> None:
    protocol = machine.folder / "long.toml"
    protocol.write_text(LONG_INTERVAL, encoding="utf-8")
    machine.use_protocol(protocol)
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        before = watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase == "interval")
        assert before.snapshot is not None
        machine.until_kept(before.snapshot.t)
    machine.send("coach", signal.SIGKILL)
    machine.start("coach")
    with machine.watch() as watcher:
        offered = watcher.until_face(ScreenId.GO_ON)
        assert offered.snapshot is not None
        assert (offered.snapshot.stage, offered.snapshot.phase) == ("paused", "interval")
        left_s = offered.snapshot.phase_remaining_s
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.t > offered.snapshot.t + 30)  # type: ignore[union-attr]
        assert watcher.view is not None
        assert watcher.view.snapshot is not None
        assert watcher.view.face is ScreenId.GO_ON
        assert watcher.view.snapshot.phase_remaining_s == left_s
        watcher.press(Button.START)
        on = watcher.until_face(ScreenId.SESSION)
        assert on.snapshot is not None
        assert (on.snapshot.stage, on.snapshot.phase, on.snapshot.interval) == ("running", "interval", 1)
        assert on.snapshot.phase_remaining_s <= left_s


def test_a_session_that_nobody_goes_on_with_is_ended_and_saved(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        seen = watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 120)
        assert seen.snapshot is not None
        machine.until_kept(seen.snapshot.t - 60)
    machine.send("coach", signal.SIGKILL)
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.until_face(ScreenId.GO_ON)
        watcher.press(Button.STOP)
        watcher.until(lambda view: view.saved == "saved")
    with_diary = machine.remote_diary()
    assert [line.finished for line in with_diary.sessions()] == [True]
    with_diary.close()


def test_the_coach_ends_within_two_seconds_with_everything_on_the_disk(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        seen = watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 60)
    machine.send("coach", signal.SIGTERM)
    assert machine.wait("coach") == 0
    assert not machine.socket.exists()
    with LocalDiary(machine.diary) as diary:
        record = diary.session(diary.sessions()[0].session_id)
    assert seen.snapshot is not None
    assert record.summary is None
    assert max(message.t for message in record.messages) >= seen.snapshot.t - 5


def test_a_frozen_display_moves_no_cue(machine: Machine) -> None:
    machine.start("coach")
    machine.start("display", ["--screen", "headless", "--no-sound", "--oled", "none"])
    with machine.watch() as watcher:
        watcher.begin()
        machine.send("display", signal.SIGSTOP)
        until_s = time.monotonic() + 2.5
        while time.monotonic() < until_s:
            watcher.receive(0.2)
        machine.send("display", signal.SIGCONT)
        ended = watcher.view
    assert ended is not None
    assert ended.snapshot is not None
    due_s = [cue.due_s for cue, _ in watcher.cues]
    assert due_s == sorted(due_s)
    assert ended.snapshot.t > 2 * SPEED
    assert machine.running("display")


def test_a_killed_display_leaves_the_session_alone(machine: Machine) -> None:
    machine.start("coach")
    machine.start("display", ["--screen", "headless", "--no-sound", "--oled", "none"])
    with machine.watch() as watcher:
        watcher.begin()
        machine.send("display", signal.SIGKILL)
        view = watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 60)
    assert view.face is ScreenId.SESSION


def test_a_missing_sound_card_leaves_screen_and_session_alone(machine: Machine) -> None:
    machine.start("coach")
    silent = {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "hw:99,0"}
    machine.start("display", ["--screen", "headless", "--oled", "none"], silent)
    with machine.watch() as watcher:
        watcher.begin()
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 60)
    assert machine.running("display")
    assert "Traceback" not in machine.words()


def test_on_a_full_disk_not_saved_is_shown_and_saved_is_not_until_there_is_room(machine: Machine) -> None:
    pid = machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 30)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, hard))
        try:
            watcher.saved.clear()
            watcher.until(lambda view: view.saved == "not_saved")
            watcher.end()
            watcher.until(lambda view: view.saved == "not_saved")
            heard = len(watcher.events)
            for _ in range(20):
                watcher.receive(0.05)
            assert "saved" not in watcher.saved
            assert heard > 0
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        watcher.until(lambda view: view.saved != "not_saved")
    diary = machine.remote_diary()
    (line,) = diary.sessions()
    assert line.finished
    diary.close()


def test_a_session_begins_on_a_disk_below_the_floor_and_the_machine_says_that_it_is_short(machine: Machine) -> None:
    machine.start("coach", ["--free-floor-mb", str(2**40)])
    with machine.watch() as watcher:
        watcher.begin()
    assert "disk_full" in machine.words()


def test_two_coaches_never_share_a_socket_or_a_diary(machine: Machine) -> None:
    machine.start("coach")
    machine.watch().close()
    with Machine() as other:
        other.socket = machine.socket
        other.start("coach")
        assert other.wait("coach") == 2
        assert "Another coach runs already" in other.words()
    with Machine() as other:
        other.start("coach", ["--diary", str(machine.diary)])
        assert other.wait("coach") == 2
        assert "diary" in other.words()
        assert "Traceback" not in other.words()


def test_finished_sessions_are_handed_out_until_a_receipt_names_them(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.begin()
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.phase_elapsed_s > 30)
        watcher.end()
        watcher.until(lambda view: view.saved == "saved")
        diary = machine.remote_diary()
        record = diary.session(diary.sessions()[0].session_id)
        assert record.sha256 is not None
        wrong = GiveReceipt(1, session_id=record.session_id, revision=record.revision, sha256="0" * 64)
        right = GiveReceipt(2, session_id=record.session_id, revision=record.revision, sha256=record.sha256)
        watcher.answers.clear()
        watcher.link.say(wrong)
        watcher.link.say(right)
        until_s = time.monotonic() + PATIENCE_S
        while len(watcher.answers) < 2 and time.monotonic() < until_s:
            watcher.receive(0.1)
        assert watcher.answers == [Done(1, found=False), Done(2, found=True)]
        assert diary.session(record.session_id).delivered
        diary.close()


def test_a_session_can_be_paused_and_resumed_from_outside_and_wrong_messages_change_nothing(machine: Machine) -> None:
    machine.start("coach")
    with machine.watch() as watcher:
        watcher.command(CommandName.PAUSE)
        watcher.until_face(ScreenId.CHOOSE_PARTICIPANT)
        while not watcher.answers:
            watcher.receive(0.1)
        assert isinstance(watcher.answers[0], RequestRefusal)
        assert watcher.answers[0].code == "no_session"
        watcher.begin()
        watcher.command(CommandName.PAUSE)
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.stage == "paused")
        watcher.command(CommandName.RESUME)
        watcher.until(lambda view: view.snapshot is not None and view.snapshot.stage == "running")
        watcher.link.say(StopService())
    assert machine.wait("coach") == 0


def test_sync_stays_small_and_loads_no_package_of_the_screen(machine: Machine) -> None:
    machine.start("coach")
    pid = machine.start("sync")
    until_s = time.monotonic() + PATIENCE_S
    while "Connected" not in machine.words() and time.monotonic() < until_s:
        time.sleep(0.02)
    loaded = Path(f"/proc/{pid}/maps").read_text(encoding="ascii")
    assert [name for name in ("numpy", "pygame", "matplotlib", "SDL") if name in loaded] == []
    assert resident_mb(pid) < 35
    machine.send("sync", signal.SIGTERM)
    assert machine.wait("sync") == 0


def demo(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A newcomer's demo, without a terminal."""
    command = [sys.executable, "-m", "firmware.cli", "demo", "--headless", "--output", str(folder), *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_demo_runs_a_whole_session_and_says_where_everything_is(tmp_path: Path) -> None:
    running = demo(tmp_path, "--speed", "400")
    told, errors = running.communicate(timeout=110)
    assert (running.returncode, errors) == (0, "")
    for words in ("Interval 4 of 4", "4x4: completed", "session.png", "export last --format fit", "interval-coach run"):
        assert words in told
    with LocalDiary(tmp_path / "diary.db") as diary:
        (line,) = diary.sessions()
    assert line.summary is not None
    assert (line.summary.completed, line.summary.mood) == (True, 4)
    pictures = {path.name.split("-", 1)[1] for path in (tmp_path / "screens").glob("*.png")}
    assert {"ready.png", "warm-up.png", "interval-4.png", "cool-down.png", "ended.png"} <= pictures


def test_a_demos_session_is_whole_though_the_computer_is_busy_with_other_things() -> None:
    """The coach has a fifth of the time, in pieces; between two of them 24 s of its session would pass."""
    busy = threading.Event()

    def withhold(pid: int) -> None:
        while not busy.wait(0.015):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(0.06)
            os.kill(pid, signal.SIGCONT)

    with Machine(speed=400.0) as machine:
        others = threading.Thread(target=withhold, args=(machine.start("coach"),))
        with machine.watch() as watcher:
            watcher.begin()
            others.start()
            try:
                watcher.until(lambda view: view.snapshot is not None and view.snapshot.interval == 2)
            finally:
                busy.set()
                others.join()
            ended = [event for event in watcher.events if isinstance(event, PhaseEnded)]
    assert [(one.kind.value, one.elapsed_s, one.reason) for one in ended] == [
        ("warm_up", 600.0, "done"), ("interval", 240.0, "done"), ("recovery", 180.0, "done"),
    ]  # fmt: skip


def test_a_demo_that_is_interrupted_leaves_no_process_and_keeps_the_session(tmp_path: Path) -> None:
    running = demo(tmp_path, "--speed", "60")
    assert running.stdout is not None
    for line in running.stdout:
        if "Warm up" in line:
            break
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "is kept in" in errors
    assert "Traceback" not in errors
    with LocalDiary(tmp_path / "diary.db") as diary:
        (kept,) = diary.sessions()
    assert not kept.finished
    assert "Traceback" not in (tmp_path / "services.log").read_text(encoding="utf-8")
