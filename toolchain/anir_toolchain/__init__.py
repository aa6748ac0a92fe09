"""Fit a picture with a once-for-all supernet and export its subnets to ONNX."""

try:
    from anir_toolchain.checkpoint import Model
    from anir_toolchain.config import Config
    from anir_toolchain.export import export
    from anir_toolchain.fit import fit
except ModuleNotFoundError as error:
    # The command lines still load, to say what to install.
    if error.name not in ("torch", "onnx"):
        raise

__all__ = ["Config", "Model", "export", "fit"]
