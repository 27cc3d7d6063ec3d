"""Searches over merge modes: ours beside scikeras with the same networks, and with two workers.

Each search runs in a process of its own, TensorFlow loaded and tried before the clock starts.
scikeras's, which takes minutes, runs once, between two of ours. All rank by the same folds and
score, refit the best, and print the mean score of each mode: a quicker search that finds worse
networks would be no gain.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from _datasets import clothing, emoji
from _plain_keras import scikeras_classifier, warm_up
from _ratios import Row, duration, in_fresh_process, progress, row_of_times
from joblib.externals.loky import get_reusable_executor
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skmerge import ColumnRouter, ConvBranch, ImageEncoder, MergedNetClassifier

MODES = ["concat", "sum", "multiply", "average", "maximum", "gated", "bilinear", "attention"]


@dataclass(frozen=True)
class Task:
    """Rows and labels, how to route and read them, and what the search goes through."""

    frame: Any
    y: np.ndarray
    router: ColumnRouter
    branches: dict[str, Any] | None
    modes: list[str]
    folds: int
    epochs: int
    batch_size: int
    scoring: str


@dataclass(frozen=True)
class Searched:
    """How long a search took, and the mean score of each mode."""

    seconds: float
    scores: Mapping[str, float]


def reviews_task(quick: bool, modes: list[str] = MODES) -> Task:
    data = clothing()
    n_rows = 200 if quick else 2_000
    return Task(
        data.train[:n_rows],
        data.y_train[:n_rows],
        ColumnRouter(),
        None,
        modes[:2] if quick else modes,
        folds=2 if quick else 5,
        epochs=1 if quick else 10,
        batch_size=32,
        scoring="roc_auc",
    )


def pictures_task(quick: bool) -> Task:
    data = emoji()
    n_rows = 300 if quick else len(data.train)
    drawn = np.random.default_rng(0).permutation(len(data.train))[:n_rows]
    modes = ["concat", "multiply", "gated"]
    return Task(
        data.train.iloc[drawn],
        np.unique(data.y_train[drawn], return_inverse=True)[1],
        ColumnRouter({"image": ImageEncoder(size=64)}),
        {"image": ConvBranch(filters=(8, 16), batch_normalization=False)},
        modes[:2] if quick else modes,
        folds=2 if quick else 3,
        epochs=1 if quick else 5,
        batch_size=32,
        scoring="accuracy",
    )


TASKS = {"reviews": reviews_task, "pictures": pictures_task}


def run_search(task_name: str, side: str, quick: bool) -> Searched:
    """Search in this process: ``"ready"`` or ``"frame"`` rows by ours, or by ``"scikeras"``."""
    task = TASKS[task_name](quick)
    warm_up()
    if side == "frame":
        pipeline = make_pipeline(task.router, _ours(task))
        return _search(task, pipeline, "mergednetclassifier__merge", task.frame)
    routed = task.router.fit_transform(task.frame)
    if side == "ready":
        return _search(task, _ours(task), "merge", routed)
    theirs, matrix = scikeras_classifier(
        routed, task.y, branches=task.branches, epochs=task.epochs, batch_size=task.batch_size
    )
    return _search(task, theirs, "model__merge", matrix)


def search(quick: bool) -> list[Row]:
    rows = _compare("reviews", quick, ["ready", "frame"])
    works = ["on routed rows", "routing in every fit, from the DataFrame"]
    # nothing is asked of the second: it routes, and scikeras is spared that
    musts: list[dict[str, float]] = [{"must": 6, "aim": 10}, {}]
    title = "search on clothing, 8 merge modes x 5 folds, 10 epochs"
    return [
        row_of_times(f"{title}, {work}", "scikeras, on routed rows", pairs, detail=detail, **must)
        for work, (pairs, detail), must in zip(works, rows, musts, strict=True)
    ]


def search_pictures(quick: bool) -> list[Row]:
    ((pairs, detail),) = _compare("pictures", quick, ["ready"])
    work = "search on emoji, 64 px, 3 merge modes x 3 folds, 5 epochs, on routed rows"
    return [row_of_times(work, "scikeras, on routed rows", pairs, detail=detail, must=2)]


def two_workers(quick: bool) -> list[Row]:
    """Search with one worker and with two, first with new workers and then again with the same."""
    task = reviews_task(quick, MODES[:4])
    warm_up()
    routed = task.router.fit_transform(task.frame)
    rows = []
    for workers in ("new workers", "the same workers again"):
        one, two = (
            _search(task, _ours(task), "merge", routed, n_jobs=n_jobs).seconds for n_jobs in (1, 2)
        )
        progress(f"n_jobs=2, {workers}", 1, 1, (two, one))
        work = f"search on clothing, 4 merge modes x 5 folds, n_jobs=2, {workers}"
        rows.append(row_of_times(work, "n_jobs=1", [(two, one)]))
    # workers wait for more for minutes, and this process would wait for them
    get_reusable_executor().shutdown()
    return rows


def _ours(task: Task) -> MergedNetClassifier:
    return MergedNetClassifier(
        branches=task.branches,
        epochs=task.epochs,
        batch_size=task.batch_size,
        early_stopping=False,
        normalize_features=False,
        learning_rate=None,
        random_state=0,
    )


def _search(
    task: Task, estimator: Any, parameter: str, X: Any, n_jobs: int | None = None
) -> Searched:
    grid = GridSearchCV(
        estimator,
        {parameter: task.modes},
        cv=StratifiedKFold(task.folds, shuffle=True, random_state=0),
        scoring=task.scoring,
        n_jobs=n_jobs,
        error_score="raise",
    )
    began = time.perf_counter()
    grid.fit(X, task.y)
    seconds = time.perf_counter() - began
    means = grid.cv_results_["mean_test_score"]
    scores = {
        parameters[parameter]: float(mean)
        for parameters, mean in zip(grid.cv_results_["params"], means, strict=True)
    }
    return Searched(seconds, scores)


def _compare(task: str, quick: bool, sides: list[str]) -> list[tuple[list, str]]:
    """Return for each side of ours the pairs of seconds, and what else there is to say."""
    runs: dict[str, list[Searched]] = {side: [] for side in [*sides, "scikeras"]}
    for side in [*sides, "scikeras", *sides]:
        runs[side].append(in_fresh_process(run_search, task, side, quick))
        print(f"search, {task}, {side}: {duration(runs[side][-1].seconds)}", flush=True)
    _print_scores({side: searched[0] for side, searched in runs.items()})
    (theirs,) = runs["scikeras"]
    score = {side: np.mean(list(searched[0].scores.values())) for side, searched in runs.items()}
    results = []
    for side in sides:
        pairs = [(run.seconds, theirs.seconds) for run in runs[side]]
        ours = " and ".join(duration(run.seconds) for run in runs[side])
        scores = f"mean score {score[side]:.3f} against {score['scikeras']:.3f}"
        results.append((pairs, f"{ours} against {duration(theirs.seconds)}; {scores}"))
    return results


def _print_scores(searched: dict[str, Searched]) -> None:
    print(f"{'mean score':<12}" + "".join(f"{side:>10}" for side in searched))
    for mode in next(iter(searched.values())).scores:
        scores = "".join(f"{run.scores[mode]:>10.4f}" for run in searched.values())
        print(f"{mode:<12}{scores}", flush=True)
