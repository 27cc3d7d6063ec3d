"""Strategies for pictures: every form, mode and format, whole, truncated, altered or hostile."""

import io
import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
from hypothesis import strategies as st
from PIL import Image, TiffImagePlugin  # noqa: F401

from ._cells import these

MODES = [
    "1",
    "L",
    "P",
    "RGB",
    "RGBA",
    "CMYK",
    "YCbCr",
    "LAB",
    "HSV",
    "I",
    "F",
    "LA",
    "PA",
    "RGBX",
    "RGBa",
    "La",
    "I;16",
    "I;16B",
    "I;16L",
]
SIZES = [(1, 1), (1, 2), (3, 2), (7, 5), (1, 5000), (5000, 1), (17, 16)]


def picture(mode, size, seed=0):
    """Return a picture of random pixels."""
    rng = np.random.default_rng(seed)
    gray = Image.fromarray(rng.integers(0, 256, size[::-1], dtype=np.uint8))
    if mode in ("I;16B", "I;16L"):
        return Image.frombytes(mode, size, rng.bytes(2 * size[0] * size[1]))
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, size[::-1], dtype=np.uint16))
    if mode in ("LAB", "HSV", "PA", "La", "RGBa", "RGBX", "CMYK", "YCbCr"):
        n = {"LAB": 3, "HSV": 3, "PA": 2, "La": 2, "RGBa": 4, "RGBX": 4, "CMYK": 4, "YCbCr": 3}[
            mode
        ]
        image = Image.new(mode, size)
        with suppress(ValueError, OSError):
            image.frombytes(rng.bytes(n * size[0] * size[1]))
        return image
    return gray.convert("RGB").convert(mode) if mode != "L" else gray


def _written():
    Image.init()
    files = {}
    for name in sorted(Image.SAVE):
        if name in ("MPEG", "HDF5", "BUFR", "GRIB", "WMF", "PDF", "MPO"):
            continue
        for mode in MODES:
            for size in [(3, 2), (1, 1), (16, 17)]:
                file = io.BytesIO()
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        picture(mode, size).save(file, name)
                except Exception:
                    continue
                files[name, mode, size] = file.getvalue()
    return files


WRITTEN = _written()
OPENED = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")


def _special():
    files = {}

    def add(name, image, kind, **options):
        file = io.BytesIO()
        image.save(file, kind, **options)
        files[name] = file.getvalue()

    frames = [picture("P", (4, 3), seed) for seed in range(3)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        add(
            f"animated {kind}",
            frames[0].convert("RGB"),
            kind,
            save_all=True,
            append_images=[f.convert("RGB") for f in frames[1:]],
        )
    add("palette with transparency", frames[0], "PNG", transparency=3)
    add("palette with transparencies", frames[0], "PNG", transparency=bytes(range(200)))
    add("gray with transparency", picture("L", (4, 3)), "PNG", transparency=7)
    add("RGB with transparency", picture("RGB", (4, 3)), "PNG", transparency=(1, 2, 3))
    add("GIF with transparency", frames[0], "GIF", transparency=0)
    add("interlaced GIF", frames[0], "GIF", interlace=1)
    for turn in range(11):
        exif = Image.Exif()
        exif[0x0112] = turn
        for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
            add(f"turned {turn} {kind}", picture("RGB", (4, 3)), kind, exif=exif.tobytes())
    exif = Image.Exif()
    exif[0x010E] = "x" * 500
    add("EXIF without a turn", picture("RGB", (4, 3)), "JPEG", exif=exif.tobytes())
    add("broken EXIF", picture("RGB", (4, 3)), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    add(
        "broken EXIF PNG",
        picture("RGB", (4, 3)),
        "PNG",
        exif=b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\xff",
    )
    add("progressive", picture("RGB", (30, 20)), "JPEG", progressive=True)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        mode = "1" if compression == "group4" else "RGB"
        try:
            add(f"TIFF {compression}", picture(mode, (7, 5)), "TIFF", compression=compression)
        except Exception:
            continue
    return files


SPECIAL = _special()


def png(width, height, *, depth=8, colour=2, data=b"", filler=b""):
    """Return a PNG that says it is of some size."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + filler
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
    )


def _bombs():
    text = zlib.compress(b"0" * (1 << 24))

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    tiff = bytearray(WRITTEN["TIFF", "RGB", (3, 2)])
    gif = bytearray(WRITTEN["GIF", "L", (3, 2)])
    gif[6:10] = struct.pack("<HH", 65535, 65535)
    bombs = {
        "PNG huge": png(2**31 - 1, 2**31 - 1),
        "PNG wide": png(2**31 - 1, 1),
        "PNG just below": png(7000, 7000),
        "PNG zero": png(0, 5),
        "PNG 1 bit": png(50_000, 50_000, depth=1, colour=0),
        "PNG with texts": png(2, 2, data=b"\0" * 14, filler=chunk(b"zTXt", b"a\0\0" + text) * 5),
        "PNG with ICC": png(2, 2, data=b"\0" * 14, filler=chunk(b"iCCP", b"a\0\0" + text)),
        "PNG too long": png(2, 2, data=b"\0" * (1 << 24)),
        "GIF huge": bytes(gif),
        "BMP huge": b"BM"
        + struct.pack(
            "<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0
        ),
        "BMP RLE": b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 0, 0)
        + b"\0" * 1024,
        "PPM huge": b"P6 4000000000 4000000000 255\n",
        "PPM below": b"P6 7000 7000 255\n\0",
        "PPM plain": b"P3 7000 7000 255\n" + b"1 " * 100,
        "PPM token": b"P6 " + b"9" * 100_000 + b" 1 255\n",
        "PPM comment": b"P6 #" + b"x" * (1 << 22),
        "PPM max": b"P5 2 2 65535\n" + b"\0" * 8,
        "PPM float": b"Pf 2 2 -1.0\n" + b"\0" * 16,
        "PPM nan": b"Pf 2 2 nan\n" + b"\0" * 16,
        "PPM NaNs": b"Pf 2 2 -1.0\n" + struct.pack("<4f", float("nan"), float("inf"), 1, 2),
        "TIFF cut": bytes(tiff[:20]),
    }
    for tag, value in (
        (256, 2**31 - 1),
        (257, 2**31 - 1),
        (258, 65535),
        (277, 65535),
        (259, 50000),
        (322, 1),
        (274, 99),
    ):
        altered = bytearray(tiff)
        offset = struct.unpack("<I", tiff[4:8])[0]
        for n in range(struct.unpack("<H", tiff[offset : offset + 2])[0]):
            entry = offset + 2 + 12 * n
            if struct.unpack("<H", tiff[entry : entry + 2])[0] == tag:
                altered[entry + 2 : entry + 12] = struct.pack("<HII", 4, 1, value)
        bombs[f"TIFF {tag}"] = bytes(altered)
    looped = bytearray(tiff)
    offset = struct.unpack("<I", tiff[4:8])[0]
    count = struct.unpack("<H", tiff[offset : offset + 2])[0]
    looped[offset + 2 + 12 * count : offset + 6 + 12 * count] = struct.pack("<I", offset)
    bombs["TIFF loop"] = bytes(looped)
    return bombs


BOMBS = _bombs()
WHOLE = these([*WRITTEN.values(), *SPECIAL.values()])
_READ = [data for (name, *_), data in WRITTEN.items() if name in OPENED] + list(SPECIAL.values())


@st.composite
def damaged(draw):
    """Draw the bytes of a picture that are cut, or of which some are altered."""
    data = bytearray(draw(these(_READ) | these(list(BOMBS.values()))))
    if draw(st.booleans()):
        return bytes(data[: draw(st.integers(0, len(data)))])
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        position = draw(st.integers(0, min(len(data) - 1, 400)) | st.integers(0, len(data) - 1))
        how = draw(st.sampled_from(["byte", "zeros", "ones", "inserted", "removed"]))
        if how == "byte":
            data[position] = draw(st.integers(0, 255))
        elif how == "inserted":
            data[position:position] = draw(st.binary(max_size=6))
        elif how == "removed":
            del data[position : position + 3]
        else:
            length = len(data[position : position + 4])
            data[position : position + 4] = (b"\0" if how == "zeros" else b"\xff") * length
    return bytes(data)


ARRAY_DTYPES = [
    "uint8",
    "bool",
    "int8",
    "uint16",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "float64",
    "longdouble",
    "complex64",
    "object",
    "U3",
    "datetime64[s]",
    "V4",
]


@st.composite
def arrays(draw):
    """Draw an array that may or may not be a picture."""
    shape = draw(
        these(
            [
                (2, 3),
                (1, 1),
                (2, 3, 1),
                (2, 3, 3),
                (2, 3, 4),
                (2, 3, 2),
                (3, 2, 3),
                (0, 3),
                (2, 0, 3),
                (5,),
                (),
                (1, 2, 3, 4),
                (1, 3000),
                (2, 3, 0),
            ]
        )
    )
    dtype = draw(st.sampled_from(ARRAY_DTYPES))
    array = np.zeros(shape, dtype=dtype)
    if array.dtype.kind in "iuf" and array.size:
        info = np.iinfo(dtype) if array.dtype.kind in "iu" else np.finfo(dtype)
        fill = draw(these([0, 1, 255, info.min, info.max]))
        with np.errstate(invalid="ignore", over="ignore"):
            array = np.full(shape, np.asarray(fill).astype(dtype))
        array.flat[0] = draw(these([0, 1, info.max, info.min]))
        if array.dtype.kind == "f" and draw(st.booleans()):
            array.flat[-1] = draw(these([np.nan, np.inf, 0.5]))
    if draw(st.booleans()) and array.ndim > 1:
        array = array[::-1, ::-1]
    return array


@st.composite
def images(draw):
    """Draw a Pillow image."""
    return picture(
        draw(st.sampled_from(MODES)), draw(st.sampled_from(SIZES)), draw(st.integers(0, 3))
    )


PATHS = these(
    [
        "",
        " ",
        ".",
        "/",
        "/dev/null",
        "/dev/zero",
        "/proc/self/mem",
        "no\0path",
        "\udcff.png",
        "x" * 5000,
        "http://a/b.png",
        "~/a.png",
        "a" * 300 + ".png",
        "../../etc/passwd",
    ]
)
CELLS = st.one_of(
    WHOLE,
    damaged(),
    arrays(),
    images(),
    PATHS,
    these(list(BOMBS.values())),
    these([None, np.nan, 3, b"", bytearray(b"x"), [1, 2]]),
)
