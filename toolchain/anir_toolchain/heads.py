"""The linear heads in closed form: least squares, then rounding whose errors make up for one another."""

import torch
from torch import Tensor

from anir_toolchain.quantizer import quantize

_RIDGE = 1e-5


class Moments:
    """Second moments of one layer's channels and the colours, summed in float64 over batches of points."""

    def __init__(self, channels: int, device: torch.device) -> None:
        self.gram = torch.zeros(channels + 1, channels + 1, dtype=torch.float64, device=device)
        self.cross = torch.zeros(channels + 1, 3, dtype=torch.float64, device=device)
        self.points = 0

    def add(self, channels: Tensor, colours: Tensor) -> None:
        """Adds points: channels [N, C] and colours [N, 3]."""
        rows = torch.cat([torch.ones_like(channels[:, :1]), channels], dim=1).double()
        self.gram += rows.T @ rows
        self.cross += rows.T @ colours.double()
        self.points += len(rows)

    def solve(self, bits: int, alike: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """The best quantized linear map from the C channels to colours.

        Rounds one channel after the other and lets the rest, at last the bias, make up for the error, as
        GPTQ does (Frantar et al. 2022).

        Args:
            bits: of a code.
            alike: whether the three steps have to be the same.

        Returns:
            codes float32[3, C], step float32[3], bias float32[3].
        """
        # The bias last, so that it makes up for what is left.
        width = len(self.gram) - 1
        order = torch.tensor([*range(1, width + 1), 0], device=self.gram.device)
        gram, cross = self.gram[order][:, order] / self.points, self.cross[order] / self.points
        energy = gram.diagonal()
        gram = gram + _RIDGE * energy.clamp_min(1e-6 * energy.mean().item()).diag()
        solution = torch.linalg.solve(gram, cross).T.contiguous()
        largest = solution[:, :-1].abs().amax(1)
        largest = largest.amax().expand(3) if alike else largest
        step = (largest / (2 ** (bits - 1) - 1)).clamp_min(1e-12)
        feedback = torch.linalg.cholesky(torch.linalg.inv(gram), upper=True)
        codes = torch.zeros_like(solution[:, :-1])
        for i in range(width):
            codes[:, i] = quantize(solution[:, i], step, bits)
            error = (solution[:, i] - codes[:, i] * step) / feedback[i, i]
            solution[:, i:] -= error[:, None] * feedback[i, i:]
        return codes.float().cpu(), step.float().cpu(), solution[:, -1].float().cpu()
