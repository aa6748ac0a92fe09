"""Trains the network of sizes, which is part of the `.anir` format (docs/format.md, "The network of sizes").

It learns from a folder of photographs that are in no benchmark here. The coder, compiled with records of what
the network sees, encodes them at their sixteen levels; what is lowered is the entropy of decisions on zeros.
Thresholds follow from what the network says, so records should be of a network that is nearly as good: the
weights here are those after 10,000 steps on records of one that a prototype had trained (bench/NOTES.md).
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from anir_runtime.coder import Coder
from anir_runtime.files import replacing
from anir_runtime.picture_file import as_pillow
from anir_runtime.steps import Step, code_step, factor
from anir_toolchain.embedding import embed
from anir_toolchain.image import load_image
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_bytes
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

app = typer.Typer(add_completion=False)
_NEURAL_IMG = Path(__file__).parents[1] / "web_demo" / "neural-img"
_BINARY = _NEURAL_IMG / "assembly" / "size_network.bin"
_SOURCE = _NEURAL_IMG / "assembly" / "size_network_weights.ts"
_INPUTS, _FIRST, _SECOND, _KINDS, _FREQUENCIES = 22, 16, 8, 8, 16
_ROW = _INPUTS + 4
_SHOWN, _CROPPED, _CROP = 640, 1024, (640, 480)
"""Longest side of a photograph that is learned from whole, of one that is cropped, and the crop's size."""
_GREY, _ONE_IN = 6, 6
"""One picture in so many is learned from in grey, too, and one decision in so many is recorded."""
_LEVELS, _TRIALS = 16, 4
_BATCH, _RATE = 4096, 8e-3
_ROUNDED_FROM = 0.5
"""Fraction of the steps after which weights are rounded."""

Pixels = NDArray[np.uint8]
Records = NDArray[np.uint8]


@app.command()
def main(
    photos: Annotated[Path, typer.Argument(help="A folder of photographs.")],
    steps: Annotated[int, typer.Option(help="Of the optimizer.")] = 10000,
) -> None:
    """Writes the weights beside the coder's source, which is to be compiled anew (npm run coder)."""
    with tempfile.TemporaryDirectory() as folder:
        _Recorder.source = Path(folder) / "recorder.wasm"
        _compile(_Recorder.source)
        records = np.concatenate([_records(image) for image in _pictures(photos)])
    print(f"{len(records):,} records")
    _write(_train(torch.from_numpy(records.astype(np.int64)), steps).integers())


def _compile(output: Path) -> None:
    """Compiles the coder with records, as `npm run coder` does without."""
    options = "-O3 --noAssert --enable simd --runtime stub --initialMemory 2 --use abort= --use RECORDING=1"
    command = ["npx", "asc", "assembly/recorder.ts", *options.split(), "-o", str(output)]
    subprocess.run(command, cwd=_NEURAL_IMG, check=True)


def _pictures(folder: Path) -> Iterator[Pixels]:
    """Each photograph at two scales, and some of these in grey."""
    count = 0
    for path in sorted(folder.iterdir()):
        photo = as_pillow(load_image(path)).convert("RGB")
        for longest, crop in ((_SHOWN, None), (_CROPPED, _CROP)):
            scale = longest / max(photo.size)
            if scale > 0.75:
                continue
            size = round(photo.width * scale), round(photo.height * scale)
            picture = photo.resize(size, Image.Resampling.LANCZOS if crop else Image.Resampling.BOX)
            if crop:
                left, top = (max(own - wanted, 0) // 2 for own, wanted in zip(size, crop, strict=True))
                picture = picture.crop((left, top, picture.width - left, picture.height - top))
            yield np.asarray(picture)
            count += 1
            if count % _GREY == 0:
                yield np.asarray(picture.convert("L"))[..., None]


class _Recorder(Coder):
    """The coder, which keeps what its network of sizes sees."""

    source: Path

    def record(self, most: int) -> None:
        """Keeps records from now on, up to so many bytes."""
        self._records = self._stream + self._reserved
        self._reserve(self._records + most)
        self._call("recordInto", self._records, most)

    def records(self) -> Records:
        """All records, uint8[n, 26]."""
        end = self._records + self._call("recorded")
        return self._bytes(self._records, end).reshape(-1, _ROW).copy()


def _records(image: Pixels) -> Records:
    """Records of a picture's sixteen levels."""
    coefficients = analyse(image).coefficients
    ends = level_bytes(_LEVELS, image.shape[1::-1])
    steps = [own.step for own in embed(coefficients, ends, [1] * _LEVELS, _TRIALS)]
    rows, columns, planes, pitch, _ = coefficients.shape
    coder = _Recorder(rows, columns, planes, pitch)
    coder.encode(coefficients.size + 4096, coefficients)
    coder.record(_LEVELS * coefficients.size * _ROW // 4)
    before: Step | None = None
    for step in steps:
        code_step(coder, before, step)
        coder.level(step.width, factor(before))
        before = step
    return coder.records()[::_ONE_IN]


class _Network(nn.Module):
    """The network, with real numbers in the units of its integers' values."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(_FIRST, _INPUTS) * 0.03)
        self.offsets = nn.Parameter(torch.randn(_KINDS + 2 * _FREQUENCIES, _FIRST) * 0.2)
        self.second = nn.Parameter(torch.randn(_SECOND, _FIRST) * 0.3)
        self.second_offsets = nn.Parameter(torch.zeros(_SECOND))
        self.last = nn.Parameter(torch.randn(_SECOND) * 0.3)
        self.last_offset = nn.Parameter(torch.zeros(1))
        self.rounding = False

    def forward(self, rows: Tensor) -> Tensor:
        """Odds of records int64[n, 26]."""
        first, offsets, second, second_offsets, last, last_offset = self._values()
        kind, row, column = rows[:, _INPUTS : _INPUTS + 3].T
        own = offsets[kind] + offsets[_KINDS + row] + offsets[_KINDS + _FREQUENCIES + column]
        hidden = (rows[:, :_INPUTS].float() @ first.T + own).clamp(0, 16)
        hidden = (hidden @ second.T + second_offsets).clamp(0, 16)
        return hidden @ last + last_offset

    def _values(self) -> list[Tensor]:
        return [
            (p + (_rounded(p, unit) * unit - p).detach()) if self.rounding else p
            for p, unit in zip(self.parameters(), _UNITS, strict=True)
        ]

    def integers(self) -> NDArray[np.int8]:
        """All weights, in the order of the format."""
        parts = [_rounded(p, unit).flatten() for p, unit in zip(self.parameters(), _UNITS, strict=True)]
        return torch.cat(parts).detach().numpy().astype(np.int8)


_UNITS = (1 / 256, 1 / 16, 1 / 32, 1 / 16, 1 / 64, 1 / 16)
"""Value of a weight of 1, for each of the network's parameters."""


def _rounded(values: Tensor, unit: float) -> Tensor:
    return (values / unit).round().clamp(-127, 127)


def _train(rows: Tensor, steps: int) -> _Network:
    torch.manual_seed(0)
    network = _Network()
    optimizer = torch.optim.Adam(network.parameters(), _RATE / 2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=steps, pct_start=0.2)
    total = 0.0
    for step in range(steps):
        network.rounding = step >= _ROUNDED_FROM * steps
        batch = rows[torch.randint(len(rows), (_BATCH,))]
        loss = functional.binary_cross_entropy_with_logits(network(batch), batch[:, -1].float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        total += loss.item() / np.log(2)
        if (step + 1) % 1000 == 0:
            print(f"{step + 1} steps: {total / 1000:.4f} bits a decision", flush=True)
            total = 0.0
    return network


def _write(weights: NDArray[np.int8]) -> None:
    """Writes the weights as bytes, and as the source that the coder is compiled with."""
    with replacing(_BINARY) as temporary:
        temporary.write_bytes(weights.tobytes())
    lines = [", ".join(map(str, weights[i : i + 16])) for i in range(0, len(weights), 16)]
    text = "\n".join(
        [
            "/** Weights of the network of sizes: size_network.bin, as bench/size_network.py wrote it. */",
            "export const WEIGHTS: StaticArray<i8> = [",
            *(f"  {line}," for line in lines),
            "];\n",
        ]
    )
    with replacing(_SOURCE) as temporary:
        temporary.write_text(text)


if __name__ == "__main__":
    app()
