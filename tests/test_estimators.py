import pickle
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from skmerge import (
    ColumnRouter,
    ConvBranch,
    DenseBranch,
    EmbeddingBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    TextEncoder,
)

QUICK = {"epochs": 2, "head": (8,), "random_state": 0}
COLUMNS = ["age", "city", "note", "photo"]


@pytest.fixture(scope="module")
def table(shared_frame):
    frame = shared_frame
    y = np.where(frame["visits"] > frame["visits"].median(), "many", "few")
    return frame[COLUMNS], y


@pytest.fixture(scope="module")
def fitted(table):
    return MergedNetClassifier(**QUICK).fit(*table)


@pytest.fixture(scope="module")
def numbers():
    return make_classification(80, 6, n_informative=4, random_state=0)


# --- what fit, predict and the attributes give ------------------------------------------------


def test_a_frame_of_all_kinds_is_fitted_without_preparation(frame):
    y = np.where(frame["member"], "yes", "no")
    classifier = MergedNetClassifier(**QUICK).fit(frame.drop(columns="member"), y)
    kinds = {spec.kind for spec in classifier.specs_.values()}
    assert kinds == {"tabular", "text", "tags", "image"}
    assert set(classifier.predict(frame)) <= {"yes", "no"}


def test_probabilities_are_of_the_classes_and_sum_to_one(table, fitted):
    probabilities = fitted.predict_proba(table[0])
    assert probabilities.shape == (60, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    chosen = fitted.classes_[probabilities.argmax(axis=1)]
    np.testing.assert_array_equal(chosen, fitted.predict(table[0]))


def test_attributes_of_training(fitted):
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 2
    assert fitted.history_["loss"] == fitted.loss_curve_
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    assert fitted.validation_scores_ is None
    assert list(fitted.classes_) == ["few", "many"]
    assert list(fitted.feature_names_in_) == COLUMNS
    assert fitted.n_features_in_ == 4
    assert isinstance(fitted.model_, keras.Model)
    assert fitted.model_.get_layer("photo") is not None


def test_training_learns_what_there_is_to_learn():
    X, y = make_classification(300, 8, n_informative=5, random_state=1)
    assert MergedNetClassifier(epochs=30, random_state=0).fit(X, y).score(X, y) > 0.9
    X, y = make_regression(300, 8, n_informative=5, random_state=1)
    y = 1e4 + 100 * y
    assert MergedNetRegressor(epochs=60, random_state=0).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("n_targets", [1, 2])
def test_regression_targets_keep_their_shape_and_scale(n_targets):
    X, y = make_regression(80, 4, n_targets=n_targets, random_state=0)
    predicted = MergedNetRegressor(**QUICK).fit(X, 1e6 + y).predict(X)
    assert predicted.shape == y.shape
    assert np.abs(predicted - 1e6).max() < 10 * np.abs(y).max()


def test_several_labels_per_row(numbers):
    X, y = numbers
    labels = np.stack([y, 1 - y, X[:, 0] > 0], axis=1).astype(int)
    classifier = MergedNetClassifier(**QUICK).fit(X, labels)
    assert classifier.predict_proba(X).shape == (80, 3)
    assert set(np.unique(classifier.predict(X))) <= {0, 1}
    assert 0 <= classifier.score(X, labels) <= 1


@pytest.mark.parametrize("loss", ["categorical_crossentropy", keras.losses.CategoricalCrossentropy])
def test_categorical_losses_work_on_labels(numbers, loss):
    classifier = MergedNetClassifier(loss=loss, **QUICK).fit(*numbers)
    assert classifier.predict_proba(numbers[0]).shape == (80, 2)


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({}, 0.002),
        ({"optimizer": "Adam"}, 0.002),
        ({"optimizer": "sgd"}, 0.01),
        ({"optimizer": "adamw"}, 0.001),
        ({"optimizer": keras.optimizers.Adam}, 0.001),
        ({"optimizer": keras.optimizers.Adam(0.03)}, 0.03),
        ({"learning_rate": None}, 0.001),
        ({"learning_rate": 0.004}, 0.004),
        ({"optimizer": keras.optimizers.SGD(0.5), "learning_rate": 0.25}, 0.25),
    ],
    ids=lambda value: str(value) if isinstance(value, float) else "-".join(value) or "default",
)
def test_the_learning_rate_is_auto_only_for_adam_by_name(numbers, changes, rate):
    estimator = MergedNetClassifier(**(QUICK | {"epochs": 1} | changes)).fit(*numbers)
    assert float(estimator.model_.optimizer.learning_rate) == pytest.approx(rate)


@pytest.mark.parametrize("estimator", [MergedNetClassifier, MergedNetRegressor])
def test_further_losses_and_normalisation_are_parameters_like_others(estimator):
    by_default = estimator().get_params()
    assert by_default["normalize_features"] is True
    assert by_default["auxiliary"] == 0.3
    assert by_default["learning_rate"] == "auto"
    changed = estimator(normalize_features=False, auxiliary=0.25, learning_rate=None)
    for copy in (clone(changed), pickle.loads(pickle.dumps(changed))):
        kept = copy.get_params()
        assert kept["normalize_features"] is False
        assert kept["auxiliary"] == 0.25
        assert kept["learning_rate"] is None
    assert changed.set_params(auxiliary=2).auxiliary == 2


def test_a_loss_with_parameters_and_metrics_of_the_user(numbers):
    classifier = MergedNetClassifier(
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        **QUICK,
    ).fit(*numbers)
    assert {"loss", "accuracy", "auc"} == set(classifier.history_)


def test_poisson_loss_learns_counts_as_they_are():
    X = np.random.default_rng(0).normal(size=(100, 3))
    y = np.random.default_rng(1).poisson(np.exp(X[:, 0]))
    regressor = MergedNetRegressor(
        loss="poisson", standardize_target=False, output_activation="exponential", epochs=30
    )
    predicted = regressor.fit(X, y).predict(X)
    assert (predicted > 0).all()
    assert np.corrcoef(predicted, y)[0, 1] > 0.5


# --- the same again ---------------------------------------------------------------------------


def test_the_same_random_state_gives_the_same_probabilities_bit_for_bit(table, fitted):
    again = clone(fitted).fit(*table)
    np.testing.assert_array_equal(again.predict_proba(table[0]), fitted.predict_proba(table[0]))
    other = clone(fitted).set_params(random_state=1).fit(*table)
    assert not np.array_equal(other.predict_proba(table[0]), fitted.predict_proba(table[0]))


def test_global_random_states_are_neither_read_nor_changed(table, fitted):
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    keras.utils.set_random_seed(123)
    again = clone(fitted)
    np.random.seed(5)
    again.fit(*table)
    assert np.random.random() == expected
    np.testing.assert_array_equal(again.predict_proba(table[0]), fitted.predict_proba(table[0]))


def test_a_pickled_estimator_predicts_the_same_in_another_process(table, fitted, tmp_path):
    X, _ = table
    (tmp_path / "model.pickle").write_bytes(pickle.dumps((fitted, X)))
    program = (
        "import pickle, sys, numpy as np\n"
        "estimator, X = pickle.load(open(sys.argv[1], 'rb'))\n"
        "np.save(sys.argv[2], estimator.predict_proba(X))\n"
    )
    paths = [str(tmp_path / "model.pickle"), str(tmp_path / "probabilities.npy")]
    subprocess.run([sys.executable, "-c", program, *paths], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(paths[1]), fitted.predict_proba(X))


def test_rows_predicted_alone_are_as_among_others(table, fitted):
    X, _ = table
    all_rows = fitted.predict_proba(X)
    alone = np.concatenate([fitted.predict_proba(X[i : i + 1]) for i in range(5)])
    np.testing.assert_array_equal(alone, all_rows[:5])


# --- forms of X -------------------------------------------------------------------------------


def test_matrix_list_sparse_matrix_and_frame_are_taken(numbers):
    X, y = numbers
    for form in (X, X.tolist(), csr_matrix(X), pd.DataFrame(X), pd.DataFrame(X).add_prefix("x")):
        assert MergedNetClassifier(**QUICK).fit(form, y).predict(form).shape == (80,)


def test_inputs_of_a_list_are_named_by_branches_in_order(numbers):
    X, y = numbers
    words = ["cat" if label else "dog" for label in y]
    branches = {"numbers": DenseBranch((4,)), "word": EmbeddingBranch(4)}
    classifier = MergedNetClassifier(branches=branches, **QUICK).fit([X, words], y)
    assert list(classifier.specs_) == ["numbers", "word"]
    assert classifier.score([X, words], y) > 0
    np.testing.assert_array_equal(
        classifier.predict_proba([X, words]),
        classifier.predict_proba({"word": words, "numbers": X}),
    )


def test_inputs_of_a_list_have_numbers_where_branches_name_none(numbers):
    X, y = numbers
    classifier = MergedNetClassifier(**QUICK).fit([X[:, :2], X[:, 2:]], y)
    assert list(classifier.specs_) == ["input_1", "input_2"]


def test_pictures_alone_and_texts_alone_are_inputs():
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (40, 6, 6), dtype=np.uint8)
    y = np.arange(40) % 2
    classifier = MergedNetClassifier(**QUICK).fit(pictures, y)
    assert classifier.specs_["input_1"].kind == "image"
    texts = pd.Series([f"text number {i}" for i in range(40)], name="note")
    classifier = MergedNetClassifier(**QUICK).fit(texts, y)
    assert classifier.specs_["note"].kind == "text"
    assert classifier.predict(texts[:3]).shape == (3,)


def test_keras_models_get_their_arrays_as_they_are(numbers):
    X, y = numbers
    seen = {}

    @keras.saving.register_keras_serializable(package="tests")
    class Peek(keras.layers.Layer):
        def call(self, tensor):
            seen["shape"], seen["dtype"] = tensor.shape, tensor.dtype
            return tensor

    left = keras.Sequential([keras.Input((3,)), Peek(), keras.layers.Dense(4)])
    right = keras.Sequential([keras.layers.Dense(4)])
    classifier = MergedNetClassifier("sum", branches={"left": left, "right": right}, **QUICK)
    classifier.fit([X[:, :3], X[:, 3:]], y)
    assert (seen["shape"], seen["dtype"]) == ((None, 3), "float32")
    assert classifier.specs_["left"].kind == "array"
    assert left.layers[-1] is not classifier.model_.get_layer("left").layers[-1]


def test_routed_rows_are_taken_as_they_are(table):
    X = ColumnRouter().fit_transform(table[0])
    classifier = MergedNetClassifier(**QUICK).fit(X, table[1])
    assert classifier.router_ is None
    assert classifier.predict(X[:4]).shape == (4,)
    with pytest.raises(ValueError, match=r"Inputs \['photo'\] are missing from X"):
        classifier.predict(X.select(["tabular", "note"]))
    with pytest.raises(ValueError, match="was fitted on a MultiInput and must get one again"):
        classifier.predict(table[0])
    other = ColumnRouter({"note": TextEncoder(max_length=3)}).fit_transform(table[0])
    with pytest.raises(ValueError, match="Input 'note' must be as it was in fit"):
        classifier.predict(other)
    with pytest.raises(ValueError, match="Input 'note' must be as it was in fit"):
        classifier.fit(X, table[1], validation_data=(other, table[1]))
    reordered = X.select(["photo", "note", "tabular"])
    np.testing.assert_array_equal(classifier.predict_proba(reordered), classifier.predict_proba(X))
    assert classifier.partial_fit(reordered, table[1]).n_iter_ == 3


def test_router_of_the_user_is_cloned_and_used(table):
    router = ColumnRouter({"note": TextEncoder(max_length=4)})
    classifier = MergedNetClassifier(router=router, **QUICK).fit(*table)
    assert classifier.specs_["note"].shape == (4,)
    assert not hasattr(router, "inputs_")


# --- searching --------------------------------------------------------------------------------


def test_the_parameter_surface_is_searchable_by_strings_and_objects_alike(table):
    estimator = MergedNetClassifier(
        "sum",
        router=ColumnRouter({"note": "text"}),
        branches={"photo": "conv", "note": EmbeddingBranch()},
        **QUICK,
    )
    grid = {
        "merge": ["sum", "multiply"],
        "merge__units": [4],
        "branches__photo__filters": [(2,)],
        "branches__note__embedding_dim": [3],
        "head": [(4,)],
        "learning_rate": [0.01],
        "router__inputs__note__max_length": [5],
    }
    search = GridSearchCV(estimator, grid, cv=2, error_score="raise").fit(*table)
    best = search.best_estimator_
    assert best.specs_["note"].shape == (5,)
    assert best.branches["photo"].filters == (2,)
    assert best.merge.units == 4
    assert float(best.model_.optimizer.learning_rate) == pytest.approx(0.01)


def test_search_over_merges_in_a_pipeline(table):
    pipeline = make_pipeline(ColumnRouter(), MergedNetClassifier(**QUICK))
    grid = {"mergednetclassifier__merge": ["concat", "average", ["sum", "dot"]]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*table)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_search_leaves_the_callers_specs_as_they_were(table):
    branches = {"photo": ConvBranch(filters=(2,), units=(4,))}
    estimator = MergedNetClassifier(branches=branches, **QUICK)
    GridSearchCV(estimator, {"branches__photo__filters": [(3,)]}, cv=2).fit(*table)
    assert branches["photo"].filters == (2,)
    assert estimator.branches is branches


def test_cross_validation_stratifies_and_predicts_every_row(table):
    X, _ = table
    y = np.array(["rare"] * 6 + ["usual"] * 54)
    seen = []

    class Watching(MergedNetClassifier):
        def fit(self, X, y, **more):
            seen.append(np.mean(np.asarray(y) == "rare"))
            return super().fit(X, y, **more)

    scores = cross_val_score(Watching(epochs=1, head=None), X, y, cv=3)
    assert scores.shape == (3,)
    np.testing.assert_allclose(seen, 0.1)


def test_cross_val_predict_and_learning_curve(table):
    classifier = MergedNetClassifier(epochs=1, head=None, random_state=0)
    probabilities = cross_val_predict(classifier, *table, cv=2, method="predict_proba")
    assert probabilities.shape == (60, 2)
    _, train_scores, _ = learning_curve(classifier, *table, cv=2, train_sizes=[0.5, 1.0])
    assert train_scores.shape == (2, 2)


def test_a_test_fold_without_some_class_is_no_error(table):
    X, y = table
    classifier = MergedNetClassifier(**QUICK).fit(X, y)
    assert classifier.score(X[y == "few"], y[y == "few"]) >= 0


# --- training ---------------------------------------------------------------------------------


def test_early_stopping_holds_out_rows_and_records_their_scores(numbers):
    classifier = MergedNetClassifier(
        epochs=60, early_stopping=True, n_iter_no_change=2, learning_rate=0.05, random_state=0
    ).fit(*numbers)
    assert classifier.n_iter_ < 60
    assert len(classifier.validation_scores_) == classifier.n_iter_
    assert all(0 <= score <= 1 for score in classifier.validation_scores_)


def test_words_of_rows_held_out_are_known(table):
    X, y = table
    X = X.assign(note=[f"word{i} once{i}" for i in range(60)])
    router = ColumnRouter({"note": TextEncoder(min_frequency=1)})
    classifier = MergedNetClassifier(
        router=router, early_stopping=True, validation_fraction=0.25, **QUICK
    ).fit(X, y)
    assert len(classifier.router_.inputs_["note"].encoder.vocabulary_) == 2 * 60


def test_targets_of_rows_held_out_are_not_learnt_from():
    X, y = make_regression(80, 4, random_state=0)
    model = MergedNetRegressor(early_stopping=True, epochs=1, wide=False, random_state=0)
    seed = check_random_state(0).randint(np.iinfo(np.int32).max)
    _, held_out = model._split(y, np.ones(80), seed)
    others = y.copy()
    others[held_out] *= -1
    fitted = [clone(model).fit(X, targets).model_ for targets in (y, others)]
    weights = [
        [weight for layer in network.layers if layer.name != "blend" for weight in layer.weights]
        for network in fitted
    ]
    assert len(weights[0]) > 4
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


class TestClippedPredictions:
    """A line of 30 points, and rows on it far beyond them."""

    X = np.linspace(-1, 1, 30).reshape(-1, 1)
    FAR = np.array([[-30.0], [30.0]])

    def fitted(self, **params):
        model = MergedNetRegressor(epochs=30, learning_rate=0.05, random_state=0, **params)
        return model.fit(self.X, 2 * self.X[:, 0])

    def test_they_stay_within_the_range_of_the_targets(self):
        np.testing.assert_array_equal(self.fitted().predict(self.FAR), [-2, 2])
        free = self.fitted(clip_predictions=False).predict(self.FAR)
        assert free[0] < -2.1
        assert free[1] > 2.1

    def test_rows_that_weigh_nothing_do_not_widen_it(self):
        weights = np.append(np.ones(30), 0)
        X, y = np.append(self.X, [[9]], axis=0), np.append(2 * self.X[:, 0], 1e6)
        model = MergedNetRegressor(epochs=30, learning_rate=0.05, standardize_target=False)
        assert model.fit(X, y, sample_weight=weights).predict(self.FAR).max() <= 2

    def test_partial_fit_widens_it(self):
        model = self.fitted()
        model.partial_fit(3 * self.X, 6 * self.X[:, 0])
        far = model.predict(self.FAR)
        assert far[0] < -2
        assert far[1] > 2
        assert np.abs(far).max() <= 6

    def test_rows_held_out_count(self):
        X = np.linspace(-1, 1, 300).reshape(-1, 1)
        model = MergedNetRegressor(epochs=1, wide=False, random_state=0).fit(X, X[:, 0])
        least, greatest = model.targets_.range
        assert (least, greatest) == (-1, 1)

    def test_several_outputs_have_ranges_of_their_own(self):
        y = np.column_stack([2 * self.X[:, 0], -40 * self.X[:, 0]])
        model = MergedNetRegressor(epochs=30, learning_rate=0.05, random_state=0).fit(self.X, y)
        np.testing.assert_array_equal(model.predict(self.FAR), [[-2, 40], [2, -40]])

    def test_a_failed_fit_leaves_it(self):
        model = self.fitted()
        with pytest.raises(ValueError, match="y contains"):
            model.partial_fit(self.X, np.full(30, np.nan))
        np.testing.assert_array_equal(model.predict(self.FAR), [-2, 2])


def test_validation_data_is_watched(table):
    X, y = table
    classifier = MergedNetClassifier(**QUICK).fit(X[:40], y[:40], validation_data=(X[40:], y[40:]))
    assert {"val_loss", "val_accuracy"} <= set(classifier.history_)
    assert classifier.validation_scores_[-1] == pytest.approx(classifier.score(X[40:], y[40:]))


def test_r2_on_validation_rows_is_that_of_scikit_learn():
    X, y = make_regression(90, 4, random_state=0)
    regressor = MergedNetRegressor(**QUICK).fit(X[:60], y[:60], validation_data=(X[60:], y[60:]))
    expected = regressor.score(X[60:], y[60:])
    assert regressor.validation_scores_[-1] == pytest.approx(expected, abs=1e-4)


def test_class_weight_balances_and_multiplies_with_sample_weight(numbers):
    X, _ = numbers
    y = np.where(np.arange(80) < 8, "rare", "usual")
    plain = MergedNetClassifier(epochs=10, random_state=0).fit(X, y)
    balanced = MergedNetClassifier(epochs=10, random_state=0, class_weight="balanced").fit(X, y)
    by_hand = MergedNetClassifier(epochs=10, random_state=0).fit(
        X, y, sample_weight=np.where(y == "rare", 80 / 16, 80 / 144)
    )
    rare = balanced.predict_proba(X)[:, 0]
    assert rare.mean() > plain.predict_proba(X)[:, 0].mean() + 0.1
    np.testing.assert_allclose(by_hand.predict_proba(X)[:, 0], rare, atol=1e-4)


def test_rows_of_weight_zero_are_left_out(numbers):
    X, y = numbers
    weight = (np.arange(80) < 60).astype(float)
    spoilt = np.where(weight > 0, y, 1 - y)
    fits = [
        MergedNetClassifier(batch_size=16, **QUICK).fit(X, labels, sample_weight=weight)
        for labels in (y, spoilt)
    ]
    np.testing.assert_array_equal(fits[0].predict_proba(X), fits[1].predict_proba(X))


def test_warm_start_goes_on(numbers):
    classifier = MergedNetClassifier(warm_start=True, **QUICK).fit(*numbers)
    router, model = classifier.router_, classifier.model_
    classifier.fit(*numbers)
    assert classifier.n_iter_ == 4
    assert classifier.router_ is router
    assert classifier.model_ is model
    assert MergedNetClassifier(**QUICK).fit(*numbers).fit(*numbers).n_iter_ == 2


def test_partial_fit_trains_epoch_by_epoch_on_chunks(numbers):
    X, y = numbers
    classifier = MergedNetClassifier(head=(8,), random_state=0)
    for _ in range(3):
        for first in (0, 40):
            chunk = slice(first, first + 40)
            classifier.partial_fit(X[chunk], y[chunk], classes=[0, 1, 2])
    assert list(classifier.classes_) == [0, 1, 2]
    assert classifier.n_iter_ == 6
    with pytest.raises(ValueError, match=r"must hold the classes .*Got also \[.*7"):
        classifier.partial_fit(X, np.full(80, 7))
    regressor = MergedNetRegressor(head=(8,)).partial_fit(X, X[:, 0]).partial_fit(X, X[:, 0])
    assert regressor.n_iter_ == 2


def test_verbose_prints_one_line_per_epoch(numbers, capsys):
    MergedNetClassifier(verbose=1, **QUICK).fit(*numbers)
    assert [line[:9] for line in capsys.readouterr().out.splitlines()] == ["Epoch 1/2", "Epoch 2/2"]


def test_batch_size_auto_depends_on_the_rows():
    from skmerge._auto import batch_size_of

    sizes = [batch_size_of("auto", n_rows) for n_rows in (1, 600, 2000, 5000, 10**6)]
    assert sizes == [16, 16, 32, 32, 256]
    assert batch_size_of(7, 2000) == 7


# --- missing and unknown values ---------------------------------------------------------------


def test_unknown_and_missing_values_are_no_errors(table, fitted):
    strange = pd.DataFrame(
        {
            "age": [np.nan, 1e9],
            "city": ["Atlantis", None],
            "note": ["", "zzz qqq"],
            "photo": [None, table[0]["photo"].iloc[0]],
        }
    )
    assert np.isfinite(fitted.predict_proba(strange)).all()
    empty = pd.DataFrame({name: [None, None] for name in COLUMNS})
    assert np.isfinite(fitted.predict_proba(empty)).all()


def test_columns_are_found_by_name(table, fitted):
    X, _ = table
    shuffled = X[X.columns[::-1]].assign(other=1)
    np.testing.assert_array_equal(fitted.predict_proba(shuffled), fitted.predict_proba(X))


# --- wrong input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"merge": "conct"}, r"'merge' parameter .*Got 'conct'. Did you mean 'concat'\?"),
        ({"branches": {"photo": "convv"}}, r"Branch of input 'photo'.*Did you mean 'conv'\?"),
        ({"branches": {"phto": "conv"}}, r"'phto'.*Did you mean 'photo'\?"),
        ({"branches": {"note": "conv"}}, r"'note'.*text"),
        ({"epochs": 0}, "'epochs' parameter"),
        ({"dropout": 1.0}, "'dropout' parameter"),
        ({"batch_size": "big"}, "'batch_size' parameter"),
        ({"merge": "subtract"}, "subtract"),
        ({"router": "auto"}, "'router' parameter"),
        ({"callbacks": "stop"}, "'callbacks' parameter .*Got 'stop'"),
        ({"optimizer": {"class_name": "Adam"}}, r"'optimizer' parameter .*Got {'class_name'"),
        ({"optimizer": "adm"}, r"'optimizer' parameter .*'adm'.*Did you mean 'adam'\?"),
        ({"loss": "crossentropyy"}, r"'loss' parameter .*'crossentropyy'"),
    ],
)
def test_a_wrong_parameter_is_named_and_nothing_changes(table, fitted, changes, message):
    estimator = pickle.loads(pickle.dumps(fitted))
    before = estimator.predict_proba(table[0])
    with pytest.raises(ValueError, match=message):
        estimator.set_params(**changes).fit(*table)
    np.testing.assert_array_equal(estimator.predict_proba(table[0]), before)
    assert estimator.n_iter_ == 2


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (
            "branches__phto__filters",
            r"has no entry 'phto', it has \['photo'\]. Did you mean 'photo'",
        ),
        ("branches__photo__filter", r"'filter' for ConvBranch.*Did you mean 'filters'\?"),
        ("learning_rat", r"'learning_rat' for MergedNetClassifier.*Did you mean 'learning_rate'"),
        ("merge__unit", r"'unit' for Concat.*Did you mean 'units'"),
    ],
)
def test_a_wrong_name_of_a_parameter_is_refused_with_the_nearest(parameter, message):
    estimator = MergedNetClassifier(branches={"photo": "conv"})
    with pytest.raises(ValueError, match=message):
        estimator.set_params(**{parameter: 1})


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (lambda y: y[:-1], "inconsistent numbers of samples"),
        (lambda y: [*y, "few"], "inconsistent numbers of samples"),
        (lambda y: np.full(len(y), "few"), "at least 2 classes. Got 1 class: .*'few'"),
        (lambda y: np.where(y == "few", None, y), "NaN or None, first in row"),
        (lambda y: None, "y to be passed"),
    ],
)
def test_wrong_targets_raise_and_nothing_changes(table, fitted, y, message):
    estimator = pickle.loads(pickle.dumps(fitted)).set_params(early_stopping=True)
    with pytest.raises(ValueError, match=message):
        estimator.fit(table[0], y(table[1]))
    np.testing.assert_array_equal(estimator.predict_proba(table[0]), fitted.predict_proba(table[0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: X.drop(columns="photo"), "Column 'photo' of input 'photo' is missing from X"),
        (lambda X: X.assign(age="old"), "'age'"),
        (lambda X: X.assign(age=np.inf), "infinity"),
        (lambda X: X.assign(age=1j), "[Cc]omplex"),
        (lambda X: X.assign(city=3.5), "'city'"),
        (lambda X: X.assign(note=3), "'note'"),
        (lambda X: X.assign(photo="no/such/file.png"), r"Row 0 .*'photo'.*no/such/file.png"),
        (lambda X: X[:0], "0 sample"),
        (lambda X: X.to_numpy(), "was fitted on a DataFrame and must get one again"),
    ],
)
def test_wrong_rows_raise_in_predict_with_their_column(table, fitted, change, message):
    with pytest.raises(ValueError, match=message):
        fitted.predict(change(table[0]))


def test_an_unfitted_estimator_says_so(table):
    for method, arguments in (("predict", 1), ("predict_proba", 1), ("score", 2)):
        with pytest.raises(NotFittedError):
            getattr(MergedNetClassifier(), method)(*table[:arguments])
    with pytest.raises(AttributeError, match="not fitted yet"):
        _ = MergedNetClassifier().model_


def test_a_loss_that_is_not_finite_stops_the_fit_and_nothing_changes(numbers):
    X, _ = numbers
    regressor = MergedNetRegressor(**QUICK).fit(X, X[:, 0])
    before = regressor.predict(X)
    regressor.set_params(optimizer="sgd", learning_rate=1e30, epochs=5)
    with pytest.raises(ValueError, match=r"must stay finite.*lower learning_rate"):
        regressor.fit(X, X[:, 0])
    np.testing.assert_array_equal(regressor.predict(X), before)


@pytest.mark.parametrize(
    "weights",
    [
        np.zeros(60),
        np.full(60, -1.0),
        np.ones(59),
        "balanced",
        {},
        np.ones(60) * 1j,
        [np.inf, -np.inf] * 30,
    ],
)
def test_wrong_sample_weights_raise(table, weights):
    with pytest.raises(ValueError, match=r"[Ww]eight"):
        MergedNetClassifier(**QUICK).fit(*table, sample_weight=weights)


def test_wrong_validation_data_raises(table):
    with pytest.raises(ValueError, match=r"must be a tuple \(X, y\) or"):
        MergedNetClassifier(**QUICK).fit(*table, validation_data=table[0])


def test_an_interrupted_fit_leaves_the_estimator_as_it_was(table, fitted):
    estimator = pickle.loads(pickle.dumps(fitted))

    class Interrupting(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    estimator.set_params(callbacks=Interrupting, warm_start=True)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(*table)
    np.testing.assert_array_equal(estimator.predict_proba(table[0]), fitted.predict_proba(table[0]))


def test_callbacks_are_read_from_their_copies(numbers):
    class Counting(keras.callbacks.Callback):
        epochs = 0

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1

    given = Counting()
    classifier = MergedNetClassifier(callbacks=[given], **QUICK).fit(*numbers)
    assert (given.epochs, classifier.callbacks_[0].epochs) == (0, 2)
    with pytest.raises(AttributeError, match="not fitted yet"):
        _ = MergedNetClassifier().callbacks_


def test_html_repr_does_not_need_a_fit():
    assert "MergedNetClassifier" in MergedNetClassifier(merge="gatd")._repr_html_()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("EarlyStopping", {"monitor": "loss", "patience": 1}),
        ("ReduceLROnPlateau", {"monitor": "loss", "patience": 1}),
        ("ModelCheckpoint", {"filepath": "best.weights.h5", "save_weights_only": True}),
        ("CSVLogger", {"filename": "log.csv"}),
        ("TerminateOnNaN", {}),
        ("LearningRateScheduler", {"schedule": lambda epoch, rate: rate * 0.5}),
        ("SwapEMAWeights", {}),
    ],
)
def test_callbacks_of_keras_are_new_for_each_fit(numbers, tmp_path, monkeypatch, name, params):
    import keras

    monkeypatch.chdir(tmp_path)
    kind = getattr(keras.callbacks, name)
    given = kind(**params)
    before = {key: value for key, value in vars(given).items() if key != "_model"}
    optimizer = keras.optimizers.Adam(use_ema=True) if name == "SwapEMAWeights" else "adam"
    net = MergedNetClassifier(
        callbacks=[given], optimizer=optimizer,
        **{**QUICK, "epochs": 2, "early_stopping": True},
    )  # fmt: skip
    first = net.fit(*numbers).callbacks_[0]
    second = net.fit(*numbers).callbacks_[0]
    other = clone(net).fit(*numbers).callbacks_[0]
    assert len({id(each) for each in (given, first, second, other)}) == 4
    assert all(type(each) is kind for each in (first, second, other))
    assert {key: vars(given)[key] for key in before} == before
    assert given.model is None


def test_classes_of_keras_callbacks_are_made_for_each_fit(numbers):
    import keras

    kinds = [keras.callbacks.EarlyStopping, keras.callbacks.TerminateOnNaN]
    net = MergedNetClassifier(callbacks=kinds, **QUICK, early_stopping=True)
    first, second = (net.fit(*numbers).callbacks_ for _ in range(2))
    assert [type(each) for each in first[:2]] == [type(each) for each in second[:2]] == kinds
    assert not set(map(id, first)) & set(map(id, second))
