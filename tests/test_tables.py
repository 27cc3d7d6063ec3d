from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.compose import make_column_selector

from skmerge import ColumnRouter
from skmerge._tables import (
    BY_POSITION,
    EntriesTable,
    FrameTable,
    MatrixTable,
    is_list_of_inputs,
    name_inputs,
    read_table,
    take_rows,
)

FRAME = pd.DataFrame({"age": [1, 2], "city": ["a", "b"], "note": ["x y", "z"]})


class ExpandingSelector:
    """What skrub's selectors offer: a method that names columns of a DataFrame."""

    def expand(self, frame):
        return [name for name in frame.columns if name.startswith("c")]


@pytest.mark.parametrize(
    ("X", "table_type"),
    [
        (FRAME, FrameTable),
        (FRAME["note"], EntriesTable),
        ({"a": np.zeros((2, 3))}, EntriesTable),
        ([np.zeros((2, 3)), ["a", "b"]], EntriesTable),
        (["a", "b"], EntriesTable),
        (np.zeros((2, 4, 4)), EntriesTable),
        (np.zeros((2, 3)), MatrixTable),
        ([[1, 2], [3, 4]], MatrixTable),
        (csr_matrix(np.eye(2)), MatrixTable),
        (np.array([["a", 1], ["b", 2]], dtype=object), FrameTable),
        ([["a", 1], ["b", 2]], FrameTable),
    ],
)
def test_each_form_of_X_is_read_as_its_table(X, table_type):
    table = read_table(X)
    assert isinstance(table, table_type)
    assert table.n_rows == 2


def test_columns_of_a_matrix_are_named_by_position_when_wanted():
    table = read_table(np.array([[1, 2], [3, 4]]), by_position=True)
    assert (table.form, table.names) == (BY_POSITION, [0, 1])


def test_columns_of_a_matrix_of_objects_get_their_own_dtypes():
    table = read_table(np.array([["a", 1], ["b", 2]], dtype=object))
    assert table.cells(1).dtype.kind == "i"


@pytest.mark.parametrize(
    ("columns", "selected"),
    [
        ("city", "city"),
        (["note", "age"], ["note", "age"]),
        (pd.Index(["age"]), ["age"]),
        (slice("age", "city"), ["age", "city"]),
        ([True, False, True], ["age", "note"]),
        (np.array([False, True, False]), ["city"]),
        (lambda frame: list(frame.columns[:1]), ["age"]),
        (make_column_selector(dtype_include="number"), ["age"]),
        (ExpandingSelector(), ["city"]),
    ],
)
def test_every_column_selector_of_ColumnTransformer_works(columns, selected):
    assert FrameTable(FRAME).select(columns) == selected


def test_unknown_column_is_named_with_the_nearest():
    with pytest.raises(ValueError, match=r"no column 'citi' in X.*Did you mean 'city'\?"):
        FrameTable(FRAME).select(["age", "citi"])


def test_repeated_column_names_raise():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match=r"must be distinct. Got \['a'\]"):
        read_table(frame)


def test_MultiIndex_columns_raise_with_the_remedy():
    frame = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")]))
    with pytest.raises(ValueError, match="Got a MultiIndex; flatten it"):
        read_table(frame)


def test_entries_of_different_lengths_raise_with_the_lengths():
    with pytest.raises(ValueError, match=r"same number of rows. Got \{'a': 2, 'b': 3\}"):
        read_table({"a": np.zeros(2), "b": ["x", "y", "z"]})


def test_entry_without_rows_raises_with_its_name():
    with pytest.raises(ValueError, match="Input 'a' must be an array or list .* Got 'text'"):
        read_table({"a": "text"})


@pytest.mark.parametrize("entry", [[], (), np.zeros(0), np.zeros((0, 4, 4, 3))])
def test_an_entry_without_rows_has_no_cells(entry):
    assert len(EntriesTable({"a": entry}).cells("a")) == 0


def test_several_entries_are_not_one_input():
    table = EntriesTable({"a": np.zeros(2), "b": np.zeros(2)})
    with pytest.raises(ValueError, match=r"Inputs \['a', 'b'\] are separate arrays"):
        table.cells(table.select(["a", "b"]))


@pytest.mark.parametrize(
    ("X", "n_rows", "expected"),
    [
        ([np.zeros((5, 2)), np.zeros((5, 3))], 5, True),
        ([np.zeros((5, 2)), list("abcde")], 5, True),
        ([list("abc"), list("def")], 3, True),
        ([list("abc"), list("def")], 2, False),
        ([[1, 2], [3, 4], [5, 6]], 3, False),
        ([np.zeros(3), np.zeros(3)], 2, False),
        ([FRAME, FRAME], 2, True),
        ([np.zeros((5, 2)), np.zeros((4, 3))], 5, False),
        (np.zeros((2, 2)), 2, False),
        ([], 0, False),
    ],
)
def test_lists_of_inputs_are_told_from_lists_of_rows(X, n_rows, expected):
    assert is_list_of_inputs(X, n_rows) is expected


def test_inputs_of_a_list_take_given_names_only_when_there_are_as_many():
    assert list(name_inputs([1, 2], ["left", "right"])) == ["left", "right"]
    assert list(name_inputs([1, 2], ["left"])) == ["input_1", "input_2"]


@pytest.mark.parametrize(
    "X", [FRAME, FRAME["age"], np.arange(4).reshape(2, 2), csr_matrix(np.eye(2)), {"a": [1, 2]}]
)
def test_rows_are_taken_from_every_form(X):
    taken = read_table(take_rows(X, np.array([1, 0, 1])))
    assert taken.n_rows == 3


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT])
def test_a_column_without_a_name_raises(missing):
    frame = pd.DataFrame([[1, 2]], columns=pd.Index(["a", missing], dtype=object))
    with pytest.raises(ValueError, match=r"must not be missing\. Got .* at position 1"):
        FrameTable(frame)


@pytest.mark.parametrize("names", [["\ud800", "\udcff"], [True, False], [("a", 1), "b"], [1.5, 2]])
def test_columns_are_found_whatever_their_names(names):
    frame = pd.DataFrame([[1, 2]], columns=pd.Index(names, dtype=object, tupleize_cols=False))
    table = FrameTable(frame)
    assert table.cells(names).to_numpy().tolist() == [[1, 2]]
    assert table.cells(names[::-1]).to_numpy().tolist() == [[2, 1]]
    assert table.cells(names[1]).tolist() == [2]


@pytest.mark.parametrize("X", [np.array(0.5), [np.array(1.0)], {"a": np.array(5)}])
def test_arrays_without_rows_raise(X):
    with pytest.raises(ValueError, match="Expected 2D array|one entry per row"):
        ColumnRouter().fit(X)


@pytest.mark.parametrize("shape", [(2,), (2, 1)])
@pytest.mark.parametrize("form", [lambda array: {"a": array}, lambda array: array.reshape(2, 1)])
def test_arrays_that_pandas_cannot_hold_are_told_what_makes_columns_of_them(shape, form):
    rows = np.array([(1.5, "x"), (2.5, "y")], dtype=[("p", "f4"), ("q", "U1")]).reshape(shape)
    with pytest.raises(ValueError, match=r"(Input 'a'|X) must .*pandas\.DataFrame\(array\)"):
        ColumnRouter().fit(form(rows))
    for dtype in ("timedelta64", "datetime64"):
        with pytest.raises(ValueError, match=rf"must have a unit .*'{dtype}\[s\]'"):
            ColumnRouter().fit(form(np.full(shape, "NaT", dtype=dtype)))


@pytest.mark.parametrize("form", [lambda array: {"a": array}, lambda array: array.reshape(2, 1)])
@pytest.mark.parametrize("dtype", ["datetime64[Y]", "timedelta64[W]"])
def test_dates_and_durations_beyond_those_of_pandas_are_refused(form, dtype):
    with pytest.raises(ValueError, match=r"(Input 'a'|X) must hold dates and .* pandas can hold"):
        ColumnRouter().fit(form(np.array([3, 2**60], dtype=dtype)))


@pytest.mark.parametrize(
    "form", [lambda cells: {"a": cells}, lambda cells: [["x", cell] for cell in cells]]
)
def test_durations_of_no_known_length_are_named_by_their_row(form):
    cells = [np.timedelta64(3, "D"), np.timedelta64(3, "Y")]
    with suppress(ValueError):
        pd.Series(cells, dtype=object).infer_objects()
        pytest.skip("to this version of pandas a year is a known number of seconds")
    with pytest.raises(ValueError, match=r"Row 1 of column .* duration of a known number of sec"):
        ColumnRouter().fit(form(cells))


def test_columns_of_a_structured_array_are_those_of_its_frame():
    rows = np.array([(1.5, "x"), (2.5, "y")], dtype=[("p", "f4"), ("q", "U1")])
    assert list(ColumnRouter().fit({"a": pd.DataFrame(rows)}).specs_) == ["a"]


SURROGATES = ["\ud800", "b", "\udcff"]


@pytest.mark.parametrize(
    "X",
    [
        SURROGATES,
        {"a": SURROGATES},
        [[text, 1] for text in SURROGATES],
        np.array([[text, "c"] for text in SURROGATES]),
        np.array([[text, 1] for text in SURROGATES], dtype=object),
    ],
)
def test_strings_that_are_no_valid_unicode_are_read_from_any_form(X):
    router = ColumnRouter()
    codes = np.asarray(next(iter(router.fit_transform(X).values())))
    assert len(np.unique(codes, axis=0)) == 3
    assert_array_equal(next(iter(router.transform(X).values())), codes)
