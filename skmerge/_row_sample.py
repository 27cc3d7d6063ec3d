"""A uniform sample of rows that come in chunks, of bounded size."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse

from skmerge._errors import short_repr
from skmerge._tables import count_rows, take_rows


class RowSample:
    """Some of the rows that came so far, each as likely as any other, in the order they came.

    Each row draws a number, and those with the smallest stay. The numbers, and so the rows, are
    the same each time, however the rows are cut into chunks.

    Parameters
    ----------
    size : int or None
        Largest number of rows; None keeps all.

    Attributes
    ----------
    rows : DataFrame, dict of arrays, matrix or None
        The rows, in the form of the first chunk.
    numbers : ndarray of int of shape (n_rows,)
        Their positions among all rows that came.
    n_seen : int
        Number of rows that came.
    """

    def __init__(self, size: int | None) -> None:
        self.size = size
        self.rows: Any = None
        self.n_seen = 0
        self.numbers = np.empty(0, dtype=np.int64)
        self._drawn = np.empty(0)
        self._generator = np.random.default_rng(0)

    def extended(self, X: Any) -> Self:
        """Return a sample of these rows as well; this one stays as it is.

        Parameters
        ----------
        X : DataFrame, dict of arrays, matrix or sparse matrix
            The rows of a chunk, in the form of those before.

        Returns
        -------
        RowSample
            The new sample.

        Raises
        ------
        ValueError
            If a column of the first chunk is missing.
        """
        n_rows, generator = count_rows(X), copy.deepcopy(self._generator)
        drawn = np.concatenate([self._drawn, generator.random(n_rows)])
        numbers = np.concatenate([self.numbers, np.arange(n_rows) + self.n_seen])
        rows = copy.copy(X) if self.rows is None else _appended(self.rows, X)
        if self.size is not None and len(drawn) > self.size:
            kept = np.sort(np.argpartition(drawn, self.size)[: self.size])
            rows, drawn, numbers = take_rows(rows, kept), drawn[kept], numbers[kept]
        sample = type(self)(self.size)
        sample.rows, sample.n_seen = rows, self.n_seen + n_rows
        sample.numbers = numbers
        sample._drawn, sample._generator = drawn, generator
        return sample


def _appended(rows: Any, X: Any) -> Any:
    """Return the rows of both, one after the other."""
    if isinstance(rows, pd.DataFrame):
        return _frames(rows, X)
    if isinstance(rows, Mapping):
        if not isinstance(X, Mapping) or set(rows) - set(X):
            raise ValueError(
                f"Each chunk must have the inputs of the first, {list(rows)}. Got "
                f"{list(X) if isinstance(X, Mapping) else type(X).__name__}."
            )
        return {name: _appended(entry, X[name]) for name, entry in rows.items()}
    if sparse.issparse(rows):
        return sparse.vstack([rows, X], format="csr")
    if isinstance(rows, pd.Series):
        return pd.concat([rows, X], ignore_index=True)
    if isinstance(rows, (list, tuple)):
        return [*rows, *X]
    rows, X = np.asarray(rows), np.asarray(X)
    if rows.ndim != X.ndim or rows.shape[1:] != X.shape[1:]:
        widths = [each.shape[1] if each.ndim > 1 else 1 for each in (X, rows)]
        raise ValueError(
            f"X has {widths[0]} features, but ColumnRouter is expecting {widths[1]} features as "
            f"input: each chunk must have the columns of the first. Got arrays of shape "
            f"{X.shape} and {rows.shape}."
        )
    return np.concatenate([rows, X])


def _frames(rows: pd.DataFrame, X: Any) -> pd.DataFrame:
    if not isinstance(X, pd.DataFrame):
        raise ValueError(
            f"Each chunk must be a DataFrame, as the first is. Got {type(X).__name__}."
        )
    missing = [name for name in rows.columns if name not in X.columns]
    if missing:
        raise ValueError(
            f"Each chunk must have the columns of the first. Columns {short_repr(missing)} are "
            f"missing from one, which has {short_repr(list(X.columns))}."
        )
    X = X[rows.columns]
    categories = {
        position: pd.api.types.union_categoricals([one, other], ignore_order=True)
        for position, (one, other) in enumerate(zip(_columns(rows), _columns(X), strict=True))
        if _have_categories_alike(one.dtype, other.dtype)
    }
    with warnings.catch_warnings():
        # pandas 2 announces that it will look at dtypes of columns without a value, as is wanted
        warnings.filterwarnings("ignore", "The behavior of DataFrame concatenation", FutureWarning)
        joined = pd.concat([rows, X], ignore_index=True)
    for position, values in categories.items():
        joined.isetitem(position, values)
    return joined


def _columns(frame: pd.DataFrame) -> list[pd.Series]:
    return [frame.iloc[:, position] for position in range(frame.shape[1])]


def _have_categories_alike(one: Any, other: Any) -> bool:
    are_categorical = all(isinstance(dtype, pd.CategoricalDtype) for dtype in (one, other))
    return are_categorical and one.categories.dtype == other.categories.dtype
