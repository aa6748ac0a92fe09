"""ONNX Runtime sessions that run on the calling thread."""

import os

# From release 1.32 on, ONNX Runtime sends usage data to its developers by default.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as _native

RuntimeErrors = tuple(
    kind for kind in vars(_native).values() if isinstance(kind, type) and issubclass(kind, Exception)
)
"""All exception types of ONNX Runtime; there is one for each kind of failure, without a common base."""


def open_session(model: bytes) -> ort.InferenceSession:
    """Opens a serialized ModelProto. Raises one of `RuntimeErrors` if it is refused."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    # Dequantizes 4-bit weights to float32 once; kernels for 4-bit weights would round activations to 8 bits.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
