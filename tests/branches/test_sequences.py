"""What the branches of sequences share: padding makes no difference, and what they can read."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skmerge import (
    AttentionBranch,
    ColumnRouter,
    Conv1DBranch,
    InputSpec,
    MergedNetClassifier,
    RecurrentBranch,
    build_network,
)

BRANCHES = {
    "gru": RecurrentBranch(4, embedding_dim=3),
    "lstm": RecurrentBranch(4, cell="lstm", embedding_dim=3, skip=True),
    "stacked, both ways": RecurrentBranch((4, 3), embedding_dim=3, bidirectional=True),
    "stacked lstm, both ways": RecurrentBranch((3, 2), cell="lstm", bidirectional=True, skip=True),
    "attention": AttentionBranch(4, n_heads=2, n_layers=2),
    "attention by token": AttentionBranch(4, n_heads=2, pooling="cls"),
    "attention, average and max": AttentionBranch(4, n_heads=1, pooling="average_max"),
    "conv1d": Conv1DBranch(4, (3,), kernel_sizes=(2, 3), embedding_dim=3),
    "conv1d, average": Conv1DBranch(4, (), kernel_sizes=(1, 6), pooling="average"),
}
DEFAULTS = [AttentionBranch(), Conv1DBranch(), RecurrentBranch()]
IDS = InputSpec("x", "text", (None,), "int32", vocabulary_size=9)
NUMBERS = InputSpec("x", "sequence", (None, 3), step_mask=True)
LENGTHS = [5, 2, 1, 4]

each_branch = pytest.mark.parametrize("branch", BRANCHES.values(), ids=BRANCHES)
each_spec = pytest.mark.parametrize("spec", [IDS, NUMBERS], ids=["ids", "numbers"])


def branch_network(branch, spec):
    import keras

    keras.utils.set_random_seed(0)
    return build_network([spec], {"x": branch}, head=()).get_layer("x")


def padded_rows(spec, length, lengths=LENGTHS):
    """Rows of the same content at every length."""
    rng = np.random.default_rng(0)
    rows = np.zeros((len(lengths), length, *spec.shape[1:]), spec.dtype)
    for row, steps in zip(rows, lengths, strict=True):
        if spec.step_mask:
            row[:steps, :-1] = rng.normal(size=(steps, spec.shape[1] - 1))
            row[:steps, -1] = 1
        else:
            row[:steps] = rng.integers(1, 9, steps)
    return rows


@each_spec
@each_branch
def test_padding_makes_no_difference(branch, spec):
    network = branch_network(branch, spec)
    features = np.asarray(network(padded_rows(spec, 5)))
    assert np.abs(features).max() > 0
    assert_array_equal(network(padded_rows(spec, 20)), features)
    for row, steps in enumerate(LENGTHS):
        alone = padded_rows(spec, 5)[row : row + 1, :steps]
        assert_allclose(network(alone), features[row : row + 1], rtol=1e-5, atol=1e-6)


@each_spec
@each_branch
def test_rows_without_steps_are_finite_and_train(branch, spec):
    import tensorflow as tf

    network = branch_network(branch, spec)
    for lengths in ([0, 0], [3, 0]):
        rows = padded_rows(spec, 6, lengths)
        with tf.GradientTape() as tape:
            features = network(rows, training=True)
            loss = tf.reduce_sum(features**2 + features)
        assert np.isfinite(features).all()
        for gradient in tape.gradient(loss, network.trainable_variables):
            assert np.isfinite(tf.convert_to_tensor(gradient)).all()
    assert_allclose(network(padded_rows(spec, 6, [0])), features[1:], atol=1e-6)


@each_spec
@each_branch
def test_every_weight_has_a_gradient(branch, spec):
    import tensorflow as tf

    network = branch_network(branch, spec)
    rows = padded_rows(spec, 8, [8, 7, 5, 3])
    with tf.GradientTape() as tape:
        features = network(rows, training=True)
        loss = tf.reduce_sum(tf.sin(3 * features + tf.range(features.shape[1], dtype="float32")))
    variables = network.trainable_variables
    gradients = tape.gradient(loss, variables)
    without = [
        variable.path
        for variable, gradient in zip(variables, gradients, strict=True)
        if not np.any(np.abs(tf.convert_to_tensor(gradient)) > 1e-5)
    ]
    # a bias of the keys moves all scores of a query alike, which softmax does not see
    assert [path for path in without if "key/bias" not in path] == []


@pytest.mark.parametrize("branch", DEFAULTS, ids=repr)
def test_numbers_of_one_length_need_no_mask(branch):
    import keras

    rows = np.random.default_rng(0).normal(size=(3, 4, 2)).astype("float32")
    masked = np.concatenate([rows, np.ones((3, 4, 1), "float32")], axis=2)
    plain = branch_network(branch, InputSpec("x", "array", (4, 2)))
    features = plain(rows)
    assert_allclose(branch_network(branch, NUMBERS)(masked), features, atol=1e-6)

    one_channel = branch_network(branch, InputSpec("x", "array", (4,), "float64"))
    matrix = branch_network(branch, InputSpec("x", "array", (4, 1)))
    assert_allclose(one_channel(rows[:, :, 0]), matrix(rows[:, :, :1]), atol=1e-6)

    whole = branch_network(branch, InputSpec("x", "array", (4,), "uint8"))
    assert keras.backend.is_float_dtype(whole(np.ones((2, 4), "uint8")).dtype)


@each_spec
@each_branch
def test_a_saved_network_is_the_same(branch, spec, tmp_path):
    import keras

    network = branch_network(branch, spec)
    network.save(tmp_path / "branch.keras")
    loaded = keras.saving.load_model(tmp_path / "branch.keras")
    rows = padded_rows(spec, 5)
    assert_array_equal(loaded(rows), network(rows))


@pytest.mark.parametrize("branch", DEFAULTS, ids=repr)
@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (InputSpec("x", "image", (4, 4, 3), "uint8"), r"Got numbers of shape \(4, 4, 3\)"),
        (InputSpec("x", "array", ()), r"Got numbers of shape \(\)"),
        (InputSpec("x", "array", (4,), sparse=True), "Got a sparse matrix"),
        (InputSpec("x", "text", (4, 2), "int32", vocabulary_size=5), r"Got ids of shape \(4, 2\)"),
        (InputSpec("x", "tabular", (2,), code_columns=(0,), cardinalities=(3,)), "Got category c"),
        (InputSpec("x", "sequence", (4,), step_mask=True), r"Got numbers of shape \(4,\)"),
        (InputSpec("x", "sequence", (4, 1), step_mask=True), r"at least one beside a mask.*\(4, 1"),
        (InputSpec("x", "array", (4, None)), r"fixed number of channels.*\(4, None\)"),
    ],
)
def test_what_is_no_sequence_is_refused(branch, spec, found):
    with pytest.raises(ValueError, match=f"{type(branch).__name__} reads sequences.*{found}"):
        build_network([spec], {"x": branch})


FEW = {
    "recurrent": RecurrentBranch(4, embedding_dim=4, dropout=0.2, recurrent_dropout=0.2),
    "attention": AttentionBranch(4, n_heads=2, dropout=0.2, spatial_dropout=0.2),
    "conv1d": Conv1DBranch(4, (4,), kernel_sizes=(2, 3), embedding_dim=4, dropout=0.2),
}


def signals_and_notes(n_rows=40):
    rng = np.random.default_rng(0)
    y = np.arange(n_rows) % 2
    signals = [np.cumsum(rng.normal(2 * label - 1, 1, rng.integers(3, 9))).tolist() for label in y]
    notes = [f"went {'up and up' if label else 'down'} at last" for label in y]
    return pd.DataFrame({"signal": signals, "note": notes}), np.where(y, "up", "down")


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("column", ["signal", "note"])
def test_estimators_learn_pickle_and_repeat(name, column):
    X, y = signals_and_notes()
    estimator = MergedNetClassifier(
        router=ColumnRouter({"note": "text"}),
        branches={column: FEW[name]},
        head=(),
        epochs=12,
        batch_size=8,
        learning_rate=0.03,
        random_state=0,
    )
    X = X[["note"]] if column == "note" else X
    if column == "signal":
        estimator.set_params(router=ColumnRouter({"note": "drop"}))
    estimator.fit(X, y)
    assert estimator.specs_[column].kind == {"signal": "sequence", "note": "text"}[column]
    assert estimator.loss_curve_[-1] < 0.7 * estimator.loss_curve_[0]
    assert estimator.score(X, y) > 0.9
    outputs = estimator.predict_proba(X)
    assert_array_equal(pickle.loads(pickle.dumps(estimator)).predict_proba(X), outputs)
    assert_array_equal(clone(estimator).fit(X, y).predict_proba(X), outputs)


@pytest.mark.parametrize("name", FEW)
def test_short_names_read_vectors_of_one_length(name):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"signal": list(rng.normal(size=(20, 6)))})
    y = np.array([signal[0] > signal[5] for signal in X["signal"]])
    estimator = MergedNetClassifier(branches={"signal": name}, epochs=1, random_state=0).fit(X, y)
    assert (estimator.specs_["signal"].kind, estimator.specs_["signal"].shape) == ("array", (6,))
    assert estimator.predict_proba(X).shape == (20, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_names_of_emoji_tell_which_have_skin_tones(name, shared_data):
    frame = pd.read_csv(shared_data / "emoji" / "data.csv").sample(500, random_state=0)
    X, y = frame[["name"]], frame["skin_tone_support"]
    estimator = MergedNetClassifier(
        router=ColumnRouter({"name": "text"}),
        branches={"name": name},
        epochs=3,
        learning_rate=0.005,
        random_state=0,
    ).fit(X[:350], y[:350])
    assert estimator.loss_curve_[-1] < 0.6 * estimator.loss_curve_[0]
    majority = max(y[350:].mean(), 1 - y[350:].mean())
    assert estimator.score(X[350:], y[350:]) > majority + 0.05
