"""ONNX Runtime sessions, which run on the thread that calls them."""

import os

# From release 1.32 on ONNX Runtime reports its use to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as _native

RuntimeErrors = tuple(
    kind for kind in vars(_native).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""What ONNX Runtime raises: an exception of its own for each kind of failure."""


def open_session(model: bytes) -> ort.InferenceSession:
    """A session of a serialized ModelProto. Raises one of `RuntimeErrors` if it is refused."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Unfolds 4-bit weights to float32 once; the kernels for 4 bits would round activations to 8 bits.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
