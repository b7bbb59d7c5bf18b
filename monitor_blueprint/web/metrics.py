"""The monitor's figures for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor_blueprint.domain import maintenance
from monitor_blueprint.domain.maintenance import Window
from monitor_blueprint.domain.models import Silence, State
from monitor_blueprint.domain.text import Public, configured, label
from monitor_blueprint.storage.store import Store


def render(store: Store, windows: Sequence[Window], now: datetime) -> bytes:
    """Return the newest results in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Results(store, [*store.reads.silences(now), *maintenance.active(windows, now)], now))
    return generate_latest(registry)


def _labels(*values: Public) -> Sequence[str]:
    return values


class _Results(Collector):
    def __init__(self, store: Store, silences: Sequence[Silence], now: datetime) -> None:
        self._store = store
        self._silences = silences
        self._now = now

    def collect(self) -> Iterator[Metric]:
        state: State = self._store.reads.state()
        status = GaugeMetricFamily("neuronova_check_status", "0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN", labels=["check"])
        value = GaugeMetricFamily("neuronova_check_value", "What the check measured", labels=["check", "aspect", "unit"])
        silenced = GaugeMetricFamily("neuronova_check_silenced", "1 while nothing is sent of the check", labels=["check"])
        duration = GaugeMetricFamily("neuronova_check_duration_seconds", "How long the check took", labels=["check"])
        for name, result in self._store.reads.latest_results().items():
            if name not in state.checks:
                continue
            labels = _labels(configured(name))
            status.add_metric(labels, state.checks[name].status)
            silenced.add_metric(labels, int(any(silence.covers(name, self._now) for silence in self._silences)))
            duration.add_metric(labels, result.duration_ms / 1000)
            for reading in result.readings:
                if reading.value is not None:
                    value.add_metric(_labels(configured(name), label(reading.aspect), label(reading.unit)), reading.value)
        yield from (status, value, silenced, duration)
        last = self._store.reads.last_scheduled_round()
        if last is not None:
            at = last.started_at.timestamp()
            yield GaugeMetricFamily(
                "neuronova_last_check_timestamp_seconds", "When the schedule's last health check began", value=at
            )
        yield GaugeMetricFamily("neuronova_incident_open", "1 while an incident is open", value=int(state.incident is not None))
        pending = GaugeMetricFamily("neuronova_alerts_pending", "Alerts that wait for the channel", labels=["channel"])
        for name, channel in self._store.reads.outbox_status().items():
            pending.add_metric(_labels(configured(name)), channel.pending)
        yield pending
