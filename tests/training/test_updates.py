"""Updates of the weights, against Keras's own and, for rows of a table, against plain NumPy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose

from skmerge.training import _updates
from skmerge.training._updates import RowsGradient, Updates

OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adam, other betas": lambda: keras.optimizers.Adam(0.02, beta_1=0.8, beta_2=0.9, epsilon=1e-3),
    "adam with decay": lambda: keras.optimizers.Adam(0.01, weight_decay=0.1),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.2),
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9),
    "nesterov": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "clipnorm": lambda: keras.optimizers.Adam(0.01, clipnorm=0.3),
    "clipvalue": lambda: keras.optimizers.SGD(0.1, clipvalue=0.2),
    "global_clipnorm": lambda: keras.optimizers.SGD(0.1, global_clipnorm=0.4),
    "schedule": lambda: keras.optimizers.Adam(
        keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    ),
    # of these Keras does more, or something else
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "ema": lambda: keras.optimizers.SGD(0.1, use_ema=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01),
}
BY_ROWS = [name for name in OPTIMIZERS if name not in {"amsgrad", "ema", "rmsprop"}]


def network_of(optimizer, constraint=None):
    ids = keras.Input((2,), dtype="int32")
    vectors = keras.layers.Embedding(5, 3)(ids)
    dense = keras.layers.Dense(2, kernel_constraint=constraint)
    network = keras.Model(ids, dense(keras.layers.Flatten()(vectors)))
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(size=weight.shape) for weight in network.get_weights()])
    network.compile(optimizer, "mse", jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def gradients_of(network, step):
    rng = np.random.default_rng(step)
    return [
        tf.constant(rng.normal(size=variable.shape), tf.float32)
        for variable in network.trainable_variables
    ]


def table_of(network):
    return network.trainable_variables[0].numpy()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_dense_updates_are_those_of_keras(name):
    network, plain = network_of(OPTIMIZERS[name]()), network_of(OPTIMIZERS[name]())
    updates = Updates(network)
    apply = tf.function(updates.apply, autograph=False)
    for step in range(5):
        gradients = gradients_of(network, step)
        apply(gradients)
        plain.optimizer.apply_gradients(zip(gradients, plain.trainable_variables, strict=True))
    for actual, expected in zip(network.variables, plain.variables, strict=True):
        assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)
    pairs = zip(network.optimizer.variables, plain.optimizer.variables, strict=True)
    for actual, expected in pairs:
        assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", BY_ROWS)
def test_rows_that_are_all_looked_up_are_updated_as_the_whole_table(name, monkeypatch):
    monkeypatch.setattr(_updates, "WHOLE_TABLE", 0)
    network, plain = network_of(OPTIMIZERS[name]()), network_of(OPTIMIZERS[name]())
    updates = Updates(network)
    assert updates.by_rows
    for step in range(4):
        gradients = gradients_of(network, step)
        rows = tf.constant(np.random.default_rng(step).permutation(5), tf.int32)
        by_rows = RowsGradient(rows, tf.gather(gradients[0], rows))
        updates.apply([by_rows, *gradients[1:]])
        plain.optimizer.apply_gradients(zip(gradients, plain.trainable_variables, strict=True))
    for actual, expected in zip(network.variables, plain.variables, strict=True):
        assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", BY_ROWS)
def test_rows_that_were_not_looked_up_stay_as_they_are(name, monkeypatch):
    monkeypatch.setattr(_updates, "WHOLE_TABLE", 0)
    network = network_of(OPTIMIZERS[name]())
    updates, before = Updates(network), table_of(network)
    values = tf.constant([[1.0, -2.0, 0.5], [0.1, 0.2, 0.3]])
    for _ in range(3):
        updates.apply([RowsGradient(tf.constant([1, 4]), values), None, None])
    after = table_of(network)
    assert (after[[0, 2, 3]] == before[[0, 2, 3]]).all()
    assert (after[[1, 4]] != before[[1, 4]]).all()


def test_lazy_adam_follows_its_formula(monkeypatch):
    monkeypatch.setattr(_updates, "WHOLE_TABLE", 0)
    network = network_of(keras.optimizers.Adam(0.01))
    updates, table = Updates(network), table_of(network).astype(np.float64)
    mean, square = np.zeros_like(table), np.zeros_like(table)
    rng = np.random.default_rng(0)
    for step in range(1, 6):
        rows = rng.choice(5, size=2, replace=False)
        values = rng.normal(size=(2, 3)).astype(np.float32)
        updates.apply([RowsGradient(tf.constant(rows), tf.constant(values)), None, None])
        mean[rows] = 0.9 * mean[rows] + 0.1 * values
        square[rows] = 0.999 * square[rows] + 0.001 * values.astype(np.float64) ** 2
        rate = 0.01 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        table[rows] -= rate * mean[rows] / (np.sqrt(square[rows]) + 1e-7)
    assert_allclose(table_of(network), table, rtol=1e-5)


@pytest.mark.parametrize("whole_table", [0, 2**16])
def test_a_row_looked_up_twice_gets_the_sum_of_its_gradients(whole_table, monkeypatch):
    monkeypatch.setattr(_updates, "WHOLE_TABLE", whole_table)
    network = network_of(keras.optimizers.SGD(1.0))
    before = table_of(network)
    values = tf.constant([[1.0, 1, 1], [2, 2, 2], [4, 4, 4]])
    Updates(network).apply([tf.IndexedSlices(values, tf.constant([3, 0, 3])), None, None])
    expected = before.copy()
    expected[3] -= 5
    expected[0] -= 2
    assert_allclose(table_of(network), expected, rtol=1e-6)


def test_keras_updates_the_table_where_it_does_more():
    network, plain = (network_of(keras.optimizers.Adam(0.01, amsgrad=True)) for _ in range(2))
    updates = Updates(network)
    assert not updates.by_rows
    slices = tf.IndexedSlices(tf.ones((2, 3)), tf.constant([1, 4]), tf.constant([5, 3]))
    updates.apply([slices, None, None])
    plain.optimizer.apply([tf.convert_to_tensor(slices)], plain.trainable_variables[:1])
    assert_allclose(table_of(network), table_of(plain), rtol=1e-6)


def test_constraints_of_weights_are_kept():
    network = network_of(keras.optimizers.Adam(0.5), constraint="non_neg")
    Updates(network).apply(gradients_of(network, 0))
    assert (network.trainable_variables[1].numpy() >= 0).all()


def test_weight_decay_is_a_value_and_needs_no_other_graph():
    network, plain = (network_of(keras.optimizers.AdamW(0.01, weight_decay=0.1)) for _ in range(2))
    updates = Updates(network)
    apply = tf.function(updates.apply, autograph=False)
    gradients = gradients_of(network, 0)
    apply(gradients)
    plain.optimizer.apply(gradients)
    updates.weight_decay.assign(0.5)
    plain.optimizer.weight_decay = 0.5
    apply(gradients)
    plain.optimizer.apply(gradients)
    assert apply.experimental_get_tracing_count() == 1
    assert_allclose(table_of(network), table_of(plain), rtol=1e-5)
