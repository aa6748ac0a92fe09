"""The entropy coder of `.anir` files: adaptive, mixed and in integers only, as one WebAssembly module.

The module, compiled from web_demo/neural-img/assembly/coder.ts, is the one that browsers run; docs/format.md
tells what it does. It holds the coefficients of one picture, and codes both ways: while it decodes, what its
methods are given is not looked at, and what is in the stream comes back.
"""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wasmtime import Config, Engine, Instance, Memory, Module, Store, WasmtimeError

from anir_runtime.errors import AnirError

MOST_DECISIONS = 1 << 23
"""Decisions that a stream may have, beside 1,024 for each of its bytes: others would take long."""
_PAGE = 65536
_HUGE, _MADV_HUGEPAGE = 1 << 27, 14
"""Bytes at the beginning of a module's memory, which wasmtime keeps free for it to grow; the advice they get.

For more of them, which large pictures take, Linux may need longer than they gain: bench/NOTES.md.
"""
Integers = NDArray[np.int32]


@cache
def _compiled(source: Path) -> tuple[Engine, Module]:
    config = Config()
    # Otherwise wasmtime makes a temporary file, for which a disk may be too full.
    config.memory_init_cow = False
    engine = Engine(config)
    return engine, Module(engine, source.read_bytes())


def _ask_for_huge_pages(address: int) -> None:
    """Asks Linux for pages of 2 MiB from an address on, which take a tenth off the time of opening a file."""
    if sys.platform == "linux":
        # It is a hint: that a kernel has no such pages does no harm.
        ctypes.CDLL(None).madvise(ctypes.c_void_p(address), ctypes.c_size_t(_HUGE), _MADV_HUGEPAGE)


class Coder:
    """What is known of the coefficients of a picture's lapped transform, and the models of their codes."""

    source = Path(__file__).with_name("coder.wasm")
    """File of the WebAssembly module."""

    def __init__(
        self, rows: int, columns: int, planes: int, pitch: int, decisions: int = MOST_DECISIONS
    ) -> None:
        """For so many rows and columns of cells, of so many planes and pitch² frequencies each.

        So many decisions are allowed, and 1,024 more for each byte. Raises AnirError if there is not as much
        memory.
        """
        self._decisions = decisions
        try:
            self._start()
        except WasmtimeError as error:
            reason = str(error).partition("\n")[0]
            raise AnirError(f"WebAssembly, which decodes .anir files, does not start ({reason})") from error
        self._shape = rows, columns, planes, pitch, pitch
        if not self._call("create", rows, columns, planes, pitch):
            raise AnirError("the picture's coefficients do not fit into memory")
        self._room: int = self._call("room")
        # Memory from `room` on: coefficients that are known, those to encode, what is kept, the stream.
        size = 4 * rows * columns * planes * pitch**2
        self._known, self._wanted, self._kept = (self._room + i * size for i in range(3))
        self._stream: int = self._kept + self._call("kept")
        self._encoding, self._reserved = False, 0

    def _start(self) -> None:
        engine, module = _compiled(self.source)
        self._store = Store(engine)
        self._exports = Instance(self._store, module, []).exports(self._store)
        memory = self._exports["memory"]
        assert isinstance(memory, Memory)
        self._memory = memory
        _ask_for_huge_pages(ctypes.addressof(memory.data_ptr(self._store).contents))

    def _call(self, name: str, *arguments: int) -> Any:
        return self._exports[name](self._store, *arguments)  # type: ignore[operator]

    def _reserve(self, end: int) -> None:
        """Grows memory up to an address."""
        missing = end - self._memory.data_len(self._store)
        if missing > 0:
            try:
                self._memory.grow(self._store, -(-missing // _PAGE))
            except WasmtimeError as error:
                raise AnirError("the picture's coefficients do not fit into memory") from error

    def _bytes(self, start: int, end: int) -> NDArray[np.uint8]:
        """A view of memory, valid until memory grows."""
        address = ctypes.addressof(self._memory.data_ptr(self._store).contents)
        view: NDArray[np.uint8] = np.ctypeslib.as_array(
            (ctypes.c_ubyte * (end - start)).from_address(address + start)
        )
        return view

    def encode(self, most: int, coefficients: Integers | None = None) -> None:
        """Begins to encode coefficients, int32[rows, columns, planes, pitch, pitch], into `most` bytes."""
        self._encoding = True
        self._reserved = most
        self._reserve(self._stream + most)
        if coefficients is not None:
            self.aim(coefficients)
        self._call("startEncoding", self._stream, self._decisions)

    def aim(self, coefficients: Integers) -> None:
        """Takes other coefficients to encode from now on."""
        self._bytes(self._wanted, self._kept)[:] = np.ascontiguousarray(coefficients).view(np.uint8).ravel()

    def decode(self, data: bytes) -> None:
        """Begins to decode a stream, or what there is of it."""
        self._append(data)
        self._call("startDecoding", self._stream, len(data), self._decisions)

    def feed(self, data: bytes) -> None:
        """Takes more bytes of the stream."""
        self._append(data)
        self._call("extend", self._reserved)

    def _append(self, data: bytes) -> None:
        start = self._stream + self._reserved
        self._reserved += len(data)
        self._reserve(self._stream + self._reserved)
        self._bytes(start, start + len(data))[:] = np.frombuffer(data, np.uint8)

    def bits(self, many: int, number: int = 0) -> int:
        """Codes a number of so many bits, at most 32, as it is."""
        result: int = self._call("bits", number - (number >> 31 << 32), many)
        return result & 0xFFFFFFFF

    def symbols(self, group: int, many: int, numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Codes numbers of `many` bits, at most 8, by how often such occurred in their group, 0 to 255."""
        self._reserve(self._stream + self._reserved + numbers.size)
        place = self._stream + self._reserved
        self._bytes(place, place + numbers.size)[:] = numbers.ravel()
        self._call("symbols", place, numbers.size, many, group)
        return self._bytes(place, place + numbers.size).reshape(numbers.shape).copy()

    def level(self, width: int) -> bool:
        """Codes what intervals of such a width tell of the coefficients; whether the bytes sufficed.

        Args:
            width: 64 to 32767: intervals of sizes other than zero are less than one and a half times as long
                afterwards.
        """
        return bool(self._call("level", width, self._wanted if self._encoding else 0))

    def check(self) -> bool:
        """Codes 10 bits that all decisions so far decide; whether they are right."""
        return bool(self._call("check"))

    def position(self) -> int:
        """Bytes that a decoder has read by now."""
        return int(self._call("position")) + (4 if self._encoding else 0)

    def means_position(self) -> int:
        """Bytes that a decoder has read when it knows the last level's means."""
        return int(self._call("meansPosition")) + (4 if self._encoding else 0)

    def finish(self) -> bytes:
        """The whole stream, encoded."""
        self._call("finish")
        return self._bytes(self._stream, self._stream + self._call("position")).tobytes()

    def values(self, last: bool = False) -> Integers:
        """What is known of the coefficients, int32[rows, columns, planes, pitch, pitch].

        The array is a view of the coder's memory, valid until the coder is used again. If it is the `last`
        that is asked, less memory is taken, and no level can be coded any more.
        """
        if not last:
            self._reserve(self._wanted)
        start = self._call("spare") if last else self._known
        self._call("values", start)
        end = start + self._wanted - self._known
        return self._bytes(start, end).view(np.int32).reshape(self._shape)

    def keep(self) -> None:
        """Keeps all that is known and learned."""
        self._reserve(self._stream)
        self._call("keep", self._kept)

    def restore(self) -> None:
        """Goes back to what was kept."""
        self._call("restore", self._kept)
