"""Formats, orientations and hostile files."""

import io
import os
import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFile, features

from skmerge import ImageEncoder

HEIGHT, WIDTH = 6, 10
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]


def encoded(image, image_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def decoded(source, color="rgb", size=(HEIGHT, WIDTH), **params):
    encoder = ImageEncoder(size, color, **params)
    return encoder.fit([source]).transform([source])[0]


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "rgb.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "notes.txt").write_text("no picture at all, only words")
    (tmp_path / "cut.png").write_bytes((tmp_path / "rgb.png").read_bytes()[:150])
    (tmp_path / "sub").mkdir()
    return tmp_path


@pytest.mark.parametrize("image_format", FORMATS)
def test_every_format_is_read(image_format):
    flat = Image.new("RGB", (WIDTH, HEIGHT), (200, 100, 50))
    options = {"lossless": True} if image_format == "WEBP" else {}
    pixels = decoded(encoded(flat, image_format, **options)).astype(int)
    assert np.abs(pixels - (200, 100, 50)).max() <= (3 if image_format == "JPEG" else 0)


@pytest.mark.skipif(
    "avif" not in features.modules or not features.check("avif"), reason="this Pillow reads no AVIF"
)
def test_avif_is_read():
    pixels = decoded(encoded(Image.new("RGB", (16, 16), (200, 100, 50)), "AVIF"), size=16)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 4


# the upright picture made of the stored one, by orientation
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.transpose(1, 0, 2),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "TIFF by libtiff", "WEBP"])
def test_pictures_are_turned_upright(orientation, image_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "TIFF by libtiff": {"compression": "tiff_lzw"}}
    source = encoded(
        Image.fromarray(RGB), image_format.split()[0], exif=exif, **options.get(image_format, {})
    )
    expected = UPRIGHT[orientation](RGB)
    for cell in (source, Image.open(io.BytesIO(source))):
        encoder = ImageEncoder().fit([cell])
        assert encoder.size_ == expected.shape[:2]
        np.testing.assert_array_equal(encoder.transform([cell])[0], expected)


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_photographs_are_turned_upright_and_reduced(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    quarters = np.zeros((2, 2, 3), dtype=np.uint8)
    quarters[0, 0], quarters[0, 1], quarters[1, 0] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    stored = quarters.repeat(400, axis=0).repeat(600, axis=1)
    source = encoded(Image.fromarray(stored), "JPEG", exif=exif, quality=95)
    pixels = decoded(source, size=8).astype(int)
    expected = UPRIGHT[orientation](quarters).repeat(4, axis=0).repeat(4, axis=1)
    assert np.abs(pixels - expected)[[0, 0, -1, -1], [0, -1, 0, -1]].max() <= 8


@pytest.mark.parametrize("exif", [b"Exif\0\0nonsense", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0"])
def test_broken_exif_does_not_make_a_picture_unreadable(exif):
    flat = Image.new("RGB", (16, 16), (9, 9, 9))
    assert np.abs(decoded(encoded(flat, "JPEG", exif=exif), size=16).astype(int) - 9).max() <= 2


@pytest.mark.parametrize("image_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame_of_an_animation_is_read(image_format):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
    options = {"lossless": True} if image_format == "WEBP" else {}
    source = encoded(frames[0], image_format, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decoded(source, size=8), np.full((8, 8, 3), (255, 0, 0)))


UNREADABLE = {
    "gone.png": "missing file on this machine, looked in",
    "empty.png": "empty file",
    "notes.txt": "not an image format: must be one of JPEG, PNG",
    "sub": "a directory, not a file",
    "rgb.png/x.png": "missing file on this machine",
    "http://example.org/cat.png": "a URL is never fetched: download it",
    "data:image/png;base64,AAAA": "a URL is never fetched",
    "a\0b.png": "not a path that a file can have",
    "\ud800.png": "not a path that a file can have",
    "x" * 5000: "file name too long",
}


@pytest.mark.parametrize("name", UNREADABLE, ids=lambda name: ascii(name)[:30])
def test_unreadable_file_is_named_with_row_column_and_reason(folder, name):
    column = pd.Series(["rgb.png", None, name, "gone.png"], name="photo", dtype=object)
    column.index = ["a", "b", "c", "d"]
    fitted = ImageEncoder(root=folder).fit(["rgb.png"])
    for fails in (ImageEncoder(root=folder).fit, fitted.transform):
        with pytest.raises(ValueError, match="Row 2 of column 'photo': '") as caught:
            fails(column)
        assert f"{name[-20:]!r} is not a readable image ({UNREADABLE[name]}"[1:] in str(
            caught.value
        )


def test_a_truncated_file_is_named_once_it_is_decoded(folder):
    column = pd.Series(["rgb.png", "cut.png"], name="photo")
    with pytest.raises(
        ValueError,
        match=r"^Row 1 of column 'photo': 'cut.png' is not a readable image \(truncated file\)\.$",
    ):
        ImageEncoder(root=folder).fit(column).transform(column)


@pytest.mark.parametrize("source", [b"", b"nonsense", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_unreadable_bytes_are_named_by_their_length(source):
    with pytest.raises(
        ValueError, match=rf"Row 0: bytes of length {len(source)} is not a readable"
    ):
        ImageEncoder().fit([source])


def test_closed_pillow_image_is_unreadable(folder):
    image = Image.open(folder / "rgb.png")
    image.close()
    with pytest.raises(ValueError, match="Row 0: Pillow image of mode 'RGB'"):
        ImageEncoder().fit([RGB]).transform([image])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ValueError, match="not a regular file"):
        ImageEncoder().fit([tmp_path / "pipe.png"])


def test_formats_that_run_other_programs_are_not_opened(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "ghost.eps")
    (tmp_path / "ghost.eps").rename(tmp_path / "ghost.png")
    with pytest.raises(ValueError, match="not an image format"):
        ImageEncoder().fit([tmp_path / "ghost.png"])


@pytest.mark.parametrize("image_format", [*FORMATS, "progressive JPEG", "compressed TIFF"])
def test_a_truncated_file_is_an_error_unless_all_pixels_are_there(image_format):
    gradient = np.add.outer(np.arange(40), 3 * np.arange(50)).astype(np.uint8)
    options = {
        "progressive JPEG": {"progressive": True},
        "compressed TIFF": {"compression": "packbits"},
    }
    whole = encoded(
        Image.fromarray(gradient).convert("RGB"),
        image_format.split()[-1],
        **options.get(image_format, {}),
    )
    encoder = ImageEncoder((40, 50), "rgb", on_error="missing").fit([whole])
    cuts = [whole[:length] for length in range(1, len(whole), max(1, len(whole) // 100))]
    with pytest.warns(UserWarning, match=f"of {len(cuts)} pictures cannot be read"):
        pixels, present = encoder.encode(cuts)
    assert not present[: int(0.8 * len(cuts))].any()
    assert not pixels[~present].any()
    np.testing.assert_array_equal(
        pixels[present], encoder.transform([whole]).repeat(present.sum(), axis=0)
    )
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def bomb(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (10_000, 9_000), (7_072, 7_071)])
def test_a_bomb_is_refused_by_its_header(width, height):
    message = f"too many pixels: {width}x{height} > max_pixels=50000000"
    before = Image.MAX_IMAGE_PIXELS
    for fails in (ImageEncoder().fit, ImageEncoder().fit([RGB]).transform):
        with pytest.raises(ValueError, match=message):
            fails([bomb(width, height)])
    assert before == Image.MAX_IMAGE_PIXELS


def test_the_limit_of_pixels_is_inclusive():
    source = encoded(Image.fromarray(RGB))
    np.testing.assert_array_equal(decoded(source, max_pixels=HEIGHT * WIDTH), RGB)
    with pytest.raises(ValueError, match="too many pixels: 10x6 > max_pixels=59"):
        ImageEncoder(max_pixels=HEIGHT * WIDTH - 1).fit([source])
    with pytest.raises(ValueError, match=r"Row 0: Pillow image .*too many pixels"):
        ImageEncoder(max_pixels=59).fit([Image.open(io.BytesIO(source))])


def test_a_limit_above_that_of_pillow_holds():
    # Pillow itself opens no more than 179 million pixels, and warns above 89 million
    for source in (bomb(20_000, 10_000), bomb(10_000, 10_000)):
        assert ImageEncoder(max_pixels=200_000_000).fit([source]).size_ == (64, 64)
