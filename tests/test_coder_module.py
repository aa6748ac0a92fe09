"""Checks that the WebAssembly in the package is compiled from the current source."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMPILER = ROOT / "web_demo/node_modules/.bin/asc"
OPTIONS = "-O3 --noAssert --enable simd --runtime stub --initialMemory 2 --use abort="


@pytest.mark.skipif(not COMPILER.exists(), reason="needs npm install in web_demo")
def test_the_module_is_compiled_from_the_current_source(tmp_path: Path) -> None:
    out = tmp_path / "coder.wasm"
    source = ROOT / "web_demo/neural-img/assembly/coder.ts"
    subprocess.run([COMPILER, source, *OPTIONS.split(), "-o", out], check=True, cwd=ROOT)
    assert out.read_bytes() == (ROOT / "runtime_py/anir_runtime/coder.wasm").read_bytes()
