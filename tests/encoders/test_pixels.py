"""Colours of every mode, and sizes, against NumPy references."""

import io

import numpy as np
import pytest
from PIL import Image

from skmerge import ImageEncoder

HEIGHT, WIDTH = 6, 10
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
ALPHA = RNG.choice(np.array([0, 51, 128, 255], dtype=np.uint8), (HEIGHT, WIDTH))


def encoded(image, image_format="PNG", **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def decoded(source, color="rgb", size=(HEIGHT, WIDTH), **params):
    encoder = ImageEncoder(size, color, **params)
    return encoder.fit([source]).transform([source])[0]


def on_white(values, alpha):
    weight = alpha.astype(float) / 255
    weight = weight.reshape(weight.shape + (1,) * (values.ndim - 2))
    return values * weight + 255 * (1 - weight)


def as_rgb(gray):
    return np.repeat(np.asarray(gray)[..., None], 3, axis=-1)


def palette_image():
    entries = RNG.integers(0, 4, (HEIGHT, WIDTH), dtype=np.uint8)
    image = Image.frombytes("P", (WIDTH, HEIGHT), entries.tobytes())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30])
    return image


def palette_colors(image):
    return np.array(image.getpalette("RGB")).reshape(-1, 3)[np.asarray(image)]


PALETTE = palette_image()
BITS = GRAY > 127
CMYK = RNG.integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
LA = Image.merge("LA", [Image.fromarray(GRAY), Image.fromarray(ALPHA)])
RGBA = np.dstack([RGB, ALPHA])
# picture, its pixels in rgb by NumPy, tolerance of rounding
MODES = {
    "1": (encoded(Image.fromarray(BITS)), as_rgb(BITS * 255), 0),
    "L": (encoded(Image.fromarray(GRAY)), as_rgb(GRAY), 0),
    "LA": (encoded(LA), as_rgb(on_white(GRAY, ALPHA)), 1),
    "P": (encoded(PALETTE), palette_colors(PALETTE), 0),
    "P of GIF": (encoded(PALETTE, "GIF"), palette_colors(PALETTE), 0),
    "P of TIFF": (encoded(PALETTE, "TIFF"), palette_colors(PALETTE), 0),
    "P with a transparent entry": (
        encoded(PALETTE, transparency=2),
        on_white(palette_colors(PALETTE), np.where(np.asarray(PALETTE) == 2, 0, 255)),
        0,
    ),
    "P of GIF with a transparent entry": (
        encoded(PALETTE, "GIF", transparency=1),
        on_white(palette_colors(PALETTE), np.where(np.asarray(PALETTE) == 1, 0, 255)),
        0,
    ),
    "P with an alpha per entry": (
        encoded(PALETTE, transparency=bytes([0, 255, 51, 128])),
        on_white(palette_colors(PALETTE), np.array([0, 255, 51, 128])[np.asarray(PALETTE)]),
        1,
    ),
    "RGB": (encoded(Image.fromarray(RGB)), RGB, 0),
    "RGB with a transparent colour": (
        encoded(Image.fromarray(RGB), transparency=tuple(int(v) for v in RGB[2, 3])),
        on_white(RGB, np.where(np.equal(RGB, RGB[2, 3]).all(axis=-1), 0, 255)),
        0,
    ),
    "RGBA": (encoded(Image.fromarray(RGBA)), on_white(RGB, ALPHA), 1),
    "RGBA of WEBP": (
        encoded(Image.fromarray(RGBA), "WEBP", lossless=True, exact=True),
        on_white(RGB, ALPHA),
        1,
    ),
    "RGBX": (Image.fromarray(RGB).convert("RGBX"), RGB, 0),
    "RGBa": (Image.fromarray(RGBA).convert("RGBa"), on_white(RGB, ALPHA), 5),
    "La": (LA.convert("La"), as_rgb(on_white(GRAY, ALPHA)), 5),
    "CMYK of TIFF": (
        encoded(Image.frombytes("CMYK", (WIDTH, HEIGHT), CMYK.tobytes()), "TIFF"),
        (255.0 - CMYK[..., :3]) * (255.0 - CMYK[..., 3:]) / 255,
        1,
    ),
    "YCbCr": (Image.fromarray(RGB).convert("YCbCr"), RGB, 3),
    "HSV": (Image.fromarray(RGB).convert("HSV"), RGB, 6),
    "I;16": (encoded(Image.fromarray(DEEP)), as_rgb(DEEP / 257), 0.5),
    "I;16B": (
        encoded(Image.frombytes("I;16B", (WIDTH, HEIGHT), DEEP.astype(">u2").tobytes()), "TIFF"),
        as_rgb(DEEP / 257),
        0.5,
    ),
    "I": (encoded(Image.fromarray(DEEP.astype(np.int32)), "TIFF"), as_rgb(DEEP / 257), 0.5),
    "F up to 1": (
        encoded(Image.fromarray((DEEP / 65535).astype(np.float32)), "TIFF"),
        as_rgb(DEEP / 257),
        0.51,
    ),
    "F above 1": (Image.fromarray(GRAY.astype(np.float32)), as_rgb(GRAY), 0),
}


@pytest.mark.parametrize("mode", MODES)
def test_colours_equal_the_reference(mode):
    source, expected, tolerance = MODES[mode]
    np.testing.assert_allclose(decoded(source).astype(float), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("mode", MODES)
def test_grays_equal_the_luma_of_the_colours(mode):
    source, expected, tolerance = MODES[mode]
    luma = (np.asarray(expected, dtype=float) @ [0.299, 0.587, 0.114])[..., None]
    gray = decoded(source, "grayscale").astype(float)
    np.testing.assert_allclose(gray, luma, rtol=0, atol=tolerance + 1.5)


def test_lab_is_converted():
    lab = Image.new("LAB", (2, 2), (255, 128, 128))
    assert decoded(lab, size=2).min() >= 250
    assert decoded(lab, "grayscale", size=2).min() >= 250


def test_rgba_keeps_what_is_transparent():
    np.testing.assert_array_equal(decoded(encoded(Image.fromarray(RGBA)), "rgba"), RGBA)
    opaque = decoded(encoded(Image.fromarray(RGB)), "rgba")
    np.testing.assert_array_equal(opaque, np.dstack([RGB, np.full_like(GRAY, 255)]))


def test_cmyk_jpeg_is_converted():
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    pixels = decoded(encoded(red, "JPEG", quality=95), size=16).astype(int)
    assert np.abs(pixels - (255, 0, 0)).max() <= 6


def test_given_range_holds_for_deep_images():
    deep = np.array([[0, 1024, 4096, 65535]], dtype=np.uint16)
    source = encoded(Image.fromarray(deep))
    pixels = decoded(source, "grayscale", size=(1, 4), value_range=(0, 4096))
    np.testing.assert_array_equal(pixels[0, :, 0], [0, 64, 255, 255])


def test_deep_floats_must_be_finite():
    values = np.full((2, 2), np.nan, dtype=np.float32)
    with pytest.raises(ValueError, match="values that are not finite"):
        decoded(encoded(Image.fromarray(values), "TIFF"), size=2)


@pytest.mark.parametrize(
    ("source", "color"),
    [
        (MODES["1"][0], "grayscale"),
        (MODES["L"][0], "grayscale"),
        (MODES["LA"][0], "grayscale"),
        (MODES["I;16"][0], "grayscale"),
        (MODES["F above 1"][0], "grayscale"),
        (encoded(Image.fromarray(GRAY).convert("P")), "grayscale"),
        (encoded(Image.fromarray(GRAY).convert("P"), "TIFF"), "grayscale"),
        (encoded(Image.fromarray(GRAY), "BMP"), "grayscale"),
        (encoded(Image.fromarray(GRAY), "JPEG"), "grayscale"),
        (GRAY, "grayscale"),
        (GRAY[..., None], "grayscale"),
        (MODES["P"][0], "rgb"),
        (MODES["P of TIFF"][0], "rgb"),
        (MODES["P of GIF"][0], "rgb"),
        (encoded(PALETTE, "BMP"), "rgb"),
        (MODES["RGBA"][0], "rgb"),
        (RGBA, "rgb"),
    ],
)  # fmt: skip
def test_automatic_colour_is_that_of_the_picture(source, color):
    assert ImageEncoder().fit([source]).color_ == color
    assert ImageEncoder().fit([source, RGB]).color_ == "rgb"


def test_pictures_of_another_colour_are_converted_at_transform():
    encoder = ImageEncoder().fit([GRAY])
    luma = RGB @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(encoder.transform([RGB])[0, ..., 0], luma, atol=1)
    np.testing.assert_array_equal(encoder.transform([GRAY[..., None]])[0, ..., 0], GRAY)
    np.testing.assert_array_equal(ImageEncoder().fit([RGB]).transform([GRAY])[0], as_rgb(GRAY))


def test_stretched_picture_is_averaged():
    halves = np.zeros((8, 8), dtype=np.uint8)
    halves[:, 4:] = 200
    pixels = decoded(halves, "grayscale", size=(2, 8))
    np.testing.assert_array_equal(pixels[..., 0], halves[:2])
    assert decoded(halves, "grayscale", size=1).item() == 100


def test_small_picture_is_enlarged():
    np.testing.assert_array_equal(
        decoded(np.full((2, 3), 7, dtype=np.uint8), size=(9, 5)), np.full((9, 5, 3), 7)
    )


def test_padding_keeps_the_aspect_between_black_bars():
    wide = np.full((4, 8), 200, dtype=np.uint8)
    pixels = decoded(wide, "grayscale", size=(8, 8), resize="pad")[..., 0]
    np.testing.assert_array_equal(pixels[2:6], np.full((4, 8), 200))
    assert not pixels[:2].any()
    assert not pixels[6:].any()
    clear = decoded(wide, "rgba", size=(8, 8), resize="pad")
    np.testing.assert_array_equal(np.unique(clear[..., 3]), [0, 255])


def test_cropping_keeps_the_middle():
    wide = np.zeros((4, 12), dtype=np.uint8)
    wide[:, 4:8] = 200
    np.testing.assert_array_equal(
        decoded(wide, "grayscale", size=(4, 4), resize="crop")[..., 0], wide[:, 4:8]
    )
    np.testing.assert_array_equal(
        decoded(wide.T, "grayscale", size=(4, 4), resize="crop")[..., 0], wide.T[4:8]
    )


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("shape", [(1, 500), (500, 1), (1, 1)])
def test_extreme_aspects_resize(resize, shape):
    assert decoded(np.ones(shape, dtype=np.uint8), size=(3, 5), resize=resize).shape == (3, 5, 3)


@pytest.mark.parametrize("resize", ["stretch", "pad", "crop"])
def test_reduced_decoding_of_a_large_jpeg_is_close_to_the_full_one(resize):
    y, x = np.mgrid[0:600, 0:900]
    waves = np.stack([x / 4, y / 3, 128 + 100 * np.sin(x / 40 + y / 60)], axis=-1)
    source = encoded(Image.fromarray(waves.astype(np.uint8)), "JPEG", quality=95)
    full = decoded(np.asarray(Image.open(io.BytesIO(source))), size=(24, 32), resize=resize)
    fast = decoded(source, size=(24, 32), resize=resize)
    assert np.abs(fast.astype(int) - full).mean() < 1.5
