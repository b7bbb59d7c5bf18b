"""Packing: a card out of a model and its data. Never needed to serve.

`pack` takes a fitted estimator from Python, `pack_model` the bytes of an ONNX model and its data; `neuronova-model pack`
takes them as files.
"""

from ml_server.packing.assembly import Packed, Wishes, pack_model
from ml_server.packing.estimators import pack
from ml_server.packing.interpretation import Asked
from ml_server.packing.refusal import PackingError
from ml_server.packing.saving import Saved
from ml_server.verification.findings import Finding

__all__ = ["Asked", "Finding", "Packed", "PackingError", "Saved", "Wishes", "pack", "pack_model"]
