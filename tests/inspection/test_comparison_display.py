import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmerge.inspection import MergeComparison, MergeComparisonDisplay
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._trials import Measures
from skmerge.merges import Sum

SCORES = pd.DataFrame(
    {
        "concat": [0.80, 0.82, 0.84],
        "multiply": [0.95, 0.93, 0.94],
        "photo alone": [0.60, 0.66, 0.64],
        "ensemble of single inputs": [0.70, 0.71, 0.69],
        "linear baseline": [0.50, 0.52, 0.51],
    }
)
KINDS = ["merge", "merge", "input", "ensemble", "baseline"]


class Guess(ClassifierMixin, BaseEstimator):
    """Stands in for a network: as right as its merge and its setting say."""

    def __init__(self, merge="concat", setting=0):
        self.merge = merge
        self.setting = setting

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)

    def score(self, X, y):
        name = self.merge if isinstance(self.merge, str) else type(self.merge).__name__
        base, slope = {"concat": (0.5, 1), "sum": (0.6, 2), "Sum": (0.7, 3)}[name]
        return base + self.setting + slope * X[:, 0].mean() / 10


@pytest.fixture
def comparison():
    measures = [
        Measures(name, kind, pd.DataFrame({"fit_seconds": [1.0], "predict_ms": [1.0],
                                           "n_parameters": [1.0]}))
        for name, kind in zip(SCORES, KINDS, strict=True)
    ]  # fmt: skip
    return MergeComparison(FoldScores(SCORES, 60, 30), measures, "accuracy")


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.02, (30, 2)), np.arange(30) % 2


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def labels_of(display):
    return [label.get_text() for label in display.ax_.get_yticklabels()]


def test_dots_are_means_and_points_are_folds_best_on_top(comparison):
    display = MergeComparisonDisplay.from_result(comparison)
    assert labels_of(display) == list(comparison.scores_)
    assert labels_of(display)[0] == "multiply"
    for position, name in enumerate(comparison.scores_):
        dot, folds = display.dots_[position], display.folds_[position]
        assert dot.get_xdata() == pytest.approx([SCORES[name].mean()])
        assert list(dot.get_ydata()) == [position]
        np.testing.assert_array_equal(folds.get_xdata(), SCORES[name])
    low, high = display.ax_.get_xlim()
    assert low < SCORES.min().min() < SCORES.max().max() < high
    top, bottom = sorted(display.ax_.get_ylim())
    assert display.ax_.yaxis_inverted()
    assert top < 0 < len(KINDS) - 1 < bottom


def test_whiskers_are_the_interval_of_the_difference_to_the_best(comparison):
    display = MergeComparisonDisplay.from_result(comparison)
    frame = comparison.to_frame()
    assert len(display.whiskers_) == len(KINDS) - 1, "none for the best"
    for whisker, (_, row) in zip(display.whiskers_, frame.iloc[1:].iterrows(), strict=True):
        low, high = whisker.get_xdata()
        assert (high - low) / 2 == pytest.approx(row["standard_error"] * 4.302653, rel=1e-5)
        assert (low + high) / 2 == pytest.approx(row["mean_score"])


def test_kinds_are_told_apart_by_marker_and_colour(comparison):
    display = MergeComparisonDisplay.from_result(comparison)
    looks = {
        kind: {
            (dot.get_marker(), dot.get_color())
            for dot, own in zip(display.dots_, comparison.kinds_.values(), strict=True)
            if own == kind
        }
        for kind in KINDS
    }
    assert all(len(look) == 1 for look in looks.values())
    assert len({marker for look in looks.values() for marker, _ in look}) == 4
    assert len({color for look in looks.values() for _, color in look}) == 4
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["merge", "input alone", "ensemble of inputs", "linear baseline"]


def test_given_axes_are_used_and_no_figure_is_made(comparison):
    figure, ax = plt.subplots()
    display = MergeComparisonDisplay.from_result(comparison, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert plt.get_fignums() == [figure.number]
    again = display.plot()
    assert again is display
    assert display.ax_ is not ax


def test_figure_grows_with_the_candidates():
    heights = []
    for n_candidates in (3, 15):
        scores = pd.DataFrame({f"merge {i}": [0.5, 0.6 + i / 100] for i in range(n_candidates)})
        display = MergeComparisonDisplay(
            scores, ["merge"] * n_candidates, [np.nan] * n_candidates, "r2"
        ).plot()
        heights.append(display.figure_.get_figheight())
        assert display.ax_.get_legend() is None, "merges alone need none"
    assert heights[1] > 2 * heights[0]


def test_a_long_whisker_does_not_squeeze_the_points():
    scores = pd.DataFrame({"a": [0.90, 0.91], "b": [0.80, 0.81]})
    display = MergeComparisonDisplay(scores, ["merge"] * 2, [np.nan, 5.0], "accuracy").plot()
    low, high = display.ax_.get_xlim()
    assert high - low < 2 * (0.91 - 0.80)


def test_a_failed_candidate_is_said_to_have_failed():
    scores = pd.DataFrame({"a": [0.90, 0.91], "b": [np.nan, 0.81]})
    display = MergeComparisonDisplay(scores, ["merge"] * 2, [0.0, np.nan], "accuracy").plot()
    assert "failed" in [text.get_text() for text in display.ax_.texts]
    assert labels_of(display) == ["a", "b"]
    display.figure_.canvas.draw()


def test_long_labels_are_cut():
    scores = pd.DataFrame({"a" * 60: [0.90, 0.91], "b": [0.8, 0.81]})
    display = MergeComparisonDisplay(scores, ["merge"] * 2, [0.0, 0.1], "accuracy").plot()
    assert len(labels_of(display)[0]) < 40


# --- from the results of a search ---------------------------------------------------------------


def test_search_in_a_pipeline_is_plotted_with_its_folds(rows):
    pipeline = make_pipeline(StandardScaler(), Guess())
    search = GridSearchCV(pipeline, {"guess__merge": ["concat", Sum()]}, cv=3).fit(*rows)
    display = MergeComparisonDisplay.from_cv_results(search.cv_results_)
    assert labels_of(display) == ["sum", "concat"], "the default merge by its short name"
    results = search.cv_results_
    splits = [results[f"split{i}_test_score"][1] for i in range(3)]
    np.testing.assert_array_equal(display.folds_[0].get_xdata(), splits)
    (whisker,) = display.whiskers_
    differences = np.array([np.diff(results[f"split{i}_test_score"])[0] for i in range(3)])
    error = np.sqrt((1 / 3 + 1 / 2) * differences.var(ddof=1))
    low, high = whisker.get_xdata()
    assert (high - low) / 2 == pytest.approx(error * 4.302653, rel=1e-5)


def test_other_parameters_of_the_search_are_settled_by_the_best(rows):
    grid = {"merge": ["concat", "sum"], "setting": [0.0, 0.2, 0.1]}
    search = GridSearchCV(Guess(), grid, cv=3).fit(*rows)
    display = MergeComparisonDisplay.from_cv_results(search.cv_results_)
    assert labels_of(display) == ["sum", "concat"]
    best = search.cv_results_["mean_test_score"].max()
    assert display.dots_[0].get_xdata() == pytest.approx([best])
    assert "best of its 3 settings" in display.ax_.get_xlabel()


def test_one_metric_of_several_is_plotted(rows):
    search = GridSearchCV(
        Guess(), {"merge": ["concat", "sum"]}, cv=3, scoring=["accuracy", "f1"], refit=False
    ).fit(*rows)
    with pytest.raises(ValueError, match="must hold 'mean_test_score'"):
        MergeComparisonDisplay.from_cv_results(search.cv_results_)
    display = MergeComparisonDisplay.from_cv_results(search.cv_results_, metric="accuracy")
    assert display.ax_.get_xlabel().startswith("accuracy\n")
    assert display.dots_[0].get_xdata() == pytest.approx([0.5])


def test_share_of_held_out_rows_widens_the_whiskers(rows):
    search = RandomizedSearchCV(Guess(), {"merge": ["concat", "sum"]}, n_iter=2, cv=5).fit(*rows)

    def length(test_fraction):
        display = MergeComparisonDisplay.from_cv_results(
            search.cv_results_, test_fraction=test_fraction
        )
        low, high = display.whiskers_[0].get_xdata()
        return high - low

    assert length(None) == pytest.approx(length(0.2))
    assert length(0.5) / length(0.2) == pytest.approx(np.sqrt((1 / 5 + 1) / (1 / 5 + 1 / 4)))


def test_results_without_a_merge_are_refused(rows):
    search = GridSearchCV(Guess(), {"setting": [0.0, 0.1]}, cv=3).fit(*rows)
    with pytest.raises(ValueError, match=r"varied one parameter 'merge'.*Got only \['setting'\]"):
        MergeComparisonDisplay.from_cv_results(search.cv_results_)
    with pytest.raises(ValueError, match="must hold 'param_merge'"):
        MergeComparisonDisplay.from_cv_results(search.cv_results_, param="merge")
