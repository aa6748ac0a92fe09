import random
from itertools import pairwise

import pytest
from anir_runtime.anir_header import Header, Level
from anir_runtime.segments import Segments, joined, strip_starts, table_bytes

from tests import plain_segments


def header_of(size: tuple[int, int], levels: list[int], family: str = "lapped", pitch: int = 16) -> Header:
    """Returns the header, of 9 bytes, of levels with the given numbers of bytes."""
    ends = [9 + sum(levels[: k + 1]) for k in range(len(levels))]
    own = tuple(Level(2, 8, end, (0, 0, 0)) for end in ends)
    return Header(family, size, 3, 4, pitch, own, 9)


@pytest.mark.parametrize(
    ("size", "starts"),
    [
        ((768, 512), [0, 32]),
        ((2048, 1023), [0, 32, 64]),
        ((2047, 1008), [0, 63]),
        ((2560, 1600), [0, 32, 64, 100]),
        ((4000, 3000), [0, 16, 32, 48, 64, 80, 104, 120, 136, 152, 168, 188]),
        # Rows of blocks are never divided.
        ((131072, 100), [0, 7]),
        ((65536, 200), [0, 8, 13]),
        ((1, 1), [0, 1]),
    ],
)
def test_strips_are_rows_of_blocks_with_a_megapixel_or_two(size: tuple[int, int], starts: list[int]) -> None:
    assert strip_starts(header_of(size, [5])) == starts
    assert plain_segments.strip_starts(-(-size[1] // 16), -(-size[0] // 16), 16) == starts[:-1]


def test_there_are_at_most_32_strips_and_only_in_lapped_files() -> None:
    starts = strip_starts(header_of((16384, 16384), [5]))
    assert starts == [32 * i for i in range(33)]
    assert strip_starts(header_of((16384, 16384), [5], "siren")) == [0, 0]
    assert strip_starts(header_of((2048, 2048), [5], pitch=32)) == [0, 16, 32, 48, 64]


def test_lengths_of_segments_take_three_bytes_each() -> None:
    one, three = (header_of(size, [5]) for size in ((768, 512), (2560, 1600)))
    assert [table_bytes(one, first) for first in (True, False)] == [0, 0]
    assert [table_bytes(three, first) for first in (True, False)] == [9, 6]


@pytest.mark.parametrize("size", [(768, 512), (2560, 1600), (4000, 3000)])
def test_joined_segments_are_separated_again_in_any_pieces(size: tuple[int, int]) -> None:
    own = random.Random(0)
    strips = len(strip_starts(header_of(size, [5]))) - 1
    # Some segments are empty.
    steps = [[max(own.randrange(-200, 900), 0) for _ in range(strips)] for _ in range(5)]
    ends = [[sum(parts[i] for parts in steps[: k + 1]) for i in range(strips)] for k in range(5)]
    streams = [own.randbytes(end) for end in ends[-1]]
    levels = joined(streams, ends[0], ends[1:])
    assert len(levels) == 4
    header, stream = header_of(size, [len(level) for level in levels]), b"".join(levels)
    assert plain_segments.streams_of(stream, [len(level) for level in levels], strips) == streams
    cuts = sorted(own.choices(range(len(stream)), k=40))
    for places in ([0, len(stream)], [0, *cuts, len(stream)], range(len(stream) + 1)):
        segments, got = Segments(header), [b""] * strips
        for start, end in pairwise(places):
            shares = segments.share(stream[start:end])
            got = [before + more for before, more in zip(got, shares, strict=True)]
        assert got == streams


def test_wrong_lengths_do_not_reach_beyond_their_level() -> None:
    own = random.Random(1)
    for _ in range(300):
        levels = [own.choice([1, 5, 8, 11, 40, 3000]) for _ in range(3)]
        stream = bytes(own.choice([0, 0, 0, 1, 7, 255]) for _ in range(sum(levels)))
        segments = Segments(header_of((2560, 1600), levels))
        assert segments.share(stream) == plain_segments.streams_of(stream, levels, 3)


def test_a_segment_too_long_for_three_bytes_of_length_is_refused() -> None:
    streams = [bytes(1 << 24), b""]
    with pytest.raises(OverflowError):
        joined(streams, [0, 0], [[1 << 24, 0]])
