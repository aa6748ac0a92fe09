from pathlib import Path

import pytest

from bench.module_map import summary


@pytest.mark.parametrize(
    ("name", "text", "first"),
    [
        ("a.py", '"""Reads it. And more."""\n', "Reads it."),
        (
            "a.py",
            '"""Two\nlines (Vyas et al. 2024), one\nsentence.\n\nMore."""\n',
            "Two lines (Vyas et al. 2024), one sentence.",
        ),
        ("a.py", '"""A | B: nothing more"""\n', "A \\| B: nothing more"),
        ("a.py", "x = 1\n", ""),
        ("a.ts", "/**\n * Draws `it`,\n * slowly. Then ends.\n */\nexport {};\n", "Draws `it`, slowly."),
        ("a.ts", "import './b.ts';\n\n/** Tells. */\nexport {};\n", "Tells."),
        ("a.ts", "export {};\n", ""),
    ],
)
def test_summary_is_the_first_sentence(name: str, text: str, first: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert summary(path) == first
