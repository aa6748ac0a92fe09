"""A trunk of the once-for-all supernet: the real-valued layers of one width, shared by all its depths."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from anir_toolchain.affine import affine
from anir_toolchain.families import Family
from anir_toolchain.model import Quantized, QuantizedTrunk
from anir_toolchain.quantizer import TOP_CODE, VECTOR_BITS, code_range, lsq, quantize, row_step, soft_round

_MOST_RMS = 2.2
"""Largest magnitude of a hidden weight in the phase `fit`, as a multiple of its output's RMS weight."""
_STEP_RMS = 0.3
"""Initial step size at 4 bits, as a multiple of the same RMS: the sixteen codes then span ±2.4 RMS."""

Parameters = dict[str, Tensor]
"""A trunk's tensors by name; `Trunk` lists the names."""


class Trunk:
    """The subnets of one width in training.

    With D layers, C channels, F filter banks of K values each, and one head for each depth, the parameters
    are filters [F, K, C], weight [D-1, C, C] over (input, output), bias [D-1, C], head [depths, colours, C],
    head_bias [depths, colours], and log_step [D-1, C], the natural logarithm of the step size of each
    output's 4- or 8-bit weights. If the family is lean, bias is [0, C] and log_step [D-1, 1]. Colours are in
    [-1, 1]. Trunks of equal shape, one per picture, can be joined into one: all tensors then have a leading
    axis of pictures, including those that methods take and return.

    Methods that evaluate networks take the parameters as an argument: `parameters` itself or a quantized
    version of it.
    """

    def __init__(self, family: Family, depths: tuple[int, ...], bits: int, parameters: Parameters) -> None:
        self.family = family
        self.depths = depths
        self.bits = bits
        self.parameters = parameters
        # Moved to the device once, as each step needs them.
        self._top_codes = top_codes(family).to(parameters["filters"].device)

    @classmethod
    def create(
        cls,
        family: Family,
        depths: tuple[int, ...],
        width: int,
        bits: int,
        size: tuple[int, int],
        colours: int,
        bandwidth: float,
        generator: torch.Generator,
    ) -> "Trunk":
        """Returns a trunk with random parameters.

        Args:
            family: the family of its networks.
            depths: depths of the subnets, ascending.
            width: number of channels of each layer.
            bits: bits of a hidden weight, 4 or 8.
            size: (W, H) of the picture in pixels.
            colours: number of the picture's colour channels.
            bandwidth: highest first-layer frequency, in radians per half mean side.
            generator: draws the random numbers.
        """
        depth = depths[-1]

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=generator) * 2 - 1

        # Sines have variance ½; weights within √(6 / fan-in) then keep that of pre-activations at 1, as in
        # SIREN (Sitzmann et al. 2020, section 3.2).
        bound = math.sqrt(6 / width)
        mean_side = math.sqrt(size[0] * size[1])
        aspect = (size[0] / mean_side, size[1] / mean_side)
        parameters = {
            "filters": family.init_filters(
                depth, width, aspect, bandwidth, math.pi / 2 * mean_side, generator
            ),
            "weight": uniform(depth - 1, width, width) * bound,
            "bias": uniform(0 if family.lean else depth - 1, width) * bound,
            "head": uniform(len(depths), colours, width) * 0.01,
            "head_bias": torch.zeros(len(depths), colours),
            "log_step": torch.zeros(depth - 1, 1 if family.lean else width),
        }
        return cls(family, depths, bits, parameters)

    def to(self, device: torch.device) -> "Trunk":
        """Returns the trunk on another device, with parameters that require gradients."""
        return self.with_parameters({n: v.to(device).requires_grad_() for n, v in self.parameters.items()})

    def with_parameters(self, parameters: Parameters) -> "Trunk":
        """Returns a trunk of the same family, depths and bits with other parameters."""
        return Trunk(self.family, self.depths, self.bits, parameters)

    @property
    def width(self) -> int:
        """Number of channels of each layer."""
        return self.parameters["head"].shape[-1]

    @property
    def planes(self) -> int:
        """Number of the latents' planes: the first channels of each layer, to which no weights lead."""
        return self.family.planes(self.parameters["head"].shape[-2])

    def last_layers(
        self, parameters: Parameters, x: Tensor, y: Tensor, features: Sequence[Tensor]
    ) -> list[Tensor]:
        """Returns the input of each depth's head at N points: float32[N, C] for each depth.

        Args:
            parameters: the networks' parameters.
            x: coordinates of the points, float32[N] in [-1, 1].
            y: coordinates of the points, float32[N] in [-1, 1].
            features: for each depth the inputs that its first layer takes from its latents, float32[N, n];
                empty if the family has no latents. Depths with features share weights, but no activations.
        """
        filters, weights, biases = (parameters[name] for name in ("filters", "weight", "bias"))
        if not features:
            layers = self.family.forward(filters, weights, biases, x, y)
            return [layers[depth - 1] for depth in self.depths]
        result = []
        for depth, own in zip(self.depths, features, strict=True):
            first = weights[..., : depth - 1, :, :], biases[..., : depth - 1, :]
            result.append(self.family.forward(filters, *first, x, y, own, self.planes)[-1])
        return result

    def colours(
        self, parameters: Parameters, x: Tensor, y: Tensor, features: Sequence[Tensor]
    ) -> list[Tensor]:
        """Returns each depth's colours at N points, float32[colours, N] for each depth; see `last_layers`."""
        # Transposed: a product with a few long rows is four times as fast as one with a few columns.
        heads, biases = parameters["head"].unbind(-3), parameters["head_bias"][..., None].unbind(-3)
        layers = self.last_layers(parameters, x, y, features)
        return [
            _Head.apply(bias, head, channels)  # type: ignore[no-untyped-call]
            for bias, head, channels in zip(biases, heads, layers, strict=True)
        ]

    @torch.no_grad()
    def clip_weights(self) -> None:
        """Clips hidden weights at _MOST_RMS, as the few levels of 4 bits cannot represent heavy tails."""
        limit = _MOST_RMS * self._output_rms()[..., None, :]
        self.parameters["weight"].clamp_(-limit, limit)

    @torch.no_grad()
    def round_frequencies(self) -> None:
        """Rounds the first two values of each filter, its frequencies, to their codes."""
        self.parameters["filters"][..., :2, :] = self._rounded_filters()[..., :2, :]

    @torch.no_grad()
    def prepare_quantization(self) -> None:
        """Initializes step sizes from the real-valued weights, and wraps periodic biases into [-π, π)."""
        step = self._output_rms() * _STEP_RMS * 2 ** (4 - self.bits)
        if self.family.lean:
            step = step[..., self.planes :].square().mean(-1, keepdim=True).sqrt()
        self.parameters["log_step"].copy_(step.clamp_min(1e-8).log())
        if self.family.periodic_bias:
            bias = self.parameters["bias"]
            bias.copy_(torch.remainder(bias + math.pi, 2 * math.pi) - math.pi)

    def softly_quantized(self, progress: float) -> Parameters:
        """Returns partly quantized parameters, through which gradients reach the trunk's own.

        Filters and biases are rounded with a straight-through gradient. Hidden weights of 4 bits are softly
        rounded, twice in a row, by a staircase that grows steeper with `progress` from 0 to 1, so that
        gradients lead them to codes at which they can stay. Hidden weights of 8 bits are rounded by LSQ,
        which loses almost nothing at 8 bits.
        """
        step = self._step()
        if self.bits == 8:
            weight = lsq(self.parameters["weight"], step, self.bits)
        else:
            ratio = (self.parameters["weight"] / step).clamp(*code_range(self.bits))
            temperature = self._temperature(progress)
            weight = soft_round(soft_round(ratio, temperature), temperature) * step
        return {**self.parameters, "weight": weight, **self._rounded_vectors()}

    def quantized(self) -> Parameters:
        """Returns the parameters of the exported networks, except that the heads are still real-valued.

        Gradients reach all of the trunk's own parameters except hidden weights and step sizes.
        """
        with torch.no_grad():
            codes, scale = _step_codes(self._step()[..., 0, :])
            step = (codes * scale)[..., None, :]
            weight = quantize(self.parameters["weight"], step, self.bits) * step
        return {**self.parameters, "weight": weight, **self._rounded_vectors()}

    @torch.no_grad()
    def to_codes(self, head: Quantized, head_bias: Tensor) -> QuantizedTrunk:
        """Returns the parameters of `quantized` as codes and scales on the CPU, with the given heads."""
        own = {name: value.cpu() for name, value in self.parameters.items()}
        step, step_scale = _step_codes(own["log_step"].exp())
        weight = quantize(own["weight"], (step * step_scale)[:, None, :], self.bits)
        # The family does not read the weights that lead to planes, so no gradient has ever reached them.
        weight[..., : self.planes] = 0
        return QuantizedTrunk(
            filters=_row_codes(self.family.roots(own["filters"]), top_codes(self.family), torch.int16),
            weight=weight.to(torch.int8),
            step=Quantized(step.to(torch.int8), step_scale[..., 0]),
            bias=_row_codes(own["bias"], TOP_CODE, torch.int8),
            head=head,
            head_bias=head_bias,
        )

    def _step(self) -> Tensor:
        """Returns the step sizes: one per output, [D-1, 1, C], or one per matrix if lean, [D-1, 1, 1]."""
        return self.parameters["log_step"].exp()[..., None, :]

    def _output_rms(self) -> Tensor:
        """Returns the root mean square of the hidden weights that lead to each output, [D-1, C]."""
        return self.parameters["weight"].square().mean(-2).sqrt()

    def _temperature(self, progress: float) -> Tensor:
        """Returns each layer's soft-rounding temperature, [D-1, 1, 1]: 0.7 to 0.1, early layers first."""
        weight = self.parameters["weight"]
        order = torch.linspace(0, 1, weight.shape[-3], device=weight.device)
        done = (1.5 * progress - 0.5 * order).clamp(0, 1)
        return (0.7 - 0.6 * done)[:, None, None]

    def _rounded_vectors(self) -> Parameters:
        """Returns filters and biases rounded to their codes, with a straight-through gradient."""
        bias = self.parameters["bias"]
        # The row's largest value sets the step, so 16 bits clip nothing; TOP_CODE is what makes it 8 bits.
        return {"filters": self._rounded_filters(), "bias": lsq(bias, row_step(bias.detach(), TOP_CODE), 16)}

    def _rounded_filters(self) -> Tensor:
        """Returns filters rounded to their codes, with a straight-through gradient."""
        filters = self.parameters["filters"]
        with torch.no_grad():
            roots = self.family.roots(filters)
            step = row_step(roots, self._top_codes)
            rounded = self.family.filters((roots / step).round() * step)
        return filters + (rounded - filters).detach()


class _Head(torch.autograd.Function):
    """A head, b + W hᵀ, whose gradient of h keeps the memory layout of h, as another would be slow to use."""

    @staticmethod
    def forward(ctx, bias: Tensor, head: Tensor, channels: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(head, channels)
        return affine(bias, head, channels.mT)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[no-untyped-def]
        head, channels = ctx.saved_tensors
        return grad.sum(-1, keepdim=True), grad @ channels, grad.mT @ head


def top_codes(family: Family) -> Tensor:
    """Returns the largest code of each of a filter's K values, [K, 1]."""
    return torch.tensor([TOP_CODE * 2 ** (bits - 8) for bits in family.filter_bits]).reshape(-1, 1)


def _step_codes(steps: Tensor) -> tuple[Tensor, Tensor]:
    """Returns codes, 1 to 127, of positive step sizes [D-1, n], and each layer's scale, [D-1, 1]."""
    scale = row_step(steps, TOP_CODE)
    return quantize(steps, scale, VECTOR_BITS).clamp_min(1), scale


def _row_codes(values: Tensor, top: Tensor | int, dtype: torch.dtype) -> Quantized:
    step = row_step(values, top)
    return Quantized((values / step).round().to(dtype), step[..., 0])
