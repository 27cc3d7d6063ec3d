"""Calls with fewer operations give what the layers' own give, and are left when the trace ends."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from skmerge.training._lean import lean_calls

IDS = np.array([[3, 1, 0], [2, 2, 5]], dtype="int32")


def network(*layers):
    inputs = keras.Input((3,), dtype="int32")
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def n_operations(model):
    function = tf.function(lambda x: model(x, training=False), autograph=False)
    return len(function.get_concrete_function(tf.constant(IDS)).graph.get_operations())


def test_values_are_those_of_keras_with_fewer_operations():
    model = network(keras.layers.Embedding(6, 8), keras.layers.LayerNormalization())
    own, n_own = model(IDS), n_operations(model)
    with lean_calls(model):
        lean, n_lean = model(IDS), n_operations(model)
    assert_allclose(lean, own, rtol=1e-5, atol=1e-6)
    assert n_lean < 0.7 * n_own
    assert n_operations(model) == n_own, "left as they were"


def test_normalisation_is_the_formula():
    """Ba 2016, "Layer Normalization", eq. 3."""
    model = network(keras.layers.Embedding(6, 8), keras.layers.LayerNormalization(epsilon=0.1))
    table, gamma, beta = model.get_weights()
    x = table[IDS]
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    with lean_calls(model):
        lean = model(IDS)
    assert_allclose(lean, (x - mean) / np.sqrt(variance + 0.1) * gamma + beta, rtol=1e-4)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.LayerNormalization(axis=1),
        keras.layers.LayerNormalization(axis=(1, 2)),
        keras.layers.LayerNormalization(scale=False),
        keras.layers.LayerNormalization(center=False),
        keras.layers.LayerNormalization(dtype="mixed_float16"),
        keras.layers.GroupNormalization(2),
    ],
    ids=["axis", "axes", "no-scale", "no-center", "float16", "group"],
)
def test_others_are_left_alone(layer):
    model = network(keras.layers.Embedding(6, 8), layer)
    own = model(IDS)
    with lean_calls(model):
        assert "call" not in vars(layer)
        assert_array_equal(model(IDS), own)
