"""What crosses between the parts: descriptions of inputs and targets, and nested parameters.

Enters: plain values. Leaves: `InputSpec` and `TargetSpec`, frozen and hashable, which are all
that the Keras side knows of the data; and `NestedParams`, the mixin that lets
``get_params`` and ``set_params`` reach into short names, dicts and lists of specs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from sklearn.base import clone

from skmerge._errors import did_you_mean

PADDING_ID = 0
UNKNOWN_ID = 1


@dataclass(frozen=True, repr=False)
class InputSpec:
    """Description of one routed input; all that a branch knows of the data.

    Parameters
    ----------
    name : str
        Name of the input, unique within an estimator.
    kind : str
        What the input holds: ``"tabular"``, ``"text"``, ``"tags"``, ``"image"``, ``"sequence"``
        or ``"array"``.
    shape : tuple of int or None
        Shape of one row, without the rows' axis. ``None`` stands for a length that varies
        between batches.
    dtype : str, default="float32"
        NumPy dtype of the array.
    default_branch : str, default="dense"
        Short name of the branch that reads this input when the user names none.
    vocabulary_size : int, default=None
        For arrays of ids: ids run from 0 to ``vocabulary_size - 1``, where 0 is padding and 1
        stands for everything not in the vocabulary.
    code_columns : tuple of int, default=()
        Tabular inputs: positions of the columns that hold category codes.
    cardinalities : tuple of int, default=()
        Number of codes of each of the `code_columns`; codes run from 0 to that number less one.
    feature_names : tuple of str, default=()
        Names of the columns of a 2-D array, empty where they have none.
    optional : bool, default=False
        Whether a presence mask comes with the array: a row may lack this input.
    sparse : bool, default=False
        Whether the array is a SciPy CSR matrix.
    step_mask : bool, default=False
        Sequences of shape ``(length, channels)``: whether the last channel is 1 where a row has
        that step and 0 in the padding.
    tokens : tuple of str, default=()
        Arrays of ids: what the ids from 2 on stand for. Tables: what the codes from 2 on stand
        for, of one code column after the other. Empty where that is not known. Specs that differ
        in nothing else are equal.

    Examples
    --------
    >>> from skmerge import InputSpec
    >>> InputSpec("note", "text", shape=(64,), dtype="int32", vocabulary_size=1000).shape
    (64,)
    """

    name: str
    kind: str
    shape: tuple[int | None, ...]
    dtype: str = "float32"
    default_branch: str = "dense"
    vocabulary_size: int | None = None
    code_columns: tuple[int, ...] = ()
    cardinalities: tuple[int, ...] = ()
    feature_names: tuple[str, ...] = ()
    optional: bool = False
    sparse: bool = False
    step_mask: bool = False
    tokens: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __repr__(self) -> str:
        told = (
            each.name
            for each in fields(self)
            if each.repr and getattr(self, each.name) != each.default
        )
        return f"InputSpec({', '.join(f'{name}={getattr(self, name)!r}' for name in told)})"

    @property
    def number_columns(self) -> tuple[int, ...]:
        """Positions of the columns that hold numbers, not codes.

        Returns
        -------
        tuple of int
            Every position of the last axis that is not one of the `code_columns`.
        """
        codes = set(self.code_columns)
        return tuple(i for i in range(self.shape[-1] or 0) if i not in codes)


@dataclass(frozen=True)
class TargetSpec:
    """Description of what the network predicts.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel", "regression"}
        The kind of target.
    n_outputs : int
        Number of units of the last layer: 1 for binary targets, else the number of classes,
        labels or regression targets.
    output_activation : str, default=None
        Name of the Keras activation of the last layer; None is the one of the kind of target.

    Examples
    --------
    >>> from skmerge import TargetSpec
    >>> TargetSpec("multiclass", 3).activation
    'softmax'
    """

    kind: str
    n_outputs: int
    output_activation: str | None = None

    @property
    def activation(self) -> str:
        """Name of the Keras activation of the last layer.

        Returns
        -------
        str
            ``"sigmoid"``, ``"softmax"`` or ``"linear"``, unless `output_activation` is set.
        """
        if self.output_activation is not None:
            return self.output_activation
        return {"multiclass": "softmax", "regression": "linear"}.get(self.kind, "sigmoid")

    @property
    def loss(self) -> str:
        """Name of the Keras loss used when the user sets none.

        Returns
        -------
        str
            ``"binary_crossentropy"``, ``"sparse_categorical_crossentropy"`` or
            ``"mean_squared_error"``.
        """
        losses = {
            "multiclass": "sparse_categorical_crossentropy",
            "regression": "mean_squared_error",
        }
        return losses.get(self.kind, "binary_crossentropy")


@dataclass(frozen=True)
class WideSpec:
    """Description of what the wide part of a network reads of one input.

    Parameters
    ----------
    n_pairs : int, default=0
        Texts: number of buckets that pairs of neighbouring words share, 0 for no pairs.
    n_bins : int, default=0
        Tables: number of intervals that each number is also read by, 0 for none.
    n_crossed : int, default=0
        Tables: number of intervals that each two numbers are also read by together, 0 for none.
    """

    n_pairs: int = 0
    n_bins: int = 0
    n_crossed: int = 0


def pair_bucket(left: Any, right: Any, n_buckets: int) -> Any:
    """Return the bucket of a pair of words.

    Parameters
    ----------
    left, right : int64 array or tensor
        Ids of the two words.
    n_buckets : int
        Number of buckets.

    Returns
    -------
    int64 array or tensor
        From 0 to ``n_buckets - 1``.
    """
    return (left * 1_000_003 + right * 10_007) % n_buckets


class NestedParams:
    """Mixin: ``get_params`` and ``set_params`` reach into short names, dicts and lists.

    A class lists in `_families` which of its parameters hold specs, each with a function that
    turns a short value (a name, ``None``, a tuple) into its spec, or returns None for a value
    that stands for no spec. ``merge="gated"`` and ``merge=Gated()`` then have the same nested
    parameters, and so have the entries of ``branches={"photo": "conv"}``.

    Specs are never changed in place: setting ``merge__units`` replaces `merge` by a clone of
    its spec with that value. Goes to the left of ``BaseEstimator``.
    """

    _families: ClassVar[Mapping[str, Callable[[Any, str | None], Any]]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Get the parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            If True, also the parameters of the specs it holds, by name, in dicts or in lists.

        Returns
        -------
        dict of str to object
            Parameter names mapped to their values.
        """
        params = super().get_params(deep=False)  # type: ignore[misc]
        if not deep:
            return params
        nested = {}
        for name, value in params.items():
            for path, entry, spec in self._components(name, value):
                nested[path] = entry
                if spec is not None:
                    nested |= {f"{path}__{key}": v for key, v in spec.get_params().items()}
        return params | nested

    def set_params(self, **params: Any) -> Any:
        """Set parameters of this estimator and of the specs that it holds.

        Parameters
        ----------
        **params : dict
            Parameter names, nested ones as ``merge__units`` or ``branches__photo__filters``,
            and their new values.

        Returns
        -------
        self
            This estimator.

        Raises
        ------
        ValueError
            If a name is not that of a parameter; the message lists the valid names and the
            nearest one. Nothing is set then.
        """
        values = super().get_params(deep=False)  # type: ignore[misc]
        nested: dict[str, dict[str, Any]] = {}
        for key, value in params.items():
            name, delimiter, rest = key.partition("__")
            if name not in values:
                raise ValueError(_invalid_parameter(name, type(self).__name__, values))
            if delimiter:
                nested.setdefault(name, {})[rest] = value
            else:
                values[name] = value
        for name, changes in nested.items():
            values[name] = self._replaced(name, values[name], changes)
        for name in {key.partition("__")[0] for key in params}:
            setattr(self, name, values[name])
        return self

    def _components(self, name: str, value: Any) -> Iterator[tuple[str, Any, Any]]:
        """Yield the path, the value and the spec, or None, of each part of a parameter."""
        entries = _entries(value)
        if entries is None:
            yield name, value, self._resolved(name, value, None)
        elif name in self._families:
            for key, entry in entries.items():
                yield f"{name}__{key}", entry, self._resolved(name, entry, key)

    def _resolved(self, name: str, value: Any, key: str | None) -> Any:
        if hasattr(value, "get_params") and not isinstance(value, type):
            return value
        family = self._families.get(name)
        return None if family is None else family(value, key)

    def _replaced(self, name: str, value: Any, changes: dict[str, Any]) -> Any:
        entries = _entries(value) if name in self._families else None
        if entries is None:
            return self._changed(name, value, None, changes)
        by_entry: dict[str, dict[str, Any]] = {}
        for path, change in changes.items():
            fitting = [k for k in entries if path == k or path.startswith(f"{k}__")]
            if not fitting:
                absent = path.partition("__")[0]
                raise ValueError(
                    f"Cannot set {name}__{path}: {name!r} of {type(self).__name__} has no entry "
                    f"{absent!r}, it has {list(entries)}.{did_you_mean(absent, entries)}"
                )
            key = max(fitting, key=len)
            if path == key:
                entries[key] = change
            else:
                by_entry.setdefault(key, {})[path[len(key) + 2 :]] = change
        for key, entry_changes in by_entry.items():
            entries[key] = self._changed(name, entries[key], key, entry_changes)
        if isinstance(value, Mapping):
            return {key: entries[str(key)] for key in value}
        return list(entries.values())

    def _changed(self, name: str, value: Any, key: str | None, changes: dict[str, Any]) -> Any:
        spec = self._resolved(name, value, key)
        path = name if key is None else f"{name}__{key}"
        if spec is None:
            change = next(iter(changes))
            hint = ""
            if key is None and name in self._families:
                entry, is_nested, _ = change.partition("__")
                hint = f", as in {name}={{{entry!r}: ...}}" if is_nested else ""
                hint = f" Set {name} first{hint}."
            raise ValueError(
                f"Cannot set {path}__{change}: {path} of {type(self).__name__} is "
                f"{value!r}, which has no parameters.{hint}"
            )
        spec = clone(spec)
        valid = spec.get_params()
        for change in changes:
            if not _is_parameter(change, spec, valid):
                raise ValueError(_invalid_parameter(change, type(spec).__name__, valid, path))
        spec.set_params(**changes)
        return (spec, *value[1:]) if isinstance(value, tuple) else spec


def _entries(value: Any) -> dict[str, Any] | None:
    """Return the entries of a dict (keys as strings) or list of specs, else None."""
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if isinstance(value, list):
        return {str(position): entry for position, entry in enumerate(value)}
    return None


def _is_parameter(name: str, spec: Any, valid: Mapping[str, Any]) -> bool:
    """Return whether `spec` can set `name`, or hands it to what can tell."""
    holder = name.partition("__")[0]
    if isinstance(spec, NestedParams):
        return holder in valid
    return name in valid or hasattr(valid.get(holder), "set_params")


def _invalid_parameter(name: str, owner: str, valid: Mapping[str, Any], path: str = "") -> str:
    names = sorted(key for key in valid if "__" not in key)
    where = f" (at {path!r})" if path else ""
    return (
        f"Invalid parameter {name!r} for {owner}{where}. Valid parameters are: "
        f"{names}.{did_you_mean(name, names)}"
    )
