"""The English catalogue's lines of what models answer: whether that turned out to be true, and who they are asked of."""

from __future__ import annotations

from monitor_blueprint.text.texts import Texts

TITLES = {"feedback": "ML model performance", "drift": "ML inputs"}
ROLLBACK = (
    "sudo neuronova-model rollback {model_name} # {earlier_version}: to the version before, if the model was changed of late"
)
_FIGURES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "roc_auc": "AUC",
    "accuracy": "accuracy",
    "brier": "Brier score",
    "calibration_slope": "calibration slope",
    "calibration_intercept": "calibration intercept",
    "mae": "mean absolute error",
    "rmse": "root mean square error",
    "coverage": "coverage of the prediction intervals",
}
_WORSE = (
    "ML model performance: {figure} {{now}} (95% interval {{interval}}), worse than the model card's {{card}}"
    " - last {{days}} days: {{answered}} predictions, {{judged}} with a known outcome, version {{model_version}}"
)
_MORE = "see first whether the known outcomes are one-sided (only suspected cases, say)"
_LOOK = "see whether a unit or a device has changed, or whoever sends the values"
FARTHEST = "largest shift: PSI {psi}, usually much from 0.25 on"
LINES: dict[tuple[str, str], Texts] = {
    **{("feedback", name): Texts(bad=_WORSE.format(figure=text), more=_MORE) for name, text in _FIGURES.items()},
    ("feedback", "figures"): Texts(
        "ML model performance: as the model card says"
        " (last {days} days: {answered} predictions, {judged} with a known outcome, version {model_version})"
    ),
    ("feedback", "figures_few"): Texts(
        "ML model performance: too few known outcomes to judge"
        " (last {days} days: {answered} predictions, {judged} with a known outcome, version {model_version})"
    ),
    ("feedback", "figures_alone"): Texts(
        "ML model performance: the model card has nothing to compare with ({judged} known outcomes, version {model_version})"
    ),
    ("feedback", "figures_none"): Texts("ML model performance: no predictions are kept"),
    ("feedback", "off"): Texts(
        "ML model performance: the ML server keeps no predictions (ML_STATE_DIR is not set)",
        bad="ML model performance: the ML server keeps predictions no longer (look at ML_STATE_DIR)",
    ),
    ("feedback", "refused"): Texts(bad="ML model performance: cannot be checked ({reason}){at_address}"),
    ("drift", "drifted"): Texts(
        bad="ML inputs: not as in training - {entries} (last {people} people, {farthest}, version {model_version})",
        more=_LOOK,
    ),
    ("drift", "missing"): Texts(
        bad="ML inputs: values missing more or less often than in training - {entries}"
        " (last {people} people, {percent}% missing at most, version {model_version})",
        more=_LOOK,
    ),
    ("drift", "answers"): Texts(
        bad="ML predictions: not as in training (last {people} people, {farthest}, version {model_version})", more=_LOOK
    ),
    ("drift", "inputs"): Texts("ML inputs: much as in training (last {people} people, version {model_version})"),
    ("drift", "inputs_few"): Texts("ML inputs: too few predictions to judge (last {people} people, version {model_version})"),
    ("drift", "inputs_alone"): Texts(
        "ML inputs: the model card has no distribution to compare with (last {people} people, version {model_version})"
    ),
    ("drift", "inputs_none"): Texts("ML inputs: no predictions were counted"),
    ("drift", "off"): Texts(
        "ML inputs: the ML server does not count inputs (ML_STATE_DIR is not set)",
        bad="ML inputs: the ML server counts inputs no longer (look at ML_STATE_DIR)",
    ),
    ("drift", "refused"): Texts(bad="ML inputs: cannot be checked ({reason}){at_address}"),
}
