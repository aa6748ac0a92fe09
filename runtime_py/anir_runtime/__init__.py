"""Decodes adaptive neural images: networks that map positions to colours."""

from typing import TYPE_CHECKING

from anir_runtime.errors import AnirError

if TYPE_CHECKING:
    from anir_runtime.decoder import Decoder, decode

__all__ = ["AnirError", "Decoder", "decode"]


def __getattr__(name: str) -> object:
    """Imports the decoder on first use: it takes time, in which Ctrl-C must be handled already."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from anir_runtime import decoder

    return getattr(decoder, name)
