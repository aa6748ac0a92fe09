"""An `.anir` file whose levels need fewer bytes than the file must have (docs/format.md, "Limits")."""

from dataclasses import replace

import numpy as np
from anir_runtime.anir_header import Header
from anir_runtime.level_step import LevelStep
from anir_toolchain.anir_writer import AnirWriter

from tests.random_network import colours_of, random_network

SIZE = 2048, 1024


def flat_file() -> bytes:
    """A file of two levels, d2w8 and d3w8, of a picture of one colour, padded with zeros."""
    writer = AnirWriter(Header("lapped", SIZE, 3, 4, 16, (), 0), 1 << 12)
    writer.begin(np.zeros((SIZE[1] // 16, SIZE[0] // 16, 3, 16, 16), np.int32), colours_of(3))
    for depth in (2, 3):
        writer.refine(LevelStep(4000, 1))
        writer.add(replace(random_network("lapped", depth, 8, SIZE), latents=None), 4000)
    return writer.finish([(30, 33, 36)] * 2)
