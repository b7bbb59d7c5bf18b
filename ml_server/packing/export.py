"""Estimators as ONNX: scikit-learn's by skl2onnx, those of LightGBM and XGBoost by onnxmltools."""

import copy
import importlib
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ml_server.packing.refusal import PackingError
from ml_server.verification.findings import Finding

_OPSETS = {"": 18, "ai.onnx.ml": 3}
# Modules of estimators that compare float32 with their thresholds.
_TREES = ("sklearn.tree", "sklearn.ensemble._forest", "sklearn.ensemble._gb", "xgboost")
# Where the estimators that answer for others keep them: searches, calibration, votes and stacks.
_FITTED_INSIDE = ("best_estimator_", "calibrated_classifiers_", "estimators_", "final_estimator_", "estimator")
_MATRIX = "features"
# The kinds of numbers that an export may read, the one that serves fastest first.
NUMBERS = ("float32", "float64", "own")
# Extras of this package, and the library that each is for.
_EXTRAS = {"lightgbm": "lightgbm", "xgboost": "xgboost"}


def export(estimator: Any, dtypes: Sequence[tuple[str, str]], numbers: str) -> bytes:
    """Return a fitted estimator, or a pipeline of them, as an ONNX file.

    `dtypes` are the columns that it was trained on, by name and kind ("number", "whole", "yes_or_no" or "text"); as tensors
    of their own if there are texts among them or if it chooses columns by name, else as one matrix.

    Raises:
        PackingError: the exporter is not installed, or cannot export it.
    """
    steps = steps_of(estimator)
    try:
        for step in steps:
            _register(step)
        skl2onnx = importlib.import_module("skl2onnx")
        types = importlib.import_module("skl2onnx.common.data_types")
    except ImportError as error:
        own = next((extra for module, extra in _EXTRAS.items() if any(_is_of(step, module) for step in steps)), "sklearn")
        remedy = f'pip install "neuronova[{own}]"'
        raise PackingError([Finding("estimator", f"{error.name} is not installed", "the exporter", remedy)]) from error
    if any(map(_asks_whether_missing, steps_of(estimator))):
        remedy = (
            "put a SimpleImputer before it, or take HistGradientBoosting, LightGBM or XGBoost, whose missing values are exported"
        )
        found = "a tree of scikit-learn's that asks whether a value is missing, which skl2onnx cannot write"
        raise PackingError([Finding("estimator", found, "an estimator that it exports", remedy)])
    exported = exportable(estimator)
    filling = _own_imputers(exported) if numbers == "float64" else ()
    if numbers == "float64":
        _round_for_trees(exported)
    last = steps_of(exported)[-1]
    options = {id(last): {"zipmap": False}} if hasattr(last, "classes_") or hasattr(estimator, "predict_proba") else None
    tensor_of = {
        "number": types.DoubleTensorType if numbers == "float64" else types.FloatTensorType,
        "whole": {"float32": types.FloatTensorType, "float64": types.DoubleTensorType, "own": types.Int64TensorType}[numbers],
        "yes_or_no": {"float32": types.FloatTensorType, "float64": types.DoubleTensorType, "own": types.BooleanTensorType}[
            numbers
        ],
        "text": types.StringTensorType,
    }
    if is_matrix(estimator):
        initial = [(_MATRIX, tensor_of["number"]([None, len(dtypes)]))]
    else:
        initial = [(name, tensor_of[kind]([None, 1])) for name, kind in dtypes]
    try:
        model = skl2onnx.convert_sklearn(
            exported,
            initial_types=initial,
            options=options,
            target_opset=_OPSETS,
            custom_conversion_functions=dict.fromkeys(filling, _fill),
            custom_shape_calculators=dict.fromkeys(filling, _filled_shape),
        )
    except Exception as error:  # whatever an exporter raises for what it does not know
        raise PackingError([_not_exported(error)]) from error
    content: bytes = model.SerializeToString()
    return content


def _not_exported(error: Exception) -> Finding:
    found = f"it cannot be exported: {type(error).__name__}: {str(error).strip().partition(chr(10))[0][:300]}"
    remedy = "replace this step by one that skl2onnx knows (its documentation lists them), or export it yourself as ONNX"
    if "at most 1 input(s)" in str(error):
        remedy = "let the steps that choose columns come first: make_pipeline(columns, CalibratedClassifierCV(...)), for example"
    if "got a boolean" in "".join(map(str, _chain(error))):
        remedy = 'pip install "protobuf<7": this version of skl2onnx does not get along with a newer one'
    return Finding("estimator", found, "an estimator that skl2onnx or onnxmltools exports", remedy)


def _asks_whether_missing(step: Any) -> bool:
    """Tell whether a split sends missing values alone to one side: its threshold is infinite, and skl2onnx never ends."""
    trees = [step] if hasattr(step, "tree_") else [tree for tree in _inside(step) if hasattr(tree, "tree_")]
    return any(np.isinf(tree.tree_.threshold).any() for tree in trees)


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and those that it comes from."""
    return [] if error is None else [error, *_chain(error.__cause__ or error.__context__)]


def steps_of(estimator: Any) -> list[Any]:
    """Return an estimator and those inside it, pipelines left out; the one that answers is the last."""
    found = [step for inner in _inside(estimator) for step in steps_of(inner)]
    return found if hasattr(estimator, "steps") else [*found, estimator]


def _inside(value: Any) -> list[Any]:
    """Return the fitted estimators that one consists of."""
    if hasattr(value, "steps"):
        return [step for _, step in value.steps if hasattr(step, "fit")]
    if hasattr(value, "transformers_"):
        return [step for _, step, _ in value.transformers_ if hasattr(step, "fit")]
    if hasattr(value, "transformer_list"):
        return [step for _, step in value.transformer_list if hasattr(step, "fit")]
    found: list[Any] = []
    for name in _FITTED_INSIDE:
        inner = getattr(value, name, None)
        found += np.ravel(np.array(inner, dtype=object)).tolist() if isinstance(inner, list | np.ndarray) else [inner]
    return [each for each in found if hasattr(each, "fit") or hasattr(each, "predict_proba")]


def is_matrix(estimator: Any) -> bool:
    """Tell whether an estimator reads numbers only: it has no step that chooses columns by name or encodes texts."""
    return not any(hasattr(step, "transformers_") or hasattr(step, "categories_") for step in steps_of(estimator))


def _is_of(step: Any, module: str) -> bool:
    return type(step).__module__.partition(".")[0] == module


def _register(step: Any) -> None:
    """Tell skl2onnx how an estimator of another library is exported."""
    library = next((module for module in _EXTRAS if _is_of(step, module)), None)
    if library is None:
        return
    skl2onnx = importlib.import_module("skl2onnx")
    shapes = importlib.import_module("skl2onnx.common.shape_calculator")
    file = {"lightgbm": "LightGbm", "xgboost": "XGBoost"}[library]
    converters = importlib.import_module(f"onnxmltools.convert.{library}.operator_converters.{file}")
    is_classifier = hasattr(step, "predict_proba")
    skl2onnx.update_registered_converter(
        type(step),
        f"{file}{type(step).__name__}",
        shapes.calculate_linear_classifier_output_shapes if is_classifier else shapes.calculate_linear_regressor_output_shapes,
        getattr(converters, f"convert_{library}"),
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]} if is_classifier else {},
    )


def _own_imputers(estimator: Any) -> set[type]:
    """Give imputers of numbers a type of their own: onnxruntime's operator for them knows float32 only."""
    own = set()
    for step in steps_of(estimator):
        statistics = getattr(step, "statistics_", None)
        if isinstance(statistics, np.ndarray) and statistics.dtype.kind == "f" and np.isfinite(statistics).all():
            step.__class__ = type("Filling", (type(step),), {})
            own.add(type(step))
    return own


def _round_for_trees(estimator: Any) -> None:
    """Let trees read float32, as they do in their library, whatever the steps before them calculate in."""
    for pipeline in _pipelines(estimator):
        *_, (_, last) = pipeline.steps
        if type(last).__module__.startswith(_TREES):
            cast = importlib.import_module("skl2onnx.sklapi").CastTransformer(dtype=np.float32)
            pipeline.steps.insert(-1, ("cast", cast))


def _pipelines(estimator: Any) -> list[Any]:
    inner = [pipeline for step in _inside(estimator) for pipeline in _pipelines(step)]
    return [*inner, estimator] if hasattr(estimator, "steps") else inner


def _filled_shape(operator: Any) -> None:
    types = importlib.import_module("skl2onnx.common.data_types")
    operator.outputs[0].type = types.DoubleTensorType([None, len(operator.raw_operator.statistics_)])


def _fill(scope: Any, operator: Any, container: Any) -> None:
    """Write an imputer with standard operators, which know float64: its statistics where there is NaN."""
    common = importlib.import_module("skl2onnx.algebra.onnx_ops")
    version = container.target_opset
    statistics = operator.raw_operator.statistics_.astype(np.float64)[np.newaxis]
    given = common.OnnxConcat(*operator.inputs, axis=1, op_version=version)
    filled = common.OnnxWhere(
        common.OnnxIsNaN(given, op_version=version), statistics, given, op_version=version, output_names=operator.outputs[:1]
    )
    filled.add_to(scope, container)


def exportable(estimator: Any) -> Any:
    """Return a copy that exporters know: for it a missing text is "", as a tensor of texts cannot hold NaN.

    Imputers of texts replace it, and encoders that have learnt NaN as a category know it by this name.
    """
    copied = copy.deepcopy(estimator)
    for step in steps_of(copied):
        statistics = getattr(step, "statistics_", None)
        if isinstance(statistics, np.ndarray) and statistics.dtype.kind in "OU" and step.missing_values is not None:
            step.missing_values = ""
        if hasattr(step, "flatten_transform"):
            step.flatten_transform = False  # of what a vote returns when it transforms, which nobody asks of it
        if _is_of(step, "xgboost"):
            # Its exporter knows columns by their numbers only, and none that are yes or no.
            step.get_booster().feature_names = step.get_booster().feature_types = None
        categories = getattr(step, "categories_", None)
        if isinstance(categories, list):
            step.categories_ = [_named(values) for values in categories]
    return copied


def _named(values: Any) -> Any:
    if values.dtype.kind != "O":
        return values
    return np.array(["" if value is None or value != value else value for value in values], dtype=object)  # noqa: PLR0124 - NaN


def kinds(columns: Collection[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Return name and kind of each column of a data frame or an array."""
    return [(name, _kind(values)) for name, values in columns]


def _kind(values: Any) -> str:
    name = str(values.dtype).lower()
    if name.startswith("bool"):
        return "yes_or_no"
    if name.startswith(("int", "uint")):
        return "whole"
    if name == "object" and any(isinstance(value, Decimal) for value in values):
        return "number"
    return "number" if name.startswith("float") else "text"
