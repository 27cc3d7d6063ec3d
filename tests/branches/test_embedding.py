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


def dropped_share(branch, vocabulary_size, rows=400):
    """Return which units of which rows a branch without dense layers drops in training."""
    import keras

    keras.utils.set_random_seed(0)
    spec = InputSpec("x", "text", (3,), "int32", vocabulary_size=vocabulary_size)
    network = build_network([spec], {"x": branch}, head=())
    ids = np.tile(np.array([2, 3, 4], dtype="int32"), (rows, 1))
    return np.asarray(network.get_layer("x")(ids, training=True)) == 0


@pytest.mark.parametrize(
    ("spatial_dropout", "vocabulary_size", "share"),
    [("auto", 1000, 0), ("auto", 1001, 0.5), (0.0, 5000, 0), (0.25, 10, 0.25)],
)
@pytest.mark.parametrize("pooling", ["average", "average_max"])
def test_units_are_dropped_of_many_ids_or_as_told(spatial_dropout, vocabulary_size, share, pooling):
    branch = EmbeddingBranch(8, (), pooling=pooling, spatial_dropout=spatial_dropout)
    dropped = dropped_share(branch, vocabulary_size)
    assert np.mean(dropped) == pytest.approx(share, abs=0.05)
    if pooling == "average_max":  # a unit is dropped in all words, so in both halves
        assert_array_equal(dropped[:, :8], dropped[:, 8:])
