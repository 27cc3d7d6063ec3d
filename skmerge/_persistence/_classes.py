"""Objects of classes: which ones a file may name, and how they are taken apart.

Enters: an object, or what `written_object` made of one. Leaves: the name of its class and its
state, or the object. Three kinds of classes are told apart: those of skmerge, listed here, and
estimators of scikit-learn, which any file may name; all others, and all functions, which the
caller of `load` must give. Keras objects are in `skmerge._persistence._keras_parts`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.base import BaseEstimator
from sklearn.model_selection import BaseCrossValidator, BaseShuffleSplit

from skmerge._persistence._values import Reader, Writer

#: classes of skmerge that may be in a file, and where they live
OWN = {
    **dict.fromkeys(("InputSpec", "TargetSpec", "WideSpec"), "skmerge._spec"),
    **dict.fromkeys(("ClassTargets", "NumberTargets"), "skmerge._targets"),
    "ColumnRouter": "skmerge.router",
    "RoutedInput": "skmerge._routed_input",
    **dict.fromkeys(("MergedNetClassifier", "MergedNetRegressor"), "skmerge.estimators"),
    **dict.fromkeys(("NumberColumn", "RobustScale"), "skmerge.encoders._numbers"),
    "CategoryColumn": "skmerge.encoders._categories",
    "DateColumn": "skmerge.encoders._dates",
    **dict.fromkeys(
        (
            "ArrayEncoder",
            "ImageEncoder",
            "SequenceEncoder",
            "TabularEncoder",
            "TagEncoder",
            "TextEncoder",
        ),
        "skmerge.encoders",
    ),
    **dict.fromkeys(
        (
            "AttentionBranch",
            "Conv1DBranch",
            "ConvBranch",
            "DenseBranch",
            "EmbeddingBranch",
            "KerasBranch",
            "RecurrentBranch",
        ),
        "skmerge.branches",
    ),
    **dict.fromkeys(
        (
            "AttentionMerge",
            "Average",
            "Bilinear",
            "Compare",
            "Concat",
            "Cosine",
            "Dot",
            "FiLM",
            "Gated",
            "KerasMerge",
            "Late",
            "MRNN",
            "Maximum",
            "MergeList",
            "Minimum",
            "Multiply",
            "Subtract",
            "Sum",
        ),
        "skmerge.merges",
    ),
    "NetworkPlan": "skmerge.training._plan",
    "TrainingOptions": "skmerge.training._compile",
}

#: what scikit-learn's callbacks leave on an estimator
_NOT_LEARNED = ("_skl_callbacks", "_parent_callback_ctx", "_callback_fit_ctx")

_BUILTIN = (bool, int, float, complex, str, bytes)

_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE: a class that a class statement made


class CustomObjects:
    """Classes and functions that the caller of `load` gives.

    Parameters
    ----------
    given : mapping of str to object, iterable of objects, or None
        Classes and functions by name, or the bare ones.

    Attributes
    ----------
    by_name : dict of str to object
        The same.
    """

    def __init__(self, given: Mapping[str, Any] | Iterable[Any] | None) -> None:
        if given is None:
            given = {}
        self.by_name: dict[str, Any] = {}
        if isinstance(given, Mapping):
            self.by_name.update(given)
            return
        for each in given:
            name = getattr(each, "__qualname__", None)
            if name is None:
                raise TypeError(
                    "custom_objects must be a dict of classes and functions by name, or a list of "
                    f"those. Got a list with {each!r}."
                )
            self.by_name[name] = each

    def get(self, name: str) -> Any:
        """Return what was given for a name.

        Parameters
        ----------
        name : str
            Name in a file, ``module:qualified name``.

        Returns
        -------
        object
            What was given for this name, its end without the module, or without the class around.

        Raises
        ------
        LookupError
            If nothing was given.
        """
        qualified = name.partition(":")[2]
        for known in (name, qualified, qualified.rpartition(".")[2]):
            if known in self.by_name:
                return self.by_name[known]
        raise LookupError(f"custom object {name!r}")


def written_object(writer: Writer, value: Any, where: str, needed: set[str]) -> dict[str, Any]:
    """Take an object apart.

    Parameters
    ----------
    writer : Writer
        Writes its parts.
    value : object
        The object.
    where : str
        Where it is found, for errors.
    needed : set of str
        Where names are added of what the caller of `load` will have to give.

    Returns
    -------
    dict of str to object
        JSON.

    Raises
    ------
    ValueError
        If it cannot be taken apart.
    """
    kind, own_name = type(value), getattr(value, "__name__", "")
    if isinstance(value, np.ufunc) and getattr(np, own_name, None) is value:
        return {"ufunc": own_name}
    if own_name in metrics.__all__ and getattr(metrics, own_name) is value:
        return {"metric": own_name}
    if isinstance(value, type) and (value in _BUILTIN or issubclass(value, np.generic)):
        return {"type": own_name}
    if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return {"name": _needed(value, where, needed)}
    if OWN.get(kind.__name__) and getattr(_own_module(kind.__name__), kind.__name__) is kind:
        passing = getattr(kind, "_passing_attributes", ())
        state = {name: each for name, each in vars(value).items() if name not in passing}
        return {"own": kind.__name__, "state": _written_state(writer, state, value, where)}
    if not all(base is object or base.__flags__ & _HEAP_TYPE for base in kind.__mro__):
        raise ValueError(
            f"{where} is {value!r}. Only what is made of numbers, strings and arrays can be put "
            "into a file that holds no code. Pickle keeps it, where the file can be trusted."
        )
    state = vars(value) if _has_own_base(kind) else value.__getstate__()
    if state is not None and not isinstance(state, dict):
        raise ValueError(
            f"{where} is {value!r}, whose state is no dict of attributes. Pickle keeps it, where "
            "the file can be trusted."
        )
    tag, name = "sklearn", f"{kind.__module__}:{kind.__qualname__}"
    if not _is_of_sklearn(kind):
        tag, name = "custom", _needed(kind, where, needed)
    return {tag: name, "state": _written_state(writer, state or {}, value, where)}


def read_object(
    reader: Reader,
    written: dict[str, Any],
    made: Callable[[Any], Any],
    custom_objects: CustomObjects,
) -> Any:
    """Put an object together.

    Parameters
    ----------
    reader : Reader
        Reads its parts.
    written : dict of str to object
        What `written_object` made of it.
    made : callable
        Called with the object before its parts are read.
    custom_objects : CustomObjects
        What the caller gives.

    Returns
    -------
    object
        The object.

    Raises
    ------
    ValueError, TypeError, LookupError
        If there is no such class, or it is of a kind that no file may name.
    """
    if "ufunc" in written:
        function = getattr(np, written["ufunc"])
        if not isinstance(function, np.ufunc):
            raise ValueError(f"{written['ufunc']!r} is no ufunc of NumPy")
        return _made(made, function)
    if "metric" in written:
        if written["metric"] not in metrics.__all__:
            raise ValueError(f"{written['metric']!r} is no metric of scikit-learn")
        return _made(made, getattr(metrics, written["metric"]))
    if "type" in written:
        return _made(made, _type_of_values(written["type"]))
    if "name" in written:
        return _made(made, custom_objects.get(written["name"]))
    if "own" in written:
        name = written["own"]
        kind = getattr(_own_module(name), name)
    elif "sklearn" in written:
        kind = _class_of_sklearn(written["sklearn"])
    else:
        kind = custom_objects.get(written["custom"])
        if not isinstance(kind, type):
            raise ValueError(f"{written['custom']!r} must be a class. Got {kind!r}")
    value = _made(made, kind.__new__(kind))
    state = {name: reader.read(each) for name, each in written["state"].items()}
    if "own" not in written and not _has_own_base(kind) and hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        vars(value).update(state)
    return value


def _made(made: Callable[[Any], Any], value: Any) -> Any:
    made(value)
    return value


def _written_state(
    writer: Writer, state: Mapping[str, Any], value: Any, where: str
) -> dict[str, Any]:
    """Write the attributes of an object, without those that are computed when first asked for."""
    kind = type(value)
    return {
        name: writer.write(each, f"{where}.{name}")
        for name, each in state.items()
        if name not in _NOT_LEARNED and not isinstance(getattr(kind, name, None), cached_property)
    }


def _needed(value: Any, where: str, needed: set[str]) -> str:
    """Return the name of a class or function that the caller of `load` is to give."""
    qualified = value.__qualname__
    if "<" in qualified:
        raise ValueError(
            f"{where} is {value!r}, which is not known by a name. Define it at the top of a "
            "module, so that it can be given to skmerge.load."
        )
    name = f"{value.__module__}:{qualified}"
    needed.add(name)
    return name


def _own_module(name: str) -> Any:
    if name not in OWN:
        raise LookupError(f"class {name!r}")
    return import_module(OWN[name])


def _type_of_values(name: str) -> type:
    """Return a type of numbers or strings, as dtypes are given by."""
    for kind in _BUILTIN:
        if kind.__name__ == name:
            return kind
    kind = getattr(np, name)
    if not isinstance(kind, type) or not issubclass(kind, np.generic):
        raise ValueError(f"{name!r} is no type of numbers")
    return kind


def _has_own_base(kind: type) -> bool:
    return any(base.__module__.partition(".")[0] == "skmerge" for base in kind.__mro__)


def _is_of_sklearn(kind: type) -> bool:
    """Say whether a class is an estimator of scikit-learn, or a part that one may hold.

    These are splitters, scorers, selectors and requests for metadata. With scikit-learn 1.7 every
    fitted search by `score` holds requests; with 1.9, estimators that ``set_fit_request`` was
    called on.
    """
    is_known = (
        issubclass(kind, (BaseEstimator, BaseCrossValidator, BaseShuffleSplit))
        or kind.__module__ == "sklearn.metrics._scorer"
        or kind.__name__ in {"make_column_selector", "MetadataRequest", "MethodMetadataRequest"}
    )
    return is_known and kind.__module__.partition(".")[0] == "sklearn"


def _class_of_sklearn(name: str) -> type:
    module, _, qualified = name.partition(":")
    parts = module.split(".")
    if parts[0] != "sklearn" or not all(part.isidentifier() for part in parts):
        raise ValueError(f"{name!r} is no class of scikit-learn")
    kind = getattr(import_module(module), qualified)
    if not isinstance(kind, type) or not _is_of_sklearn(kind):
        raise ValueError(f"{name!r} is no estimator of scikit-learn")
    return kind
