"""EmbeddingBranch: pooling over the words of a row, and over nothing at all."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import EmbeddingBranch, InputSpec, build_network

POOLINGS = {
    "average": lambda vectors: vectors.mean(axis=0),
    "max": lambda vectors: vectors.max(axis=0),
    "sum": lambda vectors: vectors.sum(axis=0),
    "average_max": lambda vectors: np.concatenate([vectors.mean(axis=0), vectors.max(axis=0)]),
}
IDS = np.array([[3, 1, 0, 0], [2, 2, 5, 4], [0, 6, 0, 1], [0, 0, 0, 0]], dtype="int32")


def branch_network(pooling):
    spec = InputSpec("x", "text", (4,), "int32", vocabulary_size=7)
    branch = EmbeddingBranch(3, (), pooling=pooling)
    return build_network([spec], {"x": branch}, head=()).get_layer("x")


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_leaves_padding_out(pooling):
    network = branch_network(pooling)
    table = np.asarray(network.get_layer("embedding").embeddings)
    expected = [POOLINGS[pooling](table[row[row != 0]]) for row in IDS[:3]]
    assert_allclose(network(IDS)[:3], expected, rtol=1e-5)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_row_of_padding_gives_zeros_and_no_gradient(pooling):
    import tensorflow as tf

    network = branch_network(pooling)
    with tf.GradientTape() as tape:
        features = network(IDS[3:])
        loss = tf.reduce_sum(features**2 + features)
    assert_array_equal(features, np.zeros_like(features))
    (gradient,) = tape.gradient(loss, network.trainable_variables)
    assert_array_equal(tf.convert_to_tensor(gradient), np.zeros((7, 3)))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_length_of_padding_makes_no_difference(pooling):
    network = branch_network(pooling)
    moved = np.array([[0, 0, 3, 1]], dtype="int32")
    assert_allclose(network(moved), network(IDS[:1]), rtol=1e-6)
