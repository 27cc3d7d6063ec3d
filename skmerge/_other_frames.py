"""DataFrames and tables of other libraries become those of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def as_pandas(X: Any) -> Any:
    """Turn a DataFrame or table of another library into one of pandas.

    Parameters
    ----------
    X : object
        What the user gave: of polars, pyarrow, or what else narwhals knows.

    Returns
    -------
    object
        A DataFrame of pandas; what is no table, as it is.

    Raises
    ------
    TypeError
        If it is lazy, and so has no rows yet.
    """
    if isinstance(X, pd.DataFrame) or not hasattr(type(X), "columns"):
        return X
    import narwhals.stable.v2 as nw

    frame = nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(
            f"X must hold its rows. Got a {type(X).__module__.partition('.')[0]} "
            f"{type(X).__name__}, which is lazy: collect it first, as in X.collect()."
        )
    if not isinstance(frame, nw.DataFrame):  # a batch of pyarrow, for one, knows how itself
        return X.to_pandas() if hasattr(X, "to_pandas") else X
    try:
        return frame.to_pandas()
    except ModuleNotFoundError:  # polars asks for pyarrow
        return pd.DataFrame({name: _as_series(frame[name]) for name in frame.columns})


def _as_series(column: Any) -> pd.Series:
    """Convert a column of narwhals, as pyarrow would."""
    import narwhals.stable.v2 as nw

    if isinstance(column.dtype, (nw.Categorical, nw.Enum)):
        return pd.Series(pd.Categorical(column.to_list()))
    cells = column.to_numpy()
    if cells.ndim > 1:
        return pd.Series(list(cells))
    if cells.dtype.kind == "M" and np.datetime_data(cells.dtype)[0] == "D":
        cells = cells.astype("datetime64[ms]")
    zone = getattr(column.dtype, "time_zone", None)
    series = pd.Series(cells)
    return series.dt.tz_localize("UTC").dt.tz_convert(zone) if zone else series
