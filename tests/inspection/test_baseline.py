import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.class_weight import compute_sample_weight

from skmerge import ColumnRouter, InputSpec, MultiInput
from skmerge.inspection._baseline import LinearClassifierOnInputs, LinearRegressorOnInputs
from skmerge.inspection._linear_features import (
    LinearFeatures,
    count_ids,
    step_statistics,
    thumbnails,
)

RNG = np.random.default_rng(0)
N_ROWS = 40


def routed(**inputs):
    """Routed rows of (array, spec fields) by input."""
    arrays = {name: array for name, (array, _) in inputs.items()}
    specs = {
        name: InputSpec(
            name, "array", shape=tuple(array.shape[1:]), dtype=str(array.dtype), **fields
        )
        for name, (array, fields) in inputs.items()
    }
    return MultiInput(arrays, specs)


def standardised(array):
    return (array - array.mean(axis=0)) / array.std(axis=0)


def columns_of(rows):
    columns = LinearFeatures(rows.specs).fit_transform(rows)
    return columns.toarray() if sparse.issparse(columns) else columns


# --- what each array becomes ------------------------------------------------------------------


def test_ids_are_counted_without_padding():
    counts = count_ids(np.array([[2, 3, 2, 0], [0, 0, 0, 0], [1, 4, 0, 0]]), vocabulary_size=5)
    assert counts.toarray().tolist() == [[0, 0, 2, 1, 0], [0, 0, 0, 0, 0], [0, 1, 0, 0, 1]]


def test_ids_become_tf_idf():
    ids = RNG.integers(0, 6, (N_ROWS, 5)).astype("int32")
    counts = np.stack([np.bincount(row, minlength=6) for row in ids])
    counts[:, 0] = 0
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(counts).toarray()
    found = columns_of(routed(note=(ids, {"vocabulary_size": 6})))
    np.testing.assert_allclose(found, expected)


def test_numbers_are_standardised_and_codes_one_hot():
    codes = RNG.integers(0, 3, N_ROWS)
    table = np.column_stack([RNG.normal(5, 2, N_ROWS), codes]).astype("float32")
    rows = routed(table=(table, {"code_columns": (1,), "cardinalities": (3,)}))
    expected = np.column_stack([standardised(table[:, 0].astype(float)), np.eye(3)[codes]])
    np.testing.assert_allclose(columns_of(rows), expected, atol=1e-5)


def test_pictures_are_averaged_over_areas_and_scaled():
    pictures = RNG.integers(0, 256, (3, 48, 10, 2)).astype("uint8")
    small = thumbnails(pictures).reshape(3, 24, 10, 2)
    expected = pictures.reshape(3, 24, 2, 10, 2).mean(axis=2) / 255
    np.testing.assert_allclose(small, expected, rtol=1e-5)
    uneven = thumbnails(np.ones((2, 31, 25, 1), np.float32) * 7)
    assert uneven.shape == (2, 24 * 24)
    np.testing.assert_allclose(uneven, 7)


def test_pictures_become_principal_components():
    pictures = RNG.integers(0, 256, (N_ROWS, 5, 6, 1)).astype("uint8")
    found = columns_of(routed(photo=(pictures, {})))
    flat = pictures.reshape(N_ROWS, 30) / 255
    expected = PCA(30, svd_solver="full").fit_transform(flat)
    assert found.shape == (N_ROWS, 30)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)


def test_lazy_arrays_of_pictures_are_read_in_chunks():
    class Lazy:
        shape, dtype, largest = (1300, 2, 2, 1), np.dtype("uint8"), 0

        def __getitem__(self, rows):
            positions = np.arange(1300)[rows]
            Lazy.largest = max(Lazy.largest, len(positions))
            return np.broadcast_to(positions[:, None, None, None] % 256, (len(positions), 2, 2, 1))

    found = thumbnails(Lazy())
    np.testing.assert_allclose(found[:, 0], np.arange(1300) % 256 / 255, rtol=1e-6)
    assert Lazy.largest <= 512


def test_sequences_become_mean_and_spread_of_their_steps():
    values = RNG.normal(size=(3, 4, 2))
    steps = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], float)
    array = np.concatenate([values * steps[:, :, None], steps[:, :, None]], axis=2)
    found = step_statistics(array)
    for row, n_steps in enumerate([4, 2]):
        real = values[row, :n_steps]
        expected = [*real.mean(axis=0), *real.std(axis=0), n_steps]
        np.testing.assert_allclose(found[row], expected)
    np.testing.assert_array_equal(found[2], 0)
    rows = routed(track=(np.repeat(array, 5, axis=0), {"step_mask": True}))
    assert columns_of(rows).shape == (15, 5)


def test_other_arrays_are_laid_flat_and_standardised_and_wide_ones_reduced():
    array = RNG.normal(3, 2, (N_ROWS, 2, 3))
    expected = standardised(array.reshape(N_ROWS, 6))
    np.testing.assert_allclose(columns_of(routed(signal=(array, {}))), expected)
    wide = RNG.normal(size=(N_ROWS, 2001))
    assert columns_of(routed(vector=(wide, {}))).shape == (N_ROWS, N_ROWS)


def test_sparse_matrices_stay_as_they_are():
    matrix = sparse.random(N_ROWS, 7, density=0.3, format="csr", random_state=0)
    rows = routed(tfidf=(matrix, {"sparse": True}), age=(np.arange(N_ROWS)[:, None] * 1.0, {}))
    features = LinearFeatures(rows.specs)
    found = features.fit_transform(rows)
    assert sparse.issparse(found)
    np.testing.assert_array_equal(found[:, :7].toarray(), matrix.toarray())


def test_absence_is_a_column():
    present = RNG.random(N_ROWS) < 0.5
    vectors = RNG.normal(size=(N_ROWS, 2)) * present[:, None]
    rows = MultiInput({"vector": vectors}, masks={"vector": present})
    np.testing.assert_array_equal(columns_of(rows)[:, -1], present)
    unmasked = MultiInput({"vector": vectors}, rows.specs)
    np.testing.assert_array_equal(columns_of(unmasked)[:, -1], 1)


def test_new_rows_are_scaled_by_the_training_rows(frame):
    router = ColumnRouter().fit(frame[:40])
    features = LinearFeatures(router.specs_)
    with config_context(transform_output="pandas"):
        trained = features.fit_transform(router.transform(frame[:40]))
        found = features.transform(router.transform(frame))
    assert found.shape == (60, trained.shape[1])
    np.testing.assert_allclose(found[:40].toarray(), trained.toarray(), atol=1e-5)


# --- the models -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def numbers():
    array = RNG.normal(size=(120, 3))
    return MultiInput({"a": array[:, :2], "b": array[:, 2:]}), standardised(array)


def test_classifier_is_logistic_regression_on_the_columns(numbers):
    rows, columns = numbers
    y = np.where(columns[:, 0] + columns[:, 2] > 0.8, "yes", "no")
    weights = np.where(y == "yes", 1.0, 2.0)
    model = LinearClassifierOnInputs("balanced").fit(rows, y, weights)
    expected = LogisticRegression(max_iter=300).fit(
        columns, y, weights * compute_sample_weight("balanced", y)
    )
    np.testing.assert_allclose(
        model.predict_proba(rows), expected.predict_proba(columns), atol=1e-6
    )
    np.testing.assert_array_equal(model.predict(rows), expected.predict(columns))
    assert list(model.classes_) == ["no", "yes"]
    assert model.n_parameters_ == 4


def test_classifier_of_several_labels_has_a_model_for_each(numbers):
    rows, columns = numbers
    labels = np.stack([columns[:, 0] > 0, columns[:, 2] > 1, np.ones(120)], axis=1).astype(int)
    model = LinearClassifierOnInputs().fit(rows, labels)
    probabilities = model.predict_proba(rows)
    expected = LogisticRegression(max_iter=300).fit(columns, labels[:, 1])
    np.testing.assert_allclose(
        probabilities[:, 1], expected.predict_proba(columns)[:, 1], atol=1e-6
    )
    np.testing.assert_array_equal(probabilities[:, 2], 1)
    np.testing.assert_array_equal(model.predict(rows), probabilities > 0.5)
    assert model.n_parameters_ == 4 + 4 + 1


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regressor_is_ridge_with_the_best_of_four_penalties(numbers, n_targets):
    rows, columns = numbers
    noise = RNG.normal(0, 0.1, (120, n_targets))
    y = 10 + columns @ RNG.normal(size=(3, n_targets)) + noise
    y = y[:, 0] if n_targets == 1 else y
    model = LinearRegressorOnInputs().fit(rows, y)
    assert model.penalty_ == 1, "little noise needs little of it"
    expected = Ridge(alpha=1).fit(columns, y).predict(columns)
    np.testing.assert_allclose(model.predict(rows), expected, atol=1e-6)
    assert model.predict(rows).shape == y.shape
    assert model.n_parameters_ == 4 * n_targets


def test_regressor_takes_a_larger_penalty_where_there_is_only_noise(numbers):
    wide = MultiInput({"noise": RNG.normal(size=(60, 80))})
    assert LinearRegressorOnInputs().fit(wide, RNG.normal(size=60)).penalty_ == 1000
    few = MultiInput({"noise": RNG.normal(size=(8, 2))})
    assert LinearRegressorOnInputs().fit(few, np.arange(8.0)).penalty_ == 1


def test_rows_of_weight_nothing_do_not_count(numbers):
    rows, columns = numbers
    y = columns[:, 0].copy()
    weights = np.ones(120)
    weights[60:] = 0
    y[60:] = 1e6
    model = LinearRegressorOnInputs().fit(rows, y, weights)
    assert np.abs(model.predict(rows)[:60] - y[:60]).max() < 0.5
