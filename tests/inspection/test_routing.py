import numpy as np
import pandas as pd
import pytest
from scipy.sparse import dok_matrix
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skmerge import (
    ColumnRouter,
    ConvBranch,
    DenseBranch,
    InputSpec,
    MergedNetClassifier,
    MultiInput,
)
from skmerge.inspection._routing import (
    EntryRows,
    fit_route,
    given,
    network_of,
    network_on,
    sliceable,
)

ENTRIES = {
    "photo": np.arange(6 * 4 * 4).reshape(6, 4, 4, 1).astype("uint8"),
    "words": ["a", "b", "c", "d", "e", "f"],
    "table": pd.DataFrame({"age": range(6)}, index=list("uvwxyz")),
}


def test_entries_are_sliced_by_row_as_cross_validation_does():
    rows = EntryRows(ENTRIES)
    assert len(rows) == 6
    assert rows.shape == (6, 3)

    class Reader(BaseEstimator):
        def fit(self, X, y):
            return self

    seen = []

    def scorer(estimator, X, y):
        seen.append(given(X))
        return 0.0

    cross_val_score(Reader(), rows, np.arange(6), cv=KFold(3), scoring=scorer)
    assert [list(X["words"]) for X in seen] == [["a", "b"], ["c", "d"], ["e", "f"]]
    np.testing.assert_array_equal(seen[1]["photo"], ENTRIES["photo"][2:4])
    assert list(seen[2]["table"].index) == ["y", "z"]


def test_dicts_and_lists_become_sliceable_and_all_else_stays():
    estimator = MergedNetClassifier(branches={"left": "dense", "right": "dense"})
    left, right = np.zeros((4, 2)), np.ones((4, 3))
    assert list(sliceable([left, right], estimator, 4).entries) == ["left", "right"]
    pipeline = make_pipeline(ColumnRouter(), estimator)
    assert list(sliceable([left, right], pipeline, 4).entries) == ["input_1", "input_2"]
    for X in (left, pd.DataFrame(left), dok_matrix(left), MultiInput({"left": left})):
        assert sliceable(X, estimator, 4) is X


def test_the_network_is_the_estimator_or_the_last_step():
    network = MergedNetClassifier()
    assert network_of(network) is network
    assert network_of(make_pipeline(ColumnRouter(), network)) is network
    with pytest.raises(TypeError, match="must be a MergedNetClassifier.* Got LogisticRegression"):
        network_of(LogisticRegression())
    with pytest.raises(TypeError, match="a Pipeline that ends in LogisticRegression"):
        network_of(make_pipeline(ColumnRouter(), LogisticRegression()))


@pytest.mark.parametrize("place", ["estimator", "pipeline", "pipeline with more steps"])
def test_route_is_fitted_on_clones_and_routes_new_rows_alike(place, frame, target):
    router = ColumnRouter(inputs={"tabular": ["age", "city"], "note": "text"}, remainder="drop")
    estimator = MergedNetClassifier(router=router)
    if place != "estimator":
        steps = [FunctionTransformer()] if "more" in place else []
        estimator = make_pipeline(*steps, router, MergedNetClassifier())
    route, rows = fit_route(estimator, frame[:40], target[:40])
    expected = clone(router).fit(frame[:40])
    assert not hasattr(router, "inputs_"), "the user's router is left as it is"
    assert list(rows) == ["tabular", "note"]
    routed, by_hand = route.transform(frame[40:]), expected.transform(frame[40:])
    for name in by_hand:
        np.testing.assert_array_equal(routed[name], by_hand[name])
    raw, found = route.before_encoding(frame[40:])
    pd.testing.assert_frame_equal(raw, frame[40:])
    assert list(found.inputs_) == ["tabular", "note"]


def specs_of(*names):
    return {name: InputSpec(name, "image", (8, 8, 1), "uint8", "conv") for name in names}


def test_one_input_alone_keeps_its_branch():
    small = ConvBranch(filters=(4,))
    network = MergedNetClassifier(merge="sum", branches={"front": small}, head=(8,))
    alone = network_on(network, specs_of("front", "back"), ["front"])
    assert alone.branches["front"].get_params() == small.get_params()
    assert list(alone.branches) == ["front"]
    assert (alone.merge, alone.head) == ("sum", (8,))
    other = network_on(network, specs_of("front", "back"), ["back"])
    assert other.branches["back"].get_params() == ConvBranch().get_params()
    assert network.branches == {"front": small}


def test_an_input_that_shares_a_branch_gets_that_branch_when_alone():
    small = ConvBranch(filters=(4,))
    network = MergedNetClassifier(branches={"front": small, "back": "front", "side": "back"})
    specs = specs_of("front", "back", "side", "top")
    assert network_on(network, specs, ["back"]).branches["back"].filters == (4,)
    without = network_on(network, specs, ["back", "side", "top"]).branches
    assert without["back"].filters == (4,)
    assert without["side"] == "back", "those left share on"
    assert without["top"].filters == ConvBranch().filters
    together = network_on(network, specs, ["side", "front"]).branches
    assert together["side"].filters == (4,)
    assert together["front"] == "side"


def test_shared_branch_of_an_input_left_out_is_the_default_one_if_it_has_none():
    network = MergedNetClassifier(branches={"back": "front"})
    specs = {name: InputSpec(name, "array", (3,)) for name in ("front", "back")}
    alone = network_on(network, specs, ["back"]).branches["back"]
    assert alone.get_params() == DenseBranch().get_params()
