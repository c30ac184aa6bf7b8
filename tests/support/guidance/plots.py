"""The guidance's figures as pictures."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from coach.guidance.interface import GuidanceMaker
from coach.model.protocol import PhaseKind
from tests.support.guidance.recordings import Foretold
from tests.support.guidance.tables import Scores, measures
from tests.support.guidance.trial import Case, Lived, run_case

COLOURS = {"timer": "#b8c0c8", "±0.2 km/h": "#8d99a6", "PI": "#5f7388", "learned": "#0b7a75", "knower": "#d9a441"}
INK, ZONE = "#22303c", "#0b7a75"
plt.rcParams.update({"font.size": 11, "axes.spines.top": False, "axes.spines.right": False, "text.color": INK})


def draw_bars(scores: Scores, controllers: tuple[str, ...], groups: tuple[str, ...], file: Path) -> None:
    """Share of minutes 3–4 in the zone and time above 95 %, by group and controller, sessions 1 and 3."""
    figure, panels = plt.subplots(2, 2, figsize=(13, 7.5), sharex=True)
    for column, session in enumerate((0, 2)):
        for row, (key, label) in enumerate(
            (("mean", "minutes 3–4 in 85–95 %, mean"), ("above p90", "s above 95 %, p90"))
        ):
            panel = panels[row][column]
            for place, name in enumerate(controllers):
                values = [measures(scores[(group, name)], session)[key] for group in groups]
                at = np.arange(len(groups)) + (place - 2) * 0.16
                panel.bar(at, values, 0.15, color=COLOURS[name], label=name)
            panel.set_xticks(np.arange(len(groups)), [group.replace(" ", "\n") for group in groups])
            panel.set_ylabel(label)
            panel.set_title(f"session {session + 1}") if row == 0 else None
    panels[0][0].legend(frameon=False, ncols=5, loc="upper left", bbox_to_anchor=(0, 1.28))
    figure.tight_layout()
    figure.savefig(file, dpi=80)
    plt.close(figure)


def draw_predictions(told: list[Foretold], file: Path) -> None:
    """Foretold and real end rates with their 80 % bands, at 60 and 90 s."""
    if not told:
        return
    figure, panels = plt.subplots(1, 2, figsize=(11, 5), sharey=True)
    for panel, second in zip(panels, (60, 90), strict=True):
        rows = [one for one in told if one.second == second]
        came = np.array([one.came_bpm for one in rows])
        end = np.array([one.end_bpm for one in rows])
        low, high = np.array([one.low_bpm for one in rows]), np.array([one.high_bpm for one in rows])
        panel.plot([135, 185], [135, 185], color="#b8c0c8", linewidth=1)
        panel.errorbar(came, end, yerr=[end - low, high - end], fmt="o", color=ZONE, ecolor="#9cc9c6", capsize=2)
        panel.set_xlabel("end rate that came, bpm")
        panel.set_title(f"foretold at {second} s, 80 % interval")
    panels[0].set_ylabel("end rate foretold, bpm")
    figure.tight_layout()
    figure.savefig(file, dpi=80)
    plt.close(figure)


def draw_session(case: Case, maker: GuidanceMaker, file: Path) -> None:
    """The first session of one participant: rate, zone, forecast of each interval's end, and speed."""
    sessions: list[Lived] = []
    run_case(case, maker, lambda _, lived: sessions.append(lived))
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(13, 6.5), sharex=True, height_ratios=(3, 1))
    lived = [one for one in sessions[0] if one[0].state.stage == "running"]
    minutes = np.array([one.t / 60 for one, _ in lived])
    upper.plot(minutes, [true for _, true in lived], color=INK, linewidth=1.6, label="true rate")
    for one, _ in lived:
        state = one.state
        if state.phase.kind is PhaseKind.INTERVAL and state.second == 0:
            start = one.t / 60
            upper.fill_between(
                [start, start + 4], *(f * case.participant.hr_max_bpm for f in (0.85, 0.95)), color=ZONE, alpha=0.18
            )
        if state.phase.kind is PhaseKind.INTERVAL and state.second in (15, 60, 120) and state.guidance.prediction:
            told = state.guidance.prediction
            at = (one.t - state.second + 240) / 60 + {15: -0.3, 60: 0.0, 120: 0.3}[state.second]
            upper.errorbar(
                [at],
                [told.end_bpm],
                yerr=[[told.end_bpm - told.end_low_bpm], [told.end_high_bpm - told.end_bpm]],
                fmt="o",
                markersize=4,
                color="#d9a441",
                capsize=2,
            )
    upper.set_ylabel("rate, bpm")
    upper.set_title(
        "session 1: zone by true HRmax; forecasts of each interval's end made at 15, 60 and 120 s", loc="left"
    )
    lower.step(minutes, [one.state.speed_kmh or 0.0 for one, _ in lived], color=ZONE, where="post")
    lower.set_ylabel("km/h")
    lower.set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(file, dpi=80)
    plt.close(figure)
