"""A user's script, to be read by a type checker and never run; `test_typing.py` does so.

Each `assert_type` must hold. A line that ends in ``# error: code`` must be an error of that code.
"""

from typing import Any, assert_type

import numpy as np
import pandas as pd

import skmerge
from skmerge import ColumnRouter, InputSpec, MergedNetClassifier, MergedNetRegressor, MultiInput
from skmerge.branches import Branch, resolve_branch
from skmerge.inspection import MergeComparisonDisplay
from skmerge.merges import Merge, resolve_merge


def estimators(frame: pd.DataFrame, y: np.ndarray) -> None:
    clf = MergedNetClassifier(merge="sum", epochs=3)
    assert_type(clf.fit(frame, y), MergedNetClassifier)
    assert_type(clf.partial_fit(frame, y, classes=[0, 1]), MergedNetClassifier)
    assert_type(clf.predict(frame), np.ndarray)
    assert_type(clf.predict_proba(frame), np.ndarray)
    assert_type(clf.transform(frame), np.ndarray)
    assert_type(clf.branch_outputs(frame), dict[str, np.ndarray])
    assert_type(clf.classes_, np.ndarray)
    assert_type(clf.router_, ColumnRouter | None)
    assert_type(clf.specs_, dict[str, InputSpec])
    assert_type(clf.history_, dict[str, list[float]])
    assert_type(clf.n_iter_, int)
    assert_type(clf.get_params(), dict[str, Any])
    assert_type(MergedNetRegressor().fit(frame, y), MergedNetRegressor)
    assert_type(MergedNetRegressor().fit(frame, y).predict(frame), np.ndarray)


def rows(frame: pd.DataFrame) -> None:
    router = ColumnRouter({"note": skmerge.TextEncoder(max_length=8)})
    assert_type(router.fit(frame), ColumnRouter)
    routed = router.fit_transform(frame)
    assert_type(routed, MultiInput)
    assert_type(router.transform(frame), MultiInput)
    assert_type(router.specs_, dict[str, InputSpec])
    assert_type(routed.specs, dict[str, InputSpec])
    assert_type(routed.shape, tuple[int, int])
    assert_type(skmerge.TextEncoder().fit(frame), skmerge.TextEncoder)
    assert_type(skmerge.ImageEncoder().fit(frame).spec_, InputSpec)


def parts() -> None:
    assert_type(resolve_branch("conv"), Branch)
    assert_type(resolve_merge("gated"), Merge)
    assert_type(skmerge.ConvBranch(filters=(8, 16)), skmerge.ConvBranch)


def results(frame: pd.DataFrame, y: np.ndarray) -> None:
    clf = MergedNetClassifier()
    comparison = skmerge.compare_merges(clf, frame, y)
    assert_type(comparison, skmerge.MergeComparison)
    assert_type(comparison.to_frame(), pd.DataFrame)
    assert_type(MergeComparisonDisplay.from_result(comparison), MergeComparisonDisplay)
    assert_type(skmerge.ablation(clf, frame, y), skmerge.AblationResult)


def files() -> None:
    assert_type(skmerge.__version__, str)
    skmerge.save(MergedNetClassifier(), "model.skmerge")
    skmerge.load("model.skmerge", custom_objects={"Own": object})
    skmerge.load(3.5)  # error: arg-type


def mistakes() -> None:
    skmerge.ColumnRooter()  # error: attr-defined
    MergedNetClassifier(epoch=3)  # error: call-arg
    MergedNetClassifier(epochs="3")  # error: arg-type
    skmerge.ConvBranch().build()  # error: call-arg
