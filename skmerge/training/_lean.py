"""Calls of layers with fewer operations, while a function that only predicts is traced.

Enters: a network. Leaves: for the length of the trace, other calls of some of Keras's layers, which
give the same values. On one row, the number of operations is what takes the time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import keras
import tensorflow as tf

from skmerge._calls import Call, replaced_calls, sublayers
from skmerge.training._lookups import is_plain_embedding


def lean_calls(model: keras.Model) -> AbstractContextManager[None]:
    """Replace calls of embeddings and normalisations as long as the context is open.

    Parameters
    ----------
    model : keras.Model
        The network.

    Returns
    -------
    context manager
        Nothing enters.
    """
    replacements = {}
    for _, layer in sublayers(model):
        if is_plain_embedding(layer):
            replacements[layer] = _embedding(layer)
        elif _is_plain_normalization(layer):
            replacements[layer] = _normalization(layer)
    return replaced_calls(replacements)


def _embedding(layer: Any) -> Any:
    """Look up without a look for negative ids, which are not there."""

    def replace(_: Call) -> Call:
        def call(ids: Any) -> Any:
            positions = ids if ids.dtype in {tf.int32, tf.int64} else tf.cast(ids, tf.int32)
            return tf.gather(layer.embeddings.value, positions)

        return call

    return replace


def _normalization(layer: Any) -> Any:
    """Normalise the last axis by the formula, not by way of a general batch normalisation."""

    def replace(_: Call) -> Call:
        def call(x: Any) -> Any:
            centered = x - tf.reduce_mean(x, -1, keepdims=True)
            variance = tf.reduce_mean(tf.square(centered), -1, keepdims=True)
            scale = tf.math.rsqrt(variance + layer.epsilon)
            return centered * (scale * layer.gamma.value) + layer.beta.value

        return call

    return replace


def _is_plain_normalization(layer: Any) -> bool:
    if type(layer) is not keras.layers.LayerNormalization or not layer.built:
        return False
    of_floats = layer.compute_dtype == layer.variable_dtype == "float32"
    is_last = list(layer.axis) in ([-1], [len(layer.get_build_config()["input_shape"]) - 1])
    return bool(of_floats and is_last and layer.center and layer.scale)
