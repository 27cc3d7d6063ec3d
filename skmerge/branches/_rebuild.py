"""The user's own Keras objects: recognised, copied and pickled, and never built upon themselves.

Enters: a Keras model or layer of the user's. Leaves: a new one of the same configuration.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, NamedTuple

from skmerge._errors import short_repr


def is_keras_layer(value: object) -> bool:
    """Say whether a value is a Keras layer or model, without importing Keras.

    Parameters
    ----------
    value : object
        Any value.

    Returns
    -------
    bool
        True for an instance of a Keras layer; models are layers.
    """
    keras = sys.modules.get("keras")
    return keras is not None and isinstance(value, keras.layers.Layer)


def rebuilt(network: Any) -> Any:
    """Make a new Keras layer or model of the same configuration, with new random weights.

    Parameters
    ----------
    network : keras.layers.Layer, or callable
        A layer, a model, or a function without arguments that makes either.

    Returns
    -------
    keras.layers.Layer
        The new one; what the function made, if it is one.

    Raises
    ------
    ValueError
        If `network` is neither, or its class does not say how to make another.
    """
    if is_keras_layer(network):
        return _from_configuration(network)
    made = network() if callable(network) else None
    if not is_keras_layer(made):
        given = "it returned " + short_repr(made) if callable(network) else "Got " + repr(network)
        raise ValueError(
            "The 'network' must be a Keras layer or model, or a function without arguments that "
            f"makes one; {given}."
        )
    return made


def _from_configuration(network: Any) -> Any:
    import keras

    try:
        return type(network).from_config(network.get_config())
    except (TypeError, ValueError, NotImplementedError) as error:
        failure = error
    if isinstance(network, keras.Function):
        # a functional model of a class of its own is still known by its graph
        try:
            return keras.models.clone_model(network)
        except (TypeError, ValueError, NotImplementedError) as error:
            failure = error
    raise ValueError(
        f"{network!r} must be rebuilt for every network, and cannot be from its configuration "
        f"({_first_line(failure)}). Define get_config() on {type(network).__name__} to return the "
        "arguments of its __init__, or give a function without arguments that makes it."
    ) from failure


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


class _Packed(NamedTuple):
    """A Keras object in parts that any pickle can hold."""

    network_class: Any
    config: dict[str, Any]
    build_config: dict[str, Any] | None
    weights: list[Any]

    def unpack(self) -> Any:
        # some from_config take out of the dict what they have read
        network = self.network_class.from_config(deepcopy(self.config))
        if not network.built and self.build_config:
            network.build_from_config(self.build_config)
        if self.weights:
            network.set_weights(self.weights)
        return network


def _packed(network: Any) -> Any:
    """Return the parts of a Keras object; itself where it has no usable configuration."""
    parts = _Packed(
        type(network),
        network.get_config(),
        network.get_build_config() if network.built else None,
        network.get_weights(),
    )
    try:
        parts.unpack()
    except (TypeError, ValueError, NotImplementedError):
        return network
    return parts


class HoldsNetwork:
    """Mixin of a spec whose parameter `network` is the user's Keras object.

    Networks are only read, so copies of the spec share theirs: copying a Keras object goes
    through a file, and fails for classes that are not registered with Keras. A pickle holds
    its class, configuration and weights. Goes to the left of ``BaseEstimator``.
    """

    network: Any
    get_params: ClassVar[Callable[..., dict[str, Any]]]

    def __sklearn_clone__(self) -> Any:
        return type(self)(**self.get_params(deep=False))

    def __copy__(self) -> Any:
        return self.__sklearn_clone__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.__sklearn_clone__()

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        if is_keras_layer(self.network):
            return state | {"network": _packed(self.network)}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        network = state["network"]
        if isinstance(network, _Packed):
            state = state | {"network": network.unpack()}
        super().__setstate__(state)  # type: ignore[misc]
