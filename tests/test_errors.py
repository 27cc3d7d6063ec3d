"""Numbers of rows in errors, where some of the rows are read at a time."""

import numpy as np
import pandas as pd
import pytest

from skmerge._errors import counting_from, row_number, short_repr


def test_rows_are_counted_from_zero():
    assert row_number(np.int64(3)) == 3


@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        (100, 20, 123),
        (100, np.array([5, 6, 7, 9]), 109),
        (np.arange(50, 100, 2), 20, 96),
        (np.arange(50, 100, 2), np.array([0, 2, 4, 6]), 62),
    ],
)
def test_blocks_within_blocks_are_counted_from_the_first_row_of_all(outer, inner, expected):
    with counting_from(outer):
        with counting_from(inner):
            assert row_number(3) == expected
        assert row_number(0) == (outer if isinstance(outer, int) else outer[0])
    assert row_number(3) == 3


def test_nothing_is_warned_of_where_values_are_shown():
    assert "float16" in short_repr(pd.Series([0.0], dtype="float16"))
