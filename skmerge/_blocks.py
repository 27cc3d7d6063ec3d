"""Rows read a block at a time, so that no more of them than a block are encoded in memory at once.

Enters: rows in any form, and the specs of the inputs that they become. Leaves: blocks of rows, or
all rows encoded into files.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from skmerge._chunks import Chunk, Chunks
from skmerge._errors import counting_from
from skmerge._other_frames import as_pandas
from skmerge._spec import InputSpec
from skmerge._stored_rows import StoredRows, joined_rows
from skmerge._tables import count_rows, take_rows
from skmerge.multi_input import MultiInput

#: bytes of the arrays that a block of rows becomes
BLOCK = 2**26
_LEAST_ROWS = 256


def encoded_blocks(
    X: Any, encode: Callable[[Any], MultiInput], specs: Iterable[InputSpec]
) -> Iterator[MultiInput]:
    """Encode rows block by block.

    Parameters
    ----------
    X : DataFrame, Chunks, mapping, matrix or MultiInput
        The rows. DataFrames, mappings and chunks are cut into blocks; all else is one.
    encode : callable
        From rows to routed rows.
    specs : iterable of InputSpec
        The inputs that come out, whose sizes decide on that of a block.

    Yields
    ------
    MultiInput
        Routed rows, in order. Errors count rows from the first of all.
    """
    if isinstance(X, pd.DataFrame) and len(X) <= _LEAST_ROWS:  # without delay for a few rows
        yield encode(X)
        return
    size = rows_of_block(specs)
    for first, block in _of_chunks(X, size) if isinstance(X, Chunks) else _blocks(X, size):
        yield _encoded(block, encode, first)


def rows_of_block(specs: Iterable[InputSpec]) -> int:
    """Return how many rows are encoded at once.

    Parameters
    ----------
    specs : iterable of InputSpec
        The inputs that they become.

    Returns
    -------
    int
        So many that their arrays take 64 MiB, but 256 at least.
    """
    row_bytes = sum(
        prod(length or 1 for length in spec.shape) * np.dtype(spec.dtype).itemsize
        for spec in specs
        if not spec.sparse
    )
    return max(_LEAST_ROWS, BLOCK // max(row_bytes, 1))


def spooled(
    chunks: Chunks,
    y: np.ndarray,
    encode: Callable[[Any], MultiInput],
    specs: Mapping[str, InputSpec],
    folder: Path,
) -> MultiInput:
    """Encode chunks into files.

    Parameters
    ----------
    chunks : Chunks
        The rows.
    y : ndarray of n_samples targets
        The targets that they had before, which they must have again.
    encode : callable
        From rows to routed rows.
    specs : mapping of str to InputSpec
        The inputs that come out.
    folder : Path
        Where the files are made.

    Returns
    -------
    MultiInput
        All rows. Dense arrays are `StoredRows` in the folder; sparse matrices and the masks of
        inputs that a row can lack are in memory.

    Raises
    ------
    ValueError
        If the chunks are not the ones that they were.
    OSError
        If there is no room in the folder.
    """
    spools = {name: _Spool(folder / f"{number}.npy", len(y)) for number, name in enumerate(specs)}
    masks: dict[str, list[np.ndarray]] = {}
    try:
        n_rows = 0
        for first, rows in _of_chunks(_as_before(chunks, y), rows_of_block(specs.values())):
            block = _encoded(rows, encode, first)
            n_rows += len(block)
            for name, array in block.items():
                spools[name].add(array)
            for name in specs:
                if specs[name].optional:
                    masks.setdefault(name, []).append(
                        block.masks.get(name, np.ones(len(block), dtype=bool))
                    )
        if n_rows != len(y):
            raise _changed(f"{len(y)} rows the first time, and then {n_rows}")
        arrays = {name: spool.rows() for name, spool in spools.items()}
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise OSError(
            error.errno,
            f"The folder {str(folder.parent)!r} must have room for the encoded rows. It is full: "
            "name another, as in Chunks(..., folder=...)",
        ) from error
    finally:
        for spool in spools.values():
            spool.close()
    return MultiInput(arrays, specs, {name: np.concatenate(parts) for name, parts in masks.items()})


def _of_chunks(chunks: Iterable[Chunk], size: int) -> Iterator[tuple[int, Any]]:
    """Yield blocks of at most `size` rows, each with the number of its first row."""
    before = 0
    for chunk in chunks:
        for first, block in _blocks(chunk.X, size):
            yield before + first, block
        before += count_rows(chunk.X)


def _blocks(X: Any, size: int) -> Iterator[tuple[int, Any]]:
    X = as_pandas(X)
    is_frame = isinstance(X, pd.DataFrame)
    can_be_cut = is_frame or (isinstance(X, Mapping) and not sparse.issparse(X))
    n_rows = count_rows(X) if can_be_cut else 0
    if n_rows <= size:
        yield 0, X
        return
    for first in range(0, n_rows, size):
        last = min(first + size, n_rows)
        yield first, X.iloc[first:last] if is_frame else take_rows(X, np.arange(first, last))


def _encoded(block: Any, encode: Callable[[Any], MultiInput], first: int) -> MultiInput:
    with counting_from(first):
        return encode(block)


def _as_before(chunks: Chunks, y: np.ndarray) -> Iterator[Chunk]:
    """Yield chunks, which must have the targets that they had before."""
    first = 0
    for position, chunk in enumerate(chunks):
        n_rows = count_rows(chunk.X)
        if chunk.y is None or not _are_equal(y[first : first + n_rows], chunk.y):
            raise _changed(f"other targets in chunk {position} the second time")
        first += n_rows
        yield chunk


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    other = np.asarray(other)
    if one.shape != other.shape:
        return False
    return bool(np.all(one == other.astype(one.dtype, copy=False)))


def _changed(what: str) -> ValueError:
    return ValueError(
        "The source of Chunks must give the same rows in the same order each time it is gone "
        f"through. Got {what}: fix its order, and its seed if it draws."
    )


class _Spool:
    """The arrays of one input, written one after the other into a file.

    Parameters
    ----------
    path : Path
        The file, which is made with the first dense array.
    n_rows : int
        Number of rows that all arrays have together.
    """

    def __init__(self, path: Path, n_rows: int) -> None:
        self.path = path
        self.n_rows = n_rows
        self._file: Any = None
        self._shape: tuple[int, ...] = ()
        self._parts: list[Any] = []

    def add(self, array: Any) -> None:
        """Take in the rows that follow."""
        if sparse.issparse(array) or isinstance(array, StoredRows):
            self._parts.append(array)
            return
        array = np.ascontiguousarray(array)
        if self._file is None:
            self._shape = array.shape[1:]
            self._file = self.path.open("wb")
            header = np.lib.format.header_data_from_array_1_0(array)
            header["shape"] = (self.n_rows, *self._shape)
            np.lib.format.write_array_header_1_0(self._file, header)
        if array.shape[1:] != self._shape:
            raise ValueError(
                f"All rows of an input must have one shape to be read in chunks. Got {self._shape} "
                f"and then {array.shape[1:]} from its encoder: pad its arrays to one length."
            )
        self._file.write(array.data)

    def rows(self) -> Any:
        """Return all rows."""
        if self._parts:
            is_sparse = sparse.issparse(self._parts[0])
            return sparse.vstack(self._parts, "csr") if is_sparse else joined_rows(self._parts)
        self.close()
        return StoredRows([self.path])

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
