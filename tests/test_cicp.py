import struct
from io import BytesIO

import pytest
from anir_toolchain.cicp import Cicp, read_cicp
from PIL import Image

from tests.odd_pictures import fields, nclx, saved, with_chunks


def _read(data: bytes) -> Cicp | None:
    with Image.open(BytesIO(data)) as image:
        code = read_cicp(image)
        image.load()  # fails if read_cicp moved the file's position
        return code


def test_code_points_are_read_from_png_and_avif() -> None:
    assert _read(with_chunks(fields(), (b"cICP", bytes([12, 13, 0, 1])))) == Cicp(12, 13)
    assert _read(nclx(9, 16)) == Cicp(9, 16)
    assert _read(nclx(1, 13)) == Cicp(1, 13)


def test_pictures_without_full_range_code_points_have_none() -> None:
    assert _read(saved(fields(), "PNG")) is None
    assert _read(saved(fields(), "JPEG")) is None
    assert _read(with_chunks(fields(), (b"cICP", bytes([12, 13, 0, 0])))) is None  # limited range


def test_only_code_points_of_the_primary_item_count() -> None:
    """Pictures with a gain map have a second item with its own code points."""
    data = bytearray(nclx(9, 16))
    at = data.index(b"ipma")
    (item,) = struct.unpack_from(">H", data, at + 12)
    struct.pack_into(">H", data, at + 12, item + 1)
    with Image.open(BytesIO(bytes(nclx(9, 16)))) as image:
        image.fp = BytesIO(bytes(data))
        assert read_cicp(image) is None


@pytest.mark.parametrize("length", [0, 11, 40, 100, 200, 250])
def test_a_truncated_file_is_no_error(length: int) -> None:
    whole = nclx(9, 16)
    with Image.open(BytesIO(whole)) as image:
        image.fp = BytesIO(whole[:length])
        assert read_cicp(image) in (None, Cicp(9, 16))
