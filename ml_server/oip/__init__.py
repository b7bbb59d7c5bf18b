"""The Open Inference Protocol (V2) over HTTP, with the extension for binary tensors: what other engines' clients speak.

https://github.com/kserve/open-inference-protocol
"""
