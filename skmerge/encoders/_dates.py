"""Columns of dates: a Series goes in, numbers that describe each date come out."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from skmerge._errors import row_number, short_repr
from skmerge.encoders._cells import place
from skmerge.encoders._numbers import ScaledColumn

_ISO = "ISO8601"
_OFFSET = r":\d\d.*(?:[zZ]|[+-]\d\d:?\d\d)$"


class DateColumn(ScaledColumn):
    """Column of dates, with or without time of day and time zone.

    Dates with a time zone are taken in UTC. The features are the year, month (1-12), day
    (1-31), weekday (0 is Monday), day of the year, hour (0-24, with its fraction), sine and
    cosine of month, weekday and hour, and the seconds since 1970. Those of the hour are there
    only where a training row was not at midnight. Strings, which the user must have declared
    to be dates, are parsed in one format: that of the first training row, ISO 8601 in any of
    its lengths; month first where that can be, else day first.
    """

    kind = "date"
    readable = ("date", "text")

    def _learn(self, column: pd.Series) -> None:
        self._aware: bool | None = None
        self._format = _format_of(column) if self.content == "text" else None
        features = _describe(self._stamps(column))
        has_times = (features["_hour"] > 0).any()
        self.suffixes = tuple(name for name in features if has_times or "_hour" not in name)

    def _features(self, column: pd.Series) -> np.ndarray:
        features = _describe(self._stamps(column))
        return np.stack([features[suffix] for suffix in self.suffixes], axis=1)

    def _stamps(self, column: pd.Series) -> np.ndarray:
        """Return the dates as datetime64, those with a time zone in UTC."""
        present = column.notna().to_numpy()
        if not present.any():
            return np.full(len(column), np.datetime64("NaT", "us"))
        if isinstance(column.dtype, pd.PeriodDtype):
            column = column.dt.to_timestamp()
        if column.dtype.kind == "M":
            stamps = _index(column)
            aware = np.full(len(column), stamps.tz is not None)
        elif self._format is not None:
            stamps = self._parse(column)
            aware = column.astype(object).str.contains(_OFFSET).to_numpy()
        else:
            # to pandas, a missing duration is no date
            column = column.astype(object).where(present, None)
            aware = np.array([_is_aware(cell) for cell in column])
            zone = ", UTC" if aware[present].all() else ""
            self._check_zones(column, aware, present)
            try:
                stamps = pd.DatetimeIndex(column.astype(f"datetime64[us{zone}]"))  # type: ignore[call-overload]
            except ValueError as error:
                raise self._out_of_bounds(column) from error
        self._check_zones(column, aware, present)
        return stamps.to_numpy(f"datetime64[{stamps.unit}]")

    def _out_of_bounds(self, column: pd.Series) -> ValueError:
        cells = enumerate(column)
        row = next(row for row, cell in cells if not (pd.isna(cell) or _is_held(cell)))
        return ValueError(
            f"Row {row_number(row)} of column {self.name!r} must be a date that pandas can hold. "
            f"Got {short_repr(column.iloc[row])}. Mark such values as missing, as in "
            f"pd.to_datetime(X[{self.name!r}], errors='coerce')."
        )

    def _parse(self, column: pd.Series) -> pd.DatetimeIndex:
        stamps = _parsed(column, self._format)
        unread = stamps.isna() & column.notna().to_numpy()
        if unread.any():
            row = int(unread.argmax())
            raise ValueError(
                f"{place(row, self.name)} must be a date in the one format that fit "
                f"found, {self._format!r}. Got {short_repr(column.iloc[row])}. Convert the column "
                f"first, as in pd.to_datetime(X[{self.name!r}], format='mixed', errors='coerce')."
            )
        return stamps

    def _check_zones(self, column: pd.Series, aware: np.ndarray, present: np.ndarray) -> None:
        rows = np.flatnonzero(present)
        if self._aware is None:
            self._aware = bool(aware[rows[0]])
        other = rows[aware[rows].astype(bool) != self._aware]
        if len(other):
            zones = {True: "a time zone", False: "no time zone"}
            remedy = "dt.tz_localize('UTC')" if self._aware else "dt.tz_localize(None)"
            raise ValueError(
                f"All dates of column {self.name!r} must have {zones[self._aware]}, as the first "
                f"row in fit. Row {row_number(other[0])} has {zones[not self._aware]}: "
                f"{short_repr(column.iloc[other[0]])}. Convert it first, as in "
                f"pd.to_datetime(X[{self.name!r}]).{remedy}."
            )


def _index(column: pd.Series) -> pd.DatetimeIndex:
    try:
        return pd.DatetimeIndex(column)
    except pd.errors.OutOfBoundsDatetime:
        # before 3.0, pandas takes dates of Arrow, and stamps with a time zone, for nanoseconds
        zone = ", UTC" if "tz=" in str(column.dtype) else ""
        return pd.DatetimeIndex(column.astype(f"datetime64[us{zone}]"))  # type: ignore[call-overload]


def _is_aware(cell: Any) -> bool:
    return getattr(cell, "tzinfo", None) is not None


def _is_held(cell: Any) -> bool:
    """Say whether pandas can hold a date, which its ``errors="coerce"`` does not always find."""
    try:
        zone = ", UTC" if _is_aware(cell) else ""
        pd.Series([cell], dtype=object).astype(f"datetime64[us{zone}]")  # type: ignore[call-overload]
    except ValueError:
        return False
    return True


def _format_of(column: pd.Series) -> str:
    """Return the format of the first string, preferably one that all other strings have."""
    first = str(column[column.notna()].iloc[0])
    with warnings.catch_warnings():
        # pandas warns where a day comes first, which is found out here
        warnings.simplefilter("ignore")
        guesses = [guess_datetime_format(first, dayfirst=day_first) for day_first in (False, True)]
    formats = [_ISO if guess.startswith("%Y-%m-%d") else guess for guess in guesses if guess]
    for format_ in formats:
        if not (_parsed(column, format_).isna() & column.notna().to_numpy()).any():
            return format_
    return formats[0] if formats else _ISO


def _parsed(column: pd.Series, format_: str | None) -> pd.DatetimeIndex:
    strings = column.astype(object)
    return pd.DatetimeIndex(pd.to_datetime(strings, format=format_, errors="coerce", utc=True))


def _describe(stamps: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of dates of shape (n_samples,), float64, NaN where there is none."""
    days, months, years = (stamps.astype(f"datetime64[{unit}]") for unit in "DMY")
    month = months.astype(np.int64) % 12 + 1
    # day 0, the first of 1970, was a Thursday
    weekday = (days.astype(np.int64) + 3) % 7
    hour = (stamps - days) / np.timedelta64(1, "h")
    features = {
        "_year": years.astype(np.int64) + 1970,
        "_month": month,
        "_day": (days - months.astype(days.dtype)).astype(np.int64) + 1,
        "_weekday": weekday,
        "_dayofyear": (days - years.astype(days.dtype)).astype(np.int64) + 1,
        "_hour": hour,
    }
    for suffix, turns in {
        "_month": month / 12,
        "_weekday": weekday / 7,
        "_hour": hour / 24,
    }.items():
        # rounded, since a zero that is not exact would be scaled up
        features[f"{suffix}_sin"] = np.sin(2 * np.pi * turns).round(9)
        features[f"{suffix}_cos"] = np.cos(2 * np.pi * turns).round(9)
    features["_seconds"] = (stamps - np.datetime64(0, "s")) / np.timedelta64(1, "s")
    return {suffix: np.where(np.isnat(stamps), np.nan, f) for suffix, f in features.items()}
