"""Trains the network of sizes, which is part of the `.anir` format (docs/format.md, "The network of sizes").

The significance thresholds, and with them the records to train on, depend on the network's own output. So
records should be made with a network that is nearly as good: today's weights were trained on records that
were made with the weights before (bench/NOTES.md).
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from bench.coder_networks import RoundedNetwork, fit, records_of, write

app = typer.Typer(add_completion=False)
_INPUTS, _FIRST, _SECOND = 22, 16, 8
"""Inputs, and units of the hidden layers."""
_KINDS, _FREQUENCIES = 8, 16
"""Kinds of coefficients, and frequencies along an axis, that have offsets of their own."""
_ONE_IN = 6
"""One record of this many is trained on."""
_RATE = 8e-3
"""Peak learning rate."""


@app.command()
def main(
    photos: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    steps: Annotated[int, typer.Option(help="Of the optimizer.")] = 30000,
) -> None:
    """Writes the weights beside the coder's source, which must then be recompiled (npm run coder)."""
    records = records_of(photos, "SIZES", _INPUTS + 4, _ONE_IN)
    torch.manual_seed(0)
    network = _Network()
    fit(network, records, steps, _RATE)
    write(network.integers(), "size_network")


class _Network(RoundedNetwork):
    """The network in real numbers; `units` are the values of its integer weights of 1."""

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
        """Returns log-odds for records int8[n, 26]: the inputs, kind, index (i, j), and the decision."""
        first, offsets, second, second_offsets, last, last_offset = self.values()
        kind, row, column = rows[:, _INPUTS : _INPUTS + 3].int().T
        own = offsets[kind] + offsets[_KINDS + row] + offsets[_KINDS + _FREQUENCIES + column]
        hidden = (rows[:, :_INPUTS].float() @ first.T + own).clamp(0, 16)
        hidden = (hidden @ second.T + second_offsets).clamp(0, 16)
        return hidden @ last + last_offset


if __name__ == "__main__":
    app()
