"""The entropy coder of `.anir` files: an adaptive arithmetic coder with context mixing, in WebAssembly.

The module is compiled from web_demo/neural-img/assembly/coder, and browsers run the same one;
docs/format.md specifies it. It codes with integers only, and an instance holds the coefficients of one strip.
The same methods encode and decode: when decoding, they ignore the values that they are given, and return
those in the stream.
"""

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from wasmtime import Config, Engine, Instance, Memory, Module, Store, Trap, WasmtimeError

from anir_runtime.errors import AnirError

MOST_DECISIONS = 1 << 23
"""Binary decisions that a stream may have besides 1,024 per byte, which bounds the time of decoding it."""
AHEAD_BYTES = 4
"""Bytes by which a decoder reads ahead."""
_PAGE = 65536
"""Bytes of a page of WebAssembly memory."""
_HUGE_BYTES = 1 << 27
"""Bytes at the beginning of a module's memory for which huge pages are requested.

Beyond these, which only large pictures use, they may cost Linux more time than they save: bench/NOTES.md.
"""
_MADV_HUGEPAGE = 14
"""Advice of madvise(2) that requests huge pages."""
Integers = NDArray[np.int32]


@cache
def _compiled(source: Path) -> tuple[Engine, Module]:
    config = Config()
    # Otherwise wasmtime writes a temporary file, which fails if the disk is full.
    config.memory_init_cow = False
    engine = Engine(config)
    return engine, Module(engine, source.read_bytes())


def _ask_for_huge_pages(address: int) -> None:
    """Asks Linux for pages of 2 MiB from `address` on; this saves a tenth of the time of opening a file."""
    if sys.platform == "linux":
        # A failure does no harm: the call is only a hint.
        ctypes.CDLL(None).madvise(ctypes.c_void_p(address), ctypes.c_size_t(_HUGE_BYTES), _MADV_HUGEPAGE)


class Coder:
    """Codes the stream of a strip; holds the coefficients known so far, and the probability models."""

    source = Path(__file__).with_name("coder.wasm")
    """The WebAssembly module's file."""

    def __init__(
        self, rows: int, columns: int, planes: int, pitch: int, decisions: int = MOST_DECISIONS
    ) -> None:
        """Allocates a coder for rows · columns cells, each of pitch² frequencies in every plane.

        A stream may have `decisions` binary decisions, and 1,024 more per byte. Raises AnirError if there is
        not enough memory, or WebAssembly does not start.
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
        room = self._address("room")
        # Memory from `room` on: known coefficients, coefficients to encode, the saved state, the stream.
        size = 4 * rows * columns * planes * pitch**2
        self._known, self._wanted, self._kept = (room + i * size for i in range(3))
        self._stream = self._kept + self._address("kept")
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

    def _address(self, name: str) -> int:
        """Returns an address or a size that a function of the module gives: unsigned, below 4 GiB."""
        return int(self._call(name)) & 0xFFFFFFFF

    def _reserve(self, end: int) -> None:
        """Grows memory so that it reaches up to address `end`."""
        missing = end - self._memory.data_len(self._store)
        if missing > 0:
            try:
                self._memory.grow(self._store, -(-missing // _PAGE))
            except WasmtimeError as error:
                raise AnirError("the picture's coefficients do not fit into memory") from error

    def _bytes(self, start: int, end: int) -> NDArray[np.uint8]:
        """Returns a view of memory, valid until memory grows."""
        # get_buffer_ptr checks nothing.
        if not 0 <= start <= end <= self._memory.data_len(self._store):
            raise AnirError("the coder's memory ends before what is asked for")
        buffer = self._memory.get_buffer_ptr(self._store, end - start, start)
        # The array refers to the buffer, and so to the memory's owner, which must outlive it.
        buffer.owner = self  # type: ignore[attr-defined]
        return np.ctypeslib.as_array(buffer)

    def encode(self, most: int, coefficients: Integers | None = None) -> None:
        """Starts encoding a stream whose levels take at most `most` bytes, for which memory is reserved.

        Coefficients may be given here or later: see `set_target`.
        """
        self._encoding = True
        self._reserved = most
        self._reserve(self._stream + most)
        if coefficients is not None:
            self.set_target(coefficients)
        self._call("startEncoding", self._stream, self._decisions)

    def set_target(self, coefficients: Integers) -> None:
        """Sets the coefficients to encode from now on, int32[rows, columns, planes, pitch, pitch], in units.

        At frequency (0, 0), they are not the cells' means but DCTs of these (docs/format.md, "Coefficients").
        """
        self._bytes(self._wanted, self._kept)[:] = np.ascontiguousarray(coefficients).view(np.uint8).ravel()

    def decode(self, data: bytes) -> None:
        """Starts decoding a stream, or a prefix of one."""
        self._append(data)
        self._call("startDecoding", self._stream, len(data), self._decisions)

    def feed(self, data: bytes) -> None:
        """Appends bytes to the stream that is being decoded."""
        self._append(data)
        self._call("extend", self._reserved)

    def _append(self, data: bytes) -> None:
        start = self._stream + self._reserved
        self._reserved += len(data)
        self._reserve(self._stream + self._reserved)
        self._bytes(start, start + len(data))[:] = np.frombuffer(data, np.uint8)

    def bits(self, many: int, number: int = 0) -> int:
        """Codes a number of `many` bits, at most 32, each with probability ½."""
        result: int = self._call("bits", number - (number >> 31 << 32), many)
        return result & 0xFFFFFFFF

    def symbols(self, group: int, many: int, numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Codes numbers of `many` bits, at most 8, with the adaptive probabilities of `group`, 0 to 255.

        When decoding, only the shape of `numbers` counts.
        """
        if self._encoding:
            # No decision takes more than 12.1 bits.
            most = self._call("position") + 2 * many * numbers.size + 2 * AHEAD_BYTES
            self._reserved = max(self._reserved, most)
        place = self._stream + self._reserved
        self._reserve(place + numbers.size)
        self._bytes(place, place + numbers.size)[:] = numbers.ravel()
        self._call("symbols", place, numbers.size, many, group)
        return self._bytes(place, place + numbers.size).reshape(numbers.shape).copy()

    def level(self, width: int) -> bool:
        """Codes a level, which narrows the coefficients' intervals.

        Args:
            width: the level's quantization step, 64 to 32767 units: intervals of significant coefficients'
                magnitudes become shorter than one and a half times the width.

        Returns:
            False if the stream's bytes, or the decisions that they allow, ran out within the level.

        Raises:
            AnirError: when encoding, if the stream takes more bytes than are reserved for it.
        """
        if not self._encoding:
            return bool(self._call("level", width, 0))
        no_room = AnirError("the picture's levels take more bytes than their encoder has room for")
        try:
            done = bool(self._call("level", width, self._wanted))
        except Trap as error:
            # The end of memory stopped it.
            raise no_room from error
        if self._call("position") > self._reserved:
            raise no_room
        return done

    def check(self) -> bool:
        """Codes a digest, 10 bits, of all decisions; returns whether it is right and the bytes sufficed."""
        return bool(self._call("check"))

    def position(self) -> int:
        """Returns the number of bytes that a decoder has read at this point of the stream."""
        return int(self._call("position")) + AHEAD_BYTES * self._encoding

    def means_position(self) -> int:
        """Returns the number of bytes that a decoder has read at the end of the latest level's means."""
        return int(self._call("meansPosition")) + AHEAD_BYTES * self._encoding

    def finish(self) -> bytes:
        """Ends encoding, and returns the stream."""
        self._call("finish")
        return self._bytes(self._stream, self._stream + self._call("position")).tobytes()

    def values(self, last: bool = False) -> Integers:
        """Returns the coefficients as far as they are known, int32[rows, columns, planes, pitch, pitch].

        They are in units, with the cells' means at frequency (0, 0). The array is a view of the coder's
        memory, valid until the coder is used again.

        Args:
            last: whether no level is coded afterwards, which saves memory.
        """
        if not last:
            self._reserve(self._wanted)
        start = self._address("spare") if last else self._known
        self._call("values", start)
        end = start + self._wanted - self._known
        return self._bytes(start, end).view(np.int32).reshape(self._shape)

    def keep(self) -> None:
        """Saves the state: what is known of the coefficients, the models, and the position in the stream."""
        self._reserve(self._stream)
        self._call("keep", self._kept)

    def restore(self) -> None:
        """Restores the state that `keep` saved."""
        self._call("restore", self._kept)
