"""Cells of pictures go in; what a function makes of each distinct one comes out, by threads."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from math import prod
from time import perf_counter
from typing import Any

import numpy as np
from joblib import cpu_count

from skmerge.encoders._cells import is_missing, place
from skmerge.encoders._pictures import PictureReader, check_picture
from skmerge.encoders._pixels import CHANNELS, PictureError

_MAX_CHUNK = 32
_N_TIMED = 4
# threads that decode smaller pictures wait for the lock of the interpreter longer than they gain
_SECONDS_WORTH_A_THREAD = 0.00012

Failure = tuple[list[int], PictureError]
"""The rows of a picture, and why it cannot be read."""


@dataclass(frozen=True)
class PictureDecoder:
    """Makes pixels of one size and colour of many pictures.

    Parameters
    ----------
    reader : PictureReader
        Reads one picture.
    size : tuple of int
        Height and width in pixels.
    color : {"grayscale", "rgb", "rgba"}
        Channels: 1, 3 or 4.
    resize : {"stretch", "pad", "crop"}
        What becomes of another aspect.
    n_threads : int, default=1
        Number of threads.
    stop_early : bool, default=True
        Whether the first picture that cannot be read ends it.
    """

    reader: PictureReader
    size: tuple[int, int]
    color: str
    resize: str
    n_threads: int = 1
    stop_early: bool = True

    @property
    def row_shape(self) -> tuple[int, int, int]:
        """Shape of the pixels of a picture."""
        return (*self.size, CHANNELS[self.color])

    @property
    def row_bytes(self) -> int:
        """Number of bytes of the pixels of a picture."""
        return prod(self.row_shape)

    def decode_into(
        self,
        pixels: np.ndarray,
        places: Sequence[int],
        cells: np.ndarray,
        groups: Sequence[list[int]],
    ) -> list[Failure]:
        """Decode each distinct picture once.

        Parameters
        ----------
        pixels : ndarray of shape (n, height, width, channels), dtype uint8
            Where the pixels go.
        places : sequence of int
            Row of `pixels` for each group; left as it is if the picture cannot be read.
        cells : ndarray of shape (n_samples,), dtype object
            One picture per row.
        groups : sequence of list of int
            Rows by picture.

        Returns
        -------
        list of tuple
            Rows and PictureError of each picture that cannot be read, in order.
        """

        def decode(position: int, source: Any) -> None:
            pixels[places[position]] = self.reader.decode(
                source, self.size, color=self.color, resize=self.resize
            )

        _, failures = attempt_all(
            decode,
            cells,
            groups,
            n_threads=self.n_threads,
            stop_early=self.stop_early,
            fetch=self.reader.fetch,
        )
        return failures


def distinct(cells: np.ndarray, column: Hashable | None) -> list[list[int]]:
    """Group the rows that have a picture by their picture.

    Parameters
    ----------
    cells : ndarray of shape (n_samples,), dtype object
        One picture per row, or a missing value.
    column : hashable or None
        Name of the column, for errors.

    Returns
    -------
    list of list of int
        Positions of the rows of each distinct picture, in order of the first of them.

    Raises
    ------
    ValueError
        If a cell is no picture; the message names row and column.
    """
    groups: dict[Hashable, list[int]] = {}
    for row, cell in enumerate(cells):
        if type(cell) is str:
            if not cell:
                continue
            key: Hashable = cell
        else:
            if is_missing(cell) or (isinstance(cell, str) and not cell):
                continue
            check_picture(cell, place(row, column))
            if isinstance(cell, bytes):
                key = cell
            else:
                key = os.fspath(cell) if isinstance(cell, (str, os.PathLike)) else id(cell)
        rows = groups.get(key)
        if rows is None:
            groups[key] = [row]
        else:
            rows.append(row)
    return list(groups.values())


def attempt_all(
    function: Callable[[int, Any], Any],
    cells: np.ndarray,
    groups: Sequence[list[int]],
    *,
    n_threads: int = 1,
    stop_early: bool,
    fetch: Callable[[Any], Any] | None = None,
) -> tuple[list[Any], list[Failure]]:
    """Call a function on every distinct picture; collect results and failures.

    Parameters
    ----------
    function : callable
        Gets the position of a group in `groups` and its picture; raises PictureError.
    cells : ndarray of shape (n_samples,), dtype object
        One picture per row.
    groups : sequence of list of int
        Rows by picture.
    n_threads : int, default=1
        Largest number of threads; only pictures that take long are left to them.
    stop_early : bool
        Whether the first failure in order of the rows ends it, whichever thread is first.
    fetch : callable, default=None
        Turns a picture into what `function` gets, for some pictures at a time.

    Returns
    -------
    results : list
        What `function` returned, in order.
    failures : list of tuple
        The rows and the PictureError of every other picture, in order.
    """

    def attempt(chunk: range) -> list[Any]:
        sources = [_outcome(fetch, cells[groups[position][0]]) for position in chunk]
        outcomes = []
        for position, source in zip(chunk, sources, strict=True):
            is_read = not isinstance(source, PictureError)
            outcome = _outcome(function, position, source) if is_read else source
            outcomes.append(outcome)
            if stop_early and isinstance(outcome, PictureError):
                break
        return outcomes

    results: list[Any] = []
    failures: list[Failure] = []
    chunks = _chunks(len(groups), n_threads)
    # what Pillow warns of is metadata and its own limit; filters are per process, not per thread
    with warnings.catch_warnings(), closing(_mapped(attempt, chunks, n_threads)) as outcomes:
        warnings.simplefilter("ignore")
        for chunk, chunk_outcomes in zip(chunks, outcomes, strict=False):
            for position, outcome in zip(chunk, chunk_outcomes, strict=False):
                if isinstance(outcome, PictureError):
                    failures.append((groups[position], outcome))
                else:
                    results.append(outcome)
            if failures and stop_early:
                break
    return results, failures


def count_threads(n_jobs: int | None) -> int:
    """Count as joblib does, but for None, and on this machine whatever joblib's backend.

    Parameters
    ----------
    n_jobs : int or None
        Number of threads; None and -1 take one per processor, -2 one less, and so on.

    Returns
    -------
    int
        Number of threads, at least 1.
    """
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    return max(1, cpu_count() + 1 + (-1 if n_jobs is None else n_jobs))


def _outcome(function: Callable[..., Any] | None, *arguments: Any) -> Any:
    if function is None:
        return arguments[0]
    try:
        return function(*arguments)
    except PictureError as error:
        return error


def _chunks(n_groups: int, n_threads: int) -> list[range]:
    """Divide groups among threads; the first few tell how long one takes."""
    length = max(1, min(_MAX_CHUNK, n_groups // (4 * n_threads)))
    starts = [0, *range(min(_N_TIMED, length), n_groups, length)]
    return [range(*ends) for ends in zip(starts, [*starts[1:], n_groups], strict=True)]


def _mapped(
    attempt: Callable[[range], list[Any]], chunks: list[range], n_threads: int
) -> Generator[list[Any], None, None]:
    """Go over chunks in order, by threads from the first one whose pictures take long."""
    remaining = iter(chunks)
    for chunk in remaining:
        began = perf_counter()
        outcomes = attempt(chunk)
        is_slow = perf_counter() - began >= _SECONDS_WORTH_A_THREAD * len(chunk)
        yield outcomes
        if is_slow and n_threads > 1:
            break
    if n_threads > 1 and (left := list(remaining)):
        executor = ThreadPoolExecutor(n_threads)
        try:
            yield from executor.map(attempt, left)
        finally:
            executor.shutdown(cancel_futures=True)
