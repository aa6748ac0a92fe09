"""Fit a picture with a once-for-all supernet and export its subnets to ONNX."""

try:
    from anir_toolchain.checkpoint import load_model, save_model
    from anir_toolchain.config import Config
    from anir_toolchain.model import Model
    from anir_toolchain.training import Subject, fit, fit_batch
except ModuleNotFoundError as error:
    # The command lines still load, to say what to install.
    if error.name != "torch":
        raise
try:
    from anir_toolchain.export import export
except ModuleNotFoundError as error:
    # Training needs no onnx.
    if error.name not in ("torch", "onnx", "onnx_ir", "onnxscript"):
        raise

__all__ = ["Config", "Model", "Subject", "export", "fit", "fit_batch", "load_model", "save_model"]
