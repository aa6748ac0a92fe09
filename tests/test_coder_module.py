"""Checks that the WebAssembly in the package is compiled from the current source."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "web_demo/neural-img"


@pytest.mark.skipif(not (ROOT / "web_demo/node_modules").exists(), reason="needs npm install in web_demo")
def test_the_module_is_compiled_from_the_current_source(tmp_path: Path) -> None:
    out = tmp_path / "coder.wasm"
    subprocess.run(["node", "scripts/coder.mjs", out], check=True, cwd=PACKAGE)
    assert out.read_bytes() == (ROOT / "runtime_py/anir_runtime/coder.wasm").read_bytes()
