"""Tests pictures in strips; so that they can be small, the size from which on there are strips is lowered."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from anir_runtime import segments
from anir_runtime.anir_file import AnirFile
from anir_runtime.anir_header import Header, read_header
from anir_runtime.coder import Integers
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Latents, Network
from anir_runtime.segments import strip_starts, table_bytes
from anir_runtime.strips import Strips
from anir_toolchain import Config, sample
from anir_toolchain.anir_export import export_instant
from anir_toolchain.anir_writer import AnirWriter
from anir_toolchain.metrics import psnr

from tests.embedded_reference import Levels
from tests.entropy_reference import Entropy
from tests.plain_segments import streams_of
from tests.random_network import colours_of, random_network
from tests.test_coder import lively
from tests.test_lapped_pitch import smooth

SIZE = 75, 404
ROWS, COLUMNS, STARTS = 26, 5, [0, 8, 16, 26]
WIDTHS = 4000, 2000, 1000
HEADER = Header("lapped", SIZE, 3, 4, 16, (), 0)


@pytest.fixture(autouse=True)
def _small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "_PIXELS", 10000)


def wanted() -> Integers:
    result = lively(ROWS, COLUMNS, 16)
    result[..., 6:, :] = result[..., 6:] = 0
    return result


def networks() -> list[Network]:
    return [replace(random_network("lapped", 2, 8 + k, SIZE), latents=None) for k in range(len(WIDTHS))]


def strips_file() -> bytes:
    writer = AnirWriter(HEADER, 1 << 20)
    writer.begin(wanted(), colours_of(3))
    for width, network in zip(WIDTHS, networks(), strict=True):
        writer.refine(LevelStep(width, 1))
        writer.add(network, width)
    return writer.finish([(20, 21, 22)] * len(WIDTHS))


def ends_of(data: bytes) -> list[int]:
    return [level.end for level in read_header(data).levels]


def magnitudes(latents: Latents | None) -> np.ndarray:  # type: ignore[type-arg]
    """Returns the magnitudes of all coefficients but DC, by row of cells."""
    assert latents is not None
    assert latents.magnitudes is not None
    codes = latents.codes if latents.down else latents.codes.transpose(0, 2, 1, 4, 3)
    result = latents.magnitudes[np.abs(codes)].swapaxes(0, 1)
    result[..., 0, 0] = 0
    return result  # type: ignore[no-any-return]


def test_the_picture_of_these_tests_has_three_strips() -> None:
    assert strip_starts(HEADER) == STARTS


def test_each_strip_is_coded_as_by_a_coder_of_its_own() -> None:
    data, file = strips_file(), AnirFile(strips_file())
    coders = [Strips(replace(HEADER, size=(75, 16 * (b - a)))) for a, b in pairwise(STARTS)]
    for own, start in zip(coders, STARTS, strict=False):
        assert len(own.values()) == 1
        own.encode(1 << 16)
        own.set_target(wanted()[start : start + len(own.values()[0])])
    for k, (width, network) in enumerate(zip(WIDTHS, networks(), strict=True)):
        read = file.network(k)
        assert all(np.array_equal(read.tensors[name], own) for name, own in network.tensors.items())
        assert file._strips is not None
        for coder, values in zip(coders, file._strips.values(), strict=True):
            coder.level(width)
            assert np.array_equal(coder.values()[0], values)
        prefix = AnirFile(data[: ends_of(data)[k]]).network().latents
        assert np.array_equal(prefix.codes, read.latents.codes)  # type: ignore[union-attr]


def test_the_reference_decodes_the_strips() -> None:
    data = strips_file()
    header, ends = read_header(data), ends_of(data)
    lengths = np.diff([header.start, *ends]).tolist()
    streams = streams_of(data[header.start :], lengths, 3)
    file = AnirFile(data)
    file.network(0)
    assert file._strips is not None
    for i, known in enumerate(file._strips.values()):
        entropy = Entropy(streams[i])
        if i == 0:
            entropy.bits(12 * 8 + 15 + 2)
        levels = Levels(entropy, len(known), COLUMNS, 3, 16)
        levels.level(WIDTHS[0])
        values = levels.values()
        assert all(value == values.get(at, 0) for at, value in np.ndenumerate(known))
        assert i == 0 or entropy.check()


def test_threads_change_nothing() -> None:
    data = strips_file()
    one, other = (AnirFile(data, threads).network().latents for threads in (1, 3))
    assert np.array_equal(one.codes, other.codes)  # type: ignore[union-attr]


def test_a_file_can_be_fed_in_pieces() -> None:
    data, file, seen = strips_file(), AnirFile(), 0
    whole = AnirFile(data)
    for at in range(0, len(data), 7):
        file.feed(data[at : at + 7])
        if file.available > seen:
            seen = file.available
            one, other = file.network().latents, whole.network(seen - 1).latents
            assert np.array_equal(one.codes, other.codes)  # type: ignore[union-attr]
    assert seen == len(WIDTHS)


def test_an_incomplete_level_refines_the_strips_that_have_arrived() -> None:
    data = strips_file()
    ends = ends_of(data)
    before, after = (magnitudes(AnirFile(data[:end]).network().latents) for end in ends[1:])
    lengths = [int.from_bytes(data[ends[1] + 3 * i :][:3], "little") for i in (0, 1)]
    behind = ends[1] + 6
    for count, at in ((1, behind + lengths[0]), (2, behind + sum(lengths))):
        file = AnirFile(data[:at])
        refined = magnitudes(file.refined().latents)
        end = STARTS[count]
        assert np.array_equal(refined[:end], after[:end])
        # The coder reads a few bytes ahead, which reveal some coefficients of the next strip.
        assert np.count_nonzero((refined != 0) != (before != 0), axis=(1, 2, 3, 4))[end:].sum() < 20
        assert np.array_equal(magnitudes(file.refined(last=True).latents), refined)
        file = AnirFile(data[:at])
        file.refined()
        file.feed(data[at:])
        assert np.array_equal(magnitudes(file.network().latents), after)


def test_nothing_is_refined_before_lengths_and_step_have_arrived() -> None:
    data = strips_file()
    end = ends_of(data)[1]
    least = end + table_bytes(read_header(data)) + 3
    for at in (end, end + 3, least - 1):
        file = AnirFile(data[:at])
        assert file.refined() is file.network()


def test_a_preview_fills_strip_by_strip_before_the_rest_of_the_level() -> None:
    data = strips_file()
    start = read_header(data).start
    lengths = [int.from_bytes(data[start + 3 * i :][:3], "little") for i in range(3)]
    border = colours_of(3).border / np.float32(255)
    behind = start + 9
    known = []
    for count in (1, 2, 3):
        preview = AnirFile(data[: behind + sum(lengths[:count])]).preview()
        assert preview is not None
        known.append(preview.colours)
        if count < 3:
            assert np.abs(preview.colours[STARTS[count] + 8 :] - border).max(initial=0) < 0.05
    assert np.array_equal(known[0][:8], known[2][:8])
    assert np.array_equal(known[1][:16], known[2][:16])
    assert np.abs(known[2] - border).min(axis=(1, 2)).max() > 0
    last = AnirFile(data[: ends_of(data)[0] - 1]).preview()
    assert last is not None
    assert np.array_equal(last.colours, known[2])
    assert behind + sum(lengths) < ends_of(data)[0] - 100


def test_a_file_truncated_anywhere_can_be_drawn() -> None:
    data = strips_file()
    least = read_header(data).start + 9 + 19
    for at in [*range(least, 400, 7), *range(400, len(data), 97)]:
        assert Decoder(data[:at]).decode((5, 20)).shape == (20, 5, 3)
    with pytest.raises(AnirError, match="ends before its first picture"):
        Decoder(data[: least - 1])


@pytest.mark.parametrize("strip", [0, 1, 2])
def test_damage_in_any_strip_is_detected_in_its_level(strip: int) -> None:
    data = strips_file()
    end = ends_of(data)[0]
    lengths = [int.from_bytes(data[end + 3 * i :][:3], "little") for i in range(2)]
    place = end + 6 + sum(lengths[:strip]) + 20
    damaged = data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]
    assert AnirFile(damaged).network(0).name == "d2w8"
    with pytest.raises(AnirError, match="damaged in its level 2"):
        AnirFile(damaged).network()


@pytest.mark.parametrize("table", [bytes(6), b"\xff" * 6, b"\0\0\0\xff\xff\xff"])
def test_wrong_lengths_are_detected_as_damage(table: bytes) -> None:
    data = strips_file()
    end = ends_of(data)[1]
    with pytest.raises(AnirError, match="damaged in its level 3"):
        AnirFile(data[:end] + table + data[end + 6 :]).network()


def test_a_large_smooth_picture_has_strips_of_cells_of_32_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "_PIXELS", 2**16)
    image, path = smooth(300, 700), tmp_path / "a.anir"
    header = export_instant(image, Config().space(300, 700), 4, path)
    assert (header.pitch, strip_starts(header)) == (32, [0, 8, 16, 22])
    data, stream, seen = path.read_bytes(), AnirFile(), 0
    for at in range(0, len(data), 4999):
        stream.feed(data[at : at + 4999])
        if stream.available > seen:
            seen = stream.available
            shown = Decoder(stream.network()).decode()
            assert np.array_equal(shown, Decoder(data[: header.levels[seen - 1].end]).decode())
            assert psnr(shown, image) == pytest.approx(header.levels[seen - 1].psnr[0], abs=3)
    assert seen == 16
    first = Decoder(data[: header.levels[0].end]).decode()
    # All but the first level's last bytes: a preview of all strips.
    preview = Decoder(data[: header.levels[0].end - 1]).decode()
    assert 15 < psnr(preview, image) < psnr(first, image)
