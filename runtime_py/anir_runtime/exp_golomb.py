"""Exp-Golomb codes (Teuhola 1978): prefix codes of nonnegative integers that are short for small ones.

The code of order k of a number n is ⌊n / 2ᵏ⌋ + 1 in binary, after one zero for each of its bits but the
first, followed by the lowest k bits of n.
"""

from anir_runtime.errors import AnirError

_MOST_BITS = 30


class IncompleteError(AnirError):
    """Raised if a file ends within its header."""


def golomb(number: int, order: int) -> str:
    """Returns the code of a nonnegative number, as a string of zeros and ones."""
    high = (number >> order) + 1
    code = "0" * (high.bit_length() - 1) + f"{high:b}"
    return code + (f"{number & ((1 << order) - 1):0{order}b}" if order else "")


def folded(number: int) -> int:
    """Maps signed to nonnegative numbers: 0, 1, -1, 2, -2 become 0, 1, 2, 3, 4."""
    return 2 * number - 1 if number > 0 else -2 * number


def packed(code: str) -> bytes:
    """Packs a string of zeros and ones into bytes, highest bit first; the last byte is padded with zeros."""
    code += "0" * (-len(code) % 8)
    return bytes(int(code[at : at + 8], 2) for at in range(0, len(code), 8))


class BitReader:
    """Reads numbers from the bits of bytes, highest bit first."""

    def __init__(self, data: bytes, at: int) -> None:
        """Starts at byte `at`."""
        self._data, self._at = data, 8 * at

    def position(self) -> int:
        """Returns the number of bytes read, including a partly read one."""
        return -(-self._at // 8)

    def take(self, count: int) -> bytes:
        """Returns the next `count` whole bytes. Raises IncompleteError if too few are left."""
        start = self.position()
        self._at = 8 * start
        self._advance(8 * count)
        return self._data[start : start + count]

    def bits(self, count: int) -> int:
        """Returns a number of `count` bits. Raises IncompleteError if too few are left."""
        start = self._at
        self._advance(count)
        places = range(start, self._at)
        return int("0" + "".join(str(self._data[at >> 3] >> 7 - at % 8 & 1) for at in places), 2)

    def _advance(self, count: int) -> None:
        if self._at + count > 8 * len(self._data):
            raise IncompleteError("ends within its header")
        self._at += count

    def golomb(self, order: int) -> int:
        """Returns a nonnegative number by its code. Raises AnirError if it has more than 30 bits."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros + order >= _MOST_BITS:
                raise AnirError("its header is damaged; fetch it again")
        high = (1 << zeros | self.bits(zeros)) - 1
        return high << order | self.bits(order)

    def signed(self, order: int) -> int:
        """Returns a signed number, whose code is that of its `folded` number."""
        number = self.golomb(order)
        return number + 1 >> 1 if number & 1 else -(number >> 1)
