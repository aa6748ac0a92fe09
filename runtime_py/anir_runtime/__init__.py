"""Decode adaptive neural images: networks that map positions to colours."""

from anir_runtime.decoder import Decoder, decode
from anir_runtime.errors import AnirError

__all__ = ["AnirError", "Decoder", "decode"]
