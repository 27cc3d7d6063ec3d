"""One picture of any form goes in, its pixels come out: decoded within limits, upright, resized.

A picture is a path, the bytes of an image file, a Pillow image or an array. Files are not
trusted: only formats that Pillow decodes by itself are opened, and none is decoded before its
header has been held against the limit of pixels. (ICO is left out for that: Pillow decodes an
icon while it opens it.)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from io import BytesIO
from typing import IO, Any

import numpy as np
from PIL import Image

from skmerge._errors import short_repr
from skmerge.encoders._picture_files import open_picture, read_picture
from skmerge.encoders._pixels import CHANNELS, REDUCING_GAP, PictureError, to_bytes, to_pixels

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF")

# files up to this many bytes are read whole, by one call of the system
_READ_WHOLE = 1 << 20
_PLUGINS = ("Jpeg", "Mpo", "Png", "Gif", "Bmp", "WebP", "Tiff", "Ppm", "Avif")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

for _plugin in _PLUGINS:
    with suppress(ImportError):  # Pillow reads AVIF since 11.3
        import_module(f"PIL.{_plugin}ImagePlugin")


@dataclass(frozen=True)
class Header:
    """What is known of a picture before it is decoded.

    Parameters
    ----------
    size : tuple of int
        Height and width in pixels, upright.
    is_gray : bool
        Whether it has no colours, by its mode or palette.
    """

    size: tuple[int, int]
    is_gray: bool


@dataclass(frozen=True)
class PictureReader:
    """Reads pictures of any form.

    Parameters
    ----------
    max_pixels : int
        Largest number of pixels that is decoded.
    root : str or PathLike, default=None
        Folder that relative paths start from, None for the current one.
    array_range : tuple of float, default=None
        Values of arrays (other than uint8 and bool) that become 0 and 255.
    deep_range : tuple of float, default=None
        The same for images of Pillow's modes "I;16", "I" and "F". None takes integers as 16-bit
        numbers, and floats as 0 to 1, or as 0 to 255 where the largest is above 1.
    """

    max_pixels: int
    root: str | os.PathLike[str] | None = None
    array_range: tuple[float, float] | None = None
    deep_range: tuple[float, float] | None = None

    def header(self, source: Any) -> Header:
        """Read the header of a picture, without decoding it.

        Parameters
        ----------
        source : str, PathLike, bytes, PIL.Image.Image or ndarray
            The picture.

        Returns
        -------
        Header
            Its size and whether it is gray.

        Raises
        ------
        PictureError
            If it cannot be read.
        """
        if isinstance(source, np.ndarray):
            return Header(source.shape[:2], source.ndim == 2 or source.shape[2] == 1)
        with self._opened(source) as image:
            return Header(_upright_size(image), _is_gray(image))

    def decode(self, source: Any, size: tuple[int, int], *, color: str, resize: str) -> np.ndarray:
        """Decode a picture.

        Parameters
        ----------
        source : str, PathLike, bytes, PIL.Image.Image or ndarray
            The picture.
        size : tuple of int
            Height and width of the result in pixels.
        color : {"grayscale", "rgb", "rgba"}
            Channels of the result: 1, 3 or 4.
        resize : {"stretch", "pad", "crop"}
            What becomes of another aspect.

        Returns
        -------
        ndarray of shape (height, width, channels), dtype uint8
            The pixels.

        Raises
        ------
        PictureError
            If it cannot be read.
        """
        if isinstance(source, np.ndarray):
            return self._resized(source, size, color=color, resize=resize)
        source = self.fetch(source)
        side = int(max(size) * REDUCING_GAP)
        with self._opened(source) as image:
            if image is not source:
                image.draft(None, (side, side))  # JPEG decodes to an eighth at no cost
            image.load()
            upright = _upright(image)
            if upright.mode[0] in "IF":
                upright = _shallow(upright, self.deep_range)
            return to_pixels(upright, size, color=color, resize=resize)

    def fetch(self, source: Any) -> Any:
        """Read the file of a picture, unless it is long, without decoding it.

        Reading some files and then decoding them lets threads wait for one another less often
        than doing both for each.

        Parameters
        ----------
        source : str, PathLike, bytes, PIL.Image.Image or ndarray
            The picture.

        Returns
        -------
        bytes, or `source` as it is
            What `decode` takes in its place.

        Raises
        ------
        PictureError
            If the file cannot be read.
        """
        if not isinstance(source, (str, os.PathLike)):
            return source
        data = read_picture(source, self.base, _READ_WHOLE)
        return source if data is None else data

    @cached_property
    def base(self) -> str:
        """Absolute path of the folder that relative paths start from."""
        return os.path.abspath(self.root or "")

    def _resized(
        self, source: np.ndarray, size: tuple[int, int], *, color: str, resize: str
    ) -> np.ndarray:
        values = to_bytes(source, self.array_range)
        n_channels = 1 if values.ndim == 2 else values.shape[2]
        if values.shape[:2] == size and n_channels == CHANNELS[color]:
            return values.reshape(*size, n_channels)
        image = Image.fromarray(values[..., 0] if values.shape[2:] == (1,) else values)
        return to_pixels(image, size, color=color, resize=resize)

    @contextmanager
    def _opened(self, source: Any) -> Iterator[Image.Image]:
        """Open an image within the limit; whatever goes wrong inside is a PictureError."""
        with ExitStack() as stack:
            try:
                if isinstance(source, Image.Image):
                    image = source
                else:
                    image = _identified(stack.enter_context(self._file(source)))
                self._check_pixels(*image.size)
                yield image
            except (PictureError, MemoryError):
                raise
            except Exception as error:  # Pillow's decoders raise nearly any kind of it
                raise PictureError(_reason(error)) from error

    def _file(self, source: Any) -> IO[bytes]:
        if isinstance(source, (bytes, bytearray, memoryview)):
            if not len(source):
                raise PictureError("no bytes")
            return BytesIO(source)
        return open_picture(source, self.base)

    def _check_pixels(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise PictureError(f"no pixels: {width}x{height}")
        if width * height > self.max_pixels:
            raise PictureError(f"too many pixels: {width}x{height} > max_pixels={self.max_pixels}")


def check_picture(cell: Any, where: str) -> None:
    """Check that a cell has the form of a picture, readable or not.

    Parameters
    ----------
    cell : object
        A cell that is not missing.
    where : str
        How the error names it.

    Raises
    ------
    ValueError
        If it is no path, bytes, Pillow image or array of numbers of a picture's shape.
    """
    if isinstance(cell, np.ndarray):
        is_picture = cell.ndim == 2 or (cell.ndim == 3 and cell.shape[2] in (1, 3, 4))
        if not is_picture or cell.dtype.kind not in "biuf" or cell.size == 0:
            hint = ": channels come last" if cell.ndim == 3 and len(cell) in (1, 3, 4) else ""
            raise ValueError(
                f"{where} must be an array of real numbers of shape (height, width) or (height, "
                f"width, channels) with 1, 3 or 4 channels. Got {describe(cell)}{hint}."
            )
    elif not isinstance(cell, (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)):
        raise ValueError(
            f"{where} must be a picture (a path, the bytes of an image file, a Pillow image or "
            f"an array) or missing. Got {describe(cell)}."
        )


def describe(cell: Any) -> str:
    """Say what a cell is, for an error.

    Parameters
    ----------
    cell : object
        Any cell.

    Returns
    -------
    str
        The path in quotes, or what kind of picture it is.
    """
    if isinstance(cell, (str, os.PathLike)):
        return short_repr(os.fspath(cell))
    if isinstance(cell, (bytes, bytearray, memoryview)):
        return f"{type(cell).__name__} of length {len(cell)}"
    if isinstance(cell, Image.Image):
        return f"Pillow image of mode {cell.mode!r} and size {cell.size}"
    if isinstance(cell, np.ndarray):
        return f"array of shape {cell.shape} and dtype {cell.dtype}"
    return f"{short_repr(cell)} of type {type(cell).__name__}"


def is_scaled(cell: Any) -> bool:
    """Say whether a cell is an array whose values are mapped from a range to 0..255.

    Parameters
    ----------
    cell : object
        Any cell.

    Returns
    -------
    bool
        True for arrays of other dtypes than uint8 and bool.
    """
    return isinstance(cell, np.ndarray) and cell.dtype not in (np.uint8, np.bool_)


def orientation(image: Image.Image) -> int:
    """Return how a camera was held.

    Parameters
    ----------
    image : PIL.Image.Image
        The image.

    Returns
    -------
    int
        The number from 1, upright, to 8 of its EXIF data; 1 where there is none.
    """
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # broken EXIF data does not make a picture unreadable
        return 1


def _identified(file: IO[bytes]) -> Image.Image:
    """Open an image file by the factory of its format.

    Not by ``Image.open``, whose fixed limit of pixels speaks, by a warning or an error without
    the size, before ours can.
    """
    prefix = file.read(16)
    for name in FORMATS:
        factory, accept = Image.OPEN.get(name, (None, None))
        accepted = factory is not None and (accept is None or accept(prefix))
        if isinstance(accepted, str):
            raise PictureError(accepted)
        if factory is not None and accepted:
            file.seek(0)
            return factory(file, "")
    raise PictureError(f"not an image format: must be one of {', '.join(FORMATS)}")


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, Image.DecompressionBombError):
        return f"too many pixels: {text}"
    signs = ("truncated", "broken data stream", "buffer is not large enough", "unpack requires")
    if isinstance(error, EOFError) or any(sign in text.lower() for sign in signs):
        return "truncated file"
    return f"truncated or damaged file: {text}"


def _upright(image: Image.Image) -> Image.Image:
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(turn)


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    # asking a PNG for it would decode the picture
    is_unknown = image.format == "PNG" and "exif" not in image.info
    if is_unknown or orientation(image) < 5:
        return height, width
    if image.format == "TIFF":  # newer Pillow has turned the size already, older has not
        tags = image.tag_v2  # type: ignore[attr-defined]
        width, height = tags[256], tags[257]
    return width, height


def _shallow(image: Image.Image, limits: tuple[float, float] | None) -> Image.Image:
    """Bring an image of more than 8 bits per pixel down to 8."""
    values = np.asarray(image)
    if limits is None and image.mode == "F":
        limits = (0.0, 1.0) if values.max() <= 1 else (0.0, 255.0)
    return Image.fromarray(to_bytes(values, limits or (0.0, 65535.0)))


def _is_gray(image: Image.Image) -> bool:
    if image.palette is not None and image.mode in ("P", "PA"):
        rawmode, colors = image.palette.getdata()
        n_bands = len(rawmode.removesuffix(";L"))
        values = np.frombuffer(bytes(colors), dtype=np.uint8)
        values = values[: len(values) // n_bands * n_bands]
        is_planar = rawmode.endswith(";L")
        bands = values.reshape(n_bands, -1) if is_planar else values.reshape(-1, n_bands).T
        return bool((bands[:3] == bands[0]).all())
    return image.mode in ("1", "L", "LA", "La") or image.mode[0] in "IF"
