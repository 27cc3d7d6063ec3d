"""The merges with weights of their own inside an estimator: fitted, searched over, pickled."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from skmerge import MergedNetClassifier, MultiInput
from skmerge.merges import AttentionMerge, Bilinear, Compare, FiLM, Gated

MODES = ["gated", "bilinear", "film", "attention", "compare", "mrnn"]
RNG = np.random.default_rng(0)
X = {
    "numbers": RNG.normal(size=(48, 3)).astype("float32"),
    "more": RNG.normal(size=(48, 5)).astype("float32"),
}
Y = np.where(X["numbers"][:, 0] * X["more"][:, 0] > 0, "like", "unlike")


def classifier(merge, **options):
    return MergedNetClassifier(merge, head=(4,), epochs=2, random_state=0, **options)


@pytest.mark.parametrize("mode", MODES)
def test_pickled_estimator_predicts_the_same(mode):
    fitted = classifier(mode).fit(X, Y)
    probabilities = fitted.predict_proba(X)
    assert np.isfinite(probabilities).all()
    assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), probabilities)


def test_search_over_modes_and_their_parameters():
    grid = [
        {"merge": ["gated"], "merge__units": [2, None]},
        {"merge": ["bilinear"], "merge__rank": [2]},
        {"merge": ["film"], "merge__target": [1]},
    ]
    search = GridSearchCV(classifier("concat"), grid, cv=2, error_score="raise")
    search.fit(MultiInput(X), Y)
    assert len(search.cv_results_["mean_test_score"]) == 4
    assert search.predict(MultiInput(X)).shape == (48,)


@pytest.mark.parametrize(
    ("mode", "changes", "merge"),
    [
        ("gated", {"units": 3}, Gated(3)),
        ("bilinear", {"rank": 2}, Bilinear(rank=2)),
        ("film", {"target": 1}, FiLM(target=1)),
        ("attention", {"n_layers": 2, "dropout": 0.1}, AttentionMerge(n_layers=2, dropout=0.1)),
        ("compare", {"symmetric": True}, Compare(symmetric=True)),
    ],
)
def test_parameters_are_set_through_the_short_name(mode, changes, merge):
    estimator = classifier(mode).set_params(**{f"merge__{name}": v for name, v in changes.items()})
    assert str(clone(estimator).merge) == str(merge)
    for name, value in changes.items():
        assert estimator.get_params()[f"merge__{name}"] == value


@pytest.mark.parametrize("mode", ["gated", "attention"])
def test_rows_may_lack_inputs(mode):
    frame = pd.DataFrame({"age": RNG.normal(size=48), "note": ["fits well", "too small"] * 24})
    frame.loc[::3, "note"] = None
    fitted = classifier(mode).fit(frame, Y)
    lacking = fitted.predict_proba(frame.assign(note=None))
    assert np.isfinite(lacking).all()
    assert_array_equal(fitted.predict_proba(frame)[::3], lacking[::3])
