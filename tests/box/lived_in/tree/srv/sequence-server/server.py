"""Scores amino acid sequences; it has never heard of features."""

import os
import re

from flask import Flask, jsonify, request

MAX_LENGTH = int(os.environ.get("SEQUENCE_MAX_LENGTH", "1000"))
SEQUENCE = re.compile("[ACDEFGHIKLMNPQRSTVWY]+")
HYDROPHOBIC = set("AFILMVWY")

app = Flask(__name__)


@app.get("/health")
def health():
    return jsonify(ok=True, status="alive", model_version="3.2.0")


@app.post("/predict")
def predict():
    body = request.get_json(silent=True)
    sequence = body.get("sequence") if isinstance(body, dict) else None
    if not isinstance(sequence, str) or len(sequence) > MAX_LENGTH or not SEQUENCE.fullmatch(sequence):
        return jsonify(ok=False, error="sequence: 1 to 4096 letters of amino acids"), 400
    return jsonify(ok=True, length=len(sequence), score=sum(letter in HYDROPHOBIC for letter in sequence) / len(sequence))
