"""Comparison of a pair: the same for swapped inputs where it should be."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skmerge import InputSpec, MergedNetClassifier, MultiInput, build_network
from skmerge.merges import Compare

RNG = np.random.default_rng(0)
FRONT, BACK = RNG.normal(size=(2, 40, 6)).astype("float32")


def comparing(widths, **options):
    features = [keras.Input((width,)) for width in widths]
    return keras.Model(features, Compare(**options).join(features))


@pytest.mark.parametrize("units", [None, 4])
def test_symmetric_comparison_is_the_same_for_swapped_inputs(units):
    model = comparing([6, 6], units=units, symmetric=True)
    assert len(model.weights) == (units is not None), "one projection for both"
    assert_allclose(model([FRONT, BACK]), model([BACK, FRONT]), rtol=1e-6, atol=1e-6)


def test_comparison_tells_which_is_which_unless_symmetric():
    model = comparing([6, 6])
    assert np.abs(model([FRONT, BACK]) - model([BACK, FRONT])).max() > 1


def test_network_with_a_shared_branch_predicts_the_same_for_swapped_inputs():
    specs = [InputSpec("front", "array", (6,)), InputSpec("back", "array", (6,))]
    merge = Compare(units=8, symmetric=True)
    network = build_network(specs, {"back": "front"}, merge, head=(5,))
    swapped = network({"front": BACK, "back": FRONT})
    assert_allclose(network({"front": FRONT, "back": BACK}), swapped, rtol=1e-5, atol=1e-6)

    own_branches = build_network(specs, None, merge, head=(5,))
    swapped = own_branches({"front": BACK, "back": FRONT})
    assert np.abs(own_branches({"front": FRONT, "back": BACK}) - swapped).max() > 1e-3


def test_trained_estimator_predicts_the_same_for_swapped_inputs():
    # a MultiInput, since a router would scale each input by its own rows
    branches = {"front": "dense", "back": "front"}
    classifier = MergedNetClassifier(
        Compare(symmetric=True), branches=branches, epochs=2, random_state=0
    )
    classifier.fit(MultiInput({"front": FRONT, "back": BACK}), (FRONT * BACK)[:, 0] > 0)
    assert_allclose(
        classifier.predict_proba(MultiInput({"front": FRONT, "back": BACK})),
        classifier.predict_proba(MultiInput({"front": BACK, "back": FRONT})),
        rtol=1e-5,
        atol=1e-6,
    )


def test_twins_differ_in_nothing():
    output = np.asarray(comparing([6, 6])([FRONT, FRONT]))
    assert_array_equal(output[:, 12:18], np.zeros((40, 6)))


@pytest.mark.parametrize("units", [None, 4])
def test_symmetric_comparison_of_unequal_widths_is_an_error(units):
    with pytest.raises(ValueError, match=r"only for branches of one width\. Got \[3, 5\]\. Share"):
        comparing([3, 5], units=units, symmetric=True)
