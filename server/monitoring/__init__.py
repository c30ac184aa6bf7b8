"""Ready-made monitoring of a server: alerting rules for Prometheus, and a dashboard for Grafana.

Every figure of docs/operations.md, «Monitoring», has a rule and a panel; tests/server/test_monitoring.py checks both.
"""

from pathlib import Path

from server.errors import ServerError

HERE = Path(__file__).resolve().parent
RULES, DASHBOARD = HERE / "alerts.yml", HERE / "dashboard.json"


def write_monitoring(folder: Path) -> tuple[Path, ...]:
    """Copy the rules and the dashboard into `folder`, and return their new paths. Raises ServerError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for source in (RULES, DASHBOARD):
            target = folder / f"interval-coach-{source.name}"
            target.write_bytes(source.read_bytes())
            written.append(target)
    except OSError as error:
        raise ServerError(f"{folder} cannot be written: {error.strerror}. Name a folder that you may write.") from error
    return tuple(written)
