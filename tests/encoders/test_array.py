"""ArrayEncoder: vectors as they are, or by any transformer; what it cannot read is named."""

import datetime as dt
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmerge import InputSpec
from skmerge.encoders.array import ArrayEncoder

NOTES = ["red dress", None, "blue dress", np.nan, "red"]
CELLS = [[1, 2], None, np.array([3.0, 4.0]), (5, 6), np.nan]
STACKED = [[1, 2], [0, 0], [3, 4], [5, 6], [0, 0]]


def cells(values, name="emb"):
    column = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        column[row] = value
    return pd.Series(column, name=name)


class Lengths(TransformerMixin, BaseEstimator):
    """What a user writes: one string per row in, numbers out, `fit` without a target."""

    def fit(self, X):
        self.seen_ = X
        return self

    def transform(self, X):
        assert np.ndim(X) == 1
        return [[len(text)] for text in X]


@parametrize_with_checks(
    [
        ArrayEncoder(),
        ArrayEncoder(dtype=None),
        ArrayEncoder(PCA(n_components=1)),
        ArrayEncoder(SimpleImputer()),
        ArrayEncoder(OneHotEncoder(handle_unknown="ignore")),
    ]
)
def test_passes_the_common_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (cells(["soft"], "note"), "Row 0 of column 'note' is 'soft'. Give it a transformer"),
        (cells([None, ["a", "b"]], "tags"), "Row 1 of column 'tags' is ['a', 'b']. Give it"),
        ([None, None], "All cells are missing."),
        (pd.DataFrame({"a": [1], "b": ["x"]}), "Column 'b' must hold numbers, since ArrayEnc"),
        (pd.DataFrame({"a": [1], "b": pd.to_timedelta([1])}), "Column 'b' must hold numbers"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "must have distinct names. Got ['a']"),
        (pd.DataFrame({"a": []}), "Found array with 0 sample(s)"),
        (np.array([["2020"]], dtype="M8[D]"), "Got dtype datetime64[D]. Convert it first"),
        (np.array([1.0, 2.0]), "Expected 2D array, got 1D array instead"),
        ([1, 2], "Expected 2D array, got 1D array instead"),
        ([[], []], "Found array with 0 feature(s)"),
        ([[1j, 2]], "Complex data not supported"),
    ],
)
def test_what_needs_a_transformer_or_is_no_array_is_an_error(X, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ArrayEncoder().fit(X)


def test_frame_of_numbers_is_found_by_name():
    frame = pd.DataFrame(
        {
            "a": pd.Series([1, 2], dtype="Int64"),
            "b": [True, False],
            "c": np.array([0.5, 1], dtype=object),
        }
    )
    before = frame.copy(deep=True)
    encoder = ArrayEncoder().fit(frame)
    assert encoder.spec_ == InputSpec("array", "array", shape=(3,), feature_names=("a", "b", "c"))
    assert encoder.feature_names_in_.tolist() == ["a", "b", "c"]
    expected = [[1, 1, 0.5], [2, 0, 1]]
    assert encoder.transform(frame).tolist() == expected
    assert encoder.transform(frame[["c", "a", "b"]].assign(d="x")).tolist() == expected
    pd.testing.assert_frame_equal(frame, before)
    message = "Column 'b' is missing from X. X has columns ['a', 'c']."
    with pytest.raises(ValueError, match=re.escape(message)):
        encoder.transform(frame[["a", "c"]])
    with pytest.raises(ValueError, match=r"NaN in row 0, column 'a'"):
        encoder.transform(frame.assign(a=pd.Series([None, 1], dtype="Int64")))


def test_series_of_numbers_is_one_column():
    encoder = ArrayEncoder().fit(pd.Series([1, 2], name="age"))
    assert (encoder.spec_.shape, encoder.spec_.feature_names) == ((1,), ("age",))
    assert encoder.transform(pd.DataFrame({"x": [0], "age": [5]})).tolist() == [[5]]


def test_names_of_many_columns_are_left_out():
    frame = pd.DataFrame(np.zeros((1, 1001))).add_prefix("c")
    assert ArrayEncoder().fit(frame).spec_.feature_names == ()
    assert len(ArrayEncoder().fit(frame.iloc[:, 1:]).spec_.feature_names) == 1000


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float64", "float16"])
@pytest.mark.parametrize("shape", [(2, 3), (2, 2, 2), (2, 4, 4, 3)])
def test_arrays_of_any_rank_pass_through(dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    encoder = ArrayEncoder().fit(array)
    assert (encoder.spec_.shape, encoder.spec_.dtype) == (shape[1:], "float32")
    assert encoder.transform(array).dtype == np.float32
    np.testing.assert_array_equal(encoder.transform(array), array)
    encoder = ArrayEncoder(dtype=None).fit(array)
    assert (encoder.spec_.dtype, encoder.transform(array).dtype) == (dtype, dtype)


def test_rows_must_have_the_shape_and_dtype_of_training():
    encoder = ArrayEncoder(dtype=None).fit(np.zeros((2, 4, 3), dtype="uint8"))
    with pytest.raises(ValueError, match=r"must have the shape \(4, 3\), as in fit. Got \(4, 2\)"):
        encoder.transform(np.zeros((2, 4, 2), dtype="uint8"))
    with pytest.raises(ValueError, match="numbers that fit into uint8. Got dtype float64"):
        encoder.transform(np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match="X has 1 features, but ArrayEncoder is expecting 2"):
        ArrayEncoder().fit(np.eye(2)).transform(np.ones((2, 1)))


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.coo_matrix, sparse.csc_array])
def test_sparse_stays_sparse(container):
    matrix = sparse.random(5, 2000, density=0.01, random_state=0)
    encoder = ArrayEncoder().fit(container(matrix))
    assert encoder.spec_ == InputSpec("array", "array", shape=(2000,), sparse=True)
    array, present = encoder.encode(container(matrix))
    assert (array.format, array.dtype, present) == ("csr", np.float32, None)
    np.testing.assert_allclose(array.toarray(), matrix.toarray(), rtol=1e-6)
    assert sparse.issparse(encoder.transform(matrix.toarray()))
    with pytest.raises(ValueError, match=r"X must be dense, as it was in fit.*X\.toarray\(\)"):
        ArrayEncoder().fit(matrix.toarray()).transform(container(matrix))


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(NOTES, name="note", dtype="str"),
        pd.Series(NOTES, name="note", dtype=object),
        pd.Series(NOTES, name="note").astype("category"),
        pd.Series(NOTES, name="note", dtype="string[pyarrow]"),
        pd.DataFrame({"note": NOTES}),
        np.array(NOTES, dtype=object),
        NOTES,
    ],
    ids=["str", "object", "category", "arrow", "frame", "array", "list"],
)
def test_one_column_of_strings_goes_to_the_transformer_in_1d(column):
    encoder = ArrayEncoder(TfidfVectorizer()).fit(column)
    assert encoder.spec_ == InputSpec(
        "array", "array", shape=(3,), feature_names=("blue", "dress", "red"), sparse=True
    )
    array, present = encoder.encode(column)
    assert (array.format, array.dtype, present) == ("csr", np.float32, None)
    texts = ["red dress", "", "blue dress", "", "red"]
    expected = TfidfVectorizer().fit_transform(texts).toarray()
    np.testing.assert_allclose(array.toarray(), expected, rtol=1e-6)
    assert encoder.transform([None, np.nan]).nnz == 0
    assert ArrayEncoder(Lengths()).fit_transform(column).ravel().tolist() == [9, 0, 10, 0, 3]


def test_series_stays_a_series():
    encoder = ArrayEncoder(Lengths()).fit(pd.Series(NOTES, name="note", index=list("abcde")))
    assert isinstance(encoder.transformer_.seen_, pd.Series)
    assert encoder.transformer_.seen_.name == "note"
    assert encoder.transformer_.seen_.index.tolist() == list("abcde")


def test_column_of_strings_is_found_by_name():
    frame = pd.DataFrame({"note": NOTES})
    encoder = ArrayEncoder(CountVectorizer()).fit(frame)
    expected = encoder.transform(frame).toarray()
    wider = pd.DataFrame({"age": range(5), "note": NOTES})
    np.testing.assert_array_equal(encoder.transform(wider).toarray(), expected)
    with pytest.raises(ValueError, match="Column 'note' is missing from X"):
        encoder.transform(wider[["age"]])


@pytest.mark.parametrize(
    "transformer",
    [
        OneHotEncoder(),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()),
        make_column_transformer((OneHotEncoder(), ["city"])),
    ],
)
def test_transformers_of_categories_get_a_frame(transformer):
    column = pd.Series(["Rome", "Oslo", "Rome"], name="city")
    for X in (column, column.to_frame()):
        array = sparse.csr_matrix(ArrayEncoder(transformer).fit_transform(X)).toarray()
        assert array.tolist() == [[0, 1], [1, 0], [0, 1]]


def test_several_columns_go_to_the_transformer_as_a_frame():
    frame = pd.DataFrame({"city": ["Rome", "Oslo"], "note": ["red", "blue"]})
    transformer = make_column_transformer((OneHotEncoder(), ["city"]), (CountVectorizer(), "note"))
    encoder = ArrayEncoder(transformer).fit(frame)
    assert encoder.feature_names_in_.tolist() == ["city", "note"]
    assert encoder.spec_.feature_names[-1] == "countvectorizer__red"
    array = encoder.transform(frame[["note", "city"]].assign(extra=1))
    assert sparse.csr_matrix(array).toarray().tolist() == [[0, 1, 0, 1], [1, 0, 1, 0]]


def test_other_cells_go_to_the_transformer_as_they_are():
    assert ArrayEncoder(DictVectorizer()).fit([{"a": 1}, {"b": 2}]).spec_.feature_names == (
        "a",
        "b",
    )
    tokens = cells([["red", "dress"], ["red"]])
    encoder = ArrayEncoder(CountVectorizer(analyzer=lambda words: words)).fit(tokens)
    assert encoder.transform(tokens).toarray().tolist() == [[1, 1], [0, 1]]


def test_supervised_transformer_gets_the_target_of_its_rows():
    rng = np.random.default_rng(0)
    vectors, y = rng.normal(size=(8, 3)), np.array([0, 1] * 4)
    vectors[y == 1] += 2
    column = cells([None, *vectors])
    array = ArrayEncoder(LinearDiscriminantAnalysis()).fit(column, [0, *y]).transform(column)[1:]
    expected = LinearDiscriminantAnalysis().fit(vectors, y).transform(vectors)
    np.testing.assert_allclose(array, expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("transformer", "kind", "names"),
    [
        (StandardScaler(), np.ndarray, ("a", "b")),
        (StandardScaler().set_output(transform="pandas"), np.ndarray, ("a", "b")),
        (FunctionTransformer(sparse.csc_matrix), sparse.csr_matrix, ()),
        (FunctionTransformer(), np.ndarray, ()),
    ],
)
def test_output_of_any_form_is_an_array_or_csr(transformer, kind, names):
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [5.0, 9.0]})
    encoder = ArrayEncoder(transformer).fit(frame)
    array = encoder.transform(frame)
    assert isinstance(array, kind)
    assert array.dtype == np.float32
    assert encoder.spec_.feature_names == names
    assert encoder.spec_.sparse == sparse.issparse(array)


def test_names_of_a_wide_output_are_left_out():
    assert ArrayEncoder(HashingVectorizer(n_features=2000)).fit(NOTES).spec_.feature_names == ()


def test_transformer_may_take_nan_but_not_return_it():
    X = np.array([[1.0, np.nan], [3.0, 4.0]])
    assert ArrayEncoder(SimpleImputer()).fit_transform(X).tolist() == [[1, 4], [3, 4]]
    with pytest.raises(
        ValueError, match="output of StandardScaler contains NaN in row 0, column 1"
    ):
        ArrayEncoder(StandardScaler()).fit(X)
    with pytest.raises(
        ValueError, match="output of StandardScaler contains NaN in row 2, column 0"
    ):
        ArrayEncoder(StandardScaler()).fit(cells([None, [1, 2]])).transform(
            cells([[1, 2], None, [np.nan, 2]])
        )


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda X: [1] * len(X),
            r"2 dimensions or more. FunctionTransformer returned shape \(1,\)",
        ),
        (lambda X: [[1]] * 7, r"FunctionTransformer returned shape \(7, 1\) for 1 rows"),
        (lambda X: [["a"]] * len(X), "output of FunctionTransformer must hold numbers that fit"),
        (lambda X: np.array([[{}]], dtype=object), "must hold numbers that fit into float32"),
    ],
)
def test_output_that_is_no_array_of_rows_is_an_error(function, message):
    with pytest.raises(ValueError, match=message):
        ArrayEncoder(FunctionTransformer(function)).fit(["some text"])


def test_errors_of_the_transformer_pass_with_a_note():
    with pytest.raises(ValueError, match="^empty vocabulary") as caught:
        ArrayEncoder(TfidfVectorizer()).fit([None, ""])
    note = "Raised by {} of {}, the transformer of an ArrayEncoder."
    assert caught.value.__notes__ == [note.format("fit", "TfidfVectorizer")]
    encoder = ArrayEncoder(OneHotEncoder()).fit(pd.DataFrame({"c": ["a", "b"]}))
    with pytest.raises(ValueError, match="unknown categories") as caught:
        encoder.transform(pd.DataFrame({"c": ["z"]}))
    assert caught.value.__notes__ == [note.format("transform", "OneHotEncoder")]


@pytest.mark.parametrize("params", [{"transformer": "tfidf"}, {"dtype": "int32"}, {"dtype": 32}])
def test_wrong_parameters_are_named(params):
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of ArrayEncoder"):
        ArrayEncoder(**params).fit([[1]])


def test_users_transformer_stays_unfitted_and_its_parameters_can_be_set():
    transformer = TfidfVectorizer()
    encoder = ArrayEncoder(transformer).set_params(transformer__max_features=2, dtype="float64")
    encoder.fit(NOTES)
    assert not hasattr(transformer, "vocabulary_")
    assert encoder.spec_.shape == (2,)
    assert encoder.transform(NOTES).dtype == np.float64
    assert clone(encoder).get_params()["transformer__max_features"] == 2


@pytest.mark.parametrize("X", [NOTES, pd.DataFrame({"note": NOTES})], ids=["list", "frame"])
def test_pickled_encoder_encodes_the_same(X):
    pipeline = make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0))
    encoder = ArrayEncoder(pipeline).fit(X)
    array = encoder.transform(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(encoder)).transform(X), array)
    np.testing.assert_array_equal(clone(encoder).fit_transform(X), array)


def test_fitting_again_starts_afresh():
    encoder = ArrayEncoder().fit(pd.DataFrame({"a": [1, 2]}))
    encoder.fit(cells(CELLS))
    assert encoder.spec_.feature_names == ()
    assert encoder.transform(CELLS).tolist() == STACKED
    encoder.set_params(transformer=TfidfVectorizer()).fit(NOTES)
    assert encoder.set_params(transformer=None).fit(np.eye(3)).transformer_ is None
    np.testing.assert_array_equal(encoder.transform(np.eye(3)), np.eye(3))


def test_input_is_left_as_it_was():
    column = cells(CELLS)
    before = list(column)
    array = ArrayEncoder().fit_transform(column)
    array[:] = -1
    assert all(now is then for now, then in zip(column, before, strict=True))
    assert column[2].tolist() == [3, 4]
    notes = pd.Series(NOTES)
    ArrayEncoder(TfidfVectorizer()).fit_transform(notes)
    assert notes.isna().tolist() == [False, True, False, True, False]


def test_set_output_is_not_offered():
    assert not hasattr(ArrayEncoder(), "set_output")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.Series([1, [2]], dtype=object), r"Column 'a' must hold numbers.*Row 1 is \[2\]"),
        (pd.Series([1, dt.date(2024, 1, 1)], dtype="category"), "Row 1 is datetime.date"),
        (pd.Series([1, 1j], dtype=object), "Row 1 is 1j"),
        (pd.Series([1, np.timedelta64(3, "D")], dtype=object), "Row 1 is (np|numpy).timedelta64"),
        (pd.Series([1, 10**400], dtype=object), "too large for float64: row 1 of column 'a'"),
        (pd.Series([None, None], dtype="period[M]"), "NaN in row 0, column 'a'"),
    ],
)
def test_each_cell_of_a_table_must_be_a_number(column, message):
    frame = pd.DataFrame({"a": column, "b": 1.0})
    with pytest.raises(ValueError, match=message):
        ArrayEncoder().fit(frame)


def test_numbers_too_large_for_float64_are_no_vector():
    with pytest.raises(ValueError, match="Row 1 must be a vector of numbers"):
        ArrayEncoder().fit([[1, 2], [10**400, 2]])


def test_numbers_where_vectors_were_fitted_are_an_error_alone():
    encoder = ArrayEncoder().fit(pd.Series([[1.0, 2.0], None], name="a"))
    with pytest.raises(ValueError, match="1 features, but ArrayEncoder is expecting 2"):
        encoder.transform(pd.Series([1, 2], name="a"))
