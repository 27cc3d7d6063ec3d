"""scikit-learn's common checks on both estimators."""

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmerge import MergedNetClassifier, MergedNetRegressor

MINIBATCHES = (
    "a weight of 2 scales one step, a repeated row is met in two: under minibatch SGD these are "
    "not the same"
)
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": MINIBATCHES,
    "check_sample_weight_equivalence_on_sparse_data": MINIBATCHES,
}


@pytest.mark.slow
@parametrize_with_checks(
    [MergedNetClassifier(), MergedNetRegressor()],
    expected_failed_checks=lambda estimator: EXPECTED_FAILURES,
)
def test_scikit_learn_compatible(estimator, check):
    check(estimator)


def test_classifier_and_regressor_are_known_as_such():
    assert is_classifier(MergedNetClassifier())
    assert is_regressor(MergedNetRegressor())
