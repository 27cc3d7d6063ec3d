"""Conv1DBranch against the text CNN in NumPy: windows around each step, pooled over the row."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import Conv1DBranch, InputSpec, build_network

IDS = InputSpec("x", "text", (6,), "int32", vocabulary_size=9)
ROWS = np.array([[3, 1, 0, 0, 0, 0], [2, 2, 5, 4, 8, 7], [6, 0, 0, 0, 0, 0]], "int32")


def network_of(branch, spec=IDS):
    network = build_network([spec], {"x": branch}, head=()).get_layer("x")
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def windows(steps, size):
    """Window t covers the steps from t - (size - 1) // 2 on; beyond the row are zeros."""
    before = np.zeros(((size - 1) // 2, steps.shape[1]))
    after = np.zeros((size // 2, steps.shape[1]))
    filled = np.concatenate([before, steps, after])
    return np.stack([filled[t : t + size] for t in range(len(steps))])


POOLINGS = {
    "max": lambda found: found.max(axis=0),
    "average": lambda found: found.mean(axis=0),
    "sum": lambda found: found.sum(axis=0),
    "average_max": lambda found: np.concatenate([found.mean(axis=0), found.max(axis=0)]),
}


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("sizes", [(3, 4, 5), (1,), (2, 9)], ids=str)
def test_filters_are_pooled_over_the_windows_of_the_row(sizes, pooling):
    """Kim 2014, eqs. 2 to 4: c_t = f(w . x_{t:t+h} + b), and the largest of them."""
    branch = Conv1DBranch(4, (), kernel_sizes=sizes, embedding_dim=3, pooling=pooling)
    network = network_of(branch)
    table = network.get_layer("embedding").get_weights()[0]
    expected = []
    for row in ROWS:
        pooled = []
        for size in sizes:
            kernel, bias = network.get_layer(f"conv_{size}").get_weights()
            seen = windows(table[row[row != 0]], size)
            found = np.maximum(np.einsum("tsc,scf->tf", seen, kernel) + bias, 0)
            pooled.append(POOLINGS[pooling](found))
        expected.append(np.concatenate(pooled))
    assert_allclose(network(ROWS), expected, atol=1e-5)


def test_dense_layers_follow_the_pooling():
    network = network_of(Conv1DBranch(4, (5, 2), kernel_sizes=(3, 4), activation="tanh"))
    assert network.get_layer("dense_1").kernel.shape == (8, 5)
    assert network.output.shape == (None, 2)
    assert np.abs(network(ROWS)).max() <= 1


def test_row_without_words_gives_zeros_to_the_dense_layers():
    network = network_of(Conv1DBranch(4, (), pooling="average_max", activation="softplus"))
    assert_array_equal(network(np.zeros((2, 6), "int32")), np.zeros((2, 24)))


@pytest.mark.parametrize("dropped", [{"dropout": 0.5}, {"spatial_dropout": 0.5}], ids=str)
def test_units_are_dropped_in_training_only(dropped):
    plain, other = (network_of(Conv1DBranch(8, (), **values)) for values in ({}, dropped))
    assert_array_equal(other(ROWS), plain(ROWS))
    trained = np.asarray(other(ROWS, training=True))
    assert np.abs(trained - np.asarray(plain(ROWS))).max() > 1e-3
