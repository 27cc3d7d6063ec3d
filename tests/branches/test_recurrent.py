"""RecurrentBranch: the equations of its cells, the way back, and the last step beside the state."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, RecurrentBranch, build_network

IDS = InputSpec("x", "text", (6,), "int32", vocabulary_size=9)
ROWS = np.array([[3, 1, 0, 0, 0, 0], [2, 2, 5, 4, 8, 7], [0] * 6, [6, 0, 0, 0, 0, 0]], "int32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru_step(x, state, weights):
    """Cho 2014, eqs. 5 to 8, with the reset gate after the product; gates in Keras's order."""
    kernel, recurrent_kernel, (bias, recurrent_bias) = weights
    (h,) = state
    x_z, x_r, x_h = np.split(x @ kernel + bias, 3)
    h_z, h_r, h_h = np.split(h @ recurrent_kernel + recurrent_bias, 3)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    return (z * h + (1 - z) * np.tanh(x_h + r * h_h),)


def lstm_step(x, state, weights):
    """Hochreiter 1997 with forget gates: input, forget, cell and output, in Keras's order."""
    kernel, recurrent_kernel, bias = weights
    h, c = state
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return (sigmoid(o) * np.tanh(c), c)


STEPS = {"gru": (gru_step, 1), "lstm": (lstm_step, 2)}


def states_of(cell, vectors, weights):
    """The output after each step."""
    step, n_states = STEPS[cell]
    units = weights[1].shape[0]
    state = (np.zeros(units),) * n_states
    states = np.zeros((len(vectors), units))
    for position, vector in enumerate(vectors):
        state = step(vector, state, weights)
        states[position] = state[0]
    return states


def last_of(states):
    return states[-1] if len(states) else np.zeros(states.shape[1])


def network_of(branch, spec=IDS):
    import keras

    keras.utils.set_random_seed(0)
    network = build_network([spec], {"x": branch}, head=()).get_layer("x")
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def embedded(network):
    table = network.get_layer("embedding").get_weights()[0]
    return [table[row[row != 0]] for row in ROWS]


@pytest.mark.parametrize("cell", STEPS)
def test_state_is_that_after_the_last_word(cell):
    network = network_of(RecurrentBranch(3, cell=cell, embedding_dim=4))
    weights = network.get_layer(f"{cell}_1").get_weights()
    expected = [last_of(states_of(cell, vectors, weights)) for vectors in embedded(network)]
    assert_allclose(network(ROWS), expected, atol=1e-5)


@pytest.mark.parametrize("cell", STEPS)
def test_the_way_back_reads_from_the_last_word_to_the_first(cell):
    network = network_of(RecurrentBranch((3, 2), cell=cell, embedding_dim=4, bidirectional=True))
    expected = []
    for vectors in embedded(network):
        states = vectors
        for layer in (f"{cell}_1", f"{cell}_2"):
            forward = network.get_layer(layer).get_weights()
            backward = network.get_layer(f"{layer}-backward").get_weights()
            there = states_of(cell, states, forward)
            back = states_of(cell, states[::-1], backward)
            last = np.concatenate([last_of(there), last_of(back)])
            states = np.concatenate([there, back[::-1]], axis=1)
        expected.append(last)
    assert_allclose(network(ROWS), expected, atol=1e-5)


def test_skip_sets_the_embedding_of_the_last_word_behind_the_state():
    network = network_of(RecurrentBranch(3, embedding_dim=4, skip=True))
    weights = network.get_layer("gru_1").get_weights()
    expected = [
        np.concatenate([last_of(states_of("gru", vectors, weights)), last_of(vectors)])
        for vectors in embedded(network)
    ]
    assert_allclose(network(ROWS), expected, atol=1e-5)


def test_skip_sets_the_numbers_of_the_last_step_behind_the_state():
    spec = InputSpec("x", "sequence", (3, 3), step_mask=True)
    rows = np.array([[[1, 2, 1], [3, 4, 1], [0, 0, 0]], [[0] * 3] * 3], "float32")
    features = np.asarray(network_of(RecurrentBranch(2, skip=True), spec)(rows))
    assert_array_equal(features[:, 2:], [[3, 4], [0, 0]])


def test_id_0_before_the_last_word_is_a_word():
    network = network_of(RecurrentBranch(3, embedding_dim=4))
    vectors = network.get_layer("embedding").get_weights()[0][[0, 3, 0, 1]]
    states = states_of("gru", vectors, network.get_layer("gru_1").get_weights())
    row = np.array([[0, 3, 0, 1, 0, 0]], "int32")
    assert_allclose(network(row), states[-1:], atol=1e-5)


@pytest.mark.parametrize(
    "dropped", [{"dropout": 0.5}, {"spatial_dropout": 0.5}, {"recurrent_dropout": 0.5}], ids=str
)
def test_units_are_dropped_in_training_only(dropped):
    plain, other = (network_of(RecurrentBranch((8, 8), **values)) for values in ({}, dropped))
    assert_allclose(other(ROWS), plain(ROWS), atol=1e-5)
    trained = np.asarray(other(ROWS, training=True))
    assert np.abs(trained - np.asarray(plain(ROWS)))[1].max() > 1e-3


def test_dense_layers_follow_the_state():
    network = network_of(RecurrentBranch(3, dense_units=(5, 2), activation="tanh", skip=True))
    assert network.get_layer("dense_1").kernel.shape == (3 + 64, 5)
    assert network.output.shape == (None, 2)
    assert np.abs(network(ROWS)).max() <= 1


def test_a_list_of_widths_is_a_stack():
    network = network_of(RecurrentBranch([3, 2]))
    assert network.get_layer("gru_2").get_weights()[0].shape == (3, 6)
