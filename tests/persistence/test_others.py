"""Estimators in the files of others: pickle, joblib and skops."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier, MergedNetRegressor, TagEncoder

COLUMNS = ["age", "city", "joined", "note", "tags", "photo"]
SMALL = {"head": (4,), "random_state": 0, "epochs": 2, "n_members": 2, "early_stopping": True}


@pytest.fixture(scope="module")
def X(shared_frame):
    return shared_frame[[name for name in COLUMNS if name in shared_frame]]


@pytest.fixture(scope="module")
def y(X):
    return np.arange(len(X)) % 3


@pytest.fixture(scope="module")
def classifier(X, y):
    inputs = {"tags": TagEncoder()} if "tags" in X else {}
    router = ColumnRouter(inputs)
    return MergedNetClassifier(router=router, branches={"photo": "dense"}, **SMALL).fit(X, y)


@pytest.fixture(scope="module")
def search(X, y):
    pipe = make_pipeline(ColumnRouter(), MergedNetRegressor(**SMALL))
    names = ["age", "city", "note"]
    return GridSearchCV(pipe, {"mergednetregressor__merge": ["sum"]}, cv=2).fit(X[names], y)


def by_pickle(estimator, path):
    path.write_bytes(pickle.dumps(estimator))
    return pickle.loads(path.read_bytes())


def by_joblib(estimator, path):
    joblib.dump(estimator, path)
    return joblib.load(path)


def by_joblib_compressed(estimator, path):
    joblib.dump(estimator, path, compress=3)
    return joblib.load(path)


def by_joblib_in_place(estimator, path):
    joblib.dump(estimator, path)
    return joblib.load(path, mmap_mode="r")


def by_skops(estimator, path):
    sio = pytest.importorskip("skops.io")
    sio.dump(estimator, path)
    named = sio.get_untrusted_types(file=path)
    ours = [name for name in named if name.startswith("skmerge.")]
    assert "skmerge.router.ColumnRouter" in ours
    # what is not ours is of scikit-learn, or plain data
    assert {name.split(".")[0] for name in named} <= {"skmerge", "sklearn", "numpy", "builtins"}
    return sio.load(path, trusted=named)


WAYS = [by_pickle, by_joblib, by_joblib_compressed, by_joblib_in_place, by_skops]


@pytest.mark.parametrize("way", WAYS)
def test_a_classifier_predicts_the_same(classifier, X, tmp_path, way):
    loaded = way(classifier, tmp_path / "model")
    assert_array_equal(loaded.predict_proba(X), classifier.predict_proba(X))
    assert repr(loaded.router_) == repr(classifier.router_)
    assert loaded.history_ == classifier.history_


@pytest.mark.parametrize("way", WAYS)
def test_a_search_predicts_the_same(search, X, tmp_path, way):
    loaded = way(search, tmp_path / "model")
    assert_array_equal(loaded.predict(X), search.predict(X))
    assert loaded.best_params_ == search.best_params_


def test_training_goes_on_alike(classifier, X, y, tmp_path):
    expected = copy.deepcopy(classifier).partial_fit(X, y).predict_proba(X)
    for way in (by_pickle, by_skops):
        loaded = way(classifier, tmp_path / "model")
        assert_array_equal(loaded.partial_fit(X, y).predict_proba(X), expected)
