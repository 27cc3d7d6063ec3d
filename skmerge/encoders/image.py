"""A column of pictures of any form goes in, an array of their pixels comes out."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Hashable
from itertools import chain
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from skmerge._errors import short_repr
from skmerge._spec import InputSpec
from skmerge._stored_rows import StoredRows
from skmerge.encoders._base import Encoder
from skmerge.encoders._cells import check_some_rows, place, read_cells
from skmerge.encoders._many_pictures import (
    Failure,
    PictureDecoder,
    attempt_all,
    count_threads,
    distinct,
)
from skmerge.encoders._picture_cache import cached_pixels
from skmerge.encoders._pictures import Header, PictureReader, describe, is_scaled
from skmerge.encoders._pixels import CHANNELS, extent

_MAX_PROBED = 256
_DEFAULT_SIDE = 64


class ImageEncoder(Encoder):
    """Encode pictures as arrays of pixels of one size.

    A cell is the path of an image file, the bytes of one, a Pillow image, or an array of shape
    (height, width) or (height, width, channels); a whole array of shape (n_samples, height,
    width) or (n_samples, height, width, channels) does as well. Pictures are turned upright as
    their EXIF data says; what is transparent is laid on white; of animations the first frame is
    read. Each distinct picture is decoded once per call, however many rows share it.

    Parameters
    ----------
    size : int, tuple of int or "auto", default="auto"
        Height and width of the output in pixels, one number for a square. ``"auto"`` takes the
        most common size of the training pictures if its longer side is at most 64 pixels, else
        64 by 64.
    color : {"auto", "rgb", "grayscale", "rgba"}, default="auto"
        Channels of the output. ``"auto"`` is grayscale if every training picture is, by its
        mode, palette or number of channels, else rgb.
    resize : {"stretch", "pad", "crop"}, default="stretch"
        What becomes of a picture of another aspect: it is stretched, padded by black
        (transparent in rgba), or its middle is cut out.
    root : str or PathLike, default=None
        Folder that relative paths start from. None takes the current folder.
    max_pixels : int, default=50_000_000
        A picture of more pixels is not decoded; it cannot be read.
    on_error : {"raise", "missing"}, default="raise"
        What happens when a picture cannot be read: an error, or a warning and a row without
        this input.
    value_range : tuple of float or "auto", default="auto"
        Values of arrays that become 0 and 255; values outside are clipped. Arrays of uint8 and
        bool are taken as they are. ``"auto"`` takes (0, 1) if all values of the training arrays
        are within, else their minimum and maximum. A tuple also holds for images of more than 8
        bits per pixel (Pillow's modes "I;16", "I", "F"), of which ``"auto"`` takes integers as
        16-bit numbers, and floats as 0 to 1, or 0 to 255 where the largest is above 1.
    n_jobs : int, default=None
        Largest number of threads that decode; None and -1 take one per processor, -2 one
        less, and so on. Pictures decoded in less than 0.12 milliseconds take one in all.
    cache : str or PathLike, default=None
        Folder for decoded pictures, made if it does not exist: for more pictures than fit in
        memory, and to decode each once for all folds, clones, processes and later runs. None
        decodes into memory.

    Attributes
    ----------
    size_ : tuple of int
        Height and width of the output in pixels.
    color_ : str
        ``"rgb"``, ``"grayscale"`` or ``"rgba"``.
    value_range_ : tuple of float or None
        Values of arrays that become 0 and 255, None if there was no array to learn them from.
    spec_ : InputSpec
        Description of the arrays that ``transform`` returns: shape ``(height, width,
        channels)``, uint8, a presence mask beside.

    Notes
    -----
    ``fit`` reads no more than the headers of up to 256 files spread over the training rows. A
    missing picture (None, NaN, NA, an empty string) is a row of zeros whose presence is False.

    With a `cache`, rows stay in the folder until they are read, and memory holds some 20 MB of
    pixels at a time. A file is known by its path, size and time of change, any other picture by
    its content; another `size`, `color`, `resize`, `max_pixels`, range of values or major
    version of Pillow decodes anew. Threads and processes can share a folder. Nothing is ever
    deleted from it: to clear it, delete the folder when no rows of it are in use. Every call
    with new pictures adds a file of at least one; an encoder that has been fitted and now gets
    new pictures one by one rather does without: ``set_params(cache=None)``.

    Files are taken as untrusted: only JPEG, PNG, GIF, BMP, WEBP, TIFF, PPM and (Pillow 11.3 or
    newer) AVIF are opened, the number of pixels is checked before decoding, a truncated file is
    an error, and a URL is never fetched.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import ImageEncoder
    >>> drawings = np.linspace(0, 1, 2 * 8 * 8).reshape(2, 8, 8)
    >>> encoder = ImageEncoder(size=(4, 6)).fit(drawings)
    >>> encoder.color_, encoder.value_range_
    ('grayscale', (0.0, 1.0))
    >>> encoder.transform(drawings).shape
    (2, 4, 6, 1)
    """

    kind = "image"
    default_branch = "conv"

    _parameter_constraints = {
        "size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left"), tuple, list],
        "color": [StrOptions({"auto", *CHANNELS})],
        "resize": [StrOptions({"stretch", "pad", "crop"})],
        "root": [str, os.PathLike, None],
        "max_pixels": [Interval(Integral, 1, None, closed="left")],
        "on_error": [StrOptions({"raise", "missing"})],
        "value_range": [StrOptions({"auto"}), tuple, list],
        "n_jobs": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Integral, None, -1, closed="right"),
            None,
        ],
        "cache": [str, os.PathLike, None],
    }

    def __init__(
        self,
        size: Any = "auto",
        color: str = "auto",
        *,
        resize: str = "stretch",
        root: Any = None,
        max_pixels: int = 50_000_000,
        on_error: str = "raise",
        value_range: Any = "auto",
        n_jobs: int | None = None,
        cache: Any = None,
    ) -> None:
        self.size = size
        self.color = color
        self.resize = resize
        self.root = root
        self.max_pixels = max_pixels
        self.on_error = on_error
        self.value_range = value_range
        self.n_jobs = n_jobs
        self.cache = cache

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn size, colours and the range of values from training rows.

        Parameters
        ----------
        X : DataFrame of one column, Series, array or list of shape (n_samples, ...)
            One picture per row; None, NaN, NA and empty strings are missing.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        Self
            This encoder.

        Raises
        ------
        ValueError
            If there is no row, `X` is not one column, a cell is no picture, or, unless
            `on_error` is ``"missing"``, one cannot be read; the message names row, column,
            picture and reason.
        """
        self._validate_params()
        size, value_range = _given_size(self.size), _given_range(self.value_range)
        cells, column = _read(X)
        check_some_rows(cells, self)
        groups = distinct(cells, column)
        headers = self._headers(cells, groups, column)
        if value_range is None:
            value_range = self._learnt_range(cells, groups, column)
        self.size_ = size or _common_size(headers)
        self.color_ = self.color if self.color != "auto" else _common_color(headers)
        self.value_range_ = value_range
        self.spec_ = InputSpec(
            self.kind,
            self.kind,
            shape=(*self.size_, CHANNELS[self.color_]),
            dtype="uint8",
            default_branch=self.default_branch,
            optional=True,
        )
        return self

    def encode(self, X: Any) -> tuple[np.ndarray | StoredRows, np.ndarray]:
        """Decode rows, and say which of them have a picture.

        Parameters
        ----------
        X : DataFrame of one column, Series, array or list of shape (n_samples, ...)
            One picture per row, in any of the forms.

        Returns
        -------
        pixels : ndarray of shape (n_samples, height, width, channels), dtype uint8
            The pixels; with a `cache`, a lazy array of them, which ``np.asarray`` reads.
        present : ndarray of shape (n_samples,), dtype bool
            False where the picture is missing, or, if `on_error` is ``"missing"``, cannot be
            read.

        Raises
        ------
        ValueError
            If `X` is not one column, a cell is no picture, or, unless `on_error` is
            ``"missing"``, one cannot be read. If there are arrays of floats or of wide integers,
            and the training rows had none to learn their range from.
        OSError
            If the `cache` cannot be read or written to; the message names the folder.

        Warns
        -----
        UserWarning
            If pictures cannot be read and `on_error` is ``"missing"``: how many, and the first.
        """
        check_is_fitted(self)
        cells, column = _read(X)
        groups = distinct(cells, column)
        if self.value_range_ is None:
            _check_no_scaled(cells, groups, column)
        pixels, failures = self._pixels(cells, groups)
        present = np.zeros(len(cells), dtype=bool)
        present[list(chain.from_iterable(groups))] = True
        present[[row for rows, _ in failures for row in rows]] = False
        if failures:
            first = self._first_unreadable(failures, cells, column)
            n_rows = sum(len(rows) for rows, _ in failures)
            message = f"{n_rows} of {len(cells)} pictures cannot be read and count as missing"
            warnings.warn(f"{message}, the first: {first}", stacklevel=3)
        return pixels, present

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags

    def _pixels(
        self, cells: np.ndarray, groups: list[list[int]]
    ) -> tuple[np.ndarray | StoredRows, list[Failure]]:
        """Decode each distinct picture, into memory or into the cache."""
        reader = PictureReader(
            self.max_pixels, self.root, self.value_range_, _given_range(self.value_range)
        )
        # counting processors takes as long as decoding a small picture
        is_quick = len(groups) < 2 or all(isinstance(cells[rows[0]], np.ndarray) for rows in groups)
        decoder = PictureDecoder(
            reader,
            self.size_,
            self.color_,
            self.resize,
            n_threads=1 if is_quick else count_threads(self.n_jobs),
            stop_early=self.on_error == "raise",
        )
        if self.cache is not None:
            return cached_pixels(cells, groups, decoder, self.cache)
        pixels = np.zeros((len(cells), *decoder.row_shape), dtype=np.uint8)
        firsts = [rows[0] for rows in groups]
        failures = decoder.decode_into(pixels, firsts, cells, groups)
        for first, *others in groups:
            if others:
                pixels[others] = pixels[first]
        return pixels, failures

    def _headers(
        self, cells: np.ndarray, groups: list[list[int]], column: Hashable | None
    ) -> list[Header]:
        """Probe up to 256 pictures, spread evenly over the rows."""
        spread = np.linspace(0, len(groups) - 1, min(len(groups), _MAX_PROBED)).astype(int)
        reader = PictureReader(self.max_pixels, self.root)
        headers, failures = attempt_all(
            lambda _, source: reader.header(source),
            cells,
            [groups[position] for position in spread],
            stop_early=self.on_error == "raise",
        )
        if failures:
            first = self._first_unreadable(failures, cells, column)
            if not headers:
                warnings.warn(f"No picture can be read, the first: {first}", stacklevel=4)
        return headers

    def _learnt_range(
        self, cells: np.ndarray, groups: list[list[int]], column: Hashable | None
    ) -> tuple[float, float] | None:
        ranges, failures = attempt_all(
            lambda _, source: extent(source),
            cells,
            [rows for rows in groups if is_scaled(cells[rows[0]])],
            stop_early=self.on_error == "raise",
        )
        if failures:
            self._first_unreadable(failures, cells, column)
        if not ranges:
            return None
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        return (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)

    def _first_unreadable(
        self, failures: list[Failure], cells: np.ndarray, column: Hashable | None
    ) -> str:
        """Say what is wrong with the first picture that cannot be read, or raise it."""
        rows, error = failures[0]
        message = (
            f"{place(rows[0], column)}: {describe(cells[rows[0]])} is not a readable image "
            f"({error})."
        )
        if self.on_error == "raise":
            raise ValueError(message) from error
        return message


def _read(X: Any) -> tuple[np.ndarray, Hashable | None]:
    cells, column = read_cells(X, pictures=True)
    if cells.ndim > 1:
        cells = np.fromiter(cells, dtype=object, count=len(cells))
    return cells, column


def _check_no_scaled(cells: np.ndarray, groups: list[list[int]], column: Hashable | None) -> None:
    for row, *_ in groups:
        if is_scaled(cells[row]):
            raise ValueError(
                f"{place(row, column)} must be a file, a Pillow image, or an array of uint8 or "
                f"bool, as in the training rows. Got {describe(cells[row])}, whose range of "
                "values is not known: give it, as in value_range=(0, 1)."
            )


def _given_size(size: Any) -> tuple[int, int] | None:
    if isinstance(size, str):
        return None
    pair = (size, size) if isinstance(size, Integral) else tuple(size)
    if len(pair) != 2 or not all(isinstance(side, Integral) and int(side) >= 1 for side in pair):
        raise ValueError(
            "The 'size' parameter of ImageEncoder must be 'auto', a number of pixels, or "
            f"(height, width) of at least 1 pixel each. Got {short_repr(size)}."
        )
    return int(pair[0]), int(pair[1])


def _given_range(value_range: Any) -> tuple[float, float] | None:
    if isinstance(value_range, str):
        return None
    pair = tuple(value_range)
    is_valid = len(pair) == 2 and all(isinstance(end, Real) for end in pair)
    if not is_valid or not -np.inf < pair[0] < pair[1] < np.inf:
        raise ValueError(
            "The 'value_range' parameter of ImageEncoder must be 'auto' or (low, high), two "
            f"finite numbers with low < high. Got {short_repr(value_range)}."
        )
    return float(pair[0]), float(pair[1])


def _common_size(headers: list[Header]) -> tuple[int, int]:
    counts = Counter(header.size for header in headers)
    size = min(counts, key=lambda size: (-counts[size], size), default=(0, 0))
    return size if 0 < max(size) <= _DEFAULT_SIDE else (_DEFAULT_SIDE, _DEFAULT_SIDE)


def _common_color(headers: list[Header]) -> str:
    return "grayscale" if headers and all(header.is_gray for header in headers) else "rgb"
