"""Kill -9 the coach service at random moments of a session, and see what is lost and how soon it is back."""

import argparse
import random
import signal
import sqlite3
import time
from contextlib import closing

from coach.kiosk.view import Button, ScreenId
from firmware.journal.errors import JournalError
from firmware.journal.reader import LocalDiary
from tests.support.figures import Figures
from tests.support.machine.machine import Machine

LOST_S, BACK_S = 5.0, 3.0
LONGEST_S = 3.0
ENDS_EVERY = 5


def campaign(kills: int, seed: int = 1) -> tuple[int, int, list[float], list[float]]:
    """Damaged journals, completed sessions lost, seconds of samples lost, and seconds until the session is offered."""
    chance = random.Random(seed)
    lost_s: list[float] = []
    back_s: list[float] = []
    said_saved = damaged = 0
    with Machine() as machine:
        machine.start("coach")
        for number in range(kills):
            with machine.watch() as watcher:
                watcher.until(lambda view: view.face in (ScreenId.CHOOSE_PARTICIPANT, ScreenId.GO_ON))
                if watcher.view is not None and watcher.view.face is ScreenId.GO_ON:
                    watcher.press(Button.START)
                    watcher.until_face(ScreenId.SESSION)
                else:
                    watcher.begin()
                if number % ENDS_EVERY == ENDS_EVERY - 1:
                    watcher.press(Button.STOP)
                    if chance.random() < 0.5:
                        watcher.until(lambda view: view.saved == "saved")
                        said_saved += 1
                    offered = False
                else:
                    until_s = time.monotonic() + chance.uniform(0.05, LONGEST_S)
                    while (now_s := time.monotonic()) < until_s:
                        watcher.receive(until_s - now_s)
                    offered = True
                view = watcher.view
            machine.send("coach", signal.SIGKILL)
            killed_s = time.monotonic()
            machine.start("coach")
            with machine.watch() as watcher:
                again = watcher.until(lambda view: view.face in (ScreenId.CHOOSE_PARTICIPANT, ScreenId.GO_ON))
                back_s.append(time.monotonic() - killed_s)
            if offered and view is not None and view.snapshot is not None:
                done_s = 0.0 if again.snapshot is None else again.snapshot.session_elapsed_s
                lost_s.append(view.snapshot.session_elapsed_s - done_s)
        machine.send("coach", signal.SIGTERM)
        machine.wait("coach")
        damaged += len(list(machine.folder.glob("*damaged*")))
        with closing(sqlite3.connect(machine.diary)) as connection:
            damaged += connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
        try:
            with LocalDiary(machine.diary) as diary:
                lines = diary.sessions()
                damaged += sum(line.damaged for line in lines)
                kept = sum(line.finished for line in lines)
        except JournalError:
            damaged, kept = damaged + 1, 0
    return damaged, max(0, said_saved - kept), lost_s, back_s


def main() -> None:
    """Print each figure with its target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    kills = parser.parse_args().kills
    figures = Figures("kill")
    damaged, lost, lost_s, back_s = campaign(kills)
    figures.tell(f"{kills} kills of the coach: damaged journals", damaged, "", 0)
    figures.tell(f"{kills} kills of the coach: completed sessions lost", lost, "", 0)
    figures.tell(f"{kills} kills of the coach: most samples lost", max(lost_s), "s", LOST_S)
    figures.tell(f"{kills} kills of the coach: slowest to offer the session again", max(back_s), "s", BACK_S)
    figures.keep()


if __name__ == "__main__":
    main()
