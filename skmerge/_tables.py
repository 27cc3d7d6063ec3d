"""Reading X, in whatever form a user holds it, as a table of named columns.

Enters: a DataFrame, a matrix, a SciPy sparse matrix, or a mapping of names to arrays and lists.
Leaves: one of three tables with the same few questions: which columns, how many rows, and the
cells of some of the columns.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from skmerge._errors import did_you_mean, short_repr
from skmerge._other_frames import as_pandas
from skmerge.encoders._cells import check_dtype
from skmerge.encoders._columns import check_no_name_is_missing, columns_of

FRAME = "a DataFrame"
ENTRIES = "a dict or list of inputs"
WHOLE_MATRIX = "a matrix"
BY_POSITION = "a matrix with columns by position"


class FrameTable:
    """The columns of a pandas DataFrame.

    Parameters
    ----------
    frame : DataFrame
        The columns, with distinct names.
    form : str, default=FRAME
        What the user gave, for comparison and for messages.
    """

    def __init__(self, frame: pd.DataFrame, form: str = FRAME) -> None:
        self.form = form
        if isinstance(frame.columns, pd.MultiIndex):
            raise ValueError(
                "X must have plain column names. Got a MultiIndex; flatten it, as in "
                "X.columns = ['_'.join(map(str, names)) for names in X.columns]."
            )
        if not frame.columns.is_unique:
            repeated = list(frame.columns[frame.columns.duplicated()].unique())
            raise ValueError(f"Column names of X must be distinct. Got {repeated} more than once.")
        check_no_name_is_missing(frame)
        self.frame = frame
        self.names: list[Hashable] = [*frame.columns.tolist()]
        self.n_rows = len(frame)

    def cells(self, columns: Any) -> Any:
        """Return one column as a Series, or a list of columns as a DataFrame."""
        return columns_of(self.frame, columns) if isinstance(columns, list) else self.frame[columns]

    def select(self, columns: Any) -> Any:
        """Turn a column selector into a column name or a list of names.

        Parameters
        ----------
        columns : label, list of labels, slice of labels, boolean mask, callable or selector
            What ColumnTransformer takes, or an object with an ``expand(frame)`` method.

        Returns
        -------
        label or list of labels
            One label gives one column as a Series, a list gives a DataFrame.
        """
        if hasattr(columns, "expand"):
            columns = columns.expand(self.frame)
        elif callable(columns):
            columns = columns(self.frame)
        if isinstance(columns, slice):
            return list(self.frame.loc[:, columns].columns)
        if isinstance(columns, (str, bytes)) or not isinstance(
            columns, (Sequence, np.ndarray, pd.Index, pd.Series, set)
        ):
            return self._known(columns)
        listed = list(columns)
        if listed and all(isinstance(flag, (bool, np.bool_)) for flag in listed):
            return list(self.frame.columns[np.asarray(listed)])
        return [self._known(column) for column in listed]

    def _known(self, column: Any) -> Any:
        if isinstance(column, Hashable) and column in self.names:
            return column
        raise ValueError(
            f"There is no column {column!r} in X. X has columns {short_repr(self.names)}."
            f"{did_you_mean(column, self.names)}"
        )


class EntriesTable:
    """Named arrays and lists, each an input of its own, as ``keras.Model.fit`` takes them.

    Parameters
    ----------
    entries : mapping of str to array-like of n_samples rows
        Arrays of any rank, sparse matrices, DataFrames, or lists of pictures or strings.
    """

    form = ENTRIES

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        if not entries:
            raise ValueError("X must hold at least one input. Got an empty mapping.")
        check_distinct_texts(entries, "Names of the inputs in X")
        self.entries = {str(name): entry for name, entry in entries.items()}
        for name, entry in self.entries.items():
            if isinstance(entry, np.ndarray):
                check_dtype(entry, f"Input {name!r}")
        rows = {name: _n_rows(name, entry) for name, entry in self.entries.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(f"All inputs of X must have the same number of rows. Got {rows}.")
        self.names: list[Hashable] = list(self.entries)
        self.n_rows = next(iter(rows.values()))

    def cells(self, columns: Any) -> Any:
        """Return one entry; a list of several columns cannot be read from entries."""
        if isinstance(columns, list):
            if len(columns) != 1:
                raise ValueError(
                    f"Inputs {columns} are separate arrays; only columns of a DataFrame can be "
                    "read as one input. Put them into one DataFrame or one matrix."
                )
            columns = columns[0]
        entry = self.entries[columns]
        if _is_flat(entry):
            if isinstance(entry, np.ndarray) and not _is_text(entry):
                return pd.Series(entry, name=columns)
            return _inferred(pd.Series(entry, name=columns, dtype=object))
        return entry

    def select(self, columns: Any) -> Any:
        """Return the name of an entry, or a list of such names."""
        if isinstance(columns, list):
            return [self.select(column) for column in columns]
        if isinstance(columns, Hashable) and columns in self.entries:
            return columns
        hint = did_you_mean(columns, self.entries)
        raise ValueError(f"There is no input {columns!r} in X, only {list(self.entries)}.{hint}")


class MatrixTable:
    """One plain or sparse matrix, read whole; its encoder validates it.

    Parameters
    ----------
    matrix : array-like or sparse matrix of shape (n_samples, n_features)
        The matrix, as the user gave it.
    """

    form = WHOLE_MATRIX

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.names: list[Hashable] = ["sparse" if issparse(matrix) else "tabular"]
        shape = getattr(matrix, "shape", None)
        has_length = shape is None and hasattr(matrix, "__len__")
        self.n_rows = shape[0] if shape else len(matrix) if has_length else 1

    def cells(self, columns: Any) -> Any:
        """Return the matrix."""
        return self.matrix

    def select(self, columns: Any) -> Any:
        """Return `columns`, a matrix has no names to look up."""
        return columns


Table = FrameTable | EntriesTable | MatrixTable


def read_table(X: Any, *, by_position: bool = False) -> Table:
    """Read X as a table.

    Parameters
    ----------
    X : DataFrame, Series, mapping, list of inputs, array or sparse matrix
        What the user gave. DataFrames of other libraries become those of pandas.
    by_position : bool, default=False
        Whether columns of a dense matrix are wanted one by one, named by their position.

    Returns
    -------
    FrameTable, EntriesTable or MatrixTable
        The table.
    """
    X = as_pandas(X)
    if isinstance(X, pd.DataFrame):
        return FrameTable(X)
    if issparse(X):  # asked first, because DOK matrices are mappings
        return MatrixTable(X)
    if is_list_of_inputs(X):
        X = name_inputs(X)
    elif _is_one_input(X):
        name = getattr(X, "name", None)
        X = name_inputs([X], [] if name is None else [str(name)])
    if isinstance(X, Mapping):
        return EntriesTable(X)
    has_strings = _holds_strings(X)
    if by_position or has_strings:
        matrix = np.asarray(X, dtype=object if has_strings else None)
        if matrix.ndim == 2:
            return FrameTable(_frame_of(matrix), BY_POSITION)
    return MatrixTable(X)


def count_rows(X: Any) -> int:
    """Count the rows of what ``fit`` takes.

    Parameters
    ----------
    X : DataFrame, Series, mapping, array, list or sparse matrix
        What the user gave, lists of inputs named.

    Returns
    -------
    int
        The number of rows.
    """
    if isinstance(X, Mapping) and not issparse(X):
        return count_rows(next(iter(X.values()))) if X else 0
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(X)


def check_distinct_texts(names: Iterable[Any], what: str = "Columns that are inputs") -> None:
    """Raise where two names have one text, which is the name of the input.

    Parameters
    ----------
    names : iterable of object
        Names, each once.
    what : str, default="Columns that are inputs"
        What they are names of, for the error.

    Raises
    ------
    ValueError
        If two would be inputs of one name, such as 1 and ``"1"``.
    """
    known: dict[str, Any] = {}
    for name in names:
        other = known.setdefault(str(name), name)
        if other is not name:
            raise ValueError(
                f"{what} must differ as text, too. Got {other!r} and {name!r}. Rename one of them."
            )


def is_list_of_inputs(X: Any, n_rows: int | None = None) -> bool:
    """Whether X is a list of inputs, as ``keras.Model.fit`` takes it, and not a list of rows.

    Parameters
    ----------
    X : object
        What the user gave.
    n_rows : int, default=None
        Number of rows, where it is known from the targets.

    Returns
    -------
    bool
        True for a list or tuple whose entries are arrays, DataFrames or lists, all of one length,
        which is `n_rows` if that is given.
    """
    if not isinstance(X, (list, tuple)) or not X or not all(map(_has_rows, X)):
        return False
    lengths = {_n_rows("", entry) for entry in X}
    if len(lengths) != 1 or (n_rows is not None and lengths != {n_rows}):
        return False
    if any(_is_block(entry) for entry in X):
        return True
    return n_rows is not None and len(X) != n_rows


def name_inputs(X: Sequence[Any], names: Sequence[str] = ()) -> dict[str, Any]:
    """Name the entries of a list of inputs.

    Parameters
    ----------
    X : sequence of array-like
        The inputs.
    names : sequence of str, default=()
        Their names, used if there are as many.

    Returns
    -------
    dict of str to array-like
        The inputs by name: those of `names`, otherwise ``input_1``, ``input_2`` and so on.
    """
    if len(names) != len(X):
        names = [f"input_{position}" for position in range(1, len(X) + 1)]
    return dict(zip(names, X, strict=True))


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Select rows of X, in whatever form it is.

    Parameters
    ----------
    X : DataFrame, Series, mapping, array, sparse matrix or MultiInput
        What the user gave, lists of inputs named.
    rows : ndarray of int
        Positions of the rows.

    Returns
    -------
    object of the same form
        These rows.
    """
    if issparse(X):
        return X.tocsr()[rows]
    if isinstance(X, Mapping):
        return {name: take_rows(entry, rows) for name, entry in X.items()}
    if not hasattr(X, "__getitem__"):
        X = np.asarray(X)  # what only converts to an array
    return _safe_indexing(X, rows)


def _frame_of(matrix: np.ndarray) -> pd.DataFrame:
    """Return a matrix as columns of the dtypes that their values have."""
    if matrix.dtype != object:
        return pd.DataFrame(matrix, dtype=object if matrix.dtype.kind == "U" else None)
    columns = {
        position: pd.Series(list(cells), dtype=object) for position, cells in enumerate(matrix.T)
    }
    return pd.DataFrame(
        {position: _inferred(column) for position, column in columns.items()},
        index=range(len(matrix)),
    )


def _inferred(column: pd.Series) -> pd.Series:
    """Return objects as the dtype that their values have, if there is one."""
    if _is_text(column):  # pandas' own strings must be valid Unicode
        return column
    try:
        return column.infer_objects()
    except ValueError:  # of durations in years, say; the encoder will name the row
        return column


def _is_text(entry: Any) -> bool:
    """Whether cells are strings, all or some of them."""
    if isinstance(entry, np.ndarray) and entry.dtype.kind != "O":
        return entry.dtype.kind in "US"
    return any(isinstance(cell, str) for cell in entry)


def _is_flat(entry: Any) -> bool:
    """Whether an entry is one column of plain cells."""
    if isinstance(entry, np.ndarray):
        return entry.ndim == 1
    if not isinstance(entry, (list, tuple)) or not entry:
        return isinstance(entry, (list, tuple))
    return not isinstance(entry[0], (list, tuple)) and not getattr(entry[0], "shape", None)


def _has_rows(entry: Any) -> bool:
    return not isinstance(entry, (str, bytes)) and (
        bool(entry.shape)
        if hasattr(entry, "shape")
        else hasattr(entry, "__len__") and len(entry) > 0
    )


def _is_block(entry: Any) -> bool:
    """Whether an entry of a list can only be an input, and not a row of a matrix."""
    if isinstance(entry, (pd.DataFrame, pd.Series)) or issparse(entry):
        return True
    return isinstance(entry, np.ndarray) and entry.ndim > 1


def _is_one_input(X: Any) -> bool:
    """Whether X is one input that is not a matrix: pictures, a Series, a list of strings."""
    if isinstance(X, pd.Series):
        return True
    if isinstance(X, np.ndarray):
        return X.ndim > 2 or (X.ndim == 1 and len(X) > 0 and isinstance(X[0], (str, bytes)))
    return isinstance(X, (list, tuple)) and bool(X) and all(isinstance(x, (str, bytes)) for x in X)


def _n_rows(name: str, entry: Any) -> int:
    shape = getattr(entry, "shape", None)
    if shape:
        return int(shape[0])
    if isinstance(entry, (str, bytes)) or shape == () or not hasattr(entry, "__len__"):
        raise ValueError(
            f"Input {name!r} must be an array or list with one entry per row. Got {entry!r}."
        )
    return len(entry)


def _holds_strings(X: Any) -> bool:
    """Whether a matrix has cells that are text, and so columns of several kinds."""
    if isinstance(X, np.ndarray):
        if X.dtype.kind in "US":
            return X.ndim == 2
        if X.dtype != object or X.ndim != 2:
            return False
        return any(isinstance(cell, str) for cell in X.ravel())
    if isinstance(X, (list, tuple)) and X and all(isinstance(row, (list, tuple)) for row in X):
        return len({len(row) for row in X}) == 1 and any(isinstance(c, str) for r in X for c in r)
    return False
