"""Values as JSON and arrays, and back: what parameters and fitted attributes are made of.

Enters: a value. Leaves: JSON, in which each object that JSON has no form for is a dict of one key,
its tag; arrays go beside it, by number. Tags of plain values are here, `Writer` and `Reader` hand
objects of classes to `skmerge._persistence._classes`.
"""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.utils import Bunch

from skmerge._errors import short_repr

#: deeper nesting is refused, before Python runs out of stack
_MAX_DEPTH = 200

_SPARSE = ("csr", "csc", "coo", "dia", "bsr")


class Writer:
    """Turns values into JSON, and keeps the arrays.

    Parameters
    ----------
    write_object : callable
        Called with the writer, an object of a class, and where it is; returns its JSON.

    Attributes
    ----------
    arrays : list of ndarray
        The arrays, none of dtype object.
    """

    def __init__(self, write_object: Callable[[Writer, Any, str], Any]) -> None:
        self.arrays: list[np.ndarray] = []
        self._write_object = write_object
        self._numbers: dict[int, int] = {}
        self._kept: list[Any] = []  # what is numbered must stay, or another gets its id
        self._forms: dict[type, Callable[[Any, str], Any]] = {
            float: self._float,
            list: self._list,
            tuple: self._tuple,
            set: self._set,
            frozenset: self._set,
            slice: self._slice,
            dict: self._dict,
            Bunch: lambda value, where: {"bunch": self._dict(dict(value), where)},
            np.ndarray: self._array,
            np.ma.MaskedArray: self._masked,
            pd.Index: self._index,
        }

    def write(self, value: Any, where: str) -> Any:
        """Turn a value into JSON.

        Parameters
        ----------
        value : object
            The value.
        where : str
            Where it is found, for errors.

        Returns
        -------
        object
            JSON.

        Raises
        ------
        ValueError
            If it cannot be put into a file that holds no code.
        """
        kind = type(value)
        if value is None or kind in (bool, str, int):
            return value
        if kind in _WRITERS:
            tag, write = _WRITERS[kind]
            return {tag: write(value)}
        if kind in self._forms:
            return self._forms[kind](value, where)
        if scipy.sparse.issparse(value) and value.format in _SPARSE:
            return self._sparse(value, where)
        if isinstance(value, np.generic):
            return {"scalar": self._number_of(np.asarray(value), where)}
        return self._object(value, where)

    def _float(self, value: float, where: str) -> Any:
        return value if math.isfinite(value) else {"float": repr(value)}

    def _list(self, value: Any, where: str) -> Any:
        return [self.write(each, f"{where}[{i}]") for i, each in enumerate(value)]

    def _tuple(self, value: tuple[Any, ...], where: str) -> Any:
        return {"tuple": self._list(value, where)}

    def _set(self, value: Any, where: str) -> Any:
        return {type(value).__name__: self._list(sorted(value, key=repr), where)}

    def _slice(self, value: slice, where: str) -> Any:
        return {"slice": self._list([value.start, value.stop, value.step], where)}

    def _index(self, value: Any, where: str) -> Any:
        return {"index": self.write(value.to_numpy(dtype=object), where)}

    def _dict(self, value: dict[Any, Any], where: str) -> Any:
        if all(type(key) is str for key in value):
            return {"dict": {key: self.write(x, f"{where}[{key!r}]") for key, x in value.items()}}
        pairs = [
            [self.write(key, f"a key of {where}"), self.write(each, f"{where}[{short_repr(key)}]")]
            for key, each in value.items()
        ]
        return {"pairs": pairs}

    def _array(self, value: np.ndarray, where: str) -> Any:
        if value.dtype != object:
            return {"array": self._number_of(value, where)}
        cells = [self.write(cell, f"a cell of {where}") for cell in value.ravel()]
        return {"cells": [list(value.shape), cells]}

    def _masked(self, value: Any, where: str) -> Any:
        parts = (value.data, np.ma.getmaskarray(value), value.fill_value)
        return {"masked": [self.write(part, where) for part in parts]}

    def _sparse(self, value: Any, where: str) -> Any:
        names = {"coo": ("data", "row", "col"), "dia": ("data", "offsets")}
        parts = names.get(value.format, ("data", "indices", "indptr"))
        arrays = [self.write(getattr(value, part), where) for part in parts]
        return {"sparse": [type(value).__name__, list(map(int, value.shape)), arrays]}

    def _number_of(self, array: np.ndarray, where: str) -> int:
        if array.dtype.hasobject:
            raise ValueError(f"{where} is an array of dtype {array.dtype}, which holds objects.")
        self.arrays.append(array)
        return len(self.arrays) - 1

    def _object(self, value: Any, where: str) -> Any:
        if isinstance(value, np.dtype):
            return {"dtype": value.str}
        if id(value) in self._numbers:
            return {"again": self._numbers[id(value)]}
        self._numbers[id(value)] = number = len(self._numbers)
        self._kept.append(value)
        written = self._write_object(self, value, where)
        return {**written, "number": number}


class Reader:
    """Turns the JSON of a `Writer` into values.

    Parameters
    ----------
    array : callable
        Called with the number of an array; returns it.
    read_object : callable
        Called with the reader, the JSON of an object of a class, and a function to call with the
        object as soon as it is there, before its parts are.
    """

    def __init__(
        self,
        array: Callable[[int], np.ndarray],
        read_object: Callable[[Reader, dict[str, Any], Callable[[Any], Any]], Any],
    ) -> None:
        self._read_object = read_object
        self._objects: dict[int, Any] = {}
        self._depth = 0
        self._tags: dict[str, Callable[[Any], Any]] = {
            "dict": self._dict,
            "pairs": self._pairs,
            "bunch": lambda content: Bunch(**self.read(content)),
            "tuple": lambda content: tuple(map(self.read, content)),
            "set": lambda content: set(map(self.read, content)),
            "frozenset": lambda content: frozenset(map(self.read, content)),
            "slice": lambda content: slice(*map(self.read, content)),
            "again": self._objects.__getitem__,
            "array": array,
            "scalar": lambda content: array(content)[()],
            "cells": self._cells,
            "index": lambda content: pd.Index(self.read(content), dtype=object),
            "sparse": self._sparse,
            "masked": self._masked,
        }

    def read(self, written: Any) -> Any:
        """Turn JSON into a value.

        Parameters
        ----------
        written : object
            JSON.

        Returns
        -------
        object
            The value.

        Raises
        ------
        ValueError, TypeError, LookupError
            If no `Writer` wrote it.
        """
        if written is None or isinstance(written, (bool, str, int, float)):
            return written
        if self._depth > _MAX_DEPTH:
            raise ValueError("its values are nested too deep")
        self._depth += 1
        try:
            if isinstance(written, list):
                return [self.read(each) for each in written]
            if "number" in written:
                number = written["number"]
                return self._read_object(
                    self, written, lambda value: self._objects.__setitem__(number, value)
                )
            ((tag, content),) = written.items()
            return self._tags[tag](content) if tag in self._tags else _READERS[tag](content)
        finally:
            self._depth -= 1

    def _dict(self, content: dict[str, Any]) -> dict[str, Any]:
        return {key: self.read(each) for key, each in content.items()}

    def _pairs(self, content: list[Any]) -> dict[Any, Any]:
        return {self.read(key): self.read(each) for key, each in content}

    def _cells(self, content: list[Any]) -> np.ndarray:
        shape, cells = content
        array = np.empty(len(cells), dtype=object)
        for position, cell in enumerate(cells):
            array[position] = self.read(cell)
        return array.reshape(shape)

    def _masked(self, content: list[Any]) -> Any:
        data, mask, fill_value = map(self.read, content)
        return np.ma.MaskedArray(data, mask=mask, fill_value=fill_value)

    def _sparse(self, content: list[Any]) -> Any:
        name, shape, arrays = content
        form = name.partition("_")[0]
        if form not in _SPARSE or name not in (f"{form}_matrix", f"{form}_array"):
            raise ValueError(f"{name!r} is no sparse matrix")
        data, *indices = map(self.read, arrays)
        parts = (data, tuple(indices)) if form == "coo" else (data, *indices)
        return getattr(scipy.sparse, name)(parts, shape=tuple(shape))


def _plain_state(value: Any) -> Any:
    """Return the state of a bit generator with lists for its arrays."""
    if isinstance(value, dict):
        return {key: _plain_state(each) for key, each in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else value


def _random_state(content: dict[str, Any]) -> np.random.RandomState:
    made = np.random.RandomState()
    made.set_state(_with_arrays(content, made.get_state(legacy=False)))
    return made


def _bit_generator(state: dict[str, Any]) -> Any:
    names = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")
    kinds = {name: getattr(np.random, name) for name in names}
    made = kinds[state["bit_generator"]]()
    made.state = _with_arrays(state, made.state)
    return made


def _with_arrays(state: Any, like: Any) -> Any:
    if isinstance(like, dict):
        return {key: _with_arrays(state[key], each) for key, each in like.items()}
    return np.asarray(state, dtype=like.dtype) if isinstance(like, np.ndarray) else state


def _stamp(value: pd.Timestamp) -> list[Any]:
    return [value.isoformat(), None if value.tz is None else str(value.tz), value.unit]


def _stamp_read(content: list[Any]) -> pd.Timestamp:
    text, zone, unit = content
    stamp = pd.Timestamp(text)
    return (stamp if zone is None else stamp.tz_convert(zone)).as_unit(unit)


#: types written as a tag and plain JSON
_WRITERS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    bytes: ("bytes", lambda value: base64.b64encode(value).decode()),
    complex: ("complex", lambda value: [repr(value.real), repr(value.imag)]),
    range: ("range", lambda value: [value.start, value.stop, value.step]),
    Decimal: ("decimal", str),
    datetime.date: ("date", datetime.date.isoformat),
    datetime.datetime: ("datetime", datetime.datetime.isoformat),
    datetime.time: ("time", datetime.time.isoformat),
    datetime.timedelta: (
        "timedelta",
        lambda value: [value.days, value.seconds, value.microseconds],
    ),
    pd.Timestamp: ("stamp", _stamp),
    pd.Timedelta: ("duration", lambda value: [value.isoformat(), value.unit]),
    type(pd.NaT): ("nat", lambda _: None),
    type(pd.NA): ("na", lambda _: None),
    np.random.Generator: ("generator", lambda value: _plain_state(value.bit_generator.state)),
    np.random.RandomState: ("random_state", lambda x: _plain_state(x.get_state(legacy=False))),
}

_READERS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "bytes": base64.b64decode,
    "complex": lambda content: complex(*map(float, content)),
    "range": lambda content: range(*content),
    "decimal": Decimal,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "timedelta": lambda content: datetime.timedelta(*content),
    "stamp": _stamp_read,
    "duration": lambda content: pd.Timedelta(content[0]).as_unit(content[1]),
    "nat": lambda _: pd.NaT,
    "na": lambda _: pd.NA,
    "generator": lambda content: np.random.Generator(_bit_generator(content)),
    "random_state": _random_state,
    "dtype": np.dtype,
}
