"""Trains the common networks of the family `lapped`, which are part of the `.anir` format (docs/format.md).

They are trained on a folder of photographs and on some of scikit-image and matplotlib, which are in no
benchmark of the family here, all at the sixteen levels of a file. For each number of channels there is one
supernet of 4-bit weights, whose heads estimate the errors of the decoded planes. Training minimizes the mean
logarithm of the squared error over all levels of all pictures.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, NamedTuple

import matplotlib
import numpy as np
import skimage
import torch
import typer
from anir_runtime.common_networks import DEPTHS, INNER, CommonTrunk, to_bytes
from anir_runtime.coordinates import axis_coordinates
from anir_runtime.files import replacing
from anir_toolchain.embedding import UNIT
from anir_toolchain.image import load_image
from anir_toolchain.lapped_analysis import analyse, planes_of
from anir_toolchain.lapped_synthesis import CONSTANT, features_at
from anir_toolchain.levels import level_order, refined_levels
from anir_toolchain.quantizer import lsq, quantize
from anir_toolchain.space import Space
from PIL import Image
from torch import Tensor

from bench.coder_networks import Pixels, pictures

app = typer.Typer(add_completion=False)
_SKIMAGE = Path(skimage.__file__).parent / "data"
_SAMPLES = [
    *(_SKIMAGE / name for name in ("chelsea.png", "rocket.jpg", "motorcycle_left.png", "retina.jpg")),
    Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
]
_ACROSS = 100
"""Number of rows, and of columns, of a picture at whose crossings pixels are trained on."""
_BATCH = 384
"""Pixels of a picture in a training step."""
_RATE = 2e-2
"""Peak learning rate of weights and heads."""
_STEP_RATE = 2e-3
"""Peak learning rate of the logarithms of step sizes."""
_QUANTIZED_FROM = 0.4
"""Fraction of the training steps after which weights are rounded."""
_PLANES = 3
"""Planes that heads correct; grey pictures have only the first."""


class Level(NamedTuple):
    """A level of one picture, or of P pictures, at N pixels.

    Attributes:
        seen: inputs of the n channels other than the planes', float16[P, N, n].
        lacking: true minus decoded planes, in the level's width (quantization step), float16[P, N, 3]; 0 for
            planes that the picture does not have.
    """

    seen: Tensor
    lacking: Tensor


@app.command()
def main(
    photos: Annotated[Path, typer.Argument(help="A folder of photographs to learn from.")],
    output: Annotated[Path, typer.Argument(help="Where the networks go.")],
    steps: Annotated[int, typer.Option(help="Of the optimizer.")] = 2000,
) -> None:
    """Trains all four trunks."""
    each = [_levels(image) for image in chain(pictures(photos), _samples())]
    levels = [
        Level(*(torch.stack(own) for own in zip(*level, strict=True))) for level in zip(*each, strict=True)
    ]
    trunks = {n: _train(levels[4 * i : 4 * i + 4], n, steps) for i, n in enumerate(INNER)}
    with replacing(output) as temporary:
        temporary.write_bytes(to_bytes(trunks))


def _samples() -> Iterator[Pixels]:
    """Yields photographs that come with libraries, each at full and at half size."""
    for path in _SAMPLES:
        image = load_image(path)
        half = Image.fromarray(image).resize((image.shape[1] // 2, image.shape[0] // 2), Image.Resampling.BOX)
        yield from (image, np.asarray(half))


def _levels(image: Pixels) -> list[Level]:
    """Returns a picture's sixteen levels, at the crossings of random rows and columns."""
    height, width, planes = image.shape
    order = level_order(Space(DEPTHS, tuple(n + planes for n in INNER)))
    analysis = analyse(image, 16)
    generator = np.random.default_rng(0)
    columns, rows = (np.sort(generator.integers(0, n, _ACROSS)) for n in (width, height))
    wanted = planes_of(image, analysis.colours)[rows][:, columns].reshape(-1, planes) / np.float32(UNIT)
    x, y = axis_coordinates(width)[columns], axis_coordinates(height)[rows]
    result = []
    levels = refined_levels(analysis.coefficients, order, (width, height), 4)
    for level, subnet in zip(levels, order, strict=True):
        seen = features_at(level.latents(), x, y, (width, height), subnet.width).reshape(len(wanted), -1)
        constant = np.full((len(wanted), subnet.width - seen.shape[1]), CONSTANT, np.float32)
        own = np.concatenate([seen[:, planes:], constant], 1)
        lacking = np.zeros((len(wanted), _PLANES), np.float32)
        lacking[:, :planes] = wanted / np.float32(level.step.width) - seen[:, :planes]
        # Half precision, as there are gigabytes of them.
        result.append(Level(torch.from_numpy(own).half(), torch.from_numpy(lacking).half()))
    return result


def _train(levels: Sequence[Level], own: int, steps: int) -> CommonTrunk:
    """Trains the trunk with `own` channels other than the planes', given its four levels of all pictures."""
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(len(DEPTHS), own, own) * 0.75 / own**0.5)
    head = torch.nn.Parameter(torch.zeros(len(DEPTHS), own, _PLANES))
    log_step = torch.nn.Parameter(torch.zeros(len(DEPTHS), 1, 1))
    rates = [_RATE, _STEP_RATE]
    groups = [
        {"params": own, "lr": rate} for own, rate in zip(([weight, head], [log_step]), rates, strict=True)
    ]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps)
    begins = round(_QUANTIZED_FROM * steps)
    for step in range(steps):
        if step == begins:
            log_step.data = (0.35 * weight.detach().square().mean((1, 2), keepdim=True).sqrt()).log()
        layers = lsq(weight, log_step.exp(), 4) if step >= begins else weight
        loss = torch.zeros(())
        index = torch.randint(_ACROSS**2, (_BATCH,))
        for depth, level in enumerate(levels):
            seen, lacking = (own[:, index].float() for own in level)
            error = lacking - _channels(seen, layers[: depth + 1]) @ head[depth]
            # A plane that a picture does not have has no error.
            error = error * lacking.any(1, keepdim=True)
            loss = loss + error.square().sum(2).mean(1).log().mean() / len(levels)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            print(f"{own} channels: step {step} of {steps}, {loss.item():.4f}", flush=True)
    return _as_codes(weight.detach(), log_step.detach().exp(), head.detach())


def _channels(first: Tensor, layers: Tensor) -> Tensor:
    """Returns the last layer's channels other than the planes': hₗ₊₁ = h₁ + sin(hₗ Wₗ)."""
    h = first
    for layer in layers:
        h = first + torch.sin(h @ layer)
    return h


def _as_codes(weight: Tensor, step: Tensor, head: Tensor) -> CommonTrunk:
    weights = quantize(weight, step, 4).to(torch.int8).numpy()
    heads = (128 * head).round().clamp(-127, 127).to(torch.int8).transpose(1, 2)
    return CommonTrunk(weights, step.flatten().numpy(), heads.contiguous().numpy())


if __name__ == "__main__":
    app()
