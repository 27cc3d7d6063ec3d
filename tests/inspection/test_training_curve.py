"""Histories drawn."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier, TrainingCurveDisplay

HISTORY = {
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "loss": [1.0, 0.6, 0.4, 0.3],
    "val_accuracy": [0.5, 0.6, 0.7, 0.6],
    "val_loss": [1.1, 0.8, 0.7, 0.9],
    "learning_rate": [0.1, 0.1, 0.01, 0.01],
}


@pytest.fixture(autouse=True)
def _no_figure_is_left():
    yield
    plt.close("all")


def lines(ax):
    """Values of each line by its label, without the marks of the best epoch."""
    return {
        line.get_label(): np.asarray(line.get_ydata())
        for line in ax.lines
        if line.get_label() in {"training", "validation"}
    }


def test_the_loss_comes_first_then_each_metric():
    display = TrainingCurveDisplay.from_history(HISTORY)
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["loss", "accuracy"]
    assert display.figure_ is display.ax_.figure
    for ax, name in zip(display.axes_, ["loss", "accuracy"], strict=True):
        drawn = lines(ax)
        np.testing.assert_array_equal(drawn["training"], HISTORY[name])
        np.testing.assert_array_equal(drawn["validation"], HISTORY[f"val_{name}"])
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), [1, 2, 3, 4])


def test_the_best_epoch_is_that_of_the_lowest_validation_loss():
    display = TrainingCurveDisplay.from_history(HISTORY)
    assert display.best_epoch_ == 3
    labels = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert labels == ["training", "validation", "best epoch: 3"]
    marked = [
        (line.get_xdata()[0], line.get_ydata()[0])
        for line in display.axes_[1].lines
        if line.get_marker() == "o"
    ]
    assert marked == [(3, 0.8), (3, 0.7)]


def test_without_validation_the_lowest_training_loss_counts():
    display = TrainingCurveDisplay.from_history({"loss": [3.0, 1.0, np.nan, 2.0]})
    assert display.best_epoch_ == 2
    assert list(lines(display.axes_[0])) == ["training"]


def test_metrics_are_chosen_by_name():
    display = TrainingCurveDisplay.from_history(HISTORY, metrics="accuracy")
    assert [ax.get_title(loc="left") for ax in display.axes_] == ["accuracy"]
    assert display.best_epoch_ == 3, "still by the loss"
    rates = TrainingCurveDisplay.from_history(HISTORY, metrics=["learning_rate", "loss"])
    assert [ax.get_title(loc="left") for ax in rates.axes_] == ["learning rate", "loss"]
    with pytest.raises(ValueError, match=r"Got 'acuracy'. Did you mean 'accuracy'"):
        TrainingCurveDisplay.from_history(HISTORY, metrics="acuracy")


@pytest.mark.parametrize("history", [{}, {"loss": []}])
def test_an_empty_history_is_refused(history):
    with pytest.raises(ValueError, match="at least one epoch"):
        TrainingCurveDisplay.from_history(history)


def test_one_epoch_is_a_point():
    (ax,) = TrainingCurveDisplay.from_history({"loss": [0.5]}).axes_
    assert ax.lines[0].get_marker() == "o"


def test_many_metrics_are_drawn_in_rows_that_do_not_overlap():
    history = {name: [1.0, 0.5] for name in ("loss", "a", "b", "c", "a long name of a metric")}
    display = TrainingCurveDisplay.from_history(history)
    assert len(display.axes_) == 5
    display.figure_.canvas.draw()
    boxes = [ax.get_tightbbox() for ax in display.axes_]
    for position, box in enumerate(boxes):
        assert not [other for other in boxes[position + 1 :] if box.overlaps(other)]


def test_the_users_axes_are_drawn_in():
    _, axes = plt.subplots(1, 2)
    display = TrainingCurveDisplay.from_history(HISTORY, ax=axes)
    assert list(display.axes_) == list(axes)
    _, one = plt.subplots()
    assert list(display.plot(ax=one, metrics="loss").axes_) == [one]
    _, around = plt.subplots()
    assert [ax in around.child_axes for ax in display.plot(ax=around).axes_] == [True, True]
    with pytest.raises(ValueError, match=r"one for each of \['loss', 'accuracy'\]. Got 3"):
        display.plot(ax=plt.subplots(3)[1])


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_estimators_show_their_history(in_pipeline):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3)), rng.integers(0, 2, 60)
    network = MergedNetClassifier(epochs=3, head=(4,), early_stopping=True, random_state=0)
    estimator = make_pipeline(ColumnRouter(), network) if in_pipeline else network
    estimator.fit(X, y)
    display = TrainingCurveDisplay.from_estimator(estimator)
    assert display.best_epoch_ == 1 + np.argmin(network.history_["val_loss"])
    np.testing.assert_array_equal(lines(display.axes_[0])["training"], network.loss_curve_)


def test_unfitted_and_other_estimators_are_refused():
    with pytest.raises(NotFittedError):
        TrainingCurveDisplay.from_estimator(MergedNetClassifier())
    with pytest.raises(TypeError, match="Got ColumnRouter"):
        TrainingCurveDisplay.from_estimator(ColumnRouter())
