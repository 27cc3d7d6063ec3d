"""Columns of a table: numbers, categories and dates of any dtype, and what they turn into."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skmerge.encoders._numbers import RobustScale
from skmerge.encoders.tabular import TabularEncoder

PARTS = ["year", "month", "day", "weekday", "dayofyear"]
CYCLES = ["month_sin", "month_cos", "weekday_sin", "weekday_cos"]
UTC = dt.UTC


def column(values, dtype=None):
    return pd.DataFrame({"c": pd.Series(values, dtype=dtype)})


def encode(train, test=None, **params):
    return TabularEncoder(**params).fit(train).transform(train if test is None else test)


def codes(train, test=None, **params):
    return encode(train, test, **params)[:, -1].tolist()


def scaled(values, clip=3.0):
    """Scale as the paper's formula does, by NumPy."""
    low, median, high = np.nanpercentile(values, (25, 50, 75))
    spread = high - low or np.nanstd(values) or 1.0
    z = np.where(np.isnan(values), 0.0, (values - median) / spread)
    return z if clip is None else z / np.sqrt(1 + (z / clip) ** 2)


@pytest.mark.parametrize("clip", [3.0, 0.5, None])
@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_cauchy(200),
        [1.0, np.nan, 4.0, 10.0],
        [0.0] * 9 + [5.0],
        [7.0, 7.0, 7.0],
        [0, 1, 1, 0, 1],
        [3],
    ],
    ids=["heavy tails", "missing", "IQR of zero", "constant", "binary", "one row"],
)
def test_numbers_equal_the_numpy_formula(values, clip):
    values = np.asarray(values, dtype=float)
    matrix = encode(column(values), clip=clip)
    np.testing.assert_allclose(matrix[:, 0], scaled(values, clip), rtol=1e-5, atol=1e-7)


def test_numbers_are_scaled_by_training_rows_alone():
    train, test = np.array([1.0, 2, 3, 4]), np.array([100.0, np.nan])
    z = (test - 2.5) / 1.5
    expected = np.nan_to_num(z / np.sqrt(1 + (z / 3) ** 2))
    np.testing.assert_allclose(encode(column(train), column(test))[:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("clip", [3.0, None])
@pytest.mark.parametrize(
    "values",
    [
        [1.7e308, -1.7e308, 0.0, 1.0],
        [1e-300, 2e-300, 3e-300],
        [1e300, 1.0, 2.0, 3.0],
        [0.0] * 9 + [1.7e308],
        np.array([2**63 - 1, -(2**63), 0]),
        np.array([2**64 - 1, 0, 5], dtype=np.uint64),
        np.array([True, False]),
        np.array([np.longdouble(1) / 3, 2]),
        np.array([60000, -60000], dtype=np.float16),
    ],
)
def test_extremes_neither_overflow_nor_warn(values, clip):
    matrix = encode(column(values), column([1e308, -1e308, 0]), clip=clip)
    assert np.isfinite(matrix).all()
    assert matrix[0, 0] > matrix[2, 0] > matrix[1, 0]
    assert clip is None or np.abs(matrix).max() <= clip


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 0, None], "Int64"),
        ([1, 0, None], "Float32"),
        ([True, False, None], "boolean"),
        ([1, 0, None], "int16[pyarrow]"),
        ([1, 0, None], "double[pyarrow]"),
        ([True, False, None], "bool[pyarrow]"),
        ([1, 0, np.nan], "float16"),
        ([1, 0, pd.NA], object),
        ([True, False, None], object),
        ([Decimal(1), 0.0, None], object),
        ([Fraction(1), False, np.nan], object),
        ([np.float32(1), np.int8(0), pd.NaT], object),
        ([dt.timedelta(seconds=1), dt.timedelta(0), None], object),
        ([np.timedelta64(1, "s"), np.timedelta64(0, "s"), None], object),
        (pd.to_timedelta([1, 0, None], unit="s"), None),
        (pd.to_timedelta([1, 0, None], unit="s"), "duration[us][pyarrow]"),
    ],
)
def test_numbers_of_any_dtype_are_the_same_numbers(values, dtype):
    expected = encode(column([1.0, 0.0, np.nan]))
    assert expected[:, 1].tolist() == [0, 0, 1]
    np.testing.assert_array_equal(encode(column(values, dtype)), expected)


def test_range_beyond_the_largest_number_is_scaled():
    extremes = column([-1.7e308, -1.7e308, 1.7e308, 1.7e308])
    np.testing.assert_allclose(encode(extremes, clip=None)[:, 0], [-0.5, -0.5, 0.5, 0.5])


def test_scale_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    feature = np.append(np.zeros(700), rng.standard_cauchy(99))
    scales = set()
    for _ in range(20):
        scale = RobustScale(3.0)
        scale.fit(rng.permutation(feature)[:, None])
        scales.add(float(scale.half_scales[0]))
    assert len(scales) == 1


def test_durations_are_seconds():
    train = column(pd.to_timedelta([1, 2, 4], unit="min"))
    np.testing.assert_array_equal(encode(train), encode(column([60.0, 120.0, 240.0])))


@pytest.mark.parametrize("dtype", [bool, "int64", "uint8", "Int64", "float32", "boolean", object])
def test_numbers_may_change_their_dtype(dtype):
    encoder = TabularEncoder().fit(column([0, 1, 1, 0, 1]))
    expected = encoder.transform(column([1.0, 0.0]))
    np.testing.assert_array_equal(encoder.transform(column([1, 0], dtype)), expected)


def test_missing_values_later_get_the_median_and_no_flag():
    assert encode(column([1.0, 2.0, 9.0]), column([np.nan, 2.0])).tolist() == [[0], [0]]
    assert encode(column([1.0, np.nan]), missing_flags=False).shape == (2, 1)


@pytest.mark.parametrize("later", [[5.0, None], ["a", None], [dt.date(2020, 1, 1), None]])
@pytest.mark.parametrize("dtype", [float, object, "Int64"])
def test_column_without_any_training_value_is_zeros_and_a_flag(dtype, later):
    later = column(pd.Series(later, dtype=object))
    assert encode(column([None, None], dtype), later).tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("dtype", [object, "str", "float", "Int64", "datetime64[us]", "category"])
@pytest.mark.parametrize("train", [[1, 2], ["a", "b"], pd.to_datetime(["2020", "2021"])])
def test_all_missing_of_any_dtype_is_missing(train, dtype):
    assert not encode(column(train), column([None, None], dtype)).any()


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        ([1.0, np.inf], "inf"),
        ([1.0, -np.inf], "-inf"),
        (np.array([1, Decimal("Infinity")], dtype=object), "Decimal('Infinity')"),
        (np.array([1, 10**400], dtype=object), "1000"),
    ],
)
@pytest.mark.parametrize("kinds", [None, {"c": "category"}])
def test_infinity_is_an_error_that_names_column_row_and_value(bad, shown, kinds):
    encoder = TabularEncoder(kinds)
    pattern = rf"Input X contains infinity.*row 1 of column 'c' is {re.escape(shown)}.*replace"
    with pytest.raises(ValueError, match=pattern):
        encoder.fit(column(bad))
    with pytest.raises(ValueError, match=pattern):
        encoder.fit(column([1.0, 2.0])).transform(column(bad))


@pytest.mark.parametrize("values", [[1j, 2], np.array([1, 2j], dtype=object)])
def test_complex_numbers_are_an_error(values):
    with pytest.raises(ValueError, match=r"Complex data not supported\nRow \d of column 'c' is"):
        TabularEncoder().fit(column(values))


@pytest.mark.parametrize("later", ["str", object, "category", "string", "string[pyarrow]"])
@pytest.mark.parametrize(
    "dtype", ["str", object, "category", "string[python]", "large_string[pyarrow]"]
)
def test_strings_of_any_dtype_are_the_same_categories(dtype, later):
    encoder = TabularEncoder().fit(column(["b", "a", None, "b"], dtype))
    assert encoder.kinds_ == {"c": "category"}
    assert encoder.categories_["c"].tolist() == ["a", "b"]
    assert encoder.spec_.cardinalities == (4,)
    test = column(["a", "b", "new", None, ""], later)
    assert encoder.transform(test)[:, 0].tolist() == [2, 3, 1, 0, 1]


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, pd.NA])
def test_any_missing_value_has_code_zero(missing):
    assert codes(column(["a", missing, "b"], object)) == [2, 0, 3]


def test_most_frequent_categories_stay_and_ties_go_by_value():
    train = column(list("eeedccbbaa"))
    assert codes(train, column(list("abcde")), max_categories=2) == [2, 1, 1, 1, 3]
    assert codes(train, column(list("abcde")), min_frequency=2) == [2, 3, 4, 1, 5]
    assert codes(train, column(list("abcde")), max_categories=None) == [2, 3, 4, 5, 6]
    assert TabularEncoder(max_categories=2).fit(train).spec_.cardinalities == (4,)


def test_numbers_declared_categories_are_told_apart_by_value():
    encoder = TabularEncoder({"c": "category"}).fit(column([85255, 900, 85255]))
    assert encoder.categories_["c"].tolist() == ["900", "85255"]
    for later in ([85255.0, np.nan, 1.5], [Decimal(85255), None, 1], [85255, pd.NA, 7]):
        test = column(later, None if isinstance(later[0], float) else object)
        assert encoder.transform(test).ravel().tolist() == [3, 0, 1]
    flags = column([np.True_, np.False_], object)
    assert codes(flags, column([1, 0, 2]), kinds={"c": "category"}) == [3, 2, 1]
    big = 2**53
    assert codes(column([big, big + 1]), kinds={"c": "category"}) == [2, 3]


def test_strings_may_be_joined_by_other_objects():
    assert codes(column(["a", "5"]), column(["a", 5, None, 6], object)) == [3, 2, 0, 1]


def test_mixed_objects_are_categories_by_their_text():
    train = column(["a", 1, True, 2.5, None], object)
    assert codes(train, column(["1", 1.0, "2.5", "a", "b"], object)) == [2, 2, 3, 4, 1]


def test_categoricals_of_numbers_and_dates_are_categories():
    assert codes(column([10, 9, 10]).astype("category"), column([9.0, 10.0])) == [2, 3]
    stamps = column(pd.to_datetime(["2021", "2020", None])).astype("category")
    assert codes(stamps, column([dt.date(2020, 1, 1), None, dt.date(2000, 1, 1)])) == [2, 0, 1]
    intervals = column(pd.cut([1, 2, 9], [0, 5, 10]))
    assert codes(intervals) == [2, 2, 3]


@pytest.mark.parametrize(
    "cell",
    [["a"], {"a": 1}, {"a"}, ("a",), np.zeros(2), object(), Image.new("L", (2, 2))],
    ids=lambda cell: str(type(cell)),
)
def test_cells_that_are_no_single_value_are_an_error(cell):
    values = np.empty(2, dtype=object)
    values[:] = ["x", cell]
    with pytest.raises(TypeError, match=r"Row 1 of column 'c' is .*must be a string, a number"):
        TabularEncoder().fit(column(values))


def date_parts(stamps, clock):
    """Describe dates as pandas does."""
    hour = stamps.hour + stamps.minute / 60 + stamps.second / 3600
    month, weekday = 2 * np.pi * stamps.month / 12, 2 * np.pi * stamps.day_of_week / 7
    parts = [stamps.year, stamps.month, stamps.day, stamps.day_of_week, stamps.day_of_year]
    parts += [hour] if clock else []
    parts += [np.sin(month), np.cos(month), np.sin(weekday), np.cos(weekday)]
    parts += [np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24)] if clock else []
    return [*parts, (stamps - stamps[0]).total_seconds()]


def test_cycles_that_stay_at_zero_are_zero():
    encoder = TabularEncoder().fit(column(pd.to_datetime(["2020-06-01", "2020-12-01"])))
    month_sin = encoder.spec_.feature_names.index("c_month_sin")
    assert not encoder.transform(column(pd.to_datetime(["2021-06-01", "2021-12-01"])))[
        :, month_sin
    ].any()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("clock", [True, False])
def test_dates_become_their_parts_scaled(clock, unit):
    seconds = np.random.default_rng(0).integers(-(10**9), 2 * 10**9, 50)
    stamps = pd.to_datetime(seconds if clock else seconds // 86400 * 86400, unit="s").as_unit(unit)
    encoder = TabularEncoder().fit(column(stamps))
    hours = [["hour"], ["hour_sin", "hour_cos"]] if clock else [[], []]
    names = [*PARTS, *hours[0], *CYCLES, *hours[1], "seconds"]
    assert encoder.get_feature_names_out().tolist() == [f"c_{name}" for name in names]
    expected = np.transpose([scaled(np.asarray(p, float)) for p in date_parts(stamps, clock)])
    np.testing.assert_allclose(encoder.transform(column(stamps)), expected, atol=1e-5)


@pytest.mark.parametrize(
    "train",
    [
        pd.Series(pd.to_datetime(["2020-02-29", "2021-12-31", None])).astype("datetime64[s]"),
        pd.Series(pd.to_datetime(["2020-02-29", "2021-12-31", None])).astype("datetime64[ns]"),
        pd.Series([dt.date(2020, 2, 29), dt.date(2021, 12, 31), None], dtype=object),
        pd.Series([dt.datetime(2020, 2, 29), pd.Timestamp("2021-12-31"), pd.NaT], dtype=object),
        pd.Series([np.datetime64("2020-02-29"), dt.date(2021, 12, 31), pd.NA], dtype=object),
        pd.Series([dt.date(2020, 2, 29), dt.date(2021, 12, 31), None], dtype="date32[pyarrow]"),
        pd.Series(pd.PeriodIndex(["2020-02-29", "2021-12-31", None], freq="D")),
        pd.Series(pd.to_datetime(["2020-02-29", "2021-12-31", None], utc=True)),
        pd.Series(pd.to_datetime(["2020-02-29", "2021-12-31", None], utc=True)).dt.tz_convert(
            "Asia/Tokyo"
        ),
        pd.Series(
            [
                dt.datetime(2020, 2, 29, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
                dt.datetime(2021, 12, 31, tzinfo=UTC),
                None,
            ],
            dtype=object,
        ),
    ],
    ids=str,
)
def test_dates_of_any_dtype_are_the_same_dates(train):
    expected = encode(column(pd.to_datetime(["2020-02-29", "2021-12-31", None])))
    assert expected[:, -1].tolist() == [0, 0, 1]
    np.testing.assert_array_equal(encode(column(train)), expected)


@pytest.mark.parametrize(
    ("strings", "later"),
    [
        (["2020-02-29", "2021-12-31 00:00", None], "2020-02-29T00:00:00"),
        (["02/29/2020", "12/31/2021", None], "02/29/2020"),
        (["29.02.2020", "31.12.2021", None], "29.02.2020"),
        (["2020-02-29T01:00+01:00", "2021-12-31T00:00Z", None], "2020-02-29T00:00:00+00:00"),
    ],
)
@pytest.mark.parametrize("dtype", ["str", object, "category"])
def test_strings_declared_dates_are_parsed(strings, later, dtype):
    encoder = TabularEncoder({"c": "date"}).fit(column(strings, dtype))
    expected = encode(column(pd.to_datetime(["2020-02-29", "2021-12-31", None])))
    np.testing.assert_array_equal(encoder.transform(column(strings)), expected)
    np.testing.assert_array_equal(encoder.transform(column([later])), expected[:1])


def test_day_first_strings_keep_their_format():
    encoder = TabularEncoder({"c": "date"}).fit(column(["01/02/2020", "13/12/2021"]))
    month = encoder.spec_.feature_names.index("c_month")
    assert encoder.transform(column(["01/02/2020"]))[0, month] < 0
    with pytest.raises(ValueError, match=r"Row 1 of column 'c'.*'%d/%m/%Y'\. Got '02/13/2020'"):
        encoder.transform(column(["01/02/2020", "02/13/2020"]))


@pytest.mark.parametrize("strings", [["soon", "2020-01-01"], ["soon", "later"]])
def test_strings_that_are_no_dates_are_an_error(strings):
    with pytest.raises(ValueError, match="Row 0 of column 'c' must be a date.*'soon'.*to_datetime"):
        TabularEncoder({"c": "date"}).fit(column(strings))


@pytest.mark.parametrize(
    "later",
    [
        pd.to_datetime(["2020-01-01"]).tz_localize("Europe/Berlin"),
        [dt.datetime(2020, 1, 1, tzinfo=UTC)],
    ],
)
def test_time_zones_must_be_as_in_training(later):
    naive, aware = column(pd.to_datetime(["2020", "2021"])), column(pd.Series(later, dtype=object))
    with pytest.raises(ValueError, match=r"'c' must have no time zone.*Row 0 has a.*tz_localize"):
        TabularEncoder().fit(naive).transform(aware)
    with pytest.raises(ValueError, match=r"'c' must have a time zone.*Row 0 has no.*tz_localize"):
        TabularEncoder().fit(aware).transform(naive)
    with pytest.raises(ValueError, match=r"must have no time zone.*Row 2 has a time zone"):
        TabularEncoder().fit(pd.concat([naive.astype(object), aware]))
    strings = column(["2020-01-01T10:00", "2020-01-01T10:00+01:00"])
    with pytest.raises(ValueError, match=r"must have no time zone.*Row 1 has a time zone"):
        TabularEncoder({"c": "date"}).fit(strings)


CONTENTS = {
    "numbers": [1.0, 2.0],
    "strings": ["1", "2"],
    "dates": pd.to_datetime(["2020", "2021"]),
    "durations": pd.to_timedelta([1, 2], unit="h"),
}


@pytest.mark.parametrize("later", CONTENTS)
@pytest.mark.parametrize("fitted", CONTENTS)
@pytest.mark.parametrize("as_objects", [False, True])
def test_column_must_hold_what_it_held_in_training(fitted, later, as_objects):
    encoder = TabularEncoder().fit(column(CONTENTS[fitted]))
    changed = column([None, *CONTENTS[later]], object if as_objects else None)
    if fitted == later:
        assert np.isfinite(encoder.transform(changed)).all()
        return
    pattern = rf"^Column 'c' held {fitted} in fit, but now holds {later}: row 1 is .*\. \w+ it.*fit"
    with pytest.raises(ValueError, match=pattern):
        encoder.transform(changed)


def test_changed_column_error_shows_the_first_stray_value_and_the_remedy():
    encoder = TabularEncoder().fit(column([1, 2]))
    message = (
        "Column 'c' held numbers in fit, but now holds values of several types: row 2 is '42'. "
        "Convert it first, as in pd.to_numeric(X['c']), or fit again on such columns."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        encoder.transform(column([None, 7, "42", 8], object))
    with pytest.raises(ValueError, match=r"now holds durations.*X\['c'\]\.dt\.total_seconds\(\)"):
        encoder.transform(column(pd.to_timedelta([1, 2])))


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        ([dt.timedelta.max, dt.timedelta(1), None], dt.timedelta.max.total_seconds()),
        ([np.timedelta64(2**40, "D"), np.timedelta64(1, "D"), None], 2.0**40 * 86400),
    ],
)
def test_durations_too_long_for_pandas_are_seconds(cells, seconds):
    np.testing.assert_allclose(
        encode(column(cells, object), clip=None)[:, 0],
        scaled(np.array([seconds, 86400, np.nan]), clip=None),
        rtol=1e-6,
    )


def test_durations_of_no_fixed_length_are_an_error():
    cells = [np.timedelta64(1, "D"), np.timedelta64(3, "Y")]
    with pytest.raises(ValueError, match=r"Row 1 of column 'c' must be a duration.*\(3,'Y'\)"):
        encode(column(cells, object))


@pytest.mark.parametrize("unit", ["as", "s", "Y"])
def test_dates_that_pandas_cannot_hold_are_an_error(unit):
    cells = [np.datetime64(3, unit), np.datetime64(2**60, "Y")]
    with pytest.raises(ValueError, match="Row 1 of column 'c' must be a date that pandas can hold"):
        encode(column(cells, object))


@pytest.mark.parametrize("dtype", ["date32[day][pyarrow]", "timestamp[us, tz=UTC][pyarrow]"])
def test_dates_of_arrow_beyond_nanoseconds_are_dates(dtype):
    pytest.importorskip("pyarrow")
    zone = None if "date32" in dtype else dt.UTC
    cells = [dt.datetime(year, 3, 4, tzinfo=zone) for year in (2020, 2021, 2263, 3000)]
    plain = column([*cells, None], object)
    if zone is None:
        cells = [cell.date() for cell in cells]
    np.testing.assert_array_equal(encode(column([*cells, None], dtype)), encode(plain))


@dataclass
class Money:
    amount: int


def test_objects_that_have_no_hash_are_categories_by_their_text():
    train = column([Money(3), Money(4), None, Money(3), np.timedelta64(3), "x"], object)
    assert codes(train) == [3, 4, 0, 3, 2, 5]
    assert codes(train, column([Money(4), "4"], object)) == [4, 1]
    assert codes(column(["x"], object), column([np.timedelta64(3), "x"], object)) == [1, 2]


def test_numbers_too_large_for_float64_do_not_warn():
    with pytest.raises(ValueError, match="row 1 of column 'c' is"):
        encode(column([1, np.longdouble("1e4000")], object))


def test_a_signalling_nan_is_an_error():
    with pytest.raises(ValueError, match=r"Row 1 of column 'c'.*Decimal\('sNaN'\)"):
        encode(column([1, Decimal("sNaN")], object))


def test_a_missing_duration_among_dates_is_missing():
    train = column([dt.date(2024, 5, 6), np.timedelta64("NaT"), dt.date(2023, 1, 1)], object)
    same = column([dt.date(2024, 5, 6), None, dt.date(2023, 1, 1)], object)
    np.testing.assert_array_equal(encode(train), encode(same))


def test_a_missing_date_among_durations_is_missing():
    train = column([dt.timedelta(1), np.datetime64("NaT"), dt.timedelta(3)], object)
    same = column([dt.timedelta(1), None, dt.timedelta(3)], object)
    np.testing.assert_array_equal(encode(train), encode(same))
