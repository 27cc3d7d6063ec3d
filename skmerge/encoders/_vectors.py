"""Cells that are vectors go in, stacked arrays come out, checked to be finite."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.sparse import csr_matrix, issparse

from skmerge._errors import row_number, short_repr
from skmerge.encoders._cells import missing_rows, place, read_cells


def column_of(X: Any) -> tuple[np.ndarray, Any] | None:
    """Return the cells of one column, unless these are numbers.

    Parameters
    ----------
    X : object
        Whatever an encoder is given.

    Returns
    -------
    tuple of ndarray and hashable, or None
        The cells, shape (n_samples,) and dtype object, and the column's name or None. None where
        X is a matrix, or a column of numbers.
    """
    if isinstance(X, pd.DataFrame):
        if X.shape[1] != 1:
            return None
        X = X.iloc[:, 0]
    if isinstance(X, pd.Series):
        if is_numeric_dtype(X.dtype):
            return None
    elif not isinstance(X, (list, tuple)) and not (
        isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OU"
    ):
        return None
    cells, name = read_cells(X)
    present = cells[~missing_rows(cells, name)]
    is_numbers = len(present) > 0 and isinstance(present[0], numbers.Number)
    return None if len(cells) == 0 or is_numbers else (cells, name)


def texts_of(X: Any) -> Any:
    """Return a column of strings in 1-D, ``""`` where missing.

    Parameters
    ----------
    X : DataFrame of one column, Series, array-like of shape (n_samples,)
        The column.

    Returns
    -------
    Series or ndarray of shape (n_samples,), dtype object
        A Series where X was from pandas.
    """
    if isinstance(X, pd.DataFrame) and X.shape[1] == 1:
        X = X.iloc[:, 0]
    if isinstance(X, pd.Series):
        return X.astype(object).where(~missing_rows(X, X.name), "")
    cells, name = read_cells(X)
    return np.where(missing_rows(cells, name), "", cells)


def is_vector(cell: Any) -> bool:
    """Say whether a cell is a vector of numbers, or an array of more dimensions.

    Parameters
    ----------
    cell : object
        Any cell.

    Returns
    -------
    bool
        True for a list, tuple, Series or array of numbers, None or NaN among them included.
    """
    return _as_vector(cell) is not None


def stack_vectors(
    cells: np.ndarray, column: Hashable | None, *, shape: tuple[int, ...] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Stack the vectors of a column.

    Parameters
    ----------
    cells : ndarray of shape (n_samples,), dtype object
        Vectors of one length, arrays of one shape, or missing.
    column : hashable or None
        Name of the column, for errors.
    shape : tuple of int or None
        Shape that every vector must have; None stands for that of the first.

    Returns
    -------
    vectors : ndarray of shape (n_present, *shape)
        The vectors of those rows that have one.
    present : ndarray of shape (n_samples,), dtype bool
        True where the row has one.

    Raises
    ------
    ValueError
        If a cell is no vector of numbers or of another shape; the message names row and column.
    """
    present = ~missing_rows(cells, column)
    origin = "in fit"
    vectors = []
    for row, cell in enumerate(cells):
        if not present[row]:
            continue
        vector = _as_vector(cell)
        if vector is None:
            raise ValueError(
                f"{place(row, column)} must be a vector of numbers. Got {short_repr(cell)} of type "
                f"{type(cell).__name__}. Give ArrayEncoder a transformer that reads it, or the "
                "column another encoder."
            )
        if shape is None:
            shape, origin = vector.shape, f"row {row_number(row)} has"
        if vector.shape != shape:
            raise ValueError(
                f"{place(row, column)} must have {_size(shape)}, as {origin}. Got "
                f"{_size(vector.shape)}. Cut or pad such cells, or set them to None."
            )
        vectors.append(vector)
    if not vectors:
        return np.zeros((0, *(shape or ()))), present
    return np.stack(vectors), present


def spread_rows(array: Any, present: np.ndarray) -> Any:
    """Put rows where they are present, and zeros elsewhere.

    Parameters
    ----------
    array : ndarray or CSR matrix of shape (n_present, ...)
        The rows that are there.
    present : ndarray of shape (n_samples,), dtype bool
        Where they belong.

    Returns
    -------
    ndarray or CSR matrix of shape (n_samples, ...)
        All rows.
    """
    if present.all():
        return array
    if issparse(array):
        row_ends = np.append(0, np.cumsum(np.where(present, 1, 0)))
        parts = (array.data, array.indices, array.indptr[row_ends])
        return csr_matrix(parts, shape=(len(present), array.shape[1]))
    spread = np.zeros((len(present), *array.shape[1:]), dtype=array.dtype)
    spread[present] = array
    return spread


def check_finite(
    array: Any,
    source: str,
    remedy: str,
    *,
    names: Sequence[Any] | None,
    row_numbers: np.ndarray | None,
) -> None:
    """Raise if an array contains NaN or infinity.

    Parameters
    ----------
    array : ndarray or CSR matrix of shape (n_samples, ...)
        The array.
    source : str
        What it is, for the error.
    remedy : str
        How to mend NaN.
    names : sequence of object or None
        Names of its columns, disregarded where their number does not fit.
    row_numbers : ndarray of shape (n_samples,) or None
        The number of each row, where they are not all rows.

    Raises
    ------
    ValueError
        If it does; the message names the first such row and column.
    """
    values = array.data if issparse(array) else array
    finite = np.isfinite(values)
    if finite.all():
        return
    if issparse(array):
        entry = int(finite.argmin())
        row = int(np.searchsorted(array.indptr, entry, side="right")) - 1
        axes = [int(array.indices[entry])]
        value = values[entry]
    else:
        row, *axes = (int(axis) for axis in np.argwhere(~finite)[0])
        value = array[(row, *axes)]
    what = "NaN"
    if not np.isnan(value):
        what, remedy = f"infinity or a value too large for {array.dtype}", "Clip such values first."
    column: Any = axes[0] if len(axes) == 1 else tuple(axes)
    if names is not None and array.shape[1:] == (len(names),):
        column = repr(names[column])
    row = row if row_numbers is None else int(row_numbers[row])
    raise ValueError(
        f"{source} contains {what} in row {row_number(row)}, column {column}. {remedy}"
    )


def _as_vector(cell: Any) -> np.ndarray | None:
    if not isinstance(cell, (list, tuple, np.ndarray, pd.Series)):
        return None
    try:
        array = np.asarray(cell)
        if array.dtype == object and all(_is_number(value) for value in array.flat):
            array = array.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        return None
    return array if array.ndim and array.dtype.kind in "biufc" else None


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, numbers.Number)


def _size(shape: tuple[int, ...]) -> str:
    return f"length {shape[0]}" if len(shape) == 1 else f"shape {shape}"
