import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from skmerge.inspection._fold_scores import FoldScores

SCORES = pd.DataFrame(
    {
        "good": [0.90, 0.93, 0.91, 0.95],
        "near": [0.89, 0.93, 0.92, 0.93],
        "far": [0.60, 0.61, 0.64, 0.66],
        "failed": [0.90, np.nan, 0.91, 0.95],
    }
)


@pytest.fixture
def scores():
    return FoldScores(SCORES, n_train=90, n_test=30)


def test_means_and_spreads_are_those_of_a_search(scores):
    np.testing.assert_allclose(scores.means["good"], np.mean(SCORES["good"]))
    np.testing.assert_allclose(scores.spreads["good"], np.std(SCORES["good"].to_numpy()))
    assert np.isnan(scores.means["failed"])
    assert np.isnan(scores.spreads["failed"])


def test_standard_error_is_that_of_nadeau_and_bengio(scores):
    differences = np.array([0.30, 0.32, 0.27, 0.29])
    deviations = differences - differences.sum() / 4
    variance = (deviations**2).sum() / 3
    expected = np.sqrt((1 / 4 + 30 / 90) * variance)
    difference, standard_error = scores.difference("good", "far")
    assert difference == pytest.approx(differences.mean())
    assert standard_error == pytest.approx(expected)
    assert standard_error > np.sqrt(variance / 4), "wider than for independent folds"


def test_a_difference_is_told_apart_beyond_students_interval(scores):
    assert scores.quantile == pytest.approx(t.ppf(0.975, 3))
    assert scores.order("good", "far") == 1
    assert scores.order("far", "good") == -1
    assert scores.order("good", "near") == 0
    assert scores.order("good", "good") == 0
    assert scores.order("good", "failed") == 0


def test_equal_differences_in_all_folds_are_told_apart():
    scores = FoldScores(pd.DataFrame({"a": [0.5, 0.75], "b": [0.25, 0.5]}), 2, 1)
    assert scores.difference("a", "b") == (0.25, 0.0)
    assert scores.order("a", "b") == 1


def test_one_fold_tells_nothing_apart():
    scores = FoldScores(pd.DataFrame({"a": [0.9], "b": [0.1]}), 2, 1)
    difference, standard_error = scores.difference("a", "b")
    assert difference == pytest.approx(0.8)
    assert np.isnan(standard_error)
    assert scores.order("a", "b") == 0


def test_table_compares_all_with_the_reference(scores):
    table = scores.table("near")
    assert list(table.index) == list(SCORES)
    assert list(table) == ["mean_score", "std_score", "difference", "standard_error"]
    assert table.loc["near", "difference"] == table.loc["near", "standard_error"] == 0
    assert table.loc["far", "difference"] == pytest.approx(scores.difference("far", "near")[0])
    assert table.loc["failed"].isna().all()
