"""The path of a picture goes in, its file or the bytes in it come out, or why there are none.

Paths are not trusted: only regular files are opened, and a URL is never fetched.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from skmerge.encoders._pixels import PictureError

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://|data:")


def picture_path(source: str | os.PathLike[str], base: str) -> str:
    """Return the absolute path of a picture.

    Parameters
    ----------
    source : str or PathLike
        A path, absolute or relative to `base`.
    base : str
        An absolute path.

    Returns
    -------
    str
        The path.

    Raises
    ------
    PictureError
        If it is a URL.
    """
    path = os.fspath(source)
    if _URL.match(path):
        raise PictureError("a URL is never fetched: download it, and give the path")
    return os.path.join(base, path)


def open_picture(source: str | os.PathLike[str], base: str) -> IO[bytes]:
    """Open the file of a picture.

    Parameters
    ----------
    source : str or PathLike
        A path, absolute or relative to `base`.
    base : str
        An absolute path.

    Returns
    -------
    file
        The file.

    Raises
    ------
    PictureError
        If it cannot be read, is empty, or no regular file.
    """
    with _worded(source, base):
        path = picture_path(source, base)
        check_regular(os.stat(path))
        return open(path, "rb")


def read_picture(source: str | os.PathLike[str], base: str, max_bytes: int) -> bytes | None:
    """Read the file of a picture by one call of the system, unless it is long.

    Parameters
    ----------
    source : str or PathLike
        A path, absolute or relative to `base`.
    base : str
        An absolute path.
    max_bytes : int
        Length of the longest file that is read.

    Returns
    -------
    bytes or None
        What is in the file, None if it is longer.

    Raises
    ------
    PictureError
        If it cannot be read, is empty, or no regular file.
    """
    with _worded(source, base):
        path = picture_path(source, base)
        status = os.stat(path)
        check_regular(status)
        if status.st_size > max_bytes:
            return None
        file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            data = os.read(file, status.st_size + 1)
        finally:
            os.close(file)
        if len(data) == status.st_size:
            return data
        with open(path, "rb") as changing:  # written to meanwhile, or on a disk that reads in parts
            return changing.read()


def check_regular(status: os.stat_result) -> None:
    """Check that a file can hold a picture: a pipe or a device would block, or never end.

    Parameters
    ----------
    status : stat_result
        What the system says of it.

    Raises
    ------
    PictureError
        If it is empty, or no regular file.
    """
    if stat.S_ISDIR(status.st_mode):
        raise PictureError("a directory, not a file")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError("not a regular file")
    if not status.st_size:
        raise PictureError("empty file")


@contextmanager
def _worded(source: str | os.PathLike[str], base: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        where = "" if os.path.isabs(source) else f", looked in {base!r}"
        raise PictureError(f"missing file on this machine{where}") from error
    except OSError as error:
        raise PictureError((error.strerror or str(error)).lower()) from error
    except (TypeError, ValueError) as error:
        raise PictureError("not a path that a file can have") from error
