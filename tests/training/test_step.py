"""The losses of what each input predicts for itself: one step against plain gradients."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, MergedNetClassifier, TargetSpec, build_network
from skmerge._reading import branch_logits
from skmerge.merges import Late
from skmerge.training._step import TrainingStep

SPECS = {name: InputSpec(name, "array", (3,)) for name in ("left", "right")}


def batch_of(n_rows=8):
    rng = np.random.default_rng(0)
    inputs = {name: tf.constant(rng.normal(size=(n_rows, 3)), tf.float32) for name in SPECS}
    targets = tf.constant(rng.integers(0, 2, (n_rows, 1)), tf.float32)
    return inputs, targets, tf.constant(rng.random(n_rows), tf.float32)


def network_of(regularizer=None):
    keras.utils.set_random_seed(0)
    left = keras.Sequential([keras.layers.Dense(4, kernel_regularizer=regularizer)])
    network = build_network(SPECS, {"left": left}, Late("learned"), (4,), TargetSpec("binary", 1))
    network.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return network


@pytest.mark.parametrize("regularizer", [None, "l2"])
def test_step_follows_the_loss_plus_the_mean_of_the_branches_losses(regularizer):
    network = network_of(regularizer)
    inputs, targets, weights = batch_of()
    logits = branch_logits(network, SPECS)
    full = keras.Model(network.input, [network.output, *logits])
    loss_of = keras.losses.BinaryCrossentropy()
    with tf.GradientTape() as tape:
        output, *own = full(inputs, training=True)
        own_losses = [loss_of(targets, tf.sigmoid(x), sample_weight=weights) for x in own]
        main = loss_of(targets, output, sample_weight=weights) + sum(network.losses)
        total = main + 0.5 * sum(own_losses) / 2
    gradients = tape.gradient(total, network.trainable_variables)
    expected = [
        variable.numpy() - 0.01 * gradient.numpy()
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
    ]

    TrainingStep(network, logits, 0.5)((inputs, targets, weights))
    for variable, value in zip(network.trainable_variables, expected, strict=True):
        assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-6)
    results = network.get_metrics_result()
    assert_allclose(results["loss"], main, rtol=1e-5)
    assert set(results) == {"loss", "accuracy"}


def network_with_alone(regularizer=None):
    keras.utils.set_random_seed(0)
    left = keras.Sequential([keras.layers.Dense(4, kernel_regularizer=regularizer)])
    network = build_network(
        SPECS,
        {"left": left},
        head=(4,),
        target=TargetSpec("binary", 1),
        normalize_features=True,
        wide={},
        alone=True,
    )
    network.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return network


@pytest.mark.parametrize("weight", [0.5, 3.0])
@pytest.mark.parametrize("regularizer", [None, "l2"])
def test_step_follows_the_loss_plus_the_mean_loss_of_what_each_input_predicts(regularizer, weight):
    network = network_with_alone(regularizer)
    network.get_layer("blend").set_weights([*np.float32([0.2, 5, -1]), np.float32([7])])
    inputs, targets, weights = batch_of()
    names = ("deep", "left-alone", "right-alone")
    parts = keras.Model(network.input, [network.get_layer(name).output for name in names])
    loss_of = keras.losses.BinaryCrossentropy()
    with tf.GradientTape() as tape:
        losses = [
            loss_of(targets, tf.sigmoid(logits), sample_weight=weights)
            for logits in parts(inputs, training=True)
        ]
        main = losses[0] + sum(network.losses)
        total = main + weight * (losses[1] + losses[2]) / 2
    gradients = tape.gradient(total, network.trainable_variables)
    expected = [
        variable.numpy() - 0.01 * gradient.numpy()
        for variable, gradient in zip(network.trainable_variables, gradients, strict=True)
    ]
    fixed = [variable.numpy() for variable in network.get_layer("blend").variables]

    TrainingStep(network, weight=weight)((inputs, targets, weights))
    for variable, value in zip(network.trainable_variables, expected, strict=True):
        assert_allclose(variable.numpy(), value, rtol=1e-4, atol=1e-6)
    for variable, value in zip(network.get_layer("blend").variables, fixed, strict=True):
        assert_array_equal(variable.numpy(), value)
    results = network.get_metrics_result()
    assert_allclose(results["loss"], main, rtol=1e-5)
    assert set(results) == {"loss", "accuracy"}


def test_a_step_of_weight_zero_leaves_what_inputs_predict_alone():
    network = network_with_alone()
    before = network.get_layer("left-alone").get_weights()
    TrainingStep(network)(batch_of())
    for one, other in zip(network.get_layer("left-alone").get_weights(), before, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("n_inputs", [1, 2])
def test_without_predictions_of_each_input_a_step_follows_the_loss_alone(n_inputs):
    specs = dict(list(SPECS.items())[:n_inputs])
    inputs, targets, weights = batch_of()
    inputs = {name: inputs[name] for name in specs}
    trained = []
    for wide in (None, {}):
        keras.utils.set_random_seed(0)
        network = build_network(specs, head=(4,), target=TargetSpec("binary", 1), wide=wide)
        network.compile("sgd", "binary_crossentropy")
        TrainingStep(network, weight=1.0)((inputs, targets, weights))
        trained.append([variable.numpy() for variable in network.trainable_variables])
    for one, other in zip(*trained, strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_branches_learn_on_though_their_weight_is_nought():
    rng = np.random.default_rng(0)
    X = {name: rng.normal(size=(200, 3)) for name in ("left", "right")}
    y = X["right"][:, 0] > 0

    def accuracy_of_right(auxiliary):
        clf = MergedNetClassifier(
            merge=Late((1, 0), auxiliary=auxiliary), epochs=15, learning_rate=0.01, random_state=0
        ).fit(X, y)
        logits = keras.Model(clf.model_.input, clf.model_.get_layer("right-logits").output)
        return np.mean((logits.predict(X, verbose=0)[:, 0] > 0) == y), clf

    without, _ = accuracy_of_right(0)
    learned, clf = accuracy_of_right(1.0)
    assert without < 0.8 < 0.9 < learned
    # the loss kept is that of the joined prediction, here of noise
    assert clf.loss_curve_[-1] > 0.5
