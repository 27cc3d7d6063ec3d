"""Gradients against finite differences, and what is drawn of them."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmerge import (
    AttentionBranch,
    ColumnRouter,
    Conv1DBranch,
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    KerasBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
    RecurrentBranch,
    SaliencyDisplay,
    TextEncoder,
)
from skmerge.inspection._gradients import gradients, score_of
from skmerge.inspection._one_row import one_row

# smooth throughout, so that differences come near to derivatives
SMOOTH = {"head": KerasBranch(keras.layers.Dense(6, "tanh")), "random_state": 0, "epochs": 2}
VERDICTS = ["keep", "return", "swap"]


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n_rows = 60
    words = ["fits", "well", "too", "small", "colour", "lovely", "torn"]
    return pd.DataFrame(
        {
            "photo": list(rng.integers(60, 200, (n_rows, 6, 6, 3), dtype="uint8")),
            "note": [" ".join(rng.permutation(words)[:4]) for _ in range(n_rows)],
            "age": rng.normal(40, 10, n_rows),
            "city": rng.choice(["Rome", "Oslo", "Lima"], n_rows),
            "shade": rng.choice(["red", "blue"], n_rows),
        }
    )


@pytest.fixture(scope="module")
def verdicts(frame):
    return np.random.default_rng(1).choice(VERDICTS, len(frame))


@pytest.fixture(scope="module")
def router():
    text = TextEncoder(min_frequency=1)
    return ColumnRouter({"photo": "image", "note": text}, remainder="tabular")


@pytest.fixture(scope="module")
def fitted(frame, verdicts, router):
    branches = {
        "photo": ConvBranch((4,), (6,), activation="tanh", pooling="average"),
        "note": EmbeddingBranch(5, (6,), activation="tanh"),
        "remainder": DenseBranch((6,), activation="tanh"),
    }
    return MergedNetClassifier("multiply", router=router, branches=branches, **SMOOTH).fit(
        frame, verdicts
    )


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
        "left": DenseBranch((5,), activation="tanh"),
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
        from skmerge.network import network_inputs

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


# --- gradients ----------------------------------------------------------------------------------


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


def test_gradient_by_integer_pixels_is_per_pixel_value(fitted, frame):
    _, found = gradients_of(fitted, frame, row=3, target="swap")
    row = fitted.router_.transform(frame.iloc[[3]])
    position = list(fitted.classes_).index("swap")
    for channel in range(3):
        shifted = []
        for step in (20, -20):
            pixels = row["photo"].copy()
            pixels[..., channel] += np.uint8(step % 256)
            moved = MultiInput({**dict(row.items()), "photo": pixels}, row.specs, row.masks)
            shifted.append(logits(fitted, moved)[0, position])
        expected = (shifted[0] - shifted[1]) / 40
        got = found["photo"].derivatives[..., channel].sum()
        np.testing.assert_allclose(got, expected, rtol=0.03, atol=1e-6)
    np.testing.assert_array_equal(found["photo"].values, frame["photo"][3])


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
def test_gradient_by_words_is_that_of_finite_differences(branch, frame, verdicts):
    notes = {"note": frame["note"].tolist(), "age": frame[["age"]].to_numpy()}
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


def test_gradient_by_categories_is_that_of_their_embeddings(fitted, frame):
    _, found = gradients_of(fitted, frame, row=5, target="keep")
    one = one_row(fitted, frame, 5)
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
                sides.append(logits(fitted, frame.iloc[[5]])[0, 0])
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


def test_score_of_late_fusion_is_the_joined_logit(frame, verdicts, router):
    classifier = MergedNetClassifier("late", router=router, **SMOOTH).fit(frame, verdicts)
    value, found = gradients_of(classifier, frame, row=6, target="swap")
    probabilities = classifier.predict_proba(frame.iloc[[6]])[0]
    others, _ = gradients_of(classifier, frame, row=6, target="keep")
    expected = np.log(probabilities[2] / probabilities[0])
    assert value - others == pytest.approx(expected, rel=1e-3, abs=1e-4)
    assert set(found) == set(classifier.specs_)


def test_sparse_rows_have_gradients_at_each_column():
    from scipy.sparse import csr_matrix

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


def test_the_network_is_left_as_it_was(fitted, frame):
    before = fitted.predict_proba(frame)
    gradients_of(fitted, frame)
    np.testing.assert_array_equal(fitted.predict_proba(frame), before)
    assert not [layer for layer in fitted.model_.layers if "call" in vars(layer)]


# --- the display --------------------------------------------------------------------------------


def test_each_input_has_a_panel(fitted, frame):
    display = SaliencyDisplay.from_estimator(fitted, frame, row=2)
    assert list(display.inputs) == ["photo", "note", "remainder"]
    assert display.axes_.shape == (3,)
    assert display.figure_ is display.ax_.figure
    assert display.target == fitted.predict(frame.iloc[[2]])[0]
    assert display.is_logit
    assert display.inputs["photo"].values.shape == (6, 6)
    assert display.inputs["note"].content == frame["note"][2].split()
    assert display.inputs["remainder"].content[1:] == [
        f"city = {frame['city'][2]}",
        f"shade = {frame['shade'][2]}",
    ]
    display.figure_.canvas.draw()


def test_values_are_those_of_the_method(fitted, frame):
    shown = {
        method: SaliencyDisplay.from_estimator(fitted, frame, target="keep", method=method).inputs
        for method in ("auto", "gradient", "gradient_x_input")
    }
    _, found = gradients_of(fitted, frame, target="keep")
    photo, note, table = found["photo"], found["note"], found["remainder"]
    plain, times = shown["gradient"], shown["gradient_x_input"]
    np.testing.assert_allclose(plain["photo"].values, np.abs(photo.derivatives).max(axis=-1))
    np.testing.assert_allclose(
        times["photo"].values, (photo.derivatives * photo.values).sum(axis=-1), rtol=1e-5
    )
    np.testing.assert_allclose(plain["note"].values, np.linalg.norm(note.derivatives, axis=-1))
    np.testing.assert_allclose(
        times["note"].values, (note.derivatives * note.values).sum(axis=-1), rtol=1e-5
    )
    embedding, derivatives = table.embedded[2]
    norm, product = np.linalg.norm(derivatives), embedding @ derivatives
    np.testing.assert_allclose(plain["remainder"].values[[0, 2]], [table.derivatives[0], norm])
    np.testing.assert_allclose(
        times["remainder"].values[[0, 2]],
        [table.derivatives[0] * table.values[0], product],
        rtol=1e-5,
    )
    assert plain["remainder"].norms == {1, 2}
    auto = shown["auto"]
    assert [auto[name].is_signed for name in auto] == [False, True, True]
    np.testing.assert_array_equal(auto["photo"].values, plain["photo"].values)
    np.testing.assert_array_equal(auto["note"].values, times["note"].values)


def test_red_words_are_those_that_raise_the_score(fitted, frame):
    display = SaliencyDisplay.from_estimator(fitted, frame, row=1, inputs=["note"])
    (ax,) = display.axes_
    words = [text for text in ax.texts if text.get_bbox_patch() is not None]
    assert [text.get_text() for text in words] == frame["note"][1].split()
    for text, value in zip(words, display.inputs["note"].values, strict=True):
        red, _, blue = to_rgb(text.get_bbox_patch().get_facecolor())
        assert (red > blue) == (value > 0)


def test_bars_are_the_largest_columns(fitted, frame):
    display = SaliencyDisplay.from_estimator(fitted, frame, inputs=["remainder"], max_columns=2)
    saliency = display.inputs["remainder"]
    order = np.argsort(-np.abs(saliency.values))[:2]
    (ax,) = display.axes_
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], saliency.values[order])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [saliency.content[position] for position in order]


def test_unknown_words_are_shown_as_they_are_written(fitted, frame):
    new = frame.iloc[[0]].assign(note="never too unheard, small")
    display = SaliencyDisplay.from_estimator(fitted, new)
    assert display.inputs["note"].content == ["never", "too", "unheard", "small"]


def test_rows_that_came_routed_show_ids_and_names(fitted, frame, verdicts):
    routed = fitted.router_.transform(frame)
    classifier = MergedNetClassifier(**SMOOTH).fit(routed, verdicts)
    display = SaliencyDisplay.from_estimator(classifier, routed, row=1)
    ids = routed["note"][1]
    assert display.inputs["note"].content == [f"#{number}" for number in ids if number]
    assert display.inputs["remainder"].content == ["age", "city", "shade"]


def test_a_pipeline_gives_what_its_last_step_gives(frame, verdicts, router):
    pipeline = make_pipeline(router, MergedNetClassifier(**SMOOTH)).fit(frame, verdicts)
    shown = SaliencyDisplay.from_estimator(pipeline, frame, row=3)
    routed = SaliencyDisplay.from_estimator(pipeline[-1], pipeline[0].transform(frame), row=3)
    for name in shown.inputs:
        np.testing.assert_array_equal(shown.inputs[name].values, routed.inputs[name].values)
    assert shown.inputs["note"].content == frame["note"][3].split()


def test_an_absent_input_has_an_empty_panel(fitted, frame):
    new = frame.iloc[[0, 1]].copy()
    new["note"] = [None, "too small"]
    display = SaliencyDisplay.from_estimator(fitted, new)
    assert not display.inputs["note"].is_present
    assert "absent from this row" in [text.get_text() for text in display.axes_[1].texts]
    assert SaliencyDisplay.from_estimator(fitted, new, row=1).inputs["note"].is_present


def test_a_text_without_words_has_no_words(fitted, frame):
    display = SaliencyDisplay.from_estimator(fitted, frame.iloc[[0]].assign(note="?!"))
    assert display.inputs["note"].is_present
    assert display.inputs["note"].content == []


def test_sequences_of_numbers_are_maps_of_steps_and_channels():
    rng = np.random.default_rng(0)
    X = {"signal": rng.normal(size=(40, 7, 2)).astype("float32")}
    branches = {"signal": RecurrentBranch(4)}
    classifier = MergedNetClassifier(branches=branches, **SMOOTH).fit(X, rng.integers(0, 2, 40))
    display = SaliencyDisplay.from_estimator(classifier, X, row=2)
    assert display.inputs["signal"].values.shape == (7, 2)
    assert display.inputs["signal"].content is None
    assert len(display.axes_[0].images) == 1


def test_a_list_of_inputs_is_read_as_in_fit():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(40, 2)), rng.normal(size=(40, 3))]
    classifier = MergedNetClassifier(**SMOOTH).fit(X, rng.integers(0, 2, 40))
    display = SaliencyDisplay.from_estimator(classifier, X, row=39)
    assert {name: len(each.values) for name, each in display.inputs.items()} == {
        "input_1": 2,
        "input_2": 3,
    }


def test_the_users_axes_are_drawn_in(fitted, frame):
    figure, axes = plt.subplots(3)
    display = SaliencyDisplay.from_estimator(fitted, frame, ax=axes)
    assert list(display.axes_) == list(axes)
    one = figure.add_subplot()
    again = display.plot(ax=one)
    assert again is display
    assert display.ax_ is one
    assert [ax in one.child_axes for ax in display.axes_] == [True] * 3
    with pytest.raises(ValueError, match=r"one for each of the 3 inputs .* Got 2"):
        display.plot(ax=axes[:2])


def test_many_words_and_columns_stay_inside_the_figure(verdicts):
    rng = np.random.default_rng(0)
    words = ["pneumonoultramicroscopicsilicovolcanoconiosis" * 3, "$x^2", "the", "longer"]
    frame = pd.DataFrame(rng.normal(size=(60, 30))).add_prefix("a rather long name of a column ")
    frame["note"] = [" ".join(rng.choice(words, 120)) for _ in range(60)]
    router = ColumnRouter({"note": "text"})
    classifier = MergedNetClassifier(router=router, **SMOOTH).fit(frame, verdicts)
    display = SaliencyDisplay.from_estimator(classifier, frame)
    display.figure_.canvas.draw()
    whole = display.figure_.bbox
    for ax in display.axes_:
        labels = [*ax.texts, *(ax.get_yticklabels() if ax.axison else [])]
        for text in labels:
            box = text.get_window_extent()
            assert box.x0 >= 0
            assert box.x1 <= whole.x1
            assert box.y0 >= 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"row": 60},
            IndexError,
            r"'row' must be the position of a row of X, from 0 to 59. Got 60",
        ),
        ({"row": -1}, IndexError, r"from 0 to 59. Got -1"),
        ({"target": "kepe"}, ValueError, r"\['keep', 'return', 'swap'\]. Got 'kepe'. Did you mean"),
        ({"inputs": ["foto"]}, ValueError, r"Got 'foto'. Did you mean 'photo'"),
        ({"method": "grad"}, ValueError, r"'method' must be one of \['auto', 'gradient', "),
    ],
)
def test_what_cannot_be_drawn_is_named(fitted, frame, arguments, error, message):
    with pytest.raises(error, match=message):
        SaliencyDisplay.from_estimator(fitted, frame, **arguments)


def test_labels_and_outputs_are_named_by_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    classifier = MergedNetClassifier(**SMOOTH).fit(X, rng.integers(0, 2, (40, 3)))
    display = SaliencyDisplay.from_estimator(classifier, X, row=5)
    assert display.target == classifier.predict_proba(X[[5]])[0].argmax()
    with pytest.raises(ValueError, match=r"number of one label, from 0 to 2. Got 3"):
        SaliencyDisplay.from_estimator(classifier, X, target=3)


def test_other_and_unfitted_estimators_are_refused(frame):
    with pytest.raises(TypeError, match="Got LogisticRegression"):
        SaliencyDisplay.from_estimator(LogisticRegression(), frame)
    with pytest.raises(NotFittedError):
        SaliencyDisplay.from_estimator(MergedNetClassifier(), frame)


def test_words_looked_up_by_other_means_are_left_out_unless_asked_for(frame, verdicts):
    @keras.saving.register_keras_serializable(package="test_saliency")
    class Counts(keras.layers.Layer):
        def call(self, ids):
            return keras.ops.sum(keras.ops.one_hot(keras.ops.cast(ids, "int32"), 9), axis=1)

    X = frame[["note", "age"]]
    router = ColumnRouter({"note": TextEncoder(min_frequency=1)})
    classifier = MergedNetClassifier(router=router, branches={"note": Counts()}, **SMOOTH)
    classifier.fit(X, verdicts)
    assert list(SaliencyDisplay.from_estimator(classifier, X).inputs) == ["tabular"]
    with pytest.raises(ValueError, match=r"keras.layers.Embedding .* 'note' does not"):
        SaliencyDisplay.from_estimator(classifier, X, inputs=["note"])
