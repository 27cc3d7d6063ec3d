"""Several deep networks at once: each trained by its own loss, and averaged; and the patience."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, MergedNetClassifier, MergedNetRegressor, TargetSpec, build_network
from skmerge._auto import n_members_of, patience_of
from skmerge._network_parts import describe
from skmerge._reading import member_logits
from skmerge.network import network_inputs
from skmerge.training._step import TrainingStep

SPECS = (InputSpec("left", "array", (8,)), InputSpec("right", "array", (5,)))
RNG = np.random.default_rng(0)
ROWS = {"left": RNG.normal(size=(12, 8)), "right": RNG.normal(size=(12, 5))}
ROWS = {name: tf.constant(array, tf.float32) for name, array in ROWS.items()}
TARGETS = tf.constant(RNG.integers(0, 2, (12, 1)), tf.float32)
FRAME = pd.DataFrame({
    "size": RNG.normal(size=260),
    "note": [f"word{number} of many" for number in RNG.integers(0, 90, 260)],
})  # fmt: skip
LABELS = (FRAME["size"] > 0) | (FRAME["note"] > "word7")


def built(n_members=3, **options):
    keras.utils.set_random_seed(1)
    target = TargetSpec("binary", 1)
    return build_network(SPECS, head=(6,), target=target, wide={}, n_members=n_members, **options)


def step_of(network, auxiliary=0.0):
    network.compile(keras.optimizers.SGD(0.5), "binary_crossentropy")
    return TrainingStep(network, weight=auxiliary)


def fitted(**parameters):
    settings = {"epochs": 2, "head": (8,), "early_stopping": True, "random_state": 0}
    return MergedNetClassifier(**(settings | parameters)).fit(FRAME, LABELS)


class TestNetwork:
    def test_predictions_are_averaged_before_the_activation(self):
        network = built()
        deep = keras.Model(network.input, network.get_layer("deep").output)(ROWS)
        members = keras.Model(network.input, member_logits(network))(ROWS)
        assert len(members) == 3
        assert np.ptp([np.asarray(each) for each in members], axis=0).min() > 1e-4
        assert_allclose(deep, np.mean(members, axis=0), rtol=1e-5, atol=1e-7)
        assert_allclose(network(ROWS), tf.sigmoid(deep), rtol=1e-5)

    def test_each_has_all_the_weights_of_one(self):
        counts = [built(n).count_params() - 2 for n in (1, 2, 3)]  # without factor and bias
        assert counts[1] == 2 * counts[0]
        assert counts[2] == 3 * counts[0]
        assert member_logits(built(1)) == []

    def test_none_is_an_error(self):
        with pytest.raises(ValueError, match="'n_members' must be at least 1"):
            built(0)


class TestStep:
    def test_each_is_trained_as_if_it_were_alone(self):
        network = built(normalize_features=True, dropout=0.0)
        members = [
            keras.Model(network.input, keras.layers.Activation("sigmoid")(logits))
            for logits in member_logits(network)
        ]
        weights = tf.constant(RNG.uniform(0.5, 2, 12), tf.float32)
        expected = {}
        for member in members:
            with tf.GradientTape() as tape:
                losses = keras.losses.binary_crossentropy(TARGETS, member(ROWS))
                loss = tf.reduce_mean(losses * weights)
            variables = [variable.value for variable in member.trainable_variables]
            for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
                expected[variable.ref()] = variable.numpy() - 0.5 * gradient.numpy()
        assert len(expected) == len(network.trainable_variables)
        step_of(network)((ROWS, TARGETS, weights))
        for variable in network.trainable_variables:
            assert_allclose(variable.numpy(), expected[variable.value.ref()], rtol=1e-4, atol=1e-6)

    def test_the_loss_told_is_that_of_the_mean(self):
        network = built()
        step = step_of(network)
        expected = keras.losses.binary_crossentropy(TARGETS, network(ROWS))
        step((ROWS, TARGETS, tf.ones(12)))
        told = network.get_metrics_result()["loss"]
        assert_allclose(told, tf.reduce_mean(expected), rtol=1e-5)

    def test_penalties_of_weights_count_once(self):
        def with_penalty():
            kernel = {"kernel_regularizer": keras.regularizers.L2(0.3)}
            head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, **kernel)])
            keras.utils.set_random_seed(1)
            specs = [InputSpec("left", "array", (8,))]
            branches = {"left": keras.layers.Dense(8)}
            return build_network(specs, branches, head=head, wide={}, n_members=2)

        network = with_penalty()
        step = step_of(network)
        further = [tf.constant(0.25), tf.constant(0.5)]
        total = step._total(tf.constant(9.0), further)
        assert len(network.losses) == 2
        assert_allclose(total, 0.75 + sum(network.losses), rtol=1e-6)


class TestEstimator:
    def test_they_are_in_the_network_and_read_at_once(self):
        model = fitted(n_members=2)
        names = [layer.name for layer in model._trainer.model_.layers]
        assert "member-2" in names
        assert "member-3" not in names
        rows = model.router_.transform(FRAME)
        deep = model._trainer.reading("deep", network_inputs(rows), len(rows))
        assert len(deep) == 1 + len(model.specs_)
        again = pickle.loads(pickle.dumps(model))
        assert_array_equal(again.predict_proba(FRAME), model.predict_proba(FRAME))

    def test_a_seed_gives_the_same_again(self):
        first = fitted(n_members=2).predict_proba(FRAME)
        assert_array_equal(fitted(n_members=2).predict_proba(FRAME), first)
        assert np.abs(fitted(n_members=1).predict_proba(FRAME) - first).max() > 1e-4

    @pytest.mark.parametrize("merge", ["late", "gated", "multiply", ["concat", "sum"]])
    def test_any_merge_has_them(self, merge):
        model = fitted(n_members=2, merge=merge)
        assert "member-2" in [layer.name for layer in model._trainer.model_.layers]
        assert model.predict_proba(FRAME).shape == (260, 2)

    def test_input_dropout_goes_with_them(self):
        model = fitted(n_members=2, input_dropout=0.3)
        assert model.predict(FRAME.drop(columns="note")).shape == (260,)

    def test_without_held_out_rows_there_is_one(self):
        model = fitted(n_members=3, early_stopping=False)
        assert "member-2" not in [layer.name for layer in model._trainer.model_.layers]

    def test_numbers_are_averaged_as_well(self):
        model = MergedNetRegressor(n_members=2, epochs=2, random_state=0).fit(FRAME, FRAME["size"])
        assert "member-2" in [layer.name for layer in model._trainer.model_.layers]


@pytest.mark.parametrize(
    ("n_rows", "n_values", "expected"),
    [
        (50, 10, 3),
        (33_333, 100, 3),
        (40_000, 100, 2),
        (60_000, 100, 1),
        (4_000, 64 * 64 * 3, 3),
        (4_001, 64 * 64 * 3, 2),
        (6_000, 64 * 64 * 3, 2),
        (6_001, 64 * 64 * 3, 1),
        (50, 10**9, 1),
        (10, 0, 3),
    ],
)
def test_what_takes_long_gets_fewer_members(n_rows, n_values, expected):
    assert n_members_of("auto", n_rows, n_values) == expected
    assert n_members_of(4, n_rows, n_values) == 4


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "expected"),
    [(384, 16, 21), (3200, 32, 5), (1371, 32, 12), (10, 16, 500)],
)
def test_short_epochs_get_more_patience(n_rows, batch_size, expected):
    assert patience_of("auto", n_rows, batch_size) == expected
    assert patience_of(3, n_rows, batch_size) == 3


def test_the_drawing_counts_the_last_layer_and_what_stands_beside():
    model = fitted(n_members=2)
    drawing = describe(model)
    assert drawing.output.n_parameters == 8 + 1  # a weight for each unit of the head, and a bias
    member = model._trainer.model_.get_layer("member-2").count_params()
    assert member < drawing.rest < drawing.n_parameters
