"""The monitor's figures for Prometheus."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from monitor_blueprint.domain.models import CheckResult, CheckState, Reading, Silence, State, Status
from monitor_blueprint.storage.store import Store
from monitor_blueprint.storage.writes import Transaction
from monitor_blueprint.web import metrics

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


def test_prometheus_reads_the_figures(tmp_path: Path) -> None:
    """Prometheus reads the status that counts, the value, and the moment of the last check."""
    reading = Reading("usage", Status.CRITICAL, value=93.5, unit="%")
    result = CheckResult('Disk "x"\\', "disk", (reading,), NOW, duration_ms=250.0)

    def record(transaction: Transaction) -> None:
        transaction.record_round(NOW, 300.0, Status.WARNING, [result])
        transaction.save_state(State({result.check: CheckState(Status.WARNING)}), NOW)

    with Store(tmp_path / "monitor.db") as store:
        store.run(record)
        store.run(lambda tx: tx.add_silence(Silence(result.check, NOW, NOW + timedelta(hours=1))))
        text = metrics.render(store, (), NOW).decode()
    samples = {
        (sample.name, sample.labels.get("check", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples == {
        ("neuronova_check_status", result.check): Status.WARNING,
        ("neuronova_check_value", result.check): 93.5,
        ("neuronova_check_silenced", result.check): 1,
        ("neuronova_check_duration_seconds", result.check): 0.25,
        ("neuronova_last_check_timestamp_seconds", ""): NOW.timestamp(),
        ("neuronova_incident_open", ""): 0,
    }


def test_figures_before_first_check(tmp_path: Path) -> None:
    with Store(tmp_path / "monitor.db") as store:
        assert b"neuronova_incident_open 0.0" in metrics.render(store, (), NOW)
