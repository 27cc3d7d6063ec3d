"""MultiInput: rows selected as scikit-learn selects them, arrays by name."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import coo_array, csr_matrix, issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
)
from sklearn.utils import indexable, resample, shuffle

from skmerge import InputSpec, MultiInput

N_ROWS = 12


class LazyRows:
    """Rows that are made when asked for: an array's interface without an array."""

    def __init__(self, rows):
        self.rows = np.asarray(rows)
        self.dtype = np.dtype("uint8")

    @property
    def shape(self):
        return (len(self.rows), 2, 2)

    def __getitem__(self, rows):
        return LazyRows(self.rows[rows])


class Threshold(ClassifierMixin, BaseEstimator):
    """Predicts whether the first value of `ident` exceeds `limit`; insists on a MultiInput."""

    def __init__(self, limit=5):
        self.limit = limit

    def fit(self, X, y):
        assert isinstance(X, MultiInput)
        self.classes_ = np.unique(y)
        self.n_rows_ = len(X)
        return self

    def predict(self, X):
        assert isinstance(X, MultiInput)
        return (X["ident"][:, 0] > self.limit).astype(int)


@pytest.fixture
def X():
    """Inputs whose every value tells the number of its row."""
    ident = np.arange(N_ROWS)
    return MultiInput(
        {
            "ident": ident[:, None].astype("float32"),
            "photo": np.broadcast_to(ident[:, None, None, None], (N_ROWS, 4, 4, 3)).astype("uint8"),
            "words": csr_matrix(ident[:, None] * np.ones((1, 5))),
            "lazy": LazyRows(ident),
            "cells": np.array([f"row {i}" for i in ident], dtype=object),
        },
        masks={"photo": ident % 2 == 0},
    )


@pytest.fixture
def y():
    return (np.arange(N_ROWS) > 5).astype(int)


def assert_rows(selected, rows):
    """Check that every input, of whatever sort, holds just these rows in this order."""
    rows = np.asarray(rows, dtype=int)
    assert isinstance(selected, MultiInput)
    assert selected.shape == (len(rows), 5)
    assert_array_equal(selected["ident"][:, 0], rows)
    assert_array_equal(selected["photo"][:, 0, 0, 0], rows)
    assert_array_equal(selected["words"].toarray()[:, 0], rows)
    assert_array_equal(selected["lazy"].rows, rows)
    assert list(selected["cells"]) == [f"row {i}" for i in rows]
    assert_array_equal(selected.masks["photo"], rows % 2 == 0)


# as a mapping


def test_reads_like_a_mapping_of_names_to_arrays(X):
    assert list(X) == list(X.keys()) == ["ident", "photo", "words", "lazy", "cells"]
    assert "photo" in X
    assert "ident" in dict(X.items())
    assert [array.shape for array in X.values()][1] == (N_ROWS, 4, 4, 3)
    assert 0 not in X


def test_length_and_shape_count_rows_and_inputs(X):
    assert len(X) == N_ROWS
    assert X.shape == (N_ROWS, 5)


def test_arrays_are_not_copied():
    array = np.zeros((3, 2))
    assert MultiInput({"a": array})["a"] is array


def test_every_sparse_format_is_kept_as_csr():
    X = MultiInput({"a": coo_array(np.eye(3)), "b": csr_matrix(np.eye(3)).tocsc()})
    assert [array.format for array in X.values()] == ["csr", "csr"]
    assert X.specs["a"].sparse


@pytest.mark.parametrize("index", [None, [2, 1, 0]])
def test_series_and_frames_are_read_by_position(index):
    series = pd.Series([10, 20, 30], index=index)
    X = MultiInput({"series": series, "frame": series.to_frame(), "list": [[1], [2], [3]]})
    assert_array_equal(X[[0, 2]]["series"], [10, 30])
    assert_array_equal(X[:1]["frame"], [[10]])
    assert_array_equal(X[[-1]]["list"], [[3]])


def test_arrays_without_specs_are_described_as_they_are(X):
    assert X.specs["photo"] == InputSpec("photo", "array", (4, 4, 3), "uint8", optional=True)
    assert X.specs["words"] == InputSpec("words", "array", (5,), "float64", sparse=True)
    assert list(X.specs) == list(X)


def test_specs_follow_the_order_of_the_arrays():
    specs = {name: InputSpec(name, "array", (1,)) for name in ("b", "a", "unused")}
    X = MultiInput({"a": np.zeros((2, 1)), "b": np.zeros((2, 1))}, specs)
    assert list(X.specs) == ["a", "b"]
    assert X.specs["a"] is specs["a"]


def test_names_become_strings_everywhere():
    X = MultiInput(
        {0: np.zeros((2, 1))}, {0: InputSpec("0", "array", (1,))}, masks={0: [True, False]}
    )
    assert list(X) == list(X.specs) == list(X.masks) == ["0"]


def test_select_keeps_specs_masks_and_the_order_asked_for(X):
    chosen = X.select(["words", "photo"])
    assert list(chosen) == list(chosen.specs) == ["words", "photo"]
    assert list(chosen.masks) == ["photo"]
    assert chosen["photo"] is X["photo"]
    assert X.select(["words"]).masks == {}


# rows


@pytest.mark.parametrize(
    "rows",
    [
        [0, 2, 3],
        [3, 3, 0],
        [-1, -12, 5],
        np.array([1], dtype="uint8"),
        np.arange(N_ROWS)[::-1],
        range(2, 5),
        pd.Index([4, 2]),
        pd.Series([4, 2], index=[9, 8]),
    ],
)
def test_numbers_select_rows_in_their_order(X, rows):
    assert_rows(X[rows], np.arange(N_ROWS)[np.asarray(rows)])


@pytest.mark.parametrize("row", [3, -1, np.int64(3), np.uint8(0)])
def test_one_number_selects_one_row(X, row):
    assert_rows(X[row], [np.arange(N_ROWS)[row]])


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(2, 5), slice(-3, None), slice(None, None, -2), slice(4, 4), slice(9, 99)],
)
def test_slices_select_rows(X, rows):
    assert_rows(X[rows], np.arange(N_ROWS)[rows])


@pytest.mark.parametrize("as_type", [np.array, list, pd.Series])
def test_masks_select_rows(X, as_type):
    mask = np.arange(N_ROWS) % 3 == 0
    assert_rows(X[as_type(mask)], np.flatnonzero(mask))


@pytest.mark.parametrize(
    "rows", [[], np.array([]), np.zeros(0, dtype=int), np.zeros(N_ROWS, dtype=bool), slice(0)]
)
def test_no_rows_is_a_selection_too(X, rows):
    assert_rows(X[rows], [])
    assert len(X[rows][[]]) == 0
    assert "0 rows" in repr(X[rows])


def test_ellipsis_after_the_rows_is_allowed(X):
    assert_rows(X[[1, 2], ...], [1, 2])


def test_a_selection_keeps_the_specs(X):
    assert X[[0]].specs == X.specs


# under scikit-learn


@pytest.mark.parametrize("stratify", [False, True])
def test_train_test_split_splits_every_input_alike(X, y, stratify):
    train, test, y_train, y_test = train_test_split(
        X, y, test_size=4, random_state=0, stratify=y if stratify else None
    )
    assert_rows(train, train["ident"][:, 0])
    assert_rows(test, test["ident"][:, 0])
    assert_array_equal(train["ident"][:, 0] > 5, y_train)
    assert_array_equal(test["ident"][:, 0] > 5, y_test)


def test_train_test_split_without_shuffling_takes_the_first_rows(X):
    train, test = train_test_split(X, shuffle=False, test_size=3)
    assert_rows(train, range(9))
    assert_rows(test, range(9, 12))


@pytest.mark.parametrize(
    ("splitter", "groups"),
    [
        (KFold(3), None),
        (ShuffleSplit(2, random_state=0), None),
        (GroupKFold(2), np.arange(N_ROWS) % 4),
    ],
)
def test_folds_of_every_splitter_select_rows(X, y, splitter, groups):
    for train, test in splitter.split(X, y, groups=groups):
        assert_rows(X[train], train)
        assert_rows(X[test], test)


def test_cross_validation_scores_the_rows_of_each_fold(X, y):
    assert_array_equal(cross_val_score(Threshold(), X, y, cv=3), [1, 1, 1])
    assert cross_val_score(Threshold(limit=99), X, y, cv=3).tolist() == [0.5, 0.5, 0.5]
    assert_array_equal(cross_val_predict(Threshold(), X, y, cv=3), y)


def test_cross_validation_takes_a_scikit_learn_estimator(X, y):
    assert cross_val_score(DummyClassifier(), X, y, cv=3).tolist() == [0.5, 0.5, 0.5]


def test_search_finds_the_best_parameter(X, y):
    search = GridSearchCV(Threshold(), {"limit": [0, 5, 9]}, cv=3).fit(X, y)
    assert search.best_params_ == {"limit": 5}
    assert search.best_estimator_.n_rows_ == N_ROWS


def test_learning_curve_takes_growing_parts(X, y):
    sizes, _, scores = learning_curve(
        Threshold(), X, y, train_sizes=[0.5, 1.0], cv=3, shuffle=True, random_state=0
    )
    assert_array_equal(sizes, [4, 8])
    assert_array_equal(scores, np.ones((2, 3)))


def test_shuffle_resample_and_indexable_work(X, y):
    shuffled, y_shuffled = shuffle(X, y, random_state=0)
    assert_rows(shuffled, shuffled["ident"][:, 0])
    assert_array_equal(shuffled["ident"][:, 0] > 5, y_shuffled)
    assert len(resample(X, n_samples=30, random_state=0)) == 30
    assert indexable(X, y)[0] is X


# copies and text


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda X: pickle.loads(pickle.dumps(X))]
)
def test_copies_hold_the_same(X, copied):
    again = copied(X)
    assert_rows(again, range(N_ROWS))
    assert again.specs == X.specs
    assert issparse(again["words"])


def test_repr_lists_inputs_with_kind_shape_and_absent_rows(X):
    assert repr(X.select(["ident", "photo", "words"])) == (
        "MultiInput of 12 rows, 3 inputs\n"
        "  ident  array  (12, 1) float32\n"
        "  photo  array  (12, 4, 4, 3) uint8, 6 rows without\n"
        "  words  array sparse  (12, 5) float64"
    )
    assert "without" not in repr(X[[0, 2]])


# errors


def test_no_input_is_refused():
    with pytest.raises(ValueError, match="must have at least one input"):
        MultiInput({})


def test_unequal_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match=r"same number of rows\. Got \{'a': 2, 'b': 3\}"):
        MultiInput({"a": np.zeros((2, 1)), "b": np.zeros(3)})


@pytest.mark.parametrize("mask", [[True], [[True], [False]], True])
def test_masks_of_another_shape_are_refused(mask):
    with pytest.raises(ValueError, match=r"mask of input 'a' must have shape \(2,\)"):
        MultiInput({"a": np.zeros((2, 1))}, masks={"a": mask})


def test_masks_of_no_input_are_refused():
    with pytest.raises(ValueError, match=r"Masks \['b'\] belong to no input, inputs are \['a'\]"):
        MultiInput({"a": np.zeros((2, 1))}, masks={"b": [True, True]})


def test_inputs_without_spec_are_refused():
    with pytest.raises(ValueError, match=r"Inputs \['b'\] have no spec, only \['a'\] have"):
        MultiInput(
            {"a": np.zeros((2, 1)), "b": np.zeros((2, 1))}, {"a": InputSpec("a", "array", (1,))}
        )


@pytest.mark.parametrize("take", [lambda X: X["foto"], lambda X: X.select(["ident", "foto"])])
def test_unknown_input_names_the_nearest(X, take):
    with pytest.raises(KeyError, match=r"no input 'foto', only \['ident'.*Did you mean 'photo'\?"):
        take(X)


@pytest.mark.parametrize("rows", [[0.5], ["ident"], None, [None], [[0, 1]], np.array([[True]])])
def test_other_things_than_rows_are_refused(X, rows):
    with pytest.raises(IndexError, match=r"Rows are selected by|boolean mask"):
        X[rows]


@pytest.mark.parametrize("mask", [[True], np.ones(13, dtype=bool), True])
def test_boolean_mask_of_another_length_is_refused(X, mask):
    with pytest.raises(IndexError, match=r"boolean mask must have shape \(12,\)"):
        X[mask]


@pytest.mark.parametrize("rows", [12, [0, 12], [-13]])
def test_rows_out_of_range_are_refused(X, rows):
    with pytest.raises(IndexError, match="out of bounds"):
        X[rows]


@pytest.mark.parametrize("key", [(0, 1), (..., 0), (0, ..., 0), ()])
def test_a_second_axis_is_refused(X, key):
    with pytest.raises(IndexError, match="indexed by rows, as in"):
        X[key]


def test_pictures_ids_and_codes_are_no_array_and_it_says_so(X, y):
    with pytest.raises(TypeError, match=r"Only a MultiInput of plain numbers.*X\['ident'\]"):
        np.asarray(X)
    with pytest.raises(TypeError, match="Only a MultiInput of plain numbers"):
        LogisticRegression().fit(X, y)
    ids = InputSpec("words", "text", (5,), vocabulary_size=12)
    codes = InputSpec("words", "tabular", (5,), code_columns=(0,), cardinalities=(12,))
    for spec in (ids, codes):
        with pytest.raises(TypeError, match=rf"\['words \({spec.kind}\)'\]"):
            np.asarray(MultiInput({"words": X["words"]}, {"words": spec}))


def test_plain_numbers_are_an_array_of_all_columns(X):
    numbers = X.select(["words", "ident"])
    array = np.asarray(numbers)
    assert array.dtype == "float32"
    assert_array_equal(array, np.arange(N_ROWS)[:, None] * np.ones((1, 6)))
    assert np.asarray(numbers, dtype="float64").dtype == "float64"


def test_inputs_like_those_of_a_fit_come_in_its_order():
    X = MultiInput({"a": np.zeros((2, 3)), "b": np.ones((2, 1)), "c": np.ones((2, 1))})
    assert list(X.select_like({"b": X.specs["b"], "a": X.specs["a"]})) == ["b", "a"]
    with pytest.raises(ValueError, match=r"Inputs \['bb'\] are missing from X.*Did you mean 'b'"):
        X.select_like({"bb": X.specs["b"]})
    wider = InputSpec("a", "array", (4,), "float64")
    with pytest.raises(ValueError, match=r"Input 'a' must be as it was in fit: .*\(4,\).*\(3,\)"):
        X.select_like({"a": wider})


def test_a_missing_input_can_be_absent_from_every_row():
    X = MultiInput({"a": np.ones((3, 2))})
    specs = {
        "a": X.specs["a"],
        "ids": InputSpec("ids", "text", (None,), "int32", vocabulary_size=9, optional=True),
    }
    selected = X.select_like(specs, missing_inputs="absent")
    np.testing.assert_array_equal(selected["ids"], np.zeros((3, 1), "int32"))
    assert selected["ids"].dtype == "int32"
    assert not selected.masks["ids"].any()
    assert selected.specs == specs
    with pytest.raises(ValueError, match=r"Inputs \['ids'\] are missing"):
        X.select_like({"ids": specs["ids"]}, missing_inputs="absent")
