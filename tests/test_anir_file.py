from collections.abc import Callable
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from anir_runtime.anir_file import AnirFile, least_bytes
from anir_runtime.anir_header import FAMILIES, Header
from anir_runtime.anir_latents import latents_of
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError
from anir_runtime.exp_golomb import golomb, packed
from anir_runtime.level_step import LevelStep
from anir_runtime.network import Network
from anir_toolchain.anir_writer import AnirWriter

from tests.random_network import colours_of, random_network
from tests.test_coder import lively

SIZE = 75, 52
SUBNETS = (2, 8), (3, 8), (2, 12), (4, 12)
PSNR = (20.25, 21.75, 25.25)


def networks(family: str, bits: int = 4, colours: int = 3) -> list[Network]:
    """Returns a random network for each subnet; those of one width share the layers of the deepest."""
    result = []
    for depth, channels in SUBNETS:
        deepest = max(d for d, c in SUBNETS if c == channels)
        whole = random_network(family, deepest, channels, SIZE, bits, channels, colours=colours)
        own = random_network(family, depth, channels, SIZE, bits, depth, colours=colours)
        tensors = {
            name: tensor if name.startswith("head") else _beginning(whole.tensors[name], tensor.shape)
            for name, tensor in own.tensors.items()
        }
        result.append(replace(own, tensors=tensors, latents=None))
    return result


def _beginning(whole: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:  # type: ignore[type-arg]
    return whole[tuple(slice(n) for n in shape)]


def file_of(family: str, bits: int = 4, colours: int = 3) -> tuple[bytes, list[Network]]:
    header = Header(family, SIZE, colours, bits, 16, (), 0)
    writer, own = AnirWriter(header, 1 << 20), networks(family, bits, colours)
    if family == "lapped":
        writer.begin(lively(4, 5, 16, planes=colours), colours_of(colours))
    for k, network in enumerate(own):
        width = 4000 >> k
        if family == "lapped":
            writer.refine(LevelStep(width, 1 + k))
        writer.add(network, width)
    return writer.finish([PSNR] * len(own)), own


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("bits", "colours"), [(4, 3), (8, 3), (4, 1), (4, 4)])
def test_each_level_can_be_read_from_its_prefix(family: str, bits: int, colours: int) -> None:
    data, own = file_of(family, bits, colours)
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    for k, (level, network) in enumerate(zip(levels, own, strict=True)):
        file = AnirFile(data[: level.end])
        assert (file.available, level.name, level.psnr) == (k + 1, network.name, PSNR)
        read = file.network()
        assert (read.family, read.size, read.bits) == (family, SIZE, bits)
        assert read.tensors.keys() == network.tensors.keys()
        for name, tensor in network.tensors.items():
            assert read.tensors[name].dtype == tensor.dtype
            assert np.array_equal(read.tensors[name], tensor)
        assert Decoder(read).decode().shape == (SIZE[1], SIZE[0], colours)


def test_a_file_can_be_fed_byte_by_byte() -> None:
    data, own = file_of("lapped")
    file, seen = AnirFile(), 0
    for byte in data:
        file.feed(bytes([byte]))
        if file.available > seen:
            seen = file.available
            assert file.network().name == own[seen - 1].name
    whole = AnirFile(data).network()
    assert np.array_equal(file.network().latents.codes, whole.latents.codes)  # type: ignore[union-attr]


def test_latents_of_a_prefix_are_those_of_the_whole_file() -> None:
    data, _ = file_of("lapped")
    whole = AnirFile(data)
    for k, level in enumerate(whole.header.levels):  # type: ignore[union-attr]
        one, other = whole.network(k).latents, AnirFile(data[: level.end]).network().latents
        assert one is not None
        assert other is not None
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.magnitudes, other.magnitudes)
        assert (one.reach, one.step) == (1 + k, float(np.float32(1 / (4000 >> k))))


def test_bytes_of_an_incomplete_level_refine_coefficients() -> None:
    data, _ = file_of("lapped")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    file = AnirFile(data[: levels[2].end + (levels[3].end - levels[2].end) // 3])
    before, refined = file.network().latents, file.refined().latents
    assert before is not None
    assert refined is not None
    assert np.count_nonzero(refined.codes) > np.count_nonzero(before.codes)
    file.feed(data[file.size :])
    after = file.network().latents
    assert np.array_equal(after.codes, AnirFile(data).network().latents.codes)  # type: ignore[union-attr]


def test_the_first_two_bytes_of_a_level_refine_nothing() -> None:
    data, _ = file_of("lapped")
    for level in AnirFile(data).header.levels[:-1]:  # type: ignore[union-attr]
        for more in range(4):
            file = AnirFile(data[: level.end + more])
            assert (file.refined() is file.network()) == (more < 3)


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_a_truncated_file_has_its_complete_levels_or_is_refused(family: str) -> None:
    data, _ = file_of(family)
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    for size in [*range(levels[0].end + 1), *np.random.default_rng(0).integers(0, len(data), 200)]:
        file = AnirFile(data[:size])
        whole = sum(level.end <= size for level in levels)
        assert file.available == whole
        if whole:
            assert file.network().name == levels[whole - 1].name
            file.refined()
        else:
            with pytest.raises(AnirError, match="ends before its first picture"):
                file.network()


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_flipped_bits_are_detected(family: str) -> None:
    data, _ = file_of(family)
    random = np.random.default_rng(0)
    for place in random.integers(0, len(data) - 6, 200):
        damaged = bytearray(data)
        damaged[place] ^= 1 << random.integers(8)
        with pytest.raises(AnirError):
            AnirFile(bytes(damaged)).network(len(SUBNETS) - 1)


def _headed(kind: int, *numbers: tuple[int, int]) -> bytes:
    """Returns the beginning of a header: flags and numbers, each with the order of its Exp-Golomb code."""
    return b"\x89ani\x02" + bytes([kind]) + packed("".join(golomb(*number) for number in numbers) + "1" * 80)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"GIF89a", "not an .anir file"),
        (b"\x89ani\x03", r"\.anir format 3, this anir reads 2; update anir"),
        (
            b"\x89ani\x01",
            r"^\.anir format 1, .*made it: fit .*again \(anir-train photo\.jpg -o photo\.anir\), or",
        ),
        (_headed(3, (131072, 9), (0, 9)), "out of range"),
        (_headed(3, (16384, 9), (16384, 9)), "out of range"),
        (_headed(3, (2**30, 9)), "damaged"),
        (_headed(3 | 3 << 4, (15, 9), (15, 9)), "damaged"),
        (_headed(3, (15, 9), (15, 9), (16, 2)), "damaged"),
        (_headed(3, (15, 9), (15, 9), (0, 2), (15, 1), (0, 2), (0, 4)), "layers"),
        (_headed(3, (15, 9), (15, 9), (0, 2), (0, 1), (0, 2), (1024, 4)), "channels"),
        (_headed(3, (15, 9), (15, 9), (0, 2), (0, 1), (0, 2), (0, 4), (16, 2)), "damaged"),
    ],
)
def test_invalid_headers_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(AnirError, match=message):
        AnirFile(data)


@pytest.mark.parametrize("family", ["siren", "lapped"])
def test_bytes_after_the_last_level_are_ignored(family: str) -> None:
    data, _ = file_of(family)
    file = AnirFile(data + bytes(1 << 16))
    for _ in range(100):
        file.feed(bytes(1 << 20))
    assert file.size == len(data) + (100 << 20) + (1 << 16)
    one, other = file.network(), AnirFile(data).network()
    assert all(np.array_equal(one.tensors[name], other.tensors[name]) for name in one.tensors)


def test_levels_of_a_large_picture_require_a_minimum_of_bytes() -> None:
    """Otherwise a few bytes could declare a picture that takes much memory."""
    size = 2048, 1024
    header = Header("lapped", size, 3, 4, 16, (), 0)
    assert least_bytes(header) == (3 * 2048 * 1024 - 2**22) // 1024
    assert least_bytes(replace(header, family="siren")) == 0
    assert least_bytes(replace(header, size=(1365, 1008))) == 0
    writer = AnirWriter(header, 1 << 12)
    writer.begin(np.zeros((64, 128, 3, 16, 16), np.int32), colours_of(3))
    writer.refine(LevelStep(4000, 1))
    writer.add(replace(random_network("lapped", 2, 8, size), latents=None), 4000)
    data = writer.finish([PSNR])
    first = AnirFile(data)
    assert first.header is not None
    assert first.header.levels[0].end == len(data) >= least_bytes(header)
    assert AnirFile(data[: least_bytes(header) - 1]).available == 0
    assert first.network().name == "d2w8"


def test_a_last_request_gives_the_same_latents_and_allows_no_further_one() -> None:
    data, _ = file_of("lapped")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    middle = (levels[2].end + levels[3].end) // 2
    for part in (data, data[: levels[2].end], data[:middle]):
        one, other = AnirFile(part).refined().latents, AnirFile(part).refined(last=True).latents
        assert one is not None
        assert other is not None
        assert np.array_equal(one.codes, other.codes)
        assert np.array_equal(one.magnitudes, other.magnitudes)
        assert (one.down, one.reach, one.step) == (other.down, other.reach, other.step)
    file = AnirFile(data)
    file.network(1, last=True)
    with pytest.raises(AnirError, match="open the file again"):
        file.network(2)


def test_after_damage_only_earlier_levels_can_be_read() -> None:
    data, own = file_of("lapped")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    at = (levels[1].end + levels[2].end) // 2
    file = AnirFile(data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :])
    assert file.network(1).name == own[1].name
    for _ in range(2):
        with pytest.raises(AnirError, match="damaged in its level 3"):
            file.network(3)


def test_levels_cannot_be_read_backwards() -> None:
    data, _ = file_of("siren")
    file = AnirFile(data)
    file.network(2)
    assert file.network(2).name == "d2w12"
    with pytest.raises(AnirError, match="before the last one decoded"):
        file.network(0)


def test_coefficients_that_cannot_be_refined_leave_the_file_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    data, own = file_of("lapped")
    levels = AnirFile(data).header.levels  # type: ignore[union-attr]
    file = AnirFile(data[: (levels[1].end + levels[2].end) // 2])
    with monkeypatch.context() as patch:
        patch.setattr("anir_runtime.anir_file.latents_of", _failing_at(2))
        with pytest.raises(AnirError, match="too many magnitudes"):
            file.refined()
    file.feed(data[file.size :])
    assert file.network().name == own[-1].name


def _failing_at(number: int) -> Callable[..., object]:
    """Returns `latents_of` that fails at its call of that number."""
    calls = count(1)

    def called(*arguments: object) -> object:
        if next(calls) == number:
            raise AnirError("too many magnitudes")
        return latents_of(*arguments)  # type: ignore[arg-type]

    return called
