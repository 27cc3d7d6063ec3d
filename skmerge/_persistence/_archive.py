"""The file itself: a zip of entries that are not compressed, its last bytes a checksum.

Enters: entries by name. Leaves: a file, whole or not at all; read again, the entries, once every
byte is known to be as it was written. Uncompressed, entries cannot be larger than their file.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

_LABEL = b"skmerge sha256 "
_DIGITS = 64
_CHUNK = 1 << 20

#: the same in every file, so that equal estimators give equal files
_DATE = (1980, 1, 1, 0, 0, 0)


class ModelFileError(ValueError):
    """A file that no estimator can be loaded from: damaged, foreign, or of an unknown version.

    Examples
    --------
    >>> import skmerge, tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.skmerge"
    ...     _ = path.write_bytes(b"something else")
    ...     try:
    ...         skmerge.load(path)
    ...     except skmerge.ModelFileError:
    ...         print("not a model")
    not a model
    """


@contextmanager
def written(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """Open an archive to write; its file takes the path's place once all is written.

    Parameters
    ----------
    path : str or path-like
        Where to write. A file that is there stays as it is until then.

    Yields
    ------
    zipfile.ZipFile
        Where entries go, by `add`.

    Raises
    ------
    OSError
        If it cannot be written, the disk being full, say. There is no new file then.
    """
    target = Path(os.path.realpath(path))
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with open(unfinished, "x+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.comment = _LABEL + b"0" * _DIGITS
                yield archive
            size = file.seek(0, os.SEEK_END)
            digest = _digest(file, size)
            file.seek(size - _DIGITS)
            file.write(digest)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            unfinished.chmod(target.stat().st_mode & 0o777)
        unfinished.replace(target)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Write an entry.

    Parameters
    ----------
    archive : zipfile.ZipFile
        What `written` gives.
    name : str
        Name of the entry.
    content : bytes
        What it holds.
    """
    archive.writestr(zipfile.ZipInfo(name, _DATE), content)


class Archive:
    """An archive whose checksum fits, open to be read.

    Parameters
    ----------
    file : binary file
        The file.
    path : path-like
        Its path, for errors.

    Raises
    ------
    ModelFileError
        If it is not such a file, or not as it was written.
    """

    def __init__(self, file: BinaryIO, path: Any) -> None:
        self.path = path
        size = file.seek(0, os.SEEK_END)
        tail = len(_LABEL) + _DIGITS
        file.seek(max(size - tail, 0))
        label, digest = file.read(len(_LABEL)), file.read(_DIGITS)
        if label != _LABEL:
            file.seek(0)
            was_cut = file.read(2) == b"PK"
            reason = "its end is missing" if was_cut else "it is of another kind"
            raise ModelFileError(
                f"{os.fspath(path)!r} must be a whole file that save() of an estimator wrote; "
                f"{reason}. Save the estimator again."
            )
        if digest != _digest(file, size):
            raise ModelFileError(
                f"{os.fspath(path)!r} must be as save() wrote it; its checksum does not fit, so it "
                "was altered or damaged on the way. Copy it again, or save the estimator again."
            )
        try:
            self._zip = zipfile.ZipFile(file)
            entries = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
            raise self.unusable(f"it is no archive ({error})") from error
        if any(e.compress_type != zipfile.ZIP_STORED or e.flag_bits & 1 for e in entries):
            raise self.unusable("its entries are compressed or encrypted")
        if sum(entry.file_size for entry in entries) > size:
            raise self.unusable("its entries are larger than the file")
        self.names = [entry.filename for entry in entries]
        if len(set(self.names)) < len(self.names):
            raise self.unusable("it has two entries of one name")

    def read(self, name: str) -> bytes:
        """Return what an entry holds.

        Parameters
        ----------
        name : str
            Name of the entry.

        Returns
        -------
        bytes
            Its content.

        Raises
        ------
        ModelFileError
            If there is no such entry, or it cannot be read.
        """
        if name not in self.names:
            raise self.unusable(f"it has no entry {name!r}")
        try:
            return self._zip.read(name)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
            raise self.unusable(f"entry {name!r} cannot be read ({error})") from error

    def unusable(self, reason: str) -> ModelFileError:
        """Return the error for a file whose checksum fits, and that skmerge did not write so.

        Parameters
        ----------
        reason : str
            What is wrong with it.

        Returns
        -------
        ModelFileError
            The error.
        """
        return ModelFileError(
            f"{os.fspath(self.path)!r} must be a file that save() of an estimator wrote; {reason}."
        )


def _digest(file: BinaryIO, size: int) -> bytes:
    """Return the checksum of all bytes but those of the checksum itself, as hex digits."""
    file.seek(0)
    digest, left = hashlib.sha256(), size - _DIGITS
    while left > 0 and (chunk := file.read(min(left, _CHUNK))):
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest().encode()
