"""AttentionBranch against its formulas in NumPy, padding included."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import AttentionBranch, InputSpec, build_network

IDS = InputSpec("x", "text", (6,), "int32", vocabulary_size=9)
ROWS = np.array([[3, 1, 0, 0, 0, 0], [2, 2, 5, 4, 8, 7], [6, 0, 0, 0, 0, 0]], "int32")
UNITS, HEADS = 6, 2


def network_of(branch, spec=IDS):
    network = build_network([spec], {"x": branch}, head=()).get_layer("x")
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.5, weight.shape) for weight in network.get_weights()])
    return network


def waves(length, units):
    """Vaswani 2017, section 3.5."""
    positions = np.zeros((length, units))
    for t in range(length):
        for unit in range(units):
            angle = t / 10_000 ** ((unit - unit % 2) / units)
            positions[t, unit] = np.cos(angle) if unit % 2 else np.sin(angle)
    return positions


def normalized(steps, weights):
    scale, shift = weights
    centred = steps - steps.mean(axis=1, keepdims=True)
    return centred / np.sqrt(steps.var(axis=1, keepdims=True) + 1e-3) * scale + shift


def attended(steps, weights):
    """softmax(Q K^T / sqrt(d)) V for each head, projected and summed; section 3.2."""
    query, query_bias, key, key_bias, value, value_bias, output, output_bias = weights
    drawn = np.zeros_like(steps)
    for head in range(HEADS):
        q = steps @ query[:, head] + query_bias[head]
        k = steps @ key[:, head] + key_bias[head]
        v = steps @ value[:, head] + value_bias[head]
        scores = np.exp(q @ k.T / np.sqrt(UNITS // HEADS))
        drawn += scores / scores.sum(axis=1, keepdims=True) @ v @ output[head]
    return drawn + output_bias


def encoded(network, steps, n_layers):
    def weights(name):
        return network.get_layer(name).get_weights()

    for layer in range(1, n_layers + 1):
        name = f"attention_{layer}"
        steps = steps + attended(normalized(steps, weights(f"{name}-normalized")), weights(name))
        name = f"feedforward_{layer}"
        kernel, bias = weights(f"{name}-wide")
        wide = np.maximum(normalized(steps, weights(f"{name}-normalized")) @ kernel + bias, 0)
        kernel, bias = weights(name)
        steps = steps + wide @ kernel + bias
    return normalized(steps, weights("normalized"))


POOLINGS = {
    "average": lambda steps: steps.mean(axis=0),
    "max": lambda steps: steps.max(axis=0),
    "sum": lambda steps: steps.sum(axis=0),
}


@pytest.mark.parametrize("pooling", POOLINGS)
def test_words_attend_to_the_words_of_their_row(pooling):
    network = network_of(AttentionBranch(UNITS, n_layers=2, n_heads=HEADS, pooling=pooling))
    table = network.get_layer("embedding").get_weights()[0]
    expected = []
    for row in ROWS:
        words = table[row[row != 0]]
        steps = encoded(network, words * UNITS**0.5 + waves(len(words), UNITS), n_layers=2)
        expected.append(POOLINGS[pooling](steps))
    assert_allclose(network(ROWS), expected, rtol=1e-3, atol=1e-4)


def test_the_token_attends_to_all_steps_and_is_the_feature():
    spec = InputSpec("x", "array", (4, 2))
    branch = AttentionBranch(UNITS, n_heads=HEADS, pooling="cls")
    network = network_of(branch, spec)
    rows = np.random.default_rng(1).normal(size=(2, 4, 2)).astype("float32")
    kernel, bias = network.get_layer("projection").get_weights()
    token = network.get_layer("cls").get_weights()[0][0]
    expected = []
    for row in rows:
        steps = np.concatenate([token, row @ kernel + bias + waves(4, UNITS)])
        expected.append(encoded(network, steps, n_layers=1)[0])
    assert_allclose(network(rows), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("units", [1, 4, 7])
def test_positions_of_any_width(units):
    from skmerge._layers.sequences import SinusoidalPositions

    added = SinusoidalPositions()(np.zeros((2, 300, units), "float32"))
    assert_allclose(added, [waves(300, units)] * 2, atol=1e-4)


def test_order_counts():
    network = network_of(AttentionBranch(UNITS, n_heads=HEADS))
    there, back = network(np.array([[3, 1, 0, 0, 0, 0], [1, 3, 0, 0, 0, 0]], "int32"))
    assert np.abs(np.asarray(there) - np.asarray(back)).max() > 1e-3


def test_row_without_words_is_zero_or_the_token():
    rows = np.zeros((1, 6), "int32")
    average = network_of(AttentionBranch(UNITS, n_heads=HEADS))
    assert_array_equal(average(rows), np.zeros((1, UNITS)))
    token = network_of(AttentionBranch(UNITS, n_heads=HEADS, pooling="cls"))
    alone = encoded(token, token.get_layer("cls").get_weights()[0][0], n_layers=1)
    assert_allclose(token(rows), alone, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("dropped", [{"dropout": 0.5}, {"spatial_dropout": 0.5}], ids=str)
def test_units_are_dropped_in_training_only(dropped):
    plain, other = (network_of(AttentionBranch(8, **values)) for values in ({}, dropped))
    assert_allclose(other(ROWS), plain(ROWS), atol=1e-6)
    trained = np.asarray(other(ROWS, training=True))
    assert np.abs(trained - np.asarray(plain(ROWS))).max() > 1e-3


def test_widths_are_parameters():
    branch = AttentionBranch(8, feedforward_factor=3, dense_units=(5,), activation="tanh")
    network = network_of(branch)
    assert network.get_layer("feedforward_1-wide").kernel.shape == (8, 24)
    assert network.output.shape == (None, 5)
    assert np.abs(network(ROWS)).max() <= 1
