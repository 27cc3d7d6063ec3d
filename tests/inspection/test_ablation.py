import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import KFold, cross_val_score

from skmerge import ColumnRouter, MergedNetRegressor, MultiInput
from skmerge.inspection import AblationResult, ablation
from skmerge.inspection._fold_scores import FoldScores

QUICK = {"head": None, "dropout": 0.0, "epochs": 30, "learning_rate": 0.02, "random_state": 0}
FOLDS = KFold(2)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=(80, 2)) for name in ("signal", "half", "noise")}
    return arrays, 2 * arrays["signal"][:, 0] + arrays["half"][:, 1]


@pytest.fixture(scope="module")
def result(rows):
    return ablation(MergedNetRegressor(**QUICK), *rows, cv=FOLDS)


def test_inputs_are_missed_as_much_as_they_tell(result):
    frame = result.to_frame()
    assert frame["left_out"].tolist() == [None, "signal", "half", "noise"]
    assert frame["candidate"].tolist()[0] == "all inputs"
    drops = frame.set_index("left_out")["difference"]
    assert drops["signal"] < -0.5
    assert drops["half"] < -0.1
    assert abs(drops["noise"]) < 0.1


def test_differences_and_errors_are_paired_by_fold(result):
    scores = result.scores_
    differences = (scores["without half"] - scores["all inputs"]).to_numpy()
    row = result.to_frame().set_index("left_out").loc["half"]
    assert row["difference"] == pytest.approx(differences.mean())
    expected = np.sqrt((1 / 2 + 1) * differences.var(ddof=1))
    assert row["standard_error"] == pytest.approx(expected)


def test_scores_are_those_of_networks_on_the_inputs_left(result, rows):
    X, y = rows
    # FOLDS takes rows in order, so that the router of one half is that of the fold
    train, test = next(FOLDS.split(y))
    router = ColumnRouter().fit({name: array[train] for name, array in X.items()})
    routed = router.transform(X)
    both = MultiInput({n: routed[n] for n in ("signal", "noise")}, routed.specs)
    expected = cross_val_score(
        clone(MergedNetRegressor(**QUICK)), both, y, cv=[(train, test)], scoring="r2"
    )
    assert result.scores_["without half"][0] == expected[0]
    assert result.scoring_ == "r2"


def test_repr_is_a_table_of_differences(result):
    caption, header, everything, signal, *_ = repr(result).splitlines()
    assert caption == "r2, 2 folds"
    assert header.split() == ["candidate", "score", "std", "to", "all", "inputs"]
    assert everything.startswith("all inputs ")
    assert signal.startswith("without signal ")
    assert "±" in signal
    assert "±" not in everything


def test_one_input_cannot_be_left_out():
    with pytest.raises(ValueError, match="at least two inputs"):
        ablation(MergedNetRegressor(**QUICK), np.zeros((20, 2)), np.arange(20.0))


def test_result_sorts_inputs_by_the_drop():
    scores = pd.DataFrame({"all inputs": [0.9], "without a": [0.8], "without b": [0.2]})
    left_out = {"without a": "a", "without b": "b"}
    frame = AblationResult(FoldScores(scores, 2, 1), left_out, "accuracy").to_frame()
    assert frame["left_out"].tolist() == [None, "b", "a"]
