"""The figures of the served versions, for Prometheus."""

import logging
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ml_server.feedback.summary import Summaries, Version
from ml_server.inference import InferenceService
from ml_server.storage.database import StorageError

_logger = logging.getLogger("ml_server")
_LABELS = ("model", "version")


class FeedbackMetrics(Collector):
    """Tells of the versions that are served: no more of them than are installed, whatever is kept of others."""

    def __init__(self, summaries: Summaries, service: InferenceService) -> None:
        self._summaries = summaries
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield what is judged, and the figures of the days that were chosen to be held against the card."""
        try:
            found = self._summaries.versions()
        except StorageError as error:
            _logger.error("no figures for the metrics: %s", error)
            return
        versions = [each for each in found if self._service.serves(*each.key)]
        judged = CounterMetricFamily("neuronova_ml_feedback_judged", "Answers of which the truth is known", labels=_LABELS)
        corrected = CounterMetricFamily("neuronova_ml_feedback_corrected", "Truths that were replaced", labels=_LABELS)
        worse = GaugeMetricFamily("neuronova_ml_feedback_worse", "1 where a figure is worse than the card says", labels=_LABELS)
        for each in versions:
            labels = (each.model_name, each.model_version)
            judged.add_metric(labels, each.judged)
            corrected.add_metric(labels, each.corrected)
            worse.add_metric(labels, each.verdict == "worse")
        yield from (judged, corrected, worse, _figures(versions))


def _figures(versions: list[Version]) -> Metric:
    told = "Figures of merit by feedback: the value, its 95 % interval (low, high), and what the card says"
    gauge = GaugeMetricFamily("neuronova_ml_feedback_figure", told, labels=(*_LABELS, "figure", "of", "what"))
    for each in versions:
        for figure in each.window.figures:
            for what in ("value", "low", "high", "card"):
                value = getattr(figure, what)
                if value is not None:
                    gauge.add_metric((each.model_name, each.model_version, figure.name, figure.of, what), value)
    return gauge
