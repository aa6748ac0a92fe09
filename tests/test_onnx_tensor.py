from typing import Any

import numpy as np
import pytest
from anir_runtime.errors import AnirError
from anir_runtime.onnx_tensor import Tensor, read_tensor
from anir_runtime.protobuf import Reader, write
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.named_file import KINDS, int4, raw


def _read(proto: TensorProto | bytes) -> Tensor:
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    return read_tensor(memoryview(data), Reader())


@pytest.mark.parametrize("kind", KINDS)
def test_elements_are_read_from_bytes_and_from_numbers(kind: str) -> None:
    values = (np.array([0, 1, 127, 100, 3, 2]) - (kind != "uint16") * 50).astype(kind).reshape(2, 3)
    typed = helper.make_tensor("t", KINDS[kind], values.shape, values.ravel().tolist())
    for proto in (raw("t", values), typed):
        tensor = _read(proto)
        assert (tensor.name, tensor.type, tensor.dims) == ("t", kind, [2, 3])
        array = tensor.array((kind,))
        assert array.dtype == values.dtype
        np.testing.assert_array_equal(array, values.ravel())


@pytest.mark.parametrize("count", [1, 4, 7])
def test_elements_of_4_bits_are_read(count: int) -> None:
    values = (np.arange(count) * 5 % 16 - 8).astype(np.int8)
    typed = helper.make_tensor("t", TensorProto.INT4, values.shape, values.tolist())
    assert typed.int32_data
    for proto in (int4("t", values), typed):
        np.testing.assert_array_equal(_read(proto).array(("int4", "int8")), values)


def test_numbers_that_are_not_packed_are_read() -> None:
    message = write((1, 3), (2, TensorProto.INT8), (5, -1), (5, 255), (5, 7), (8, "t"))
    assert _read(message).array(("int8",)).tolist() == [-1, -1, 7]
    floats = b"".join(bytes([4 << 3 | 5]) + np.float32(v).tobytes() for v in (0.5, -2))
    assert _read(write((1, 2), (2, 1)) + floats).array(("float32",)).tolist() == [0.5, -2]


def test_axes_of_length_1_are_left_out() -> None:
    assert _read(raw("t", np.zeros((1, 4, 1, 2), np.float32))).axes() == [4, 2]
    assert _read(raw("t", np.zeros((), np.float32))).axes() == []
    assert _read(write((1, b"\x04\x01\x80\x01"))).dims == [4, 1, 128]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ([(1, 3), (2, 3), (9, b"ab")], "elements that its shape declares"),
        ([(1, 3), (2, 3), (9, b"abcd")], "elements that its shape declares"),
        ([(1, 2**31 - 1), (1, 2**31 - 1), (2, 3), (9, b"abc")], "elements that its shape declares"),
        ([(1, 3), (2, 3)], "elements that its shape declares"),
        ([(1, 3), (2, 22), (9, b"a")], "elements that its shape declares"),
        ([(1, 2), (2, 3), (9, b"a"), (5, 1)], "elements that its shape declares"),
        ([(1, 1), (2, 1), (5, 1)], "elements that its shape declares"),
        ([(1, 2), (2, 1), (9, b"abcdefg")], "elements that its shape declares"),
        ([(1, 3), (2, 7), (9, b"abc")], "not of type int8"),
        ([(1, 3), (2, 99), (9, b"abc")], "not of type int8"),
        ([(1, 2**31), (2, 3)], "shape that is out of range"),
        ([(1, -1), (2, 3)], "shape that is out of range"),
        ([(1, 1)] * 9, "shape that is out of range"),
        ([(1, 3), (2, b"abc")], "damaged"),
        ([(1, 3), (9, 5)], "damaged"),
        ([(8, b"\xff\xfe")], "damaged"),
        ([(13, b"")], "another file"),
        ([(14, 1)], "another file"),
        ([(14, b"x")], "another file"),
    ],
)
def test_invalid_tensors_are_refused(fields: list[tuple[int, Any]], words: str) -> None:
    with pytest.raises(AnirError, match=words):
        _read(write(*fields)).array(("int8", "int4", "float32"))


@given(st.lists(st.integers(-128, 127), max_size=9), st.data())
def test_bytes_and_numbers_give_the_same_elements(numbers: list[int], data: st.DataObject) -> None:
    values: NDArray[np.int8] = np.array(numbers, np.int8)
    wrapped = [n % 256 if data.draw(st.booleans()) else n for n in numbers]
    typed = write((1, len(numbers)), (2, TensorProto.INT8), *((5, n) for n in wrapped))
    for proto in (raw("t", values), typed):
        np.testing.assert_array_equal(_read(proto).array(("int8",)), values)
