"""The routed rows: one array per input, sliced together.

Enters: arrays by input name with their specs. Leaves: an object that scikit-learn slices by
row like any matrix, and that the network reads by name.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse

from skmerge._errors import did_you_mean, short_repr
from skmerge._spec import InputSpec


class MultiInput:
    """Arrays of several inputs over the same rows.

    Maps an input's name to its array, like a dict; indexed by anything else than a string it
    selects rows, as scikit-learn's splitters need. ``len(X)`` is the number of rows.

    Parameters
    ----------
    arrays : mapping of str to array of shape (n_samples, ...)
        The array of each input: a NumPy array, a SciPy sparse matrix (kept as CSR), or
        anything that has ``shape`` and ``dtype`` and can be indexed by an array of rows.
    specs : mapping of str to InputSpec, default=None
        The description of each input. None describes the arrays as they are, of kind
        ``"array"``.
    masks : mapping of str to array of shape (n_samples,), dtype bool, default=None
        For inputs that a row can lack: True where the row has it.

    Attributes
    ----------
    specs : dict of str to InputSpec
        The description of each input, in order.
    masks : dict of str to ndarray of shape (n_samples,)
        The presence masks, for those inputs that have one.
    shape : tuple of int
        ``(n_samples, n_inputs)``.

    Raises
    ------
    ValueError
        If there is no input, the arrays differ in their number of rows, or names of arrays,
        specs and masks do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import MultiInput
    >>> X = MultiInput({"photo": np.zeros((4, 8, 8, 1)), "age": np.zeros((4, 1))})
    >>> X.shape, X[[0, 2]]["photo"].shape
    ((4, 2), (2, 8, 8, 1))
    """

    #: the router that made these rows in its fit, for whoever has others of the kind; not kept
    router: Any = None
    _passing_attributes = ("router",)

    def __init__(
        self,
        arrays: Mapping[str, Any],
        specs: Mapping[str, InputSpec] | None = None,
        masks: Mapping[str, Any] | None = None,
    ) -> None:
        if not arrays:
            raise ValueError("A MultiInput must have at least one input. Got none.")
        self._arrays = {str(name): _indexable(array) for name, array in arrays.items()}
        masks = {} if masks is None else masks
        self.masks = {str(name): np.asarray(mask, dtype=bool) for name, mask in masks.items()}
        if specs is None:
            specs = {name: self._describe(name, array) for name, array in self._arrays.items()}
        else:
            specs = {str(name): spec for name, spec in specs.items()}
        self.specs = {name: specs[name] for name in self._arrays if name in specs}
        self._check_names(specs)
        self._check_rows()

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and number of inputs."""
        first = next(iter(self._arrays.values()))
        return first.shape[0], len(self._arrays)

    def keys(self) -> KeysView[str]:
        """Return the names of the inputs, in order.

        Returns
        -------
        dict_keys
            The names.
        """
        return self._arrays.keys()

    def values(self) -> ValuesView[Any]:
        """Return the arrays, in order.

        Returns
        -------
        dict_values
            The arrays.
        """
        return self._arrays.values()

    def items(self) -> ItemsView[str, Any]:
        """Return the names and arrays, in order.

        Returns
        -------
        dict_items
            Pairs of a name and an array.
        """
        return self._arrays.items()

    def select(self, names: list[str]) -> MultiInput:
        """Return the same rows with some of the inputs.

        Parameters
        ----------
        names : list of str
            Names of the inputs to keep, in the order wanted.

        Returns
        -------
        MultiInput
            The inputs named; the arrays are not copied.

        Raises
        ------
        KeyError
            If there is no input of a name.
        """
        arrays = {name: self[name] for name in names}
        masks = {name: self.masks[name] for name in names if name in self.masks}
        return MultiInput(arrays, self.specs, masks)

    def select_like(
        self, specs: Mapping[str, InputSpec], *, missing_inputs: str = "error"
    ) -> MultiInput:
        """Return the inputs that a network was built for, in its order.

        Parameters
        ----------
        specs : mapping of str to InputSpec
            The inputs wanted.
        missing_inputs : {"error", "absent"}, default="error"
            What an input that is not there at all is: an error, or absent from every row.

        Returns
        -------
        MultiInput
            These inputs, with these specs; others are left out. The arrays are not copied.

        Raises
        ------
        ValueError
            If an input is missing and must not be, or all are, or an array is of another shape,
            dtype or vocabulary.
        """
        missing = [name for name in specs if name not in self]
        if missing and (missing_inputs == "error" or len(missing) == len(specs)):
            raise ValueError(
                f"Inputs {missing} are missing from X, which has {list(self)}."
                f"{did_you_mean(missing[0], self)}"
            )
        for name, spec in specs.items():
            if name in missing:
                continue
            if not _agree(self.specs[name], spec):
                form, wanted = _form(self.specs[name]), _form(spec)
                raise ValueError(
                    f"Input {name!r} must be as it was in fit: {wanted}. Got {form}; encode it by "
                    "the same fitted router."
                )
        arrays = {
            name: absent_rows(spec, len(self)) if name in missing else self[name]
            for name, spec in specs.items()
        }
        masks = {name: self.masks[name] for name in specs if name in self.masks}
        masks |= {name: np.zeros(len(self), dtype=bool) for name in missing}
        return MultiInput(arrays, specs, masks)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._arrays:
                hint = did_you_mean(key, self._arrays)
                raise KeyError(f"There is no input {key!r}, only {list(self._arrays)}.{hint}")
            return self._arrays[key]
        rows = _rows(key, len(self))
        return MultiInput(
            {name: array[rows] for name, array in self._arrays.items()},
            self.specs,
            {name: mask[rows] for name, mask in self.masks.items()},
        )

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        """Return all columns side by side, where every input is a table of numbers."""
        if copy is False:
            raise ValueError("A MultiInput cannot be an array without copying. Got copy=False.")
        unlike = [
            f"{name} ({spec.kind})"
            for name, spec in self.specs.items()
            if len(spec.shape) != 1 or spec.code_columns or spec.vocabulary_size is not None
        ]
        if unlike:
            raise TypeError(
                "Only a MultiInput of plain numbers is an array. This one holds also pictures, ids "
                f"or codes: {unlike}. Take an input by its name, as in X[{next(iter(self))!r}]."
            )
        arrays = [array.toarray() if issparse(array) else array for array in self.values()]
        return np.concatenate(arrays, axis=1).astype(dtype or np.float32, copy=False)

    def __getstate__(self) -> dict[str, Any]:
        return {
            name: each for name, each in vars(self).items() if name not in self._passing_attributes
        }

    def __repr__(self) -> str:
        lines = [f"MultiInput of {len(self)} rows, {len(self._arrays)} inputs"]
        width = max(len(name) for name in self._arrays)
        for name, spec in self.specs.items():
            array = self._arrays[name]
            sparse = " sparse" if spec.sparse else ""
            line = f"  {name:<{width}}  {spec.kind}{sparse}  {tuple(array.shape)} {array.dtype}"
            if name in self.masks and len(self):
                absent = int(np.count_nonzero(~self.masks[name]))
                line += f", {absent} rows without" if absent else ""
            lines.append(line)
        return "\n".join(lines)

    def _describe(self, name: str, array: Any) -> InputSpec:
        return InputSpec(
            name,
            "array",
            shape=tuple(array.shape[1:]),
            dtype=str(array.dtype),
            optional=name in self.masks,
            sparse=issparse(array),
        )

    def _check_names(self, specs: Mapping[str, InputSpec]) -> None:
        without_spec = [name for name in self._arrays if name not in specs]
        if without_spec:
            raise ValueError(f"Inputs {without_spec} have no spec, only {list(specs)} have.")
        stray = [name for name in self.masks if name not in self._arrays]
        if stray:
            raise ValueError(f"Masks {stray} belong to no input, inputs are {list(self._arrays)}.")

    def _check_rows(self) -> None:
        rows = {name: array.shape[0] for name, array in self._arrays.items()}
        if len(set(rows.values())) > 1:
            raise ValueError(f"All inputs must have the same number of rows. Got {rows}.")
        for name, mask in self.masks.items():
            if mask.shape != (len(self),):
                raise ValueError(
                    f"The mask of input {name!r} must have shape ({len(self)},), one value per "
                    f"row. Got {mask.shape}."
                )


def absent_rows(spec: InputSpec, n_rows: int) -> Any:
    """Return what stands in an input's array for rows that lack it.

    Parameters
    ----------
    spec : InputSpec
        Description of the input.
    n_rows : int
        Number of rows.

    Returns
    -------
    ndarray or CSR matrix of shape (n_rows, *spec.shape), dtype spec.dtype
        Zeros; axes of varying length have length 1.
    """
    shape = (n_rows, *(1 if length is None else length for length in spec.shape))
    return (csr_matrix if spec.sparse else np.zeros)(shape, dtype=spec.dtype)


def _indexable(array: Any) -> Any:
    if issparse(array):
        return array.tocsr()
    if hasattr(array, "iloc"):
        return np.asarray(array)  # a Series selects by label, not by position
    if hasattr(array, "shape") and hasattr(array, "dtype") and hasattr(array, "__getitem__"):
        return array if array.shape else np.atleast_1d(array)
    return np.asarray(array)


def _agree(spec: InputSpec, wanted: InputSpec) -> bool:
    """Say whether arrays of two specs are of one form."""
    return spec is wanted or (
        spec.shape == wanted.shape
        and spec.dtype == wanted.dtype
        and spec.vocabulary_size == wanted.vocabulary_size
        and spec.sparse == wanted.sparse
    )


def _form(spec: InputSpec) -> str:
    """Return what arrays of one input must agree in."""
    size = "" if spec.vocabulary_size is None else f", {spec.vocabulary_size} ids"
    sparse = "sparse " if spec.sparse else ""
    return f"{sparse}{spec.dtype} rows of shape {spec.shape}{size}"


def _rows(key: Any, n_rows: int) -> Any:
    """Turn what scikit-learn indexes with into a slice or an array of row numbers."""
    if isinstance(key, tuple):
        if len(key) != 2 or key[1] is not Ellipsis:
            raise IndexError(
                "A MultiInput is indexed by rows, as in X[rows], or by an input's name. Got "
                f"{short_repr(key)}."
            )
        key = key[0]
    if isinstance(key, slice):
        return key
    rows = np.asarray(key)
    if rows.dtype == bool:
        if rows.shape != (n_rows,):
            raise IndexError(f"A boolean mask must have shape ({n_rows},). Got {rows.shape}.")
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.zeros(0, dtype=np.intp)
    if rows.dtype.kind not in "iu" or rows.ndim > 1:
        raise IndexError(
            "Rows are selected by numbers, a mask or a slice, and some of the inputs by select. "
            f"Got {short_repr(key)}."
        )
    return np.atleast_1d(rows)
