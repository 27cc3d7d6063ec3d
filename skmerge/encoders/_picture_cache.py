"""Pictures go in; their pixels come out as rows of files in a folder, each decoded once."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain
from typing import Any
from uuid import uuid4

import numpy as np
import PIL
from PIL import Image

from skmerge._stored_rows import NO_ROW, RowFile, StoredRows
from skmerge.encoders._many_pictures import Failure, PictureDecoder
from skmerge.encoders._picture_files import check_regular, picture_path
from skmerge.encoders._pictures import PictureReader, is_scaled, orientation
from skmerge.encoders._pixel_segments import KEY_BYTES, NO_KEY, SegmentWriter, look_up

#: Raised whenever a picture may come to other pixels than before.
_FORMAT_VERSION = 1
_SEGMENT_BYTES = 64 << 20
_CHUNK_BYTES = 8 << 20
_MIN_CHUNK = 8


def cached_pixels(
    cells: np.ndarray,
    groups: Sequence[list[int]],
    decoder: PictureDecoder,
    cache: str | os.PathLike[str],
) -> tuple[StoredRows, list[Failure]]:
    """Decode the pictures that a cache lacks into it, and return the pixels of all.

    Parameters
    ----------
    cells : ndarray of shape (n_samples,), dtype object
        One picture per row, or a missing value.
    groups : sequence of list of int
        Rows by picture.
    decoder : PictureDecoder
        What makes pixels of pictures.
    cache : str or PathLike
        The folder, made if it does not exist.

    Returns
    -------
    pixels : StoredRows of shape (n_samples, height, width, channels), dtype uint8
        The pixels, zeros for missing pictures and those that cannot be read.
    failures : list of tuple
        Rows and PictureError of each picture that cannot be read.

    Raises
    ------
    OSError
        If the folder cannot be read or written to.
    """
    folder = _folder(cache, decoder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as where they are decoded
        keys = [_key(cells[rows[0]], decoder.reader) for rows in groups]
    groups, keys = _merged(groups, keys)
    files, found = look_up(folder, decoder.row_shape, keys)
    failures: list[Failure] = []
    missing = np.flatnonzero(found == NO_ROW)
    per_segment = max(1, _SEGMENT_BYTES // decoder.row_bytes)
    n_stored = sum(file.shape[0] for file in files)
    for start in range(0, len(missing), per_segment):
        part = missing[start : start + per_segment]
        with SegmentWriter(folder, (len(part), *decoder.row_shape)) as segment:
            is_decoded, part_failures = _decode_part(
                cells, [groups[position] for position in part], decoder, segment
            )
            failures += part_failures
            if failures and decoder.stop_early:
                break
            if is_decoded.any():
                # what could be read all the same, though it had no key, is never found again
                kept = [
                    (keys[position] or uuid4().bytes) if is_good else NO_KEY
                    for position, is_good in zip(part, is_decoded, strict=True)
                ]
                files.append(segment.publish(kept))
                found[part[is_decoded]] = n_stored + np.flatnonzero(is_decoded)
                n_stored += len(part)
    return _as_rows(files, found, groups, (len(cells), *decoder.row_shape)), failures


def _merged(groups: Sequence[list[int]], keys: list[bytes]) -> tuple[list[list[int]], list[bytes]]:
    """Join groups of one key: two objects of the same content, two spellings of one path."""
    if len(set(keys)) == len(keys):
        return list(groups), keys
    by_key: dict[object, tuple[list[int], bytes]] = {}
    for position, (rows, key) in enumerate(zip(groups, keys, strict=True)):
        known = by_key.setdefault(key or position, (rows, key))
        if known[0] is not rows:
            by_key[key] = (known[0] + rows, key)
    return [rows for rows, _ in by_key.values()], [key for _, key in by_key.values()]


def _folder(cache: str | os.PathLike[str], decoder: PictureDecoder) -> str:
    """Return the folder of all that decides what pixels a picture comes to.

    The range of arrays is left to the keys of arrays: it may differ from fold to fold.
    """
    pillow = PIL.__version__.partition(".")[0]
    rest = (_FORMAT_VERSION, pillow, decoder.reader.max_pixels, decoder.reader.deep_range)
    digest = blake2b(repr(rest).encode(), digest_size=6).hexdigest()
    height, width = decoder.size
    name = f"{height}x{width}-{decoder.color}-{decoder.resize}-{digest}"
    return os.path.join(os.path.abspath(cache), name)


def _decode_part(
    cells: np.ndarray, groups: list[list[int]], decoder: PictureDecoder, segment: SegmentWriter
) -> tuple[np.ndarray, list[Failure]]:
    """Decode pictures into a segment, a chunk at a time; say which of them can be read."""
    is_decoded = np.ones(len(groups), dtype=bool)
    failures: list[Failure] = []
    length = min(len(groups), max(_MIN_CHUNK, _CHUNK_BYTES // decoder.row_bytes))
    buffer = np.zeros((length, *decoder.row_shape), dtype=np.uint8)
    for start in range(0, len(groups), length):
        chunk = groups[start : start + length]
        chunk_failures = decoder.decode_into(buffer, range(len(chunk)), cells, chunk)
        failed = {rows[0] for rows, _ in chunk_failures}
        is_decoded[start : start + length] = [rows[0] not in failed for rows in chunk]
        buffer[: len(chunk)][~is_decoded[start : start + length]] = 0
        failures += chunk_failures
        if failures and decoder.stop_early:
            break
        segment.write(buffer[: len(chunk)])
    return is_decoded, failures


def _as_rows(
    files: list[RowFile], found: np.ndarray, groups: list[list[int]], shape: tuple[int, ...]
) -> StoredRows:
    """Give each row the position of its picture, in those of the files that are used."""
    firsts = np.cumsum([0, *(file.shape[0] for file in files)])
    of_file = np.searchsorted(firsts, found, side="right") - 1
    used = np.unique(of_file[found != NO_ROW])
    kept_firsts = np.cumsum([0, *(files[number].shape[0] for number in used)])
    moved = np.zeros(len(files) + 1, dtype=np.int64)
    moved[used] = kept_firsts[:-1] - firsts[used]
    places = np.where(found == NO_ROW, NO_ROW, found + moved[of_file])
    positions = np.full(shape[0], NO_ROW, dtype=np.int64)
    rows = np.fromiter(chain.from_iterable(groups), dtype=np.int64)
    positions[rows] = np.repeat(places, [len(group) for group in groups])
    return StoredRows(
        [files[number] for number in used], positions, row_shape=shape[1:], dtype=np.uint8
    )


def _key(source: Any, reader: PictureReader) -> bytes:
    """Digest what a picture is known by; `NO_KEY` if it cannot be read."""
    digest = blake2b(digest_size=KEY_BYTES)
    try:
        if isinstance(source, (str, os.PathLike)):
            path = picture_path(source, reader.base)
            status = os.stat(path)
            check_regular(status)
            state = f"file {status.st_size} {status.st_mtime_ns} ".encode()
            digest.update(state + os.fsencode(path))
        elif isinstance(source, np.ndarray):
            limits = reader.array_range if is_scaled(source) else None
            digest.update(f"array {source.dtype.str} {source.shape} {limits} ".encode())
            digest.update(np.ascontiguousarray(source).data)
        elif isinstance(source, Image.Image):
            if source.width * source.height > reader.max_pixels:
                return NO_KEY
            pixels = source.tobytes()  # first: it may read more of the file than its header
            form = (source.mode, source.size, orientation(source), source.getpalette("RGBA"))
            transparency = source.info.get("transparency")
            digest.update(f"image {form} {transparency} ".encode() + pixels)
        else:
            digest.update(b"bytes ")
            digest.update(source)
    except MemoryError:
        raise
    except Exception:  # decoding it will say what is wrong
        return NO_KEY
    return digest.digest()
