"""Fits the contenders of a task and scores them on its test part.

Enters: a `Task`, and which contenders and how many seeds are wanted. Leaves: a `Result` for each
contender, its scores, calibration errors and seconds by seed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from _datasets import Dataset
from _quality_baselines import LINEAR, baselines, linear_baseline
from _quality_scores import METRICS, calibration_error, outputs
from _quality_tasks import Task
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict

from skmerge import ColumnRouter, MergedNetClassifier, MergedNetRegressor

SKMERGE, ALONE, BASELINES = "skmerge", "alone", "baselines"
GROUPS = (SKMERGE, ALONE, BASELINES)


@dataclass
class Result:
    """What one contender reached: lists by seed, of one entry where seeds make no difference.

    ``scores`` are those of each metric by name, the main one first. ``calibration`` is empty for
    regressors.
    """

    contender: str
    scores: dict[str, list[float]] = field(default_factory=dict)
    calibration: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def main(self) -> list[float]:
        return next(iter(self.scores.values()))

    @property
    def spread(self) -> float | None:
        """Standard deviation of the main score over the seeds."""
        return float(np.std(self.main, ddof=1)) if len(self.main) > 1 else None

    def add(self, scores: dict[str, float], calibration: float | None, seconds: float) -> None:
        for name, score in scores.items():
            self.scores.setdefault(name, []).append(score)
        if calibration is not None:
            self.calibration.append(calibration)
        self.seconds.append(seconds)

    def __str__(self) -> str:
        means = [f"{name} {np.mean(scores):.4f}" for name, scores in self.scores.items()]
        if self.spread is not None:
            means[0] += f" ± {self.spread:.4f}"
        if self.calibration:
            means.append(f"ECE {np.mean(self.calibration):.4f}")
        return f"{self.contender}: {', '.join(means)}, {median(self.seconds):.1f} s"


def network(task: Task, seed: int) -> Any:
    """Return skmerge's estimator of the task as it is by default."""
    make = MergedNetRegressor if task.kind == "numbers" else MergedNetClassifier
    return make(random_state=seed)


def measure(task: Task, data: Dataset, groups: Any, n_seeds: int) -> Iterator[Result]:
    """Yield what each contender of the groups reaches."""
    if SKMERGE in groups:
        yield by_seed(SKMERGE, task, data, n_seeds)
    if ALONE in groups:
        # as compare_merges does: one router for all, so that only the network differs
        router = ColumnRouter().fit(data.train)
        train, test = router.transform(data.train), router.transform(data.test)
        for name in train.specs:
            routed = (train.select([name]), test.select([name]))
            yield by_seed(f"skmerge, {name} alone", task, data, n_seeds, rows=routed)
    if BASELINES in groups:
        for name, model in baselines(task, data.train).items():
            result = Result(name)
            fit_and_score(result, task, data, model, (data.train, data.test))
            yield result


def by_seed(
    name: str,
    task: Task,
    data: Dataset,
    n_seeds: int,
    *,
    rows: tuple[Any, Any] | None = None,
    changes: dict[str, Any] | None = None,
) -> Result:
    """Fit skmerge once per seed, on routed rows if given, with parameters changed if given."""
    result = Result(name)
    for seed in range(n_seeds):
        model = network(task, seed).set_params(**(changes or {}))
        fit_and_score(result, task, data, model, rows or (data.train, data.test))
    return result


def fit_and_score(
    result: Result, task: Task, data: Dataset, model: Any, rows: tuple[Any, Any]
) -> None:
    """Fit a model on the first of the rows and add what it reaches on the second."""
    train, test = rows
    began = time.perf_counter()
    model.fit(train, data.y_train)
    seconds = time.perf_counter() - began
    predicted, classes = outputs(model, test), getattr(model, "classes_", None)
    scores = {name: float(METRICS[name](data.y_test, predicted, classes)) for name in task.metrics}
    calibration = None
    if task.kind != "numbers":
        calibration = calibration_error(data.y_test, predicted, classes)
    result.add(scores, calibration, seconds)


def measure_folds(task: Task, data: Dataset, n_repeats: int) -> Iterator[Result]:
    """Yield R2 of skmerge and of ridge on the one-hot table, 10-fold on all rows, repeated.

    R2 is that of the predictions of all folds together: parts of so small a set have too few rows
    for one of their own.
    """
    frame = pd.concat([data.train, data.test])
    y = np.concatenate([data.y_train, data.y_test])
    contenders: dict[str, Callable[[int], Any]] = {
        f"{LINEAR} on the table": lambda seed: linear_baseline(task, frame),
        SKMERGE: lambda seed: network(task, seed),
    }
    for name, make in contenders.items():
        result = Result(name)
        for repeat in range(n_repeats):
            folds = KFold(10, shuffle=True, random_state=repeat)
            began = time.perf_counter()
            predicted = cross_val_predict(make(repeat), frame, y, cv=folds)
            seconds = (time.perf_counter() - began) / 10
            result.add({"R2": r2_score(y, predicted)}, None, seconds)
        yield result
