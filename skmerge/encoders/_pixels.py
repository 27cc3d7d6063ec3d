"""A decoded image or an array of numbers goes in, pixels of one size and colour come out."""

from __future__ import annotations

import numpy as np
from PIL import Image

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
# a first, coarse reduction leaves at least this many pixels per pixel of the result
REDUCING_GAP = 3.0

_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
_NOT_FINITE = "values that are not finite"


class PictureError(Exception):
    """A picture that cannot be read; its text is the reason."""


def to_pixels(image: Image.Image, size: tuple[int, int], *, color: str, resize: str) -> np.ndarray:
    """Convert and resize an image.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of at most 8 bits per channel.
    size : tuple of int
        Height and width of the result in pixels.
    color : {"grayscale", "rgb", "rgba"}
        Channels of the result; without "rgba" what is transparent is laid on white.
    resize : {"stretch", "pad", "crop"}
        What becomes of another aspect.

    Returns
    -------
    ndarray of shape (height, width, channels), dtype uint8
        The pixels.
    """
    height, width = size
    image = _colored(image, color)
    if image.size != (width, height):
        image = _RESIZES[resize](image, width, height)
    # np.asarray would come to the same by way of a description of the array
    return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width, CHANNELS[color])


def to_bytes(values: np.ndarray, limits: tuple[float, float] | None) -> np.ndarray:
    """Map numbers linearly to bytes, what is outside of the limits to the nearer end.

    Parameters
    ----------
    values : ndarray
        Numbers; uint8 is returned as it is, False and True become 0 and 255.
    limits : tuple of float or None
        Values that become 0 and 255, None for 0 and 1.

    Returns
    -------
    ndarray of the same shape, dtype uint8
        The bytes.

    Raises
    ------
    PictureError
        If values are NaN or infinite.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255)
    low, high = limits or (0.0, 1.0)
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise PictureError(_NOT_FINITE)
    span = high - low or 1.0
    return np.rint((np.clip(numbers, low, high) - low) / span * 255).astype(np.uint8)


def extent(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the greatest value of an array.

    Parameters
    ----------
    values : ndarray
        Numbers.

    Returns
    -------
    tuple of float
        Minimum and maximum.

    Raises
    ------
    PictureError
        If they are not finite, or too far apart for a float.
    """
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(high - low):
        raise PictureError(_NOT_FINITE)
    return low, high


def _colored(image: Image.Image, color: str) -> Image.Image:
    """Convert to the channels wanted, what is transparent onto white."""
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if color != "rgba":
            white = Image.new("RGBA", image.size, (255, 255, 255, 255))
            image = Image.alpha_composite(white, image)
    elif image.mode not in ("1", "L", "P", "RGB"):
        image = image.convert("RGB")
    mode = _MODES[color]
    return image if image.mode == mode else image.convert(mode)


def _stretched(image: Image.Image, width: int, height: int) -> Image.Image:
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)


def _padded(image: Image.Image, width: int, height: int) -> Image.Image:
    scale = min(width / image.width, height / image.height)
    inner_width = min(width, max(1, round(image.width * scale)))
    inner_height = min(height, max(1, round(image.height * scale)))
    canvas = Image.new(image.mode, (width, height))
    inner = _stretched(image, inner_width, inner_height)
    canvas.paste(inner, ((width - inner_width) // 2, (height - inner_height) // 2))
    return canvas


def _cropped(image: Image.Image, width: int, height: int) -> Image.Image:
    kept_width = min(image.width, image.height * width / height)
    kept_height = min(image.height, image.width * height / width)
    left, top = (image.width - kept_width) / 2, (image.height - kept_height) / 2
    return image.resize(
        (width, height),
        Image.Resampling.BILINEAR,
        box=(left, top, left + kept_width, top + kept_height),
        reducing_gap=REDUCING_GAP,
    )


_RESIZES = {"stretch": _stretched, "pad": _padded, "crop": _cropped}
