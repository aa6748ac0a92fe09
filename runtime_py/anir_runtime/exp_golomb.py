"""Exp-Golomb codes: numbers as few bits if they are small, without an end (Teuhola 1978).

Of order k, a number n from 0 on is told as ⌊n / 2ᵏ⌋ + 1 in binary, after as many zeros as that has bits
beyond its first, and then the lowest k bits of n.
"""

from anir_runtime.errors import AnirError

_MOST_BITS = 30


class IncompleteError(AnirError):
    """The file ends within its header."""


def golomb(number: int, order: int) -> str:
    """The code of a number from 0 on, as a text of zeros and ones."""
    high = (number >> order) + 1
    code = "0" * (high.bit_length() - 1) + f"{high:b}"
    return code + (f"{number & ((1 << order) - 1):0{order}b}" if order else "")


def folded(number: int) -> int:
    """A number from 0 on for each one of either sign: 0, 1, -1, 2, -2 become 0, 1, 2, 3, 4."""
    return 2 * number - 1 if number > 0 else -2 * number


def packed(code: str) -> bytes:
    """A text of zeros and ones as bytes, the highest bit first, the last one filled with zeros."""
    code += "0" * (-len(code) % 8)
    return bytes(int(code[at : at + 8], 2) for at in range(0, len(code), 8))


class BitReader:
    """Numbers from the bits of bytes, the highest bit of a byte first."""

    def __init__(self, data: bytes, at: int) -> None:
        """Reads from byte `at` on."""
        self._data, self._at = data, 8 * at

    def position(self) -> int:
        """Bytes up to here, the one under way included."""
        return -(-self._at // 8)

    def take(self, count: int) -> bytes:
        """The next whole bytes. Raises IncompleteError if there are not as many."""
        start = self.position()
        self._at = 8 * start
        self._advance(8 * count)
        return self._data[start : start + count]

    def bits(self, count: int) -> int:
        """A number of so many bits. Raises IncompleteError if there are not as many."""
        start = self._at
        self._advance(count)
        places = range(start, self._at)
        return int("0" + "".join(str(self._data[at >> 3] >> 7 - at % 8 & 1) for at in places), 2)

    def _advance(self, count: int) -> None:
        if self._at + count > 8 * len(self._data):
            raise IncompleteError("ends within its header")
        self._at += count

    def golomb(self, order: int) -> int:
        """A number from 0 on by its code. Raises AnirError if it has more than 30 bits."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros + order >= _MOST_BITS:
                raise AnirError("its header is damaged")
        high = (1 << zeros | self.bits(zeros)) - 1
        return high << order | self.bits(order)

    def signed(self, order: int) -> int:
        """A number of either sign by the code of what `folded` makes of it."""
        number = self.golomb(order)
        return number + 1 >> 1 if number & 1 else -(number >> 1)
