"""Benchmarks: the commands that measure the published figures."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results"
"""The folder into which these commands write their results, as JSON."""
