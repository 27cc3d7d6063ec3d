"""Rows that come in chunks, more of them than memory holds.

Enters: a dataset of pyarrow, an iterable of chunks, or a function that returns one. Leaves: chunks
of rows with their targets and weights, as often as they are asked for; and a survey of them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skmerge._errors import did_you_mean, short_repr
from skmerge._other_frames import as_pandas
from skmerge._row_sample import RowSample
from skmerge._tables import count_rows, is_list_of_inputs, name_inputs


class Chunk(NamedTuple):
    """Some of the rows.

    Parameters
    ----------
    X : DataFrame, dict of arrays, matrix or sparse matrix
        The rows, without the columns of targets and weights.
    y : ndarray or None
        Their targets.
    sample_weight : ndarray or None
        Their weights.
    """

    X: Any
    y: np.ndarray | None
    sample_weight: np.ndarray | None


class Survey(NamedTuple):
    """What has to be known of all rows before the first is encoded.

    Parameters
    ----------
    sample : RowSample
        Some of the rows, for a router to learn from.
    y : ndarray of n_samples targets
        The targets of all rows.
    sample_weight : ndarray of shape (n_samples,) or None
        Their weights.
    """

    sample: RowSample
    y: np.ndarray
    sample_weight: np.ndarray | None


class Chunks:
    """Rows that are read a chunk at a time, to train on more of them than memory holds.

    ``estimator.fit(Chunks(source, y="price"))`` learns what each column holds from a sample of the
    rows (`ColumnRouter(subsample=...)`), encodes chunk after chunk into files, and trains on those:
    in memory are the targets, one chunk, and two portions of 16 MB of encoded rows at a time,
    beside what is held out and what the linear part reads (at most 50,000 and 100,000 rows). The
    network is that of ``fit`` on all rows at once, to the bit, where they are no more than these
    numbers.

    Parameters
    ----------
    source : pyarrow.dataset.Dataset, iterable or callable
        What gives the chunks, the same ones in the same order each time: it is gone through
        twice. A dataset of pyarrow (of Parquet or CSV files, say); something to iterate over more
        than once, such as a list; or a function without arguments that returns an iterator, such
        as ``lambda: pd.read_csv(path, chunksize=10_000)``. A chunk is a DataFrame, or a tuple
        ``(X, y)`` or ``(X, y, sample_weight)``, whose X is what ``fit`` takes.
    y : str or list of str, default=None
        The column, or columns, of the targets, where chunks are DataFrames.
    sample_weight : str, default=None
        The column of the rows' weights, where chunks are DataFrames.
    chunk_rows : int, default=16_384
        Largest number of rows of a chunk of a pyarrow dataset. Other sources have chunks of
        their own.
    folder : str or PathLike, default=None
        Folder for the encoded rows, which are deleted when training has ended. None takes the
        system's folder for temporary files; it may lie in memory, and is then no gain.

    Raises
    ------
    ValueError
        If there is no row, or a chunk lacks a column, has no targets, or differs from one gone
        through before; the chunk is named by its position.
    TypeError
        If `source` can be gone through only once, as a generator can.

    See Also
    --------
    ColumnRouter.partial_fit : Learns from chunks, for ``partial_fit`` of an estimator.

    Examples
    --------
    >>> import pandas as pd
    >>> from skmerge import Chunks
    >>> frame = pd.DataFrame({"age": range(6), "paid": [0, 1, 0, 1, 0, 1]})
    >>> chunks = Chunks([frame[:3], frame[3:]], y="paid")
    >>> [(list(X), y.tolist()) for X, y, _ in chunks]
    [(['age'], [0, 1, 0]), (['age'], [1, 0, 1])]
    """

    def __init__(
        self,
        source: Any,
        y: str | list[str] | None = None,
        *,
        sample_weight: str | None = None,
        chunk_rows: int = 16_384,
        folder: Any = None,
    ) -> None:
        self.source = source
        self.y = y
        self.sample_weight = sample_weight
        self.chunk_rows = chunk_rows
        self.folder = folder
        if isinstance(source, Iterator):
            raise TypeError(
                "The source of Chunks must give its chunks more than once. Got "
                f"{short_repr(source)}, which is used up the first time: give a function that "
                "returns such an iterator, as in "
                "Chunks(lambda: pd.read_csv(path, chunksize=10_000))."
            )
        if not (is_dataset(source) or callable(source) or isinstance(source, Iterable)) or (
            isinstance(source, (str, bytes, pd.DataFrame))
        ):
            raise TypeError(
                "The source of Chunks must be a pyarrow dataset, an iterable of DataFrames or of "
                f"tuples (X, y), or a function that returns one. Got {short_repr(source)}."
            )
        if not isinstance(chunk_rows, Integral) or chunk_rows < 1:
            raise ValueError(f"chunk_rows must be a number of at least 1. Got {chunk_rows!r}.")

    def __iter__(self) -> Iterator[Chunk]:
        """Go through the chunks, those without rows left out; there must be a row."""
        is_empty = True
        for position, chunk in enumerate(self._source()):
            X, y, weights = self._parted(chunk, position)
            n_rows = count_rows(X)
            for what, values in (("targets", y), ("weights", weights)):
                if values is not None and len(values) != n_rows:
                    raise ValueError(
                        f"Chunk {position} must have as many {what} as rows. Got {len(values)} "
                        f"{what} and {n_rows} rows."
                    )
            if n_rows:
                is_empty = False
                yield Chunk(X, y, weights)
        if is_empty:
            raise ValueError("Chunks must have at least 1 row. Got 0 rows.")

    def survey(self, sample: RowSample) -> Survey:
        """Go through all chunks for their targets, and for rows to learn from.

        Parameters
        ----------
        sample : RowSample
            An empty sample.

        Returns
        -------
        Survey
            The targets and weights of all rows, and a sample of the rows.

        Raises
        ------
        ValueError
            If a chunk has no targets, or some have weights and others have none.
        """
        targets, weights = [], []
        for X, y, sample_weight in self:
            if y is None:
                raise ValueError(
                    "Chunks must have targets. Got none: name their column, as in "
                    "Chunks(source, y='price'), or give tuples (X, y)."
                )
            sample = sample.extended(X)
            targets.append(y)
            weights.append(sample_weight)
        n_weighted = sum(each is not None for each in weights)
        if n_weighted not in (0, len(weights)):
            raise ValueError(
                f"All chunks must have weights, or none. Got {n_weighted} of {len(weights)} with."
            )
        return Survey(
            sample,
            np.concatenate(targets),
            np.concatenate(weights) if n_weighted else None,  # type: ignore[arg-type]
        )

    def __repr__(self) -> str:
        return f"Chunks({short_repr(self.source)}, y={self.y!r})"

    def _source(self) -> Iterable[Any]:
        if is_dataset(self.source):
            return self.source.to_batches(batch_size=int(self.chunk_rows))
        return self.source() if isinstance(self.source, Callable) else self.source  # type: ignore[arg-type]

    def _parted(self, chunk: Any, position: int) -> Chunk:
        """Part the columns of targets and weights from the others."""
        if isinstance(chunk, tuple):
            if self.y is not None or self.sample_weight is not None or len(chunk) not in (2, 3):
                raise ValueError(
                    "Chunks must be DataFrames where columns of targets or weights are named, else "
                    f"tuples (X, y) or (X, y, sample_weight). Got a tuple of {len(chunk)} as chunk "
                    f"{position}, and y={self.y!r}."
                )
            X, y, *weights = chunk
            if y is not None and is_list_of_inputs(X, len(y)):
                X = name_inputs(X)
            return Chunk(
                as_pandas(X),
                None if y is None else np.asarray(y),
                np.asarray(weights[0]) if weights and weights[0] is not None else None,
            )
        X = as_pandas(chunk)
        named = [*_listed(self.y), *_listed(self.sample_weight)]
        if not named:
            return Chunk(X, None, None)
        if not isinstance(X, pd.DataFrame):
            raise ValueError(
                f"Chunks must be DataFrames for their columns {named} to be found. Got "
                f"{type(chunk).__name__} as chunk {position}."
            )
        return Chunk(
            X.drop(columns=named, errors="ignore"),
            _taken(X, self.y, position),
            _taken(X, self.sample_weight, position),
        )


def is_dataset(X: Any) -> bool:
    """Say whether X is a dataset of pyarrow, or another that can be scanned in the same way.

    Parameters
    ----------
    X : object
        What the user gave.

    Returns
    -------
    bool
        False for tables, which are in memory.
    """
    return hasattr(X, "to_batches") and hasattr(X, "scanner")


def as_chunks(X: Any, y: Any = None, sample_weight: Any = None) -> Chunks | None:
    """Return X as chunks, if that is what it is.

    Parameters
    ----------
    X : object
        What the user gave to an estimator.
    y : object, default=None
        The targets: for a dataset, the name of their column.
    sample_weight : object, default=None
        The weights: for a dataset, the name of their column.

    Returns
    -------
    Chunks or None
        None where X holds its rows.

    Raises
    ------
    ValueError
        If X has its targets, and there are others beside it.
    TypeError
        If X is an iterator.
    """
    if isinstance(X, pd.DataFrame):  # asking it for a method takes longer
        return None
    if is_dataset(X):
        return Chunks(X, y, sample_weight=sample_weight)
    if isinstance(X, Iterator):
        raise TypeError(
            f"X must hold its rows, or be Chunks of them. Got {short_repr(X)}: give Chunks a "
            "function that returns such an iterator, as in Chunks(lambda: pd.read_csv(path, "
            "chunksize=10_000), y='price')."
        )
    if not isinstance(X, Chunks):
        return None
    if y is not None or sample_weight is not None:
        raise ValueError(
            "Chunks have targets and weights in them, so y and sample_weight must be None. Got "
            f"{short_repr(y)} and {short_repr(sample_weight)}."
        )
    return X


def _listed(names: str | list[str] | None) -> list[str]:
    if names is None:
        return []
    return list(names) if isinstance(names, (list, tuple)) else [names]


def _taken(frame: pd.DataFrame, names: str | list[str] | None, position: int) -> Any:
    """Return columns as an array, or None where they are not asked for."""
    if names is None:
        return None
    for name in _listed(names):
        if name not in frame.columns:
            raise ValueError(
                f"Column {name!r} is missing from chunk {position}, which has columns "
                f"{short_repr(list(frame.columns))}.{did_you_mean(name, frame.columns)}"
            )
    return frame[names].to_numpy()
