import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from PIL import Image
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skmerge import ColumnRouter, ImageEncoder, MultiInput, TabularEncoder, TextEncoder
from skmerge.encoders import ArrayEncoder


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    n_rows = 30
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n_rows),
            "income": np.where(rng.random(n_rows) < 0.2, np.nan, rng.normal(50, 9, n_rows)),
            "city": rng.choice(["Paris", "Rome", "Oslo"], n_rows),
            "since": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 900, n_rows), "D"),
            "note": [f"word{i} and word{i % 7} again" for i in range(n_rows)],
            "photo": [rng.integers(0, 256, (6, 5, 3), dtype=np.uint8) for _ in range(n_rows)],
            "tags": [["a", "b"][: i % 3] for i in range(n_rows)],
            "vector": [rng.normal(size=4) for _ in range(n_rows)],
        }
    )


@parametrize_with_checks([ColumnRouter()])
def test_scikit_learn_compatible(estimator, check):
    check(estimator)


def test_every_kind_of_column_is_inferred(mixed):
    X = ColumnRouter().fit_transform(mixed)
    assert {name: spec.kind for name, spec in X.specs.items()} == {
        "tabular": "tabular",
        "note": "text",
        "photo": "image",
        "tags": "tags",
        "vector": "array",
    }
    assert len(X) == len(mixed)


def test_what_was_decided_is_readable(mixed):
    router = ColumnRouter().fit(mixed.assign(unused=1)[["unused", *mixed.columns]])
    assert router.inputs_["tabular"].columns == ["unused", "age", "income", "city", "since"]
    assert router.inputs_["photo"].kind == "image"
    assert "photo    image <- photo -> (6, 5, 3) uint8" in repr(router)
    assert repr(ColumnRouter()) == "ColumnRouter()"


def test_named_inputs_override_the_inferred_ones(mixed):
    router = ColumnRouter({"note": TextEncoder(max_length=2), "city": "tags", "tags": "drop"})
    X = router.fit_transform(mixed)
    assert X.specs["note"].shape == (2,)
    assert X.specs["city"].kind == "tags"
    assert router.dropped_ == ["tags"]
    assert router.inputs_["tabular"].columns == ["age", "income", "since"]
    assert list(X) == ["note", "city", "tabular", "photo", "vector"]


def test_inputs_may_be_named_after_something_else_than_their_column(mixed):
    inputs = {"front": ("image", "photo"), "table": ("tabular", ["age", "income"])}
    X = ColumnRouter(inputs, remainder="drop").fit_transform(mixed)
    assert list(X) == ["front", "table"]
    assert X["front"].shape == (30, 6, 5, 3)


def test_columns_alone_take_the_kind_of_the_name_or_of_what_they_hold(mixed):
    inputs = {"tabular": ["age", "city"], "remark": "note", "numbers": ["income", "age"]}
    X = ColumnRouter(inputs, remainder="drop").fit_transform(mixed)
    assert [spec.kind for spec in X.specs.values()] == ["tabular", "text", "tabular"]


def test_one_column_may_feed_several_inputs(mixed):
    inputs = {"words": ("text", "note"), "few_words": (TextEncoder(max_tokens=5), "note")}
    X = ColumnRouter(inputs, remainder="drop").fit_transform(mixed)
    assert X.specs["words"].vocabulary_size > X.specs["few_words"].vocabulary_size == 5


@pytest.mark.parametrize(
    "columns",
    [
        ["age", "income"],
        make_column_selector(dtype_include="number"),
        slice("age", "income"),
        [True, True, *[False] * 6],
        lambda frame: ["age", "income"],
    ],
)
def test_column_selectors(mixed, columns):
    router = ColumnRouter({"numbers": ("tabular", columns)}, remainder="drop").fit(mixed)
    assert router.inputs_["numbers"].columns == ["age", "income"]


def test_remainder_passthrough_is_one_input_of_numbers(mixed):
    numbers = mixed[["note", "age", "vector"]].assign(income=1.5)[["note", "age", "income"]]
    X = ColumnRouter({"note": "text"}, remainder="passthrough").fit_transform(numbers)
    np.testing.assert_array_equal(X["remainder"], numbers[["age", "income"]].to_numpy(np.float32))


def test_remainder_may_be_an_encoder(mixed):
    router = ColumnRouter({"note": "text"}, remainder=TabularEncoder(missing_flags=False))
    router.fit(mixed[["note", "age", "income"]])
    assert router.inputs_["remainder"].columns == ["age", "income"]
    texts = mixed.assign(other=mixed["note"])[["age", "note", "other"]]
    X = ColumnRouter({"age": "tabular"}, remainder="text").fit_transform(texts)
    assert list(X) == ["age", "note", "other"]


def test_rest_of_the_table_gets_a_free_name(mixed):
    X = ColumnRouter({"tabular": ["age"]}).fit_transform(mixed[["age", "income"]])
    assert list(X) == ["tabular", "remainder"]
    frame = mixed[["age", "note"]].rename(columns={"note": "tabular"})
    assert list(ColumnRouter().fit_transform(frame)) == ["remainder", "tabular"]


def test_iso_dates_of_a_CSV_file_are_dates():
    frame = pd.DataFrame({"day": ["2024-01-31", "2024-02-29", None, "2023-07-01"]})
    router = ColumnRouter().fit(frame)
    assert any("year" in name for name in router.specs_["tabular"].feature_names)


def test_columns_are_found_by_name(mixed):
    router = ColumnRouter().fit(mixed)
    expected = router.transform(mixed)
    shuffled = mixed[mixed.columns[::-1]].assign(extra="x")
    actual = router.transform(shuffled)
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name])


def test_one_row_is_routed_as_among_many(mixed):
    router = ColumnRouter().fit(mixed)
    expected = router.transform(mixed)
    for row in range(0, len(mixed), 7):
        actual = router.transform(mixed.iloc[[row]])
        for name in expected:
            np.testing.assert_array_equal(actual[name], expected[name][[row]])
        for name, mask in expected.masks.items():
            np.testing.assert_array_equal(actual.masks[name], mask[[row]])


def test_error_for_no_rows_counts_the_columns_of_the_input(mixed):
    router = ColumnRouter().fit(mixed[["age", "income", "note"]])
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, 2\)\)"):
        router.transform(mixed.iloc[:0])


def test_a_missing_column_is_named_with_its_input(mixed):
    router = ColumnRouter().fit(mixed)
    message = r"Column 'photo' of input 'image' is missing from X. X has columns \['age'"
    renamed = ColumnRouter({"image": "photo"}).fit(mixed)
    with pytest.raises(ValueError, match=message):
        renamed.transform(mixed.drop(columns="photo"))
    with pytest.raises(ValueError, match=r"Columns \['age', 'city'\] of input 'tabular' are"):
        router.transform(mixed.drop(columns=["age", "city"]))


class TestMissingInputs:
    def test_an_input_without_any_column_is_absent_from_all_rows(self, mixed):
        router = ColumnRouter(missing_inputs="absent").fit(mixed)
        assert all(spec.optional for spec in router.specs_.values())
        X = router.transform(mixed.drop(columns=["photo", "note"]))
        whole = router.transform(mixed)
        for name in ("photo", "note"):
            assert not X.masks[name].any()
            assert X[name].shape == whole[name].shape
            assert X[name].dtype == whole[name].dtype
            assert not X[name].any()
        np.testing.assert_array_equal(X["tabular"], whole["tabular"])

    def test_a_sparse_input_stays_sparse(self, mixed):
        router = ColumnRouter(
            {"note": ArrayEncoder(TfidfVectorizer())}, missing_inputs="absent"
        ).fit(mixed)
        X = router.transform(mixed.drop(columns="note"))
        assert X["note"].shape == (len(mixed), router.specs_["note"].shape[0])
        assert X["note"].nnz == 0

    def test_part_of_an_input_is_still_an_error(self, mixed):
        router = ColumnRouter(missing_inputs="absent").fit(mixed)
        with pytest.raises(ValueError, match="Column 'age' of input 'tabular' is missing"):
            router.transform(mixed.drop(columns="age"))

    def test_so_is_a_frame_without_any_of_them(self, mixed):
        router = ColumnRouter(missing_inputs="absent").fit(mixed)
        with pytest.raises(ValueError, match=r"at least one input\. Got \['other'\]"):
            router.transform(pd.DataFrame({"other": [1, 2]}))

    def test_entries_of_a_dict_may_be_missing(self):
        entries = {"left": np.ones((3, 2)), "right": np.ones((3, 1))}
        router = ColumnRouter(missing_inputs="absent").fit(entries)
        X = router.transform({"right": np.ones((5, 1))})
        assert X["left"].shape == (5, 2)
        assert not X.masks["left"].any()

    def test_the_word_is_checked(self, mixed):
        with pytest.raises(ValueError, match="'missing_inputs' parameter of ColumnRouter"):
            ColumnRouter(missing_inputs="ignore").fit(mixed)


def test_an_error_of_an_encoder_names_its_input(mixed):
    router = ColumnRouter().fit(mixed)
    with pytest.raises(ValueError, match="age") as caught:
        router.transform(mixed.assign(age="old"))
    assert "input 'tabular'" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            {"note": "txt"},
            r"Input 'note' must be read by one of .*Got 'txt'. Did you mean 'text'\?",
        ),
        ({"note": ("txt", "note")}, r"Got 'txt'. Did you mean 'text'\?"),
        ({"nte": "text"}, r"no column 'nte' in X.*Did you mean 'note'\?"),
        ({"note": ("text", "note", 1)}, r"must be a pair"),
        ("automatic", r"'inputs' parameter must be 'auto' or a dict. Got 'automatic'"),
        ({"photo": ("text", "note")}, r"Columns \['photo'\] would become inputs of those names"),
    ],
)
def test_a_wrong_input_is_named_with_what_is_valid(mixed, inputs, message):
    with pytest.raises(ValueError, match=message):
        ColumnRouter(inputs).fit(mixed)


def test_a_wrong_remainder_is_named_with_what_is_valid(mixed):
    with pytest.raises(
        ValueError, match=r"'remainder' parameter .*Got 'dorp'. Did you mean 'drop'"
    ):
        ColumnRouter(remainder="dorp").fit(mixed)


def test_dropping_every_column_raises(mixed):
    with pytest.raises(ValueError, match="every column of .* is dropped"):
        ColumnRouter({"age": "drop"}).fit(mixed[["age"]])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": []}), r"0 sample\(s\) .* while a minimum of 1"),
        (pd.DataFrame(index=[0, 1]), r"0 feature\(s\) .* while a minimum of 1"),
    ],
)
def test_an_empty_frame_raises(frame, message):
    with pytest.raises(ValueError, match=message):
        ColumnRouter().fit(frame)


def test_a_failing_fit_leaves_the_router_as_it_was(mixed):
    router = ColumnRouter().fit(mixed)
    before = router.transform(mixed)
    with pytest.raises(ValueError, match="meta"):
        router.fit(mixed.assign(meta=[{"a": 1}] * len(mixed)))
    assert list(router.transform(mixed)) == list(before)
    assert router.n_features_in_ == mixed.shape[1]


def test_unfitted_router_raises(mixed):
    with pytest.raises(NotFittedError):
        ColumnRouter().transform(mixed)


def test_feature_names_in_and_out(mixed):
    router = ColumnRouter().fit(mixed)
    assert list(router.feature_names_in_) == list(mixed.columns)
    assert router.n_features_in_ == mixed.shape[1]
    assert list(router.get_feature_names_out()) == list(router.inputs_)
    assert not hasattr(ColumnRouter().fit(pd.DataFrame({0: [1, 2]})), "feature_names_in_")


@pytest.mark.parametrize("output", ["pandas", "default"])
def test_set_output_leaves_MultiInput_alone(mixed, output):
    router = ColumnRouter().set_output(transform=output)
    assert isinstance(router.fit_transform(mixed), MultiInput)
    with sklearn.config_context(transform_output=output):
        assert isinstance(ColumnRouter().fit(mixed).transform(mixed), MultiInput)


def test_nested_parameters_reach_strings_and_objects_alike():
    router = ColumnRouter({"note": "text", "photo": ImageEncoder(), "t": ("tabular", ["a"])})
    router.set_params(inputs__note__max_length=5, inputs__photo__size=8, inputs__t__clip=None)
    assert router.inputs["note"].max_length == 5
    assert router.inputs["photo"].size == 8
    assert router.inputs["t"][0].clip is None
    assert router.inputs["t"][1] == ["a"]
    assert clone(router).get_params()["inputs__note__max_length"] == 5
    with pytest.raises(ValueError, match="'inputs' of ColumnRouter has no entry 'nte'.*'note'"):
        router.set_params(inputs__nte__max_length=5)


def test_a_matrix_is_one_tabular_input():
    X = ColumnRouter().fit_transform(np.arange(12.0).reshape(4, 3))
    assert X.specs["tabular"].shape == (3,)


def test_columns_of_a_matrix_may_be_named_by_position():
    matrix = np.arange(12.0).reshape(4, 3)
    router = ColumnRouter({"left": ("tabular", [0, 1])}, remainder="drop").fit(matrix)
    assert router.transform(matrix)["left"].shape == (4, 2)


def test_a_sparse_matrix_stays_sparse():
    X = ColumnRouter().fit_transform(csr_matrix(np.eye(4)))
    assert X.specs["sparse"].sparse
    assert X["sparse"].format == "csr"


def test_entries_of_a_dict_are_inputs_of_their_own():
    entries = {"photo": np.zeros((4, 6, 6, 3), np.uint8), "word": ["cat", "dog"] * 2, "x": [1] * 4}
    router = ColumnRouter().fit(entries)
    assert [spec.kind for spec in router.specs_.values()] == ["image", "tags", "tabular"]
    assert len(router.transform(entries)) == 4
    with pytest.raises(ValueError, match="was fitted on a dict or list of inputs"):
        router.transform(pd.DataFrame({"x": [1]}))


def test_a_sklearn_transformer_reads_a_column(mixed):
    inputs = {"vector": ArrayEncoder(PCA(2)), "note": "drop"}
    X = ColumnRouter(inputs).fit_transform(mixed)
    assert X.specs["vector"].shape == (2,)


def test_routed_rows_are_split_together(mixed):
    X = ColumnRouter().fit_transform(mixed)
    train, test = train_test_split(X, test_size=10, random_state=0)
    assert (len(train), len(test)) == (20, 10)


def test_pickled_router_gives_the_same_rows(mixed):
    router = ColumnRouter().fit(mixed)
    copy = pickle.loads(pickle.dumps(router))
    for name, array in router.transform(mixed).items():
        np.testing.assert_array_equal(copy.transform(mixed)[name], array)


def test_missing_cells_of_every_kind_are_no_error(mixed):
    router = ColumnRouter().fit(mixed)
    missing = pd.DataFrame({name: [None, None] for name in mixed.columns})
    X = router.transform(missing)
    for name in ("note", "photo", "tags", "vector"):
        assert not X.masks[name].any()


def test_pictures_may_change_their_form_between_fit_and_transform(mixed, tmp_path):
    router = ColumnRouter().fit(mixed[["photo", "age"]])
    path = tmp_path / "first.png"
    Image.fromarray(mixed["photo"][0]).save(path)
    X = router.transform(pd.DataFrame({"photo": [str(path)], "age": [3]}))
    np.testing.assert_array_equal(X["photo"][0], mixed["photo"][0])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_html_repr_shows_the_inputs(mixed):
    pipeline = make_pipeline(ColumnRouter())
    assert "ColumnRouter" in pipeline.fit(mixed)._repr_html_()


def test_router_works_under_cross_validation(mixed):
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Constant(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            assert isinstance(X, MultiInput)
            self.classes_ = np.unique(y)
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[0])

    y = np.arange(len(mixed)) % 2
    scores = cross_val_score(make_pipeline(ColumnRouter(), Constant()), mixed, y, cv=3)
    assert scores.shape == (3,)


class TestNamesOfOneText:
    TEXTS = ["a b c", "d e f", "g h i"]

    def test_columns_of_one_text_raise(self):
        frame = pd.DataFrame({1: self.TEXTS, "1": self.TEXTS, "age": [1, 2, 3]})
        for router in (ColumnRouter(), ColumnRouter({"age": "tabular"}, remainder="tags")):
            with pytest.raises(ValueError, match="Columns that are inputs.*Got 1 and '1'"):
                router.fit(frame)

    def test_inputs_of_one_text_raise(self):
        frame = pd.DataFrame({1: self.TEXTS, "1": self.TEXTS})
        with pytest.raises(ValueError, match="Names of inputs.*Got 1 and '1'"):
            ColumnRouter({1: "text", "1": "text"}).fit(frame)

    def test_entries_of_one_text_raise(self):
        with pytest.raises(ValueError, match="Names of the inputs in X.*Got 1 and '1'"):
            ColumnRouter().fit({1: np.zeros((2, 3)), "1": np.zeros((2, 4))})
