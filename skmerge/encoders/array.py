"""Vectors, or whatever a scikit-learn transformer makes vectors of, go in. One array comes out."""

from __future__ import annotations

import numbers
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from scipy.sparse import csr_matrix, issparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import validate_data

from skmerge._errors import row_number, short_repr
from skmerge._spec import InputSpec
from skmerge.encoders._base import Encoder
from skmerge.encoders._cells import missing_rows, place
from skmerge.encoders._columns import check_frame, columns_of, select_columns
from skmerge.encoders._numbers import numbers_of
from skmerge.encoders._vectors import (
    check_finite,
    column_of,
    is_vector,
    spread_rows,
    stack_vectors,
    texts_of,
)

_MAX_NAMES = 1000


class ArrayEncoder(Encoder, auto_wrap_output_keys=None):  # type: ignore[call-arg]
    """Encode by any scikit-learn transformer, or take vectors as they are.

    Without a transformer, X holds numbers: a matrix, dense or sparse, a DataFrame of columns of
    numbers, an array of more dimensions, or one column (a Series, a list, an array of objects)
    whose cells are vectors of one length, or arrays of one shape. A missing cell becomes zeros
    and is marked absent.

    With one, X goes to it as it is, except that

    - one column of strings becomes 1-D, each missing one ``""``, as text vectorizers take it;
      for transformers of categories and ``ColumnTransformer`` it becomes a DataFrame;
    - columns of a DataFrame are found by name: their order is free, further ones are ignored;
    - cells that are vectors become a matrix, of the rows that have one.

    Parameters
    ----------
    transformer : transformer, default=None
        A scikit-learn transformer, of which a clone is fitted: ``TfidfVectorizer()``, ``PCA(8)``,
        a Pipeline. What it returns may be dense or sparse, and stays so, or be a DataFrame.
        None takes numbers as they are.
    dtype : {"float16", "float32", "float64"}, default="float32"
        The array's dtype. None keeps that of X, or of what the transformer returns.

    Attributes
    ----------
    transformer_ : transformer or None
        The fitted transformer.
    n_features_in_ : int
        Number of columns seen in ``fit``, where X is not a column of other things than numbers.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where all are strings.
    spec_ : InputSpec
        Description of the array. Its `optional` is True where X was given as cells of vectors,
        its `sparse` where the array is a CSR matrix; its `feature_names` are there for up to
        1000 columns that have any.

    Raises
    ------
    ValueError
        If X without a transformer holds anything else than numbers, or vectors of several
        lengths; if the array contains NaN or infinity; if X is sparse or lacks a column, and
        was not so in training. What the transformer raises passes with a note.

    See Also
    --------
    TabularEncoder : Numbers with missing values, categories and dates.

    Notes
    -----
    NaN within vectors is refused, since no network learns from it. A transformer may take NaN
    and replace it: ``ArrayEncoder(SimpleImputer())``.

    Examples
    --------
    >>> from sklearn.feature_extraction.text import TfidfVectorizer
    >>> from skmerge.encoders.array import ArrayEncoder
    >>> encoder = ArrayEncoder(TfidfVectorizer()).fit(["red dress", "blue dress", None])
    >>> encoder.spec_.feature_names, encoder.spec_.sparse
    (('blue', 'dress', 'red'), True)
    >>> encoder.transform(["a blue one"]).toarray()
    array([[1., 0., 0.]], dtype=float32)
    >>> ArrayEncoder().fit_transform([[1, 2], None])
    array([[1., 2.],
           [0., 0.]], dtype=float32)
    """

    kind = "array"
    default_branch = "dense"

    _parameter_constraints = {
        "transformer": [HasMethods(["fit", "transform"]), None],
        "dtype": [StrOptions({"float16", "float32", "float64"}), None],
    }

    def __init__(self, transformer: Any = None, *, dtype: str | None = "float32") -> None:
        self.transformer = transformer
        self.dtype = dtype

    def fit(self, X: Any, y: Any = None) -> ArrayEncoder:
        """Learn the shape of the rows, and fit the transformer.

        Parameters
        ----------
        X : DataFrame, Series, array-like or sparse matrix of shape (n_samples, ...)
            The vectors, or what the transformer takes.
        y : array-like of shape (n_samples,), default=None
            The target, for the transformer.

        Returns
        -------
        ArrayEncoder
            This encoder.
        """
        self._validate_params()
        self.transformer_ = None if self.transformer is None else clone(self.transformer)
        self._names: list[Any] | None = None
        self._shape: tuple[int, ...] | None = None
        self._layout = self._layout_of(X)
        rows, present = self._read(X, reset=True)
        if self.transformer_ is not None:
            rows = self._fit_transformer(rows, y, present)
        array = self._checked(rows, self.dtype, present)
        self.spec_ = InputSpec(
            name=self.kind,
            kind=self.kind,
            shape=tuple(array.shape[1:]),
            dtype=str(array.dtype),
            default_branch=self.default_branch,
            feature_names=self._feature_names(array),
            optional=self._layout == "vectors",
            sparse=issparse(array),
        )
        return self

    def encode(self, X: Any) -> tuple[Any, np.ndarray | None]:
        """Encode rows, and say which of them have the input at all.

        Parameters
        ----------
        X : DataFrame, Series, array-like or sparse matrix of shape (n_samples, ...)
            The vectors, or what the transformer takes.

        Returns
        -------
        array : ndarray or CSR matrix of shape (n_samples, *spec_.shape)
            The encoded rows, zeros where the cell is missing.
        present : ndarray of shape (n_samples,), dtype bool, or None
            True where the row has a vector; None where ``spec_.optional`` is False.
        """
        self._check_fitted()
        rows, present = self._read(X, reset=False)
        if present is not None and not present.any():
            return self._zeros(len(present)), present
        if self.transformer_ is not None:
            rows = self._transformed(rows)
        array = self._as_in_fit(self._checked(rows, self.spec_.dtype, present))
        return (array, None) if present is None else (spread_rows(array, present), present)

    def _layout_of(self, X: Any) -> str:
        """Decide how X is read: as "matrix", "vectors", "text", "table" or other "cells"."""
        column = column_of(X)
        if column is None:
            return "matrix"
        cells, name = column
        present = np.flatnonzero(~missing_rows(cells, name))
        first = cells[present[0]] if len(present) else ""
        if is_vector(first):
            return "vectors"
        if self.transformer is None:
            found = (
                f"{place(int(present[0]), name)} is {short_repr(first)}." if len(present) else ""
            )
            raise ValueError(
                "ArrayEncoder without a transformer reads numbers, or a column of vectors. "
                f"{found or 'All cells are missing.'} Give it a transformer, such as "
                "TfidfVectorizer() for texts, or the column another encoder."
            )
        if isinstance(first, str):
            is_frame = isinstance(X, (pd.Series, pd.DataFrame))
            return "table" if is_frame and _takes_tables(self.transformer) else "text"
        return "table" if isinstance(X, pd.DataFrame) else "cells"

    def _read(self, X: Any, *, reset: bool) -> tuple[Any, np.ndarray | None]:
        """Return what the transformer takes, and for vectors which rows have one."""
        if isinstance(X, pd.DataFrame):
            X = self._select(X, reset=reset)
        if self._layout == "text":
            return texts_of(X), None
        if self._layout == "cells":
            return X, None
        column = None if self._layout == "table" else column_of(X)
        if column is None:
            rows = self._read_matrix(X, reset=reset)
            return rows, np.ones(_n_rows(rows), dtype=bool) if self._layout == "vectors" else None
        vectors, present = stack_vectors(*column, shape=self._shape)
        if self._layout == "vectors":
            self._shape = vectors.shape[1:]
            return (self._read_matrix(vectors, reset=reset) if present.any() else vectors), present
        if not present.all():
            raise ValueError(
                f"{place(int(present.argmin()), column[1])} is missing, which ArrayEncoder allows "
                "where it was fitted on a Series or list of vectors. It was fitted on a matrix."
            )
        return self._read_matrix(vectors, reset=reset), None

    def _read_matrix(self, X: Any, *, reset: bool) -> Any:
        if isinstance(X, pd.Series):
            X = (
                X.to_frame().to_numpy()
                if X.name is None or not (reset or self._names)
                else self._select(X.to_frame(), reset=reset)
            )
        if self.transformer_ is None:
            if isinstance(X, pd.DataFrame):
                X = _as_numbers(X)
            return validate_data(
                self,
                X,
                dtype="numeric",
                accept_sparse="csr",
                allow_nd=True,
                ensure_all_finite=False,
                reset=reset,
            )
        if reset:
            validate_data(self, X, skip_check_array=True)
        if issparse(X):
            return X.tocsr()
        return X if hasattr(X, "__getitem__") else np.asarray(X)

    def _select(self, frame: pd.DataFrame, *, reset: bool) -> pd.DataFrame:
        """Return the columns seen in fit, found by name if it saw names."""
        check_frame(frame, owner=type(self).__name__)
        if reset:
            self._names = list(frame.columns)
        if self._names is None:
            return frame
        select_columns(frame, self._names)
        return columns_of(frame, self._names)

    def _fit_transformer(self, rows: Any, y: Any, present: np.ndarray | None) -> Any:
        """Fit the transformer, and return what it makes of the first row."""
        if y is None:
            self._call("fit", rows)
        else:
            self._call("fit", rows, y if present is None else np.asarray(y)[present])
        first = rows.iloc[:1] if hasattr(rows, "iloc") else rows[:1]
        return self._transformed(first)

    def _transformed(self, rows: Any) -> Any:
        output = self._call("transform", rows)
        shape = np.shape(output)
        if len(shape) < 2 or shape[0] != _n_rows(rows):
            raise ValueError(
                f"The transformer of ArrayEncoder must return one row per row of X, in 2 "
                f"dimensions or more. {type(self.transformer_).__name__} returned shape {shape} "
                f"for {_n_rows(rows)} rows."
            )
        return output

    def _call(self, method: str, *args: Any) -> Any:
        try:
            return getattr(self.transformer_, method)(*args)
        except Exception as error:
            name = type(self.transformer_).__name__
            error.add_note(f"Raised by {method} of {name}, the transformer of an ArrayEncoder.")
            raise

    def _checked(self, rows: Any, dtype: str | None, present: np.ndarray | None) -> Any:
        """Return rows as a finite array of numbers, or CSR matrix, of a dtype."""
        source = "Input X"
        remedy = "Give ArrayEncoder a transformer that replaces it, such as SimpleImputer()."
        if self.transformer_ is not None:
            source = f"The output of {type(self.transformer_).__name__}"
            remedy = "Add a step that replaces it to the transformer, such as SimpleImputer()."
        array = rows.tocsr() if issparse(rows) else np.asarray(rows)
        if array.dtype == object:
            # nullable columns of DataFrames, Decimal
            with suppress(TypeError, ValueError):
                array = array.astype(np.float64)
        dtype = dtype or str(array.dtype)
        if array.dtype.kind not in "biuf" or not np.can_cast(array.dtype, dtype, "same_kind"):
            raise ValueError(
                f"{source} must hold numbers that fit into {dtype}. Got dtype {array.dtype}. "
                f"Convert it first, as in astype({dtype!r})."
            )
        with np.errstate(over="ignore"):
            array = array.astype(dtype, copy=False)
        row_numbers = None if present is None else np.flatnonzero(present)
        check_finite(array, source, remedy, names=self._names, row_numbers=row_numbers)
        return array

    def _as_in_fit(self, array: Any) -> Any:
        if array.shape[1:] != self.spec_.shape:
            raise ValueError(
                f"Rows of X must have the shape {self.spec_.shape}, as in fit. Got "
                f"{array.shape[1:]}."
            )
        if issparse(array) and not self.spec_.sparse:
            raise ValueError(
                "X must be dense, as it was in fit. Got a sparse matrix. Convert it first, as in "
                "X.toarray(), or fit again on a sparse matrix."
            )
        return csr_matrix(array) if self.spec_.sparse and not issparse(array) else array

    def _zeros(self, n_rows: int) -> Any:
        shape = (n_rows, *self.spec_.shape)
        zeros = csr_matrix if self.spec_.sparse else np.zeros
        return zeros(shape, dtype=self.spec_.dtype)

    def _feature_names(self, array: Any) -> tuple[str, ...]:
        names: Any = self._names or ()
        if array.ndim != 2 or array.shape[1] > _MAX_NAMES:
            return ()
        if self.transformer_ is not None:
            try:
                names = self.transformer_.get_feature_names_out()
            except (AttributeError, NotImplementedError, TypeError, ValueError):
                return ()
        return tuple(map(str, names)) if len(names) == array.shape[1] else ()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.dtype is not None:
            tags.transformer_tags.preserves_dtype = [self.dtype]
        if self.transformer is None:
            tags.input_tags.sparse = True
        elif hasattr(self.transformer, "__sklearn_tags__"):
            inner = get_tags(self.transformer)
            tags.input_tags = inner.input_tags
            tags.target_tags.required = inner.target_tags.required
            tags.non_deterministic = inner.non_deterministic
        return tags


def _takes_tables(transformer: Any) -> bool:
    """Say whether a transformer reads columns of strings in 2-D."""
    steps = [step for _, step in transformer.steps] if isinstance(transformer, Pipeline) else []
    if steps:
        return any(_takes_tables(step) for step in steps)
    tagged = hasattr(transformer, "__sklearn_tags__")
    return isinstance(transformer, ColumnTransformer) or (
        tagged and get_tags(transformer).input_tags.categorical
    )


def _as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return columns of numbers in NumPy's own dtypes, objects and nullable ones as float64."""
    columns: list[Any] = []
    for name, column in frame.items():
        _check_numbers(column, name)
        if isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
            columns.append(column)
            continue
        is_missing = column.isna().all()
        values = np.full(len(column), np.nan) if is_missing else numbers_of(column, name)
        columns.append(pd.Series(values, index=column.index, name=name))
    # one column at a time, since pandas 2 makes objects of several nullable ones together
    return pd.concat(columns, axis=1).set_axis(frame.columns, axis=1)


def _check_numbers(column: pd.Series, name: Any) -> None:
    if is_numeric_dtype(column.dtype):
        return
    cells = column.astype(object).to_numpy()
    are_numbers = [_is_number(cell) for cell in cells]
    strays = np.flatnonzero(~missing_rows(cells, name) & ~np.array(are_numbers))
    if len(strays):
        row = int(strays[0])
        raise ValueError(
            f"Column {name!r} must hold numbers, since ArrayEncoder has no transformer. Row "
            f"{row_number(row)} is {short_repr(column.iloc[row])}. Give it one, or the "
            "column another encoder."
        )


def _is_number(cell: Any) -> bool:
    # NumPy counts its durations among the whole numbers
    is_duration = isinstance(cell, np.timedelta64)
    return isinstance(cell, (numbers.Real, Decimal, np.bool_)) and not is_duration


def _n_rows(rows: Any) -> int:
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)
