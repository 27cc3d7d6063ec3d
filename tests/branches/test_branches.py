"""Every branch: the shape of its features, one step of training, saving, and its own errors."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone

from skmerge import (
    AttentionBranch,
    Conv1DBranch,
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    InputSpec,
    KerasBranch,
    RecurrentBranch,
    build_network,
)
from skmerge.network import TargetSpec

TABLE = InputSpec("x", "tabular", (5,), code_columns=(1, 3, 4), cardinalities=(4, 3, 4))
NUMBERS = InputSpec("x", "array", (3,))
IDS = InputSpec("x", "text", (6,), "int32", vocabulary_size=9)
SIGNALS = InputSpec("x", "sequence", (6, 3), step_mask=True)
PICTURES = InputSpec("x", "image", (8, 6, 3), "uint8")


def two_layers():
    from keras import Sequential, layers

    return Sequential([layers.Dense(4, activation="tanh"), layers.Dense(2)])


def rows_of(spec, n_rows=4, seed=0):
    rng = np.random.default_rng(seed)
    shape = (n_rows, *(length or 5 for length in spec.shape))
    if spec.vocabulary_size is not None:
        return rng.integers(0, spec.vocabulary_size, shape).astype(spec.dtype)
    if spec.dtype == "bool":
        return rng.random(shape) < 0.5
    if np.dtype(spec.dtype).kind in "iu":
        return rng.integers(0, 100, shape).astype(spec.dtype)
    rows = rng.normal(size=shape).astype(spec.dtype)
    for column, cardinality in zip(spec.code_columns, spec.cardinalities, strict=True):
        rows[:, column] = rng.integers(0, cardinality, n_rows)
    if spec.step_mask:
        rows[..., -1] = np.arange(shape[1]) < rng.integers(0, shape[1] + 1, (n_rows, 1))
        rows[..., :-1] *= rows[..., -1:]
    return rows


BRANCHES = [
    (DenseBranch((7, 3)), TABLE, 3),
    (DenseBranch((), embedding_dim=2), TABLE, 2 + 3 * 2),
    (DenseBranch(), NUMBERS, 64),
    (DenseBranch(()), NUMBERS, 3),
    (DenseBranch((4,), dropout=0.5, batch_normalization=True), NUMBERS, 4),
    (DenseBranch((4,)), InputSpec("x", "array", ()), 4),
    (DenseBranch((), activation=None), InputSpec("x", "array", (2, 3, 2), "float64"), 12),
    (DenseBranch(()), InputSpec("x", "array", (2, 3), "uint8"), 6),
    (DenseBranch(()), InputSpec("x", "array", (2,), "bool"), 2),
    (EmbeddingBranch(5, (3,), dropout=0.5, spatial_dropout=0.5), IDS, 3),
    (EmbeddingBranch(5, (), pooling="max"), IDS, 5),
    (EmbeddingBranch(5, (), pooling="sum"), IDS, 5),
    (EmbeddingBranch(5, (), pooling="average_max"), IDS, 10),
    (EmbeddingBranch(), InputSpec("x", "text", (None,), "int64", vocabulary_size=9), 64),
    (ConvBranch(), PICTURES, 64),
    (ConvBranch((3, 4), (), batch_normalization=True, pooling="flatten"), PICTURES, 2 * 1 * 4),
    (ConvBranch((3,), (), pooling="average"), PICTURES, 3),
    (ConvBranch((3,), (), pooling="max", pool_size=1, kernel_size=(1, 3)), PICTURES, 3),
    (ConvBranch((2, 2), (5,), dropout=0.5), InputSpec("x", "image", (3, 5, 1)), 5),
    (ConvBranch((2, 3), (), pooling="flatten"), InputSpec("x", "image", (1, 1, 1)), 3),
    (ConvBranch((2,), (), pooling="flatten"), InputSpec("x", "image", (4, 4), "int32"), 8),
    (ConvBranch((2,), (), pooling="max"), InputSpec("x", "image", (None, None, 3), "uint8"), 2),
    (RecurrentBranch(), IDS, 64),
    (RecurrentBranch((3, 4), cell="lstm", bidirectional=True, skip=True), SIGNALS, 2 * 4 + 2),
    (RecurrentBranch(3, dense_units=(5,), dropout=0.5, recurrent_dropout=0.5), IDS, 5),
    (RecurrentBranch(3), InputSpec("x", "array", (7,), "int16"), 3),
    (AttentionBranch(), IDS, 64),
    (AttentionBranch(6, n_heads=3, n_layers=2, pooling="average_max"), SIGNALS, 12),
    (AttentionBranch(8, pooling="cls", dense_units=(3,), dropout=0.5), IDS, 3),
    (AttentionBranch(4), InputSpec("x", "array", (None, 2)), 4),
    (Conv1DBranch(), IDS, 64),
    (Conv1DBranch(3, (), kernel_sizes=(2, 9), spatial_dropout=0.5), SIGNALS, 6),
    (Conv1DBranch(3, (), kernel_sizes=[2], pooling="average_max"), NUMBERS, 6),
    (KerasBranch(two_layers), NUMBERS, 2),
]


@pytest.mark.parametrize(("branch", "spec", "width"), BRANCHES)
def test_branch_gives_vectors_and_learns(branch, spec, width, tmp_path):
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    network = build_network([spec], {"x": branch}, head=(), target=TargetSpec("regression", 1))
    rows = {"x": rows_of(spec)}
    features = np.asarray(network.get_layer("x")(rows["x"]))
    assert features.shape == (4, width)
    assert features.dtype == "float32"

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(network(rows, training=True) ** 2)
    gradients = tape.gradient(loss, network.trainable_variables)
    assert len(gradients) >= 2
    for gradient in gradients:
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()

    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert_allclose(loaded(rows), network(rows), rtol=1e-6)


@pytest.mark.parametrize(("branch", "spec", "width"), BRANCHES)
def test_clone_of_a_branch_holds_its_parameters_and_nothing_else(branch, spec, width):
    copy = clone(branch)
    assert repr(copy) == repr(branch)
    assert set(vars(copy)) == set(copy.get_params())


@pytest.mark.parametrize(
    ("branch", "spec", "message"),
    [
        (DenseBranch(units=(8, 0)), NUMBERS, r"'units' parameter of DenseBranch.*Got \(8, 0\)"),
        (DenseBranch(units="64"), NUMBERS, r"'units' parameter of DenseBranch.*Got '64'"),
        (DenseBranch(dropout=1.0), NUMBERS, r"'dropout' parameter of DenseBranch.*Got 1\.0"),
        (DenseBranch(embedding_dim="atuo"), TABLE, r"'embedding_dim' parameter of DenseBranch"),
        (DenseBranch(activation="rulu"), NUMBERS, "rulu"),
        (DenseBranch(), IDS, r"holds ids of a vocabulary of 9\. Use 'embedding'"),
        (DenseBranch(), InputSpec("x", "array", (None, 2)), r"\(None, 2\).*fixed length"),
        (EmbeddingBranch(0), IDS, r"'embedding_dim' parameter of EmbeddingBranch.*Got 0"),
        (EmbeddingBranch(pooling="mean"), IDS, r"'pooling' parameter.*Got 'mean'"),
        (EmbeddingBranch(), NUMBERS, r"no vocabulary_size\. Encode the column as 'text'"),
        (
            EmbeddingBranch(),
            InputSpec("x", "text", (2, 3), "int32", vocabulary_size=5),
            r"of shape \(length,\)\. Got shape \(2, 3\)",
        ),
        (ConvBranch(filters=()), IDS, r"reads pictures of shape.*Got rows of shape \(6,\)"),
        (ConvBranch(filters=(2.5,)), PICTURES, r"'filters' parameter of ConvBranch.*\(2\.5,\)"),
        (ConvBranch(kernel_size=(3, 3, 3)), PICTURES, r"'kernel_size'.*pair.*Got \(3, 3, 3\)"),
        (ConvBranch(pool_size=0), PICTURES, r"'pool_size' parameter of ConvBranch"),
        (
            ConvBranch(pooling="flatten"),
            InputSpec("x", "image", (None, 8, 3), "uint8"),
            r"pictures of one size.*\(None, 8, 3\).*set pooling to 'average' or 'max'",
        ),
        (RecurrentBranch(0), IDS, r"'units' parameter of RecurrentBranch.*Got 0"),
        (RecurrentBranch(()), IDS, r"at least one width\. Got \(\)"),
        (RecurrentBranch((8, 0)), IDS, r"'units' parameter of RecurrentBranch.*Got \(8, 0\)"),
        (RecurrentBranch(cell="rnn"), IDS, r"'cell' parameter of RecurrentBranch.*Got 'rnn'"),
        (RecurrentBranch(dense_units=(2.5,)), IDS, r"'dense_units' parameter.*Got \(2\.5,\)"),
        (RecurrentBranch(), PICTURES, r"Got numbers of shape \(8, 6, 3\).*Encode the column as"),
        (AttentionBranch(6), IDS, r"multiple of 'n_heads'\. Got units=6 and n_heads=4"),
        (AttentionBranch(pooling="mean"), IDS, r"'pooling' parameter of AttentionBranch.*'mean'"),
        (AttentionBranch(n_layers=0), IDS, r"'n_layers' parameter of AttentionBranch.*Got 0"),
        (AttentionBranch(dense_units=(0,)), IDS, r"'dense_units' parameter of AttentionBranch"),
        (Conv1DBranch(kernel_sizes=()), IDS, r"at least one width.*Got \(\)"),
        (Conv1DBranch(kernel_sizes=(3, 3)), IDS, r"each width once\. Got \(3, 3\)"),
        (Conv1DBranch(kernel_sizes=(0,)), IDS, r"'kernel_sizes' parameter of Conv1DBranch"),
        (Conv1DBranch(units=(0,)), IDS, r"'units' parameter of Conv1DBranch.*Got \(0,\)"),
        (KerasBranch(two_layers, weights="old"), NUMBERS, r"'weights' parameter of KerasBranch"),
    ],
)
def test_branch_says_what_it_cannot_read(branch, spec, message):
    with pytest.raises(ValueError, match=message) as caught:
        build_network([spec], {"x": branch})
    text = str(caught.value)
    assert text.startswith(f"Input 'x': {branch!r} cannot read {spec!r}. ")
    assert caught.value.__cause__ is not None
