"""Codes of categories: looked up one by one or all at once, of any dtype, they are the same."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from skmerge.encoders import _categories
from skmerge.encoders.tabular import TabularEncoder

N_ROWS = _categories._FEW + 100
NAMES = ["b", "a", None, "c", "", "b", "new"]
TRAIN = pd.DataFrame({"c": ["a", "b", "c", "b", None, "c"]})


def cells(values, dtype=object):
    values = [values[row % len(values)] for row in range(N_ROWS)]
    return pd.DataFrame({"c": pd.Series(values, dtype=dtype)})


COLUMNS = {
    **{
        str(dtype): cells(NAMES, dtype)
        for dtype in ("str", object, "string[python]", "string[pyarrow]", "category")
    },
    "large_string[pyarrow]": cells(NAMES, "large_string[pyarrow]"),
    "every missing value": cells(["a", None, np.nan, pd.NA, pd.NaT, float("nan"), Decimal("NaN")]),
    "strings of NumPy": cells([np.str_("a"), "b", np.str_("new")]),
    "strings and numbers": cells(["a", 5, 2.5, None, True]),
    "strings and dates": cells(["a", dt.date(2020, 1, 1), None]),
    "categories of objects": cells(["a", 5, "b", None]).astype("category"),
    "only missing": cells([None, np.nan]),
    "only missing, categorical": cells([None, np.nan], "category"),
    "only unknown": cells(["x", "y"]),
}


def code(cell):
    if not isinstance(cell, (str, int, float, dt.date)) or pd.isna(cell):
        return 0
    return {"a": 2, "b": 3, "c": 4}.get(cell, 1)


@pytest.mark.parametrize("column", COLUMNS)
def test_codes_of_few_rows_are_those_of_many(column):
    frame = COLUMNS[column]
    encoder = TabularEncoder().fit(TRAIN)
    expected = [[code(cell)] for cell in frame["c"].astype(object)]
    np.testing.assert_array_equal(encoder.transform(frame), expected)
    for n_rows in range(1, 12):
        np.testing.assert_array_equal(encoder.transform(frame.iloc[:n_rows]), expected[:n_rows])


@pytest.mark.parametrize("train", [cells(["a", 5, None]), cells([None])], ids=["mixed", "missing"])
@pytest.mark.parametrize("column", COLUMNS)
def test_columns_of_mixed_or_no_content_take_any_cells_alike(train, column):
    frame = COLUMNS[column]
    encoder = TabularEncoder({"c": "category"}).fit(train)
    matrix = encoder.transform(frame)
    rows = [encoder.transform(frame.iloc[[row]]) for row in range(12)]
    np.testing.assert_array_equal(np.concatenate(rows), matrix[:12])


@pytest.mark.parametrize("n_rows", [2, N_ROWS])
@pytest.mark.parametrize(
    "bad", [["x"], {"a": 1}, np.zeros(2), object()], ids=["list", "dict", "array", "object"]
)
def test_cells_of_several_values_are_named_in_few_rows_and_in_many(bad, n_rows):
    values = np.full(n_rows, "a", dtype=object)
    values[1] = bad
    encoder = TabularEncoder().fit(TRAIN)
    with pytest.raises(TypeError, match=r"Row 1 of column 'c' is .*must be a string, a number"):
        encoder.transform(pd.DataFrame({"c": values}))


@pytest.mark.parametrize("n_rows", [1, N_ROWS])
@pytest.mark.parametrize("dtype", ["int64", "category", object])
def test_other_contents_are_an_error_in_few_rows_and_in_many(dtype, n_rows):
    encoder = TabularEncoder().fit(TRAIN)
    numbers = pd.DataFrame({"c": pd.Series(np.arange(n_rows), dtype=dtype)})
    with pytest.raises(ValueError, match=r"'c' held strings in fit, but now holds numbers: row 0"):
        encoder.transform(numbers)


def test_fitting_again_forgets_the_codes():
    column = TabularEncoder().fit(TRAIN)._columns[0]
    assert column.read(TRAIN["c"]).ravel().tolist() == [2, 3, 4, 3, 0, 4]
    column.fit(pd.Series(["b", "z"]), "text")
    assert column.read(TRAIN["c"]).ravel().tolist() == [1, 2, 1, 2, 0, 1]
