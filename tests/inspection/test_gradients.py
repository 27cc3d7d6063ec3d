"""Gradients of the score against finite differences of the network, run from the outside."""

import keras
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from skmerge import (
    AttentionBranch,
    ColumnRouter,
    Conv1DBranch,
    DenseBranch,
    EmbeddingBranch,
    KerasBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
    RecurrentBranch,
    TextEncoder,
)
from skmerge.inspection._gradients import gradients, score_of
from skmerge.inspection._one_row import one_row
from skmerge.network import network_inputs

# smooth throughout, so that differences come near to derivatives
SMOOTH = {"head": KerasBranch(keras.layers.Dense(6, "tanh")), "random_state": 0, "epochs": 2}


@pytest.fixture(scope="module")
def blocks():
    """Two inputs of plain numbers that share a branch, and one of rank 3."""
    rng = np.random.default_rng(0)
    arrays = {
        "left": rng.normal(size=(40, 4)).astype("float32"),
        "right": rng.normal(size=(40, 4)).astype("float32"),
        "picture": rng.normal(size=(40, 5, 5, 2)).astype("float32"),
    }
    return MultiInput(arrays)


@pytest.fixture(scope="module")
def on_blocks(blocks):
    seeing = keras.Sequential(
        [keras.layers.Conv2D(3, 3, activation="tanh"), keras.layers.Flatten()]
    )
    branches = {
        "left": DenseBranch((8,), activation="tanh"),  # wide enough to be normalised
        "right": "left",
        "picture": KerasBranch(seeing),
    }
    y = np.random.default_rng(1).integers(0, 2, 40)
    return MergedNetClassifier("concat", branches=branches, **SMOOTH).fit(blocks, y)


def logits(classifier, X):
    """The network's output before its activation, from the outside."""
    last = classifier.model_.get_layer("output")
    before = last.activation
    last.activation = keras.activations.linear
    try:
        arrays = network_inputs(classifier._encode(classifier.router_, X, classifier.specs_))
        arrays = {n: a.toarray() if hasattr(a, "toarray") else a for n, a in arrays.items()}
        return np.asarray(classifier.model_(arrays, training=False))
    finally:
        last.activation = before


def gradients_of(estimator, X, row=0, target=None):
    one = one_row(estimator, X, row)
    return gradients(one, score_of(one, target), [name for name in one.specs if one.has(name)])


def differences(function, array, step):
    """Central differences of a function of one array."""
    found = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        sides = []
        for sign in (1, -1):
            moved = array.copy()
            moved[index] += sign * step
            sides.append(function(moved))
        found[index] = (sides[0] - sides[1]) / (2 * step)
    return found


@pytest.mark.parametrize("name", ["left", "right", "picture"])
def test_gradient_by_numbers_is_that_of_finite_differences(on_blocks, blocks, name):
    row = blocks[[7]]

    def logit(array):
        return logits(on_blocks, MultiInput({**dict(row.items()), name: array}))[0, 0]

    _, found = gradients_of(on_blocks, blocks, row=7, target=1)
    expected = differences(logit, row[name], 0.05)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(
        found[name].derivatives, expected[0], atol=0.02 * np.abs(expected).max()
    )


def test_gradient_by_integer_pixels_is_per_pixel_value(article_net, articles):
    _, found = gradients_of(article_net, articles, row=3, target="swap")
    row = article_net.router_.transform(articles.iloc[[3]])
    position = list(article_net.classes_).index("swap")
    for channel in range(3):
        shifted = []
        for step in (20, -20):
            pixels = row["photo"].copy()
            pixels[..., channel] += np.uint8(step % 256)
            moved = MultiInput({**dict(row.items()), "photo": pixels}, row.specs, row.masks)
            shifted.append(logits(article_net, moved)[0, position])
        expected = (shifted[0] - shifted[1]) / 40
        got = found["photo"].derivatives[..., channel].sum()
        np.testing.assert_allclose(got, expected, rtol=0.03, atol=1e-6)
    np.testing.assert_array_equal(found["photo"].values, articles["photo"][3])


@pytest.mark.parametrize(
    "branch",
    [
        EmbeddingBranch(4, (5,), activation="tanh"),
        EmbeddingBranch(4, (), pooling="average_max"),
        RecurrentBranch(5, embedding_dim=4),
        RecurrentBranch(5, embedding_dim=4, bidirectional=True, skip=True),
        AttentionBranch(),
        Conv1DBranch(),
        KerasBranch(
            keras.Sequential(
                [
                    keras.Sequential([keras.layers.Embedding(9, 4)], name="words"),
                    keras.layers.GlobalAveragePooling1D(),
                    keras.layers.Dense(5, "tanh"),
                ]
            )
        ),
    ],
    ids=["mean", "mean-max", "gru", "bi-gru", "attention", "conv1d", "own"],
)
def test_gradient_by_words_is_that_of_finite_differences(branch, articles, verdicts):
    notes = {"note": articles["note"].tolist(), "age": articles[["age"]].to_numpy()}
    router = ColumnRouter({"note": TextEncoder(min_frequency=1)})
    classifier = MergedNetClassifier(router=router, branches={"note": branch}, **SMOOTH)
    classifier.fit(notes, verdicts)
    _, found = gradients_of(classifier, notes, row=2, target="keep")
    derivatives, vectors = found["note"].derivatives, found["note"].values
    one = one_row(classifier, notes, 2)
    ids = one.array("note")[0]
    table = next(
        weight for weight in one.branch("note").weights if weight.path.endswith("embeddings")
    )
    before = table.numpy()
    np.testing.assert_array_equal(vectors, before[ids])
    row = {"note": notes["note"][2:3], "age": notes["age"][2:3]}
    for place in range(4):
        # along the gradient, where the difference is largest
        direction = derivatives[place] / np.linalg.norm(derivatives[place])
        sides = []
        for step in (0.0005, -0.0005):
            moved = before.copy()
            moved[ids[place]] += step * direction
            table.assign(moved)
            sides.append(logits(classifier, row)[0, 0])
        table.assign(before)
        expected = (sides[0] - sides[1]) / 0.001
        np.testing.assert_allclose(np.linalg.norm(derivatives[place]), expected, rtol=0.05)


def test_gradient_by_categories_is_that_of_their_embeddings(article_net, articles):
    _, found = gradients_of(article_net, articles, row=5, target="keep")
    one = one_row(article_net, articles, 5)
    codes = one.array("remainder")[0].astype(int)
    (layer,) = [each for each in one.branch("remainder").layers if each.name == "embedding"]
    gradient = found["remainder"]
    assert sorted(gradient.embedded) == [1, 2], "city and shade, after age"
    for position, column in enumerate(layer.code_columns):
        _, derivatives = gradient.embedded[column]
        dim = layer.embedding_dims[position]
        alike = [
            c for c, d in zip(layer.code_columns, layer.embedding_dims, strict=True) if d == dim
        ]
        start = sum(
            layer.cardinalities[layer.code_columns.index(c)] for c in alike[: alike.index(column)]
        )
        (table,) = [weight for weight in layer.weights if weight.shape[1] == dim]
        before = table.numpy()
        expected = np.zeros(dim)
        for unit in range(dim):
            sides = []
            for step in (0.05, -0.05):
                moved = before.copy()
                moved[start + codes[column], unit] += step
                table.assign(moved)
                sides.append(logits(article_net, articles.iloc[[5]])[0, 0])
            expected[unit] = (sides[0] - sides[1]) / 0.1
        table.assign(before)
        np.testing.assert_allclose(derivatives, expected, rtol=0.05, atol=1e-4)


def test_gradient_of_numbers_is_in_the_units_of_the_target():
    rng = np.random.default_rng(0)
    X = MultiInput({"x": rng.normal(size=(40, 3)).astype("float32")})
    branches = {"x": DenseBranch((5,), activation="tanh")}
    regressor = MergedNetRegressor(branches=branches, **SMOOTH)
    regressor.fit(X, np.column_stack([rng.normal(5, 100, 40), rng.normal(0, 1, 40)]))
    for output in (0, 1):

        def predicted(array, output=output):
            return regressor.predict(MultiInput({"x": array}))[0, output]

        value, found = gradients_of(regressor, X, row=1, target=output)
        expected = differences(predicted, X["x"][[1]], 0.05)[0]
        atol = 0.02 * np.abs(expected).max()
        np.testing.assert_allclose(found["x"].derivatives, expected, atol=atol)
        assert value == pytest.approx(predicted(X["x"][[1]]), rel=1e-5)


def test_score_is_the_logit_and_its_negative_for_the_first_of_two_classes(on_blocks, blocks):
    logit = logits(on_blocks, blocks[[4]])[0, 0]
    one, found = gradients_of(on_blocks, blocks, row=4, target=1)
    zero, opposite = gradients_of(on_blocks, blocks, row=4, target=0)
    assert one == pytest.approx(logit, rel=1e-5)
    assert zero == pytest.approx(-logit, rel=1e-5)
    np.testing.assert_allclose(
        opposite["left"].derivatives, -found["left"].derivatives, rtol=1e-4, atol=1e-7
    )


def test_score_of_late_fusion_is_the_joined_logit(articles, verdicts, article_router):
    classifier = MergedNetClassifier("late", router=article_router, **SMOOTH).fit(
        articles, verdicts
    )
    value, found = gradients_of(classifier, articles, row=6, target="swap")
    probabilities = classifier.predict_proba(articles.iloc[[6]])[0]
    others, _ = gradients_of(classifier, articles, row=6, target="keep")
    expected = np.log(probabilities[2] / probabilities[0])
    assert value - others == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert set(found) == set(classifier.specs_)


def test_sparse_rows_have_gradients_at_each_column():
    rng = np.random.default_rng(0)
    numbers = rng.random((40, 6)) * (rng.random((40, 6)) < 0.5)
    X = MultiInput({"words": csr_matrix(numbers.astype("float32"))})
    branches = {"words": DenseBranch((5,), activation="tanh")}
    classifier = MergedNetClassifier(branches=branches, **SMOOTH).fit(X, rng.integers(0, 2, 40))
    _, found = gradients_of(classifier, X, row=3, target=1)

    def logit(array):
        return logits(classifier, MultiInput({"words": csr_matrix(array)}))[0, 0]

    expected = differences(logit, X["words"][[3]].toarray().astype("float32"), 0.05)[0]
    atol = 0.03 * np.abs(expected).max()
    np.testing.assert_allclose(found["words"].derivatives, expected, atol=atol)


def test_the_network_is_left_as_it_was(article_net, articles):
    before = article_net.predict_proba(articles)
    gradients_of(article_net, articles)
    np.testing.assert_array_equal(article_net.predict_proba(articles), before)
    assert not [layer for layer in article_net.model_.layers if "call" in vars(layer)]
