"""Columns of vectors: stacked, absent where missing, refused where not of one length or finite."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.preprocessing import OneHotEncoder

from skmerge import InputSpec
from skmerge.encoders.array import ArrayEncoder

CELLS = [[1, 2], None, np.array([3.0, 4.0]), (5, 6), np.nan]
STACKED = [[1, 2], [0, 0], [3, 4], [5, 6], [0, 0]]
PRESENT = [True, False, True, True, False]


def cells(values, name="emb"):
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return pd.Series(column, name=name)


@pytest.mark.parametrize(
    "column",
    [cells(CELLS), cells(CELLS).to_frame(), CELLS, tuple(CELLS), cells(CELLS).to_numpy()],
    ids=["series", "frame", "list", "tuple", "objects"],
)
def test_cells_of_vectors_are_stacked_and_missing_ones_absent(column):
    encoder = ArrayEncoder().fit(column)
    assert encoder.spec_ == InputSpec("array", "array", shape=(2,), optional=True)
    assert encoder.n_features_in_ == 2
    array, present = encoder.encode(column)
    assert array.dtype == np.float32
    assert array.tolist() == STACKED
    assert present.tolist() == PRESENT
    np.testing.assert_array_equal(encoder.transform(column), array)
    array, present = encoder.encode([None, np.nan])
    assert array.tolist() == [[0, 0], [0, 0]]
    assert present.tolist() == [False, False]


def test_cells_of_arrow_lists_are_vectors():
    pyarrow = pytest.importorskip("pyarrow")
    column = pd.Series([[1.5, 2.0], None], dtype=pd.ArrowDtype(pyarrow.list_(pyarrow.float32())))
    array, present = ArrayEncoder().fit(column).encode(column)
    assert array.tolist() == [[1.5, 2], [0, 0]]
    assert present.tolist() == [True, False]


def test_cells_of_several_dimensions_are_stacked():
    array, present = ArrayEncoder().fit([np.ones((2, 3)), None]).encode([None, np.eye(2, 3)])
    np.testing.assert_array_equal(array, [np.zeros((2, 3)), np.eye(2, 3)])
    assert present.tolist() == [False, True]


def test_matrix_is_read_where_vectors_were_and_the_other_way_round():
    array, present = ArrayEncoder().fit(cells(CELLS)).encode(np.eye(2))
    assert (array.tolist(), present.tolist()) == ([[1, 0], [0, 1]], [True, True])
    array, present = ArrayEncoder().fit(np.eye(2)).encode(cells([[7, 8]]))
    assert (array.tolist(), present) == ([[7, 8]], None)
    message = "Row 1 of column 'emb' is missing, which ArrayEncoder allows where it was fitted on"
    with pytest.raises(ValueError, match=message):
        ArrayEncoder().fit(np.eye(2)).transform(cells([[7, 8], None]))


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            cells([None, [1, 2], [1, 2, 3]]),
            None,
            "Row 2 of column 'emb' must have length 2, as row 1 has. Got length 3. Cut or pad",
        ),
        (
            cells([[1, 2]]),
            cells([[3, 4], [1]]),
            "Row 1 of column 'emb' must have length 2, as in fit. Got length 1.",
        ),
        (
            [np.eye(2), np.eye(3)],
            None,
            "Row 1 must have shape (2, 2), as row 0 has. Got shape (3, 3).",
        ),
        ([[1, 2], 3], None, "Row 1 must be a vector of numbers. Got 3 of type int."),
        (
            cells([[1, 2], ["a", "b"]]),
            None,
            "Row 1 of column 'emb' must be a vector of numbers. Got ['a', 'b'] of type list.",
        ),
        ([[1, 2], [[1], [2, 3]]], None, "Row 1 must be a vector of numbers."),
        ([[1, 2]], cells(["text"], "note"), "Row 0 of column 'note' must be a vector of numbers"),
    ],
)
def test_stray_cells_are_named(train, test, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ArrayEncoder().fit(train).transform(test)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
@pytest.mark.parametrize(
    ("make", "place"),
    [
        (lambda bad: np.array([[1, 2], [3, bad]]), "row 1, column 1"),
        (lambda bad: pd.DataFrame({"a": [1.0, 2], "b": [0, bad]}), "row 1, column 'b'"),
        (lambda bad: pd.Series([1, bad], name="a"), "row 1, column 'a'"),
        (lambda bad: cells([None, [1, 2], None, [3, bad]]), "row 3, column 1"),
        (lambda bad: sparse.csr_matrix([[0, 1, 0], [0, 0, 0], [0, 1, bad]]), "row 2, column 2"),
        (lambda bad: np.full((2, 2, 2), bad), r"row 0, column \(0, 0\)"),
    ],
    ids=["matrix", "frame", "series", "cells", "sparse", "3-D"],
)
def test_nan_and_infinity_are_refused(make, place, bad):
    what = "NaN" if np.isnan(bad) else "infinity or a value too large for float32"
    remedy = "Give ArrayEncoder a transformer" if np.isnan(bad) else "Clip"
    pattern = f"Input X contains {what} in {place}. {remedy}"
    with pytest.raises(ValueError, match=pattern):
        ArrayEncoder().fit(make(bad))
    encoder = ArrayEncoder().fit(make(7.0))
    with pytest.raises(ValueError, match=pattern):
        encoder.transform(make(bad))


def test_none_within_a_vector_is_nan():
    with pytest.raises(ValueError, match="Input X contains NaN in row 0, column 1"):
        ArrayEncoder().fit([[1, None]])


def test_transformer_of_vectors_sees_the_rows_that_have_one():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(6, 4))
    column = cells([*vectors[:3], None, *vectors[3:]])
    encoder = ArrayEncoder(PCA(2)).fit(column)
    assert (encoder.spec_.shape, encoder.spec_.optional) == ((2,), True)
    array, present = encoder.encode(column)
    assert present.tolist() == [True] * 3 + [False] + [True] * 3
    assert array[3].tolist() == [0, 0]
    np.testing.assert_allclose(array[present], PCA(2).fit_transform(vectors), rtol=1e-5)
    assert encoder.transform([None]).tolist() == [[0, 0]]
    one_hot = ArrayEncoder(OneHotEncoder()).fit(cells([None, [1, 2], None, [2, 1]]))
    array, _ = one_hot.encode(cells([[2, 2], None, None, [1, 1]]))
    assert array.toarray().tolist() == [[0, 1, 0, 1], [0] * 4, [0] * 4, [1, 0, 1, 0]]
    assert one_hot.transform([None, None]).toarray().tolist() == [[0] * 4] * 2
