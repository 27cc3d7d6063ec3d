"""Rows of equal shape in files, seen through a selection: the array that is read when asked for.

Enters: ``.npy`` files of rows. Leaves: an object with the shape and dtype of an array that
selects rows without reading, and reads those of one batch.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from operator import itemgetter
from typing import Any

import numpy as np

from skmerge._errors import short_repr

NO_ROW = -1
"""Position that stands for a row of zeros."""


@dataclass(frozen=True)
class RowFile:
    """A ``.npy`` file of rows.

    Parameters
    ----------
    path : str
        Its absolute path.
    offset : int
        Where its rows begin, in bytes.
    shape : tuple of int
        Number of rows, and the shape of each.
    dtype : str
        Dtype of the rows, as ``numpy.dtype.str`` gives it.
    """

    path: str
    offset: int
    shape: tuple[int, ...]
    dtype: str

    @property
    def end(self) -> int:
        """Where its rows end, in bytes."""
        return self.offset + prod(self.shape) * np.dtype(self.dtype).itemsize


def row_file(path: str | os.PathLike[str]) -> RowFile:
    """Read the header of a ``.npy`` file, and see that its rows are all there.

    Parameters
    ----------
    path : str or PathLike
        The file.

    Returns
    -------
    RowFile
        Its description.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If it is no ``.npy`` file of at least one axis, is in Fortran order, holds Python objects,
        or is shorter than its header says.
    """
    path = os.path.abspath(path)
    with open(path, "rb") as file:
        version = np.lib.format.read_magic(file)
        if version not in {(1, 0), (2, 0)}:
            raise ValueError(f"{path!r} must be a .npy file of version 1.0 or 2.0. Got {version}.")
        is_first = version == (1, 0)
        read_header = np.lib.format.read_array_header_1_0
        shape, in_fortran_order, dtype = (
            read_header(file) if is_first else np.lib.format.read_array_header_2_0(file)
        )
        if not shape or in_fortran_order or dtype.hasobject:
            raise ValueError(
                f"{path!r} must hold rows of numbers in C order. Got shape {shape}, dtype {dtype}"
                f"{', in Fortran order' if in_fortran_order else ''}: save it by numpy.save("
                "path, numpy.ascontiguousarray(rows))."
            )
        rows = RowFile(path, file.tell(), shape, dtype.str)
        n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes < rows.end:
        raise ValueError(_too_short(rows, n_bytes))
    return rows


class StoredRows:
    """Rows of equal shape in files, selected without being read.

    Indexed by an array of ints, a mask or a slice it gives another `StoredRows`; by one int,
    the array of that row. `read` reads some rows, ``numpy.asarray`` all of them. A pickle holds
    the paths and the selection, not the rows.

    Parameters
    ----------
    files : sequence of RowFile, path or PathLike
        ``.npy`` files of rows of one shape and dtype; at least one, unless `row_shape` and
        `dtype` are given.
    positions : array-like of int of shape (n_rows,), default=None
        The rows seen, counted through all files from 0; -1 is a row of zeros. None sees all.
    row_shape : tuple of int, default=None
        Shape of one row. None takes that of the first file.
    dtype : dtype, default=None
        Dtype of the rows. None takes that of the first file.

    Attributes
    ----------
    files : tuple of RowFile
        The files.
    positions : ndarray of int of shape (n_rows,)
        The rows seen.
    dtype : dtype
        Dtype of the rows.

    Raises
    ------
    OSError
        If a path cannot be opened.
    ValueError
        If files differ in the shape or dtype of their rows, or are too short.
    IndexError
        If there is no row of a position.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> from skmerge._stored_rows import StoredRows
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.save(Path(folder) / "rows.npy", np.arange(12).reshape(6, 2))
    ...     rows = StoredRows([Path(folder) / "rows.npy"])[::2]
    ...     rows.shape, rows.read([2, 0]).tolist()
    ((3, 2), [[8, 9], [0, 1]])
    """

    def __init__(
        self,
        files: Iterable[RowFile | str | os.PathLike[str]],
        positions: Any = None,
        *,
        row_shape: Sequence[int] | None = None,
        dtype: Any = None,
    ) -> None:
        self.files = tuple(file if isinstance(file, RowFile) else row_file(file) for file in files)
        if not self.files and (row_shape is None or dtype is None):
            raise ValueError(
                "StoredRows without a file must be given row_shape and dtype. Got "
                f"{row_shape} and {dtype}."
            )
        self._row_shape = tuple(self.files[0].shape[1:] if row_shape is None else row_shape)
        self.dtype = np.dtype(self.files[0].dtype if dtype is None else dtype)
        for file in self.files:
            if file.shape[1:] != self._row_shape or np.dtype(file.dtype) != self.dtype:
                raise ValueError(
                    f"All files must hold {self.dtype} rows of shape {self._row_shape}. Got "
                    f"{file.dtype} rows of shape {file.shape[1:]} in {file.path!r}."
                )
        self._firsts = np.cumsum([0, *(file.shape[0] for file in self.files)])
        n_stored = int(self._firsts[-1])
        small = np.int32 if n_stored <= np.iinfo(np.int32).max else np.int64
        if positions is None:
            self.positions = np.arange(n_stored, dtype=small)
        else:
            positions = np.asarray(positions)
            ends = [positions.min(), positions.max()] if len(positions) else []
            if any(not NO_ROW <= end < n_stored for end in ends):
                raise IndexError(
                    f"Positions must be between -1 and {n_stored - 1}, the last row of the files. "
                    f"Got {ends[0]} to {ends[1]}."
                )
            self.positions = positions.astype(small)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of rows seen, and the shape of each."""
        return (len(self.positions), *self._row_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return 1 + len(self._row_shape)

    @property
    def nbytes(self) -> int:
        """Number of bytes that all rows seen take once they are read."""
        return prod(self.shape) * self.dtype.itemsize

    def read(self, positions: Any = slice(None)) -> np.ndarray:
        """Read some rows; safe in threads.

        Parameters
        ----------
        positions : array-like of int, mask or slice, default=slice(None)
            The rows, counted among those seen.

        Returns
        -------
        ndarray of shape (n_positions, ...)
            The rows, in the order asked for.

        Raises
        ------
        IndexError
            If there is no row of a position.
        OSError
            If a file has gone, is too short, or cannot be read.
        """
        selected = self._select(positions)
        rows = np.zeros((len(selected), *self._row_shape), self.dtype)
        if rows.size:
            _read_into(rows, selected, self.files, self._firsts)
        return rows

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)):
            return self.read([key])[0]
        return self._seen(self._select(key))

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Read all rows."""
        if copy is False:
            raise ValueError("StoredRows cannot be an array without reading. Got copy=False.")
        return self.read().astype(dtype or self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"StoredRows of shape {self.shape}, {self.dtype}, in {len(self.files)} files"

    def _select(self, key: Any) -> np.ndarray:
        if not isinstance(key, slice):
            key = np.asarray(key)
            if key.size == 0 and key.dtype != bool:
                key = key.astype(np.intp)
            if key.ndim != 1 or key.dtype.kind not in "biu":
                raise IndexError(
                    "StoredRows are indexed by a slice, a mask, or numbers of rows. Got "
                    f"{short_repr(key)}; numpy.asarray reads them all into an array."
                )
        return self.positions[key]

    def _seen(self, positions: np.ndarray) -> StoredRows:
        selected = object.__new__(type(self))
        selected.__dict__.update(self.__dict__, positions=positions)
        return selected


def joined_rows(parts: Sequence[StoredRows]) -> StoredRows:
    """Return the rows of several, one after the other, without reading them.

    Parameters
    ----------
    parts : sequence of StoredRows
        Rows of one shape and dtype.

    Returns
    -------
    StoredRows
        All rows.
    """
    files: dict[RowFile, int] = {}
    for file in (file for part in parts for file in part.files):
        files.setdefault(file, len(files))
    firsts = np.cumsum([0, *(file.shape[0] for file in files)])
    positions = []
    for part in parts:
        # where each file of the part begins, there and in all of them
        there, here = part._firsts[:-1], firsts[[files[file] for file in part.files]]
        moved = np.searchsorted(there, part.positions, side="right") - 1
        shift = (here - there)[moved] if len(part.files) else 0
        positions.append(np.where(part.positions == NO_ROW, NO_ROW, part.positions + shift))
    return StoredRows(
        files,
        np.concatenate(positions),
        row_shape=parts[0].shape[1:],
        dtype=parts[0].dtype,
    )


def _read_into(
    rows: np.ndarray, positions: np.ndarray, files: tuple[RowFile, ...], firsts: np.ndarray
) -> None:
    """Read stored rows, each once, in the order of the files; leave what is no row as it is."""
    order = np.argsort(positions, kind="stable")
    stored = positions[order]
    n_none = np.searchsorted(stored, NO_ROW, side="right")
    order, stored = order[n_none:], stored[n_none:]
    is_new = np.append(True, stored[1:] != stored[:-1])[: len(stored)]
    target = memoryview(rows.reshape(-1).view(np.uint8).data)
    row_bytes = len(target) // len(rows)
    runs = _runs(order[is_new], stored[is_new], firsts)
    for number, in_file in groupby(runs, key=itemgetter(0)):
        file = files[number]
        with _opened(file) as source:
            for _, place, row, n_rows in in_file:
                part = target[place * row_bytes : (place + n_rows) * row_bytes]
                _fill(source, file, file.offset + row * row_bytes, part)
    for repeated in np.flatnonzero(~is_new):  # in this order a copy may be copied on
        rows[order[repeated]] = rows[order[repeated - 1]]


def _runs(
    places: np.ndarray, stored: np.ndarray, firsts: np.ndarray
) -> Iterator[tuple[int, int, int, int]]:
    """Yield file, place, row in the file and length of neighbours that stay neighbours."""
    of_file = np.searchsorted(firsts, stored, side="right") - 1
    breaks = (np.diff(stored) != 1) | (np.diff(places) != 1) | (np.diff(of_file) != 0)
    starts = np.append(0, np.flatnonzero(breaks) + 1)[: len(stored)]
    lengths = np.diff(np.append(starts, len(stored)))
    rows = (stored - firsts[of_file])[starts]
    columns = (of_file[starts], places[starts], rows, lengths)
    return zip(*(column.tolist() for column in columns), strict=True)


def _opened(file: RowFile) -> Any:
    try:
        return open(file.path, "rb", buffering=0)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"The file of rows {file.path!r} must be there until they are read. It is missing: "
            "encode the rows again; or, if another machine encoded them, keep them where all "
            "machines see them, such as ImageEncoder(cache='/shared/pixels')."
        ) from error


def _fill(source: Any, file: RowFile, offset: int, target: memoryview) -> None:
    source.seek(offset)
    while len(target):
        n_read = source.readinto(target)
        if not n_read:
            raise OSError(_too_short(file, os.fstat(source.fileno()).st_size))
        target = target[n_read:]


def _too_short(file: RowFile, n_bytes: int) -> str:
    return (
        f"The file of rows {file.path!r} must have {file.end} bytes or more. Got {n_bytes}: delete "
        "it, and encode the rows again."
    )
