"""Weights, validation rows and groups on their way through Pipelines and searches."""

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, MergedNetClassifier, MergedNetRegressor

SMALL = {"head": (4,), "random_state": 0, "epochs": 1, "early_stopping": False}


@pytest.fixture(scope="module")
def rows(shared_frame):
    return shared_frame[["age", "visits", "city"]]


@pytest.fixture(scope="module")
def labels(rows):
    return (rows["visits"] > 2).to_numpy(dtype=int)


@pytest.fixture(scope="module")
def weights(rows):
    return np.where(rows["city"] == "Rome", 5.0, 0.5)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


def test_weights_reach_the_network_through_a_pipeline(rows, labels, weights, routing):
    alone = MergedNetClassifier(**SMALL).fit(rows, labels, weights)
    net = MergedNetClassifier(**SMALL).set_fit_request(sample_weight=True)
    pipe = make_pipeline(ColumnRouter(), net).fit(rows, labels, sample_weight=weights)
    assert_array_equal(pipe.predict_proba(rows), alone.predict_proba(rows))


def test_weights_are_cut_by_a_search_and_used_for_scores(rows, labels, weights, routing):
    net = MergedNetClassifier(**SMALL).set_fit_request(sample_weight=True)
    net.set_score_request(sample_weight=True)
    search = GridSearchCV(net, {"merge": ["concat"]}, cv=2).fit(rows, labels, sample_weight=weights)
    plain = MergedNetClassifier(**SMALL).fit(rows, labels, weights)
    assert_array_equal(search.predict_proba(rows), plain.predict_proba(rows))
    unweighted = GridSearchCV(
        MergedNetClassifier(**SMALL).set_score_request(sample_weight=False), {"merge": ["concat"]},
        cv=2,
    ).fit(rows, labels)  # fmt: skip
    assert search.cv_results_["mean_test_score"] != unweighted.cv_results_["mean_test_score"]


def test_weights_that_nobody_asked_for_are_refused(rows, labels, weights, routing):
    pipe = make_pipeline(ColumnRouter(), MergedNetClassifier(**SMALL))
    with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
        pipe.fit(rows, labels, sample_weight=weights)


def test_validation_rows_reach_the_network_as_they_are(rows, labels, routing):
    validation = (rows[:20], labels[:20])
    alone = MergedNetClassifier(**SMALL).fit(rows[20:], labels[20:], validation_data=validation)
    net = MergedNetClassifier(**SMALL).set_fit_request(validation_data=True)
    pipe = make_pipeline(ColumnRouter(), net)
    pipe.fit(rows[20:], labels[20:], validation_data=validation)
    assert pipe[-1].history_ == alone.history_
    assert len(pipe[-1].history_["val_loss"]) == 1


@pytest.mark.parametrize("input_dropout", [0.0, 0.2])
def test_validation_rows_reach_the_network_by_the_name_of_its_step(rows, labels, input_dropout):
    pipe = make_pipeline(
        ColumnRouter(missing_inputs="absent"),
        MergedNetClassifier(**SMALL, input_dropout=input_dropout),
    )
    pipe.fit(rows, labels, mergednetclassifier__validation_data=(rows[:9], labels[:9]))
    assert "val_loss" in pipe[-1].history_


def test_validation_rows_are_the_same_for_all_fits_of_a_search(rows, labels, routing):
    net = MergedNetClassifier(**SMALL).set_fit_request(validation_data=True)
    search = GridSearchCV(make_pipeline(ColumnRouter(), net), {}, cv=2)
    search.fit(rows, labels, validation_data=(rows[:20], labels[:20]))
    assert "val_loss" in search.best_estimator_[-1].history_


def test_rows_that_no_router_made_cannot_take_others(rows, labels):
    X = ColumnRouter().fit_transform(rows)
    with pytest.raises(ValueError, match="was fitted on a MultiInput and must get one again"):
        MergedNetClassifier(**SMALL).fit(X[:], labels, validation_data=(rows, labels))


@pytest.mark.parametrize("is_routed", [False, True])
def test_groups_reach_the_splitter(rows, labels, is_routed):
    groups = rows["city"].fillna("?").to_numpy()
    X = ColumnRouter().fit_transform(rows) if is_routed else rows
    n_groups = len(set(groups))
    with sklearn.config_context(enable_metadata_routing=True):
        scores = cross_validate(
            MergedNetClassifier(**SMALL), X, labels, params={"groups": groups},
            cv=GroupKFold(n_groups), return_indices=True,
        )  # fmt: skip
    for test in scores["indices"]["test"]:
        assert len(set(groups[test])) == 1
    search = GridSearchCV(MergedNetClassifier(**SMALL), {"merge": ["sum"]}, cv=GroupKFold(n_groups))
    assert search.fit(X, labels, groups=groups).n_splits_ == n_groups


def test_weights_of_each_part_of_a_meta_estimator(rows, weights, routing):
    y = rows[["visits", "visits"]].to_numpy(dtype=float)
    net = MergedNetRegressor(**SMALL).set_fit_request(sample_weight=True)
    numbers = rows[["visits"]].to_numpy(dtype=float)
    both = MultiOutputRegressor(net).fit(numbers, y, sample_weight=weights)
    alone = MergedNetRegressor(**SMALL).fit(numbers, y[:, 0], weights)
    assert_array_equal(both.predict(numbers)[:, 0], alone.predict(numbers))


def test_partial_fit_takes_weights_by_request(rows, labels, weights, routing):
    net = MergedNetClassifier(**SMALL).set_partial_fit_request(sample_weight=True, classes=True)
    routed = net.get_metadata_routing().partial_fit.requests
    assert routed["sample_weight"] is True
    assert routed["classes"] is True
