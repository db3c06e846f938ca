"""Gauges and counters by service, collected into families."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class Families:
    """Metric families by name, filled in any order."""

    def __init__(self) -> None:
        self._found: dict[str, Metric] = {}

    def gauge(self, name: str, help: str, value: float, labels: Mapping[str, str]) -> None:
        """Add a sample to the gauge `name`."""
        family = self._found.setdefault(name, GaugeMetricFamily(name, help))
        family.add_sample(name, dict(labels), float(value))

    def counter(self, name: str, help: str, value: float, labels: Mapping[str, str]) -> None:
        """Add a sample to the counter `name`, which ends in `_total`."""
        base = name.removesuffix("_total")
        family = self._found.setdefault(name, CounterMetricFamily(base, help))
        family.add_sample(name, dict(labels), float(value))

    def __iter__(self) -> Iterator[Metric]:
        yield from self._found.values()
