"""Fit a picture with a once-for-all supernet and export its subnets to ONNX."""

from anir_toolchain.checkpoint import Model
from anir_toolchain.export import export
from anir_toolchain.fit import Config, fit

__all__ = ["Config", "Model", "export", "fit"]
