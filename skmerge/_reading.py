"""Taps into a built network: what its branches and its merge give, row by row.

Enters: a network of `skmerge.build_network`. Leaves: a Keras model from the same inputs, with the
same weights, to the part asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skmerge._spec import InputSpec
from skmerge.network import wire_names


def merged_features(network: Any) -> Any:
    """Return a model of the merged features.

    Parameters
    ----------
    network : keras.Model
        The network.

    Returns
    -------
    keras.Model
        From the network's inputs to features of shape ``(batch, units)``.
    """
    import keras

    return keras.Model(network.input, network.get_layer("merged-features").output)


def branch_features(network: Any, specs: Mapping[str, InputSpec]) -> Any:
    """Return a model of the features of each branch.

    Parameters
    ----------
    network : keras.Model
        The network.
    specs : mapping of str to InputSpec
        Its inputs.

    Returns
    -------
    keras.Model
        From the network's inputs to a dict of features, each of shape ``(batch, units)``, by the
        inputs' wire names.
    """
    import keras

    features = {
        wire: network.get_layer(f"{wire}-features").output for wire in wire_names(specs).values()
    }
    return keras.Model(network.input, features)


def branch_logits(network: Any, specs: Mapping[str, InputSpec]) -> list[Any]:
    """Return what each branch's own head predicts, before the activation.

    Parameters
    ----------
    network : keras.Model
        A network whose merge joins predictions.
    specs : mapping of str to InputSpec
        Its inputs.

    Returns
    -------
    list of KerasTensor of shape (batch, n_outputs)
        The predictions; empty if the branches have no heads of their own.
    """
    names = {layer.name for layer in network.layers}
    wires = wire_names(specs).values()
    return [
        network.get_layer(f"{wire}-logits").output for wire in wires if f"{wire}-logits" in names
    ]


def merge_gates(network: Any, specs: Mapping[str, InputSpec]) -> Any | None:
    """Return a model of the weights that a merge gives to the inputs of each row.

    Parameters
    ----------
    network : keras.Model
        The network.
    specs : mapping of str to InputSpec
        Its inputs.

    Returns
    -------
    keras.Model or None
        From the network's inputs to weights of shape ``(batch, n_inputs, k)``. None if the merge
        has no such weights.
    """
    import keras

    if "merge" not in {layer.name for layer in network.layers}:
        return None
    merge = network.get_layer("merge")
    gates = _gates(merge)
    if gates is None:
        return None
    wires = wire_names(specs)
    features = branch_logits(network, specs) or [
        network.get_layer(f"{wire}-features").output for wire in wires.values()
    ]
    given = {f"features-{position}": each for position, each in enumerate(features)}
    for position, (name, spec) in enumerate(specs.items()):
        if spec.optional:
            given[f"present-{position}"] = network.input[f"{wires[name]}_present"]
    outer = [given[tensor.name] for tensor in merge.inputs]
    return keras.Model(network.input, keras.Model(merge.inputs, gates)(outer))


def _gates(merge: Any) -> Any | None:
    """Return the weights of a merge's network, those of the merges of a list side by side."""
    from keras import Model, ops

    layers = {layer.name: layer for layer in merge.layers}
    if "gates" in layers:
        return layers["gates"].output
    given = [_projected(tensor, position, layers) for position, tensor in enumerate(merge.inputs)]
    inner = [layer for layer in layers.values() if isinstance(layer, Model)]
    found = [(network, _gates(network)) for network in inner]
    parts = [
        Model(network.inputs, gates)(given[: len(network.inputs)])
        for network, gates in found
        if gates is not None
    ]
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else next(iter(parts), None)


def _projected(tensor: Any, position: int, layers: Mapping[str, Any]) -> Any:
    """Return what the merges of a list get in place of the list's own input."""
    is_features = tensor.name.startswith("features")
    projection = layers.get(f"project_{position}") if is_features else None
    return tensor if projection is None else projection.output


def deep_logits(network: Any) -> Any:
    """Return what a network with a wide part predicts without it, before the activation.

    Parameters
    ----------
    network : keras.Model
        The network.

    Returns
    -------
    keras.Model or None
        From the network's inputs to predictions of shape ``(batch, n_outputs)``, a list where there
        are several: that of all inputs together, then that of each input alone. None where the
        network has no wide part, and nothing to scale.
    """
    import keras

    names = [layer.name for layer in network.layers]
    if "blend" not in names:
        return None
    blend = network.get_layer("blend")
    given = keras.tree.flatten(blend.input)  # which is no list where there is a single one
    return keras.Model(network.input, given[: blend.n_scaled])


def member_logits(network: Any) -> list[Any]:
    """Return what each of several deep parts of a network predicts, before the activation.

    Parameters
    ----------
    network : keras.Model
        A network with a wide part.

    Returns
    -------
    list of KerasTensor of shape (batch, n_outputs)
        The predictions; empty where there is but one deep part.
    """
    given = network.get_layer("deep").input
    return list(given) if isinstance(given, list) else []
