"""The README's tables are those of the committed results."""

from bench.readme import README, rendered


def test_tables_are_rendered_from_the_results() -> None:
    text = README.read_text(encoding="utf-8")
    assert rendered(text) == text
