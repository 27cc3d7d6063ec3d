"""Sequences of numbers go in, of varying length; padded steps with a mask beside come out."""

from __future__ import annotations

import numbers
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions

from skmerge._errors import row_number, short_repr
from skmerge._spec import InputSpec
from skmerge.encoders._base import Encoder
from skmerge.encoders._cells import is_missing, place, read_cells
from skmerge.encoders._columns import check_frame, columns_of, select_columns

_LONGEST_AUTO = 512


class SequenceEncoder(Encoder):
    """Encode sequences of numbers: signals, curves, visits, anything measured step by step.

    Reads, with one row per sequence,

    - one column whose cells are sequences: lists, arrays or Series of shape ``(length,)``, which
      are one channel, or of shape ``(length, channels)``;
    - several columns of a DataFrame whose cells are sequences of one channel: each column is one
      channel, and within a row all have the same length;
    - several columns of numbers of a DataFrame: each column is one step, in their order;
    - an array of numbers of shape ``(n_samples, length)`` or ``(n_samples, length, channels)``.

    Lengths may differ between rows. A cell that is missing (None, NaN, NA) is a row of padding
    whose presence is False; an empty sequence is a row of padding whose presence is True. In
    arrays and in columns of numbers, a row ends with its last step that is not NaN, and a row of
    nothing but NaN is missing.

    Parameters
    ----------
    max_length : int or "auto", default="auto"
        Largest number of steps of a row. The length is the number of steps of the longest
        training row where that is less. ``"auto"`` means 512.
    standardize : bool, default=True
        Whether each channel is brought to mean 0 and standard deviation 1 over all steps of the
        training rows. A channel that never changes is only shifted.
    truncate : {"end", "start"}, default="end"
        Which steps of a sequence that is too long are cut: ``"end"`` keeps its first steps,
        ``"start"`` its last.

    Attributes
    ----------
    mean_ : ndarray of shape (n_channels,)
        Mean of each channel over the training rows, of what `max_length` leaves of them.
    scale_ : ndarray of shape (n_channels,)
        Standard deviation of each channel, 1 where that is 0 or nothing was measured.
    spec_ : InputSpec
        Description of the arrays that ``transform`` returns: shape ``(length, n_channels + 1)``,
        float32, a presence mask beside; the last channel is 1 where a row has that step, and 0
        in the padding after its end.

    See Also
    --------
    ArrayEncoder : Vectors of one length whose positions mean something each.

    Notes
    -----
    NaN within a sequence stands for a step at which a channel was not measured; it becomes the
    channel's mean in training, which is 0 once standardised.

    Examples
    --------
    >>> from skmerge import SequenceEncoder
    >>> encoder = SequenceEncoder(standardize=False).fit([[3, 1, 2], [5], None])
    >>> encoder.transform([[7, 8], []])
    array([[[7., 1.],
            [8., 1.],
            [0., 0.]],
    <BLANKLINE>
           [[0., 0.],
            [0., 0.],
            [0., 0.]]], dtype=float32)
    """

    kind = "sequence"
    default_branch = "recurrent"

    _parameter_constraints = {
        "max_length": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "standardize": ["boolean"],
        "truncate": [StrOptions({"end", "start"})],
    }

    def __init__(
        self, max_length: int | str = "auto", *, standardize: bool = True, truncate: str = "end"
    ) -> None:
        self.max_length = max_length
        self.standardize = standardize
        self.truncate = truncate

    def fit(self, X: Any, y: Any = None) -> SequenceEncoder:
        """Learn the length, and mean and scale of each channel, from training rows.

        Parameters
        ----------
        X : DataFrame, Series, array or list of n_samples rows
            The sequences.
        y : None
            Ignored, here for pipelines.

        Returns
        -------
        SequenceEncoder
            This encoder.

        Raises
        ------
        ValueError
            If there is no row, or a row is no sequence of numbers, has another number of channels
            than the first, or holds an infinite number; the message names row, column and value.
        """
        self._validate_params()
        several = isinstance(X, pd.DataFrame) and X.shape[1] > 1
        self._names = list(X.columns) if several else None
        rows = self._read(X, n_channels=None)
        if not rows.sequences:
            raise ValueError("SequenceEncoder must be fitted on at least 1 row. Got 0 rows.")
        limit = _LONGEST_AUTO if self.max_length == "auto" else int(self.max_length)
        longest = max([1, *(len(steps) for steps in rows.sequences if steps is not None)])
        steps = self._flat_steps(rows, min(longest, limit))[0]
        measured = ~np.isnan(steps)
        counts = np.maximum(measured.sum(axis=0), 1)
        self.mean_ = np.where(measured, steps, 0).sum(axis=0) / counts
        squares = np.where(measured, steps - self.mean_, 0) ** 2
        deviation = np.sqrt(squares.sum(axis=0) / counts)
        self.scale_ = np.where(deviation > 0, deviation, 1.0)
        self.spec_ = InputSpec(
            self.kind,
            self.kind,
            shape=(min(longest, limit), rows.n_channels + 1),
            default_branch=self.default_branch,
            optional=True,
            step_mask=True,
        )
        return self

    def encode(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Encode rows, and say which of them have a sequence.

        Parameters
        ----------
        X : DataFrame, Series, array or list of n_samples rows
            The sequences.

        Returns
        -------
        array : ndarray of shape (n_samples, length, n_channels + 1), dtype float32
            The numbers, 0 in the padding; the last channel tells steps (1) from padding (0).
        present : ndarray of shape (n_samples,), dtype bool
            False where the sequence is missing. One of no steps is not missing.

        Raises
        ------
        ValueError
            If a row is no sequence of numbers, has another number of channels than in ``fit``, or
            holds an infinite number.
        """
        self._check_fitted()
        length, width = self.spec_.shape
        rows = self._read(X, n_channels=(width or 0) - 1)
        steps, row_numbers, positions = self._flat_steps(rows, length or 0)
        steps = np.where(np.isnan(steps), self.mean_, steps)
        if self.standardize:
            steps = (steps - self.mean_) / self.scale_
        array = np.zeros((len(rows.sequences), length or 0, width or 0), dtype=np.float32)
        array[row_numbers, positions, :-1] = steps
        array[row_numbers, positions, -1] = 1
        return array, np.array([steps is not None for steps in rows.sequences], dtype=bool)

    def _read(self, X: Any, n_channels: int | None) -> _Rows:
        """Return the rows as sequences of shape (length, n_channels)."""
        name: Hashable | None = None
        if isinstance(X, pd.DataFrame) and (X.shape[1] > 1 or self._names is not None):
            X = self._select(X)
            if all(_holds_numbers(X[name]) for name in X):
                X = np.where(X.isna(), np.nan, X.to_numpy(dtype=object)).astype(np.float64)
            else:
                return _checked(_channels_beside(X), list(X.columns), n_channels)
        if isinstance(X, np.ndarray) and X.ndim > 1 and X.dtype.kind in "biuf":
            sequences = _rows_of(X)
        else:
            cells, name = read_cells(X)
            sequences = [_sequence(cell, place(row, name)) for row, cell in enumerate(cells)]
        return _checked(sequences, name, n_channels)

    def _select(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns seen in fit, found by name."""
        check_frame(frame, owner=type(self).__name__)
        if self._names is None:
            raise ValueError(
                f"{type(self).__name__} was fitted on one column or array, and must get one again. "
                f"Got a DataFrame of {frame.shape[1]} columns: {short_repr(list(frame.columns))}."
            )
        select_columns(frame, self._names)
        return columns_of(frame, self._names)

    def _flat_steps(self, rows: _Rows, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the steps of all rows one after the other, with their row and position."""
        keep = slice(length) if self.truncate == "end" else slice(-length, None)
        kept = [np.zeros((0, rows.n_channels))]
        kept += [steps[keep] for steps in rows.sequences if steps is not None]
        lengths = np.array(
            [0 if steps is None else min(len(steps), length) for steps in rows.sequences], dtype=int
        )
        flat = np.concatenate(kept)
        row_numbers = np.repeat(np.arange(len(lengths)), lengths)
        positions = np.arange(len(flat)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        infinite = _too_large(flat)
        if infinite.any():
            row = int(row_numbers[infinite.argmax()])
            step = int(_too_large(rows.sequences[row]).argmax())
            raise ValueError(
                f"{place(row, rows.name)} must hold finite numbers. Its step {step} is "
                f"{short_repr(rows.sequences[row][step].tolist())}: infinity, or too large for "
                "float32. Clip such values first, or set them to NaN."
            )
        return flat, row_numbers, positions

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags


@dataclass
class _Rows:
    """Sequences of shape (length, n_channels), None where missing, and their column's name."""

    sequences: Sequence[Any]
    n_channels: int
    name: Any


def _rows_of(array: np.ndarray) -> list[np.ndarray | None]:
    """Split an array into sequences, each up to its last step that is not NaN."""
    if array.ndim > 3:
        raise ValueError(
            "X must be an array of shape (n_samples, length) or (n_samples, length, channels). Got "
            f"shape {array.shape}. Flatten what belongs to one step into channels."
        )
    if 0 in array.shape[1:]:
        raise ValueError(
            f"X must have at least 1 step and 1 channel. Got an array of shape {array.shape}."
        )
    array = array.astype(np.float64)
    array = array if array.ndim == 3 else array[:, :, np.newaxis]
    measured = ~np.isnan(array).all(axis=2)
    ends = np.where(measured, np.arange(1, array.shape[1] + 1), 0).max(axis=1)
    return [steps[:end] if end else None for steps, end in zip(array, ends, strict=True)]


def _channels_beside(frame: pd.DataFrame) -> list[np.ndarray | None]:
    """Lay columns of sequences side by side as channels; a missing one beside others is NaN."""
    columns = {name: read_cells(frame[[name]])[0] for name in frame}
    sequences: list[np.ndarray | None] = []
    for row in range(len(frame)):
        channels = {
            name: _sequence(cells[row], place(row, name)) for name, cells in columns.items()
        }
        present = {name: steps for name, steps in channels.items() if steps is not None}
        if not present:
            sequences.append(None)
            continue
        shapes = {name: steps.shape for name, steps in present.items()}
        length, _ = next(iter(shapes.values()))
        if set(shapes.values()) != {(length, 1)}:
            raise ValueError(
                "Columns of sequences are the channels of one sequence, so within a row all must "
                f"have one length, and one channel each. In row {row_number(row)} their lengths "
                f"and channels are {short_repr(shapes)}. Make each column an input of its own, or "
                "cut them."
            )
        unknown = np.full((length, 1), np.nan)
        beside = [unknown if steps is None else steps for steps in channels.values()]
        sequences.append(np.concatenate(beside, axis=1))
    return sequences


def _sequence(cell: Any, where: str) -> np.ndarray | None:
    """Return a cell as an array of shape (length, channels), None where it is missing."""
    if is_missing(cell):
        return None
    array = None
    if isinstance(cell, (list, tuple, np.ndarray, pd.Series, pd.DataFrame)):
        try:
            array = np.asarray(cell)
            if array.dtype == object and all(map(_is_number, array.flat)):
                array = np.where(pd.isna(array), np.nan, array).astype(np.float64)
        except (OverflowError, TypeError, ValueError):
            array = None
    if array is None or array.dtype.kind not in "biuf" or array.ndim not in {1, 2}:
        text = ": parse it first, as in column.map(json.loads)" if isinstance(cell, str) else ""
        raise ValueError(
            f"{where} must be a sequence of numbers, of shape (length,) or (length, channels), or "
            f"missing. Got {short_repr(cell)} of type {type(cell).__name__}{text}."
        )
    with np.errstate(over="ignore"):  # what becomes infinite is refused as that
        array = array.astype(np.float64)
    return array[:, np.newaxis] if array.ndim == 1 else array


def _is_number(value: Any) -> bool:
    return isinstance(value, (numbers.Real, Decimal)) or is_missing(value)


def _holds_numbers(column: pd.Series) -> bool:
    return is_numeric_dtype(column.dtype) or all(map(_is_number, column))


def _too_large(steps: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.logical_or.reduce(np.isinf(steps.astype(np.float32)), axis=1)


def _checked(sequences: list[np.ndarray | None], name: Any, n_channels: int | None) -> _Rows:
    """Check that all sequences that have steps have the same number of channels."""
    origin = "in fit"
    for row, steps in enumerate(sequences):
        if steps is None or not len(steps):
            continue
        if n_channels is None:
            n_channels, origin = steps.shape[1], f"row {row_number(row)} has"
        if steps.shape[1] != n_channels:
            transposed = " Transpose such cells." if steps.shape[0] == n_channels else ""
            raise ValueError(
                f"{place(row, name)} must have {n_channels} channel(s), as {origin}. Got a "
                f"sequence of shape (length, channels) = {steps.shape}.{transposed}"
            )
    width = n_channels or 1
    # an empty list has no channels
    even = [steps if steps is None or len(steps) else np.zeros((0, width)) for steps in sequences]
    return _Rows(even, width, name)
