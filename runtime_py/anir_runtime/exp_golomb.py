"""Exp-Golomb codes (Teuhola 1978): prefix codes of nonnegative integers that are short for small ones.

The code of order k of a number n is ⌊n / 2ᵏ⌋ + 1 in binary, after one zero for each of its bits but the
first, followed by the lowest k bits of n.
"""

from anir_runtime.errors import AnirError

_MOST_BITS = 30


class IncompleteError(AnirError):
    """Raised if a file ends within its header."""


def damaged() -> AnirError:
    """Returns the error for a header that no file has."""
    return AnirError("its header is damaged; fetch it again")


def golomb(number: int, order: int) -> str:
    """Returns the code of a nonnegative number, as a string of zeros and ones."""
    # Both parts as one number: ⌊number / 2ᵏ⌋ + 1, followed by the lowest k bits.
    both = number + (1 << order)
    return "0" * (both.bit_length() - 1 - order) + f"{both:b}"


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
        self._at = 8 * self.position()
        return bytes(self.bits(8) for _ in range(count))

    def bits(self, count: int) -> int:
        """Returns a number of `count` bits. Raises IncompleteError if too few are left."""
        start, end = self._at, self._at + count
        if end > 8 * len(self._data):
            raise IncompleteError("ends within its header")
        self._at = end
        octets = int.from_bytes(self._data[start >> 3 : self.position()])
        return octets >> -end % 8 & (1 << count) - 1

    def golomb(self, order: int) -> int:
        """Returns a nonnegative number by its code. Raises AnirError if it has more than 30 bits."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros + order >= _MOST_BITS:
                raise damaged()
        high = (1 << zeros | self.bits(zeros)) - 1
        return high << order | self.bits(order)

    def signed(self, order: int) -> int:
        """Returns a signed number, whose code is that of its `folded` number."""
        number = self.golomb(order)
        return number + 1 >> 1 if number & 1 else -(number >> 1)
