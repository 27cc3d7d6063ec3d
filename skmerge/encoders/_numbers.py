"""Columns of numbers: a Series goes in, float64 with NaN where missing comes out, to be scaled.

Both follow RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by default: strong pre-tuned
MLPs and boosted trees on tabular data", NeurIPS 2024): robust scaling, then a smooth clip.
"""

from __future__ import annotations

import datetime
from abc import abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from skmerge._errors import row_number, short_repr
from skmerge.encoders._columns import TableColumn

_SECOND = np.timedelta64(1, "s")
_LARGEST = float(np.finfo(np.float32).max)


class ScaledColumn(TableColumn):
    """Column that is read as one or several numbers, each scaled robustly.

    Parameters
    ----------
    name : object
        Name of the column.
    clip : float or None
        Bound of the scaled numbers.
    missing_flag : bool
        Whether a flag is wanted where training values were missing.

    Attributes
    ----------
    suffixes : tuple of str
        What is appended to the column's name for each of its features.
    scale : RobustScale
        The scale of the features, learned in ``fit``.
    has_flag : bool
        Whether one is wanted and a training value was missing.
    """

    suffixes: tuple[str, ...]

    def __init__(self, name: Any, *, clip: float | None, missing_flag: bool) -> None:
        super().__init__(name)
        self.scale = RobustScale(clip)
        self.missing_flag = missing_flag

    def _fit(self, column: pd.Series) -> None:
        self._learn(column)
        features = self._read(column)
        self.has_flag = bool(self.missing_flag and np.isnan(features[:, 0]).any())
        self.scale.fit(features)

    def _read(self, column: pd.Series) -> np.ndarray:
        if self.content != "missing":
            return self._features(column)
        # nothing was learned, so that all that counts is whether the value is there
        absent = np.where(column.isna(), np.nan, 0.0)
        return np.repeat(absent[:, None], len(self.suffixes), axis=1)

    @abstractmethod
    def _learn(self, column: pd.Series) -> None:
        """Find out about the column what its features depend on."""

    @abstractmethod
    def _features(self, column: pd.Series) -> np.ndarray:
        """Return features of shape (n_samples, n_features), float64, NaN where missing."""


class NumberColumn(ScaledColumn):
    """Column of numbers, booleans or durations, which become seconds."""

    kind = "number"
    readable = ("number", "duration")
    suffixes = ("",)

    def _learn(self, column: pd.Series) -> None:
        pass

    def _features(self, column: pd.Series) -> np.ndarray:
        return numbers_of(column, self.name)[:, None]


class RobustScale:
    """Scale features by their median and interquartile range, then clip them smoothly.

    With m the median and s the interquartile range of a feature over the training rows,
    ``z = (x - m) / s`` and the result is ``z / sqrt(1 + (z / clip)**2)``, which lies between
    ``-clip`` and ``clip`` and is close to z about 0. A missing value becomes 0, as the median
    does. Where s is 0 the standard deviation takes its place (RealMLP takes half the range,
    which a single outlier decides), and 1 where the feature is constant.

    Parameters
    ----------
    clip : float or None
        Bound of the result; None leaves it unbounded.
    """

    def __init__(self, clip: float | None) -> None:
        self.clip = clip

    def fit(self, features: np.ndarray) -> None:
        """Learn the median and scale of each feature.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features), dtype float64
            Finite numbers, or NaN where missing.
        """
        pairs = [_center_and_scale(feature) for feature in features.T]
        self.half_centers, self.half_scales = np.array(pairs).reshape(-1, 2).T

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Scale features.

        Parameters
        ----------
        features : ndarray of shape (n_samples, n_features), dtype float64
            Finite numbers, or NaN where missing.

        Returns
        -------
        ndarray of shape (n_samples, n_features), dtype float64
            Finite numbers that fit into float32.
        """
        # halves, since the difference of two large numbers can exceed the largest one
        with np.errstate(over="ignore", under="ignore"):
            scaled = features * 0.5
            scaled -= self.half_centers
            scaled /= self.half_scales
            scaled[np.isnan(scaled)] = 0.0
            np.maximum(scaled, -_LARGEST, out=scaled)
            np.minimum(scaled, _LARGEST, out=scaled)
            if self.clip is None:
                return scaled
            bound = scaled / self.clip
            bound *= bound
            bound += 1.0
            scaled /= np.sqrt(bound, out=bound)
        return scaled

    @classmethod
    def joined(cls, scales: Sequence[RobustScale]) -> RobustScale:
        """Return the scale of the features of several scales, side by side.

        Parameters
        ----------
        scales : sequence of RobustScale
            Fitted scales of one `clip`.

        Returns
        -------
        RobustScale
            What scales all their features at once.
        """
        scale = cls(scales[0].clip)
        scale.half_centers = np.concatenate([part.half_centers for part in scales])
        scale.half_scales = np.concatenate([part.half_scales for part in scales])
        return scale


def numbers_of(column: pd.Series, name: Any) -> np.ndarray:
    """Convert a column of numbers or durations to float64.

    Parameters
    ----------
    column : Series of shape (n_samples,)
        Numbers of any dtype, nullable or not, objects included; durations become seconds.
    name : object
        The column's name, for errors.

    Returns
    -------
    ndarray of shape (n_samples,), dtype float64
        Finite numbers, NaN where missing.

    Raises
    ------
    ValueError
        If a number is infinite, or too large for float64.
    """
    dtype: Any = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        numbers = _to_float64(column.to_numpy())
        if dtype.kind == "f":
            _check_finite(numbers, column, name)
        return numbers
    if isinstance(dtype, pd.CategoricalDtype):
        column = column.astype(object)
        dtype = column.dtype
    if dtype.kind == "O" and isinstance(dtype, np.dtype):
        return _numbers_of_cells(column, name)
    if dtype.kind == "m":
        column = column.dt.total_seconds()
    with np.errstate(over="ignore"):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    _check_finite(numbers, column, name)
    return numbers


def _to_float64(numbers: np.ndarray) -> np.ndarray:
    if numbers.dtype.itemsize <= np.dtype(np.float64).itemsize:
        return numbers.astype(np.float64, copy=False)
    with np.errstate(over="ignore"):
        return numbers.astype(np.float64)


def _numbers_of_cells(column: pd.Series, name: Any) -> np.ndarray:
    present = column.notna().to_numpy()
    cells = column.to_numpy()[present]
    if cells.size == 0:
        return np.full(len(column), np.nan)
    if isinstance(cells[0], (datetime.timedelta, np.timedelta64)):
        return _seconds_of_cells(column, name)
    numbers = np.full(len(column), np.nan)
    try:
        with np.errstate(over="ignore"):
            numbers[present] = cells.astype(np.float64)
    except OverflowError:
        numbers[present] = [_float_of(cell) for cell in cells]
    _check_finite(numbers, column, name)
    return numbers


def _seconds_of_cells(column: pd.Series, name: Any) -> np.ndarray:
    if not any(map(_is_of_years, column)):
        with suppress(OverflowError, ValueError):  # too long for pandas
            # to pandas, a missing date is no duration
            return numbers_of(pd.to_timedelta(column.where(column.notna(), None)), name)
    seconds = np.full(len(column), np.nan)
    for row in np.flatnonzero(column.notna()):
        seconds[row] = _seconds_of(column.iloc[row], int(row), name)
    return seconds


def _is_of_years(cell: Any) -> bool:
    """Say whether a duration is of years or months, for whose length pandas 2.2 takes the mean."""
    return isinstance(cell, np.timedelta64) and np.datetime_data(cell)[0] in ("Y", "M")


def _seconds_of(cell: Any, row: int, name: Any) -> float:
    if isinstance(cell, datetime.timedelta):
        return cell.total_seconds()
    unit, count = np.datetime_data(cell)
    try:  # by floats, since whole numbers of a smaller unit can be too large
        return float(cell.astype(np.int64)) * (np.timedelta64(count, unit) / _SECOND)  # type: ignore[call-overload]
    except (OverflowError, TypeError) as error:
        raise ValueError(
            f"Row {row_number(row)} of column {name!r} must be a duration of a known number of "
            f"seconds. Got {short_repr(cell)}. Give it in another unit, such as days."
        ) from error


def _float_of(cell: Any) -> float:
    try:
        return float(cell)
    except OverflowError:
        return np.inf


def _check_finite(numbers: np.ndarray, column: pd.Series, name: Any) -> None:
    infinite = np.isinf(numbers)
    if infinite.any():
        row = int(infinite.argmax())
        value = column.iloc[[row]].astype(object).iloc[0]
        raise ValueError(
            "Input X contains infinity or a value too large for float64: row "
            f"{row_number(row)} of column {name!r} is {short_repr(value)}. Mark such values "
            "as missing, as in X.replace([np.inf, -np.inf], np.nan)."
        )


def _center_and_scale(feature: np.ndarray) -> tuple[float, float]:
    """Return half the median and half the scale of a feature's training values."""
    # sorted, so that sums do not depend on the order of the rows
    halves = np.sort(feature[~np.isnan(feature)]) * 0.5
    if halves.size == 0:
        return 0.0, 0.5
    low, center, high = np.percentile(halves, (25, 50, 75))
    if high > low:
        return center, high - low
    deviations = halves - center
    largest = np.abs(deviations).max()
    if largest == 0:
        return center, 0.5
    return center, largest * np.std(deviations / largest) or 0.5
