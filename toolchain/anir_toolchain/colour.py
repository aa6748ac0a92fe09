"""Converts the colours of picture files to sRGB, as browsers show them.

A file describes its colour space by an ICC profile, by CICP code points (ITU-T H.273) or by PNG's gAMA and
cHRM chunks. Little CMS converts by ICC profiles; the others amount to a curve and primaries, converted here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import cast

import numpy as np
from anir_runtime.errors import AnirError
from numpy.typing import NDArray
from PIL import Image, ImageCms

from anir_toolchain.cicp import Cicp, read_cicp

Curve = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""A transfer curve: from coded values in [0, 1] to linear light in [0, 1]."""

_BAND_VALUES = 2**21
"""Values converted at a time, as floating-point copies of a large picture would take gigabytes."""

_D65 = (0.3127, 0.3290)
_BT709 = (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65)
_PRIMARIES = {
    1: _BT709,
    4: (0.67, 0.33, 0.21, 0.71, 0.14, 0.08, 0.310, 0.316),
    5: (0.64, 0.33, 0.29, 0.60, 0.15, 0.06, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    8: (0.681, 0.319, 0.243, 0.692, 0.145, 0.049, 0.310, 0.316),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
"""CIE xy of red, green, blue and white by CICP colour primaries, H.273 table 2."""

_HDR = {16: "PQ", 18: "HLG"}
"""Transfer characteristics of HDR pictures, H.273 table 3."""

_GAMMA_TOLERANCE = 0.05
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])


@dataclass(frozen=True)
class ColourSpace:
    """An RGB colour space: a transfer curve, and the CIE xy of red, green, blue and white (eight numbers)."""

    curve: Curve
    primaries: tuple[float, ...] = _BT709

    def to_srgb(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Converts values in [0, 1], float32[H, W, 1 | 3], to 8-bit sRGB of that shape; grey stays grey."""
        to_linear_srgb = np.linalg.solve(_to_xyz(_BT709), _to_xyz(self.primaries)).astype(np.float32)
        result = np.empty(values.shape, np.uint8)
        rows = max(1, _BAND_VALUES // values[0].size)
        for start in range(0, len(values), rows):
            linear = self.curve(values[start : start + rows])
            if values.shape[2] == 3 and self.primaries != _BT709:
                linear = linear @ to_linear_srgb.T
            result[start : start + rows] = np.rint(255 * _srgb_coded(linear.clip(0, 1)))
        return result


def as_srgb(
    colours: Image.Image | NDArray[np.float32], space: bytes | ColourSpace | None
) -> NDArray[np.uint8]:
    """Converts a picture to sRGB, uint8[H, W, 1 | 3].

    Args:
        colours: 8 bits of mode L, RGB, CMYK or LAB, or float32[H, W, 1 | 3] in [0, 1].
        space: the picture's colour space, as from `colour_space`.
    """
    if isinstance(space, ColourSpace):
        return space.to_srgb(_as_fractions(colours))
    if not isinstance(colours, Image.Image):
        levels = np.rint(255 * colours).astype(np.uint8)
        colours = Image.fromarray(levels[..., 0] if levels.shape[2] == 1 else levels)
    converted = lab_to_srgb(colours) if colours.mode == "LAB" else None
    if converted is None and space:
        converted = icc_to_srgb(colours, space)
    if converted is None:
        converted = colours if colours.mode == "L" else colours.convert("RGB")
    return np.atleast_3d(np.asarray(converted))


def _as_fractions(colours: Image.Image | NDArray[np.float32]) -> NDArray[np.float32]:
    if isinstance(colours, np.ndarray):
        return colours
    levels = np.asarray(colours if colours.mode == "L" else colours.convert("RGB"))
    return np.atleast_3d(levels.astype(np.float32) / 255)


def colour_space(image: Image.Image) -> bytes | ColourSpace | None:
    """Returns the colour space that an opened picture declares: an ICC profile, a space, or None (sRGB).

    CICP takes precedence over ICC, then sRGB, then gAMA with cHRM: PNG, third edition, section 4.3.
    Raises AnirError for HDR pictures, whose brightness depends on the screen that shows them.
    """
    info, code = image.info, read_cicp(image)
    if code is not None and code.transfer in _HDR:
        raise AnirError(f"an HDR picture ({_HDR[code.transfer]}), which has no fixed colours; save it as SDR")
    if image.format == "PNG" and code is not None:
        primaries, curve = _PRIMARIES.get(code.primaries), _CURVES.get(code.transfer)
        if primaries and curve:
            return ColourSpace(curve, primaries)
    if info.get("icc_profile"):
        return cast(bytes, info["icc_profile"])
    if image.format == "AVIF" and code is not None:
        return _of_avif(code)
    if image.format == "PNG" and "srgb" not in info and info.get("gamma", 0) > 0:
        return _of_gamma(info["gamma"], info.get("chromaticity"))
    return None


def _of_avif(code: Cicp) -> ColourSpace:
    """Returns an AVIF's colour space: sRGB's curve for television's, as in Chromium, and sRGB for unknown."""
    curve = _srgb_linear if code.transfer in _TELEVISION else _CURVES.get(code.transfer, _srgb_linear)
    return ColourSpace(curve, _PRIMARIES.get(code.primaries, _BT709))


def _of_gamma(gamma: float, chromaticity: Sequence[float] | None) -> ColourSpace | None:
    """Returns the colour space of PNG's gAMA and cHRM chunks; `chromaticity` begins with white.

    Without cHRM a gamma of about 1/2.2 means sRGB, as in libpng and browsers; with cHRM it is taken exactly.
    """
    if chromaticity is None:
        return None if abs(2.2 * gamma - 1) < _GAMMA_TOLERANCE else ColourSpace(_power(1 / gamma))
    primaries = (*chromaticity[2:], *chromaticity[:2])
    if min(primaries[1::2]) <= 0 or abs(np.linalg.det(_xyz(primaries)[:, :3])) < 1e-6:
        return None
    return ColourSpace(_power(1 / gamma), primaries)


def _power(exponent: float) -> Curve:
    return lambda coded: coded ** np.float32(exponent)


def _smpte_240(coded: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(coded < 0.0913, coded / 4, ((coded + 0.1115) / 1.1115) ** (1 / 0.45)).astype(np.float32)


def _smpte_428(coded: NDArray[np.float32]) -> NDArray[np.float32]:
    return (52.37 / 48 * coded**2.6).astype(np.float32)


def _srgb_linear(coded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts coded sRGB values to linear ones, IEC 61966-2-1."""
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _srgb_coded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Converts linear values to coded sRGB ones, IEC 61966-2-1."""
    coded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return coded.astype(np.float32)


_TELEVISION = (1, 6, 14, 15)
"""Transfer characteristics of BT.709, BT.601 and BT.2020, H.273 table 3."""
_CURVES: dict[int, Curve] = {
    **dict.fromkeys((*_TELEVISION, 11), _power(2.4)),
    4: _power(2.2),
    5: _power(2.8),
    7: _smpte_240,
    8: _power(1.0),
    13: _srgb_linear,
    17: _smpte_428,
}
"""Curves by CICP transfer characteristics, H.273 table 3; for BT.709 it is that of displays, BT.1886."""


def _xyz(primaries: tuple[float, ...]) -> NDArray[np.float64]:
    """Returns the CIE XYZ of red, green, blue and white, [3, 4], each with Y = 1."""
    x, y = np.array(primaries, np.float64).reshape(4, 2).T
    return np.stack([x / y, np.ones(4), (1 - x - y) / y])


def _to_xyz(primaries: tuple[float, ...]) -> NDArray[np.float64]:
    """Returns the matrix from linear RGB to CIE XYZ under D50, with Bradford's adaptation of white."""
    xyz = _xyz(primaries)
    rgb = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    cones = _BRADFORD @ np.stack([_D50, xyz[:, 3]], axis=1)
    adapted: NDArray[np.float64] = np.linalg.solve(
        _BRADFORD, (cones[:, 0] / cones[:, 1])[:, None] * (_BRADFORD @ rgb)
    )
    return adapted


_ICC_MODES = {"RGB ": ("RGB", "L"), "GRAY": ("L",), "CMYK": ("CMYK",)}
"""By a profile's kind of colours, the modes of pictures that it applies to."""


def icc_to_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Converts a picture of mode L, RGB or CMYK to sRGB; None if the profile is damaged or does not apply."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        modes = _ICC_MODES.get(source.profile.xcolor_space, ())
        if image.mode not in modes:
            return None
        return ImageCms.profileToProfile(
            image.convert(modes[0]), source, _srgb_profile(), ImageCms.Intent.PERCEPTUAL, "RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return None


def _srgb_profile() -> ImageCms.ImageCmsProfile:
    """Returns sRGB marked as ICC version 2: between two of version 4 Little CMS would align black points."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[8:12] = b"\x02\x40\x00\x00"
    return ImageCms.ImageCmsProfile(BytesIO(data))


def lab_to_srgb(image: Image.Image) -> Image.Image | None:
    """Converts a picture in CIE L*a*b* to sRGB."""
    return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), _srgb_profile(), outputMode="RGB")
