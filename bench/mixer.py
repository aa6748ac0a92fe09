"""Finds the initial weights of the mixer, a part of the `.anir` format (docs/format.md, "Mixing").

They are the values to which the weights that no selector chooses have adapted after half of the levels: the
median over photographs, for each kind of decision, in the first plane and in the others.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from bench.coder_networks import LEVELS, recorders, write

app = typer.Typer(add_completion=False)
_KINDS = 18
"""Kinds of decisions."""
_INPUTS, _WEIGHTS = 6, 24
"""Inputs of the mixer with initial weights, and weights of a set in the coder's memory."""
_UNIT = 1024
"""Value of a weight of 1 in the table."""


@app.command()
def main(photos: Annotated[Path, typer.Argument(help="A folder of photographs.")]) -> None:
    """Writes the weights beside the coder's source; run `npm run coder` afterwards to compile them in."""
    learned = [
        own.coder.weights(_KINDS, _WEIGHTS)[..., :_INPUTS]
        for own in recorders(photos, "SIZES", LEVELS // 2, 0)
    ]
    first = np.median([own[:, 0] for own in learned if own.shape[1] > 1], 0)
    others = np.median([own[:, p] for own in learned for p in range(1, own.shape[1])], 0)
    table = np.rint(np.stack([first, others], 1) / _UNIT)
    write(table.astype(np.int8).ravel(), "mixer")


if __name__ == "__main__":
    app()
