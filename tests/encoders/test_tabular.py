"""TabularEncoder: a table in, one float32 matrix out; what is no table is an error."""

import pickle
import re
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmerge import InputSpec
from skmerge.encoders.tabular import TabularEncoder

PARTS = ["year", "month", "day", "weekday", "dayofyear"]
CYCLES = ["month_sin", "month_cos", "weekday_sin", "weekday_cos"]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 60
    frame = pd.DataFrame(
        {
            "city": rng.choice(["Rome", "Oslo", "Lima", None], n),
            "age": rng.normal(40, 12, n),
            "bought": pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
            "rooms": rng.integers(1, 6, n),
            "sold": rng.random(n) < 0.3,
        },
        index=rng.permutation(n) + 1000,
    )
    frame.loc[frame.index[::7], "age"] = np.nan
    frame.loc[frame.index[::9], "bought"] = pd.NaT
    return frame


@parametrize_with_checks(
    [TabularEncoder(), TabularEncoder(clip=None, missing_flags=False, min_frequency=2)]
)
def test_passes_the_common_checks(estimator, check):
    check(estimator)


def test_layout_is_numbers_then_flags_then_codes(frame):
    encoder = TabularEncoder().fit(frame)
    dates = [f"bought_{part}" for part in [*PARTS, *CYCLES, "seconds"]]
    names = ["age", *dates, "rooms", "sold", "age_missing", "bought_missing", "city"]
    assert encoder.spec_ == InputSpec(
        "tabular",
        "tabular",
        shape=(16,),
        code_columns=(15,),
        cardinalities=(5,),
        feature_names=tuple(names),
    )
    assert encoder.get_feature_names_out().tolist() == names
    assert encoder.kinds_ == {
        "city": "category",
        "age": "number",
        "bought": "date",
        "rooms": "number",
        "sold": "number",
    }
    matrix = encoder.transform(frame)
    assert matrix.dtype == np.float32
    assert matrix.shape == (60, 16)
    assert encoder.encode(frame)[1] is None
    np.testing.assert_array_equal(matrix[:, 13], frame["age"].isna())
    np.testing.assert_array_equal(matrix[:, 14], frame["bought"].isna())
    low, median, high = np.nanpercentile(frame["age"], (25, 50, 75))
    z = (frame["age"].fillna(median) - median) / (high - low)
    np.testing.assert_allclose(matrix[:, 0], z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-5)


def test_infinity_in_a_matrix_is_named_by_position():
    with pytest.raises(ValueError, match="contains infinity.*row 2 of column 1 is -inf"):
        TabularEncoder().fit(np.array([[1, 2], [3, 4], [5, -np.inf]]))


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        ({"agee": "number"}, r"names column 'agee', which X does not have.*Did you mean 'age'\?"),
        ({"age": "numbr"}, r"'age'.*one of \[.*\]\. Got 'numbr'\. Did you mean 'number'\?"),
        ({"city": "number"}, r"'city' was given the kind 'number'.*strings: row 0.*pd.to_numeric"),
        ({"rooms": "date"}, r"'rooms' was given the kind 'date'.*numbers: row 0.*pd.to_datetime"),
        ({"bought": "number"}, r"'bought' was given the kind 'number', but it holds dates"),
    ],
)
def test_wrong_kinds_are_an_error(frame, kinds, message):
    frame["city"] = "Rome"
    with pytest.raises(ValueError, match=message):
        TabularEncoder(kinds).fit(frame)


@pytest.mark.parametrize(
    "params",
    [
        {"kinds": "number"},
        {"clip": 0},
        {"clip": -1.0},
        {"missing_flags": "yes"},
        {"max_categories": 0},
        {"max_categories": 2**24},
        {"min_frequency": 0},
        {"min_frequency": 0.5},
    ],
)
def test_wrong_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of TabularEncoder"):
        TabularEncoder(**params).fit([[1]])


def test_columns_are_found_by_name(frame):
    encoder = TabularEncoder().fit(frame)
    shuffled = frame[frame.columns[::-1]].assign(extra=[[]] * len(frame))
    shuffled = pd.concat([shuffled, shuffled[["extra"]]], axis=1)
    np.testing.assert_array_equal(encoder.transform(shuffled), encoder.transform(frame))
    message = "Column 'age' is missing from X. X has columns ['city', 'bought', 'rooms', 'sold']."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        encoder.transform(frame.drop(columns="age"))
    with pytest.raises(ValueError, match=r"Columns \['city', 'age'\] are missing.*mean 'City'"):
        encoder.transform(frame.drop(columns="age").rename(columns={"city": "City"}))
    with pytest.raises(ValueError, match=r"distinct names\. Got \['age'\] more than once"):
        encoder.transform(pd.concat([frame, frame[["age"]]], axis=1))


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ValueError, "distinct names.*'a'.*duplicated"),
        (pd.DataFrame([[1, 2]], columns=[["a", "a"], ["b", "c"]]), ValueError, "MultiIndex of 2"),
        (pd.DataFrame([[1, 2]], columns=["a", 1]), TypeError, "string names"),
        (pd.DataFrame({"a": []}), ValueError, r"0 sample\(s\) \(shape=\(0, 1\)\).*TabularEncoder"),
        (pd.DataFrame(index=[0]), ValueError, r"0 feature\(s\) \(shape=\(1, 0\)\)"),
        ([1, 2, 3], ValueError, "Expected 2D array, got 1D array"),
        (np.zeros((2, 2, 2)), ValueError, "Found array with dim 3"),
        ([[1], [2, 3]], ValueError, "as many in each row"),
        (np.zeros((0, 2)), ValueError, r"0 sample\(s\)"),
    ],
)
def test_tables_that_are_none_are_an_error(table, error, message):
    with pytest.raises(error, match=message):
        TabularEncoder().fit(table)


def test_sparse_matrices_are_refused():
    with pytest.raises(TypeError, match="Sparse data was passed"):
        TabularEncoder().fit(csr_matrix(np.eye(3)))


def test_integer_column_names_are_names():
    frame = pd.DataFrame({2021: [1.0, 2.0], 2020: ["a", "b"]})
    encoder = TabularEncoder().fit(frame)
    assert encoder.get_feature_names_out().tolist() == ["2021", "2020"]
    assert not hasattr(encoder, "feature_names_in_")
    np.testing.assert_array_equal(encoder.transform(frame[[2020, 2021]]), encoder.transform(frame))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, "a"], [2, "b"], [None, "a"]],
        np.array([[1, "a"], [2, "b"], [None, "a"]], dtype=object),
        np.ma.masked_array(
            np.array([[1, "a"], [2, "b"], [9, "a"]], dtype=object),
            mask=[[False] * 2, [False] * 2, [True, False]],
        ),
    ],
    ids=["list", "objects", "masked"],
)
def test_matrices_of_objects_have_columns_of_several_kinds(matrix):
    encoder = TabularEncoder().fit(matrix)
    assert encoder.kinds_ == {0: "number", 1: "category"}
    assert encoder.get_feature_names_out().tolist() == ["x0", "x0_missing", "x1"]
    assert encoder.get_feature_names_out(["n", "s"]).tolist() == ["n", "n_missing", "s"]
    assert encoder.transform(matrix)[:, 1:].tolist() == [[0, 2], [0, 3], [1, 2]]


def test_numbers_beside_strings_in_a_list_stay_numbers():
    encoder = TabularEncoder().fit([[1, "a"], [2.5, "b"]])
    assert encoder.kinds_ == {0: "number", 1: "category"}


def test_matrix_columns_are_found_by_position_as_scikit_learn_does(frame):
    numbers = frame[["age", "rooms"]]
    encoder = TabularEncoder({1: "category"}).fit(numbers.to_numpy())
    assert encoder.kinds_ == {0: "number", 1: "category"}
    with pytest.warns(UserWarning, match="X has feature names, but TabularEncoder was fitted"):
        named = encoder.transform(numbers)
    np.testing.assert_array_equal(named, encoder.transform(numbers.to_numpy()))
    with pytest.raises(ValueError, match="X has 1 features, but TabularEncoder is expecting 2"):
        encoder.transform(numbers.to_numpy()[:, :1])
    by_name = TabularEncoder().fit(numbers)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        np.testing.assert_array_equal(
            by_name.transform(numbers.to_numpy()), by_name.transform(numbers)
        )


def test_series_is_a_table_of_one_column(frame):
    expected = TabularEncoder().fit_transform(frame[["city"]])
    encoder = TabularEncoder().fit(frame["city"])
    assert encoder.feature_names_in_.tolist() == ["city"]
    np.testing.assert_array_equal(encoder.transform(frame["city"]), expected)
    np.testing.assert_array_equal(encoder.transform(frame), expected)
    with pytest.raises(ValueError, match="Column 'city' is missing from X"):
        encoder.transform(frame["city"].rename("town"))
    assert TabularEncoder().fit(pd.Series([1, 2])).get_feature_names_out().tolist() == ["x0"]


def test_feature_names_must_be_those_of_the_table(frame):
    encoder = TabularEncoder().fit(frame)
    names = encoder.get_feature_names_out(encoder.feature_names_in_)
    assert names.dtype == object
    assert names.tolist() == list(encoder.spec_.feature_names)
    with pytest.raises(ValueError, match="input_features is not equal to the columns seen in fit"):
        encoder.get_feature_names_out(frame.columns[::-1])
    with pytest.raises(ValueError, match="input_features should have length equal to .* 5"):
        encoder.get_feature_names_out(["age"])


def test_rows_are_encoded_each_by_itself(frame):
    encoder = TabularEncoder().fit(frame)
    matrix = encoder.transform(frame)
    order = np.random.default_rng(1).permutation(len(frame))
    np.testing.assert_array_equal(encoder.transform(frame.iloc[order]), matrix[order])
    rows = [encoder.transform(frame.iloc[[row]]) for row in range(len(frame))]
    np.testing.assert_array_equal(np.concatenate(rows), matrix)


NUMBERS = [1, 0, 1, None, 1]
COLUMNS_OF_NUMBERS = {
    **{
        str(dtype): pd.Series(NUMBERS, dtype=dtype)
        for dtype in ("float64", "float16", "Int64", "boolean", "bool[pyarrow]", object)
    },
    "int8": pd.Series([1, 0, 1, 0, 3], dtype="int8"),
    "bool": pd.Series([True, False, True, False, True]),
    "longdouble": pd.Series(np.array([1, 0, 1, np.nan, 3], dtype=np.longdouble)),
    "Decimal": pd.Series([Decimal(1), Decimal("0.5"), 1.0, None, Decimal(2)], dtype=object),
    "durations": pd.Series(pd.to_timedelta([1, 2, 1, None, 3], unit="h")),
    "dates": pd.Series(pd.to_datetime(["2020", "2021", "2020", None, "2022"])),
    "dates of objects": pd.Series([date(2020, 1, 1), date(2021, 3, 1)] * 2 + [None], dtype=object),
}


@pytest.mark.parametrize("column", COLUMNS_OF_NUMBERS)
def test_one_row_is_encoded_as_among_many(column):
    few = pd.DataFrame({"c": COLUMNS_OF_NUMBERS[column], "d": ["x", "y", None, "x", "z"]})
    many = pd.concat([few] * 1200, ignore_index=True)
    encoder = TabularEncoder().fit(few)
    matrix = encoder.transform(many)
    rows = [encoder.transform(few.iloc[[row]]) for row in range(len(few))]
    np.testing.assert_array_equal(np.concatenate(rows * 1200), matrix)


def test_order_of_training_rows_makes_no_difference(frame):
    frame["count"] = np.where(frame["rooms"] > 4, frame["age"].abs(), 0.0)
    encoder = TabularEncoder(max_categories=2)
    matrix = encoder.fit(frame).transform(frame)
    for seed in range(5):
        shuffled = frame.sample(frac=1, random_state=seed)
        np.testing.assert_array_equal(encoder.fit(shuffled).transform(frame), matrix)


def test_fitting_again_starts_afresh(frame):
    encoder = TabularEncoder().fit(frame)
    first = encoder.transform(frame)
    encoder.fit(frame[["city"]].to_numpy())
    assert not hasattr(encoder, "feature_names_in_")
    assert encoder.spec_.shape == (1,)
    np.testing.assert_array_equal(encoder.fit(frame).transform(frame), first)
    np.testing.assert_array_equal(clone(encoder).fit_transform(frame), first)


def test_pickled_encoder_encodes_the_same(frame):
    encoder = TabularEncoder({"rooms": "category"}).fit(frame)
    restored = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(restored.transform(frame), encoder.transform(frame))
    assert restored.spec_ == encoder.spec_


def test_frame_is_left_as_it_was(frame):
    before = frame.copy(deep=True)
    kinds = {"rooms": "category"}
    matrix = TabularEncoder(kinds).fit_transform(frame)
    matrix[:] = -1
    pd.testing.assert_frame_equal(frame, before)
    assert kinds == {"rooms": "category"}


def test_attributes_can_be_changed_without_harm(frame):
    encoder = TabularEncoder().fit(frame)
    matrix = encoder.transform(frame)
    encoder.categories_["city"][:] = "?"
    encoder.set_params(missing_flags=False, clip=None, max_categories=1)
    np.testing.assert_array_equal(encoder.transform(frame), matrix)


def test_set_output_is_not_offered():
    assert not hasattr(TabularEncoder(), "set_output")


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 2), dtype=[("a", "i4")]), r"one value per row and column.*\('a', '<i4'\)"),
        ([[[1, 2], [3]], [[1], [2]]], "as many in each row"),
    ],
)
def test_what_is_no_matrix_of_values_raises(X, message):
    with pytest.raises(ValueError, match=message):
        TabularEncoder().fit(X)


def test_dates_that_pandas_cannot_hold_are_categories_beside_other_values():
    far = np.datetime64(2**60, "s")
    frame = pd.DataFrame({"a": pd.Series([3, far, "x", np.datetime64("2024-01-01")], dtype=object)})
    encoder = TabularEncoder().fit(frame)
    assert encoder.kinds_ == {"a": "category"}
    assert set(encoder.categories_["a"]) == {"3", str(far), "x", "2024-01-01T00:00:00"}
    assert len(set(encoder.transform(frame)[:, 0])) == 4
