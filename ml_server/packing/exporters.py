"""What exporters are known to get wrong: the steps of an estimator that an answer which differs most likely comes from."""

import math
from typing import Any

from ml_server.packing.export import steps_of


def known_faults(estimator: Any) -> str:
    """Return the steps that are exported otherwise than they answer, each with what to take in its place; "" if none is."""
    found = {fault for step in steps_of(estimator) if (fault := _fault(step))}
    return "; ".join(sorted(found))


def _fault(step: Any) -> str:
    name = type(step).__name__
    if name == "OrdinalEncoder" and _is_nan(getattr(step, "encoded_missing_value", None)) and _has_learnt_nan(step):
        return "OrdinalEncoder is exported without its NaN for a missing category: say OrdinalEncoder(encoded_missing_value=-1)"
    if name == "KNNImputer":
        return "KNNImputer is exported with other neighbours: take SimpleImputer"
    if name == "MissingIndicator" or (name == "SimpleImputer" and getattr(step, "add_indicator", False)):
        return "the indicator of missing values (add_indicator) is not exported: leave it out"
    if getattr(step, "method", None) == "isotonic":
        return 'isotonic calibration is not exported as it is: say CalibratedClassifierCV(method="sigmoid")'
    return ""


def _has_learnt_nan(step: Any) -> bool:
    return any(value is None or _is_nan(value) for values in step.categories_ for value in values.tolist())


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
