"""Saving an estimator and loading it: what is in the file, and what of it is believed.

Enters: an estimator and a path. Leaves: a file of ``manifest.json`` (versions, and what the caller
of `load` must give), ``state.json``, ``arrays/0.npy`` and ``networks/0.weights.h5``, and so on.
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from skmerge._persistence import _archive, _keras_parts
from skmerge._persistence._archive import Archive, ModelFileError
from skmerge._persistence._classes import CustomObjects, read_object, written_object
from skmerge._persistence._network import is_trainer, read_trainer, written_trainer
from skmerge._persistence._values import Reader, Writer
from skmerge._versions import __version__, installed_versions

#: Number of the layout of the file. It goes up when a file is read in another way.
FORMAT = 1

_LIBRARIES = ("scikit-learn", "tensorflow", "keras", "numpy", "pandas")
_MANIFEST, _STATE = "manifest.json", "state.json"


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write an estimator into a file that holds no code, to be read by `load`.

    The file is a zip of JSON, arrays and the network's weights as Keras stores them, with a
    checksum. ``estimator.save(path)`` does the same; this also takes what holds one: a Pipeline
    of router and estimator, or a fitted search.

    Parameters
    ----------
    estimator : estimator
        An estimator of skmerge or scikit-learn, fitted or not.
    path : str or path-like
        Where to write. A file that is there is replaced once the new one is whole.

    Raises
    ------
    ValueError
        If a parameter or attribute cannot be put into such a file; the message says where it is.
    OSError
        If the file cannot be written. A file that was there is left as it was.

    See Also
    --------
    load : Reads the file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import skmerge
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(skmerge.ColumnRouter(), skmerge.MergedNetRegressor())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skmerge.save(pipeline, Path(folder) / "model.skmerge")
    ...     list(skmerge.load(Path(folder) / "model.skmerge").named_steps)
    ['columnrouter', 'mergednetregressor']
    """
    needed: set[str] = set()
    weights: list[bytes] = []

    def write_object(writer: Writer, value: Any, where: str) -> Any:
        if is_trainer(value):
            written, network = written_trainer(writer, value, where)
            weights.append(network)
            return {**written, "weights": len(weights) - 1}
        if (name := _keras_parts.keras_name(value)) is not None:
            return {"keras_class": name}
        if _keras_parts.is_callback(value):
            return _keras_parts.written_callback(writer, value, where)
        if _keras_parts.is_keras_object(value):
            return _keras_parts.written_keras_object(writer, value, where, needed)
        return written_object(writer, value, where, needed)

    writer = Writer(write_object)
    state = writer.write(estimator, type(estimator).__name__)
    manifest = {
        "format": FORMAT,
        "class": type(estimator).__name__,
        "versions": _versions(),
        "custom_objects": sorted(needed),
    }
    with _archive.written(path) as archive:
        _archive.add(archive, _MANIFEST, _json(manifest))
        _archive.add(archive, _STATE, _json(state))
        for number, array in enumerate(writer.arrays):
            _archive.add(archive, _array_name(number), _npy(array))
        for number, network in enumerate(weights):
            _archive.add(archive, _weights_name(number), network)


def load(
    path: str | os.PathLike[str],
    *,
    custom_objects: Mapping[str, Any] | Iterable[Any] | None = None,
) -> Any:
    """Load an estimator that its ``save`` wrote.

    Nothing in the file is run. It can name classes of skmerge, estimators of scikit-learn and the
    parts of networks that Keras has; every other class and function must be given here. It is
    read whole and its checksum compared before anything in it is looked at.

    Parameters
    ----------
    path : str or path-like
        The file.
    custom_objects : dict of str to object, or list of objects, default=None
        Classes and functions of your own that the estimator has, by name or bare: branches,
        merges, encoders, Keras layers, losses, callbacks.

    Returns
    -------
    estimator
        The estimator, which predicts the same.

    Raises
    ------
    ModelFileError
        If the file is damaged, cut off, of another kind, or of a later version of skmerge.
    ValueError
        If it needs classes or functions that are not given; the message names them.
    OSError
        If the file cannot be read.

    See Also
    --------
    save : Writes the file.

    Examples
    --------
    >>> import tempfile
    >>> import skmerge
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.skmerge"
    ...     skmerge.MergedNetClassifier(merge="gated").save(path)
    ...     skmerge.load(path)
    MergedNetClassifier(merge='gated')
    """
    given = CustomObjects(custom_objects)
    with open(path, "rb") as file:
        archive = Archive(file, path)
        manifest = _loaded_json(archive, _MANIFEST)
        _check_manifest(archive, manifest)
        _check_given(archive, manifest, given)
        try:
            return _estimator(archive, given)
        except ModelFileError:
            raise
        except Exception as error:
            # whatever a forged file makes the parts of an estimator raise
            raise archive.unusable(
                f"what it holds cannot be put together ({type(error).__name__}: {error}; it was "
                f"saved with {_told(manifest)})"
            ) from error


def _estimator(archive: Archive, given: CustomObjects) -> Any:
    arrays: dict[int, np.ndarray] = {}

    def array(number: int) -> np.ndarray:
        if number not in arrays:
            arrays[number] = _array(archive.read(_array_name(number)))
        return arrays[number]

    def read_part(reader: Reader, written: dict[str, Any], made: Any) -> Any:
        if "trainer" in written:
            value = read_trainer(reader, written, archive.read(_weights_name(written["weights"])))
        elif "keras_class" in written:
            value = _keras_parts.keras_class(written["keras_class"])
        elif "callback" in written:
            value = _keras_parts.read_callback(reader, written)
        elif "keras" in written:
            value = _keras_parts.read_keras_object(reader, written, given)
        else:
            return read_object(reader, written, made, given)
        made(value)
        return value

    return Reader(array, read_part).read(_loaded_json(archive, _STATE))


def _check_manifest(archive: Archive, manifest: Any) -> None:
    is_whole = (
        isinstance(manifest, dict)
        and isinstance(manifest.get("format"), int)
        and isinstance(manifest.get("versions"), dict)
        and isinstance(manifest.get("custom_objects"), list)
    )
    if not is_whole:
        raise archive.unusable("its manifest is not that of an estimator")
    if manifest["format"] > FORMAT:
        raise ModelFileError(
            f"{os.fspath(archive.path)!r} must be of format {FORMAT} or lower for this version of "
            f"skmerge. Got format {manifest['format']}. It was saved with {_told(manifest)}; "
            "install that version or a later one."
        )


def _check_given(archive: Archive, manifest: Any, given: CustomObjects) -> None:
    missing = []
    for name in manifest["custom_objects"]:
        try:
            given.get(str(name))
        except LookupError:
            missing.append(str(name))
    if missing:
        short = sorted({name.rpartition(":")[2].rpartition(".")[2] for name in missing})
        raise ValueError(
            f"{os.fspath(archive.path)!r} holds {', '.join(missing)}, which must be given. If you "
            f"trust the file, call skmerge.load(path, custom_objects=[{', '.join(short)}])."
        )


def _told(manifest: Any) -> str:
    versions = manifest["versions"].items()
    return ", ".join(f"{name} {number}" for name, number in versions) or "unknown versions"


def _versions() -> dict[str, str]:
    python = ".".join(map(str, sys.version_info[:3]))
    return {"skmerge": __version__, **installed_versions(_LIBRARIES), "python": python}


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _loaded_json(archive: Archive, name: str) -> Any:
    try:
        return json.loads(archive.read(name))
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise archive.unusable(f"{name} is no JSON ({error})") from error


def _array_name(number: int) -> str:
    return f"arrays/{int(number)}.npy"


def _weights_name(number: int) -> str:
    return f"networks/{int(number)}.weights.h5"


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def _array(content: bytes) -> np.ndarray:
    file = io.BytesIO(content)
    version_ = np.lib.format.read_magic(file)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version_]
    with warnings.catch_warnings():  # a header that was altered may be odd Python
        for category in (DeprecationWarning, SyntaxWarning):
            warnings.simplefilter("ignore", category)
        shape, _, dtype = read_header(file)
    # a shape that the file does not hold would be allocated before it is missed
    n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if dtype.hasobject or n_bytes != len(content) - file.tell():
        raise ValueError(f"an array of shape {shape} and dtype {dtype} is not in the file")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
