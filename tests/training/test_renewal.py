"""Networks made as good as new: every value is drawn again, and depends on the seed alone."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skmerge import InputSpec, TargetSpec, build_network
from skmerge.training._renewal import InitializerLog, Renewal

SPECS = (
    InputSpec("photo", "image", (8, 8, 1), "uint8", "conv", optional=True),
    InputSpec("note", "text", (6,), "int32", "recurrent", vocabulary_size=30),
    InputSpec("table", "tabular", (3,), code_columns=(2,), cardinalities=(5,)),
)


def network_and_renewal(build, optimizer="adam"):
    log = InitializerLog()
    with log.recording():
        network = build()
    network.compile(optimizer, "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network, Renewal(network, log)


def merged():
    return build_network(SPECS, None, "gated", (8,), TargetSpec("binary", 1), dropout=0.2)


def values_of(network):
    return [v.numpy() for v in [*network.variables, *network.optimizer.variables]]


def disturb(network):
    for variable in [*network.variables, *network.optimizer.variables]:
        variable.assign(variable.numpy() + 1)


@pytest.mark.parametrize("optimizer", ["adam", "nadam", "ftrl", "adagrad", "sgd", "lion"])
def test_every_value_is_as_it_was_for_the_same_seed(optimizer):
    network, renewal = network_and_renewal(merged, optimizer)
    assert renewal.is_complete
    renewal.renew(3)
    before = values_of(network)
    disturb(network)
    renewal.renew(3)
    for value, expected in zip(values_of(network), before, strict=True):
        assert_array_equal(value, expected)


def test_two_networks_of_one_plan_get_the_same_values():
    (first, renewal), (second, other) = (network_and_renewal(merged) for _ in range(2))
    renewal.renew(5)
    disturb(second)
    other.renew(5)
    for value, expected in zip(values_of(second), values_of(first), strict=True):
        assert_array_equal(value, expected)


def test_another_seed_gives_other_weights_and_another_dropout():
    network, renewal = network_and_renewal(merged)
    renewal.renew(0)
    before = [v.numpy() for v in network.variables]
    renewal.renew(1)
    for variable, value in zip(network.variables, before, strict=True):
        is_drawn = "seed_generator" in variable.path or variable.path.endswith(
            ("kernel", "embeddings", "width_4")
        )
        same = (variable.numpy() == value).all()
        assert same != is_drawn, variable.path


def test_weights_follow_their_own_initializers():
    def build():
        x = keras.Input((400,), name="x")
        layers = [
            keras.layers.Dense(
                100, "relu", kernel_initializer="he_normal", bias_initializer="ones"
            ),
            keras.layers.Dense(100, kernel_initializer=keras.initializers.RandomUniform(2, 3)),
            keras.layers.Dense(1, kernel_initializer="orthogonal", name="output"),
        ]
        y = x
        for layer in layers:
            y = layer(y)
        return keras.Model({"x": x}, y)

    network, renewal = network_and_renewal(build)
    disturb(network)
    renewal.renew(0)
    first, bias, second, zeros, third, _ = (v.numpy() for v in network.variables)
    assert first.std() == pytest.approx(np.sqrt(2 / 400), rel=0.05)
    assert (bias == 1).all()
    assert (zeros == 0).all()
    assert 2 <= second.min() < 2.01
    assert 2.99 < second.max() <= 3
    assert (third**2).sum() == pytest.approx(1, rel=1e-4)


def test_a_seed_of_the_users_own_stays():
    def build():
        x = keras.Input((4,), name="x")
        fixed = keras.initializers.GlorotUniform(seed=7)
        y = keras.layers.Dense(3, kernel_initializer=fixed)(x)
        y = keras.layers.Dropout(0.5, seed=11)(y)
        return keras.Model({"x": x}, keras.layers.Dense(1)(y))

    network, renewal = network_and_renewal(build)
    renewal.renew(0)
    kernel = network.variables[0].numpy()
    (state,) = [v.numpy() for v in network.variables if "seed_generator" in v.path]
    assert_array_equal(state, [11, 0])
    assert_array_equal(kernel, keras.initializers.GlorotUniform(seed=7)((4, 3)))
    renewal.renew(1)
    assert_array_equal(network.variables[0].numpy(), kernel)


class OwnLayer(keras.layers.Layer):
    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.scale


class OwnInitializer(keras.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)


class Unrecorded(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.scale = keras.Variable(2.0)

    def call(self, inputs):
        return inputs * self.scale


@pytest.mark.parametrize(
    "layer",
    [
        OwnLayer(),
        Unrecorded(),
        keras.layers.Dense(2, kernel_initializer=OwnInitializer()),
        keras.layers.Dense(2, kernel_initializer=lambda shape, dtype=None: keras.ops.ones(shape)),
        keras.layers.Dense(
            2,
            kernel_initializer=keras.initializers.RandomNormal(seed=keras.random.SeedGenerator(0)),
        ),
    ],
    ids=["layer", "variable", "initializer", "function", "generator"],
)
def test_a_network_with_what_only_the_user_knows_is_not_complete(layer):
    def build():
        x = keras.Input((2,), name="x")
        return keras.Model({"x": x}, type(layer).from_config(layer.get_config())(x))

    if type(layer) is keras.layers.Dense:

        def build():
            x = keras.Input((2,), name="x")
            dense = keras.layers.Dense(2, kernel_initializer=layer.kernel_initializer)
            return keras.Model({"x": x}, dense(x))

    elif type(layer) is Unrecorded:

        def build():
            x = keras.Input((2,), name="x")
            return keras.Model({"x": x}, Unrecorded()(x))

    _, renewal = network_and_renewal(build)
    assert not renewal.is_complete


def test_layers_add_weights_as_before_once_recording_is_over():
    own = keras.layers.Layer.add_weight
    with pytest.raises(ValueError, match="invalid literal"), InitializerLog().recording():
        int("no number")
    assert keras.layers.Layer.add_weight is own
