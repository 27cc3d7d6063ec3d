"""Strategies for cells: values of one kind each, as a column of a DataFrame may hold them."""

import datetime
import io
import uuid
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from PIL import Image


def these(values):
    """Return a strategy for some values; `sampled_from` would hash and compare them."""
    return st.integers(0, len(values) - 1).map(values.__getitem__)


MISSING = these([None, np.nan, pd.NaT, pd.NA, float("nan"), np.float32("nan")])

ODD_TEXTS = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "x\udcffy",
    "\u200b",
    "\u202eabc",
    "שלום עולם",
    "e\u0301",
    "é",
    "👩‍👩‍👧",
    "ﬁ",
    "İ",
    "ß",
    "nan",
    "None",
    "NaN",
    "<NA>",
    "1",
    "1.0",
    "01",
    "1e400",
    "-0",
    "inf",
    "True",
    "2024-01-01",
    "2024-13-45",
    "0000-00-00",
    "9999-12-31",
    "2024-02-30T25:61",
    "2024-01-01T00:00:00+00:00",
    "2024-01-01 00:00:00Z",
    "data:image/png;base64,AAAA",
    "http://example.org/a.png",
    "/does/not/exist.png",
    "photo.JPG",
    ".png",
    "a.png\x00",
    "a|b",
    "\n",
    "'\"\\",
    "{x}",
    "%s",
    "word " * 200,
    "z" * 5000,
    "two words",
    "a much longer text of several words, that is prose",
]
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
PROSE = st.lists(TEXTS, min_size=2, max_size=6).map(" ".join)

INTS = (
    st.integers(-5, 5)
    | these([0, 1, 2**31, -(2**31), 2**53 + 1, 2**63 - 1, -(2**63)])
    | st.integers(-(2**63), 2**63 - 1)
)
HUGE_INTS = INTS | these([2**63, 2**64 - 1, 2**64, 10**40, -(10**40), 10**400, -(10**400)])
FLOATS = (
    st.floats(allow_nan=False, allow_infinity=False)
    | these([0.0, -0.0, 5e-324, 1.7e308, -1.7e308, 1e-300, 0.1, 1.5, 1e20])
    | st.integers(-3, 3).map(float)
)
ODD_FLOATS = FLOATS | these([np.inf, -np.inf, np.nan])
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False) | these(
    [Decimal("1e400"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("0.1")]
)
NUMPY_SCALARS = these(
    [
        np.int8(3),
        np.uint64(2**64 - 1),
        np.float16(1.5),
        np.float32(2.5),
        np.longdouble("1e4000"),
        np.bool_(True),
        np.str_("text"),
        np.bytes_(b"bytes"),
        np.datetime64("2024-01-01"),
        np.datetime64("NaT"),
        np.timedelta64(3, "D"),
        np.timedelta64("NaT"),
        np.timedelta64(3),
        np.timedelta64(3, "Y"),
        np.timedelta64(2**40, "D"),
        np.datetime64(2**60, "Y"),
        np.datetime64(3, "as"),
        np.void(b"abc"),
        np.array(5),
        np.array("zero-d"),
    ]
)
NAIVE = st.datetimes() | these([datetime.datetime.min, datetime.datetime.max])
ZONES = these([datetime.UTC, datetime.timezone(datetime.timedelta(hours=5, minutes=45, seconds=3))])
AWARE = st.datetimes(
    min_value=datetime.datetime(1, 1, 3), max_value=datetime.datetime(9999, 12, 29), timezones=ZONES
)
DATES = st.dates() | these([datetime.date.min, datetime.date.max])
STAMPS = these(
    [
        pd.Timestamp.min,
        pd.Timestamp.max,
        pd.Timestamp("2024-02-29 13:14:15.123456789"),
        pd.Timestamp("2024-01-01", tz="Europe/Berlin"),
        pd.Timestamp(0),
    ]
)
DELTAS = st.timedeltas() | these(
    [datetime.timedelta.min, datetime.timedelta.max, pd.Timedelta.max, pd.Timedelta(1)]
)
VECTORS = st.one_of(
    st.lists(FLOATS | INTS, max_size=4),
    st.tuples(INTS, FLOATS),
    st.lists(ODD_FLOATS | MISSING, min_size=1, max_size=3),
    st.lists(st.lists(INTS, max_size=3), max_size=3),
    st.integers(0, 3).map(lambda n: np.arange(n)),
    these(
        [
            np.zeros((2, 3)),
            np.zeros((0, 3)),
            np.zeros((2, 0)),
            np.ones((2, 2, 2, 2), dtype="float16"),
            np.array([1 + 2j, 3]),
            np.array([None, 1], dtype=object),
            np.array(["2024-01-01"], dtype="datetime64[D]"),
            np.array([1, 2], dtype="m8[s]"),
            np.array([True, False]),
            np.array([b"a"]),
            np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]),
            np.ma.masked_array([1.0, 2.0], mask=[True, False]),
            pd.Series([1.0, 2.0]),
            pd.Series([1, 2], index=["b", "a"]),
            pd.array([1, None], dtype="Int64"),
            pd.DataFrame({"a": [1.0], "b": [2.0]}),
            memoryview(b"abc"),
            range(3),
            np.float64("nan") * np.ones(3),
            np.full((2, 2), np.longdouble("1e4000")),
            [1, [2, 3]],
            [10**400, 1],
            [Decimal("1.5"), 2],
            [True, None],
        ]
    ),
)
TAGS = st.one_of(
    st.lists(TEXTS, max_size=4),
    st.sets(TEXTS, max_size=4),
    st.frozensets(TEXTS | INTS, max_size=3),
    st.lists(TEXTS, max_size=3).map(tuple),
    st.lists(TEXTS, max_size=3).map(lambda tags: np.array(tags, dtype=object)),
    st.lists(TEXTS | MISSING | INTS, max_size=3),
    st.lists(st.lists(TEXTS, max_size=2) | st.just({"a": 1}) | st.just(b"x"), max_size=2),
)


class Plain:
    """An object without a text of its own."""


class Textual:
    """An object that only its text describes."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def __eq__(self, other):
        return isinstance(other, Textual) and self.text == other.text

    def __hash__(self):
        return hash(self.text)


@dataclass
class Unhashable:
    """An object that has a text, but no hash."""

    text: str


OBJECTS = these(
    [
        Plain(),
        Textual("odd"),
        Textual(""),
        len,
        int,
        {"a": 1},
        {},
        {1: [2]},
        1 + 2j,
        np.complex64(1j),
        Fraction(1, 3),
        uuid.UUID(int=5),
        datetime.time(12, 30),
        pd.Period("2024-01"),
        pd.Interval(0, 1),
        pd.Interval(pd.Timestamp(0), pd.Timestamp(1)),
        pd.DateOffset(months=1),
        PurePosixPath("/no/such.png"),
        PurePosixPath("relative"),
        b"",
        b"not a picture",
        bytearray(b"\x89PNG\r\n\x1a\n"),
        slice(1),
        Ellipsis,
        NotImplemented,
        np.random.default_rng(0),
        iter([1, 2]),
        pd.Categorical(["a"]),
    ]
)


def encoded(image, kind="PNG"):
    """Return the bytes of an image file."""
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


SMALL_PICTURES = [
    Image.new("RGB", (3, 2), (200, 10, 30)),
    Image.new("L", (1, 1), 7),
    Image.new("1", (4, 4), 1),
    Image.new("RGBA", (2, 3), (1, 2, 3, 4)),
    Image.new("P", (2, 2), 1),
    Image.new("CMYK", (2, 2)),
    Image.new("I;16", (2, 2), 40000),
    Image.new("F", (2, 2), 0.5),
]
PICTURES = these(
    [
        *SMALL_PICTURES,
        *(encoded(picture) for picture in SMALL_PICTURES[:5]),
        encoded(SMALL_PICTURES[0], "JPEG"),
        np.zeros((2, 3), dtype=np.uint8),
        np.arange(12, dtype=np.uint8).reshape(2, 2, 3),
        np.linspace(0, 1, 4).reshape(2, 2),
        np.ones((2, 2, 4), dtype=bool),
    ]
)
POOLS = {
    "texts": TEXTS,
    "prose": PROSE,
    "ints": INTS,
    "huge ints": HUGE_INTS,
    "floats": FLOATS,
    "odd floats": ODD_FLOATS,
    "booleans": st.booleans(),
    "decimals": DECIMALS,
    "NumPy scalars": NUMPY_SCALARS,
    "naive dates": NAIVE,
    "aware dates": AWARE,
    "dates": DATES,
    "stamps": STAMPS,
    "any dates": NAIVE | AWARE | DATES | STAMPS,
    "durations": DELTAS,
    "vectors": VECTORS,
    "plain vectors": st.lists(FLOATS, min_size=2, max_size=2),
    "series of numbers": st.lists(FLOATS, max_size=5),
    "tags": TAGS,
    "plain tags": st.lists(TEXTS, max_size=3),
    "objects": OBJECTS,
    "pictures": PICTURES,
    "missing": MISSING,
}
POOLS["anything"] = st.one_of(*POOLS.values())
POOLS["objects without a hash"] = TEXTS | st.builds(Unhashable, TEXTS)
