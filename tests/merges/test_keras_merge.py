"""Keras's own merging layers, and any layer that takes a list, as merges."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skmerge import InputSpec, build_network
from skmerge.merges import KerasMerge, join_in_network

ROWS = [np.random.default_rng(seed).normal(size=(4, 3)).astype("float32") for seed in (0, 1)]


def joining(merge, widths):
    import keras

    features = [keras.Input((width,)) for width in widths]
    return keras.Model(features, merge.join(features))


@pytest.mark.parametrize(
    ("name", "options", "formula"),
    [
        ("Add", {}, lambda x, y: x + y),
        ("Subtract", {}, lambda x, y: x - y),
        ("Multiply", {}, lambda x, y: x * y),
        ("Average", {}, lambda x, y: (x + y) / 2),
        ("Maximum", {}, np.maximum),
        ("Minimum", {}, np.minimum),
        ("Concatenate", {}, lambda x, y: np.concatenate([x, y], axis=1)),
        ("Dot", {"axes": 1}, lambda x, y: (x * y).sum(axis=1, keepdims=True)),
    ],
)
def test_merging_layers_of_keras(name, options, formula):
    from keras import layers

    layer = getattr(layers, name)(**options)
    model = joining(KerasMerge(layer), [3, 3])
    assert layer not in model.layers
    assert_allclose(model(ROWS), formula(*ROWS), rtol=1e-4, atol=1e-6)

    width = 2 + 4 if name == "Concatenate" else formula(*ROWS).shape[1] + (name != "Dot")
    assert joining(KerasMerge(layer), [2, 4]).output_shape == (None, width)


def test_layer_of_ones_own_is_projected_only_to_given_units():
    import keras

    @keras.saving.register_keras_serializable(package="tests")
    class Outer(keras.layers.Layer):
        def call(self, inputs):
            x, y = inputs
            return keras.ops.expand_dims(x, 2) * keras.ops.expand_dims(y, 1)

    assert joining(KerasMerge(Outer()), [2, 3]).output_shape == (None, 6)
    model = joining(KerasMerge(Outer(), units=2), [2, 3])
    assert model.output_shape == (None, 4)
    assert len(model.weights) == 2


def test_function_makes_a_layer():
    from keras import layers

    assert joining(KerasMerge(layers.Add), [3, 3]).output_shape == (None, 3)


def test_copies_read_the_same_layer_and_pickles_hold_it():
    from keras import layers

    merge = KerasMerge(layers.Concatenate(axis=-1), units=2)
    assert clone(merge).network is merge.network
    other = pickle.loads(pickle.dumps(merge))
    assert type(other.network) is layers.Concatenate
    assert other.units == 2


def test_merge_must_give_vectors():
    import keras

    class Spread(keras.layers.Layer):
        def call(self, inputs):
            return list(inputs)

    features = [keras.Input((2,)), keras.Input((2,))]
    with pytest.raises(ValueError, match=r"KerasMerge must give one tensor.* list of 2"):
        join_in_network(KerasMerge(Spread), features, name="merge")


def test_failure_names_the_inputs_and_their_widths():
    from keras import layers

    specs = [InputSpec("left", "array", (2,)), InputSpec("right", "array", (3,))]
    branches = {"left": layers.Identity(), "right": layers.Identity()}
    with pytest.raises(
        ValueError, match=r"KerasMerge.* cannot join.*\{'left': 2, 'right': 3\}\. "
    ) as caught:
        build_network(specs, branches, merge=layers.Concatenate(axis=0))
    assert caught.value.__cause__ is not None
