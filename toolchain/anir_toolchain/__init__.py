"""Fits pictures with once-for-all supernets, and exports the subnets as ONNX or `.anir` files."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anir_toolchain.checkpoint import load_model, save_model
    from anir_toolchain.config import Config
    from anir_toolchain.model import Model
    from anir_toolchain.onnx_export import export
    from anir_toolchain.training import Subject, fit, fit_batch

_MODULES = {
    "Config": "config",
    "Model": "model",
    "Subject": "training",
    "export": "onnx_export",
    "fit": "training",
    "fit_batch": "training",
    "load_model": "checkpoint",
    "save_model": "checkpoint",
}
__all__ = ["Config", "Model", "Subject", "export", "fit", "fit_batch", "load_model", "save_model"]


def __getattr__(name: str) -> Any:
    # Imported on first use: torch takes a second to import, onnxscript nearly one, and either may be missing.
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
