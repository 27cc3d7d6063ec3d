"""One column of any form goes in, its cells and its name come out.

A cell is whatever one row holds: a string, a list of tags, a path, an array. Rows are counted
by position from 0 in every message, whatever the index of the DataFrame.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from skmerge._errors import row_number, short_repr


def read_cells(X: Any, *, pictures: bool = False) -> tuple[np.ndarray, Hashable | None]:
    """Return the cells of a column, and the column's name.

    Parameters
    ----------
    X : DataFrame of one column, Series, array, list or tuple
        One cell per row.
    pictures : bool, default=False
        Whether an array of numbers of three or more dimensions is a stack of pictures, which
        is returned as it is.

    Returns
    -------
    cells : ndarray of shape (n_samples,), dtype object
        The cells, or the stack of pictures of shape (n_samples, height, width, ...).
    column : hashable or None
        Name of the column, None where it has none.

    Raises
    ------
    ValueError
        If `X` is no column: it has no column or several, no rows' axis, or no order.
    """
    if isinstance(X, pd.DataFrame):
        if X.shape[1] != 1:
            raise ValueError(_not_one_column(X.shape[1], short_repr(list(X.columns))))
        X = X.iloc[:, 0]
    if isinstance(X, pd.Series):
        return X.to_numpy(dtype=object), X.name
    if isinstance(X, (list, tuple)):
        return np.fromiter(X, dtype=object, count=len(X)), None
    return _array_cells(X, pictures), None


def is_missing(cell: Any) -> bool:
    """Say whether a cell is None, NaN, NaT or pandas' NA.

    Parameters
    ----------
    cell : object
        Any cell, arrays and lists too.

    Returns
    -------
    bool
        True if the row lacks a value. Containers are never missing.
    """
    if isinstance(cell, str):
        return False
    if _is_signalling(cell):  # which pd.isna would compare
        return False
    return bool(pd.api.types.is_scalar(cell) and pd.isna(cell))


def missing_rows(cells: Any, column: Hashable | None) -> np.ndarray:
    """Say which cells of a column are missing.

    Parameters
    ----------
    cells : Series or ndarray of shape (n_samples,)
        The cells, of any type.
    column : hashable or None
        Name of the column, for the error.

    Returns
    -------
    ndarray of shape (n_samples,), dtype bool
        True where a cell is None, NaN, NaT or pandas' NA.

    Raises
    ------
    ValueError
        If a cell is a signalling NaN, which raises wherever it is compared.
    """
    try:
        return np.asarray(pd.isna(cells), dtype=bool)
    except ArithmeticError as error:
        objects = np.asarray(cells, dtype=object)
        row = next(row for row, cell in enumerate(objects) if _is_signalling(cell))
        raise ValueError(
            f"{place(row, column)} must be a value, or missing. Got {objects[row]!r}, which raises "
            "an error wherever it is compared. Replace it by None."
        ) from error


def place(row: int, column: Hashable | None) -> str:
    """Return how an error names a cell.

    Parameters
    ----------
    row : int
        Position of the row, from 0.
    column : hashable or None
        Name of the column.

    Returns
    -------
    str
        ``"Row 17 of column 'photo'"``, or ``"Row 17"``.
    """
    return f"Row {row_number(row)}" + ("" if column is None else f" of column {column!r}")


def check_some_rows(cells: np.ndarray, owner: object) -> None:
    """Check that there is something to learn from.

    Parameters
    ----------
    cells : ndarray
        The training cells.
    owner : object
        The encoder, named in the error.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if len(cells) == 0:
        raise ValueError(f"{type(owner).__name__} must be fitted on at least 1 row. Got 0 rows.")


def check_dtype(array: np.ndarray, where: str) -> None:
    """Check that an array has one value per cell, which pandas can hold.

    Parameters
    ----------
    array : ndarray
        An array of the user's.
    where : str
        How the error names it.

    Raises
    ------
    ValueError
        If it is structured, or of dates or durations without a unit or beyond pandas' range.
    """
    if array.dtype.kind == "V":
        raise ValueError(
            f"{where} must hold one value per row and column. Got an array of dtype "
            f"{array.dtype}. Make a table of it first, as in pandas.DataFrame(array)."
        )
    if array.dtype.kind not in "mM":
        return
    if np.datetime_data(array.dtype)[0] == "generic":
        raise ValueError(
            f"{where} must have a unit of time. Got an array of dtype {array.dtype}. Give it one, "
            f"as in array.astype('{array.dtype.name}[s]')."
        )
    try:
        pd.Series(array.ravel())
    except ValueError as error:
        raise ValueError(
            f"{where} must hold dates and durations that pandas can hold. Got an array of dtype "
            f"{array.dtype}: {error}."
        ) from error


def _is_signalling(cell: Any) -> bool:
    return isinstance(cell, Decimal) and cell.is_snan()


def _array_cells(X: Any, pictures: bool) -> np.ndarray:
    array = X if isinstance(X, np.ndarray) else _to_array(X)
    if isinstance(array, np.ma.MaskedArray) and array.ndim < 3:
        is_masked = np.ma.getmaskarray(array)
        array = array.data.astype(object)
        array[is_masked] = None
    if array.ndim == 0:
        raise ValueError(_not_a_column(X))
    if pictures and array.ndim >= 3 and array.dtype.kind in "biuf":
        return array
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim > 1:
        hint = " Reshape rows of pixels to (n_samples, height, width)." if pictures else ""
        raise ValueError(_not_one_column(array.shape[1], f"shape {array.shape}") + hint)
    return array.astype(object)


def _to_array(X: Any) -> np.ndarray:
    """Convert what knows its own array: an extension array, a column of another library."""
    if isinstance(X, (str, bytes)) or not hasattr(X, "__array__"):
        raise ValueError(_not_a_column(X))
    return np.asarray(X)


def _not_a_column(X: Any) -> str:
    return (
        "X must be one column: a Series, a DataFrame of one column, an array or a list with one "
        f"cell per row. Got {short_repr(X)} of type {type(X).__name__}. Put a single cell into a "
        "list."
    )


def _not_one_column(n_columns: int, what: str) -> str:
    return (
        f"X must have exactly one column. Got {n_columns}: {what}. Select one, or give each "
        "column an encoder of its own."
    )
