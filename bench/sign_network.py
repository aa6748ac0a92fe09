"""Trains the network of signs, a part of the `.anir` format (docs/format.md, "The network of signs")."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from bench.coder_networks import RoundedNetwork, fit, records_of, write

app = typer.Typer(add_completion=False)
_ALONG, _INPUTS, _HIDDEN = 14, 46, 16
"""Inputs along each axis, all inputs, and units of the hidden layer."""
_KINDS, _FREQUENCIES = 4, 8
"""Kinds of coefficients that have a last layer of their own; frequencies along an axis that have factors."""
_RATE = 1e-2
"""Peak learning rate."""


@app.command()
def main(
    photos: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    steps: Annotated[int, typer.Option(help="Of the optimizer.")] = 30000,
) -> None:
    """Writes the weights beside the coder's source, which must then be recompiled (npm run coder)."""
    records = records_of(photos, "SIGNS", _INPUTS + 4, 1)
    torch.manual_seed(0)
    network = _Network()
    fit(network, records, steps, _RATE)
    write(network.integers(), "sign_network")


class _Network(RoundedNetwork):
    """The network in real numbers; `units` are the values of its integer weights of 1."""

    units = (1 / 16, 1 / 16, 1 / 8, 1 / 16)

    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Parameter(torch.randn(_HIDDEN, _INPUTS) * 0.1)
        self.even = nn.Parameter(torch.randn(_HIDDEN, 2 * _ALONG) * 0.1)
        self.factors = nn.Parameter(torch.ones(2 * _FREQUENCIES, _HIDDEN))
        self.last = nn.Parameter(torch.randn(_KINDS, _HIDDEN) * 0.1)

    def forward(self, rows: Tensor) -> Tensor:
        """Returns log-odds for records int8[n, 50]: the inputs, kind, both frequencies, and the decision."""
        both, even, factors, last = self.values()
        kind, u, v = rows[:, _INPUTS : _INPUTS + 3].int().T
        seen = rows[:, :_INPUTS].float() / 8
        across, down = (1 - 2 * (frequency & 1)[:, None] for frequency in (v, u))
        along = torch.cat([seen[:, :_ALONG] * across, seen[:, _ALONG : 2 * _ALONG] * down], 1)
        own = factors[u.clamp(max=_FREQUENCIES - 1)] + factors[_FREQUENCIES + v.clamp(max=_FREQUENCIES - 1)]
        hidden = ((seen @ both.T + along @ even.T) * own / 2).clamp(-1, 1)
        return (hidden * last[kind]).sum(1)


if __name__ == "__main__":
    app()
