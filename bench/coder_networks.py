"""Common parts of training the small networks of the `.anir` coder: photographs, records, the optimizer.

The networks are part of the format (docs/format.md). They are trained on a folder of photographs that are in
no benchmark here: a build of the coder that records a network's inputs encodes them, at sixteen levels and at
some of these alone, and training minimizes the entropy of the recorded decisions.
"""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from anir_runtime.coder import Coder, Integers
from anir_runtime.files import replacing
from anir_runtime.level_step import LevelStep, code_level_step
from anir_runtime.picture_file import as_pillow
from anir_toolchain.config import Config
from anir_toolchain.embedding import encode_levels
from anir_toolchain.image import load_image
from anir_toolchain.lapped_analysis import analyse
from anir_toolchain.levels import level_bytes, level_order
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

_NEURAL_IMG = Path(__file__).parents[1] / "web_demo" / "neural-img"
_WHOLE_SIDE = 640
"""Longest side in pixels to which a photograph is scaled when it is used whole."""
_CROPPED_SIDE, _CROP = 1024, (640, 480)
"""Longest side in pixels to which it is scaled to be cropped, and the (width, height) of the crop."""
_GREY = 6
"""One picture of this many is also used in grey."""
LEVELS = 16
"""Levels at which photographs are encoded."""
_ALONE = (1, 4, 7, 9, 11, 13, 15)
"""Levels, counted from 0, that are also encoded alone, as in files of one level."""
_ALONE_SHARE = 1 / 8
"""Share of records of levels alone, where cells below and to the right are unknown, in a batch."""
_TRIALS = 4
"""Most quantization steps that are tried for each level."""
_BATCH = 4096
"""Records of one training step."""
_ROUNDED_FROM = 0.5
"""Fraction of the steps after which weights are rounded."""

Pixels = NDArray[np.uint8]
Records = NDArray[np.int8]


class Decisions(NamedTuple):
    """Records int8[n, row] of a network's inputs and, last, the decision, over all photographs.

    Attributes:
        levels: of sixteen levels, one after the other.
        alone: of levels that were encoded alone.
    """

    levels: Tensor
    alone: Tensor


def records_of(photos: Path, what: str, row: int, one_in: int) -> Decisions:
    """Returns a network's inputs at each decision that was coded, and the decision, over all photographs.

    Args:
        photos: a folder of photographs.
        what: the network, "SIZES" or "SIGNS".
        row: numbers in a record: the inputs and, last, the decision.
        one_in: one record of this many is kept.
    """
    levels, alone = list[Records](), list[Records]()
    for coder, steps, coefficients in recorders(photos, what, LEVELS, row):
        levels.append(coder.records(row)[::one_in])
        for number in _ALONE:
            own = _encoded(coefficients, steps[number : number + 1], row)
            alone.append(own.records(row)[::one_in])
    result = Decisions(*(torch.from_numpy(np.concatenate(own)) for own in (levels, alone)))
    print(f"{len(result.levels):,} records, {len(result.alone):,} of levels alone")
    return result


class Recording(NamedTuple):
    """A picture's coefficients, the steps of its levels, and the coder that has encoded them."""

    coder: "Recorder"
    steps: list[LevelStep]
    coefficients: Integers


def recorders(photos: Path, what: str, levels: int, row: int) -> Iterator[Recording]:
    """Yields, for each picture, the coder after it has encoded the first `levels` of the sixteen levels.

    The coder has the records of a network (see `records_of`), none if `row` is 0.
    """
    with tempfile.TemporaryDirectory() as folder:
        Recorder.source = Path(folder) / "recorder.wasm"
        _compile(Recorder.source, what)
        for image in pictures(photos):
            yield _recorded(image, levels, row)


def _compile(output: Path, what: str) -> None:
    """Compiles the coder as `npm run coder` does, but with the recording of the network `what`."""
    command = ["node", "scripts/coder.mjs", str(output), "recorder.ts", "--use", f"RECORDING_{what}=1"]
    subprocess.run(command, cwd=_NEURAL_IMG, check=True)


def pictures(folder: Path) -> Iterator[Pixels]:
    """Yields the photographs of a folder, whole and cropped, uint8[H, W, 3], some also in grey, [H, W, 1]."""
    count = 0
    for path in sorted(folder.iterdir()):
        photo = as_pillow(load_image(path)).convert("RGB")
        for longest, crop in ((_WHOLE_SIDE, None), (_CROPPED_SIDE, _CROP)):
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


class Recorder(Coder):
    """A coder that records the inputs of one of its networks, and gives access to its mixer's weights."""

    source: Path

    def record(self, most: int) -> None:
        """Starts to record, up to `most` bytes."""
        self._records = self._stream + self._reserved
        self._reserve(self._records + most)
        self._call("recordInto", self._records, most)

    def records(self, row: int) -> Records:
        """Returns all records, int8[n, row]."""
        end = self._records + self._call("recorded")
        return self._bytes(self._records, end).view(np.int8).reshape(-1, row).copy()

    def weights(self, kinds: int, inputs: int) -> NDArray[np.int32]:
        """Returns the mixer's sets of weights that no selector chooses, int32[kinds, planes, inputs]."""
        planes = self._shape[2]
        start = self._call("weightsOfKinds")
        weights = self._bytes(start, start + 4 * kinds * planes * inputs).view(np.int32)
        return weights.reshape(kinds, planes, inputs).copy()


def _recorded(image: Pixels, levels: int, row: int) -> Recording:
    """Encodes the first levels of a picture, and records."""
    coefficients = analyse(image, 16).coefficients
    height, width, planes = image.shape
    order = level_order(Config().space(width, height, planes))
    ends = level_bytes(order, (width, height), planes)[:levels]
    steps = [own.step for own in encode_levels(coefficients, ends, [1] * levels, _TRIALS)]
    return Recording(_encoded(coefficients, steps, row), steps, coefficients)


def _encoded(coefficients: Integers, steps: Sequence[LevelStep], row: int) -> Recorder:
    """Returns the coder after it has encoded levels with the given steps, with its records."""
    rows, columns, planes, pitch, _ = coefficients.shape
    coder = Recorder(rows, columns, planes, pitch)
    coder.encode(coefficients.size + 4096, coefficients)
    coder.record(len(steps) * coefficients.size * row // 4)
    before: LevelStep | None = None
    for step in steps:
        code_level_step(coder, before, step)
        coder.level(step.width)
        before = step
    return coder


class RoundedNetwork(nn.Module):
    """A network whose parameters are trained as real numbers and end as int8 weights.

    Attributes:
        units: value of a weight of 1, for each parameter in the order in which they were made.
        rounding: whether parameters are rounded to whole multiples of their unit, −127 to 127.
    """

    units: tuple[float, ...]

    def __init__(self) -> None:
        super().__init__()
        self.rounding = False

    def values(self) -> list[Tensor]:
        """Returns the parameters, rounded if `rounding`; gradients pass straight through."""
        return [
            (p + (_rounded(p, unit) * unit - p).detach()) if self.rounding else p
            for p, unit in zip(self.parameters(), self.units, strict=True)
        ]

    def integers(self) -> NDArray[np.int8]:
        """Returns all weights, in the order of the format."""
        parts = [_rounded(p, unit).flatten() for p, unit in zip(self.parameters(), self.units, strict=True)]
        return torch.cat(parts).detach().numpy().astype(np.int8)


def _rounded(values: Tensor, unit: float) -> Tensor:
    return (values / unit).round().clamp(-127, 127)


def fit(network: RoundedNetwork, records: Decisions, steps: int, rate: float) -> None:
    """Trains a network to predict the log-odds of the recorded decisions.

    Args:
        network: maps records [batch, row] to log-odds [batch].
        records: the recorded decisions.
        steps: number of training steps.
        rate: peak of the learning rate.
    """
    optimizer = torch.optim.Adam(network.parameters(), rate / 2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    total = 0.0
    for step in range(steps):
        network.rounding = step >= _ROUNDED_FROM * steps
        batch = torch.cat(
            [
                own[torch.randint(len(own), (round(share * _BATCH),))]
                for own, share in zip(records, (1 - _ALONE_SHARE, _ALONE_SHARE), strict=True)
            ]
        )
        loss = functional.binary_cross_entropy_with_logits(network(batch), batch[:, -1].float())
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        total += loss.item() / np.log(2)
        if (step + 1) % 1000 == 0:
            print(f"{step + 1} steps: {total / 1000:.4f} bits a decision", flush=True)
            total = 0.0


def write(weights: NDArray[np.int8], name: str) -> None:
    """Writes weights beside the coder's source, which must then be recompiled (`npm run coder`)."""
    with replacing(_NEURAL_IMG / "assembly/coder" / f"{name}.bin") as temporary:
        temporary.write_bytes(weights.tobytes())
