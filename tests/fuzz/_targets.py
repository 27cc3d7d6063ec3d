"""Strategies for targets, sample weights and parameters of estimators."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse

from ._cells import AWARE, DECIMALS, FLOATS, HUGE_INTS, INTS, MISSING, ODD_FLOATS, TEXTS, these

N_ROWS = 8


def _rows(cells):
    return st.lists(cells, min_size=N_ROWS, max_size=N_ROWS)


@st.composite
def classes_of(draw, pool):
    """Draw labels of one to three classes."""
    labels = draw(st.lists(pool, min_size=1, max_size=3))
    return [labels[n % len(labels)] for n in draw(_rows(st.integers(0, 2)))]


def _objects(cells):
    column = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        column[row] = cell
    return column


LABELS = st.one_of(
    *(
        classes_of(pool)
        for pool in (TEXTS, INTS, st.booleans(), st.integers(0, 2), st.integers(0, 2).map(float))
    ),
    *(
        classes_of(pool)
        for pool in (FLOATS, TEXTS | MISSING, INTS | TEXTS, HUGE_INTS, AWARE, DECIMALS)
    ),
    *(
        classes_of(pool)
        for pool in (st.binary(max_size=3), st.lists(TEXTS, max_size=2), st.tuples(INTS, INTS))
    ),
)
NUMBERS = _rows(FLOATS) | _rows(ODD_FLOATS) | _rows(INTS) | _rows(HUGE_INTS) | _rows(DECIMALS)
INDICES = [
    list(range(100, 100 + N_ROWS)),
    [0] * N_ROWS,
    list("abcdefgh"),
    pd.date_range("2024-01-01", periods=N_ROWS),
]


@st.composite
def targets(draw):
    """Draw targets in some form."""
    values = draw(LABELS | NUMBERS)
    form = draw(
        st.sampled_from(
            [
                "list",
                "array",
                "objects",
                "series",
                "str series",
                "category",
                "nullable",
                "frame",
                "column",
                "several",
                "one-hot",
                "multilabel",
                "sparse",
                "sets",
                "short",
                "long",
                "empty",
                "scalar",
                "3-d",
                "array of strings",
                "arrow",
            ]
        )
    )
    if form == "list":
        return values
    if form in ("array", "array of strings"):
        try:
            return np.asarray(values, dtype="U" if "strings" in form else None)
        except (OverflowError, ValueError, UnicodeError):
            return values
    objects = _objects(values)
    if form == "objects":
        return objects
    index = draw(these(INDICES))
    series = pd.Series(objects, index=index, dtype=object, name=draw(these(["y", None, 3])))
    try:
        if form == "series":
            return series.infer_objects()
        if form == "str series":
            return series.astype("str")
        if form == "category":
            return series.astype("category")
        if form == "nullable":
            return series.convert_dtypes()
        if form == "arrow":
            return series.convert_dtypes(dtype_backend="pyarrow")
    except Exception:
        return series
    if form == "frame":
        return series.to_frame("y")
    if form == "column":
        return objects[:, None]
    if form == "short":
        return values[:-1]
    if form == "long":
        return [*values, values[0]]
    if form == "empty":
        return draw(these([[], np.zeros((0, 2)), np.zeros((N_ROWS, 0)), None]))
    if form == "scalar":
        return draw(these([3, "abc", np.float64(1), {1, 2}, {"a": 1}]))
    if form == "3-d":
        return np.zeros((N_ROWS, 2, 2))
    if form == "sets":
        return draw(_rows(st.lists(st.sampled_from("abc"), max_size=2)))
    bits = np.array(
        draw(st.lists(st.integers(0, 1), min_size=3 * N_ROWS, max_size=3 * N_ROWS))
    ).reshape(N_ROWS, 3)
    if form == "several":
        return np.column_stack([bits * draw(FLOATS), bits[:, 0]])
    if form == "one-hot":
        return np.eye(3)[bits.sum(axis=1) % 3]
    if form == "sparse":
        return draw(these([sparse.csr_matrix, sparse.coo_array, sparse.csc_matrix]))(bits)
    return bits if draw(st.booleans()) else pd.DataFrame(bits, columns=["p", "q", "r"], index=index)


WEIGHTS = st.one_of(
    st.none(),
    _rows(st.sampled_from([0.0, 1.0, 2.5, 1e30, 1e300])),
    _rows(ODD_FLOATS),
    _rows(st.sampled_from([0, 0.0])),
    _rows(st.integers(-1, 3)).map(np.array),
    these(
        [
            2.0,
            "balanced",
            np.ones(3),
            np.ones((N_ROWS, 1)),
            np.ones((N_ROWS, 2)),
            [None] * N_ROWS,
            ["a"] * N_ROWS,
            np.ones(N_ROWS, dtype=bool),
            np.ones(N_ROWS, dtype=complex),
            pd.Series(np.ones(N_ROWS), index=list("hgfedcba")),
            [],
            {},
            np.full(N_ROWS, np.inf),
            pd.Series([1, None] * 4, dtype="Int64"),
        ]
    ),
)
