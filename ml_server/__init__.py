"""Inference over HTTP: verified ONNX models behind `/predict` and `/health`."""
