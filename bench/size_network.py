"""Trains the network of sizes, which is part of the `.anir` format (docs/format.md, "The network of sizes").

Thresholds follow from what the network says, so records should be of a network that is nearly as good: the
weights here are those after 10,000 steps on records of one that a prototype had trained (bench/NOTES.md).
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from bench.coder_networks import RoundedNetwork, fit, records_of, write

app = typer.Typer(add_completion=False)
_INPUTS, _FIRST, _SECOND, _KINDS, _FREQUENCIES = 22, 16, 8, 8, 16
_ONE_IN = 6
_RATE = 8e-3


@app.command()
def main(
    photos: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    steps: Annotated[int, typer.Option(help="Of the optimizer.")] = 10000,
) -> None:
    """Writes the weights beside the coder's source, which is to be compiled anew (npm run coder)."""
    records = records_of(photos, "SIZES", _INPUTS + 4, _ONE_IN).int()
    torch.manual_seed(0)
    network = _Network()
    fit(network, records, steps, _RATE)
    write(network.integers(), "size_network")


class _Network(RoundedNetwork):
    """The network, with real numbers in the units of its integers' values."""

    units = (1 / 256, 1 / 16, 1 / 32, 1 / 16, 1 / 64, 1 / 16)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(_FIRST, _INPUTS) * 0.03)
        self.offsets = nn.Parameter(torch.randn(_KINDS + 2 * _FREQUENCIES, _FIRST) * 0.2)
        self.second = nn.Parameter(torch.randn(_SECOND, _FIRST) * 0.3)
        self.second_offsets = nn.Parameter(torch.zeros(_SECOND))
        self.last = nn.Parameter(torch.randn(_SECOND) * 0.3)
        self.last_offset = nn.Parameter(torch.zeros(1))

    def forward(self, rows: Tensor) -> Tensor:
        """Odds of records int32[n, 26]."""
        first, offsets, second, second_offsets, last, last_offset = self.values()
        kind, row, column = rows[:, _INPUTS : _INPUTS + 3].T
        own = offsets[kind] + offsets[_KINDS + row] + offsets[_KINDS + _FREQUENCIES + column]
        hidden = (rows[:, :_INPUTS].float() @ first.T + own).clamp(0, 16)
        hidden = (hidden @ second.T + second_offsets).clamp(0, 16)
        return hidden @ last + last_offset


if __name__ == "__main__":
    app()
