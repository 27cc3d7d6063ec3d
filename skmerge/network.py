"""The network: specs of inputs, branches, a merge and a head go in, a Keras model comes out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from skmerge._errors import short_repr
from skmerge._sharing import resolve_branches
from skmerge._spec import InputSpec, TargetSpec, WideSpec
from skmerge.branches import Branch, DenseBranch, KerasBranch
from skmerge.branches._base import check_widths
from skmerge.branches._rebuild import is_keras_layer
from skmerge.merges import Merge, join_in_network, resolve_merge
from skmerge.multi_input import MultiInput

_BINARY = TargetSpec("binary", 1)

#: layers of the network that belong to no input
_RESERVED = ("merge", "head", "output", "deep", "blend")

#: normalised, fewer features would lose too much: a single one, everything
_WIDE_ENOUGH_TO_NORMALIZE = 8


def build_network(
    specs: Sequence[InputSpec] | Mapping[str, InputSpec],
    branches: Mapping[str, Any] | None = None,
    merge: Any = "concat",
    head: Any = (64,),
    target: TargetSpec = _BINARY,
    *,
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    normalize_features: bool = False,
    wide: Mapping[str, WideSpec] | None = None,
    alone: bool = False,
    n_members: int = 1,
) -> Any:
    """Build the network that reads all inputs and predicts the target.

    Each input goes through its branch, a network of its own that is the layer of the input's
    wire name: ``network.get_layer("photo")``. The merge is the layer ``"merge"``, the head
    ``"head"``, and the last layer ``"output"``. The features of a branch can be tapped at the
    layer ``"photo-features"``, the merged ones at ``"merged-features"``. Two builds with the same
    arguments have the same variables in the same order; initial weights are drawn from Python's
    `random`, as everywhere in Keras.

    A merge of predictions (``"late"``) comes after the heads: each input has a head of its own,
    ``"photo-head"``, and its prediction before the activation is the layer ``"photo-logits"``.

    Parameters
    ----------
    specs : sequence of InputSpec or mapping of str to InputSpec
        The inputs, in the order in which they are merged.
    branches : mapping of str to str, Branch, keras.Model or keras.layers.Layer, default=None
        The branch of each input by the input's name: a short name (``"conv"``, ``"dense"``,
        ``"embedding"``, ``"recurrent"``, ...), a branch, a Keras object, or the name of another
        input, whose branch is shared, weights and all. A short name means the branch even if an
        input has that name. Inputs not named get the default branch of their spec.
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
    input_dropout : float, default=0.0
        Probability of each input of a row to be taken away in training, as if the row lacked it,
        but never all of them; 0 up to 1 (excluded). Above 0, every input has a presence.
    normalize_features : bool, default=False
        Whether the features of each branch are brought to a mean of 0 and a deviation of 1 in each
        row, then scaled by learned weights (Ba 2016, "Layer Normalization", eq. 3), before several
        of them are merged. Not those of Keras objects of your own, nor of fewer than eight units,
        nor before a merge of predictions.
    wide : mapping of str to WideSpec, default=None
        Inputs that a linear model reads as well, beside the branches, and of what kind it is. Its
        weights are not trained by gradients; they are 0 until they are set, in the layers
        ``"photo-wide"`` and ``"blend"``. The deep part's prediction before the activation is then
        the layer ``"deep"``. An empty mapping is a deep part whose predictions can be scaled.
    alone : bool, default=False
        Whether, in a network with `wide`, the features of each of several inputs predict alone as
        well, by a linear layer ``"photo-alone"``. What they say counts in the output once it is
        given a factor in ``"blend"``. A merge of predictions has heads of its own instead.
    n_members : int, default=1
        How many deep parts a network with `wide` has, alike but for their initial weights; their
        predictions before the activation are averaged. The second and further ones are the layers
        ``"member-2"``, ``"member-3"`` and so on; the parts named above are the first one's.

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
    if n_members < 1:
        raise ValueError(f"'n_members' must be at least 1. Got {n_members!r}.")
    for name, share in (("dropout", dropout), ("input_dropout", input_dropout)):
        if not 0 <= share < 1:
            raise ValueError(f"The {name!r} must be at least 0 and below 1. Got {share!r}.")
    if input_dropout:
        specs = {name: replace(spec, optional=True) for name, spec in specs.items()}
    head = _resolve_head(head, dropout)
    own, owners = resolve_branches(specs, branches or {})
    wires = wire_names(specs)

    import keras

    networks = {name: _branch_network(own[name], specs[name], wires[name]) for name in own}
    inputs = {
        name: tensor for spec in specs.values() for name, tensor in _inputs(spec, wires[spec.name])
    }
    presence = _presence(specs, wires, inputs, input_dropout)
    is_late = merge.joins_predictions and len(specs) > 1
    normalizations = {}
    if normalize_features and len(specs) > 1 and not is_late:
        normalizations = {
            owner: keras.layers.LayerNormalization(name=f"{wires[owner]}-normalized")
            for owner, network in networks.items()
            if network.output.shape[-1] >= _WIDE_ENOUGH_TO_NORMALIZE
            and not isinstance(own[owner], KerasBranch)
        }
    features = {
        name: _features(
            networks[owners[name]],
            inputs[wires[name]],
            presence[name],
            wires[name],
            normalizations.get(owners[name]),
        )
        for name in specs
    }
    if is_late:
        features = {
            name: _logits(
                _dropped(vector, dropout, f"{wires[name]}-dropout"), head, target, wires[name]
            )
            for name, vector in features.items()
        }
    merged = _merged(merge, features, list(presence.values()))
    merged = keras.layers.Identity(name="merged-features")(merged)
    if wide is None and not is_late:
        output = keras.layers.Dense(
            target.n_outputs, activation=target.activation, dtype="float32", name="output"
        )
        dropped = _dropped(merged, dropout, "merged-dropout")
        return keras.Model(inputs, output(_headed(head, dropped)))
    if is_late:
        logits = merged
    else:
        last = keras.layers.Dense(target.n_outputs, dtype="float32", name="deep-output")
        logits = last(_headed(head, _dropped(merged, dropout, "merged-dropout")))
    if wide is not None:
        unknown = [name for name in wide if name not in specs]
        if unknown:
            raise ValueError(f"'wide' must name inputs, of {list(specs)}. Got {unknown[0]!r}.")
        options = {
            "dropout": dropout,
            "input_dropout": input_dropout,
            "normalize_features": normalize_features,
        }
        further = [
            _member(number, inputs, (specs, branches, merge, head, target), options)
            for number in range(2, n_members + 1)
        ]
        deep = _mean([logits, *further])
        parts = [deep]
        if alone and len(specs) > 1 and not is_late:
            parts += [
                _alone(features[name], dropout, target.n_outputs, wires[name]) for name in specs
            ]
        logits = _blended(parts, inputs, specs, wires, wide)
    output = keras.layers.Activation(target.activation, dtype="float32", name="output")
    return keras.Model(inputs, output(logits))


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


def _inputs(spec: InputSpec, wire: str) -> Iterator[tuple[str, Any]]:
    """Make the tensors of an input: its rows, and its presence if a row can lack it."""
    import keras

    from skmerge._layers import NamedInput

    shape = (None, *spec.shape)
    yield wire, NamedInput(wire, shape, spec.dtype, spec.sparse, name=f"{wire}-input").output
    if spec.optional:
        yield f"{wire}_present", keras.Input((1,), name=f"{wire}_present")


def _presence(
    specs: Mapping[str, InputSpec],
    wires: Mapping[str, str],
    inputs: Mapping[str, Any],
    input_dropout: float,
) -> dict[str, Any]:
    """Return the presence of each input, None for those that no row lacks."""
    from skmerge._layers import InputDropout

    presence = {name: inputs.get(f"{wires[name]}_present") for name in specs}
    if input_dropout and len(specs) > 1:
        left = InputDropout(input_dropout, name="input-dropout")(list(presence.values()))
        presence = dict(zip(specs, left, strict=True))
    return presence


def _features(
    network: Any, rows: Any, present: Any | None, wire: str, normalization: Any | None
) -> Any:
    import keras

    from skmerge._layers import AbsentFeatures

    features = network(rows)
    if normalization is not None:
        features = normalization(features)
    if present is not None:
        features = AbsentFeatures(name=f"{wire}-absent")([features, present])
    return keras.layers.Identity(name=f"{wire}-features")(features)


def _dropped(features: Any, dropout: float, name: str) -> Any:
    import keras

    return keras.layers.Dropout(dropout, name=name)(features) if dropout else features


def _logits(features: Any, head: Branch | None, target: TargetSpec, wire: str) -> Any:
    import keras

    headed = _headed(head, features, f"{wire}-head")
    return keras.layers.Dense(target.n_outputs, dtype="float32", name=f"{wire}-logits")(headed)


def _merged(merge: Merge, features: dict[str, Any], presence: list[Any]) -> Any:
    if len(features) == 1:
        return next(iter(features.values()))
    try:
        return join_in_network(merge, list(features.values()), presence=presence, name="merge")
    except Exception as error:
        widths = {name: vector.shape[-1] for name, vector in features.items()}
        raise ValueError(
            f"{merge!r} cannot join the features of these inputs, of widths {widths}. {error}"
        ) from error


def _member(number: int, inputs: Any, parts: tuple[Any, ...], options: Mapping[str, Any]) -> Any:
    """Return what another deep part predicts, before the activation."""
    specs, branches, merge, head, target = parts
    linear = replace(target, output_activation="linear")
    network = build_network(specs, branches, merge, head, linear, **options)
    network.name = f"member-{number}"
    return network(inputs)


def _mean(members: list[Any]) -> Any:
    import keras

    if len(members) > 1:
        return keras.layers.Average(dtype="float32", name="deep")(members)
    return keras.layers.Identity(dtype="float32", name="deep")(members[0])


def _alone(features: Any, dropout: float, n_outputs: int, wire: str) -> Any:
    import keras

    dropped = _dropped(features, dropout, f"{wire}-alone-dropout")
    return keras.layers.Dense(n_outputs, dtype="float32", name=f"{wire}-alone")(dropped)


def _blended(
    deep: list[Any],
    inputs: Mapping[str, Any],
    specs: Mapping[str, InputSpec],
    wires: Mapping[str, str],
    wide: Mapping[str, WideSpec],
) -> Any:
    """Set linear models on the inputs beside the deep part's predictions."""
    import keras

    from skmerge._layers import Blend, WideTable, WideWords

    n_outputs = deep[0].shape[-1]
    parts = []
    for name, of_input in wide.items():
        spec, layer_name = specs[name], f"{wires[name]}-wide"
        if spec.vocabulary_size is not None:
            layer = WideWords(
                spec.vocabulary_size, of_input.n_pairs, n_outputs, name=layer_name, dtype="float32"
            )
        else:
            layer = WideTable(
                spec.number_columns,
                spec.code_columns,
                spec.cardinalities,
                of_input.n_bins,
                n_outputs,
                n_crossed=of_input.n_crossed,
                name=layer_name,
                dtype="float32",
            )
        part = layer(inputs[wires[name]])
        present = inputs.get(f"{wires[name]}_present")
        if present is not None:
            part = keras.layers.Multiply(dtype="float32")([part, present])
        parts.append(part)
    return Blend(len(deep), dtype="float32", name="blend")([*deep, *parts])


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


def _headed(head: Branch | None, merged: Any, name: str = "head") -> Any:
    if head is None:
        return merged
    spec = InputSpec("merged features", "array", (merged.shape[-1],), dtype=merged.dtype)
    return _branch_network(head, spec, name)(merged)
