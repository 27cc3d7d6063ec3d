"""The network: specs of inputs, branches, a merge and a head go in, a Keras model comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skmerge._errors import did_you_mean, short_repr
from skmerge._spec import InputSpec, TargetSpec
from skmerge.branches import BRANCHES, Branch, DenseBranch, KerasBranch, resolve_branch
from skmerge.branches._base import check_widths
from skmerge.branches._rebuild import is_keras_layer
from skmerge.merges import Merge, join_in_network, resolve_merge
from skmerge.multi_input import MultiInput

_BINARY = TargetSpec("binary", 1)

#: layers of the network that belong to no input
_RESERVED = ("merge", "head", "output")

_SHARED_FIELDS = (
    "shape",
    "dtype",
    "vocabulary_size",
    "code_columns",
    "cardinalities",
    "sparse",
    "step_mask",
)


def build_network(
    specs: Sequence[InputSpec] | Mapping[str, InputSpec],
    branches: Mapping[str, Any] | None = None,
    merge: Any = "concat",
    head: Any = (64,),
    target: TargetSpec = _BINARY,
    *,
    dropout: float = 0.0,
) -> Any:
    """Build the network that reads all inputs and predicts the target.

    Each input goes through its branch, a network of its own that is the layer of the input's
    wire name: ``network.get_layer("photo")``. The merge is the layer ``"merge"``, the head
    ``"head"``, and the last layer ``"output"``. Two builds with the same arguments have the
    same variables in the same order; initial weights are drawn from Python's `random`, as
    everywhere in Keras.

    Parameters
    ----------
    specs : sequence of InputSpec or mapping of str to InputSpec
        The inputs, in the order in which they are merged.
    branches : mapping of str to str, Branch, keras.Model or keras.layers.Layer, default=None
        The branch of each input by the input's name: a short name (``"conv"``, ``"dense"``,
        ``"embedding"``), a branch, a Keras object, or the name of another input, whose branch
        is shared, weights and all. A short name means the branch even if an input has that
        name. Inputs not named get the default branch of their spec.
    merge : str, Merge, keras.layers.Layer or list of these, default="concat"
        How the features of all branches become one vector. With one input there is nothing to
        merge, and its features pass through.
    head : tuple of int, Branch, keras.Model or keras.layers.Layer, default=(64,)
        What reads the merged features: widths of dense layers with the activation ``"relu"``
        (``()`` or None for no layer), or a Keras object, which is rebuilt as in `KerasBranch`.
    target : TargetSpec, default=TargetSpec("binary", 1)
        What the network predicts.
    dropout : float, default=0.0
        Share of the merged features, and of the units of each of the head's dense layers,
        dropped in training; 0 up to 1 (excluded).

    Returns
    -------
    keras.Model
        Takes a dict of tensors as `network_inputs` makes it, returns float32 predictions of
        shape ``(batch, target.n_outputs)``: probabilities, or values for regression. Not
        compiled. To load a saved one in another process, import ``skmerge._layers`` first.

    Raises
    ------
    ValueError
        If there are no inputs, or two of one name; if `branches` names no input, no branch, or
        a circle of inputs, or shares a branch between unlike inputs; if a branch cannot read
        its input or the merge cannot join the branches; if a parameter is not valid.

    See Also
    --------
    network_inputs : The arrays that the network takes.

    Examples
    --------
    >>> from skmerge import InputSpec, build_network
    >>> network = build_network(
    ...     [
    ...         InputSpec("note", "text", (16,), "int32", "embedding", vocabulary_size=100),
    ...         InputSpec("age", "array", (1,)),
    ...     ],
    ...     merge="multiply",
    ... )
    >>> network.output_shape
    (None, 1)
    """
    specs = _by_name(specs)
    merge = resolve_merge(merge)
    if not 0 <= dropout < 1:
        raise ValueError(f"The 'dropout' must be at least 0 and below 1. Got {dropout!r}.")
    head = _resolve_head(head, dropout)
    own, owners = _resolve_branches(specs, branches or {})
    wires = wire_names(specs)

    import keras

    networks = {name: _branch_network(own[name], specs[name], wires[name]) for name in own}
    inputs: dict[str, Any] = {}
    features, presence = [], []
    for name, spec in specs.items():
        read = _read(spec, wires[name], networks[owners[name]], inputs)
        features.append(read[0])
        presence.append(read[1])
    merged = _merged(merge, features, presence, list(specs))
    if dropout:
        merged = keras.layers.Dropout(dropout, name="merged-dropout")(merged)
    output = keras.layers.Dense(
        target.n_outputs, activation=target.activation, dtype="float32", name="output"
    )
    return keras.Model(inputs, output(_headed(head, merged)))


def network_inputs(X: MultiInput) -> dict[str, Any]:
    """Return the arrays of routed rows by the names that the network knows them by.

    Parameters
    ----------
    X : MultiInput
        The rows.

    Returns
    -------
    dict of str to array
        The array of each input by its wire name, as it is (CSR matrices stay sparse). For each
        optional input also ``"<wire name>_present"``, float32 of shape ``(n_samples, 1)``: 1
        where a row has the input, everywhere if `X` has no mask for it.

    Examples
    --------
    >>> import numpy as np
    >>> from skmerge import MultiInput
    >>> from skmerge.network import network_inputs
    >>> X = MultiInput({"front door": np.zeros((2, 3))}, masks={"front door": [True, False]})
    >>> {name: array.shape for name, array in network_inputs(X).items()}
    {'front_door': (2, 3), 'front_door_present': (2, 1)}
    """
    wires = wire_names(X.specs)
    arrays: dict[str, Any] = {}
    for name, spec in X.specs.items():
        arrays[wires[name]] = X[name]
        if spec.optional:
            mask = X.masks.get(name, np.ones(len(X), dtype=bool))
            arrays[f"{wires[name]}_present"] = mask.astype("float32")[:, np.newaxis]
    return arrays


def wire_names(specs: Sequence[InputSpec] | Mapping[str, InputSpec]) -> dict[str, str]:
    """Return for each input the name that Keras knows it by.

    Keras takes only some characters in names, and each name once. A name of ASCII letters,
    digits, ``_`` and ``.``, starting with a letter or digit, stays as it is, unless the network
    has another use for it (``"merge"``, ``"head"``, ``"output"``, or ``"photo_present"`` beside
    an optional input ``"photo"``). In all others, the other characters become ``_``, and a
    number is added where that makes names equal.

    Parameters
    ----------
    specs : sequence of InputSpec or mapping of str to InputSpec
        The inputs.

    Returns
    -------
    dict of str to str
        Wire names by input name, in the order of `specs`.

    Examples
    --------
    >>> from skmerge import InputSpec
    >>> from skmerge.network import wire_names
    >>> wire_names([InputSpec("photo", "image", (8, 8, 3)), InputSpec("front/left", "array", (2,))])
    {'photo': 'photo', 'front/left': 'front_left'}
    """
    specs = _by_name(specs)
    taken = set(_RESERVED)
    wires: dict[str, str] = {}
    # ordinary names first, so that no other name can take theirs
    for name in sorted(specs, key=lambda name: _clean(name) != name):
        wire, number = _clean(name), 1
        while taken & _names_of(wire, specs[name]):
            number += 1
            wire = f"{_clean(name)}_{number}"
        taken |= _names_of(wire, specs[name])
        wires[name] = wire
    return {name: wires[name] for name in specs}


def _clean(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.]", "_", name).lstrip("_.") or "input"


def _names_of(wire: str, spec: InputSpec) -> set[str]:
    return {wire, f"{wire}_present"} if spec.optional else {wire}


def _by_name(specs: Sequence[InputSpec] | Mapping[str, InputSpec]) -> dict[str, InputSpec]:
    if isinstance(specs, Mapping):
        named = {name: replace(spec, name=name) for name, spec in specs.items()}
    else:
        named = {spec.name: spec for spec in specs}
        if len(named) < len(specs):
            names = [spec.name for spec in specs]
            raise ValueError(f"Each input must have a name of its own. Got {names}.")
    if not named:
        raise ValueError("A network must have at least one input. Got no specs.")
    return named


def _resolve_branches(
    specs: Mapping[str, InputSpec], branches: Mapping[str, Any]
) -> tuple[dict[str, Branch], dict[str, str]]:
    """Return the branches, and for each input the name of the input whose branch reads it."""
    for name in branches:
        if name not in specs:
            raise ValueError(
                f"'branches' must name inputs, which are {list(specs)}. Got {name!r}."
                f"{did_you_mean(name, specs)}"
            )
    values = {name: branches.get(name, spec.default_branch) for name, spec in specs.items()}
    shares = {
        name: value
        for name, value in values.items()
        if isinstance(value, str) and value in specs and value not in BRANCHES
    }
    owners = {name: _owner(name, shares) for name in specs}
    for name, owner in owners.items():
        _check_alike(specs[name], specs[owner])
    own = {name: _branch(name, values[name], specs) for name in specs if name not in shares}
    return own, owners


def _owner(name: str, shares: Mapping[str, str]) -> str:
    path = [name]
    while path[-1] in shares:
        path.append(shares[path[-1]])
        if path[-1] in path[:-1]:
            raise ValueError(
                "Of inputs that share a branch, one must have a branch of its own. Got a circle: "
                f"{' -> '.join(map(repr, path))}. Give one of them a branch such as 'dense'."
            )
    return path[-1]


def _check_alike(spec: InputSpec, owner: InputSpec) -> None:
    for field in _SHARED_FIELDS:
        ours, theirs = getattr(spec, field), getattr(owner, field)
        if ours != theirs:
            raise ValueError(
                f"Input {spec.name!r} can share the branch of {owner.name!r} only if both hold "
                f"alike arrays. Its {field} is {ours!r}, that of {owner.name!r} is {theirs!r}. "
                "Encode both alike, or give each a branch of its own."
            )


def _branch(name: str, value: Any, specs: Mapping[str, InputSpec]) -> Branch:
    if isinstance(value, str) and value not in BRANCHES:
        others = [other for other in specs if other != name]
        raise ValueError(
            f"The branch of input {name!r} must be one of {sorted(BRANCHES)}, the name of another "
            f"input ({others}), a Branch, or a Keras model or layer. Got {value!r}."
            f"{did_you_mean(value, [*BRANCHES, *others])}"
        )
    try:
        return resolve_branch(value)
    except ValueError as error:
        raise ValueError(f"Input {name!r}: {error}") from error


def _branch_network(branch: Branch, spec: InputSpec, wire: str) -> Any:
    import keras

    try:
        rows = keras.Input(spec.shape, dtype=spec.dtype, sparse=spec.sparse, name=f"{wire}-rows")
        return keras.Model(rows, _vector(branch.build(rows, spec), rows), name=wire)
    except Exception as error:
        raise ValueError(
            f"Input {spec.name!r}: {branch!r} cannot read {spec!r}. {error}"
        ) from error


def _vector(features: Any, rows: Any) -> Any:
    """Check that a branch gave features, and not the very tensor it was given."""
    import keras

    shape = getattr(features, "shape", None)
    if shape is None or len(shape) != 2 or shape[1] is None:
        raise ValueError(
            f"A branch must give one vector of features a row, of shape (batch, units). Got {shape}"
            f" from {short_repr(features)}."
        )
    if features is rows:
        return keras.layers.Identity(name="features")(features)
    return features


def _read(
    spec: InputSpec, wire: str, network: Any, inputs: dict[str, Any]
) -> tuple[Any, Any | None]:
    """Add an input, and return its features and its presence."""
    import keras

    from skmerge._layers import AbsentFeatures, NamedInput

    rows = NamedInput(
        wire, (None, *spec.shape), spec.dtype, sparse=spec.sparse, name=f"{wire}-input"
    ).output
    inputs[wire] = rows
    features = network(rows)
    if not spec.optional:
        return features, None
    present = keras.Input((1,), name=f"{wire}_present")
    inputs[present.name] = present
    return AbsentFeatures(name=f"{wire}-absent")([features, present]), present


def _merged(merge: Merge, features: list[Any], presence: list[Any], names: list[str]) -> Any:
    if len(features) == 1:
        return features[0]
    try:
        return join_in_network(merge, features, presence=presence, name="merge")
    except Exception as error:
        widths = {name: vector.shape[-1] for name, vector in zip(names, features, strict=True)}
        raise ValueError(
            f"{merge!r} cannot join the features of these inputs, of widths {widths}. {error}"
        ) from error


def _resolve_head(head: Any, dropout: float) -> Branch | None:
    if head is None:
        return None
    if is_keras_layer(head):
        return KerasBranch(head)
    if isinstance(head, Branch):
        return head
    if not isinstance(head, Iterable) or isinstance(head, str | Mapping):
        raise ValueError(
            "The 'head' must be a tuple of widths of dense layers, such as (64,), None, a Branch, "
            f"or a Keras model or layer. Got {short_repr(head)}."
        )
    widths = tuple(head)
    check_widths("head", "build_network", widths)
    return DenseBranch(widths, dropout=dropout) if widths else None


def _headed(head: Branch | None, merged: Any) -> Any:
    if head is None:
        return merged
    spec = InputSpec("merged features", "array", (merged.shape[-1],), dtype=merged.dtype)
    return _branch_network(head, spec, "head")(merged)
