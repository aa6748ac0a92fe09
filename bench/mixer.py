"""Finds the weights that the mixer begins with, a part of the `.anir` format (docs/format.md, "Mixing").

They are what the weights that no selector chooses have become after half of the levels: the median of
photographs, for each kind of decision, in the first plane and in the others.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bench.coder_networks import LEVELS, recorders, write

app = typer.Typer(add_completion=False)
_KINDS, _INPUTS, _WEIGHTS = 18, 6, 8
"""Kinds of decisions; weights of a set that may not be 0, and with those that stay 0."""
_UNIT = 1024
"""What a weight of 1 in the table is worth."""


@app.command()
def main(photos: Annotated[Path, typer.Argument(help="A folder of photographs.")]) -> None:
    """Writes the weights beside the coder's source, which is to be compiled anew (npm run coder)."""
    learned = [
        coder.weights(_KINDS, _WEIGHTS)[..., :_INPUTS] for coder in recorders(photos, "SIZES", LEVELS // 2, 0)
    ]
    first = np.median([own[:, 0] for own in learned if own.shape[1] > 1], 0)
    others = np.median([own[:, p] for own in learned for p in range(1, own.shape[1])], 0)
    table = np.rint(np.stack([first, others], 1) / _UNIT)
    write(table.astype(np.int8).ravel(), "mixer")


if __name__ == "__main__":
    app()
