"""What makes two networks the same network: a plan and a compile configuration go in, a key leaves.

Only what Keras and this package define is compared: a function or a class of the user's may depend
on more than its name, and a network with one is not used again.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn.base import BaseEstimator

from skmerge._calls import sublayers
from skmerge._spec import InputSpec, TargetSpec, WideSpec
from skmerge.branches import KerasBranch
from skmerge.training._compile import Compilation, Recipe
from skmerge.training._plan import NetworkPlan

_PLAIN = (bool, int, float, str, bytes, np.generic, InputSpec, TargetSpec, WideSpec)
_STATELESS = (
    keras.Initializer,
    keras.Loss,
    keras.Metric,
    keras.Regularizer,
    keras.constraints.Constraint,
    keras.optimizers.Optimizer,
    keras.optimizers.schedules.LearningRateSchedule,
)
#: settings that are values in variables, and change without another graph
_VALUES = ("learning_rate", "weight_decay", "name")


def structure_of(plan: NetworkPlan, compiled: Compilation) -> Hashable | None:
    """Return a key that networks share if one can stand in for the other.

    Parameters
    ----------
    plan : NetworkPlan
        What is built.
    compiled : Compilation
        What it is compiled with.

    Returns
    -------
    hashable or None
        The key; None if the network holds something whose sameness cannot be told.
    """
    parts = [getattr(plan, name) for name in ("branches", "merge", "head", "target")]
    try:
        return (
            plan.roomy_specs(),
            _key([*parts, plan.dropout, plan.input_dropout, plan.normalize_features]),
            _key([plan.wide, plan.auxiliary, plan.n_members]),
            _optimizer_key(compiled.optimizer),
            _key([compiled.loss, compiled.metrics]),
            _surroundings(),
        )
    except _Unknown:
        return None


def is_known(value: Any) -> bool:
    """Say whether a class or function is of Keras or of this package.

    Parameters
    ----------
    value : type or function
        The class or function.

    Returns
    -------
    bool
        False for what the user made, which may depend on more than its name.
    """
    return str(value.__module__).partition(".")[0] in {"keras", "skmerge"}


class _Unknown(Exception):
    """Something is not known well enough to be compared."""


def _key(value: Any) -> Hashable:
    key: Hashable
    if value is None or isinstance(value, _PLAIN):
        key = type(value), value
    elif isinstance(value, Recipe):
        key = _known(value.made_class), _key(value.config)
    elif isinstance(value, list | tuple):
        key = type(value), tuple(map(_key, value))
    elif isinstance(value, Mapping):
        key = dict, tuple((name, _key(entry)) for name, entry in value.items())
    elif isinstance(value, type | FunctionType | BuiltinFunctionType):
        key = _known(value)
    elif isinstance(value, keras.Layer):
        key = _layer_key(value)
    else:
        key = _known(type(value)), _key(_parameters(value))
    return key


def _parameters(value: Any) -> Any:
    """Return the parameters that an object of known class is made from again."""
    keeps_weights = isinstance(value, KerasBranch) and value.weights == "keep"
    if isinstance(value, BaseEstimator) and not keeps_weights:
        return value.get_params(deep=False)
    if isinstance(value, _STATELESS):
        return value.get_config()
    raise _Unknown


def _known(value: Any) -> Any:
    if not is_known(value):
        raise _Unknown
    return value


def _layer_key(layer: Any) -> Hashable:
    for part in (layer, *(part for _, part in sublayers(layer))):
        _known(type(part))
        if isinstance(part, keras.layers.Lambda):
            raise _Unknown
    config = keras.saving.serialize_keras_object(layer)
    try:
        return type(layer), json.dumps(config, sort_keys=True)
    except (TypeError, ValueError):
        raise _Unknown from None


def _optimizer_key(optimizer: Recipe) -> Hashable:
    known, config = _known(optimizer.made_class), dict(optimizer.config)
    has_decay = config.get("weight_decay") is not None
    values = {name: config.pop(name, None) for name in _VALUES}
    rate = values["learning_rate"]
    is_number = rate is None or isinstance(rate, int | float | np.number)
    return known, _key(config), has_decay, None if is_number else _key(rate)


def _surroundings() -> Hashable:
    """Return the global settings that a network is built and traced under."""
    return (
        keras.config.floatx(),
        keras.config.epsilon(),
        keras.config.image_data_format(),
        keras.config.dtype_policy().name,
        tf.config.functions_run_eagerly(),
        tf.constant(0).device,
    )
