"""Figures, alerting rules and the dashboard: Prometheus' own checker (Debian: the package prometheus) reads them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.cli import main
from server.collector.metrics import CollectorMetrics
from server.monitoring import DASHBOARD, RULES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PROMTOOL = shutil.which("promtool")
METRIC = re.compile(r"interval_coach_\w+")

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="no promtool here (Debian: the package prometheus)")


def promtool(*words: str | Path) -> None:
    finished = subprocess.run([str(PROMTOOL), *map(str, words)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr


@needs_promtool
def test_promtool_takes_the_rules_and_the_example_of_the_documents(tmp_path: Path) -> None:
    example = re.search(r"```yaml\n(rule_files:.*?)```", (DOCS / "operations.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    assert main(["monitoring", str(tmp_path)]) == 0
    (tmp_path / "interval-coach-authority.pem").touch()
    config = tmp_path / "prometheus.yml"
    config.write_text(example[1].replace("/etc/prometheus", str(tmp_path)), encoding="utf-8")
    promtool("check", "config", config)


@needs_promtool
def test_each_rule_fires_when_it_must_and_not_before(tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    shutil.copy(Path(__file__).with_name("alerts.test.yml"), tmp_path)
    promtool("test", "rules", tmp_path / "alerts.test.yml")


def exported() -> set[str]:
    """Every name that collector and web pages export."""
    web = re.findall(r'"(interval_coach_web_\w+)"', (ROOT / "server/web/metrics.py").read_text("utf-8"))
    names = {sample.name for metric in CollectorMetrics().registry.collect() for sample in metric.samples}
    return names | {f"{one}{end}" for one in web for end in ("_total", "_bucket", "_count", "_sum")}


def test_every_figure_to_look_at_has_a_rule_and_a_panel_and_no_other_name_is_used() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    listed = {one.removesuffix("_bucket") for one in METRIC.findall(page) if not one.startswith("interval_coach_web_$")}
    for file in (RULES, DASHBOARD):
        used = set(METRIC.findall(file.read_text(encoding="utf-8")))
        assert used - exported() == set(), file.name
        assert listed - {one.removesuffix("_bucket") for one in used} == set(), file.name


def test_what_may_go_wrong_is_counted_from_zero_so_that_the_first_time_is_an_increase() -> None:
    samples = {
        sample.labels["what"]: sample.value
        for metric in CollectorMetrics().registry.collect()
        for sample in metric.samples
        if sample.name == "interval_coach_outcomes_total"
    }
    assert {what: samples.get(what) for what in ("quarantined", "dead", "dropped")} == dict.fromkeys(
        ("quarantined", "dead", "dropped"), 0.0
    )


def test_the_dashboard_asks_for_its_data_source_and_its_panels_do_not_overlap() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert [one["type"] for one in dashboard["templating"]["list"]] == ["datasource"]
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${source}"}
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [
        (x, y) for at in places for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_monitoring_that_cannot_be_written_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["monitoring", str(tmp_path / "file")]) == 1
    assert "Name a folder that you may write." in capsys.readouterr().err
