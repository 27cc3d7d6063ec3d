"""What is drawn of gradients, of which `test_gradients` sees that they are right."""

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
    ColumnRouter,
    MergedNetClassifier,
    RecurrentBranch,
    SaliencyDisplay,
    TextEncoder,
)
from skmerge.inspection._gradients import gradients, score_of
from skmerge.inspection._one_row import one_row

QUICK = {"head": (6,), "random_state": 0, "epochs": 1}


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    plt.close("all")


def test_each_input_has_a_panel(article_net, articles):
    display = SaliencyDisplay.from_estimator(article_net, articles, row=2)
    assert list(display.inputs) == ["photo", "note", "remainder"]
    assert display.axes_.shape == (3,)
    assert display.figure_ is display.ax_.figure
    assert display.target == article_net.predict(articles.iloc[[2]])[0]
    assert display.ax_.get_title(loc="left").startswith(
        f"Score of row 2: the logit of {display.target!r}, "
    )
    assert display.is_logit
    assert display.inputs["photo"].values.shape == (6, 6)
    assert display.inputs["note"].content == articles["note"][2].split()
    assert display.inputs["remainder"].content[1:] == [
        f"city = {articles['city'][2]}",
        f"shade = {articles['shade'][2]}",
    ]
    display.figure_.canvas.draw()


def test_values_are_those_of_the_method(article_net, articles):
    shown = {
        method: SaliencyDisplay.from_estimator(
            article_net, articles, target="keep", method=method
        ).inputs
        for method in ("auto", "gradient", "gradient_x_input")
    }
    one = one_row(article_net, articles, 0)
    _, found = gradients(one, score_of(one, "keep"), list(one.specs))
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


def test_red_words_are_those_that_raise_the_score(article_net, articles):
    display = SaliencyDisplay.from_estimator(article_net, articles, row=1, inputs=["note"])
    (ax,) = display.axes_
    words = [text for text in ax.texts if text.get_bbox_patch() is not None]
    assert [text.get_text() for text in words] == articles["note"][1].split()
    for text, value in zip(words, display.inputs["note"].values, strict=True):
        red, _, blue = to_rgb(text.get_bbox_patch().get_facecolor())
        assert (red > blue) == (value > 0)


def test_bars_are_the_largest_columns(article_net, articles):
    display = SaliencyDisplay.from_estimator(
        article_net, articles, inputs=["remainder"], max_columns=2
    )
    saliency = display.inputs["remainder"]
    order = np.argsort(-np.abs(saliency.values))[:2]
    (ax,) = display.axes_
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], saliency.values[order])
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == [saliency.content[position] for position in order]


def test_unknown_words_are_shown_as_they_are_written(article_net, articles):
    new = articles.iloc[[0]].assign(note="never too unheard, small")
    display = SaliencyDisplay.from_estimator(article_net, new)
    assert display.inputs["note"].content == ["never", "too", "unheard", "small"]


def test_rows_that_came_routed_show_ids_and_names(article_net, articles, verdicts):
    routed = article_net.router_.transform(articles)
    classifier = MergedNetClassifier(**QUICK).fit(routed, verdicts)
    display = SaliencyDisplay.from_estimator(classifier, routed, row=1)
    ids = routed["note"][1]
    assert display.inputs["note"].content == [f"#{number}" for number in ids if number]
    assert display.inputs["remainder"].content == ["age", "city", "shade"]


def test_a_pipeline_gives_what_its_last_step_gives(articles, verdicts, article_router):
    pipeline = make_pipeline(article_router, MergedNetClassifier(**QUICK)).fit(articles, verdicts)
    shown = SaliencyDisplay.from_estimator(pipeline, articles, row=3)
    routed = SaliencyDisplay.from_estimator(pipeline[-1], pipeline[0].transform(articles), row=3)
    for name in shown.inputs:
        np.testing.assert_array_equal(shown.inputs[name].values, routed.inputs[name].values)
    assert shown.inputs["note"].content == articles["note"][3].split()


def test_an_absent_input_has_an_empty_panel(article_net, articles):
    new = articles.iloc[[0, 1]].copy()
    new["note"] = [None, "too small"]
    display = SaliencyDisplay.from_estimator(article_net, new)
    assert not display.inputs["note"].is_present
    assert "absent from this row" in [text.get_text() for text in display.axes_[1].texts]
    assert SaliencyDisplay.from_estimator(article_net, new, row=1).inputs["note"].is_present


def test_a_text_without_words_has_no_words(article_net, articles):
    display = SaliencyDisplay.from_estimator(article_net, articles.iloc[[0]].assign(note="?!"))
    assert display.inputs["note"].is_present
    assert display.inputs["note"].content == []


def test_sequences_of_numbers_are_maps_of_steps_and_channels():
    rng = np.random.default_rng(0)
    X = {"signal": rng.normal(size=(40, 7, 2)).astype("float32")}
    branches = {"signal": RecurrentBranch(4)}
    classifier = MergedNetClassifier(branches=branches, **QUICK).fit(X, rng.integers(0, 2, 40))
    display = SaliencyDisplay.from_estimator(classifier, X, row=2)
    assert display.inputs["signal"].values.shape == (7, 2)
    assert display.inputs["signal"].content is None
    assert len(display.axes_[0].images) == 1


def test_a_list_of_inputs_is_read_as_in_fit():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(40, 2)), rng.normal(size=(40, 3))]
    classifier = MergedNetClassifier(**QUICK).fit(X, rng.integers(0, 2, 40))
    display = SaliencyDisplay.from_estimator(classifier, X, row=39)
    assert {name: len(each.values) for name, each in display.inputs.items()} == {
        "input_1": 2,
        "input_2": 3,
    }


def test_the_users_axes_are_drawn_in(article_net, articles):
    figure, axes = plt.subplots(3)
    display = SaliencyDisplay.from_estimator(article_net, articles, ax=axes)
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
    classifier = MergedNetClassifier(router=router, **QUICK).fit(frame, verdicts)
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
        ({"target": "kepe"}, ValueError, r"\['keep', .*\]. Got 'kepe'. Did you mean 'keep'"),
        ({"inputs": ["foto"]}, ValueError, r"Got 'foto'. Did you mean 'photo'"),
        ({"method": "grad"}, ValueError, r"'method' must be one of \['auto', 'gradient', "),
    ],
)
def test_what_cannot_be_drawn_is_named(article_net, articles, arguments, error, message):
    with pytest.raises(error, match=message):
        SaliencyDisplay.from_estimator(article_net, articles, **arguments)


def test_labels_and_outputs_are_named_by_number():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    classifier = MergedNetClassifier(**QUICK).fit(X, rng.integers(0, 2, (40, 3)))
    display = SaliencyDisplay.from_estimator(classifier, X, row=5)
    assert display.target == classifier.predict_proba(X[[5]])[0].argmax()
    with pytest.raises(ValueError, match=r"number of one label, from 0 to 2. Got 3"):
        SaliencyDisplay.from_estimator(classifier, X, target=3)


def test_other_and_unfitted_estimators_are_refused(articles):
    with pytest.raises(TypeError, match="Got LogisticRegression"):
        SaliencyDisplay.from_estimator(LogisticRegression(), articles)
    with pytest.raises(NotFittedError):
        SaliencyDisplay.from_estimator(MergedNetClassifier(), articles)


def test_words_looked_up_by_other_means_are_left_out_unless_asked_for(articles, verdicts):
    @keras.saving.register_keras_serializable(package="test_saliency")
    class Counts(keras.layers.Layer):
        def call(self, ids):
            return keras.ops.sum(keras.ops.one_hot(keras.ops.cast(ids, "int32"), 9), axis=1)

    X = articles[["note", "age"]]
    router = ColumnRouter({"note": TextEncoder(min_frequency=1)})
    classifier = MergedNetClassifier(router=router, branches={"note": Counts()}, **QUICK)
    classifier.fit(X, verdicts)
    assert list(SaliencyDisplay.from_estimator(classifier, X).inputs) == ["tabular"]
    with pytest.raises(ValueError, match=r"keras.layers.Embedding .* 'note' does not"):
        SaliencyDisplay.from_estimator(classifier, X, inputs=["note"])
