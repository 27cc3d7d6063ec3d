"""Columns of a table: what they hold, how they are found, and that they stay what they were.

Enters: a DataFrame, or one column of it as a Series. Leaves: the column's content, one of
``"number"``, ``"duration"``, ``"text"``, ``"date"``, ``"mixed"`` or ``"missing"``, and errors
that name the column, the row and the value. `TableColumn` is the base of the per-column encoders.
"""

from __future__ import annotations

import datetime
import numbers
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_complex_dtype, is_numeric_dtype

from skmerge._errors import did_you_mean, row_number, short_repr
from skmerge.encoders._cells import missing_rows, place

_INFERRED = {
    "string": "text",
    "boolean": "number",
    "integer": "number",
    "floating": "number",
    "mixed-integer-float": "number",
    "decimal": "number",
    "timedelta": "duration",
    "timedelta64": "duration",
    "date": "date",
    "datetime": "date",
    "datetime64": "date",
}

# the first that fits, for NumPy counts its durations and complex numbers among the numbers
_CONTENT_OF_TYPES: tuple[tuple[tuple[type, ...], str], ...] = (
    ((datetime.timedelta, np.timedelta64), "duration"),
    ((datetime.date, np.datetime64), "date"),
    ((numbers.Real, np.integer, np.floating, np.bool_, Decimal), "number"),
    ((numbers.Complex, np.complexfloating), "complex"),
    ((str,), "text"),
    ((bytes,), "mixed"),
)

_PLURALS = {
    "number": "numbers",
    "duration": "durations",
    "text": "strings",
    "date": "dates",
    "mixed": "values of several types",
}

_REMEDIES = {
    "number": "pd.to_numeric(X[{name!r}])",
    "duration": "pd.to_timedelta(X[{name!r}])",
    "text": "X[{name!r}].astype('str')",
    "date": "pd.to_datetime(X[{name!r}])",
}


class TableColumn(ABC):
    """Encoder of one column of a table.

    Parameters
    ----------
    name : object
        Name of the column, or its position in a matrix.

    Attributes
    ----------
    content : str
        What the column held in training, see `content_of`.
    """

    kind: ClassVar[str]
    #: contents that this kind of column can hold, beside missing values
    readable: ClassVar[tuple[str, ...]]

    def __init__(self, name: Any) -> None:
        self.name = name

    def fit(self, column: pd.Series, content: str) -> None:
        """Learn from the training rows.

        Parameters
        ----------
        column : Series of shape (n_samples,)
            The column.
        content : str
            What it holds.

        Raises
        ------
        ValueError
            If a column of this kind cannot hold that.
        """
        if content not in (*self.readable, "missing"):
            raise ValueError(self._undeclarable(column, content))
        self.content = content
        self._fit(column)

    def read(self, column: pd.Series) -> np.ndarray:
        """Encode rows.

        Parameters
        ----------
        column : Series of shape (n_samples,)
            The column, which must hold what it held in training.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Numbers with NaN where missing, or codes.

        Raises
        ------
        ValueError
            If the column holds something else than in training.
        """
        plain = self._read_plain(column)
        if plain is not None:
            return plain
        if check_content(column, self.name, fitted=self.content) == "missing":
            column = pd.Series(np.full(len(column), np.nan))
        return self._read(column)

    @abstractmethod
    def _fit(self, column: pd.Series) -> None: ...

    @abstractmethod
    def _read(self, column: pd.Series) -> np.ndarray: ...

    def _read_plain(self, column: pd.Series) -> np.ndarray | None:
        """Encode a column that can be read without a look at its content, else return None."""
        return None

    def _undeclarable(self, column: pd.Series, content: str) -> str:
        row, value = _first_unlike(column, self.readable)
        remedy = _remedy(self.name, content, self.readable[0])
        return (
            f"Column {self.name!r} was given the kind {self.kind!r}, but it holds "
            f"{_PLURALS[content]}: row {row_number(row)} is {short_repr(value)}. Convert it first, "
            f"as in {remedy}, or give it another kind."
        )


def content_of(column: pd.Series, name: Any) -> str:
    """Find out what a column holds, by its dtype and, for object columns, by its values.

    Parameters
    ----------
    column : Series of shape (n_samples,)
        The column. Of a categorical column its categories are looked at.
    name : object
        The column's name, for errors.

    Returns
    -------
    {"number", "duration", "text", "date", "mixed", "missing"}
        ``"mixed"`` for values of several types, or of a type that only its ``str`` describes;
        ``"missing"`` where every value is missing.

    Raises
    ------
    ValueError
        If a value is complex.
    TypeError
        If a cell holds several values (a list, dict or array), or an object that has no text.
    """
    if missing_rows(column, name).all():
        return "missing"
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return content_of(pd.Series(dtype.categories), name)
    if isinstance(dtype, pd.StringDtype):
        return "text"
    if is_complex_dtype(dtype):
        raise _complex_error(column, name)
    if is_bool_dtype(dtype) or is_numeric_dtype(dtype):
        return "number"
    if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype):
        return "date"
    return "duration" if dtype.kind == "m" else _content_of_cells(column, name)


def kind_of(column: pd.Series, content: str) -> str:
    """Choose how a column is encoded.

    Parameters
    ----------
    column : Series of shape (n_samples,)
        The column.
    content : str
        What it holds. Where all is missing, its dtype decides.

    Returns
    -------
    {"number", "category", "date"}
        The kind.
    """
    dtype: Any = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if content == "missing":
        if dtype.kind == "M" or isinstance(dtype, pd.PeriodDtype):
            return "date"
        is_text = isinstance(dtype, pd.StringDtype) or dtype.kind == "U"
        return "category" if is_text else "number"
    return {"text": "category", "mixed": "category", "date": "date"}.get(content, "number")


def check_content(column: pd.Series, name: Any, *, fitted: str) -> str:
    """Find out what a column holds; raise unless it held that in training, or holds nothing.

    Parameters
    ----------
    column : Series of shape (n_samples,)
        The column.
    name : object
        The column's name.
    fitted : str
        What it held in training. Where that was ``"missing"`` or ``"mixed"``, anything goes.

    Returns
    -------
    str
        What it holds.

    Raises
    ------
    ValueError
        If it holds something else; the message names the first such row and its value.
    """
    if fitted == "number" and column.dtype.kind in "biuf":
        return fitted
    content = content_of(column, name)
    accepted = ("text", "mixed") if fitted == "text" else (fitted,)
    if fitted in ("missing", "mixed") or content in (*accepted, "missing"):
        return content
    row, value = _first_unlike(column, accepted)
    remedy = f"Convert it first, as in {_remedy(name, content, fitted)}, or fit"
    if (fitted, content) == ("number", "date"):
        remedy = "Give it as it was in fit, or fit"
    raise ValueError(
        f"Column {name!r} held {_PLURALS[fitted]} in fit, but now holds {_PLURALS[content]}: "
        f"row {row_number(row)} is {short_repr(value)}. {remedy} again on such columns."
    )


def check_frame(frame: pd.DataFrame, *, owner: str) -> None:
    """Raise unless a frame has rows, columns, and one level of column names.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
        The frame.
    owner : str
        Name of the class that reads it.

    Raises
    ------
    ValueError
        If any of that does not hold.
    """
    for count, what in zip(frame.shape, ("sample", "feature"), strict=True):
        if count == 0:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={frame.shape}) while a minimum of 1 is "
                f"required by {owner}."
            )
    if isinstance(frame.columns, pd.MultiIndex):
        raise ValueError(
            f"The columns of X must have names of one level. Got a MultiIndex of "
            f"{frame.columns.nlevels} levels. Join them first, as in "
            f"X.columns = ['_'.join(map(str, names)) for names in X.columns]."
        )
    check_no_name_is_missing(frame)


def check_no_name_is_missing(frame: pd.DataFrame) -> None:
    """Raise where a column has no name: None and NaN cannot be told apart, nor found again.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
        The frame, its names of one level.

    Raises
    ------
    ValueError
        If a name is missing; the message says where.
    """
    if frame.columns.hasnans:
        position = int(frame.columns.isna().argmax())
        raise ValueError(
            f"Column names of X must not be missing. Got {frame.columns[position]!r} at position "
            f"{position}. Name the column, as in X.columns = [...], or drop it."
        )


def columns_of(frame: pd.DataFrame, names: Sequence[Any]) -> pd.DataFrame:
    """Return columns by name, whatever their names are.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
        The frame, which has them, once each.
    names : sequence of object
        Names of the columns wanted. ``frame[names]`` takes True and False for a mask, and fails
        where strings are no valid Unicode.

    Returns
    -------
    DataFrame of shape (n_samples, len(names))
        The columns in the order of `names`.
    """
    positions = {name: position for position, name in enumerate(frame.columns)}
    return frame.iloc[:, [positions[name] for name in names]]


def select_columns(frame: pd.DataFrame, names: Sequence[Any]) -> dict[Any, pd.Series]:
    """Find columns by name, whatever their order and whatever else is there.

    Parameters
    ----------
    frame : DataFrame of shape (n_samples, n_columns)
        The frame.
    names : sequence of object
        Names of the columns wanted.

    Returns
    -------
    dict of Series
        The columns by name, in the order of `names`.

    Raises
    ------
    ValueError
        If the frame lacks one of them, or has two of its name.
    """
    has_strings = frame.columns.is_unique and frame.columns.inferred_type == "string"
    if has_strings and all(isinstance(name, str) for name in names):
        with suppress(KeyError):  # the quick way, where none is absent
            return {name: frame[name] for name in names}
    positions = {name: position for position, name in enumerate(frame.columns)}
    absent = [name for name in names if name not in positions]
    if absent:
        which = f"Column {absent[0]!r} is" if len(absent) == 1 else f"Columns {absent} are"
        raise ValueError(
            f"{which} missing from X. X has columns {short_repr(list(frame.columns))}."
            f"{did_you_mean(absent[0], positions)}"
        )
    wanted = set(names)
    counts = Counter(name for name in frame.columns if name in wanted)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise ValueError(
            f"The columns of X must have distinct names. Got {short_repr(repeated)} more than "
            f"once. Drop or rename them, as in X.loc[:, ~X.columns.duplicated()]."
        )
    return {name: frame.iloc[:, positions[name]] for name in names}


def _content_of_cells(column: pd.Series, name: Any) -> str:
    cells = column.astype(object)
    inferred = infer_dtype(cells, skipna=True)
    if inferred in _INFERRED:
        return _INFERRED[inferred]
    contents = {_content_of_type(cell_type) for cell_type in set(map(type, cells[cells.notna()]))}
    if "complex" in contents:
        raise _complex_error(cells, name)
    if None in contents:
        row, value = _first_unlike(cells, ("number", "duration", "text", "date", "mixed"))
        raise TypeError(
            f"{place(row, name)} is {short_repr(value)}, of type "
            f"{type(value).__name__!r}. Each cell of the X argument must be a string, a number, a "
            f"date or missing. Cells that hold lists, arrays or pictures need an encoder of "
            f"their own, such as TagEncoder, ArrayEncoder or ImageEncoder."
        )
    return str(contents.pop()) if len(contents) == 1 else "mixed"


def _content_of_type(cell_type: type) -> str | None:
    for types, content in _CONTENT_OF_TYPES:
        if issubclass(cell_type, types):
            return content
    several = issubclass(cell_type, Iterable) or hasattr(cell_type, "__array_interface__")
    has_text = any(
        getattr(cell_type, name) is not getattr(object, name) for name in ("__str__", "__repr__")
    )
    return "mixed" if has_text and not several else None


def _remedy(name: Any, content: str, wanted: str) -> str:
    if (wanted, content) == ("number", "duration"):
        return f"X[{name!r}].dt.total_seconds()"
    return _REMEDIES[wanted].format(name=name)


def _first_unlike(column: pd.Series, contents: Sequence[str]) -> tuple[int, Any]:
    """Return the first row, and its value, that is not of one of the contents."""
    cells = column.astype(object).to_numpy()
    present = [int(row) for row in np.flatnonzero(column.notna())]
    unlike = (row for row in present if _content_of_type(type(cells[row])) not in contents)
    row = next(unlike, present[0])
    return row, cells[row]


def _complex_error(column: pd.Series, name: Any) -> ValueError:
    row, value = _first_unlike(column, ("number", "duration", "text", "date", "mixed"))
    return ValueError(
        f"Complex data not supported\n{place(row, name)} is {short_repr(value)}. Give "
        f"its real and imaginary part as two columns."
    )
