"""Strategies for DataFrames: columns of all dtypes and cells, odd names and indices."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from ._cells import FLOATS, INTS, MISSING, POOLS, TEXTS, these

ARROW_TYPES = [
    "int8[pyarrow]",
    "uint64[pyarrow]",
    "double[pyarrow]",
    "float[pyarrow]",
    "bool[pyarrow]",
    "string[pyarrow]",
    "large_string[pyarrow]",
    "timestamp[ns][pyarrow]",
    "timestamp[s, tz=UTC][pyarrow]",
    "date32[day][pyarrow]",
    "date64[ms][pyarrow]",
    "time64[us][pyarrow]",
    "duration[ms][pyarrow]",
    "binary[pyarrow]",
    "decimal128(10, 2)[pyarrow]",
    "list<item: int64>[pyarrow]",
    "list<item: string>[pyarrow]",
    "struct<a: int64>[pyarrow]",
    "dictionary<values=string, indices=int32>[pyarrow]",
    "null[pyarrow]",
]
ARROW_CELLS = {
    "string": TEXTS.filter(lambda text: text.isascii()),
    "large_string": TEXTS.filter(lambda text: text.isascii()),
    "dictionary": st.sampled_from(["a", "b", ""]),
    "bool": st.booleans(),
    "double": FLOATS,
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "int8": st.integers(-128, 127),
    "uint64": st.integers(0, 2**64 - 1),
    "binary": st.binary(max_size=4),
    "decimal128(10, 2)": st.decimals(-1000, 1000, places=2),
    "list<item: int64>": st.lists(st.integers(-9, 9), max_size=3),
    "list<item: string>": st.lists(st.sampled_from(["a", "b"]), max_size=3),
    "struct<a: int64>": st.builds(lambda a: {"a": a}, st.integers(-9, 9)),
    "time64": st.times(),
    "duration": st.integers(-1000, 1000).map(lambda n: pd.Timedelta(n, "s")),
    "date32": st.dates(),
    "date64": st.dates(),
}
DTYPES = [
    *("int8", "int16", "int64", "uint8", "uint64", "float16", "float32", "float64", "longdouble"),
    *("bool", "complex64", "complex128", "Int8", "Int64", "UInt64", "Float32", "Float64"),
    *("boolean", "str", "string", "string[python]", "category", "category of ints"),
    *("category of dates", "ordered category", "category of anything", "empty categories"),
    *("datetime64[ns]", "datetime64[s]", "datetime64[us]", "datetime64[ns, UTC]"),
    *("datetime64[s, Europe/Berlin]", "timedelta64[ns]", "timedelta64[s]", "period[M]"),
    *("period[h]", "period[ns]", "interval", "interval of dates", "Sparse[float]", "Sparse[int]"),
    *("Sparse[bool]", "Sparse[object]", "S5", "U5", "void"),
]


def _inferred(objects):
    """Return objects in the dtype that pandas finds, where it finds one."""
    try:
        return objects.infer_objects()
    except (ArithmeticError, UnicodeError, ValueError):
        return objects


def _stamps(low="1700-01-01", high="2200-01-01"):
    return st.datetimes(pd.Timestamp(low).to_pydatetime(), pd.Timestamp(high).to_pydatetime())


@st.composite
def columns_of_objects(draw, n_rows):
    """Draw a column of cells of one kind or several, missing ones among them."""
    names = draw(st.lists(st.sampled_from(sorted(POOLS)), min_size=1, max_size=2))
    pool = st.one_of(*(POOLS[name] for name in names))
    if draw(st.booleans()):
        pool = pool | MISSING
    if draw(st.booleans()):  # few distinct cells
        pool = these(draw(st.lists(pool, min_size=1, max_size=3)))
    cells = draw(st.lists(pool, min_size=n_rows, max_size=n_rows))
    column = np.empty(n_rows, dtype=object)
    for row, cell in enumerate(cells):
        column[row] = cell
    series = pd.Series(column, dtype=object)
    return _inferred(series) if draw(st.booleans()) else series


def _missing_at(draw, n_rows):
    return draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows))


@st.composite
def columns_of_arrow(draw, n_rows):
    """Draw a column that pyarrow holds."""
    name = draw(st.sampled_from(ARROW_TYPES))
    import pyarrow as pa  # noqa: F401

    dtype = pd.ArrowDtype(_arrow_type(name))
    start = name.removesuffix("[pyarrow]").split("[")[0]
    start = "dictionary" if start.startswith("dictionary") else start
    if start == "null":
        return pd.Series([None] * n_rows, dtype=dtype)
    cells = _stamps() if start == "timestamp" else ARROW_CELLS[start]
    values = draw(st.lists(st.none() | cells, min_size=n_rows, max_size=n_rows))
    if name.startswith("timestamp") and "UTC" in name:
        values = [v and pd.Timestamp(v, tz="UTC").floor("s") for v in values]
    elif name.startswith("timestamp"):
        values = [v and pd.Timestamp(v) for v in values]
    return pd.Series(pd.array(pa_array(values, dtype), dtype=dtype))


def pa_array(values, dtype):
    """Return an array of pyarrow."""
    import pyarrow as pa

    kind = dtype.pyarrow_dtype
    if pa.types.is_dictionary(kind):
        return pd.arrays.ArrowExtensionArray(pa.array(values, pa.string()).dictionary_encode())
    return pd.arrays.ArrowExtensionArray(pa.array(values, kind))


def _arrow_type(name):
    import pyarrow as pa

    special = {
        "list<item: int64>[pyarrow]": pa.list_(pa.int64()),
        "list<item: string>[pyarrow]": pa.list_(pa.string()),
        "struct<a: int64>[pyarrow]": pa.struct([("a", pa.int64())]),
        "dictionary<values=string, indices=int32>[pyarrow]": pa.dictionary(pa.int32(), pa.string()),
        "decimal128(10, 2)[pyarrow]": pa.decimal128(10, 2),
        "timestamp[s, tz=UTC][pyarrow]": pa.timestamp("s", tz="UTC"),
        "timestamp[ns][pyarrow]": pa.timestamp("ns"),
        "time64[us][pyarrow]": pa.time64("us"),
        "duration[ms][pyarrow]": pa.duration("ms"),
        "date32[day][pyarrow]": pa.date32(),
        "date64[ms][pyarrow]": pa.date64(),
        "double[pyarrow]": pa.float64(),
        "float[pyarrow]": pa.float32(),
        "bool[pyarrow]": pa.bool_(),
        "null[pyarrow]": pa.null(),
    }
    if name in special:
        return special[name]
    return getattr(pa, name.removesuffix("[pyarrow]"))()


@st.composite
def columns_of_dtypes(draw, n_rows):
    """Draw a column of one of NumPy's or pandas' own dtypes."""
    dtype = draw(st.sampled_from(DTYPES))
    missing = _missing_at(draw, n_rows) if draw(st.booleans()) else [False] * n_rows

    def lists(cells):
        return draw(st.lists(cells, min_size=n_rows, max_size=n_rows))

    def with_missing(cells, sign):
        return [sign if m else c for m, c in zip(missing, lists(cells), strict=True)]

    if dtype in ("S5", "void"):
        raw = np.array(lists(st.binary(max_size=5)), dtype="S5" if dtype == "S5" else "V5")
        return pd.Series(list(raw), dtype=object)
    if dtype == "U5":
        texts = [t.encode("utf-8", "ignore").decode()[:5] for t in lists(TEXTS)]
        return pd.Series(np.array(texts, dtype="U5"))
    if dtype in ("int8", "int16", "int64", "uint8", "uint64"):
        info = np.iinfo(dtype)
        return pd.Series(np.array(lists(st.integers(int(info.min), int(info.max))), dtype=dtype))
    if dtype in ("Int8", "Int64", "UInt64"):
        info = np.iinfo(dtype.lower())
        cells = st.integers(int(info.min), int(info.max))
        return pd.Series(pd.array(with_missing(cells, pd.NA), dtype=dtype))
    if dtype.startswith(("float", "longdouble", "Float")):
        small = st.floats(-1e4, 1e4, width=16) | st.sampled_from([0.0, 1.0])
        cells = small if dtype in ("float16",) else small | FLOATS
        if "32" in dtype:
            cells = small | st.floats(width=32, allow_infinity=False, allow_nan=False)
        values = with_missing(cells, pd.NA if dtype[0] == "F" else np.nan)
        return pd.Series(
            pd.array(values, dtype=dtype) if dtype[0] == "F" else np.array(values, dtype)
        )
    if dtype == "bool":
        return pd.Series(lists(st.booleans()), dtype=bool)
    if dtype == "boolean":
        return pd.Series(pd.array(with_missing(st.booleans(), pd.NA), dtype="boolean"))
    if dtype.startswith("complex"):
        return pd.Series(np.array(lists(st.complex_numbers(max_magnitude=9)), dtype=dtype))
    if dtype in ("str", "string", "string[python]"):
        texts = TEXTS.map(lambda text: text.encode("utf-8", "ignore").decode())
        return pd.Series(with_missing(texts, None), dtype=dtype)
    if "categor" in dtype:
        return _categories(draw, dtype, lists, missing)
    if dtype.startswith("datetime64"):
        stamps = [
            pd.NaT if m else pd.Timestamp(c) for m, c in zip(missing, lists(_stamps()), strict=True)
        ]
        series = pd.Series(pd.DatetimeIndex(stamps))
        if "," in dtype:
            series = series.dt.tz_localize("UTC").dt.tz_convert(dtype[:-1].split(", ")[1])
        return series.astype(dtype)
    if dtype.startswith("timedelta"):
        seconds = with_missing(st.integers(-(10**9), 10**9), None)
        return pd.Series(pd.to_timedelta(seconds, unit="s")).astype(dtype)
    if dtype.startswith("period"):
        freq = dtype[7:-1]
        stamps = pd.DatetimeIndex(with_missing(_stamps("1750-01-01", "2100-01-01"), pd.NaT))
        return pd.Series(stamps.to_period(freq))
    if dtype.startswith("interval"):
        starts = with_missing(st.integers(-9, 9), np.nan)
        ends = np.asarray(starts, dtype=float) + 1
        if "dates" in dtype:
            left = pd.to_datetime(pd.Series(starts, dtype=float), unit="D")
            right = pd.to_datetime(pd.Series(ends), unit="D")
            return pd.Series(pd.arrays.IntervalArray.from_arrays(left, right))
        return pd.Series(pd.arrays.IntervalArray.from_arrays(np.asarray(starts, float), ends))
    inner = dtype[7:-1]
    cells = {"float": FLOATS, "int": st.integers(-9, 9), "bool": st.booleans(), "object": TEXTS}[
        inner
    ]
    values = with_missing(cells, np.nan) if inner in ("float", "object") else lists(cells)
    return pd.Series(pd.arrays.SparseArray(np.array(values, dtype=inner)))


def _categories(draw, dtype, lists, missing):
    n_rows = len(missing)
    pool = {
        "category of ints": INTS,
        "category of dates": st.datetimes(),
        "category of anything": TEXTS | INTS | FLOATS | st.booleans() | st.dates(),
    }.get(dtype, TEXTS)
    if dtype == "empty categories":
        return pd.Series(pd.Categorical([None] * n_rows, categories=[]))
    categories = draw(st.lists(pool, min_size=1, max_size=4, unique_by=lambda c: (c, type(c))))
    distinct = []
    for category in categories:
        if category not in distinct:
            distinct.append(category)
    codes = [
        -1 if m else c % len(distinct)
        for m, c in zip(missing, lists(st.integers(0, 3)), strict=True)
    ]
    return pd.Series(
        pd.Categorical.from_codes(
            codes, categories=pd.Index(distinct, dtype=object), ordered="ordered" in dtype
        )
    )


def columns(n_rows):
    """Return a strategy for one column."""
    return columns_of_objects(n_rows) | columns_of_dtypes(n_rows) | columns_of_arrow(n_rows)


NAMES = (
    st.sampled_from(["a", "b", "age", "photo", "text", "tabular", "remainder", "image", ""]) | TEXTS
)
ODD_NAMES = st.one_of(
    NAMES,
    st.integers(-2, 5),
    these([None, np.nan, pd.NaT, 1.5, True, ("a", 1), (1,), b"x", pd.Timestamp(0), np.int64(2)]),
)


@st.composite
def frames(draw, min_rows=1, max_rows=8, max_columns=4, names=None):
    """Draw a DataFrame."""
    n_rows = draw(st.integers(min_rows, max_rows))
    parts = draw(st.lists(columns(n_rows), min_size=1, max_size=max_columns))
    if names is None:
        names = draw(st.sampled_from([NAMES, NAMES, NAMES, ODD_NAMES]))
    labels = draw(st.lists(names, min_size=len(parts), max_size=len(parts), unique_by=repr))
    frame = pd.concat(parts, axis=1) if parts else pd.DataFrame()
    index = pd.Index(labels, dtype=object, tupleize_cols=False)
    frame.columns = _inferred(index) if draw(st.booleans()) else index
    how = draw(
        st.sampled_from(["range", "strings", "repeated", "several levels", "dates", "missing"])
    )
    if how == "strings":
        frame.index = [f"row {n}" for n in range(n_rows)]
    elif how == "repeated":
        frame.index = [7] * n_rows
    elif how == "several levels":
        frame.index = pd.MultiIndex.from_arrays([["x"] * n_rows, list(range(n_rows))])
    elif how == "dates":
        frame.index = pd.date_range("2024-01-01", periods=n_rows)
    elif how == "missing":
        frame.index = pd.Index([None, *range(n_rows - 1)][:n_rows], dtype=object)
    return frame


@st.composite
def drifting(draw):
    """Draw a frame, and another of which some columns are missing, moved, added or changed."""
    frame = draw(frames(names=st.sampled_from(["a", "b", "c", "d", "e"])))
    n_rows = draw(st.integers(0, 6))
    rows = draw(st.lists(st.integers(0, len(frame) - 1), min_size=n_rows, max_size=n_rows))
    other = frame.iloc[rows].copy(deep=False)
    for name in list(other.columns):
        how = draw(
            st.sampled_from(["same", "same", "other cells", "dropped", "objects", "missing"])
        )
        if how == "dropped":
            other = other.drop(columns=name)
        elif how == "objects":
            other[name] = other[name].astype(object)
        elif how == "missing":
            other[name] = draw(st.sampled_from([None, np.nan, pd.NA, pd.NaT]))
        elif how == "other cells":
            column = draw(columns(n_rows))
            column.index = other.index
            position = other.columns.get_loc(name)
            others = [other.iloc[:, :position], column.rename(name), other.iloc[:, position + 1 :]]
            other = pd.concat(others, axis=1) if other.index.is_unique else other
    if draw(st.booleans()):
        other["extra"] = 1
    if draw(st.booleans()):
        other = other[list(other.columns)[::-1]]
    return frame, other


@st.composite
def odd_frames(draw):
    """Draw a frame of an odd shape or odd columns."""
    how = draw(
        st.sampled_from(
            [
                "no rows",
                "no columns",
                "repeated names",
                "several levels",
                "many",
                "one row",
                "alike",
            ]
        )
    )
    if how == "no rows":
        frame = draw(frames(max_rows=3))
        return frame.iloc[:0]
    if how == "no columns":
        return pd.DataFrame(index=range(draw(st.integers(0, 3))))
    if how == "repeated names":
        frame = draw(frames())
        frame.columns = ["a"] * frame.shape[1]
        return frame
    if how == "several levels":
        frame = draw(frames())
        frame.columns = pd.MultiIndex.from_tuples([("a", n) for n in range(frame.shape[1])])
        return frame
    if how == "many":
        part = draw(columns(3))
        n_columns = draw(st.integers(500, 1500))
        frame = pd.concat([part] * n_columns, axis=1)
        frame.columns = draw(
            these([list(range(n_columns)), [f"column {n}" for n in range(n_columns)]])
        )
        return frame
    if how == "one row":
        return draw(frames(max_rows=1))
    n_rows = draw(st.integers(1, 5))
    part = draw(columns(n_rows))
    return pd.DataFrame({"a": part, "b": part})


@st.composite
def entries(draw):
    """Draw X that is no DataFrame: arrays, lists, dicts of them, sparse matrices, a Series."""
    n_rows = draw(st.integers(0, 5))
    return draw(
        _entry(draw, n_rows)
        | st.dictionaries(NAMES | st.integers(0, 2), _entry(draw, n_rows), max_size=3)
        | st.lists(_entry(draw, n_rows), max_size=3)
    )


def _entry(draw, n_rows):
    from scipy import sparse

    shapes = these(
        [
            (n_rows,),
            (n_rows, 0),
            (n_rows, 1),
            (n_rows, 3),
            (n_rows, 2, 2),
            (n_rows, 4, 4, 3),
            (n_rows, 2, 2, 2, 2),
            (),
            (n_rows + 1, 2),
        ]
    )
    dtypes = these(
        [
            "float64",
            "int8",
            "uint8",
            "bool",
            "complex64",
            "object",
            "U3",
            "S3",
            "datetime64[s]",
            "timedelta64[s]",
            "float16",
            "longdouble",
            "V3",
            [("a", "i4")],
        ]
    )

    def array(shape, dtype, fill):
        made = np.zeros(shape, dtype=dtype)
        if made.dtype.kind in "fO" and made.size:
            with np.errstate(over="ignore"):
                made.flat[0] = np.float64(fill).astype(made.dtype)
        return made

    arrays = st.builds(array, shapes, dtypes, these([0.5, np.nan, np.inf, 1e300]))
    pool = st.one_of(*POOLS.values())
    lists = st.lists(pool, min_size=n_rows, max_size=n_rows)
    rows = st.lists(st.lists(pool, min_size=2, max_size=2), min_size=n_rows, max_size=n_rows)
    made = these(
        [sparse.csr_matrix, sparse.coo_array, sparse.dok_array, sparse.lil_matrix, sparse.csc_array]
    )
    matrices = (
        st.builds(
            lambda kind, fill: kind(np.diag([fill] * n_rows)), made, these([1, 0.5, np.nan, 1j])
        )
        if n_rows
        else st.just(sparse.csr_matrix((0, 3)))
    )
    series = columns(n_rows) if n_rows else st.just(pd.Series([], dtype=object))
    masked = st.just(
        np.ma.masked_array(np.ones((n_rows, 2)), mask=np.eye(max(n_rows, 2))[:n_rows, :2])
    )
    others = these(
        [
            None,
            3,
            "text",
            b"bytes",
            {1, 2},
            object(),
            iter([1]),
            (n for n in [1]),
            np.float64(1),
            pd.Index([1, 2]),
            pd.Categorical(["a"]),
        ]
    )
    return st.one_of(arrays, lists, rows, matrices, series, masked, others)
