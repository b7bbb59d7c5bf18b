"""scikit-learn's estimators, exported by skl2onnx."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import skl2onnx
import sklearn
from skl2onnx import to_onnx
from skl2onnx.common.data_types import (
    BooleanTensorType,
    DictionaryType,
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, RidgeClassifier, RidgeCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from tests.exports.case import Case
from tests.exports.patients import (
    NUMBERS,
    WORDS,
    complications,
    days,
    is_sick,
    people,
    severity,
    stay,
    stay_and_cost,
    without_some,
)

_MADE_BY = f"scikit-learn {sklearn.__version__}, skl2onnx {skl2onnx.__version__}"
_OPSET = {"": 18, "ai.onnx.ml": 3}
_NO_ZIPMAP = {"zipmap": False}
_TYPES = {"f": FloatTensorType, "i": Int64TensorType, "u": Int64TensorType, "b": BooleanTensorType}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _matrices()
    yield from _labels()
    yield from _frames()
    yield from _habits()
    yield from _several_answers()
    yield from _numbers()
    yield from _refused()


def export(
    name: str,
    about: str,
    estimator: Any,
    inputs: pd.DataFrame,
    truth: pd.Series | pd.DataFrame,
    *,
    read: pd.DataFrame | None = None,
    types: list[tuple[str, Any]] | None = None,
    options: Mapping[Any, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    expected: Mapping[str, Any] | None = None,
    refused: tuple[str, ...] = (),
    keeps_reference: bool = False,
) -> Case:
    """Fit, export and predict. `read` is what the estimator reads where that is not what the file says (days of a date).

    `types` are skl2onnx's `initial_types`; one float matrix of all columns unless given.
    """
    read = inputs if read is None else read
    types = types or matrix(read)
    learnt = read if len(types) > 1 else read.to_numpy()
    estimator.fit(learnt, truth)
    model = to_onnx(estimator, initial_types=types, name=name, options=dict(options or {}), target_opset=_OPSET)
    target = list(truth.columns) if isinstance(truth, pd.DataFrame) else truth.name
    return Case(
        name=name,
        about=about,
        made_by=_MADE_BY,
        model=model.SerializeToString(),
        rows=pd.concat([inputs, truth], axis=1),
        reference=None if refused and not keeps_reference else reference(estimator, learnt, truth),
        told={"target": target} | dict(told or {}),
        expected={} if refused else dict(expected or {"task": "classification"}),
        refused=refused,
    )


def reference(estimator: Any, learnt: Any, truth: pd.Series | pd.DataFrame) -> pd.DataFrame:
    """The library's own answer for each row: class, label or target -> number."""
    if not hasattr(estimator, "predict_proba"):
        names = list(truth.columns) if isinstance(truth, pd.DataFrame) else [truth.name]
        return pd.DataFrame(np.asarray(estimator.predict(learnt)).reshape(len(truth), -1), columns=names)
    answers = estimator.predict_proba(learnt)
    if isinstance(answers, list):
        return pd.DataFrame({name: answer[:, 1] for name, answer in zip(truth.columns, answers, strict=True)})
    names = list(truth.columns) if isinstance(truth, pd.DataFrame) else [str(name) for name in estimator.classes_]
    return pd.DataFrame(answers, columns=names)


def matrix(frame: pd.DataFrame, kind: Any = FloatTensorType) -> list[tuple[str, Any]]:
    """One tensor with all columns."""
    return [("X", kind([None, len(frame.columns)]))]


def columns(frame: pd.DataFrame, **kinds: Any) -> list[tuple[str, Any]]:
    """A tensor of shape (n, 1) for each column, as its type in the frame or `kinds` say."""
    return [
        (str(name), kinds.get(str(name), _TYPES.get(dtype.kind, StringTensorType))([None, 1]))
        for name, dtype in frame.dtypes.items()
    ]


def _matrices() -> Iterator[Case]:
    frame = people(seed=1)
    numbers, sick, severe = frame[NUMBERS], is_sick(frame, 1), severity(frame, 1)
    scaled = make_pipeline(StandardScaler(), LogisticRegression(C=3.0))
    scores = LogisticRegression(C=3.0)
    yield export("sk_lr_zipmap", "integer labels; skl2onnx's default, a sequence of maps", scaled, numbers, sick)
    yield export("sk_lr_zipmap_words", "three labels in words, a sequence of maps", scaled, numbers, severe)
    yield export("sk_lr_matrix", "probabilities as one matrix, labels in words", scaled, numbers, severe, options=_NO_ZIPMAP)
    yield export(
        "sk_lr_zipmap_columns",
        "the third ZipMap: an output of its own for each class",
        scaled,
        numbers,
        severe,
        options={"zipmap": "columns"},
    )
    yield export(
        "sk_lr_raw_scores",
        "log-odds instead of probabilities, which only a person can say",
        make_pipeline(StandardScaler(), scores),
        numbers,
        severe,
        options={id(scores): {"zipmap": False, "raw_scores": True}},
        told={"activation": "softmax"},
    )
    graded = pd.Series(severe.map({"mild": 3, "moderate": 1, "severe": 2}), name="grade")
    yield export(
        "sk_random_forest",
        "integer labels 1 to 3, which are no positions",
        RandomForestClassifier(n_estimators=8, max_depth=3, random_state=1),
        numbers,
        graded,
    )
    yield export(
        "sk_gradient_boosting",
        "trees, one after the other",
        GradientBoostingClassifier(n_estimators=12, max_depth=2, random_state=1),
        numbers,
        sick,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_hist_gradient_boosting_nan",
        "missing values, whose side of each split was learnt",
        HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=6, min_samples_leaf=5, random_state=1),
        without_some(numbers, NUMBERS, seed=11),
        sick,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_svc",
        "a support vector machine with calibrated scores",
        make_pipeline(StandardScaler(), CalibratedClassifierCV(SVC(gamma=0.1, random_state=1), ensemble=False, cv=3)),
        numbers,
        sick,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_knn",
        "votes of neighbours, so many equal probabilities",
        make_pipeline(StandardScaler(), KNeighborsClassifier(n_neighbors=7)),
        numbers,
        severe,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_mlp",
        "a small network",
        make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3000, random_state=1)),
        numbers,
        severe,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_gaussian_nb", "naive Bayes", make_pipeline(StandardScaler(), GaussianNB()), numbers, sick, options=_NO_ZIPMAP
    )
    yield export(
        "sk_calibrated_forest",
        "two forests, each with a sigmoid of its own",
        CalibratedClassifierCV(RandomForestClassifier(n_estimators=4, max_depth=2, random_state=1), cv=2),
        numbers,
        sick,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_lr_double",
        "float64 in and out",
        scaled,
        numbers,
        sick,
        types=matrix(numbers, DoubleTensorType),
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_lr_imputed",
        "missing values, filled by means within the pipeline (not by medians before it)",
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        without_some(numbers, NUMBERS, seed=12),
        sick,
        options=_NO_ZIPMAP,
    )
    whole = frame[["age", "systolic"]].assign(falls=np.random.default_rng(5).integers(0, 4, len(frame)))
    yield export(
        "sk_lr_integers",
        "an int64 matrix",
        scaled,
        whole,
        is_sick(frame.assign(log_crp=whole["falls"] - 1.5), 1),
        types=matrix(whole, Int64TensorType),
        options=_NO_ZIPMAP,
    )


def _labels() -> Iterator[Case]:
    frame = people(seed=14)
    numbers, sick, severe = frame[NUMBERS], is_sick(frame, 14), severity(frame, 14)
    scaled = make_pipeline(StandardScaler(), LogisticRegression())
    yield export(
        "sk_truth_labels", "the classes are False and True, which the maps call 0 and 1", scaled, numbers, sick.astype(bool)
    )
    signed = pd.Series(sick * 2 - 1, name="outcome")
    yield export("sk_signed_labels", "the classes are -1 and 1", scaled, numbers, signed, options=_NO_ZIPMAP)
    korean = pd.Series(severe.map({"mild": "정상", "moderate": "경도 인지장애", "severe": "치매, 중증"}), name="진단")
    named = numbers.rename(columns={"age": "나이", "bmi": "체질량지수", "systolic": "수축기 혈압"}).astype(float)
    yield export(
        "sk_korean", "columns, target and classes as a Korean hospital names them", scaled, named, korean, types=columns(named)
    )
    stacked = StackingClassifier(
        [("tree", DecisionTreeClassifier(max_depth=3, random_state=1)), ("bayes", GaussianNB())],
        make_pipeline(StandardScaler(), LogisticRegression()),
        cv=3,
    )
    yield export("sk_stacking", "estimators on estimators", stacked, numbers, severe, options=_NO_ZIPMAP)
    yield export(
        "sk_voting",
        "estimators side by side",
        VotingClassifier(
            [("tree", ExtraTreesClassifier(5, max_depth=3, random_state=1)), ("bayes", GaussianNB())],
            voting="soft",
            flatten_transform=False,
        ),
        numbers,
        sick,
        options=_NO_ZIPMAP,
    )


def _habits() -> Iterator[Case]:
    """Files as people have them."""
    frame = people(seed=15)
    sick, nights = is_sick(frame, 15), stay(frame, 15)
    numbers = frame[NUMBERS].astype(float)
    more = pd.DataFrame({"patient_id": [f"P{number:04}" for number in range(len(frame))]}).join(numbers).join(frame[["ward"]])
    yield export(
        "sk_columns_to_spare",
        "the file has columns that the model does not read",
        make_pipeline(StandardScaler(), LogisticRegression()),
        more,
        sick,
        read=numbers,
        types=columns(numbers),
    )
    yield export(
        "sk_columns_said",
        "a matrix of some of the columns, in an order of its own",
        make_pipeline(StandardScaler(), RidgeCV()),
        more,
        nights,
        read=numbers[["log_crp", "albumin", "age"]],
        told={"columns": ["log_crp", "albumin", "age"]},
        expected={"task": "regression"},
    )
    answers = numbers.assign(smokes=frame["is_diabetic"].map({True: "yes", False: "no"}))
    yield export(
        "sk_yes_and_no",
        "yes and no in the file, 1 and 0 in the matrix",
        make_pipeline(StandardScaler(), LogisticRegression()),
        answers,
        sick,
        read=answers.assign(smokes=frame["is_diabetic"].astype(float)),
        options=_NO_ZIPMAP,
    )
    site = numbers.assign(site=4.0)
    yield export(
        "sk_constant_column",
        "everybody in training was at the same site",
        make_pipeline(StandardScaler(), LogisticRegression()),
        site,
        sick,
        options=_NO_ZIPMAP,
    )
    yield export(
        "sk_ignored_column",
        "a lasso that has no use for two of its columns",
        make_pipeline(StandardScaler(), Lasso(alpha=0.5)),
        numbers.assign(noise=np.random.default_rng(15).normal(size=len(frame)).round(2)),
        nights,
        expected={"task": "regression"},
    )
    yield export(
        "sk_svr",
        "a support vector machine of numbers",
        make_pipeline(StandardScaler(), SVR()),
        numbers,
        nights,
        expected={"task": "regression"},
    )


def _encoded(words: Any, numbers: list[str] = NUMBERS, kinds: list[str] = WORDS) -> ColumnTransformer:
    filled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer([("numbers", filled, numbers), ("words", words, kinds)])


def _frames() -> Iterator[Case]:
    frame = people(seed=2)
    sick, severe = is_sick(frame, 2), severity(frame, 2)
    numbers = frame[NUMBERS].astype(float)
    mixed = without_some(frame[NUMBERS].astype(float), NUMBERS, seed=21).join(frame[WORDS])
    yield export(
        "sk_named_columns",
        "a data frame: each column is an input of its own",
        make_pipeline(StandardScaler(), LogisticRegression()),
        numbers,
        sick,
        types=columns(numbers),
    )
    yield export(
        "sk_mixed_one_hot",
        "numbers with missing values, and words",
        make_pipeline(_encoded(OneHotEncoder(handle_unknown="ignore")), LogisticRegression()),
        mixed,
        severe,
        types=columns(mixed),
    )
    yield export(
        "sk_mixed_ordinal",
        "words as ordinals for trees",
        make_pipeline(_encoded(OrdinalEncoder()), GradientBoostingClassifier(n_estimators=15, max_depth=2, random_state=1)),
        mixed,
        sick,
        types=columns(mixed),
        options=_NO_ZIPMAP,
    )
    gaps = without_some(mixed, WORDS, seed=22)
    yield export(
        "sk_one_hot_missing",
        "a missing word is a category of its own, which the exported encoder spells 'nan'",
        make_pipeline(_encoded(OneHotEncoder(handle_unknown="ignore")), LogisticRegression()),
        gaps.assign(**{name: gaps[name].astype(object).where(gaps[name].notna(), np.nan) for name in WORDS}),
        sick,
        types=columns(gaps),
        options=_NO_ZIPMAP,
    )
    filler = make_pipeline(SimpleImputer(missing_values="", strategy="most_frequent"), OneHotEncoder())
    yield export(
        "sk_words_imputed",
        "a missing word is the empty text, filled by the most frequent word",
        make_pipeline(_encoded(filler), LogisticRegression()),
        gaps,
        sick,
        read=gaps.assign(**{name: gaps[name].astype(object).fillna("") for name in WORDS}),
        types=columns(gaps),
        options=_NO_ZIPMAP,
    )
    only_words = frame[[*WORDS]].assign(hand=np.random.default_rng(6).choice(["left", "right"], len(frame)))
    yield export(
        "sk_words_matrix",
        "one matrix of texts",
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()),
        only_words,
        is_sick(frame.assign(log_crp=(only_words["hand"] == "left") * 2.0 - 1), 2),
        types=matrix(only_words, StringTensorType),
        options=_NO_ZIPMAP,
    )
    yield from _dates(frame, sick)
    awkward = numbers.rename(columns={"age": "Age (years)", "bmi": "BMI, kg/m2", "log_crp": "hs-CRP", "albumin": "1st albumin"})
    yield export(
        "sk_awkward_names",
        "columns named as people name them",
        make_pipeline(StandardScaler(), LogisticRegression()),
        awkward,
        sick,
        types=columns(awkward),
    )


def _dates(frame: pd.DataFrame, sick: pd.Series) -> Iterator[Case]:
    kept = frame[["age", "albumin", "sex", "is_diabetic", "admitted"]].assign(age=frame["age"].astype(float))
    read = kept.assign(admitted=days(kept["admitted"]).astype(float))
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                ("numbers", StandardScaler(), ["age", "albumin", "admitted"]),
                ("words", OneHotEncoder(), ["sex"]),
                ("truths", FunctionTransformer(), ["is_diabetic"]),
            ]
        ),
        LogisticRegression(),
    )
    yield export(
        "sk_dates_and_truths",
        "a date that is read as days since 1970, a bool tensor, numbers and words",
        pipeline,
        kept,
        sick,
        read=read,
        types=columns(read),
        options=_NO_ZIPMAP,
    )
    flat = kept[["age", "albumin", "is_diabetic", "admitted"]]
    yield export(
        "sk_dates_matrix",
        "a date and a truth in a float matrix",
        make_pipeline(StandardScaler(), LogisticRegression()),
        flat,
        sick,
        read=read[list(flat.columns)].astype(float),
        options=_NO_ZIPMAP,
    )


def _several_answers() -> Iterator[Case]:
    frame = people(seed=3)
    numbers, found = frame[NUMBERS], complications(frame, 3)
    told, expected = {"task": "multi_label"}, {"task": "multi_label"}
    yield export(
        "sk_labels_forest",
        "three labels at once, (labels, n, 2)",
        RandomForestClassifier(n_estimators=6, max_depth=3, random_state=1),
        numbers,
        found,
        options=_NO_ZIPMAP,
        told=told,
        expected=expected,
    )
    yield export(
        "sk_labels_mlp",
        "three labels at once, (n, labels)",
        make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=3000, random_state=1)),
        numbers,
        found,
        options=_NO_ZIPMAP,
        told=told,
        expected=expected,
    )
    yield export(
        "sk_labels_logistic",
        "a logistic regression for each label, stacked",
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        numbers,
        found,
        options=_NO_ZIPMAP,
        told=told,
        expected=expected,
    )


def _numbers() -> Iterator[Case]:
    frame = people(seed=4)
    numbers, nights, both = frame[NUMBERS], stay(frame, 4), stay_and_cost(frame, 4)
    expected = {"task": "regression"}
    yield export("sk_linear", "one number", LinearRegression(), numbers, nights, expected=expected)
    yield export(
        "sk_forest_numbers",
        "a forest of averages",
        RandomForestRegressor(n_estimators=8, max_depth=3, random_state=1),
        numbers,
        nights,
        expected=expected,
    )
    yield export(
        "sk_hist_numbers_nan",
        "one number, missing values learnt",
        HistGradientBoostingRegressor(max_iter=15, max_leaf_nodes=6, min_samples_leaf=5, random_state=1),
        without_some(numbers, NUMBERS, seed=41),
        nights,
        expected=expected,
    )
    yield export(
        "sk_two_numbers", "two numbers at once", make_pipeline(StandardScaler(), RidgeCV()), numbers, both, expected=expected
    )
    mixed = frame[NUMBERS].astype(float).join(frame[WORDS])
    yield export(
        "sk_mixed_double",
        "a data frame of float64 and words, one number",
        make_pipeline(ColumnTransformer([("numbers", StandardScaler(), NUMBERS), ("words", OneHotEncoder(), WORDS)]), RidgeCV()),
        mixed,
        nights,
        types=columns(mixed, **dict.fromkeys(NUMBERS, DoubleTensorType)),
        expected=expected,
    )
    scaled = make_pipeline(StandardScaler(), PCA(3, random_state=1)).fit(numbers.to_numpy())
    yield Case(
        name="sk_embedding",
        about="a transformer: three coordinates that have no truth",
        made_by=_MADE_BY,
        model=to_onnx(scaled, name="embedding", initial_types=matrix(numbers), target_opset=_OPSET).SerializeToString(),
        rows=numbers,
        reference=pd.DataFrame(scaled.transform(numbers.to_numpy()), columns=["0", "1", "2"]),
        told={"task": "embedding"},
        expected={"task": "embedding"},
    )


def _refused() -> Iterator[Case]:
    frame = people(seed=5)
    numbers, severe = frame[NUMBERS], severity(frame, 5)
    scaled = make_pipeline(StandardScaler(), RidgeClassifier())
    yield export(
        "no_decision_scores",
        "distances from a plane, which skl2onnx calls probabilities",
        scaled,
        numbers,
        severe,
        options=_NO_ZIPMAP,
        refused=("probabilities", "activation"),
    )
    wards = pd.DataFrame({"severity": severe, "ward": frame["ward"]})
    yield export(
        "no_labels_of_three",
        "two answers of three classes each",
        make_pipeline(StandardScaler(), MultiOutputClassifier(LogisticRegression())),
        numbers,
        wards,
        options=_NO_ZIPMAP,
        refused=("output",),
    )
    yield export(
        "no_isotonic_steps",
        "isotonic calibration of a forest, whose steps float32 misses: another answer than the library's",
        CalibratedClassifierCV(RandomForestClassifier(n_estimators=4, max_depth=2, random_state=1), method="isotonic", cv=2),
        numbers,
        is_sick(frame, 5),
        options=_NO_ZIPMAP,
        keeps_reference=True,
        refused=("reference",),
    )
    yield export(
        "no_wrong_conversion",
        "skl2onnx has the sigmoid of a linear discriminant analysis wrong, without a word",
        LinearDiscriminantAnalysis(),
        numbers,
        is_sick(frame, 5),
        options=_NO_ZIPMAP,
        keeps_reference=True,
        refused=("reference",),
    )
    mixed = numbers.astype(float).join(frame[WORDS])
    yield export(
        "no_float64_imputer",
        "an imputer of float64, for which onnxruntime has no code",
        make_pipeline(_encoded(OneHotEncoder(handle_unknown="ignore")), LogisticRegression()),
        mixed,
        severe,
        types=columns(mixed, **dict.fromkeys(NUMBERS, DoubleTensorType)),
        options=_NO_ZIPMAP,
        refused=("Imputer",),
    )
    yield export(
        "no_float64_zipmap",
        "maps of float64, which ONNX does not have",
        make_pipeline(StandardScaler(), LogisticRegression()),
        numbers,
        severe,
        types=matrix(numbers, DoubleTensorType),
        refused=("ZipMap",),
    )
    yield from _refused_inputs(frame)


def _refused_inputs(frame: pd.DataFrame) -> Iterator[Case]:
    rows = frame[NUMBERS]
    sick = is_sick(frame, 5)
    maps = make_pipeline(DictVectorizer(sparse=False), LogisticRegression()).fit(rows.to_dict("records"), sick)
    types = [("X", DictionaryType(StringTensorType([1]), FloatTensorType([1])))]
    yield Case(
        name="no_map_input",
        about="the input is a map, not a tensor",
        made_by=_MADE_BY,
        model=to_onnx(maps, name="maps", initial_types=types, options=_NO_ZIPMAP, target_opset=_OPSET).SerializeToString(),
        rows=rows.join(sick),
        told={"target": "is_sick"},
        refused=("map", "tensor"),
    )
    rng = np.random.default_rng(7)
    heard = ["fever", "cough", "pain", "rash", "fall", "nausea"]
    notes = pd.Series([" ".join(rng.choice(heard, 4)) + f" day {day}" for day in range(len(rows))], name="note")
    texts = make_pipeline(TfidfVectorizer(vocabulary=heard, lowercase=False), LogisticRegression()).fit(notes, sick)
    yield Case(
        name="no_free_text",
        about="the input is prose, of which no list of words can be made",
        made_by=_MADE_BY,
        model=to_onnx(
            texts, name="texts", initial_types=[("note", StringTensorType([None, 1]))], options=_NO_ZIPMAP, target_opset=_OPSET
        ).SerializeToString(),
        rows=pd.concat([notes, sick], axis=1),
        told={"target": "is_sick"},
        refused=("note", "text"),
    )
