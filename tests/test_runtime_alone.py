"""Tests that the runtime works without the toolchain, torch and onnx."""

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

_BLOCKED = """
import sys
for name in ("torch", "onnx", "onnxscript", "matplotlib", "skimage", "typer", "rich"):
    sys.modules[name] = None
"""


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _BLOCKED + code], capture_output=True, text=True, check=False
    )


def test_the_runtime_decodes_without_torch_and_onnx(exported: Path, tmp_path: Path) -> None:
    code = f"""
from anir_runtime.cli import main
assert main([{str(exported)!r}, "-o", {str(tmp_path / "a.png")!r}, "--max-ms", "100000"]) == 0
assert not any(m.startswith("anir_toolchain") for m in sys.modules)
"""
    done = _run(code)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.png").exists()


def test_the_toolchains_commands_say_what_to_install() -> None:
    code = "from anir_toolchain.cli import train_main; sys.exit(train_main(['a.png', '-o', 'a.pt']))"
    done = _run(code)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs torch, onnx, onnxscript, matplotlib, typer, rich;" in done.stderr
    assert "pip install 'anir[toolchain]'" in done.stderr


def test_the_base_install_requires_neither_torch_nor_onnx() -> None:
    base = [r for r in requires("anir") or [] if "extra ==" not in r]
    assert sorted(r.split(">")[0] for r in base) == ["numpy", "onnxruntime", "pillow", "wasmtime"]
