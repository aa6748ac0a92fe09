"""Tests files that arrive piece by piece, read by AnirStream and Decoder.feed."""

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from anir_runtime import AnirError, Decoder
from anir_runtime.anir_file import AnirFile, least_bytes
from anir_runtime.anir_header import FAMILIES, Header, read_header
from anir_runtime.anir_stream import AnirStream
from anir_runtime.level_step import LevelStep
from anir_runtime.segments import table_bytes
from anir_toolchain.anir_writer import AnirWriter

from tests.flat_file import flat_file
from tests.named_file import named_file
from tests.random_network import colours_of, random_network
from tests.vectors.anir import anir_file


def _ends(data: bytes) -> list[int]:
    header = AnirFile(data).header
    assert header is not None
    return [level.end for level in header.levels]


def _start(data: bytes) -> int:
    header = AnirFile(data).header
    assert header is not None
    return header.start


@pytest.mark.parametrize("family", FAMILIES)
def test_each_level_is_available_once_its_last_byte_is_fed(family: str) -> None:
    data = anir_file(family)
    stream, ends, start = AnirStream(), _ends(data), _start(data)
    for size in range(1, len(data) + 1):
        assert stream.feed(data[size - 1 : size]) == sum(end <= size for end in ends)
        assert (stream.header is not None) == (size >= start)
        if size in ends:
            best, want = stream.best(), AnirFile(data[:size]).network()
            assert best is not None
            assert best.name == want.name
            for name, tensor in want.tensors.items():
                np.testing.assert_array_equal(best.tensors[name], tensor)
    assert stream.feed(b"what follows") == 4


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_a_decoder_fed_in_pieces_draws_the_same_as_from_the_truncated_file(family: str) -> None:
    data = anir_file(family)
    first, random = _ends(data)[0], np.random.default_rng(0)
    decoder = Decoder()
    sizes = sorted({*random.integers(first, len(data), 6).tolist(), *_ends(data)})
    at = 0
    for size in sizes:
        decoder.feed(data[at:size])
        at = size
        np.testing.assert_array_equal(decoder.decode((30, 20)), Decoder(data[:size]).decode((30, 20)))
    assert (decoder.width, decoder.height, decoder.family) == (75, 52, family)


def test_a_decoder_of_a_truncated_file_can_be_fed_the_rest() -> None:
    data = anir_file("lapped")
    decoder = Decoder(data[: _ends(data)[1] + 30])
    before = decoder.decode()
    assert decoder.feed(data[_ends(data)[1] + 30 :]) == 4
    np.testing.assert_array_equal(decoder.decode(), Decoder(data).decode())
    assert (decoder.decode() != before).any()


def test_drawing_before_the_first_level_is_a_clear_error() -> None:
    data = anir_file("siren")
    decoder, start = Decoder(), _start(data)
    assert (decoder.width, decoder.height, decoder.family) == (0, 0, "")
    with pytest.raises(AnirError, match="ends before its first picture; feed more"):
        decoder.decode()
    with pytest.raises(AnirError, match="ends before its size is known; feed more"):
        decoder.output_size()
    assert decoder.feed(data[:start]) == 0
    assert decoder.output_size() == (75, 52)
    with pytest.raises(AnirError, match="ends before its first picture; feed more"):
        decoder.decode()
    assert decoder.feed(data[start:]) == 4
    assert decoder.decode().shape == (52, 75, 3)


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_after_damage_the_level_before_it_is_still_drawn(family: str) -> None:
    data = anir_file(family)
    ends = _ends(data)
    place = (ends[1] + ends[2]) // 2
    damaged = data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :]
    want = Decoder(data[: ends[1]]).decode((30, 20))
    for pieces in ([damaged], [damaged[:place], damaged[place:]], [bytes([byte]) for byte in damaged]):
        decoder, errors = Decoder(), set()
        for piece in pieces:
            try:
                decoder.feed(piece)
            except AnirError as error:
                errors.add(str(error))
        assert errors == {"the image: is damaged in its level 3; fetch it again"}
        np.testing.assert_array_equal(decoder.decode((30, 20)), want)
        with pytest.raises(AnirError, match="damaged in its level 3"):
            decoder.feed(b"")
    with pytest.raises(AnirError, match="the image: is damaged in its level 3"):
        Decoder(damaged)


def test_a_file_whose_first_level_is_damaged_is_refused_again_when_it_is_drawn() -> None:
    data = anir_file("siren")
    start = _start(data)
    for place, message in ((start - 3, "its header is damaged"), (start + 9, "is damaged in its level 1")):
        decoder = Decoder()
        refused = pytest.raises(AnirError, match=f"^the image: {message}; fetch it again$")
        with refused:
            decoder.feed(data[:place] + bytes([data[place] ^ 255]) + data[place + 1 :])
        with refused:
            decoder.decode()


def test_before_a_level_that_cannot_be_drawn_the_level_before_it_is_drawn() -> None:
    data = _file_of_too_many_magnitudes()
    first = _ends(data)[0]
    want = Decoder(data[:first]).decode((30, 20))
    for at in (0, first):
        decoder = Decoder()
        decoder.feed(data[:at])
        for piece in (data[at:], b""):
            with pytest.raises(AnirError, match="the image: has more different coefficients"):
                decoder.feed(piece)
            np.testing.assert_array_equal(decoder.decode((30, 20)), want)


def _file_of_too_many_magnitudes() -> bytes:
    """Returns a file of two levels, the second of which has more magnitudes than codes can number."""
    wanted = np.random.default_rng(0).integers(-(1 << 23), 1 << 23, (20, 20, 1, 16, 16), np.int32)
    writer = AnirWriter(Header("lapped", (320, 320), 1, 4, 16, (), 0), 1 << 20)
    writer.begin(wanted, colours_of(1))
    network = replace(random_network("lapped", 2, 5, (320, 320), colours=1), latents=None)
    for width in (16000, 64):
        writer.refine(LevelStep(width, 1))
        writer.add(network, width)
    return writer.finish([(20.25, 21.75, 25.25)] * 2)


def test_damage_makes_a_level_available_that_waited_for_more_bytes() -> None:
    data = flat_file()
    ends = _ends(data)
    assert ends[0] < least_bytes(read_header(data))
    place = ends[0] + table_bytes(read_header(data))
    stream = AnirStream()
    assert stream.feed(data[: ends[0]]) == 0
    with pytest.raises(AnirError, match="damaged in its level 2"):
        stream.feed(data[ends[0] : place] + bytes([data[place] ^ 255]) + data[place + 1 :])
    best = stream.best()
    assert best is not None
    assert best.name == "d2w8"


def test_only_anir_files_can_be_fed() -> None:
    onnx = named_file(random_network("siren"))
    with pytest.raises(AnirError, match=r"not an \.anir file"):
        Decoder().feed(onnx)
    with pytest.raises(AnirError, match=r"only \.anir files can be fed"):
        Decoder(onnx).feed(b"more")


def test_an_open_pipe_is_read_to_its_end() -> None:
    data = anir_file("lapped")
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as file:
            for at in range(0, len(data), 500):
                file.write(data[at : at + 500])

    thread = threading.Thread(target=write)
    thread.start()
    # An unbuffered read returns only what has arrived so far.
    with os.fdopen(reading, "rb", buffering=0) as file:
        image = Decoder(file).decode()  # type: ignore[arg-type]
    thread.join()
    np.testing.assert_array_equal(image, Decoder(io.BytesIO(data)).decode())


def test_an_endless_file_is_refused() -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    with pytest.raises(AnirError, match="larger than 64 MiB"):
        Decoder(Endless())  # type: ignore[arg-type]


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def test_coefficients_are_freed_after_the_last_level() -> None:
    stream = AnirStream()
    for piece in _pieces(anir_file("lapped") + bytes(10_000), 900):
        stream.feed(piece)
    assert stream._file._strips is None
    assert stream.best() is stream._file.network()
