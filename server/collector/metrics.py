"""The collector's figures for Prometheus. docs/operations.md says which to watch, and what to do."""

from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import start_http_server

from server.collector.store import What


class CollectorMetrics:
    """One collector's figures, in a registry of their own."""

    def __init__(self) -> None:
        """All begin at zero."""
        self.registry = at = CollectorRegistry()
        self.arrivals = Counter("interval_coach_arrivals", "Messages received, by kind of topic", ["kind"], registry=at)
        self.outcomes = Counter("interval_coach_outcomes", "What became of messages, by commit", ["what"], registry=at)
        for what in get_args(What):
            # From zero on: a counter that appears with its first event shows Prometheus no increase, so no alert fires.
            self.outcomes.labels(what)
        self.receipts = Counter("interval_coach_receipts", "Receipts handed to the broker", ["status"], registry=at)
        self.refused = Counter("interval_coach_refused_publishes", "Publishes that the broker refused", registry=at)
        self.floods = Counter("interval_coach_floods", "Machines shut out for a minute: they flooded", registry=at)
        self.missing = Gauge(
            "interval_coach_missing_messages", "Numbered messages of the last week that did not arrive", registry=at
        )
        self.doubled = Gauge(
            "interval_coach_doubled_machines", "Machines whose name two clients used within a day", registry=at
        )
        self.path_proved = Gauge(
            "interval_coach_path_proved", "1 once a message published by the collector came back to it", registry=at
        )
        self.commits = Histogram(
            "interval_coach_commit_seconds",
            "Time that the database took for a batch",
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
            registry=at,
        )
        self.batch = Histogram(
            "interval_coach_batch_messages",
            "Messages in a batch",
            buckets=(1, 2, 5, 10, 50, 100, 200, 500),
            registry=at,
        )
        self.waiting = Gauge("interval_coach_waiting_messages", "Messages received and not yet committed", registry=at)
        self.database_up = Gauge("interval_coach_database_up", "1 while the database answers", registry=at)
        self.broker_up = Gauge("interval_coach_broker_up", "1 while connected with the broker", registry=at)
        self.connections = Counter("interval_coach_broker_connections", "Connections made with the broker", registry=at)
        self.last_stored = Gauge(
            "interval_coach_last_stored_timestamp_seconds", "When a session was last stored", registry=at
        )
        self.certificate_until = Gauge(
            "interval_coach_certificate_until_timestamp_seconds", "When this collector's certificate ends", registry=at
        )

    def count(self, what: What) -> None:
        """Count one outcome."""
        self.outcomes.labels(what).inc()

    def serve(self, address: str, port: int) -> int:
        """Offer the figures over HTTP. Gives the port, which the system chooses where `port` is 0."""
        server, _ = start_http_server(port, addr=address, registry=self.registry)
        return int(server.server_address[1])
