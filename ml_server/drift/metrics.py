"""How far the inputs and the answers of the served versions have moved, for Prometheus."""

import logging
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ml_server.drift.report import drifts
from ml_server.inference import InferenceService
from ml_server.storage.database import StorageError
from ml_server.storage.drift import DriftStore

_logger = logging.getLogger("ml_server")
_LABELS = ("model", "version")
# Of a model of more, the first of its card: how many drifted is counted over all.
_MOST_INPUTS = 100


class DriftMetrics(Collector):
    """Tells of the versions that are served: no more of them than are installed, whatever is kept of others."""

    def __init__(self, store: DriftStore, service: InferenceService) -> None:
        self._store = store
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield the figures of the last people of whom each version was asked."""
        try:
            found = [each for each in drifts(self._store) if self._service.serves(*each.key)]
        except StorageError as error:
            _logger.error("no drift for the metrics: %s", error)
            return
        by_input, by_answer = (*_LABELS, "input"), (*_LABELS, "answer")
        people = GaugeMetricFamily("neuronova_ml_drift_people", "The last people, who are compared", labels=_LABELS)
        drifted = GaugeMetricFamily("neuronova_ml_drift_inputs", "Inputs that are not as in training", labels=_LABELS)
        psi = GaugeMetricFamily("neuronova_ml_drift_psi", "Population stability index against training", labels=by_input)
        missing = GaugeMetricFamily("neuronova_ml_drift_missing_share", "Share of people without a value", labels=by_input)
        answers = GaugeMetricFamily("neuronova_ml_drift_answers", "Answers that are not as usual", labels=_LABELS)
        answer_psi = GaugeMetricFamily(
            "neuronova_ml_drift_answer_psi", "Population stability index against the answers that are usual", labels=by_answer
        )
        share = GaugeMetricFamily("neuronova_ml_drift_answer_share", "Share of answers", labels=(*by_answer, "bin"))
        for each in found:
            labels = (each.model_name, each.model_version)
            people.add_metric(labels, each.people)
            drifted.add_metric(labels, len(each.drifted))
            answers.add_metric(labels, len(each.drifted_answers))
            for one in each.inputs[:_MOST_INPUTS]:
                missing.add_metric((*labels, one.name), one.missing_share)
                if one.psi is not None:
                    psi.add_metric((*labels, one.name), one.psi)
            for answer in each.answers[:_MOST_INPUTS]:
                if answer.psi is not None:
                    answer_psi.add_metric((*labels, answer.name), answer.psi)
                for label, value in zip(answer.labels[:_MOST_INPUTS], answer.today, strict=False):
                    share.add_metric((*labels, answer.name, label), value)
        yield from (people, drifted, psi, missing, answers, answer_psi, share)
