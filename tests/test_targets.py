from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import DataConversionWarning

from skmerge._spec import TargetSpec
from skmerge._targets import ClassTargets, NumberTargets, check_targets


@pytest.mark.parametrize(
    ("y", "spec"),
    [
        (["b", "a", "b"], TargetSpec("binary", 1)),
        ([True, False, True], TargetSpec("binary", 1)),
        ([3, 7, 5], TargetSpec("multiclass", 3)),
        ([[0, 1], [1, 1], [0, 0]], TargetSpec("multilabel", 2)),
    ],
)
def test_kind_of_class_targets(y, spec):
    assert ClassTargets(np.asarray(y)).spec == spec


def test_labels_come_back_from_one_hot_outputs():
    targets = ClassTargets(np.array(["x", "z", "y"], dtype=object))
    codes = targets.encode(np.array(["z", "x"], dtype=object))
    np.testing.assert_array_equal(codes, [[2.0], [0.0]])
    assert list(targets.labels(np.eye(3)[[2, 0]])) == ["z", "x"]


def test_binary_outputs_become_two_columns():
    targets = ClassTargets(np.array(["no", "yes"]))
    outputs = np.array([[0.25], [0.75]], np.float32)
    np.testing.assert_array_equal(targets.probabilities(outputs), [[0.75, 0.25], [0.25, 0.75]])
    assert list(targets.labels(outputs)) == ["no", "yes"]


def test_indicator_matrix_is_thresholded_at_one_half():
    targets = ClassTargets(np.array([[0, 1, 1], [1, 0, 0]]))
    assert targets.n_columns == 3
    np.testing.assert_array_equal(targets.labels(np.array([[0.4, 0.6, 0.5]])), [[0, 1, 0]])


def test_categorical_losses_get_one_column_per_class():
    targets = ClassTargets(np.array([0, 1, 0]), one_hot=True)
    assert targets.spec == TargetSpec("multiclass", 2)
    np.testing.assert_array_equal(targets.encode(np.array([1, 0])), [[0, 1], [1, 0]])


def test_unseen_labels_are_named():
    targets = ClassTargets(np.array(["a", "b"]))
    with pytest.raises(ValueError, match=r"must hold the classes .*'a'.*Got also .*'c'"):
        targets.encode(np.array(["a", "c"]))


def test_classes_may_be_more_than_seen():
    targets = ClassTargets(np.array(["a", "b"]), classes=["c", "b", "a"])
    assert list(targets.classes_) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "a"], "at least 2 classes. Got 1 class: .*'a'"),
        ([[1, 2], [3, 4], [5, 6]], r"Got several columns of labels, of shape \(3, 2\)"),
        ([0.5, 1.5, 2.5], "continuous"),
    ],
)
def test_targets_that_are_no_classes_raise(y, message):
    with pytest.raises(ValueError, match=message):
        ClassTargets(np.asarray(y))


def test_numbers_are_standardised_and_come_back():
    y = np.array([1.0, 3.0, 8.0])
    targets = NumberTargets(y)
    encoded = targets.encode(y)
    np.testing.assert_allclose(encoded[:, 0], (y - y.mean()) / y.std(), rtol=1e-6)
    np.testing.assert_allclose(targets.numbers(encoded), y, rtol=1e-6)


def test_several_targets_are_standardised_each_and_a_constant_one_stays_finite():
    y = np.array([[1.0, 5.0], [3.0, 5.0]])
    targets = NumberTargets(y)
    np.testing.assert_allclose(targets.encode(y), [[-1, 0], [1, 0]])
    np.testing.assert_allclose(targets.numbers(targets.encode(y)), y)


def test_numbers_may_be_left_as_they_are():
    y = np.array([1.0, 3.0])
    np.testing.assert_array_equal(NumberTargets(y, standardize=False).encode(y), [[1], [3]])


def test_numbers_beyond_the_range_of_the_targets_become_its_ends():
    targets = NumberTargets(np.array([[1.0, 50], [3, 70]]))
    outputs = np.array([[-5, 0], [0.5, -3], [1.5, 9]], np.float32)
    free = outputs * targets.scale + targets.mean
    np.testing.assert_array_equal(targets.numbers(outputs, clip=True), free)  # none seen yet
    first = targets.seeing(np.array([[1.0, 50], [2, 55]]))
    both = first.seeing(np.array([[1.5, 40], [3, 45]]))
    np.testing.assert_array_equal(first.numbers(outputs), free)
    for seen, ends in ((first, ([1, 50], [2, 55])), (both, ([1, 40], [3, 55]))):
        np.testing.assert_array_equal(seen.numbers(outputs, clip=True), np.clip(free, *ends))
    assert targets.range is None


def test_other_number_of_targets_raises():
    with pytest.raises(ValueError, match="must have 1 columns as before. Got shape"):
        NumberTargets(np.zeros(3)).encode(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed, but the target y is None"),
        (np.array(["a", None], dtype=object), "NaN or None, first in row 1"),
        (np.array([1.0, np.nan]), "contains NaN"),
        (np.array([1.0, np.inf]), "contains infinity"),
        (np.zeros((2, 2, 2)), "dim 3"),
    ],
)
def test_unusable_targets_raise(y, message):
    with pytest.raises(ValueError, match=message):
        check_targets(y, object())


def test_one_column_is_flattened_with_a_warning():
    with pytest.warns(DataConversionWarning):
        assert check_targets(np.zeros((3, 1)), object()).shape == (3,)


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(["a", "b"]),
        pd.Series(["a", "b"], dtype="string[pyarrow]"),
        pd.Series(["a", "b"], dtype="category"),
        ["a", "b"],
    ],
)
def test_labels_may_have_any_dtype_of_strings(y):
    targets = ClassTargets(check_targets(y, object()))
    assert list(targets.classes_) == ["a", "b"]
    np.testing.assert_array_equal(targets.encode(check_targets(y, object())), [[0], [1]])


def test_sparse_indicator_matrix_is_taken():
    y = check_targets(csr_matrix([[0, 1], [1, 0]]), object())
    assert ClassTargets(y).spec.kind == "multilabel"


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([["a", "b"], ["a"]], r"as many in each row.*MultiLabelBinarizer\(\)"),
        (np.array(["a", pd.NaT], dtype=object), "contains NaN or None, first in row 1"),
        (pd.Series([1, None], dtype="Int64"), "Input y contains NaN"),
        ([1, Decimal("sNaN")], "Row 1 of column 'y'"),
        ([np.inf, 1.0, -np.inf], "Input y contains infinity"),
    ],
)
def test_what_numpy_or_pandas_cannot_read_is_named_without_a_warning(y, message):
    with pytest.raises(ValueError, match=message):
        check_targets(y, None)


def test_large_floats_are_no_classes_and_do_not_warn():
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        ClassTargets(np.array([1e200, 0.5]))


def test_numbers_beyond_float64_raise():
    with pytest.raises(ValueError, match="must hold numbers that float64 can hold. Got -10+"):
        NumberTargets(np.array([1, -(10**400)], dtype=object))
    with pytest.raises(ValueError, match=r"standard deviation.*from -1.7e\+308 to 1.7e\+308"):
        NumberTargets(np.array([-1.7e308, 1.7e308]))


def test_labels_may_be_no_valid_unicode():
    for y in (np.array(["\ud800", "a"]), np.array(["\ud800", "a"], dtype=object)):
        assert ClassTargets(y).encode(y).tolist() == [[1.0], [0.0]]


def test_labels_keep_the_nuls_at_their_end():
    y = check_targets(["a\0", "a", "a\0"], None)
    targets = ClassTargets(y)
    assert targets.classes_.tolist() == ["a", "a\0"]
    assert targets.labels(np.array([[0.9], [0.1]])).tolist() == ["a\0", "a"]


@pytest.mark.parametrize(
    ("dtype", "kind"), [("Int64", "i"), ("int8[pyarrow]", "i"), ("boolean", "b"), ("UInt8", "u")]
)
def test_nullable_labels_stay_what_they_are(dtype, kind):
    y = pd.Series([1, 0, 1], dtype=dtype)
    for given in (y, y.array, pd.DataFrame({"p": y, "q": y})):
        assert check_targets(given, None).dtype.kind == kind


def test_whole_numbers_beyond_float_precision_stay_apart():
    y = check_targets(pd.Series([10**18, 10**18 + 1], dtype="Int64"), None)
    assert ClassTargets(y).classes_.tolist() == [10**18, 10**18 + 1]


def test_missing_labels_among_strings_are_no_label():
    with pytest.raises(ValueError, match="NaN or None, first in row 1"):
        check_targets(["a", np.nan, "b"], None)


@pytest.mark.parametrize("y", [[1, "a"], [True, "a"], np.array([1, 2], dtype=object)])
def test_labels_that_are_not_all_strings_or_numbers_raise(y):
    with pytest.raises(ValueError, match="Unknown label type: y must be an array of strings, or"):
        ClassTargets(check_targets(y, None))
