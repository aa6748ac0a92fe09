"""Entropy coding of latents for `.onnx` files: how their codes are distributed over lanes."""

import numpy as np
from anir_runtime.lapped_transform import context
from anir_runtime.network import Latents
from anir_runtime.rans import Ints
from numpy.typing import NDArray

from anir_toolchain.rans_encoder import Stream, encode

Codes = NDArray[np.int16]

_CODES_APART = 150
"""Least average number of nonzero codes per lane from which on each plane has lanes of its own."""


def encode_latents(latents: Latents) -> Stream:
    """Encodes the codes of latents as a stream, in the lanes of `in_lanes`, with the model of `context`."""
    return encode(in_lanes(latents.codes), context(latents.codes.shape[-1]))


def planes_apart(codes: Codes) -> bool:
    """Whether each of the N planes has lanes of its own: N times as many lanes, of 1/N of the steps."""
    # DC codes do not count: they are differences along the scan, so their number depends on its direction.
    others = np.count_nonzero(codes) - np.count_nonzero(codes[..., 0, 0])
    return bool(others >= _CODES_APART * len(codes) * codes.shape[2])


def in_lanes(codes: Codes) -> Ints:
    """Arranges codes [N, A, B, K, K] in lanes, int32[lanes, steps].

    Each of the B lines of cells along the scan is a lane, with one plane after the other; with `planes_apart`
    there are N · B lanes, of one plane each.
    """
    apart = planes_apart(codes)
    lanes = codes.transpose(0, 2, 1, 3, 4) if apart else codes.transpose(2, 0, 1, 3, 4)
    return lanes.reshape(codes.shape[2] * (len(codes) if apart else 1), -1).astype(np.int32)
