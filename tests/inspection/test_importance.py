import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.inspection import permutation_importance
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmerge import ArrayEncoder, ColumnRouter, MergedNetClassifier, MergedNetRegressor, MultiInput
from skmerge.inspection import (
    AblationResult,
    InputImportance,
    InputImportanceDisplay,
    input_importance,
)
from skmerge.inspection._fold_scores import FoldScores
from skmerge.inspection._permuting import by_columns, by_inputs
from skmerge.inspection._routing import route_of

QUICK = {"head": None, "dropout": 0.0, "random_state": 0}
LEARNING = {**QUICK, "epochs": 30, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def numbers():
    X = np.random.default_rng(0).normal(size=(80, 3))
    return X, 2 * X[:, 0] + X[:, 1]


@pytest.fixture(scope="module")
def entries(numbers):
    X, y = numbers
    return {"signal": X[:, :2], "noise": X[:, 2:]}, y


@pytest.fixture(scope="module")
def regressor(entries):
    return MergedNetRegressor(**LEARNING).fit(*entries)


@pytest.fixture(scope="module")
def mixed(shared_frame):
    """A pipeline on a table, a text read twice, and pictures; barely trained."""
    frame = shared_frame[["age", "city", "note", "photo", "visits"]]
    router = ColumnRouter(
        inputs={
            "table": ["age", "city"],
            "note": "text",
            "tfidf": (ArrayEncoder(TfidfVectorizer(max_features=9)), "note"),
            "photo": "image",
        },
        remainder="drop",
    )
    y = np.where(shared_frame["member"], "yes", "no")
    pipeline = make_pipeline(router, MergedNetClassifier(epochs=1, **QUICK))
    return pipeline.fit(frame, y), frame, y


# --- what comes out ---------------------------------------------------------------------------


def test_noise_does_not_count_and_the_signal_does(regressor, entries):
    result = input_importance(regressor, *entries, random_state=0)
    assert result.names == ["signal", "noise"]
    signal, noise = result.importances_mean
    assert signal > 1
    assert abs(noise) < 0.1
    assert result.baseline_score == regressor.score(*entries)
    assert result.importances.shape == (2, 5)
    assert result.to_frame()["name"].tolist() == ["signal", "noise"]
    np.testing.assert_allclose(result.importances_std, result.importances.std(axis=1))


def test_columns_of_a_matrix_are_those_of_scikit_learn(numbers):
    X, y = numbers
    fitted = MergedNetRegressor(**LEARNING).fit(X, y)
    arguments = {"n_repeats": 3, "random_state": 7}
    found = input_importance(fitted, X, y, by="column", **arguments)
    expected = permutation_importance(fitted, X, y, **arguments)
    assert found.names == ["x0", "x1", "x2"]
    for key in ("importances", "importances_mean", "importances_std"):
        np.testing.assert_array_equal(found[key], expected[key])


def test_columns_of_a_frame_are_those_of_scikit_learn(numbers):
    X, y = numbers
    frame = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(80)[::-1])
    fitted = MergedNetRegressor(**LEARNING).fit(frame, y)
    arguments = {"n_repeats": 2, "random_state": 7, "scoring": "neg_max_error"}
    found = input_importance(fitted, frame, y, by="column", **arguments)
    expected = permutation_importance(fitted, frame, y, **arguments)
    assert found.names == ["a", "b", "c"]
    np.testing.assert_array_equal(found.importances, expected.importances)


def test_weights_count_in_the_scores(regressor, entries):
    X, y = entries
    weights = np.arange(80) % 2
    found = input_importance(regressor, X, y, sample_weight=weights, random_state=0, n_repeats=2)
    predicted = regressor.predict(X)
    assert found.baseline_score == r2_score(y, predicted, sample_weight=weights)


def test_several_scorers_give_a_result_each(regressor, entries):
    def spread(estimator, X, y):
        return float(np.std(estimator.predict(X)))

    results = input_importance(
        regressor, *entries, scoring={"r2": "r2", "spread": spread}, random_state=0, n_repeats=2
    )
    assert list(results) == ["r2", "spread"]
    alone = input_importance(regressor, *entries, scoring="r2", random_state=0, n_repeats=2)
    np.testing.assert_array_equal(results["r2"].importances, alone.importances)
    assert results["spread"].scoring == "spread"


def test_drawn_rows_are_scored_with_and_without(regressor, entries):
    X, y = entries
    result = input_importance(regressor, X, y, max_samples=0.25, random_state=0, n_repeats=2)
    seen = []

    def scorer(estimator, X, y):
        seen.append(len(y))
        return 0.0

    input_importance(regressor, X, y, max_samples=30, scoring=scorer, n_repeats=1)
    assert seen == [30, 30, 30]
    assert result.baseline_score != regressor.score(X, y)


def test_two_jobs_give_the_same(regressor, entries):
    from joblib import parallel_config

    arguments = {"random_state": 0, "n_repeats": 2}
    expected = input_importance(regressor, *entries, **arguments)
    with parallel_config(backend="threading"):
        found = input_importance(regressor, *entries, n_jobs=2, **arguments)
    np.testing.assert_array_equal(found.importances, expected.importances)


def test_result_pickles_prints_and_is_a_dict(regressor, entries):
    result = input_importance(regressor, *entries, random_state=0, n_repeats=2)
    again = pickle.loads(pickle.dumps(result))
    assert isinstance(again, InputImportance)
    assert repr(again) == repr(result)
    assert set(result) >= {"importances_mean", "importances_std", "importances"}
    caption, header, first, second = repr(result).splitlines()
    assert caption.startswith("r2 ")
    assert header.split() == ["name", "drop", "std"]
    assert first.startswith("signal")
    assert second.startswith("noise")


# --- what is permuted -------------------------------------------------------------------------


def test_an_input_is_permuted_with_its_mask_and_nothing_else():
    rows = MultiInput(
        {"a": np.arange(4)[:, None], "b": np.arange(4)[:, None] * 10, "c": csr_matrix(np.eye(4))},
        masks={"a": [True, True, False, True], "b": [True, False, True, True]},
    )
    order = np.array([2, 0, 3, 1])
    permuted = by_inputs(rows, "input")["a"](order)
    assert permuted["a"].ravel().tolist() == [2, 0, 3, 1]
    assert permuted.masks["a"].tolist() == [False, True, True, True]
    assert permuted["b"] is rows["b"]
    assert permuted.masks["b"].tolist() == rows.masks["b"].tolist()
    together = by_inputs(rows, {"both": ["a", "c"]})["both"](order)
    assert together["a"].ravel().tolist() == [2, 0, 3, 1]
    assert together["c"].toarray().argmax(axis=1).tolist() == [2, 0, 3, 1]


def test_a_column_is_permuted_in_every_input_that_reads_it(mixed):
    pipeline, frame, _ = mixed
    route = route_of(pipeline)
    rows = route.transform(frame)
    permuters = by_columns(rows, route, frame)
    assert list(permuters) == ["age", "city", "note", "photo"], "no input reads the visits"
    order = np.random.default_rng(1).permutation(60)
    for column, permuter in permuters.items():
        shuffled = frame.copy()
        shuffled[column] = frame[column].iloc[order].array
        by_hand = route.transform(shuffled)
        permuted = permuter(order)
        for name in rows:
            ours, expected = permuted[name], by_hand[name]
            if name == "tfidf":
                ours, expected = ours.toarray(), expected.toarray()
            np.testing.assert_array_equal(ours, expected)
            if name in rows.masks:
                np.testing.assert_array_equal(permuted.masks[name], by_hand.masks[name])


def test_columns_of_entries_carry_the_name_of_the_entry():
    table = pd.DataFrame({"age": np.arange(8.0), "city": list("abababab")})
    X = {"table": table, "vector": np.eye(8), "word": list("stuvstuv"), "one": np.arange(8.0)}
    fitted = MergedNetRegressor(epochs=1, **QUICK).fit(X, np.arange(8.0))
    route = route_of(fitted)
    permuters = by_columns(route.transform(X), route, X)
    assert [name for name in permuters if ":" not in name] == ["word", "one"]
    assert list(permuters)[:3] == ["table: age", "table: city", "vector: 0"]
    order = np.arange(8)[::-1]
    permuted = permuters["table: age"](order)["table"]
    shuffled = table.assign(age=table["age"].to_numpy()[order])
    np.testing.assert_array_equal(permuted, route.transform({**X, "table": shuffled})["table"])
    permuted = permuters["vector: 2"](order)["vector"]
    changed = np.flatnonzero((permuted != route.transform(X)["vector"]).any(axis=0))
    assert changed.tolist() == [2]


def test_columns_of_a_multi_input_are_those_of_its_arrays():
    arrays = {"pair": np.arange(10.0).reshape(5, 2), "photo": np.zeros((5, 2, 2, 1))}
    rows = MultiInput(arrays)
    fitted = MergedNetRegressor(epochs=1, branches={"photo": "dense"}, **QUICK)
    fitted.fit(rows, np.arange(5.0))
    permuters = by_columns(rows, route_of(fitted), rows)
    assert list(permuters) == ["pair: 0", "pair: 1", "photo"]
    permuted = permuters["pair: 1"](np.array([4, 3, 2, 1, 0]))["pair"]
    np.testing.assert_array_equal(permuted, np.column_stack([arrays["pair"][:, 0],
                                                             arrays["pair"][::-1, 1]]))  # fmt: skip
    np.testing.assert_array_equal(rows["pair"], np.arange(10.0).reshape(5, 2))


def test_a_sparse_matrix_is_permuted_as_a_whole():
    X = csr_matrix(np.eye(6))
    fitted = MergedNetRegressor(epochs=1, **QUICK).fit(X, np.arange(6.0))
    result = input_importance(fitted, X, np.arange(6.0), by="column", n_repeats=1)
    assert result.names == ["sparse"]


def test_rows_go_through_the_earlier_steps_of_a_pipeline(numbers):
    X, y = numbers
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    doubled = FunctionTransformer(lambda frame: frame.assign(a=frame["a"] * 2, c=0.0))
    router = ColumnRouter(inputs={"ab": ["a", "b"], "c": ["c"]})
    network = MergedNetRegressor(**LEARNING)
    for estimator in (
        make_pipeline(doubled, router, network),
        make_pipeline(doubled, network.set_params(router=router)),
    ):
        fitted = estimator.fit(frame, y)
        by_input = input_importance(fitted, frame, y, random_state=0, n_repeats=2)
        assert by_input.names == ["ab", "c"]
        assert by_input.importances_mean[0] > 1
        assert by_input.importances[1].tolist() == [0, 0]
        by_column = input_importance(
            fitted, frame, y, by="column", random_state=0, n_repeats=2
        ).to_frame()
        assert by_column["name"].tolist() == ["a", "b", "c"]
        assert by_column["importance_mean"].is_monotonic_decreasing


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"by": "inputs"}, "'by' must be 'input', 'column' or a dict"),
        ({"by": {"x": ["signl"]}}, "Did you mean 'signal'"),
        ({"by": {"x": []}}, "must be a list of inputs"),
        ({"by": {"x": "signal"}}, "must be a list of inputs"),
        ({"n_repeats": 0}, "'n_repeats' must be an integer of at least 1. Got 0"),
        ({"max_samples": 81}, "number of rows up to 80"),
        ({"max_samples": 0.0}, "above 0"),
        ({"max_samples": 1.5}, "up to 1.0. Got 1.5"),
    ],
)
def test_arguments_are_checked(regressor, entries, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        input_importance(regressor, *entries, **arguments)


def test_estimator_must_be_fitted(entries):
    with pytest.raises(NotFittedError):
        input_importance(MergedNetRegressor(), *entries)


# --- the plot ---------------------------------------------------------------------------------


def test_plot_shows_the_largest_drop_on_top():
    import matplotlib.pyplot as plt

    importances = np.array([[0.1, 0.3], [0.5, 0.7], [-0.1, 0.1]])
    result = InputImportance(["a", "b", "c"], importances, 0.9, "accuracy")
    display = InputImportanceDisplay.from_result(result)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["b", "a", "c"]
    assert [dot.get_xdata()[0] for dot in display.dots_] == pytest.approx([0.6, 0.2, 0.0])
    np.testing.assert_array_equal(display.points_[0].get_xdata(), [0.5, 0.7])
    low, high = display.whiskers_[0].get_xdata()
    assert (high - low) / 2 == pytest.approx(0.1), "the standard deviation"
    assert display.ax_.get_xlabel().startswith("drop in accuracy when permuted\n")
    figure, ax = plt.subplots()
    assert InputImportanceDisplay.from_result(result, ax=ax).figure_ is figure
    plt.close("all")


def test_plot_of_an_ablation_shows_drops_per_fold():
    import matplotlib.pyplot as plt

    scores = pd.DataFrame(
        {"all inputs": [0.9, 0.8], "without a": [0.8, 0.75], "without b": [0.2, 0.4]}
    )
    folds = FoldScores(scores, 2, 1)
    result = AblationResult(folds, {"without a": "a", "without b": "b"}, "accuracy")
    display = InputImportanceDisplay.from_result(result)
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["b", "a"]
    assert display.points_[0].get_xdata() == pytest.approx([0.7, 0.4])
    low, high = display.whiskers_[0].get_xdata()
    _, standard_error = folds.difference("without b", "all inputs")
    assert (high - low) / 2 == pytest.approx(folds.quantile * standard_error)
    assert display.ax_.get_xlabel().startswith("drop in accuracy when left out\npoints: 2 folds")
    plt.close("all")
