"""Decode adaptive neural images with ONNX Runtime."""

from anir_runtime.decoder import Decoder, decode
from anir_runtime.errors import AnirError

__all__ = ["AnirError", "Decoder", "decode"]
