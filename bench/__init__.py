"""Benchmarks: what the published numbers come from."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results"
"""Where the commands here leave their results, as JSON."""
