"""Small picture files whose colours are easily misread; each has eight fields of a single colour.

tests/vectors/browser_pictures.json has the colours (red, green, blue, alpha) that Chromium draws to a canvas,
taken in the middle of each field, row by row.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

FIELD = 8
"""Width and height of a field in pixels."""
COLOURS = np.array(
    [
        [[255, 0, 0], [20, 200, 40], [30, 60, 220], [128, 128, 128]],
        [[250, 240, 90], [40, 20, 10], [200, 120, 160], [255, 255, 255]],
    ],
    np.uint8,
)
_D65 = (0.3127, 0.3290)
P3 = (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65)
ADOBE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, *_D65)
PROPHOTO = (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001, 0.3457, 0.3585)
SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65)
EXCHANGED = (0.30, 0.60, 0.64, 0.33, 0.15, 0.06, *_D65)
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def fields(mode: str = "RGB") -> Image.Image:
    """Returns a picture of the eight fields, in one of Pillow's modes."""
    return Image.fromarray(COLOURS.repeat(FIELD, 0).repeat(FIELD, 1)).convert(mode)


def all_pictures() -> dict[str, bytes]:
    """Returns the bytes of all files, by name."""
    p3, cmyk = matrix_profile(P3, 2.2), cmyk_profile()
    gamma, half, srgb = gama(0.45455), gama(0.5), (b"sRGB", b"\0")
    orientation = Image.Exif()
    orientation[0x0112] = 6
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", XMP)
    return {
        "p3.png": saved(fields(), "PNG", icc_profile=p3),
        "p3.webp": saved(fields(), "WEBP", lossless=True, icc_profile=p3),
        "p3.jpg": saved(fields(), "JPEG", quality=100, subsampling=0, icc_profile=p3),
        "p3.avif": saved(fields(), "AVIF", quality=100, subsampling="4:4:4", icc_profile=p3),
        "p3_palette.png": saved(fields().quantize(8), "PNG", icc_profile=p3),
        "p3_alpha.png": saved(_with_alpha(fields()), "PNG", icc_profile=p3),
        "adobe.png": saved(fields(), "PNG", icc_profile=matrix_profile(ADOBE, 2.2)),
        "prophoto.png": saved(fields(), "PNG", icc_profile=matrix_profile(PROPHOTO, 1.8)),
        "linear.png": saved(fields(), "PNG", icc_profile=matrix_profile(SRGB, 1.0)),
        "exchanged.png": saved(fields(), "PNG", icc_profile=matrix_profile(EXCHANGED, 2.2)),
        "grey_linear.png": saved(fields("L"), "PNG", icc_profile=grey_profile(1.0)),
        "grey_of_rgb_profile.png": saved(fields("L"), "PNG", icc_profile=matrix_profile(SRGB, 1.0)),
        "rgb_of_grey_profile.png": saved(fields(), "PNG", icc_profile=grey_profile(1.0)),
        "broken_profile.png": saved(fields(), "PNG", icc_profile=p3[:200]),
        "cmyk.jpg": saved(fields("CMYK"), "JPEG", quality=100, subsampling=0),
        "cmyk_profile.jpg": saved(_inks(), "JPEG", quality=100, subsampling=0, icc_profile=cmyk),
        "gama.png": with_chunks(fields(), half),
        "gama_of_srgb.png": with_chunks(fields(), gamma),
        "gama_chrm.png": with_chunks(fields(), gamma, chrm(P3)),
        "chrm_alone.png": with_chunks(fields(), chrm(P3)),
        "chrm_zero.png": with_chunks(fields(), half, chrm((0.0,) * 8)),
        "srgb_before_gama.png": with_chunks(fields(), srgb, half),
        "icc_before_gama.png": with_chunks(fields(), iccp(p3), half),
        "cicp_p3.png": with_chunks(fields(), (b"cICP", bytes([12, 13, 0, 1]))),
        "cicp_television.png": with_chunks(fields(), (b"cICP", bytes([1, 1, 0, 1]))),
        "cicp_before_icc.png": with_chunks(fields(), (b"cICP", bytes([1, 13, 0, 1])), iccp(p3)),
        "grey_gama.png": with_chunks(fields("L"), half),
        "grey16_gama.png": with_chunks(_grey16(), half),
        "nclx_p3.avif": nclx(12, 13),
        "nclx_television.avif": nclx(9, 1),
        "nclx_linear.avif": nclx(1, 8),
        "grey16_trns.png": with_chunks(_grey16(), (b"tRNS", struct.pack(">H", 128 * 257))),
        "exif.png": saved(fields(), "PNG", exif=orientation),
        "exif.jpg": saved(fields(), "JPEG", quality=100, subsampling=0, exif=orientation),
        "exif.avif": saved(fields(), "AVIF", quality=100, subsampling="4:4:4", exif=orientation),
        "xmp.jpg": saved(fields(), "JPEG", quality=100, subsampling=0, xmp=XMP.encode()),
        "xmp.webp": saved(fields(), "WEBP", lossless=True, xmp=XMP.encode()),
        "xmp.png": saved(fields(), "PNG", pnginfo=text),
    }


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_chunks(image: Image.Image, *chunks: tuple[bytes, bytes]) -> bytes:
    """Returns a PNG with additional chunks after its header."""
    data = saved(image, "PNG")
    return data[:33] + b"".join(_chunk(*chunk) for chunk in chunks) + data[33:]


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 1e5))


def chrm(primaries: tuple[float, ...]) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(v * 1e5) for v in (*primaries[6:], *primaries[:6])))


def iccp(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"x\0\0" + zlib.compress(profile)


def nclx(primaries: int, transfer: int) -> bytes:
    """Returns an AVIF with these CICP code points."""
    data = saved(fields(), "AVIF", quality=100, subsampling="4:4:4")
    at = data.index(b"nclx") + 4
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


def grey4_png(transparent: int) -> bytes:
    """Returns a PNG with 4-bit samples: all 16 greys in a row, one of them transparent."""
    row = b"\0" + bytes(16 * i + i + 1 for i in range(0, 16, 2))
    return png(16, 4, 0, row, (b"tRNS", struct.pack(">H", transparent)))


def png(width: int, bits: int, colour_type: int, row: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """Returns a PNG of a single row, which is given as the byte of its filter type and its packed samples."""
    header = struct.pack(">IIBBBBB", width, 1, bits, colour_type, 0, 0, 0)
    all_chunks = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in all_chunks)


def tiff(order: str, data: bytes, tags: dict[int, list[int]]) -> bytes:
    """Returns a TIFF whose data begin at byte 8; `order` is < or >, and all tags have the type LONG."""
    directory = 8 + len(data)
    entries, values, at = b"", b"", directory + 2 + 12 * len(tags) + 4
    for tag, own in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(own)}I", *own)
        if len(own) > 1:
            values, packed = values + packed, struct.pack(f"{order}I", at + len(values))
        entries += struct.pack(f"{order}HHI", tag, 4, len(own)) + packed
    header = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", directory)
    return header + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + values


def matrix_profile(primaries: tuple[float, ...], gamma: float) -> bytes:
    """Returns an ICC profile of version 2 with colorants adapted to D50, and the same curve for each."""
    x, y = np.array(primaries).reshape(4, 2).T
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    rgb = xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3])
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (bradford @ [0.9642, 1, 0.8249]) / (bradford @ xyz[:, 3])
    adapted = np.linalg.solve(bradford, scale[:, None] * (bradford @ rgb))
    tags = {b"wtpt": _xyz_tag([0.9642, 1, 0.8249])}
    for name, column in zip(b"rgb", adapted.T, strict=True):
        tags[bytes([name]) + b"XYZ"] = _xyz_tag(column)
        tags[bytes([name]) + b"TRC"] = _curve_tag(gamma)
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    tags = {b"wtpt": _xyz_tag([0.9642, 1, 0.8249]), b"kTRC": _curve_tag(gamma)}
    return _profile(b"mntr", b"GRAY", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """Returns a printer's ICC profile: the CIE L*a*b* colours of the 2⁴ combinations of no or full inks."""
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), -1).reshape(-1, 4, 1)
    light = np.array([[0.1, 0.6, 0.9], [0.8, 0.1, 0.5], [0.95, 0.9, 0.1], [0.1, 0.1, 0.1]])
    rgb = np.rint(255 * np.where(inks == 1, light, 1).prod(1)).astype(np.uint8)
    table = np.asarray(ImageCms.profileToProfile(Image.fromarray(rgb[None]), srgb, lab, outputMode="LAB"))
    table = (table[0].astype(int) + np.array([0, 128, 128])).astype(np.uint8)  # Pillow's a and b are signed
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    ramp = bytes(range(256))
    a2b0 = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table.tobytes() + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz_tag([0.9642, 1, 0.8249]), b"A2B0": a2b0})


def _profile(kind: bytes, colours: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"cprt": b"text\0\0\0\0x\0",
        **tags,
    }
    at, directory, content = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        directory += struct.pack(">4sII", name, at + len(content), len(value))
        content += padded
    header = bytearray(128)
    struct.pack_into(
        ">I4sI4s4s4s", header, 0, at + len(content), b"lcms", 0x02400000, kind, colours, connection
    )
    header[36:40] = b"acsp"
    struct.pack_into(">3i", header, 68, *(round(v * 65536) for v in (0.9642, 1, 0.8249)))
    return bytes(header) + struct.pack(">I", len(tags)) + directory + content


def _xyz_tag(values: object) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(v) * 65536) for v in np.asarray(values)))


def _curve_tag(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _inks() -> Image.Image:
    """Returns eight fields of inks at 0 or 100 %, as decoders interpolate differently between these."""
    inks = np.array([[0x0, 0x8, 0x4, 0x2], [0xE, 0xC, 0x6, 0xA]], np.uint8)
    values = (inks[..., None] >> np.arange(3, -1, -1, dtype=np.uint8) & 1) * np.uint8(255)
    return Image.fromarray(values.repeat(FIELD, 0).repeat(FIELD, 1), "CMYK")


def _grey16() -> Image.Image:
    return Image.fromarray(np.asarray(fields("L")).astype(np.uint16) * 257)


def _with_alpha(image: Image.Image) -> Image.Image:
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    return image


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
