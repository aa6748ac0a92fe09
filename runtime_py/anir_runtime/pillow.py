"""A plug-in for Pillow: after `import anir_runtime.pillow`, `Image.open` opens `.anir` files."""

import math
from io import BytesIO
from typing import Any

from PIL import Image, ImageFile

from anir_runtime.anir_header import MAGIC, Level, read_header
from anir_runtime.content import MAX_FILE_BYTES
from anir_runtime.decoder import Decoder
from anir_runtime.errors import AnirError

FORMAT = "ANIR"
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_HEADER_BYTES = 1024
"""Bytes to read for the header, which is shorter."""


class AnirImageFile(ImageFile.ImageFile):
    """A picture whose pixels are drawn on first use, at the size of a draft if there is one.

    A truncated file is drawn as well as its bytes allow, or as a preview. `info` has the `family`, the `bits`
    of a weight, and `levels` with each level's name, bytes of the file up to its end, and PSNR in dB.
    """

    format = FORMAT
    format_description = "Adaptive neural image"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            header = read_header(self.fp.read(_HEADER_BYTES))
        except AnirError as error:
            # SyntaxError tells Pillow that the file is of another format, or cannot be opened.
            raise SyntaxError(str(error)) from error
        self._header = header
        self._end = header.levels[-1].end
        self._size = header.size
        self._mode = _MODES[header.colours]
        self.info["family"], self.info["bits"] = header.family, header.bits
        self.info["levels"] = [
            {"name": level.name, "bytes": level.end, "psnr": level.psnr[0]} for level in header.levels
        ]
        self._pending = True
        self._cover()

    def _cover(self) -> None:
        """Announces raw pixels of the current size to Pillow."""
        self.tile = [ImageFile._Tile("raw", (0, 0, *self.size), 0, self.mode)]

    def draft(
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Makes `load` draw the picture at the least size that covers `size`, from as few levels as needed.

        The last of these is the first level whose PSNR at that size reaches the whole file's at native size.
        """
        if not self._pending or size is None:
            return None
        scale = max(wanted / own for wanted, own in zip(size, self.size, strict=True))
        if not 0 < scale < 1:
            return None
        best = self._header.levels[-1].psnr[0]
        good = (level.end for level in self._header.levels if _psnr_at(level, scale) >= best)
        self._end = next(good, self._end)
        self._size = math.ceil(self.width * scale), math.ceil(self.height * scale)
        self._cover()
        return self.mode, (0, 0, *self.size)

    def load(self) -> Any:
        """Draws the picture. Raises OSError if the file is damaged, or too short to be drawn."""
        if self._pending:
            if self.fp is None:
                raise ValueError("Operation on closed image")
            # Imported only here: it loads the WebAssembly runtime, without which opening a file is faster.
            from anir_runtime.anir_file import least_bytes

            self.fp.seek(0)
            data = self.fp.read(min(max(self._end, least_bytes(self._header)), MAX_FILE_BYTES))
            try:
                pixels = Decoder(data).decode(self.size)
            except AnirError as error:
                raise OSError(str(error)) from error
            if self._exclusive_fp:
                self.fp.close()
            self.fp = BytesIO(pixels.tobytes())
            self._pending = False
        return super().load()


def _psnr_at(level: Level, scale: float) -> float:
    """Returns a level's PSNR in dB at `scale` times the native size, rounded up to ¼, ½ or 1."""
    full, half, quarter = level.psnr
    return quarter if scale <= 0.25 else half if scale <= 0.5 else full


Image.register_open(FORMAT, AnirImageFile, lambda prefix: prefix.startswith(MAGIC))
Image.register_extension(FORMAT, ".anir")
