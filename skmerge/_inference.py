"""Deciding what kind of input a column is, from its dtype and its values.

Enters: the cells of one column (a Series) or of one entry (an array or a list). Leaves: the
name of a kind, as `skmerge.encoders.ENCODERS` knows it.
"""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from scipy.sparse import issparse

from skmerge._errors import short_repr
from skmerge.encoders._cells import missing_rows

PICTURE_SUFFIXES = frozenset(
    "." + suffix
    for suffix in (
        "avif",
        "bmp",
        "gif",
        "ico",
        "jfif",
        "jpe",
        "jpeg",
        "jpg",
        "pbm",
        "pgm",
        "png",
        "ppm",
        "tif",
        "tiff",
        "webp",
    )
)
_PICTURE_CHANNELS = (1, 3, 4)
_SAMPLE = 500
_TYPES_OF_CELLS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "path": (PurePath,),
    "image": (bytes, bytearray),
    "scalar": (
        numbers.Number,
        Decimal,
        np.generic,
        datetime.date,
        datetime.timedelta,
        datetime.time,
    ),
}
_KINDS_OF_CELLS = {
    "image": {"image", "path"},
    "tabular": {"string", "scalar"},
    "tags": {"tags", "empty"},
    "array": {"vector", "empty"},
}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")


def infer_column_kind(column: pd.Series, cardinality_threshold: int) -> str:
    """Decide the kind of a DataFrame's column.

    Parameters
    ----------
    column : Series
        The cells.
    cardinality_threshold : int
        Strings of several words are text when they have more distinct values than this, or
        when more than half of the rows differ; otherwise they are categories.

    Returns
    -------
    str
        ``"tabular"``, ``"text"``, ``"image"``, ``"tags"``, ``"array"`` or ``"sequence"``.

    Raises
    ------
    ValueError
        If the cells are of a type that no kind of input reads.
    """
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype) or not (
        types.is_object_dtype(dtype) or types.is_string_dtype(dtype)
    ):
        return "tabular"
    if isinstance(dtype, pd.SparseDtype):  # which makes strings of its objects
        column = column.astype(object)
    present = column[~missing_rows(column, column.name)]
    kinds = {_cell_kind(cell) for cell in _spread(present)}
    if not kinds:
        return "tabular"
    if kinds == {"string"}:
        return _string_kind(present, cardinality_threshold)
    if "string" in kinds and kinds <= {"image", "path", "string"}:
        return "image" if _are_pictures(_spread(present)) else "tabular"
    if kinds <= {"vector", "image", "empty"} and _vary_in_length(_spread(present)):
        return "sequence"
    for kind, cell_kinds in _KINDS_OF_CELLS.items():
        if kinds <= cell_kinds:
            return kind
    raise ValueError(_unreadable(column, kinds))


def infer_entry_kind(name: str, entry: Any) -> str:
    """Decide the kind of an array or list that is an input of its own.

    Parameters
    ----------
    name : str
        Name of the input, for messages.
    entry : array-like of n_samples rows
        A NumPy array of any rank, a sparse matrix, a DataFrame, or a list of pictures or strings.

    Returns
    -------
    str
        ``"tabular"`` for numbers and tables, ``"image"`` for pictures, ``"text"`` for strings of
        several words, ``"tags"`` for single words, ``"array"`` for all other arrays.

    Raises
    ------
    ValueError
        If the cells are of a type that no kind of input reads.
    """
    if issparse(entry):
        return "array"
    if isinstance(entry, pd.DataFrame):
        return "tabular"
    if isinstance(entry, np.ndarray) and entry.dtype.kind in "biufc":
        return _array_kind(entry)
    cells = pd.Series(_cell_list(entry), dtype=object, name=name)
    kind = infer_column_kind(cells, cardinality_threshold=0)
    strings = [cell for cell in _spread(cells.dropna()) if isinstance(cell, str)]
    if kind == "tabular" and strings:
        return "tags"
    return kind


def iso_dates(column: pd.Series) -> bool:
    """Whether a column of strings holds ISO 8601 dates, as read from a CSV file.

    Parameters
    ----------
    column : Series
        The cells.

    Returns
    -------
    bool
        True when there are strings and each one sampled is a date, with or without a time.
    """
    if not (types.is_object_dtype(column.dtype) or types.is_string_dtype(column.dtype)):
        return False
    cells = _spread(column.dropna())
    return bool(cells) and all(
        isinstance(cell, str) and _ISO_DATE.fullmatch(cell) is not None for cell in cells
    )


def _cell_list(entry: Any) -> list[Any]:
    """Return the rows of a list or array as cells, arrays kept whole."""
    cells: list[Any] = [None] * len(entry)
    cells[:] = entry
    return cells


def _array_kind(entry: np.ndarray) -> str:
    if entry.ndim <= 2:
        return "tabular"
    channels_last = entry.ndim == 4 and entry.shape[-1] in _PICTURE_CHANNELS
    grayscale = entry.ndim == 3 and entry.dtype == np.uint8
    return "image" if channels_last or grayscale else "array"


def _cell_kind(cell: Any) -> str:
    if isinstance(cell, np.ndarray) and cell.ndim:
        return _cell_array_kind(cell)
    if isinstance(cell, (list, tuple, set, frozenset)):
        return _collection_kind(cell)
    if type(cell).__module__.startswith("PIL."):
        return "image"
    for kind, cell_types in _TYPES_OF_CELLS.items():
        if isinstance(cell, cell_types):
            return kind
    return type(cell).__name__


def _cell_array_kind(cell: np.ndarray) -> str:
    if cell.dtype.kind in "OUS":
        return _collection_kind(cell.tolist())
    if cell.ndim == 1:
        return "vector"
    pictures = cell.ndim == 2 or (cell.ndim == 3 and cell.shape[-1] in _PICTURE_CHANNELS)
    return "image" if pictures else "vector"


def _collection_kind(cell: Iterable[Any]) -> str:
    members = list(cell)
    if not members:
        return "empty"
    if all(isinstance(member, str) for member in members):
        return "tags"
    if not isinstance(cell, (set, frozenset)):
        return "vector"
    return "tags"


def _vary_in_length(cells: list[Any]) -> bool:
    """Whether cells are numbers step by step: vectors, or matrices of as many channels each.

    Pictures vary in size, too, but mostly in both directions; matrices of integers are pictures.
    """
    shapes = set()
    for cell in cells:
        if not isinstance(cell, (list, tuple, np.ndarray)):
            return False
        try:
            array = np.asarray(cell)
        except ValueError:
            return False
        is_picture = isinstance(cell, np.ndarray) and array.ndim == 2 and array.dtype.kind != "f"
        if array.ndim not in {1, 2} or is_picture:
            return False
        shapes.add(array.shape)
    ranks = {shape[1:] for shape in shapes if shape[0]}
    return len(ranks) == 1 and len(shapes) > 1


def _string_kind(present: pd.Series, cardinality_threshold: int) -> str:
    sample = _spread(present)
    if _are_pictures(sample):
        return "image"
    n_words = np.mean([len(cell.split()) for cell in sample])
    n_characters = np.mean([len(cell) for cell in sample])
    is_prose = n_words >= 1.5 or n_characters >= 30
    n_distinct = present.nunique()
    is_varied = n_distinct > cardinality_threshold or n_distinct > len(present) / 2
    return "text" if is_prose and is_varied else "tabular"


def _are_pictures(cells: list[Any]) -> bool:
    return all(
        not isinstance(cell, (str, PurePath))
        or PurePath(str(cell).strip()).suffix.lower() in PICTURE_SUFFIXES
        for cell in cells
    )


def _spread(cells: pd.Series) -> list[Any]:
    """Return at most `_SAMPLE` cells, taken evenly over all of them."""
    step = max(1, -(-len(cells) // _SAMPLE))
    return cells.iloc[::step].tolist()


def _unreadable(column: pd.Series, kinds: set[str]) -> str:
    known = {"tags", "vector", "empty", "string", "scalar", "image", "path"}
    stray = sorted(kinds - known)
    found = f"values of type {stray}" if stray else "values of several kinds"
    examples = short_repr(_spread(column.dropna())[:3])
    return (
        f"Column {column.name!r} must hold numbers, dates, strings, pictures, tags or vectors. Got "
        f"{found}, such as {examples}. Name what reads it, as in "
        f"inputs={{{column.name!r}: 'text'}}, or leave it out with {{{column.name!r}: 'drop'}}."
    )
