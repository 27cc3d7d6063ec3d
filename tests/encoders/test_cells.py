"""Cells of a column are the same whatever holds the column."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from skmerge.encoders._cells import (
    check_some_rows,
    is_missing,
    missing_rows,
    place,
    read_cells,
)

WORDS = ["red", "blue", "red"]
COLUMNS = {
    "object series": pd.Series(WORDS, dtype=object, name="note"),
    "str series": pd.Series(WORDS, name="note"),
    "string series": pd.Series(WORDS, dtype="string", name="note"),
    "categorical series": pd.Series(WORDS, dtype="category", name="note"),
    "frame": pd.DataFrame({"note": WORDS}),
    "list": WORDS,
    "tuple": tuple(WORDS),
    "object array": np.array(WORDS, dtype=object),
    "str array": np.array(WORDS),
    "matrix of one column": np.array(WORDS)[:, None],
    "extension array": pd.Series(WORDS, dtype="string").array,
    "index": pd.Index(WORDS),
}


@pytest.mark.parametrize("form", COLUMNS)
def test_every_form_of_a_column_gives_the_same_cells(form):
    cells, column = read_cells(COLUMNS[form])
    assert cells.dtype == object
    assert cells.shape == (3,)
    assert list(cells) == WORDS
    assert all(isinstance(cell, str) for cell in cells)
    assert column == ("note" if "series" in form or form == "frame" else None)


def test_arrow_strings_give_str_cells_and_missing_ones():
    pytest.importorskip("pyarrow")
    cells, _ = read_cells(pd.Series(["red", None], dtype="string[pyarrow]"))
    assert cells[0] == "red"
    assert is_missing(cells[1])


@pytest.mark.parametrize("dtype", [object, "string", "category", None])
def test_missing_strings_are_missing_whatever_the_dtype(dtype):
    cells, _ = read_cells(pd.Series(["red", None, np.nan], dtype=dtype))
    assert [is_missing(cell) for cell in cells] == [False, True, True]


def test_lists_of_equal_length_stay_cells():
    cells, _ = read_cells([[1, 2], [3, 4]])
    assert cells.shape == (2,)
    assert cells[1] == [3, 4]


def test_arrays_of_equal_shape_stay_cells():
    cells, _ = read_cells([np.zeros((2, 2)), np.ones((2, 2))])
    assert cells.shape == (2,)
    assert cells[1].shape == (2, 2)


def test_masked_cells_are_missing():
    cells, _ = read_cells(np.ma.masked_array(np.array(["red", "blue"]), [False, True]))
    assert list(cells) == ["red", None]


def test_a_stack_of_pictures_is_returned_as_it_is():
    stack = np.zeros((2, 4, 5), dtype=np.uint8)
    assert read_cells(stack, pictures=True)[0] is stack


@pytest.mark.parametrize("names", [["front", "back"], []])
def test_a_frame_must_have_one_column(names):
    frame = pd.DataFrame([["a"] * len(names)], columns=names)
    with pytest.raises(ValueError, match=rf"exactly one column. Got {len(names)}: ") as caught:
        read_cells(frame)
    assert repr(names) in str(caught.value)


def test_a_matrix_must_have_one_column():
    with pytest.raises(ValueError, match=r"Got 2: shape \(3, 2\)"):
        read_cells(np.array([["a", "b"]] * 3))


def test_rows_of_pixels_must_be_reshaped():
    with pytest.raises(ValueError, match="Reshape rows of pixels to"):
        read_cells(np.zeros((3, 64)), pictures=True)


@pytest.mark.parametrize(
    "X", ["red", b"red", None, 3, {"red"}, {"note": ["red"]}, csr_matrix((2, 1)), np.array("red")]
)
def test_what_is_no_column_is_an_error(X):
    with pytest.raises(ValueError, match="X must be one column"):
        read_cells(X)


@pytest.mark.parametrize(
    "cell",
    [
        None,
        float("nan"),
        np.float32("nan"),
        pd.NA,
        pd.NaT,
        np.datetime64("NaT", "ns"),
        decimal.Decimal("nan"),
    ],
    ids=repr,
)
def test_missing_cells_are_missing(cell):
    assert is_missing(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "nan",
        b"",
        0,
        np.str_("a"),
        [],
        [np.nan],
        {np.nan},
        np.array([np.nan]),
        np.zeros((2, 2)),
        np.array(np.nan),
        datetime.date(2020, 1, 1),
        pd.Series([None]),
        object(),
    ],
)
def test_containers_and_values_are_not_missing(cell):
    assert not is_missing(cell)


def test_places_are_named_by_row_and_column():
    assert place(17, "photo") == "Row 17 of column 'photo'"
    assert place(17, 3) == "Row 17 of column 3"
    assert place(17, None) == "Row 17"


def test_learning_needs_a_row():
    check_some_rows(np.array(["a"]), "owner")
    with pytest.raises(ValueError, match="str must be fitted on at least 1 row"):
        check_some_rows(np.array([]), "owner")


def test_a_signalling_nan_is_no_missing_cell_and_is_named():
    cells = np.array([1, decimal.Decimal("sNaN")], dtype=object)
    assert not is_missing(cells[1])
    with pytest.raises(ValueError, match="Row 1 of column 'price'.*Replace it by None"):
        missing_rows(cells, "price")
