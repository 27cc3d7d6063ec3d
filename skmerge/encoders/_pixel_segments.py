"""Keys of pictures go in; the rows of files where their pixels stand come out, and new ones in.

A folder holds segments: ``.npy`` files of pixels with a key per row behind the pixels. A segment
is written under another name and renamed when it is whole, has a name of its own and is never
changed, so that any number of threads and processes can share the folder without locks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Self
from uuid import uuid4

import numpy as np

from skmerge._stored_rows import NO_ROW, RowFile, row_file

KEY_BYTES = 16
NO_KEY = b""
"""Key of a picture that has none; a row of this key is not found."""

_MAX_INDEXES = 16


def look_up(
    folder: str, row_shape: tuple[int, ...], keys: list[bytes]
) -> tuple[list[RowFile], np.ndarray]:
    """Find pictures in a folder.

    Parameters
    ----------
    folder : str
        The folder; it need not exist.
    row_shape : tuple of int
        Shape of the pixels of a picture.
    keys : list of bytes of length 16
        What the pictures are known by, or `NO_KEY`.

    Returns
    -------
    files : list of RowFile
        The segments. What is not as it was written, by its length and header, is left out.
    rows : ndarray of shape (n_keys,), dtype int64
        Row of each picture, counted through all segments, or -1.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    index = _index(folder, row_shape)
    files = [file for file, _ in index.segments.values()]
    wanted = np.array(keys, dtype=f"S{KEY_BYTES}")
    if not len(index.keys):
        return files, np.full(len(keys), NO_ROW, dtype=np.int64)
    nearest = np.minimum(np.searchsorted(index.keys, wanted), len(index.keys) - 1)
    is_found = (index.keys[nearest] == wanted) & (wanted != NO_KEY)
    return files, np.where(is_found, index.rows[nearest], NO_ROW)


class SegmentWriter:
    """A segment being written, a context: nothing is left of it unless it is published.

    Parameters
    ----------
    folder : str
        The folder, made if it does not exist.
    shape : tuple of int
        Number of rows, and the shape of each.

    Raises
    ------
    OSError
        If the folder cannot be written to; by the methods as well.
    """

    def __init__(self, folder: str, shape: tuple[int, ...]) -> None:
        self.folder = folder
        self.shape = shape
        self.name = os.path.join(folder, uuid4().hex)

    def __enter__(self) -> Self:
        with _worded(self.folder):
            os.makedirs(self.folder, exist_ok=True)
            self.file = open(f"{self.name}.part", "xb")
        return self

    def write(self, pixels: np.ndarray) -> None:
        """Add rows.

        Parameters
        ----------
        pixels : ndarray of shape (n_pictures, height, width, channels), dtype uint8
            The rows.
        """
        with _worded(self.folder):
            if not self.file.tell():
                header = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
                np.lib.format.write_array_header_1_0(self.file, header)
            self.file.write(pixels.data)

    def publish(self, keys: list[bytes]) -> RowFile:
        """Let all who share the folder see the segment.

        Parameters
        ----------
        keys : list of bytes of length 16
            A key for each row written, or `NO_KEY`.

        Returns
        -------
        RowFile
            The segment.
        """
        with _worded(self.folder):
            self.file.write(np.array(keys, dtype=f"S{KEY_BYTES}").tobytes())
            self.file.close()
            os.replace(f"{self.name}.part", f"{self.name}.npy")
            return row_file(f"{self.name}.npy")

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # a full disk fails here a second time
            self.file.close()
        with suppress(OSError):
            os.remove(f"{self.name}.part")


@dataclass(frozen=True)
class _Index:
    """The segments of a folder as it was listed, and the rows of all of them by key."""

    listing: dict[str, tuple[int, int]]
    segments: dict[str, tuple[RowFile, np.ndarray]]
    keys: np.ndarray
    rows: np.ndarray


_indexes: dict[str, _Index] = {}


def _index(folder: str, row_shape: tuple[int, ...]) -> _Index:
    """Read the keys of a folder, of those segments only that are new since the last time."""
    listing = _listing(folder)
    known = _indexes.get(folder)
    if known is not None and known.listing == listing:
        return known
    segments: dict[str, tuple[RowFile, np.ndarray]] = {}
    for name, state in listing.items():
        if known is not None and known.listing.get(name) == state and name in known.segments:
            segments[name] = known.segments[name]
            continue
        segment = _read_segment(os.path.join(folder, name), row_shape, state[0])
        if segment is not None:
            segments[name] = segment
    all_keys = [np.zeros(0, f"S{KEY_BYTES}"), *(keys for _, keys in segments.values())]
    keys = np.concatenate(all_keys)
    rows = np.argsort(keys, kind="stable")
    rows = rows[keys[rows] != NO_KEY]
    index = _Index(listing, segments, keys[rows], rows)
    _indexes.pop(folder, None)
    _indexes[folder] = index
    for oldest in list(_indexes)[:-_MAX_INDEXES]:
        _indexes.pop(oldest, None)
    return index


def _listing(folder: str) -> dict[str, tuple[int, int]]:
    try:
        with _worded(folder), os.scandir(folder) as entries:
            segments = [entry for entry in entries if entry.name.endswith(".npy")]
            states = {entry.name: entry.stat() for entry in segments}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {name: (state.st_size, state.st_mtime_ns) for name, state in sorted(states.items())}


def _read_segment(
    path: str, row_shape: tuple[int, ...], n_bytes: int
) -> tuple[RowFile, np.ndarray] | None:
    """Return a segment and its keys; None if it is not as it was written."""
    try:
        file = row_file(path)
        n_rows = file.shape[0]
        is_whole = n_bytes == file.end + n_rows * KEY_BYTES
        if not is_whole or file.shape[1:] != row_shape or file.dtype != "|u1":
            return None
        keys = np.fromfile(path, dtype=f"S{KEY_BYTES}", count=n_rows, offset=file.end)
    except (OSError, ValueError):
        return None
    return (file, keys) if len(keys) == n_rows else None


@contextmanager
def _worded(folder: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = (
            f"Pictures cannot be cached in {folder!r} ({error.strerror or error}). Make room "
            "there, or set the 'cache' parameter of ImageEncoder to another folder; None keeps "
            "the pixels in memory"
        )
        raise OSError(error.errno, message) from error
