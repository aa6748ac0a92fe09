"""The description of machine and software that every result has."""

import datetime
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import torch
from anir_runtime.side_by_side import available_cores

_PACKAGES = ("anir", "torch", "onnx", "onnxruntime", "numpy", "pillow")


def machine() -> dict[str, object]:
    """Returns date, processor, cores, GPU if there is one, and versions."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": _processor(),
        "cores": available_cores(),
        **({"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}),
        "python": sys.version.split()[0],
        **{package: version(package) for package in _PACKAGES},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
