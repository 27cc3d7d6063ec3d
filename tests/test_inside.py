"""What can be read inside a fitted network: merged features, branch outputs, gates."""

import pickle

import keras
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, DenseBranch, MergedNetClassifier, MergedNetRegressor, MultiInput
from skmerge.merges import Late


def inputs_of(n_rows=40, seed=0):
    rng = np.random.default_rng(seed)
    return {"left/top": rng.normal(size=(n_rows, 2)), "right": rng.normal(size=(n_rows, 3))}


X = inputs_of()
Y = X["left/top"][:, 0] + X["right"][:, 0] > 0


def fitted(merge="concat", **options):
    branches = {"left/top": DenseBranch((5,)), "right": DenseBranch((7,))}
    clf = MergedNetClassifier(merge, branches=branches, epochs=1, random_state=0, **options)
    return clf.fit(X, Y)


@pytest.fixture(scope="module")
def concat():
    return fitted()


def test_branch_outputs_are_what_each_branch_computes(concat):
    features = concat.branch_outputs(X)
    assert list(features) == ["left/top", "right"]
    network = concat.model_.get_layer("left_top")
    rows = concat.router_.transform(X)["left/top"]
    assert_allclose(features["left/top"], network(rows), rtol=1e-5, atol=1e-6)
    assert features["right"].shape == (40, 7)


def test_merged_features_are_what_the_head_reads(concat):
    merged = concat.transform(X)
    assert merged.dtype == np.float32
    assert_array_equal(merged, np.concatenate(list(concat.branch_outputs(X).values()), axis=1))
    model = concat.model_
    outputs = model.get_layer("output")(model.get_layer("head")(merged))
    assert_allclose(outputs[:, 0], concat.predict_proba(X)[:, 1], rtol=1e-5)


def test_of_one_input_the_merged_features_are_those_of_its_branch():
    reg = MergedNetRegressor(epochs=1, random_state=0).fit(X["right"], X["right"][:, 0])
    (features,) = reg.branch_outputs(X["right"]).values()
    assert_array_equal(reg.transform(X["right"]), features)


def test_merged_features_have_names_and_become_a_frame(concat):
    names = concat.get_feature_names_out()
    assert names[0] == "mergednetclassifier0"
    assert len(names) == 12
    framed = fitted().set_output(transform="pandas").transform(X)
    assert isinstance(framed, pd.DataFrame)
    assert list(framed.columns) == list(names)


def test_merged_features_feed_other_estimators_in_a_pipeline():
    pipe = make_pipeline(MergedNetClassifier(epochs=5, random_state=0), LogisticRegression()).fit(
        X, Y
    )
    assert pipe.score(X, Y) > 0.8


def test_reading_survives_pickling_before_and_after_it(concat):
    again = pickle.loads(pickle.dumps(concat))
    assert_array_equal(again.transform(X), concat.transform(X))
    once_more = pickle.loads(pickle.dumps(again))
    assert_array_equal(once_more.transform(X), concat.transform(X))


def test_no_rows_give_no_features(concat):
    routed = concat.router_.transform(X)[:0]
    assert concat.transform(routed).shape == (0, 12)
    assert concat.predict_proba(routed).shape == (0, 2)


def test_gates_of_late_fusion_are_its_weights():
    gates = fitted(Late((1, 3))).gates(X)
    assert list(gates) == ["left/top", "right"]
    assert_allclose(gates["left/top"], np.full((40, 1), 0.25))
    assert_allclose(gates["right"], np.full((40, 1), 0.75))


def test_gates_of_late_fusion_leave_out_absent_inputs():
    clf = fitted("late", input_dropout=0.3)
    routed = clf.router_.transform(X)
    masks = {"left/top": np.arange(40) % 2 == 0, "right": np.ones(40, bool)}
    gates = clf.gates(MultiInput(dict(routed.items()), routed.specs, masks))
    assert_allclose(gates["left/top"][:2], [[0.5], [0.0]])
    assert_allclose(gates["right"][:2], [[0.5], [1.0]])


@pytest.mark.parametrize("merge", ["concat", ["sum", "concat"], Late("stacked")])
def test_merges_without_weights_have_no_gates(merge):
    with pytest.raises(ValueError, match=r"must weigh the inputs.*'gated'.*Got merge="):
        fitted(merge).gates(X)


@pytest.mark.parametrize("method", ["transform", "branch_outputs", "gates"])
def test_an_unfitted_network_has_nothing_inside(method):
    with pytest.raises(NotFittedError):
        getattr(MergedNetClassifier(), method)(X)


class TestInputDropout:
    def test_rows_may_lack_whole_inputs_afterwards(self):
        clf = fitted(input_dropout=0.3)
        alone = clf.predict_proba({"right": X["right"]})
        assert alone.shape == (40, 2)
        assert np.ptp(alone[:, 0]) > 0
        # what is missing makes no difference: an array of other numbers, marked absent
        routed = clf.router_.transform(inputs_of(seed=1))
        masks = {"left/top": np.zeros(40, bool)}
        arrays = dict(routed.items()) | {"right": clf.router_.transform(X)["right"]}
        assert_array_equal(clf.predict_proba(MultiInput(arrays, routed.specs, masks)), alone)

    def test_a_routed_network_predicts_without_an_input(self):
        routed = ColumnRouter().fit_transform(X)
        clf = MergedNetClassifier(input_dropout=0.3, epochs=1, random_state=0).fit(routed, Y)
        assert clf.predict(routed.select(["right"])).shape == (40,)

    def test_without_it_a_missing_input_is_an_error(self, concat):
        with pytest.raises(ValueError, match="'left/top'.*missing from X"):
            concat.predict({"right": X["right"]})

    def test_of_nothing_nothing_can_be_predicted(self):
        clf = fitted(input_dropout=0.3)
        with pytest.raises(ValueError, match=r"at least one input\. Got \['other'\]"):
            clf.predict({"other": X["right"]})

    def test_teaches_to_predict_from_each_input_alone(self):
        rng = np.random.default_rng(0)
        signal = rng.normal(size=(300, 1))
        both = {"left": signal, "right": signal + 0.1 * rng.normal(size=(300, 1))}
        y = signal[:, 0] > 0

        def accuracies(input_dropout):
            clf = MergedNetClassifier(
                merge="multiply",
                input_dropout=input_dropout,
                epochs=30,
                learning_rate=0.01,
                random_state=0,
            ).fit(both, y)
            return [clf.score({name: rows}, y) for name, rows in both.items()]

        assert min(accuracies(0.4)) > 0.9

    def test_one_input_is_never_taken_away(self):
        alone, target = X["right"], X["right"][:, 0]
        with_it, without = (
            MergedNetRegressor(epochs=2, input_dropout=rate, random_state=0).fit(alone, target)
            for rate in (0.5, 0.0)
        )
        assert "input-dropout" not in {layer.name for layer in with_it.model_.layers}
        assert_allclose(with_it.loss_curve_, without.loss_curve_, rtol=1e-5)

    @pytest.mark.parametrize("rate", [-0.1, 1.0])
    def test_rate_is_a_probability_below_one(self, rate):
        with pytest.raises(ValueError, match="'input_dropout' parameter"):
            fitted(input_dropout=rate)


class TestInputDropoutLayer:
    def draws(self, presence, rate=0.5, n_rows=4000):
        from skmerge._layers import InputDropout

        keras.utils.set_random_seed(0)
        inputs = [np.full((n_rows, 1), value, "float32") for value in presence]
        left = InputDropout(rate)(inputs, training=True)
        return np.concatenate(left, axis=1)

    def test_each_input_goes_with_the_rate_but_never_all(self):
        left = self.draws([1, 1], rate=0.5)
        # all gone has probability .25 and is put back
        assert_allclose(left.mean(axis=0), [0.75, 0.75], atol=0.03)
        assert left.max(axis=1).min() == 1

    def test_what_is_absent_stays_absent(self):
        left = self.draws([1, 0], rate=0.9)
        assert left[:, 1].max() == 0
        assert left[:, 0].min() == 1

    def test_rows_without_anything_stay_so(self):
        assert self.draws([0, 0]).max() == 0

    def test_nothing_goes_in_prediction(self):
        from skmerge._layers import InputDropout

        inputs = [np.ones((3, 1), "float32")] * 2
        assert_array_equal(np.concatenate(InputDropout(0.9)(inputs)), np.ones((6, 1)))
