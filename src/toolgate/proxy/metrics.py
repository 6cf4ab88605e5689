"""Prometheus metrics of the data plane: what was decided, how long it took, what is open."""

from collections.abc import Callable
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One registry per gateway. Labels are bounded: server names, effects and codes, never tool or grant names."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        decisions = Counter("toolgate_decisions", "Calls decided", ["server", "effect", "code"], registry=self.registry)
        seconds = Histogram(
            "toolgate_call_seconds", "From request to answer of an allowed call", ["server"],
            buckets=BUCKETS, registry=self.registry,
        )  # fmt: skip
        self.refusals = Counter("toolgate_refusals", "Messages not accepted", ["code"], registry=self.registry)
        self._decisions = cache(lambda *labels: decisions.labels(*labels))
        self._seconds = cache(lambda server: seconds.labels(server))

    def decided(self, server: str, effect: str, code: str) -> None:
        """Count a decision; `code` is empty when the call was simply allowed."""
        self._decisions(server, effect, code).inc()

    def took(self, server: str, micros: int) -> None:
        """Observe the duration of an allowed call."""
        self._seconds(server).observe(micros / 1e6)

    def watch(self, name: str, help_text: str, value: Callable[[], float]) -> None:
        """A gauge read when scraped."""
        Gauge(f"toolgate_{name}", help_text, registry=self.registry).set_function(value)

    def text(self) -> bytes:
        """The exposition (Prometheus text format)."""
        return generate_latest(self.registry)
