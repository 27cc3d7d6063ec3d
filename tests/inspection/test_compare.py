import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import log_loss, make_scorer, r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline

from skmerge import (
    ColumnRouter,
    DenseBranch,
    MergedNetClassifier,
    MergedNetRegressor,
    MultiInput,
    TextEncoder,
)
from skmerge.inspection import compare_merges
from skmerge.merges import Merge, Multiply

TINY = {"head": None, "dropout": 0.0, "epochs": 2, "random_state": 0}
SIDES = ColumnRouter(inputs={"left": ["left"], "right": ["right"]})
BRANCH = DenseBranch((8,), activation="tanh")
ONE_FOLD = ShuffleSplit(1, test_size=0.3, random_state=0)
ONLY_MERGES = {"singles": False, "ensemble": False, "baseline": False}


class Fragile(Merge):
    """Fails on networks that are built after the first ones."""

    needs_equal_widths = True
    built = 0
    allowed = 1

    def _join(self, features, presence):
        from keras import layers

        Fragile.built += 1
        if Fragile.built > Fragile.allowed:
            raise ValueError("the glue is dry")
        return layers.Add()(features)


@pytest.fixture(scope="module")
def signs():
    """Two columns of signs and whether they agree: each alone tells nothing."""
    left, right = (
        np.random.default_rng(0)
        .permutation(np.tile([[-1, -1], [-1, 1], [1, -1], [1, 1]], (30, 1)))
        .T
    )
    frame = pd.DataFrame({"left": left * 1.5, "right": right * 1.5})
    return frame, np.where(left == right, "same", "other")


@pytest.fixture(scope="module")
def pipeline():
    classifier = MergedNetClassifier(
        branches={"left": BRANCH, "right": BRANCH},
        head=(8,),
        dropout=0.0,
        epochs=30,
        learning_rate=0.02,
        random_state=0,
    )
    return make_pipeline(SIDES, classifier)


@pytest.fixture(scope="module")
def folds():
    return StratifiedKFold(2, shuffle=True, random_state=0)


@pytest.fixture(scope="module")
def compared(pipeline, signs, folds):
    return compare_merges(pipeline, *signs, merges=["concat", "multiply"], cv=folds)


def test_a_merge_finds_what_no_input_tells_alone(compared):
    means = compared.scores_.mean()
    assert means["multiply"] > 0.95
    for name in ("left alone", "right alone", "ensemble of single inputs"):
        assert means[name] < 0.65
    assert means["linear baseline"] < 0.8, "a line gets three of four corners"
    assert compared.kinds_ == {
        "concat": "merge",
        "multiply": "merge",
        "left alone": "input",
        "right alone": "input",
        "ensemble of single inputs": "ensemble",
        "linear baseline": "baseline",
    }
    assert "the best merge, beats the best input" in compared.summary()


def test_scores_of_a_merge_are_those_of_cross_val_score(compared, pipeline, signs, folds):
    by_hand = cross_val_score(
        clone(pipeline).set_params(mergednetclassifier__merge="multiply"), *signs, cv=folds
    )
    np.testing.assert_array_equal(compared.scores_["multiply"], by_hand)
    assert compared.scoring_ == "accuracy"


def test_scores_of_an_input_are_those_of_a_network_on_it(compared, pipeline, signs, folds):
    X, y = signs
    network = clone(pipeline[-1]).set_params(branches={"left": BRANCH})
    alone = make_pipeline(ColumnRouter(inputs={"left": ["left"]}, remainder="drop"), network)
    np.testing.assert_array_equal(
        compared.scores_["left alone"], cross_val_score(alone, X, y, cv=folds)
    )


def test_times_and_parameters_are_measured(compared):
    frame = compared.to_frame().set_index("candidate")
    assert (frame["fit_seconds"] > 0).all()
    assert (frame["predict_ms"] > 0).all()
    branch, head, output = 8 * 2 + 2 * 8, 9, 9  # a branch of 8 units, normalised
    assert frame.loc["multiply", "n_parameters"] == 2 * branch + (8 * 8 + 8) + output
    assert frame.loc["concat", "n_parameters"] == 2 * branch + (16 * 8 + 8) + head
    alone = frame.loc[["left alone", "right alone"]]
    ensemble = frame.loc["ensemble of single inputs"]
    assert ensemble["n_parameters"] == alone["n_parameters"].sum()
    assert ensemble["fit_seconds"] == pytest.approx(alone["fit_seconds"].sum())
    assert frame.loc["linear baseline", "n_parameters"] == 3


def test_the_estimator_is_left_unfitted(compared, pipeline):
    assert not hasattr(pipeline[-1], "specs_")
    assert pipeline[-1].merge == "concat"


# --- forms of rows, targets and scorers -------------------------------------------------------


@pytest.fixture(scope="module")
def entries():
    rng = np.random.default_rng(1)
    return {"left": rng.normal(size=(40, 2)), "right": rng.normal(size=(40, 3))}


def test_ensemble_averages_the_probabilities_of_the_inputs(entries):
    y = (entries["left"][:, 0] + entries["right"][:, 0] > 0).astype(int)
    train, test = np.arange(25), np.arange(25, 40)
    estimator = MergedNetClassifier(**TINY)
    compared = compare_merges(
        estimator,
        entries,
        y,
        merges=["sum"],
        cv=[(train, test)],
        scoring="neg_log_loss",
        baseline=False,
    )
    members = []
    for name, array in entries.items():
        router = ColumnRouter().fit({name: array[train]})
        network = clone(estimator).fit(router.transform({name: array[train]}), y[train])
        members.append(network.predict_proba(router.transform({name: array[test]})))
        assert compared.scores_[f"{name} alone"][0] == -log_loss(y[test], members[-1])
    expected = -log_loss(y[test], np.mean(members, axis=0))
    assert compared.scores_["ensemble of single inputs"][0] == pytest.approx(expected)


def test_numbers_of_several_columns_from_a_list_of_inputs(entries):
    X = list(entries.values())
    y = np.stack([entries["left"][:, 0], entries["right"][:, 1]], axis=1)
    compared = compare_merges(
        MergedNetRegressor(branches={"a": "dense", "b": "dense"}, **TINY),
        X,
        y,
        merges={"ours": Multiply(units=4)},
        cv=ONE_FOLD,
    )
    assert compared.scoring_ == "r2"
    assert set(compared.scores_) == {
        "ours",
        "a alone",
        "b alone",
        "ensemble of single inputs",
        "linear baseline",
    }
    assert compared.best_ == "linear baseline", "the targets are columns of X"
    assert compared.scores_["linear baseline"].min() > 0.9


def test_several_labels_of_a_multi_input_with_a_scorer(entries):
    labels = np.stack([entries["left"][:, 0] > 0, entries["right"][:, 1] > 0], axis=1).astype(int)
    compared = compare_merges(
        MergedNetClassifier(**TINY),
        MultiInput(entries),
        labels,
        merges=["concat"],
        cv=ONE_FOLD,
        scoring=make_scorer(r2_score, greater_is_better=False),
    )
    assert compared.scoring_ == "neg_r2_score"
    assert compared.scores_.shape == (1, 5)
    assert np.isfinite(compared.scores_.to_numpy()).all()


def test_columns_of_all_kinds_are_compared_and_reported_one_by_one(frame, target, capsys):
    router = ColumnRouter(
        inputs={"table": ["age", "city"], "note": TextEncoder(max_length=4), "photo": "image"},
        remainder="drop",
    )
    compared = compare_merges(
        MergedNetClassifier(router=router, branches={"photo": "dense"}, **TINY),
        frame,
        target,
        merges=["sum"],
        cv=ONE_FOLD,
        verbose=1,
    )
    assert np.isfinite(compared.scores_.to_numpy()).all()
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in told] == [
        "sum",
        "table alone",
        "note alone",
        "photo alone",
        "ensemble of single inputs",
        "linear baseline",
    ]


def test_groups_stay_together(entries):
    groups = np.repeat(np.arange(8), 5)
    y = np.arange(40.0)
    seen = []

    def scorer(estimator, X, y):
        seen.extend(set(groups[y.astype(int)]))
        return 0.0

    compared = compare_merges(
        MergedNetRegressor(**TINY), entries, y, merges=["sum"], cv=GroupKFold(2), groups=groups,
        scoring=scorer, **ONLY_MERGES,
    )  # fmt: skip
    assert compared.scoring_ == "scorer"
    assert sorted(seen) == list(range(8)), "each group is held out in one fold only"


def test_scorers_get_the_users_own_pipeline(pipeline, signs, folds):
    seen = []

    def scorer(estimator, X, y):
        seen.append((type(estimator).__name__, type(X).__name__, estimator[-1].merge))
        return 0.5

    quick = clone(pipeline).set_params(mergednetclassifier__epochs=1)
    compare_merges(
        quick, *signs, merges=["sum"], cv=ONE_FOLD, scoring=scorer, **ONLY_MERGES
    )  # fmt: skip
    assert seen == [("Pipeline", "DataFrame", "sum")]


def test_sample_weights_reach_every_fit(entries):
    def mean_prediction(estimator, X, y):
        return estimator.predict(X).mean()

    y = np.where(np.arange(40) % 2, 5.0, -5.0)
    quick = {**TINY, "epochs": 60, "learning_rate": 0.05}
    compared = compare_merges(
        make_pipeline(ColumnRouter(), MergedNetRegressor(**quick)),
        entries,
        y,
        merges=["sum"],
        cv=ONE_FOLD,
        scoring=mean_prediction,
        sample_weight=np.where(y > 0, 1.0, 0.0),
    )
    np.testing.assert_allclose(compared.scores_.to_numpy(), 5, atol=1)


@pytest.mark.slow
def test_two_jobs_give_the_same_scores(pipeline, signs, folds, compared):
    again = compare_merges(
        pipeline, *signs, merges=["multiply"], cv=folds, n_jobs=2, baseline=False
    )
    for name in again.scores_:
        np.testing.assert_array_equal(again.scores_[name], compared.scores_[name])


# --- failures ---------------------------------------------------------------------------------


def test_a_failing_merge_is_named_and_the_others_survive(entries):
    Fragile.built, Fragile.allowed = 0, 2  # the trial and the first fold
    with pytest.warns(
        FitFailedWarning, match="'Fragile\\(\\)' failed in 1 of 2 folds.*glue is dry"
    ):
        compared = compare_merges(
            MergedNetRegressor(**TINY), entries, np.arange(40.0), merges=["sum", Fragile()], cv=2,
            **ONLY_MERGES,
        )  # fmt: skip
    assert list(compared.scores_) == ["sum", "Fragile()"]
    assert compared.scores_.isna().sum().tolist() == [0, 1]
    assert np.isnan(compared.to_frame()["mean_score"][1])


def test_a_number_takes_the_place_of_failed_scores(entries):
    Fragile.built, Fragile.allowed = 0, 1
    with pytest.warns(FitFailedWarning, match="in 2 of 2 folds, whose score is set to -7"):
        compared = compare_merges(
            MergedNetRegressor(**TINY), entries, np.arange(40.0), merges=["sum", Fragile()], cv=2,
            error_score=-7, **ONLY_MERGES,
        )  # fmt: skip
    assert compared.scores_["Fragile()"].tolist() == [-7, -7]


def test_errors_are_raised_where_asked_or_where_all_fail(entries):
    arguments = (MergedNetRegressor(**TINY), entries, np.arange(40.0))
    Fragile.built, Fragile.allowed = 0, 1
    with pytest.raises(ValueError, match="glue is dry"):
        compare_merges(*arguments, merges=[Fragile()], cv=2, error_score="raise", **ONLY_MERGES)
    Fragile.built = 0
    with (
        pytest.warns(FitFailedWarning),
        pytest.raises(ValueError, match=r"At least one of \['Fragile\(\)'\] must be fitted"),
    ):
        compare_merges(*arguments, merges=[Fragile()], cv=2, **ONLY_MERGES)


def test_a_scorer_that_fails_for_an_input_leaves_the_ensemble_without_a_score(entries):
    def scorer(estimator, X, y):
        if getattr(estimator, "inputs", None) == ("left",):
            raise RuntimeError("not this one")
        return 0.5

    with pytest.warns(FitFailedWarning) as warned:
        compared = compare_merges(
            MergedNetRegressor(**TINY), entries, np.arange(40.0), merges=["sum"], cv=ONE_FOLD,
            scoring=scorer, baseline=False,
        )  # fmt: skip
    told = [str(warning.message) for warning in warned]
    assert "'left alone' failed in 1 of 1 folds" in told[0]
    assert "RuntimeError: not this one" in told[0]
    assert "'ensemble of single inputs' failed" in told[1]
    assert "that of ['left alone']" in told[1]
    assert compared.scores_["right alone"].tolist() == [0.5]


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"scoring": ["r2", "max_error"]}, ValueError, "must be one scorer"),
        ({"merges": {"left alone": "sum"}}, ValueError, "label 'left alone', which another row"),
        ({"merges": ["gatd"]}, ValueError, "Did you mean 'gated'"),
        ({"cv": 1}, ValueError, "n_splits=1"),
        ({"error_score": "rise"}, ValueError, "must be a number or 'raise'. Got 'rise'"),
        ({"scoring": "acuracy"}, ValueError, "scoring"),
    ],
)
def test_arguments_that_cannot_be_used_are_refused_before_any_fit(
    entries, arguments, error, complaint
):
    with pytest.raises(error, match=complaint):
        compare_merges(MergedNetRegressor(**TINY), entries, np.arange(40.0), **arguments)


def test_one_input_is_nothing_to_merge():
    with pytest.raises(ValueError, match="at least two inputs. Got only \\['tabular'\\]"):
        compare_merges(MergedNetRegressor(**TINY), np.zeros((20, 3)), np.arange(20.0))


def test_other_estimators_are_refused():
    with pytest.raises(TypeError, match="Got KFold"):
        compare_merges(KFold(), np.zeros((20, 3)), np.arange(20.0))
